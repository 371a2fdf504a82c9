/* totals_files.h - the sink of the role `analytics-service`: what was staked on each market and
 * paid (roles/analytics/market_totals.h), in a folder that the members of its group share, one file
 * a partition. A file is replaced whole before its events are committed, and only by who wrote or
 * read it last: so each event is counted once, whichever members are killed when. Thread: the
 * consumer's, but for the metrics. */
#pragma once

#include "app/event_consumer.h"
#include "base/buf.h"
#include "base/metrics.h"

struct totals_files;

/* Borrows the texts until free; makes the folder where it is missing. 0, -ERR_MEMORY, or
 * -ERR_CONFIG with a sentence in `why`. */
int totals_files_new(const char *folder, const char *topic, struct totals_files **ret_files,
                     struct buf *why);
void totals_files_free(struct totals_files *files); /* accepts NULL */
struct event_sink *totals_files_sink(struct totals_files *files);
/* 0 or -ERR_LIMIT. */
int totals_files_register_metrics(struct totals_files *files, struct metrics *metrics);
