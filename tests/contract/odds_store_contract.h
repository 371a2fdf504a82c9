/* odds_store_contract.h - what every odds_store must do, as one suite: the store that is written
 * to, and the one that is read from, which is the same one, or the copy that another process keeps.
 *
 *     ODDS_STORE_CONTRACT(suite, subject_new)
 *
 * registers one test per sentence under its own suite name; subject_new() answers NULL where the
 * software is not installed, and the test is skipped. ODDS_STORE_CONTRACT_FAULTS(...) adds those
 * that need a wire which can be made to fail. */
#pragma once

#include "ports/odds_store.h"
#include "test.h"

enum wire_fault { WIRE_LOSES_REQUEST, WIRE_LOSES_ANSWER, WIRE_IS_SILENT, WIRE_REFUSES, WIRE_WORKS };

#define STORE_MARKETS_MAX 64

struct store_subject {
    struct odds_store *written; /* for STORE_MARKETS_MAX markets */
    struct odds_store *read;
    /* As the book's listener: after a put, before a removal. NULL: nobody needs to be told. */
    void (*on_market)(struct store_subject *subject, const struct odds_image *image);
    void (*on_removed)(struct store_subject *subject, const struct odds_image *image);
    /* Waits until what was written can be read. NULL: it can be at once. */
    void (*settle)(struct store_subject *subject);
    /* For ODDS_STORE_CONTRACT_FAULTS. Goes on until the fault was met. */
    void (*disturb)(struct store_subject *subject, enum wire_fault fault);
    void (*free)(struct store_subject *subject);
};

#define ODDS_STORE_CONTRACT_LIST(X, suite, make)                                                   \
    X(suite, make, gives_back_what_was_put)                                                        \
    X(suite, make, a_newer_version_replaces_an_older_one)                                          \
    X(suite, make, an_older_version_is_refused)                                                    \
    X(suite, make, what_was_removed_is_gone)                                                       \
    X(suite, make, what_was_removed_may_come_back_newer)                                           \
    X(suite, make, a_walk_meets_every_market_once)                                                 \
    X(suite, make, the_newest_of_many_versions_is_read)                                            \
    X(suite, make, it_holds_so_many_markets_and_no_more)

#define ODDS_STORE_CONTRACT_FAULTS_LIST(X, suite, make)                                            \
    X(suite, make, is_level_after_a_lost_request)                                                  \
    X(suite, make, is_level_after_a_lost_answer)                                                   \
    X(suite, make, is_level_after_a_silence)                                                       \
    X(suite, make, is_level_after_refusals)

#define ODDS_STORE_CONTRACT_DECLARE(suite, make, name)                                             \
    void odds_store_contract_##name(struct store_subject *subject);
ODDS_STORE_CONTRACT_LIST(ODDS_STORE_CONTRACT_DECLARE, , )
ODDS_STORE_CONTRACT_FAULTS_LIST(ODDS_STORE_CONTRACT_DECLARE, , )

#define ODDS_STORE_CONTRACT_TEST(suite, make, name)                                                \
    TEST(suite, name)                                                                              \
    {                                                                                              \
        struct store_subject *subject = make();                                                    \
        if (subject == NULL)                                                                       \
            skip();                                                                                \
        odds_store_contract_##name(subject);                                                       \
        subject->free(subject);                                                                    \
    }
#define ODDS_STORE_CONTRACT(suite, make)                                                           \
    ODDS_STORE_CONTRACT_LIST(ODDS_STORE_CONTRACT_TEST, suite, make)
#define ODDS_STORE_CONTRACT_FAULTS(suite, make)                                                    \
    ODDS_STORE_CONTRACT_FAULTS_LIST(ODDS_STORE_CONTRACT_TEST, suite, make)
