/* ledger_log_contract.h - what every adapter of the ledger_log port must do, as one suite.
 *
 * An adapter's test file says how to open, close and disturb its log, and
 *     LEDGER_LOG_CONTRACT(suite, subject_new)
 * registers one test per sentence under its own suite name; LEDGER_LOG_CONTRACT_FAULTS(...) adds
 * those that need a medium which can be made to fail, and LEDGER_LOG_CONTRACT_WIRE(...)
 * (ledger_log_wire.c) those of a medium at the other end of a wire that breaks;
 * LEDGER_LOG_CONTRACT_CRASH(...) one of a medium that crashes there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ports/ledger_log.h"
#include "test.h"

struct log_subject {
    /* Opens the log, the same one each time (after close): 0 or an error. */
    int (*open)(struct log_subject *subject, struct ledger_log **ret_log);
    /* Called after ops->free: everything but the durable log goes. */
    void (*close)(struct log_subject *subject);
    /* While held, an append stays under way. NULL: the adapter cannot. */
    void (*hold)(struct log_subject *subject, bool hold);
    /* The next append meets a failing medium. For LEDGER_LOG_CONTRACT_FAULTS. */
    void (*fail_next)(struct log_subject *subject);
    /* No further space from now on, or again. As above. */
    void (*fill)(struct log_subject *subject, bool full);
    /* The rest is for LEDGER_LOG_CONTRACT_WIRE. `open` goes through it; such a log calls an append
     * stalled that waits for a second or less, and its free() leaves a silent medium soon. */
    struct fault_proxy *wire;
    /* Another writer of the same log, past the wire; ended by ops->free alone. */
    int (*open_beside)(struct log_subject *subject, struct ledger_log **ret_log);
    /* How many stand in the medium: those of records, and an epoch each. */
    long (*groups)(struct log_subject *subject);
    /* For LEDGER_LOG_CONTRACT_CRASH: the medium dies as in a crash, and has come back. */
    void (*crash)(struct log_subject *subject);
    void (*free)(struct log_subject *subject);
};

#define LEDGER_LOG_CONTRACT_LIST(X, suite, make)                                                   \
    X(suite, make, gives_back_what_was_appended)                                                   \
    X(suite, make, keeps_everything_over_a_restart)                                                \
    X(suite, make, calls_back_in_poll_only)                                                        \
    X(suite, make, takes_the_next_append_from_inside_the_callback)                                 \
    X(suite, make, is_busy_while_an_append_is_under_way)                                           \
    X(suite, make, refuses_a_writer_who_missed_something)                                          \
    X(suite, make, fences_an_older_epoch)                                                          \
    X(suite, make, never_gives_an_epoch_twice)                                                     \
    X(suite, make, reads_any_range_and_no_more)                                                    \
    X(suite, make, is_busy_at_the_limit_of_reads)                                                  \
    X(suite, make, replays_from_any_number)                                                        \
    X(suite, make, ends_a_replay_when_the_visitor_says_so)                                         \
    X(suite, make, refuses_a_group_above_the_limit)                                                \
    X(suite, make, takes_a_group_at_the_limit)                                                     \
    X(suite, make, finishes_what_is_under_way_before_it_closes)

/* For subjects that can disturb their medium. */
#define LEDGER_LOG_CONTRACT_FAULTS_LIST(X, suite, make)                                            \
    X(suite, make, stops_for_ever_after_a_failure)                                                 \
    X(suite, make, refuses_without_effect_when_space_ends)

/* For subjects behind a wire. */
#define LEDGER_LOG_CONTRACT_WIRE_LIST(X, suite, make)                                              \
    X(suite, make, a_group_whose_answer_is_lost_stands_once)                                       \
    X(suite, make, a_group_that_is_lost_itself_is_sent_again)                                      \
    X(suite, make, an_epoch_is_taken_once_whatever_is_lost)                                        \
    X(suite, make, a_read_that_is_lost_is_an_error_or_whole)                                       \
    X(suite, make, a_silence_is_said_and_waited_out)                                               \
    X(suite, make, a_medium_that_is_away_is_said_and_waited_for)                                   \
    X(suite, make, a_connection_that_is_cut_under_an_append_costs_nothing)                         \
    X(suite, make, a_log_that_is_closed_leaves_a_silent_medium)                                    \
    X(suite, make, a_group_is_written_in_its_time_or_not_at_all)                                   \
    X(suite, make, the_first_to_write_wins_and_the_other_stays_out)                                \
    X(suite, make, no_epoch_is_taken_behind_a_writer_that_was_not_folded)                          \
    X(suite, make, of_two_who_take_an_epoch_one_gets_it)

/* And of those, for whose medium can be crashed. */
#define LEDGER_LOG_CONTRACT_CRASH_LIST(X, suite, make)                                             \
    X(suite, make, what_was_acknowledged_is_there_after_a_crash)

#define LEDGER_LOG_CONTRACT_DECLARE(suite, make, name)                                             \
    void ledger_log_contract_##name(struct log_subject *subject);
LEDGER_LOG_CONTRACT_LIST(LEDGER_LOG_CONTRACT_DECLARE, , )
LEDGER_LOG_CONTRACT_FAULTS_LIST(LEDGER_LOG_CONTRACT_DECLARE, , )
LEDGER_LOG_CONTRACT_WIRE_LIST(LEDGER_LOG_CONTRACT_DECLARE, , )
LEDGER_LOG_CONTRACT_CRASH_LIST(LEDGER_LOG_CONTRACT_DECLARE, , )

#define LEDGER_LOG_CONTRACT_TEST(suite, make, name)                                                \
    TEST(suite, name)                                                                              \
    {                                                                                              \
        struct log_subject *subject = make();                                                      \
        ledger_log_contract_##name(subject);                                                       \
        subject->free(subject);                                                                    \
    }
#define LEDGER_LOG_CONTRACT(suite, make)                                                           \
    LEDGER_LOG_CONTRACT_LIST(LEDGER_LOG_CONTRACT_TEST, suite, make)
#define LEDGER_LOG_CONTRACT_FAULTS(suite, make)                                                    \
    LEDGER_LOG_CONTRACT_FAULTS_LIST(LEDGER_LOG_CONTRACT_TEST, suite, make)
#define LEDGER_LOG_CONTRACT_WIRE(suite, make)                                                      \
    LEDGER_LOG_CONTRACT_WIRE_LIST(LEDGER_LOG_CONTRACT_TEST, suite, make)
#define LEDGER_LOG_CONTRACT_CRASH(suite, make)                                                     \
    LEDGER_LOG_CONTRACT_CRASH_LIST(LEDGER_LOG_CONTRACT_TEST, suite, make)
