/* schema_watch.h - asks a registry of schemas, if there is one, whether what this program writes or
 * reads fits what others do (adapters/registry/schema_registry.h, docs/decisions/0020-schemas.md).
 *
 * A thread of its own asks, so that nobody waits for a registry but a topic's thread at its start,
 * for one answer or one failure. What fits is not asked again; a refusal is, every
 * SCHEMA_AGAIN_US; a registry that is away is asked again after 0.1 s, doubling to 10 s, and
 * meanwhile the topic goes on with the schema that is built in. Thread: the main one, but for what
 * says otherwise. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "adapters/registry/schema_registry.h"
#include "base/metrics.h"

#define SCHEMA_AGAIN_US   10000000
#define SCHEMA_TOPICS_MAX 2

struct schema_watch_options {
    const char *url;  /* of the API's root, http:// or https://; NULL: nobody is asked */
    const char *ca;   /* who vouches for it; NULL: the system */
    const char *auth; /* a file of one line: the value of the header Authorization; or NULL */
};

enum schema_verdict {
    SCHEMA_ASKED = 0, /* no answer yet, and no failure */
    SCHEMA_UNKNOWN,   /* nobody answers, or nobody has registered any: go on */
    SCHEMA_FITS,
    SCHEMA_REFUSED,
};

/* One topic. */
struct schema_topic {
    const char *topic;
    uint32_t verdict; /* atomic: an enum schema_verdict */
    /* Written by the watch's thread alone. */
    int64_t next_us, away_us;
    struct metrics_gauge id, refused, away;
};

/* All zero at first. */
struct schema_watch {
    struct schema_topic topics[SCHEMA_TOPICS_MAX];
    size_t topics_count;
    bool registers;
    struct schema_registry *registry; /* owned */
    pthread_t thread;
    bool running;
    uint32_t stop; /* atomic */
    struct metrics_counter questions, failures;
    char authorization[SCHEMA_REGISTRY_AUTH_BYTES_MAX + 1];
};

/* A topic of docs/events, found or, before the start, added. NULL: there is no registry. Borrowed
 * until stop. */
struct schema_topic *schema_watch_topic(struct schema_watch *watch,
                                        const struct schema_watch_options *options,
                                        const char *topic);
/* Begins to ask, for who writes (`registers`) or who reads only. Without a registry it does
 * nothing. 0; -ERR_CONFIG with a sentence in `why`; or another error. */
int schema_watch_start(struct schema_watch *watch, const struct schema_watch_options *options,
                       bool registers, struct buf *why);
/* Ends the thread, within WEB_REQUEST_MS_MAX where a registry is silent. Accepts one that was never
 * started. */
void schema_watch_stop(struct schema_watch *watch);
/* Of the topics so far. 0 or -ERR_LIMIT. */
int schema_watch_register_metrics(struct schema_watch *watch, struct metrics *metrics);

/* NULL: nobody is asked, and it fits. Any thread. */
enum schema_verdict schema_topic_verdict(const struct schema_topic *topic);
/* The registry's number of the schema, or 0. Any thread. */
int64_t schema_topic_id(const struct schema_topic *topic);
