/* test_metrics.c - base/metrics.h. */
#include "test.h"

#include <pthread.h>

#include "base/error.h"
#include "base/metrics.h"

TEST(metrics, writes_each_name_once_with_all_its_labels)
{
    static const uint64_t bounds[] = {500, 15000, 1000000};
    struct metrics_item items[8];
    struct metrics metrics;
    struct metrics_counter placed = {0}, refused = {0};
    struct metrics_gauge depth = {0};
    struct metrics_histogram latency;
    metrics_init(&metrics, items, 8);
    metrics_histogram_init(&latency, bounds, 3);
    const char *name = "overround_bets_total", *help = "Bets\nby \\verdict.";
    assert_int_equal(metrics_add_counter(&metrics,
                                         (struct metrics_name){name, help, "verdict=\"PLACED\"", 0},
                                         &placed),
                     0);
    assert_int_equal(metrics_add_gauge(
                         &metrics, (struct metrics_name){"queue_depth", "Depth.", NULL, 0}, &depth),
                     0);
    assert_int_equal(
        metrics_add_counter(
            &metrics, (struct metrics_name){name, help, "verdict=\"ODDS_CHANGED\"", 0}, &refused),
        0);
    assert_int_equal(
        metrics_add_histogram(
            &metrics, (struct metrics_name){"push_seconds", "Push.", "tier=\"a\"", 6}, &latency),
        0);
    metrics_count(&placed, 3);
    metrics_count_shared(&refused, 1);
    metrics_set(&depth, -5);
    metrics_change_shared(&depth, 3);
    metrics_record(&latency, 500);
    metrics_record(&latency, 501);
    metrics_record_shared(&latency, 2000000);
    char memory[2000];
    struct buf buf = buf_over(memory, sizeof memory);
    metrics_write(&metrics, &buf);
    buf_put_char(&buf, 0);
    assert_string_equal(memory, "# HELP overround_bets_total Bets\\nby \\\\verdict.\n"
                                "# TYPE overround_bets_total counter\n"
                                "overround_bets_total{verdict=\"PLACED\"} 3\n"
                                "overround_bets_total{verdict=\"ODDS_CHANGED\"} 1\n"
                                "# HELP queue_depth Depth.\n"
                                "# TYPE queue_depth gauge\n"
                                "queue_depth -2\n"
                                "# HELP push_seconds Push.\n"
                                "# TYPE push_seconds histogram\n"
                                "push_seconds_bucket{tier=\"a\",le=\"0.0005\"} 1\n"
                                "push_seconds_bucket{tier=\"a\",le=\"0.015\"} 2\n"
                                "push_seconds_bucket{tier=\"a\",le=\"1\"} 2\n"
                                "push_seconds_bucket{tier=\"a\",le=\"+Inf\"} 3\n"
                                "push_seconds_sum{tier=\"a\"} 2.001001\n"
                                "push_seconds_count{tier=\"a\"} 3\n");
}

TEST(metrics, refuses_more_than_its_limit)
{
    struct metrics_item items[1];
    struct metrics metrics;
    struct metrics_counter counter = {0};
    metrics_init(&metrics, items, 1);
    assert_int_equal(
        metrics_add_counter(&metrics, (struct metrics_name){"a_total", "A.", NULL, 0}, &counter),
        0);
    assert_int_equal(
        metrics_add_counter(&metrics, (struct metrics_name){"b_total", "B.", NULL, 0}, &counter),
        -ERR_LIMIT);
    assert_int_equal(metrics.count, 1);
}

/* Two threads' numbers of one kind of work. */
struct part {
    struct metrics_counter counter;
    struct metrics_gauge open, longest;
    struct metrics_histogram time;
};

