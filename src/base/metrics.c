/* metrics.c - contract in metrics.h. Writing looks each name up among those before it, which is
 * quadratic in a few hundred items and happens once per scrape. */
#include "base/metrics.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/decimal.h"
#include "base/error.h"

const uint64_t metrics_bounds_us[METRICS_BUCKETS_MAX] = {
    100,   250,    500,    1000,   2500,   5000,    10000,   15000,   25000,
    50000, 100000, 200000, 300000, 500000, 1000000, 2500000, 5000000, 10000000,
};

void metrics_init(struct metrics *metrics, struct metrics_item *items, size_t count_max)
{
    *metrics = (struct metrics){.items = items, .count_max = count_max};
}

static bool is_name(const char *name)
{
    size_t i = 0;
    for (; name[i] != 0; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return i > 0;
}

static bool same_labels(const struct metrics_item *a, const struct metrics_item *b)
{
    const char *x = a->name.labels == NULL ? "" : a->name.labels;
    const char *y = b->name.labels == NULL ? "" : b->name.labels;
    return strcmp(x, y) == 0;
}

static bool same_name(const struct metrics_item *a, const struct metrics_item *b)
{
    return a->name.name == b->name.name || strcmp(a->name.name, b->name.name) == 0;
}

static int add(struct metrics *metrics, struct metrics_item item)
{
    ASSERT(is_name(item.name.name));
    ASSERT(item.name.help != NULL);
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metrics_item *other = &metrics->items[i];
        if (!same_name(other, &item))
            continue;
        ASSERT(other->kind == item.kind);
        ASSERT(other->name.scale == item.name.scale);
        ASSERT(!same_labels(other, &item));
    }
    if (metrics->count == metrics->count_max)
        return -ERR_LIMIT;
    metrics->items[metrics->count++] = item;
    return 0;
}

int metrics_add_counter(struct metrics *metrics, struct metrics_name name,
                        const struct metrics_counter *counter)
{
    return add(metrics, (struct metrics_item){name, METRICS_COUNTER, {.counter = counter}});
}

int metrics_add_counters(struct metrics *metrics, const struct metrics_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(metrics_add_counter(metrics, rows[i].name,
                                (const struct metrics_counter *)rows[i].value));
    return 0;
}

int metrics_add_gauge(struct metrics *metrics, struct metrics_name name,
                      const struct metrics_gauge *gauge)
{
    return add(metrics, (struct metrics_item){name, METRICS_GAUGE, {.gauge = gauge}});
}

int metrics_add_histogram(struct metrics *metrics, struct metrics_name name,
                          const struct metrics_histogram *histogram)
{
    ASSERT(histogram->bounds != NULL);
    return add(metrics, (struct metrics_item){name, METRICS_HISTOGRAM, {.histogram = histogram}});
}

void metrics_histogram_init(struct metrics_histogram *histogram, const uint64_t *bounds,
                            size_t bounds_count)
{
    ASSERT(bounds_count <= METRICS_BUCKETS_MAX);
    for (size_t i = 1; i < bounds_count; i++)
        ASSERT(bounds[i - 1] < bounds[i]);
    *histogram = (struct metrics_histogram){.bounds = bounds, .bounds_count = bounds_count};
}

static size_t bucket_of(const struct metrics_histogram *histogram, uint64_t value)
{
    size_t i = 0;
    while (i < histogram->bounds_count && value > histogram->bounds[i])
        i++;
    return i;
}

