/* cash_out.h - what a running bet is worth now, and what is offered for it. Source:
 * BETTING-RULES 4.8.
 *
 * Fair is the expectation of the return: settled legs count with their factor, open ones with
 * the price taken and their present chances, half outcomes weighted; over lines of a system the
 * same sum as in core/bet_return.h, because legs are independent (related ones are refused). The
 * offer is fair * (1 - margin), rounded once; ROUND_DOWN favours the book. For a free bet only
 * winnings are counted. The caller caps the offer, gives it an id, a price version and an end.
 *
 * In part: pay f of the offer and go on with a bet that is equal but for its stake, stake - part;
 * its stake is then any whole number, not a multiple of the lines, and settles exactly.
 *
 * An acceptance names an amount and how much worse the customer takes; an offer that has become
 * better is paid as it is now. Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/bet.h"
#include "core/money.h"

#define CASH_OUT_WHOLE 10000u /* a margin of 5 % is 500 */

/* The bet is valid, margin_permyriad <= CASH_OUT_WHOLE. False, *ret not written, when the offer is
 * above MONEY_MINOR_MAX. */
bool cash_out_offer(const struct bet *bet, uint32_t margin_permyriad, enum rounding rounding,
                    struct money *ret);

/* The least that is paid to who accepted `amount` (1 .. MONEY_MINOR_MAX) with a tolerance of at
 * most CASH_OUT_WHOLE: amount * (1 - tolerance), rounded up. */
int64_t cash_out_least(int64_t amount, uint32_t tolerance_permyriad);
