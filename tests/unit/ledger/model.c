/* model.c - contract in model.h. */
#include "model.h"

int64_t model_return(int64_t stake, int64_t over, int64_t under, struct model_result r,
                     int rounding)
{
    /* stake * (v + (1 - v) * w * d * o), everything over 2 * n * under */
    __int128 whole = 2 * (__int128)r.tie_of * under;
    __int128 share = (__int128)r.void_halves * r.tie_of * under;
    if (r.won)
        share += (__int128)(2 - r.void_halves) * over;
    __int128 units = stake * share, paid = 0;
    paid = units / whole;
    __int128 twice = (units - paid * whole) * 2;
    if (rounding == 2 && twice >= whole)
        paid++;
    if (rounding == 3 && (twice > whole || (twice == whole && paid % 2 != 0)))
        paid++;
    return (int64_t)paid;
}

void model_cash(struct model *m, int user, int64_t change)
{
    m->available[user] += change;
    m->cash -= change;
}

void model_place(struct model *m, const struct model_bet *bet)
{
    m->bets[m->bets_count++] = *bet;
    m->available[bet->user] -= bet->stake;
    m->open_bets[bet->user]++;
    if (bet->state == MODEL_PENDING)
        m->held[bet->user] += bet->stake;
    else
        m->stakes += bet->stake;
}

void model_accept(struct model *m, int index, int64_t over, int64_t under)
{
    struct model_bet *bet = &m->bets[index];
    bet->state = MODEL_OPEN;
    bet->odds_over = over;
    bet->odds_under = under;
    m->held[bet->user] -= bet->stake;
    m->stakes += bet->stake;
}

void model_give_back(struct model *m, int index)
{
    struct model_bet *bet = &m->bets[index];
    bet->state = MODEL_NOT_ACCEPTED;
    m->held[bet->user] -= bet->stake;
    m->available[bet->user] += bet->stake;
    m->open_bets[bet->user]--;
}

void model_pay(struct model *m, int index)
{
    struct model_bet *bet = &m->bets[index];
    bet->paid_by = m->results[bet->market][bet->runner];
    bet->paid =
        model_return(bet->stake, bet->odds_over, bet->odds_under, bet->paid_by, bet->rounding);
    bet->state = MODEL_PAID;
    bet->payments++;
    m->stakes -= bet->stake;
    m->available[bet->user] += bet->paid;
    m->result += bet->stake - bet->paid;
    m->open_bets[bet->user]--;
}

void model_take_back(struct model *m, int index)
{
    struct model_bet *bet = &m->bets[index];
    m->available[bet->user] -= bet->paid;
    m->result -= bet->stake - bet->paid;
    m->stakes += bet->stake;
    m->open_bets[bet->user]++;
    bet->state = MODEL_OPEN;
    bet->paid = 0;
}

int64_t model_value(const struct model_bet *bet, int64_t part)
{
    __int128 top = (__int128)part * bet->odds_over * 476190476 * 95;
    return (int64_t)(top / ((__int128)bet->odds_under * 1000000000 * 100));
}

void model_buy_back(struct model *m, int index, int64_t part)
{
    struct model_bet *bet = &m->bets[index];
    int64_t value = model_value(bet, part);
    m->available[bet->user] += value;
    m->stakes -= part;
    m->result += part - value;
    bet->stake -= part;
    bet->buys++;
    if (bet->stake > 0)
        return;
    bet->state = MODEL_BOUGHT_BACK;
    m->open_bets[bet->user]--;
}
