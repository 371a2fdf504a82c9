/* bet_outcome.c - contract in bet_outcome.h. */
#include "core/bet_outcome.h"

#include <stddef.h>

const char *bet_outcome_text(enum bet_outcome outcome)
{
    switch (outcome) {
#define CASE(code, number, http)                                                                   \
    case BET_##code:                                                                               \
        return #code;
        BET_OUTCOME_LIST(CASE)
#undef CASE
    }
    return NULL;
}

int bet_outcome_http(enum bet_outcome outcome)
{
    switch (outcome) {
#define CASE(code, number, http)                                                                   \
    case BET_##code:                                                                               \
        return http;
        BET_OUTCOME_LIST(CASE)
#undef CASE
    }
    return 0;
}