static void add_alone(uint64_t *to, uint64_t more)
{
    __atomic_store_n(to, __atomic_load_n(to, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
}

void metrics_record(struct metrics_histogram *histogram, uint64_t value)
{
    add_alone(&histogram->counts[bucket_of(histogram, value)], 1);
    add_alone(&histogram->sum, value);
}

void metrics_record_shared(struct metrics_histogram *histogram, uint64_t value)
{
    __atomic_fetch_add(&histogram->counts[bucket_of(histogram, value)], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&histogram->sum, value, __ATOMIC_RELAXED);
}

/* --- text --- */

/* A raw value with `scale` places, without the zeros at its end. */
static void put_value(struct buf *buf, int64_t value, int scale)
{
    for (; scale > 0 && value % 10 == 0; scale--)
        value /= 10;
    decimal_write(buf, value, scale);
}

static void put_unsigned(struct buf *buf, uint64_t value, int scale)
{
    put_value(buf, value > INT64_MAX ? INT64_MAX : (int64_t)value, scale);
}

/* name{labels} and a space; `suffix` may be empty. */
static void put_name(struct buf *buf, const struct metrics_name *name, const char *suffix)
{
    buf_put_text(buf, name->name);
    buf_put_text(buf, suffix);
    if (name->labels != NULL) {
        buf_put_char(buf, '{');
        buf_put_text(buf, name->labels);
        buf_put_char(buf, '}');
    }
    buf_put_char(buf, ' ');
}

static void put_bucket_name(struct buf *buf, const struct metrics_name *name)
{
    buf_put_text(buf, name->name);
    buf_put_text(buf, "_bucket{");
    if (name->labels != NULL) {
        buf_put_text(buf, name->labels);
        buf_put_char(buf, ',');
    }
    buf_put_text(buf, "le=\"");
}

/* The total is the sum of the buckets that were just read, so that the two always agree. */
static void put_histogram(struct buf *buf, const struct metrics_name *name,
                          const struct metrics_histogram *histogram)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= histogram->bounds_count; i++) {
        total += __atomic_load_n(&histogram->counts[i], __ATOMIC_RELAXED);
        put_bucket_name(buf, name);
        if (i < histogram->bounds_count)
            put_unsigned(buf, histogram->bounds[i], name->scale);
        else
            buf_put_text(buf, "+Inf");
        buf_put_text(buf, "\"} ");
        buf_put_u64(buf, total);
        buf_put_char(buf, '\n');
    }
    put_name(buf, name, "_sum");
    put_unsigned(buf, __atomic_load_n(&histogram->sum, __ATOMIC_RELAXED), name->scale);
    buf_put_char(buf, '\n');
    put_name(buf, name, "_count");
    buf_put_u64(buf, total);
    buf_put_char(buf, '\n');
}

static void put_item(struct buf *buf, const struct metrics_item *item)
{
    switch (item->kind) {
    case METRICS_COUNTER:
        put_name(buf, &item->name, "");
        put_unsigned(buf, __atomic_load_n(&item->counter->value, __ATOMIC_RELAXED),
                     item->name.scale);
        buf_put_char(buf, '\n');
        return;
    case METRICS_GAUGE:
        put_name(buf, &item->name, "");
        put_value(buf, __atomic_load_n(&item->gauge->value, __ATOMIC_RELAXED), item->name.scale);
        buf_put_char(buf, '\n');
        return;
    case METRICS_HISTOGRAM:
        put_histogram(buf, &item->name, item->histogram);
        return;
    }
}

static void put_head(struct buf *buf, const struct metrics_item *item)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buf_put_text(buf, "# HELP ");
    buf_put_text(buf, item->name.name);
    buf_put_char(buf, ' ');
    for (const char *c = item->name.help; *c != 0; c++)
        if (*c == '\\' || *c == '\n')
            buf_put_text(buf, *c == '\n' ? "\\n" : "\\\\");
        else
            buf_put_char(buf, *c);
    buf_put_text(buf, "\n# TYPE ");
    buf_put_text(buf, item->name.name);
    buf_put_char(buf, ' ');
    buf_put_text(buf, kinds[item->kind]);
    buf_put_char(buf, '\n');
}

static bool is_first_of_name(const struct metrics *metrics, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_name(&metrics->items[i], &metrics->items[at]))
            return false;
    return true;
}

int metrics_add_refresh(struct metrics *metrics, void (*fn)(void *owner), void *owner)
{
    if (metrics->refreshes_count == METRICS_REFRESHES_MAX)
        return -ERR_LIMIT;
    metrics->refreshes[metrics->refreshes_count++] = (struct metrics_refresh){fn, owner};
    return 0;
}

void metrics_write(const struct metrics *metrics, struct buf *buf)
{
    for (size_t i = 0; i < metrics->refreshes_count; i++)
        metrics->refreshes[i].fn(metrics->refreshes[i].owner);
    for (size_t first = 0; first < metrics->count; first++) {
        if (!is_first_of_name(metrics, first))
            continue;
        put_head(buf, &metrics->items[first]);
        for (size_t i = first; i < metrics->count; i++)
            if (same_name(&metrics->items[first], &metrics->items[i]))
                put_item(buf, &metrics->items[i]);
    }
}
