/* conn_handle.h - a connection by value: it can be kept for ever and never dangles, because the
 * generation tells the connection from a later one in the same place. */
#pragma once

#include <stdint.h>

struct conn_handle {
    uint32_t index;
    uint32_t generation; /* 0 is never valid */
};
