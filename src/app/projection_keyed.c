/* projection_keyed.c - contract in projection_keyed.h. */
#include "app/projection_keyed.h"

#include "base/error.h"
#include "ledger/bet_rows.h"

static int compare(struct projection_keyed *keyed, const struct projection_rows *rows,
                   uint64_t *same)
{
    keyed->other.ahead = 0;
    int result = keyed->store->ops->compare(keyed->store, rows, &keyed->other);
    if (result != 0)
        return result;
    *same += rows->count - keyed->other.ahead;
    keyed->ahead += keyed->other.ahead;
    keyed->waiting = 0;
    return 0;
}

int projection_keyed_end_bets(struct projection_keyed *keyed)
{
    const struct projection_rows rows = {
        .bets = keyed->bets, .count = keyed->waiting, .seq_last = keyed->seq_last};
    return compare(keyed, &rows, &keyed->bets_same);
}

int projection_keyed_put(struct projection_keyed *keyed, const struct bet_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keyed->waiting == PROJECTION_COMPARE_MAX) {
            int result = projection_keyed_end_bets(keyed);
            if (result != 0)
                return result;
        }
        keyed->bets[keyed->waiting++] = rows[i];
    }
    return 0;
}

static int end_balances(struct projection_keyed *keyed)
{
    const struct projection_rows rows = {
        .balances = keyed->balances, .count = keyed->waiting, .seq_last = keyed->seq_last};
    return compare(keyed, &rows, &keyed->balances_same);
}

int projection_keyed_balances(struct projection_keyed *keyed, const struct shard_state *state)
{
    for (uint32_t i = 1; i <= shard_state_accounts_count(state); i++) {
        const struct balance_row row = balance_row_of(state, i);
        if (row.currency.iso == 0 || row.moved_seq == 0)
            continue;
        if (keyed->waiting == PROJECTION_COMPARE_MAX) {
            int result = end_balances(keyed);
            if (result != 0)
                return result;
        }
        keyed->balances[keyed->waiting++] = row;
    }
    return end_balances(keyed);
}
