/* cycles.c - contract in cycles.h. */
#include "base/cycles.h"

_Thread_local struct cycles *cycles_meter;

void cycles_begin(struct cycles *meter)
{
    if (meter != NULL)
        *meter = (struct cycles){.since = cycles_now()};
    cycles_meter = meter;
}
