/* dead_heat.c - contract in dead_heat.h. */
#include "core/dead_heat.h"

bool dead_heat_result(uint32_t position, uint32_t tied, uint32_t places, struct leg_result *ret)
{
    if (position == 0 || tied == 0 || places == 0 || tied > DEAD_HEAT_TERM_MAX)
        return false;
    uint32_t left = position > places ? 0 : places - position + 1;
    if (left == 0)
        *ret = LEG_LOST;
    else if (left >= tied)
        *ret = LEG_WON;
    else
        *ret = (struct leg_result){true, 0, (uint16_t)left, (uint16_t)tied};
    return true;
}
