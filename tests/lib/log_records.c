/* log_records.c - contract in log_records.h. */
#include "log_records.h"

#include <string.h>

#include "base/assert.h"
#include "base/prng.h"
#include "ledger/record.h"

void log_record_make(char *at, uint32_t bytes, uint64_t seq, uint64_t generation)
{
    ASSERT(bytes % 8 == 0);
    ASSERT(bytes >= LOG_RECORD_BYTES_MIN);
    struct record_head head = {.bytes = bytes, .seq = seq};
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, &generation, sizeof generation);
    struct prng prng;
    prng_seed(&prng, seq * 1000003 + generation);
    for (uint32_t i = sizeof head + 8; i < bytes; i += 8) {
        uint64_t word = prng_next(&prng);
        memcpy(at + i, &word, sizeof word);
    }
}

bool log_record_is(const char *at, size_t bytes, uint64_t *ret_seq, uint64_t *ret_generation)
{
    static _Thread_local char expected[64 * 1024];
    struct record_head head;
    if (bytes < LOG_RECORD_BYTES_MIN || bytes > sizeof expected || bytes % 8 != 0)
        return false;
    memcpy(&head, at, sizeof head);
    memcpy(ret_generation, at + sizeof head, sizeof *ret_generation);
    log_record_make(expected, (uint32_t)bytes, head.seq, *ret_generation);
    *ret_seq = head.seq;
    return memcmp(expected, at, bytes) == 0;
}

size_t log_records_make(char *at, uint32_t bytes, uint64_t seq_first, uint32_t count,
                        uint64_t generation)
{
    for (uint32_t i = 0; i < count; i++)
        log_record_make(at + (size_t)i * bytes, bytes, seq_first + i, generation);
    return (size_t)count * bytes;
}
