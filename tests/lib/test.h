/* test.h - self-registering tests on cmocka.
 *
 *   TEST(bet_decide, refuses_a_stake_above_the_limit) { assert_int_equal(...); }
 *
 * registers itself; there is no second list. Each program runs its tests with cmocka and ends
 * with the line "N passed, N failed[, N skipped]". With arguments, only the tests whose id
 * "suite/name" begins with one of them run. Of these --slice=K/N, as the first argument, leaves
 * every Nth from the Kth on (0 .. N-1, by id), so that processes can share a long program; the
 * first line is then "slice K/N: C of T tests". */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Why the test under way is about to skip(): tools/run-tests reports it, and takes the skip for a
 * failure where tests/expected-skips.txt has neither the reason nor the test. */
#define skip_reason(why) print_message("skipped: %s\n", why)

struct test_case {
    const char *id;
    void (*run)(void **state);
    struct test_case *next;
};

void test_register(struct test_case *test);

#define TEST(suite, name)                                                                          \
    static void suite##_##name(void **state);                                                      \
    static struct test_case suite##_##name##_case = {#suite "/" #name, suite##_##name, NULL};      \
    __attribute__((constructor)) static void suite##_##name##_register(void)                       \
    {                                                                                              \
        test_register(&suite##_##name##_case);                                                     \
    }                                                                                              \
    static void suite##_##name(__attribute__((unused)) void **state)
