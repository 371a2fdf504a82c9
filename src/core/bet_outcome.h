/* bet_outcome.h - every answer to a bet, a cash-out and a movement of money: its name, its number
 * in the ledger, its HTTP status. In which order refusals apply stands in bet_decide.h, ticket.h
 * and docs/PROTOCOL.md. Thread: any. */
#pragma once

/* X(code, number, HTTP status): stored in records by number, so a number is never reused. */
#define BET_OUTCOME_LIST(X)                                                                        \
    X(PLACED, 1, 201)                                                                              \
    X(PENDING, 2, 202)                                                                             \
    X(MARKET_SUSPENDED, 10, 409)                                                                   \
    X(MARKET_CLOSED, 11, 409)                                                                      \
    X(UNKNOWN_SELECTION, 12, 422)                                                                  \
    X(ODDS_CHANGED, 13, 409)                                                                       \
    X(STAKE_LIMIT, 14, 422)                                                                        \
    X(INSUFFICIENT_BALANCE, 15, 400)                                                               \
    X(CURRENCY_MISMATCH, 16, 422)                                                                  \
    X(UNSUPPORTED_BET_TYPE, 17, 422)                                                               \
    X(AMOUNT_LIMIT, 18, 422)                                                                       \
    X(RELATED_LEGS, 19, 422)                                                                       \
    X(LIABILITY_LIMIT, 20, 422)                                                                    \
    X(LEGS_LIMIT, 21, 422)                                                                         \
    X(LINES_LIMIT, 22, 422)                                                                        \
    X(ODDS_LIMIT, 23, 422)                                                                         \
    X(SCORE_CHANGED, 24, 409)                                                                      \
    X(REFERRAL_TIMEOUT, 25, 409)                                                                   \
    X(RE_OFFERED, 26, 409)                                                                         \
    X(NOT_ACCEPTED_BY_TRADER, 27, 409)                                                             \
    X(NO_PLACE_TERMS, 28, 422)                                                                     \
    X(OFFER_EXPIRED, 30, 409)                                                                      \
    X(CASH_OUT_CHANGED, 31, 409)                                                                   \
    X(CASH_OUT_UNAVAILABLE, 32, 409)                                                               \
    X(CASH_OUT_LIMIT, 33, 422)                                                                     \
    X(CASH_OUT_PENDING, 34, 409)                                                                   \
    X(EACH_WAY_ONLY, 35, 422)

#define BET_OUTCOME_ENUM(code, number, http) BET_##code = number,
enum bet_outcome { BET_OUTCOME_LIST(BET_OUTCOME_ENUM) };
#undef BET_OUTCOME_ENUM

/* The wire name ("ODDS_CHANGED"), and the HTTP status that answers it; NULL and 0 for a number
 * that is no outcome. */
const char *bet_outcome_text(enum bet_outcome outcome);
int bet_outcome_http(enum bet_outcome outcome);
