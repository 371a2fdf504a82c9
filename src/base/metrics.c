/* metrics.c - contract in metrics.h. Registering looks each name up among those before it, once at
 * the start; the items of a name, and the parts of a number, are lists. */
#include "base/metrics.h"

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

static bool same_bounds(const struct metrics_item *a, const struct metrics_item *b)
{
    return a->kind != METRICS_HISTOGRAM ||
           (a->histogram->bounds == b->histogram->bounds &&
            a->histogram->bounds_count == b->histogram->bounds_count);
}

/* Where a new item hangs: behind the last of its name, or behind the last part of its number. */
struct place {
    struct metrics_item *of_name, *of_number; /* NULL: it is the first */
};

static struct place find_place(struct metrics *metrics, const struct metrics_item *item)
{
    struct place place = {NULL, NULL};
    for (size_t i = 0; i < metrics->count; i++) {
        struct metrics_item *other = &metrics->items[i];
        if (!same_name(other, item))
            continue;
        ASSERT(other->kind == item->kind);
        ASSERT(other->name.scale == item->name.scale);
        if (!other->is_part)
            place.of_name = other;
        if (!same_labels(other, item))
            continue;
        ASSERT(other->part != item->part);
        ASSERT(same_bounds(other, item));
        place.of_number = other;
    }
    return place;
}

static int add(struct metrics *metrics, struct metrics_item item)
{
    ASSERT(is_name(item.name.name));
    ASSERT(item.name.help != NULL);
    item.part = metrics->part;
    struct place place = find_place(metrics, &item);
    if (metrics->count == metrics->count_max)
        return -ERR_LIMIT;
    if (place.of_number != NULL)
        place.of_number->next_part = (uint32_t)metrics->count;
    else if (place.of_name != NULL)
        place.of_name->next_label = (uint32_t)metrics->count;
    item.follows = place.of_name != NULL;
    item.is_part = place.of_number != NULL;
    metrics->items[metrics->count++] = item;
    return 0;
}

void metrics_begin_part(struct metrics *metrics)
{
    metrics->part++;
}

int metrics_add_counter(struct metrics *metrics, struct metrics_name name,
                        const struct metrics_counter *counter)
{
    return add(metrics,
               (struct metrics_item){.name = name, .kind = METRICS_COUNTER, .counter = counter});
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
    return add(metrics, (struct metrics_item){.name = name, .kind = METRICS_GAUGE, .gauge = gauge});
}

int metrics_add_gauges(struct metrics *metrics, const struct metrics_gauge_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(metrics_add_gauge(metrics, rows[i].name, rows[i].gauge));
    return 0;
}

int metrics_add_gauge_max(struct metrics *metrics, struct metrics_name name,
                          const struct metrics_gauge *gauge)
{
    return add(metrics,
               (struct metrics_item){.name = name, .kind = METRICS_GAUGE_MAX, .gauge = gauge});
}

int metrics_add_histogram(struct metrics *metrics, struct metrics_name name,
                          const struct metrics_histogram *histogram)
{
    ASSERT(histogram->bounds != NULL);
    return add(metrics, (struct metrics_item){
                            .name = name, .kind = METRICS_HISTOGRAM, .histogram = histogram});
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

static const struct metrics_item *next_part(const struct metrics *metrics,
                                            const struct metrics_item *item)
{
    return item->next_part == 0 ? NULL : &metrics->items[item->next_part];
}

static uint64_t counter_of(const struct metrics *metrics, const struct metrics_item *item)
{
    uint64_t sum = 0;
    for (; item != NULL; item = next_part(metrics, item))
        sum += __atomic_load_n(&item->counter->value, __ATOMIC_RELAXED);
    return sum;
}

static int64_t gauge_of(const struct metrics *metrics, const struct metrics_item *item)
{
    int64_t all = __atomic_load_n(&item->gauge->value, __ATOMIC_RELAXED);
    while ((item = next_part(metrics, item)) != NULL) {
        int64_t value = __atomic_load_n(&item->gauge->value, __ATOMIC_RELAXED);
        if (item->kind == METRICS_GAUGE)
            all += value;
        else if (value > all)
            all = value;
    }
    return all;
}

static struct metrics_histogram histogram_of(const struct metrics *metrics,
                                             const struct metrics_item *item)
{
    struct metrics_histogram sum = {.bounds = item->histogram->bounds,
                                    .bounds_count = item->histogram->bounds_count};
    for (; item != NULL; item = next_part(metrics, item)) {
        for (size_t i = 0; i <= sum.bounds_count; i++)
            sum.counts[i] += __atomic_load_n(&item->histogram->counts[i], __ATOMIC_RELAXED);
        sum.sum += __atomic_load_n(&item->histogram->sum, __ATOMIC_RELAXED);
    }
    return sum;
}

/* The total is the sum of the buckets that were just read, so that the two always agree. */
static void put_histogram(struct buf *buf, const struct metrics_name *name,
                          const struct metrics_histogram *histogram)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= histogram->bounds_count; i++) {
        total += histogram->counts[i];
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
    put_unsigned(buf, histogram->sum, name->scale);
    buf_put_char(buf, '\n');
    put_name(buf, name, "_count");
    buf_put_u64(buf, total);
    buf_put_char(buf, '\n');
}

static void put_item(struct buf *buf, const struct metrics *metrics,
                     const struct metrics_item *item)
{
    switch (item->kind) {
    case METRICS_COUNTER:
        put_name(buf, &item->name, "");
        put_unsigned(buf, counter_of(metrics, item), item->name.scale);
        buf_put_char(buf, '\n');
        return;
    case METRICS_GAUGE:
    case METRICS_GAUGE_MAX:
        put_name(buf, &item->name, "");
        put_value(buf, gauge_of(metrics, item), item->name.scale);
        buf_put_char(buf, '\n');
        return;
    case METRICS_HISTOGRAM: {
        const struct metrics_histogram sum = histogram_of(metrics, item);
        put_histogram(buf, &item->name, &sum);
        return;
    }
    }
}

static void put_head(struct buf *buf, const struct metrics_item *item)
{
    static const char *const kinds[] = {"counter", "gauge", "gauge", "histogram"};
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
        const struct metrics_item *item = &metrics->items[first];
        if (item->follows)
            continue;
        put_head(buf, item);
        put_item(buf, metrics, item);
        for (; item->next_label != 0; put_item(buf, metrics, item))
            item = &metrics->items[item->next_label];
    }
}
