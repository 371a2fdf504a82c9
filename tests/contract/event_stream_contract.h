/* event_stream_contract.h - what every stream must do, as one suite: what a log says, here prices
 * of an odds log in files, is read by members of groups, from the log itself or through a topic.
 *
 *     EVENT_STREAM_CONTRACT(suite, subject_new)
 *
 * registers one test per sentence under its own suite name; subject_new() answers NULL where the
 * software is not installed, and the test is skipped. EVENT_STREAM_CONTRACT_FAULTS(...) adds those
 * that need a wire which can be made to fail. */
#pragma once

#include "adapters/embedded/disk.h"
#include "ports/event_stream.h"
#include "ports/odds_log.h"
#include "test.h"

enum wire_fault { WIRE_LOSES_REQUEST, WIRE_LOSES_ANSWER, WIRE_IS_SILENT, WIRE_REFUSES, WIRE_WORKS };

struct stream_subject {
    struct odds_log *log; /* what is told */
    uint32_t shard;       /* which no other subject has: a topic may be shared */
    /* One more member of the group; never NULL. */
    struct event_reader *(*reader_new)(struct stream_subject *subject, const char *group);
    /* Tells on what the log says; true: all of it can be read now. NULL: it always can. */
    bool (*tell)(struct stream_subject *subject);
    /* For EVENT_STREAM_CONTRACT_FAULTS. */
    void (*disturb)(struct stream_subject *subject, enum wire_fault fault);
    bool (*was_met)(struct stream_subject *subject); /* by somebody, since */
    void (*free)(struct stream_subject *subject);
};

/* The log of the next subject, and its shard. */
void stream_subject_open(struct stream_subject *subject);
void stream_subject_close(struct stream_subject *subject);
/* A source of what it says, whose parts `held` keeps. */
struct stream_source {
    struct event_source *source;
    struct odds_cursor *cursor;
    struct odds_store *images;
};
void stream_source_open(struct stream_subject *subject, struct stream_source *ret);
void stream_source_close(struct stream_source *held);

#define EVENT_STREAM_CONTRACT_LIST(X, suite, make)                                                 \
    X(suite, make, every_event_is_read_in_the_order_of_its_key)                                    \
    X(suite, make, the_longest_event_is_read_whole)                                                \
    X(suite, make, what_was_committed_does_not_come_again)                                         \
    X(suite, make, what_was_not_committed_comes_again)                                             \
    X(suite, make, a_commit_holds_for_what_was_visited_and_no_more)                                \
    X(suite, make, an_event_that_was_refused_comes_again)                                          \
    X(suite, make, every_group_reads_everything)                                                   \
    X(suite, make, a_member_goes_on_where_another_one_ended)                                       \
    X(suite, make, a_member_that_stays_without_reading_loses_nothing)                              \
    X(suite, make, the_lag_ends_when_all_was_read)

#define EVENT_STREAM_CONTRACT_FAULTS_LIST(X, suite, make)                                          \
    X(suite, make, all_is_there_once_after_a_lost_request)                                         \
    X(suite, make, all_is_there_once_after_a_lost_answer)                                          \
    X(suite, make, all_is_there_once_after_a_silence)                                              \
    X(suite, make, all_is_there_once_after_refusals)

#define EVENT_STREAM_CONTRACT_DECLARE(suite, make, name)                                           \
    void event_stream_contract_##name(struct stream_subject *subject);
EVENT_STREAM_CONTRACT_LIST(EVENT_STREAM_CONTRACT_DECLARE, , )
EVENT_STREAM_CONTRACT_FAULTS_LIST(EVENT_STREAM_CONTRACT_DECLARE, , )

#define EVENT_STREAM_CONTRACT_TEST(suite, make, name)                                              \
    TEST(suite, name)                                                                              \
    {                                                                                              \
        struct stream_subject *subject = make();                                                   \
        if (subject == NULL)                                                                       \
            skip();                                                                                \
        event_stream_contract_##name(subject);                                                     \
        subject->free(subject);                                                                    \
    }
#define EVENT_STREAM_CONTRACT(suite, make)                                                         \
    EVENT_STREAM_CONTRACT_LIST(EVENT_STREAM_CONTRACT_TEST, suite, make)
#define EVENT_STREAM_CONTRACT_FAULTS(suite, make)                                                  \
    EVENT_STREAM_CONTRACT_FAULTS_LIST(EVENT_STREAM_CONTRACT_TEST, suite, make)
