/* model.h - a slow second opinion on money: wallets, bets and house accounts in plain arrays,
 * written from docs/LEDGER.md and BETTING-RULES 4.1 and not from the fold. It shares no code
 * with src/ledger and src/core but the names of enums. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MODEL_USERS   6
#define MODEL_MARKETS 5
#define MODEL_RUNNERS 3
#define MODEL_BETS    20000

enum model_bet_state {
    MODEL_PENDING = 1,
    MODEL_OPEN,
    MODEL_PAID,
    MODEL_NOT_ACCEPTED,
    MODEL_BOUGHT_BACK
};

/* A result: halves of the stake that are void, and if the rest won, in which share of a tie. */
struct model_result {
    int known, won, void_halves, tie_of; /* tie_of n: d = 1/n */
};

struct model_bet {
    enum model_bet_state state;
    int user, market, runner;
    int64_t stake, paid;
    int64_t odds_over, odds_under; /* the price as a fraction */
    int rounding;                  /* 1 down, 2 half up, 3 half to even */
    int payments, buys;
    int stops_before; /* of its market, when it was asked for */
    struct model_result paid_by;
};

struct model {
    int64_t available[MODEL_USERS], held[MODEL_USERS], open_bets[MODEL_USERS];
    int64_t cash, stakes, result;
    struct model_bet bets[MODEL_BETS];
    int bets_count;
    bool stopped[MODEL_MARKETS];    /* by a fence */
    int stops_count[MODEL_MARKETS]; /* how often */
    int results_count[MODEL_MARKETS];
    struct model_result results[MODEL_MARKETS][MODEL_RUNNERS];
};

/* What a stake returns; rounded once. */
int64_t model_return(int64_t stake, int64_t over, int64_t under, struct model_result result,
                     int rounding);

void model_cash(struct model *model, int user, int64_t change);
void model_place(struct model *model, const struct model_bet *bet);
void model_accept(struct model *model, int bet, int64_t over, int64_t under);
void model_give_back(struct model *model, int bet);
void model_pay(struct model *model, int bet);
/* At 2.00 in a book of 105 %, a margin of 5 %: what a part of the stake is bought back for. */
int64_t model_value(const struct model_bet *bet, int64_t part);
void model_buy_back(struct model *model, int bet, int64_t part);
void model_take_back(struct model *model, int bet);
