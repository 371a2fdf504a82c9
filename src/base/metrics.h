/* metrics.h - counters, gauges and histograms, and their text for Prometheus (exposition
 * format 0.0.4).
 *
 * The numbers live in the structs of whoever counts; the registry only points at them, so
 * counting is an add and no look-up. Everything is registered at start. A number has one
 * writing thread (plain functions) or several (functions _shared); any thread may read it in
 * metrics_write, because all accesses are relaxed atomics. A histogram read while it is
 * written may be a record apart from its sum.
 * Where several threads do the same work, each has numbers of its own and registers them as a part:
 * what is written out is the sum.
 * Names end in the unit: overround_push_latency_seconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define METRICS_BUCKETS_MAX   24
#define METRICS_REFRESHES_MAX 8

/* What is written for one number. All texts are borrowed for ever (literals). */
struct metrics_name {
    const char *name;   /* [a-zA-Z_:][a-zA-Z0-9_:]*; the same name may come with other labels */
    const char *help;   /* one line; taken from the first of a name */
    const char *labels; /* preformatted: verdict="ODDS_CHANGED"; or NULL */
    int scale;          /* places: 6 shows microseconds as seconds; 0 as they are */
};

struct metrics_counter {
    uint64_t value;
};

struct metrics_gauge {
    int64_t value;
};

struct metrics_histogram {
    const uint64_t *bounds; /* borrowed for ever; upper bounds, ascending, in the raw unit */
    size_t bounds_count;    /* at most METRICS_BUCKETS_MAX */
    uint64_t counts[METRICS_BUCKETS_MAX + 1]; /* not cumulative; the last is above all bounds */
    uint64_t sum;
};

/* 100 us to 10 s in steps of 1, 2.5, 5, with 15 ms and 300 ms (promised times) among them; for
 * histograms of microseconds with scale 6. */
extern const uint64_t metrics_bounds_us[METRICS_BUCKETS_MAX];
#define METRICS_BOUNDS_US_COUNT 18

enum metrics_kind { METRICS_COUNTER = 0, METRICS_GAUGE, METRICS_GAUGE_MAX, METRICS_HISTOGRAM };

/* One registered number; for metrics.c. */
struct metrics_item {
    struct metrics_name name;
    enum metrics_kind kind;
    union {
        const struct metrics_counter *counter;
        const struct metrics_gauge *gauge;
        const struct metrics_histogram *histogram;
    };
    uint32_t part;
    uint32_t next_part;  /* the item of the next part; 0: none */
    uint32_t next_label; /* the next item of the name, with other labels; 0: none */
    bool follows;        /* it is not the first of its name */
    bool is_part;        /* nor of its number */
};

/* For metrics.c. */
struct metrics_refresh {
    void (*fn)(void *owner);
    void *owner;
};

struct metrics {
    struct metrics_item *items; /* borrowed */
    size_t count, count_max;
    uint32_t part;
    struct metrics_refresh refreshes[METRICS_REFRESHES_MAX];
    size_t refreshes_count;
};

/* An empty registry over the caller's (static) items. */
void metrics_init(struct metrics *metrics, struct metrics_item *items, size_t count_max);

/* Each registers a number that stays where it is: 0, or -ERR_LIMIT. A bad name, a repeated
 * name with the same labels in one part, or one name for two kinds is a programmer error. */
int metrics_add_counter(struct metrics *metrics, struct metrics_name name,
                        const struct metrics_counter *counter);
int metrics_add_gauge(struct metrics *metrics, struct metrics_name name,
                      const struct metrics_gauge *gauge);
/* A gauge of which a sum says nothing: the largest of its parts is written. */
int metrics_add_gauge_max(struct metrics *metrics, struct metrics_name name,
                          const struct metrics_gauge *gauge);
int metrics_add_histogram(struct metrics *metrics, struct metrics_name name,
                          const struct metrics_histogram *histogram);

/* A counter that its owner keeps as a plain number, and how it is shown. */
struct metrics_row {
    struct metrics_name name;
    const uint64_t *value;
};

struct metrics_gauge_row {
    struct metrics_name name;
    const struct metrics_gauge *gauge;
};

/* metrics_add_counter, or metrics_add_gauge, for each of `rows`; those before a failure stay
 * registered. */
int metrics_add_counters(struct metrics *metrics, const struct metrics_row *rows, size_t count);
int metrics_add_gauges(struct metrics *metrics, const struct metrics_gauge_row *rows, size_t count);

/* What is registered from here on counts beside what was registered before under the same name and
 * labels, if there is such: the sum of both is written. */
void metrics_begin_part(struct metrics *metrics);

/* fn(owner) is called first in each metrics_write, on its thread: it sets numbers that are kept
 * elsewhere, so that nobody copies them while nobody looks. 0, or -ERR_LIMIT. */
int metrics_add_refresh(struct metrics *metrics, void (*fn)(void *owner), void *owner);

/* An empty histogram with these bounds. */
void metrics_histogram_init(struct metrics_histogram *histogram, const uint64_t *bounds,
                            size_t bounds_count);

/* One writing thread. */
static inline void metrics_count(struct metrics_counter *counter, uint64_t more)
{
    uint64_t value = __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
    __atomic_store_n(&counter->value, value + more, __ATOMIC_RELAXED);
}

/* Counted elsewhere, so many in all. */
static inline void metrics_count_to(struct metrics_counter *counter, uint64_t total)
{
    __atomic_store_n(&counter->value, total, __ATOMIC_RELAXED);
}

static inline void metrics_set(struct metrics_gauge *gauge, int64_t value)
{
    __atomic_store_n(&gauge->value, value, __ATOMIC_RELAXED);
}

static inline void metrics_change(struct metrics_gauge *gauge, int64_t by)
{
    metrics_set(gauge, __atomic_load_n(&gauge->value, __ATOMIC_RELAXED) + by);
}

/* Counts one value of the raw unit (microseconds). */
void metrics_record(struct metrics_histogram *histogram, uint64_t value);

/* Any number of writing threads. */
static inline void metrics_count_shared(struct metrics_counter *counter, uint64_t more)
{
    __atomic_fetch_add(&counter->value, more, __ATOMIC_RELAXED);
}

static inline void metrics_change_shared(struct metrics_gauge *gauge, int64_t by)
{
    __atomic_fetch_add(&gauge->value, by, __ATOMIC_RELAXED);
}

/* As metrics_record. */
void metrics_record_shared(struct metrics_histogram *histogram, uint64_t value);

/* Writes everything, the numbers of one name together under one HELP and TYPE. */
void metrics_write(const struct metrics *metrics, struct buf *buf);
