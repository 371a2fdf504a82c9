/* cash_out_offer.c - contract in cash_out_offer.h. SipHash-128 under a random key is a code that
 * nobody else can make (base/hash.h). */
#include "app/cash_out_offer.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

#define TERMS_BYTES (5 * sizeof(uint64_t))

struct sealed {
    struct cash_out_terms terms;
    struct hash128 code;
};
_Static_assert(sizeof(struct cash_out_terms) == TERMS_BYTES, "no padding");
_Static_assert(BASE64_URL_BYTES(sizeof(struct sealed)) == CASH_OUT_OFFER_BYTES, "no padding");

void cash_out_offer_write(struct buf *out, const uint64_t key[2],
                          const struct cash_out_terms *terms)
{
    const struct sealed sealed = {*terms, siphash128(key, terms, sizeof *terms)};
    base64_write_url(out, slice_of(&sealed, sizeof sealed));
}

bool cash_out_offer_read(struct slice text, const uint64_t key[2], struct cash_out_terms *ret)
{
    char memory[sizeof(struct sealed)];
    struct buf bytes = buf_over(memory, sizeof memory);
    struct sealed sealed;
    if (text.bytes != CASH_OUT_OFFER_BYTES || base64_read_url(text, &bytes) < 0)
        return false;
    ASSERT(bytes.bytes == sizeof sealed);
    memcpy(&sealed, memory, sizeof sealed);
    struct hash128 code = siphash128(key, &sealed.terms, sizeof sealed.terms);
    if (((code.low ^ sealed.code.low) | (code.high ^ sealed.code.high)) != 0)
        return false;
    *ret = sealed.terms;
    return true;
}
