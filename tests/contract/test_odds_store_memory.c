/* test_odds_store_memory.c - the odds_store contract in memory of the process. */
#include <stdlib.h>

#include "adapters/embedded/odds_store_memory.h"
#include "odds_store_contract.h"

static void subject_free(struct store_subject *subject)
{
    subject->written->ops->free(subject->written);
    free(subject);
}

static struct store_subject *subject_new(void)
{
    const uint64_t key[2] = {1, 2};
    struct store_subject *subject = calloc(1, sizeof *subject);
    assert_non_null(subject);
    subject->free = subject_free;
    assert_int_equal(odds_store_memory_new(STORE_MARKETS_MAX, key, &subject->written), 0);
    subject->read = subject->written;
    return subject;
}

ODDS_STORE_CONTRACT(odds_store_memory, subject_new)
