/* event_batch.h - events in memory, in their order: what one piece of a log came to
 * (ports/event_stream.h). The room for a batch is taken at once, and costs only what was ever
 * written to it. Thread: one user. */
#pragma once

#include "ports/event_stream.h"

/* One step of a source reads whole groups of its log, and JSON is a few times as long as a record:
 * so much fits whatever a step of EVENT_STEP_BYTES comes to. */
#define EVENT_STEP_BYTES     ((size_t)64 << 10) /* of log */
#define EVENT_STEP_BYTES_MAX ((size_t)16 << 20) /* of events */

struct event_batch;

/* 0 or -ERR_MEMORY. */
int event_batch_new(size_t capacity, struct event_batch **ret_batch);
void event_batch_free(struct event_batch *batch); /* accepts NULL */
void event_batch_empty(struct event_batch *batch);
/* Copies the event behind the others; an event_visit. 0, or -ERR_LIMIT: there is no room. */
int event_batch_put(void *batch, const struct event *event);
/* The event at byte *at, from 0 on, and moves on to the next. Its texts are the batch's. False:
 * there are no more. */
bool event_batch_next(const struct event_batch *batch, size_t *at, struct event *ret_event);
/* Of what is in it: bytes of memory, and events. */
size_t event_batch_bytes(const struct event_batch *batch);
uint64_t event_batch_count(const struct event_batch *batch);
