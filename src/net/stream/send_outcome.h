/* send_outcome.h - what became of a piece that was offered to a bounded outbox. */
#pragma once

#include <stdbool.h>

enum send_outcome {
    SEND_OK = 0,  /* queued; goes out at the end of the turn */
    SEND_LAGGING, /* queued, and the queue is above outbox_high_bytes: conflate until on_drained */
    SEND_LATE,    /* the same, and what is queued has waited for outbox_ms_max: the peer is slow */
    SEND_FULL,    /* not queued: outbox_bytes_max is reached and the connection is being closed */
    SEND_GONE,    /* not queued: the connection is closed or closing */
};

static inline bool send_is_queued(enum send_outcome outcome)
{
    return outcome <= SEND_LATE;
}
