/* provider_board.c - contract in provider_board.h. */
#include "roles/odds/provider_board.h"

#include "roles/odds/odds_service.h"

static bool is_of(const struct provider_row *row, struct slice provider)
{
    return slice_equal(slice_of(row->id, row->id_bytes), provider);
}

/* The name is there before the row counts. */
static struct provider_row *add_row(struct provider_board *board, struct slice provider)
{
    size_t count = atomic_load_explicit(&board->count, memory_order_relaxed);
    if (count == PROVIDER_BOARD_ROWS || provider.bytes > PROVIDER_ID_BYTES_MAX)
        return NULL;
    struct provider_row *row = &board->rows[count];
    memcpy(row->id, provider.at, provider.bytes);
    row->id_bytes = (uint8_t)provider.bytes;
    return row;
}

static struct provider_row *find_row(struct provider_board *board, struct slice provider,
                                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_of(&board->rows[i], provider))
            return &board->rows[i];
    return NULL;
}

void provider_board_show(struct provider_board *board, struct slice provider, int64_t heard_us,
                         int64_t holds_till_us)
{
    size_t count = atomic_load_explicit(&board->count, memory_order_relaxed);
    struct provider_row *row = find_row(board, provider, count);
    bool is_new = row == NULL;
    if (is_new)
        row = add_row(board, provider);
    if (row == NULL)
        return;
    atomic_store_explicit(&row->heard_us, heard_us, memory_order_relaxed);
    atomic_store_explicit(&row->holds_till_us, holds_till_us, memory_order_relaxed);
    if (is_new)
        atomic_store_explicit(&board->count, count + 1, memory_order_release);
}

int64_t provider_board_silence_us(const struct provider_board *board, struct slice provider,
                                  int64_t now_us)
{
    size_t count = atomic_load_explicit(&board->count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        const struct provider_row *row = &board->rows[i];
        if (!is_of(row, provider))
            continue;
        int64_t silent_us = now_us - atomic_load_explicit(&row->heard_us, memory_order_relaxed);
        if (now_us <= atomic_load_explicit(&row->holds_till_us, memory_order_relaxed))
            return ODDS_PROVIDER_ALIVE;
        return silent_us > 0 ? silent_us : 0; /* this turn of ours began before the book's */
    }
    return ODDS_PROVIDER_UNKNOWN;
}
