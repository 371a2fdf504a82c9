/* money_move.c - contract in money_move.h. */
#include "ledger/money_move.h"

static const struct money_move moves[] = {
    [MONEY_DEPOSIT] = {LEDGER_HOUSE_CASH, LEDGER_AVAILABLE, true, false},
    [MONEY_WITHDRAWAL] = {LEDGER_AVAILABLE, LEDGER_HOUSE_CASH, false, false},
    [MONEY_GRANT_FREE] = {LEDGER_HOUSE_PROMO, LEDGER_FREE, true, true},
    [MONEY_GRANT_BONUS] = {LEDGER_HOUSE_PROMO, LEDGER_BONUS, true, true},
    [MONEY_FORFEIT_FREE] = {LEDGER_FREE, LEDGER_HOUSE_PROMO, false, true},
    [MONEY_FORFEIT_BONUS] = {LEDGER_BONUS, LEDGER_HOUSE_PROMO, false, true},
    [MONEY_BONUS_TO_CASH] = {LEDGER_BONUS, LEDGER_AVAILABLE, false, true},
    [MONEY_WRITE_OFF] = {LEDGER_HOUSE_RESULT, LEDGER_AVAILABLE, false, true},
};

bool money_move_of(unsigned kind, struct money_move *ret)
{
    if (!money_move_known(kind))
        return false;
    *ret = moves[kind];
    return true;
}

bool money_move_known(unsigned kind)
{
    return kind >= MONEY_DEPOSIT && kind < sizeof moves / sizeof *moves;
}

static bool of_house(enum ledger_account kind)
{
    return kind == LEDGER_HOUSE_CASH || kind == LEDGER_HOUSE_PROMO || kind == LEDGER_HOUSE_RESULT;
}

static struct record_posting posting(enum ledger_account kind, uint32_t account,
                                     struct money amount, int sign)
{
    return (struct record_posting){of_house(kind) ? 0 : account, (uint16_t)kind,
                                   amount.currency.iso, sign * amount.minor};
}

/* The customer's side stands first; of two of a customer's the one that gets it. */
void money_move_postings(const struct money_move *move, uint32_t account, struct money amount,
                         struct record_posting ret[MONEY_POSTINGS])
{
    int first = of_house(move->to) ? 1 : 0;
    ret[first] = posting(move->to, account, amount, 1);
    ret[1 - first] = posting(move->from, account, amount, -1);
}

int64_t money_move_available(const struct money_move *move, int64_t amount)
{
    if (move->to == LEDGER_AVAILABLE)
        return amount;
    return move->from == LEDGER_AVAILABLE ? -amount : 0;
}
