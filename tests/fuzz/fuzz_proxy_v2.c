/* fuzz_proxy_v2.c - PROXY headers: any split of the bytes gives the same outcome, nothing is read
 * behind the header, and what is asked for is never more than what is allowed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream/proxy_v2.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static void check(int good)
{
    if (!good)
        abort();
}

/* In memory of its own, so that a byte read too far is seen. */
static enum proxy_outcome read_exactly(const uint8_t *at, size_t bytes, size_t *ret_bytes,
                                       struct proxy_client *ret_client)
{
    char *copy = malloc(bytes + (bytes == 0));
    if (bytes > 0)
        memcpy(copy, at, bytes);
    enum proxy_outcome outcome =
        proxy_v2_read(slice_of(copy, bytes), PROXY_HEADER_BYTES_MAX, ret_bytes, ret_client);
    free(copy);
    return outcome;
}

static int is_same(const struct proxy_client *one, const struct proxy_client *other)
{
    return one->known == other->known && one->address.port == other->address.port &&
           memcmp(one->address.ip, other->address.ip, sizeof one->address.ip) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct proxy_client whole = {0}, client = {0};
    size_t wanted = 0, have = 0;
    enum proxy_outcome outcome = read_exactly(at, bytes, &wanted, &whole);
    size_t taken = wanted;
    check(outcome != PROXY_OK || (wanted >= PROXY_V2_FIXED_BYTES && wanted <= bytes));
    check(outcome != PROXY_MORE || (wanted > bytes && wanted <= PROXY_HEADER_BYTES_MAX));
    /* As a connection does it: never more than was asked for, and what there is of it. */
    enum proxy_outcome step = read_exactly(at, 0, &wanted, &client);
    while (step == PROXY_MORE && have < bytes) {
        check(wanted > have);
        have = wanted < bytes ? wanted : bytes;
        step = read_exactly(at, have, &wanted, &client);
    }
    check(step == outcome);
    check(outcome != PROXY_OK || (have == taken && is_same(&client, &whole)));
    return 0;
}
