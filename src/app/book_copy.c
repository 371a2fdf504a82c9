/* book_copy.c - contract in book_copy.h. */
#include "app/book_copy.h"

#include "app/book_internal.h"
#include "base/assert.h"

void book_adopt(struct book *book, struct shard_state **state)
{
    ASSERT(book->commit == NULL);
    shard_state_free(book->state);
    book->state = *state;
    book->adopted = true;
    *state = NULL;
}

void book_pause(struct book *book, const char *limit)
{
    book->paused = limit;
    if (limit != NULL && !book_stopped(book))
        commit_tell_waiting(book->commit);
}

const char *book_paused(const struct book *book)
{
    return book->paused;
}

void book_odds_end(const struct book *book, uint32_t *ret_epoch, uint64_t *ret_position)
{
    *ret_epoch = book->odds_epoch;
    *ret_position = book->odds_position;
}
