/* dead_heat.h - what a place that several share pays: stake * places left / number tied * odds.
 * Source: BETTING-RULES 4.2. It is the winning stake that shrinks, not the profit. Each tie of a
 * race stands for itself, and each market sees it with its own number of places: two who tie for
 * first share a win market, and are both placed whole in a market of two places. Pure; thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/settle.h"

/* A runner that shares `position` (1 is first) with `tied` runners, itself counted, where the first
 * `places` are paid: WON when all of them fit, LOST when none does, else a dead heat of
 * places left / tied. False, and *ret not written, when a number is 0 or tied is above
 * DEAD_HEAT_TERM_MAX: no such result can be. */
bool dead_heat_result(uint32_t position, uint32_t tied, uint32_t places, struct leg_result *ret);
