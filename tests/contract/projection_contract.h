/* projection_contract.h - what every store of the projection port must do, as one suite: it is
 * filled by the real projector from a ledger with a record of every type, over a wire that breaks,
 * and what is there must be what the log says.
 *
 * An adapter's test file says how to reach its store, and
 *     PROJECTION_CONTRACT(suite, subject_new)
 * registers one test per sentence under its own suite name; PROJECTION_CONTRACT_CRASH(...) adds one
 * for stores that can be crashed. */
#pragma once

#include "fault_proxy.h"
#include "ports/projection.h"
#include "test.h"

struct projection_subject {
    struct fault_proxy *wire; /* which a store's connections go through */
    /* One more of the same tables, which nobody has prepared; never NULL. */
    struct projection_store *(*store_new)(struct projection_subject *subject);
    /* For PROJECTION_CONTRACT_CRASH: it dies as in a crash, and has come back. */
    void (*crash)(struct projection_subject *subject);
    void (*free)(struct projection_subject *subject);
};

#define PROJECTION_CONTRACT_LIST(X, suite, make)                                                   \
    X(suite, make, a_record_of_every_type_is_in_the_tables)                                        \
    X(suite, make, what_is_prepared_twice_is_as_it_was)                                            \
    X(suite, make, a_projector_that_dies_leaves_no_gap_and_no_row_twice)                           \
    X(suite, make, what_was_lost_on_the_way_is_there_once)                                         \
    X(suite, make, of_two_projectors_each_row_is_one_s)                                            \
    X(suite, make, shards_stand_beside_each_other)                                                 \
    X(suite, make, a_step_from_another_place_does_nothing)                                         \
    X(suite, make, a_store_that_is_away_says_so_and_comes_back)                                    \
    X(suite, make, who_waits_for_a_silent_store_can_leave)

#define PROJECTION_CONTRACT_CRASH_LIST(X, suite, make)                                             \
    X(suite, make, a_store_that_crashes_is_waited_for)

#define PROJECTION_CONTRACT_DECLARE(suite, make, name)                                             \
    void projection_contract_##name(struct projection_subject *subject);
PROJECTION_CONTRACT_LIST(PROJECTION_CONTRACT_DECLARE, , )
PROJECTION_CONTRACT_CRASH_LIST(PROJECTION_CONTRACT_DECLARE, , )

#define PROJECTION_CONTRACT_TEST(suite, make, name)                                                \
    TEST(suite, name)                                                                              \
    {                                                                                              \
        struct projection_subject *subject = make();                                               \
        projection_contract_##name(subject);                                                       \
        subject->free(subject);                                                                    \
    }
#define PROJECTION_CONTRACT(suite, make)                                                           \
    PROJECTION_CONTRACT_LIST(PROJECTION_CONTRACT_TEST, suite, make)
#define PROJECTION_CONTRACT_CRASH(suite, make)                                                     \
    PROJECTION_CONTRACT_CRASH_LIST(PROJECTION_CONTRACT_TEST, suite, make)
