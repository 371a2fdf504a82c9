/* uof_recovery.h - which recovery of which producer is to be asked for, and when (FORMATS 2.9).
 *
 * A producer that is down is asked for what it sent since the newest alive up to which all was
 * heard, or, where that is unknown or older than the window, since the window began. Not before an
 * alive of it was heard since: without one such requests fail, and are counted against us. A
 * request that failed, and one that the producer does not know of (it still says that it lost us),
 * is made again after UOF_RECOVERY_PAUSE_US; one that runs, after UOF_RECOVERY_RUN_US; one that a
 * further loss has overtaken, as soon as the pause is over. Pure. Thread: one loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "feeds/uof/uof_producers.h"

#define UOF_RECOVERY_PAUSE_US  (INT64_C(30) * US_PER_SECOND) /* least, between two of a producer */
#define UOF_RECOVERY_RUN_US    (INT64_C(1200) * US_PER_SECOND)
#define UOF_RECOVERY_URL_BYTES 1024

struct uof_recovery_row {
    uint16_t number;  /* of the producer */
    struct slice api; /* its API's URL, "https://api.example/v1/liveodds/"; borrowed */
    int64_t asked_us; /* INT64_MIN: never */
    bool failed;      /* the newest request was not taken */
};

struct uof_recovery {
    struct uof_recovery_row rows[UOF_PRODUCERS_MAX];
    uint32_t count;
    int64_t node_id; /* 0: none is sent */
    int64_t window_ms;
    uint64_t request_id; /* of the newest request; begins where no other process of ours does */
};

/* "1=URL 3=URL": adds the rows. Each is http:// or https:// and ends with /. 0; -ERR_CONFIG with a
 * sentence, which has no URL. */
int uof_recovery_parse(struct uof_recovery *recovery, struct slice text, struct buf *why);

/* A request that is due now for `producer`, which has a row: writes its URL to `url`, ended by a
 * zero, and its id. False: none is. */
bool uof_recovery_next(struct uof_recovery *recovery, const struct uof_producer *producer,
                       int64_t now_us, int64_t wall_ms, struct buf *url);
/* The row of the producer, or NULL. */
struct uof_recovery_row *uof_recovery_row(struct uof_recovery *recovery, uint16_t number);
