/* test_tally.c - what is counted of a run, and how it is written. */
#include "load/load_tally.h"

#include <string.h>

#include "test.h"

static struct load_tally tally;

static struct monotonic at(int64_t us)
{
    return (struct monotonic){us};
}

static void answer(int64_t due, int64_t sent, int64_t now)
{
    load_tally_sent(&tally, at(due), at(sent));
    load_tally_answer(&tally, at(due), at(sent), at(now));
}

TEST(tally, measures_latency_from_the_due_time_not_from_the_sending)
{
    tally = (struct load_tally){0};
    answer(1000, 51000, 51200);
    assert_int_equal(tally.latency_us.max, 50200);
    assert_int_equal(tally.service_us.max, 200);
    assert_int_equal(tally.late_us.max, 50000);
}

TEST(tally, counts_answers_by_status_and_code)
{
    tally = (struct load_tally){0};
    load_tally_code(&tally, 201, SLICE_NONE);
    load_tally_code(&tally, 201, SLICE_NONE);
    load_tally_code(&tally, 409, SLICE("ODDS_CHANGED"));
    load_tally_code(&tally, 409, SLICE("MARKET_SUSPENDED"));
    load_tally_code(&tally, 503, SLICE("BUSY"));
    load_tally_code(&tally, 429, SLICE("RATE_LIMITED"));
    assert_int_equal(tally.codes_count, 5);
    assert_int_equal(tally.codes[0].count, 2);
    assert_int_equal(tally.succeeded, 2);
    assert_int_equal(tally.failed, 2); /* a refusal is an answer; a server that sheds has failed */
}

TEST(tally, keeps_what_was_lost_in_the_percentiles_and_among_the_failures)
{
    tally = (struct load_tally){0};
    for (int i = 0; i < 99; i++)
        answer(0, 0, 100);
    load_tally_lost(&tally, at(0), at(3000000), SLICE("NO_ANSWER"));
    load_tally_lost(&tally, at(0), at(3000000), SLICE("NO_ANSWER"));
    assert_int_equal(tally.latency_us.max, 3000000);
    assert_true(histogram_percentile(&tally.latency_us, 9900) > 2900000);
    assert_int_equal(load_tally_failed_ppm(&tally), 2 * 1000000 / 101);
}

TEST(tally, is_bounded_in_the_number_of_codes)
{
    tally = (struct load_tally){0};
    for (int i = 0; i < LOAD_CODES_MAX + 5; i++)
        load_tally_code(&tally, 400 + i, SLICE("X"));
    assert_int_equal(tally.codes_count, LOAD_CODES_MAX);
    assert_int_equal(tally.codes_other, 5);
    char code[LOAD_CODE_BYTES_MAX + 10];
    memset(code, 'A', sizeof code);
    tally.codes_count = 0;
    load_tally_code(&tally, 400, slice_of(code, sizeof code));
    assert_int_equal(tally.codes[0].code_bytes, LOAD_CODE_BYTES_MAX);
}

TEST(tally, writes_percentiles_and_codes_as_json)
{
    char text[4096];
    struct buf out = buf_over(text, sizeof text);
    struct json_writer writer = json_write_begin(&out);
    tally = (struct load_tally){0};
    answer(0, 1, 5);
    load_tally_code(&tally, 409, SLICE("ODDS_CHANGED"));
    json_write_object_open(&writer);
    load_tally_write(&writer, &tally);
    json_write_object_close(&writer);
    text[out.bytes] = '\0';
    assert_non_null(strstr(text,
                           "\"latency_us\":{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"p99.9\":5,"
                           "\"max\":5,\"count\":1}"));
    assert_non_null(strstr(text, "{\"status\":409,\"code\":\"ODDS_CHANGED\",\"count\":1}"));
}

TEST(tally, figures_are_the_generators_own_when_it_had_no_time_or_was_late)
{
    static struct histogram late, latency;
    histogram_reset(&late);
    histogram_reset(&latency);
    histogram_record(&latency, 12000);
    assert_false(load_is_saturated(LOAD_SATURATED_CPU_PERMILLE, &late, &latency));
    assert_true(load_is_saturated(LOAD_SATURATED_CPU_PERMILLE + 1, &late, &latency));
    histogram_record(&late, LOAD_SATURATED_LATE_US - 1000); /* much of it, and yet little */
    assert_false(load_is_saturated(0, &late, &latency));
    histogram_record(&late, LOAD_SATURATED_LATE_US + 1000);
    assert_true(load_is_saturated(0, &late, &latency));
    histogram_record(&latency, 100000); /* now it is a small part of what was waited */
    assert_false(load_is_saturated(0, &late, &latency));
}