static void add_part(struct metrics *metrics, struct part *part, const char *labels)
{
    static const uint64_t bounds[] = {10, 100};
    metrics_histogram_init(&part->time, bounds, 2);
    assert_int_equal(metrics_add_counter(metrics, (struct metrics_name){"a_total", "A.", labels, 0},
                                         &part->counter),
                     0);
    assert_int_equal(
        metrics_add_gauge(metrics, (struct metrics_name){"b", "B.", NULL, 0}, &part->open), 0);
    assert_int_equal(
        metrics_add_gauge_max(metrics, (struct metrics_name){"c", "C.", NULL, 0}, &part->longest),
        0);
    assert_int_equal(
        metrics_add_histogram(metrics, (struct metrics_name){"d", "D.", NULL, 0}, &part->time), 0);
}

TEST(metrics, of_several_parts_are_summed)
{
    struct metrics_item items[16];
    struct metrics metrics;
    static struct part parts[3];
    char text[1024];
    struct buf out = buf_over(text, sizeof text);
    metrics_init(&metrics, items, 16);
    add_part(&metrics, &parts[0], "k=\"x\"");
    metrics_begin_part(&metrics);
    add_part(&metrics, &parts[1], "k=\"x\"");
    metrics_begin_part(&metrics);
    add_part(&metrics, &parts[2], "k=\"y\""); /* other labels: another number */
    for (int i = 0; i < 3; i++) {
        metrics_count(&parts[i].counter, 1U << i);
        metrics_set(&parts[i].open, -(1 << i));
        metrics_set(&parts[i].longest, i == 1 ? 9 : 3);
        metrics_record(&parts[i].time, 5 * (uint64_t)i);
    }
    metrics_write(&metrics, &out);
    assert_true(slice_is(buf_slice(&out), "# HELP a_total A.\n# TYPE a_total counter\n"
                                          "a_total{k=\"x\"} 3\na_total{k=\"y\"} 4\n"
                                          "# HELP b B.\n# TYPE b gauge\nb -7\n"
                                          "# HELP c C.\n# TYPE c gauge\nc 9\n"
                                          "# HELP d D.\n# TYPE d histogram\n"
                                          "d_bucket{le=\"10\"} 3\nd_bucket{le=\"100\"} 3\n"
                                          "d_bucket{le=\"+Inf\"} 3\nd_sum 15\nd_count 3\n"));
}

static void set_to_seven(void *owner)
{
    metrics_set(owner, 7);
}

TEST(metrics, are_refreshed_before_they_are_written)
{
    struct metrics_item items[1];
    struct metrics metrics;
    struct metrics_gauge gauge = {0};
    char text[256];
    struct buf out = buf_over(text, sizeof text);
    metrics_init(&metrics, items, 1);
    assert_int_equal(metrics_add_gauge(&metrics, (struct metrics_name){"a", "A.", NULL, 0}, &gauge),
                     0);
    assert_int_equal(metrics_add_refresh(&metrics, set_to_seven, &gauge), 0);
    metrics_write(&metrics, &out);
    assert_true(slice_is(buf_slice(&out), "# HELP a A.\n# TYPE a gauge\na 7\n"));
    for (int i = 1; i < METRICS_REFRESHES_MAX; i++)
        assert_int_equal(metrics_add_refresh(&metrics, set_to_seven, &gauge), 0);
    assert_int_equal(metrics_add_refresh(&metrics, set_to_seven, &gauge), -ERR_LIMIT);
}

TEST(metrics, has_ascending_default_bounds)
{
    struct metrics_histogram latency;
    metrics_histogram_init(&latency, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    assert_int_equal(latency.bounds[METRICS_BOUNDS_US_COUNT - 1], 10000000);
    assert_int_equal(metrics_bounds_us[METRICS_BOUNDS_US_COUNT], 0);
}

static void *count_many(void *counter)
{
    for (int i = 0; i < 50000; i++)
        metrics_count_shared(counter, 1);
    return NULL;
}

TEST(metrics, shared_counters_lose_nothing)
{
    struct metrics_counter counter = {0};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &counter), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter.value, 100000);
}
