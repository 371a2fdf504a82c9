/* test_cycles.c - a thread's time by stage. */
#include "base/cycles.h"

#include "test.h"

static uint64_t sum(const struct cycles *meter)
{
    uint64_t all = 0;
    for (size_t i = 0; i < CYCLES_STAGES_COUNT; i++)
        all += meter->spent[i];
    return all;
}

static void spin(uint64_t cycles)
{
    uint64_t begin = cycles_now();
    while (cycles_now() - begin < cycles)
        ;
}

TEST(cycles, each_stage_gets_what_passed_in_it_and_all_together_all)
{
    static struct cycles meter;
    if (cycles_now() == 0) {
        skip_reason("no counter of cycles here");
        skip();
    }
    cycles_begin(&meter);
    uint64_t begin = meter.since;
    enum cycles_stage before = cycles_enter(CYCLES_READ);
    assert_int_equal(before, CYCLES_OTHER);
    spin(20000);
    enum cycles_stage outer = cycles_enter(CYCLES_PARSE);
    assert_int_equal(outer, CYCLES_READ);
    spin(50000);
    assert_int_equal(cycles_enter(outer), CYCLES_PARSE);
    assert_int_equal(cycles_enter(before), CYCLES_READ);
    assert_true(meter.spent[CYCLES_READ] >= 20000);
    assert_true(meter.spent[CYCLES_PARSE] >= 50000);
    assert_int_equal(meter.spent[CYCLES_WRITE], 0);
    assert_int_equal(sum(&meter), meter.since - begin);
    cycles_begin(NULL);
}

TEST(cycles, a_thread_without_a_meter_counts_nothing)
{
    static struct cycles meter;
    cycles_begin(&meter);
    cycles_begin(NULL);
    struct cycles copy = meter;
    enum cycles_stage before = cycles_enter(CYCLES_READ);
    spin(1000);
    (void)cycles_enter(before);
    assert_memory_equal(&copy, &meter, sizeof meter);
}
