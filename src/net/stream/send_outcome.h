/* send_outcome.h - what became of a piece that was offered to a bounded outbox. */
#pragma once

enum send_outcome {
    SEND_OK = 0,  /* queued; goes out at the end of the turn */
    SEND_LAGGING, /* queued, and the queue is above outbox_high_bytes: conflate until on_drained */
    SEND_FULL,    /* not queued: outbox_bytes_max is reached and the connection is being closed */
    SEND_GONE,    /* not queued: the connection is closed or closing */
};
