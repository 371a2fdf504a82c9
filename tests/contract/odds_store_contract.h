/* odds_store_contract.h - what every odds_store must do, as one suite: the store that is written
 * to, and the one that is read from, which is the same one, or the copy that another process keeps.
 *
 *     ODDS_STORE_CONTRACT(suite, subject_new)
 *
 * registers one test per sentence under its own suite name; subject_new() answers NULL where the
 * software is not installed, and the test is skipped. ODDS_STORE_CONTRACT_FAULTS(...) adds those
 * that need a wire which can be made to fail, ODDS_STORE_CONTRACT_COPIES(...) those of a server
 * that falls back to what it held before, ODDS_STORE_CONTRACT_MOVES(...) those of several of which
 * each has some markets. */
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
    /* For ODDS_STORE_CONTRACT_COPIES. What the server holds between the two; and it holds that
     * again, which whoever writes to it sees, or (unseen) only who reads, who has read all of it
     * when that returns. */
    void (*remember)(struct store_subject *subject);
    void (*fall_back)(struct store_subject *subject, bool unseen);
    /* For ODDS_STORE_CONTRACT_MOVES. The market begins to go to another server, which has nothing
     * of it; and it is there. */
    void (*begin_move)(struct store_subject *subject, const char *market);
    void (*end_move)(struct store_subject *subject, const char *market);
    /* The version that the server holds, and whether it says that the market was taken out. NULL:
     * there is none between the two. */
    uint64_t (*held)(struct store_subject *subject, const char *market, bool *ret_removed);
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

#define ODDS_STORE_CONTRACT_COPIES_LIST(X, suite, make)                                            \
    X(suite, make, what_was_removed_stays_gone_in_an_older_copy)                                   \
    X(suite, make, what_was_removed_is_remembered_over_several_copies)                             \
    X(suite, make, what_is_read_late_does_not_bring_back_what_was_removed)

#define ODDS_STORE_CONTRACT_MOVES_LIST(X, suite, make)                                             \
    X(suite, make, what_moves_is_said_where_it_goes)                                               \
    X(suite, make, what_is_removed_on_its_way_is_taken)

#define ODDS_STORE_CONTRACT_DECLARE(suite, make, name)                                             \
    void odds_store_contract_##name(struct store_subject *subject);
ODDS_STORE_CONTRACT_LIST(ODDS_STORE_CONTRACT_DECLARE, , )
ODDS_STORE_CONTRACT_FAULTS_LIST(ODDS_STORE_CONTRACT_DECLARE, , )
ODDS_STORE_CONTRACT_COPIES_LIST(ODDS_STORE_CONTRACT_DECLARE, , )
ODDS_STORE_CONTRACT_MOVES_LIST(ODDS_STORE_CONTRACT_DECLARE, , )

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
#define ODDS_STORE_CONTRACT_COPIES(suite, make)                                                    \
    ODDS_STORE_CONTRACT_COPIES_LIST(ODDS_STORE_CONTRACT_TEST, suite, make)
#define ODDS_STORE_CONTRACT_MOVES(suite, make)                                                     \
    ODDS_STORE_CONTRACT_MOVES_LIST(ODDS_STORE_CONTRACT_TEST, suite, make)
