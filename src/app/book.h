/* book.h - one book: prices, bets, money and settlement of one shard, as step functions.
 *
 * The book owns the shard's folded state and the group under construction, and speaks to the
 * world through ports only. It has no clock: begin_turn() gives it the time, end_turn() does
 * what is due (releases, settlements, leases) and hands the group to the log. Nothing is
 * answered before the records that say it are durable (L2).
 *
 * A turn:  book_begin_turn -> any number of calls below and feed_sink calls -> book_end_turn.
 * The ledger log's notify must lead to book_poll (outside or inside of a turn).
 *
 * Owned by one loop. Callbacks run inside book_poll, book_end_turn, or, when everything said is
 * durable already, inside the call itself (named "at once" below). No function blocks, except
 * book_start and the making of a personal key at an account's opening. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/book_cash_out.h"
#include "app/book_history.h"
#include "app/book_options.h"
#include "app/book_referral.h"
#include "app/book_request.h"
#include "app/book_stats.h"
#include "app/reconcile.h"
#include "base/instant.h"
#include "base/slice.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"
#include "ports/feed_sink.h"
#include "ports/ledger_log.h"
#include "ports/odds_log.h"
#include "ports/odds_store.h"
#include "ports/personal_vault.h"
#include "ports/price_source.h"
#include "ports/snapshot_store.h"
#include "ports/verdict_store.h"

struct book;

/* Borrowed by the book until book_free; vault may be NULL: then no personal field is kept. */
struct book_ports {
    struct ledger_log *log;
    struct odds_log *odds_log;
    struct odds_store *store;
    struct price_source *prices; /* or NULL: this book makes its prices, of what feeds say */
    struct personal_vault *vault;
    struct snapshot_store *snapshots; /* or NULL: every start folds from record 1 */
    struct reconcile *reconcile;      /* or NULL: nobody compares */
    /* Or NULL: no verdict is forgotten, and at verdicts_max no more are decided. Its poll() is
     * called by book_poll(); freed before the log. */
    struct verdict_store *verdicts;
    /* Or NULL: who else looks the log over at a start, beside the fold. Called when the fold has
     * ended and before anything is written; a negative answer, with its reason, ends the start. */
    int (*wait_checked)(void *owner, const char **ret_reason);
    void *checked_owner;
};

/* What happened, for those who show it. Every one may be NULL. Borrowed for the call; the
 * callee must not call the book's changing functions. */
struct book_listener {
    void *owner;
    /* A market's image changed; `changed` lists indexes of changed selections (all for a new
     * market). before_version = 0: the market is new. At once, not durable: prices are not money.
     */
    void (*on_market)(void *owner, const struct odds_image *image, uint64_t before_version,
                      const uint16_t *changed, size_t changed_count);
    void (*on_standing)(void *owner, const struct odds_image *image); /* book_follow.h */
    /* The market leaves the store. */
    void (*on_removed)(void *owner, const struct odds_image *image);
    /* A durable record moved this user's money or decided, released or settled a bet of theirs:
     * BET (not refused), RELEASE, SETTLE, REVERSE, CASH_OUT (not refused at once), REFERRAL,
     * MONEY (done). */
    void (*on_record)(void *owner, const struct record_view *record);
    /* A durable record concerns every shard (relay_is_word), whoever said it. */
    void (*on_word)(void *owner, const struct record_view *record);
    /* The ledger stopped: no bets until a restart. Once; book_stop_reason says why. */
    void (*on_stopped)(void *owner);
};

/* Folds the newest sound snapshot and the log behind it, or the whole log, into the state, takes a
 * writer epoch and an odds epoch, and writes what a first start needs. On failure *ret_reason
 * (static or inside the book's options) says where, and 0 is never answered for a damaged log. 0,
 * -ERR_CORRUPT, -ERR_CONFIG (the log is another shard's), -ERR_LIMIT, -ERR_IO, -ERR_MEMORY. */
int book_new(const struct book_options *options, const struct book_ports *ports,
             const struct book_listener *listener, struct book **ret_book);
int book_start(struct book *book, struct instant wall, struct monotonic now,
               const char **ret_reason);
const struct book_restart *book_restart(const struct book *book);
/* The ledger log is freed first: its free() completes what is under way. */
void book_free(struct book *book);
/* As book_free, for tests that take the log away without completing: a crash. */
void book_abandon(struct book *book);

/* wall never makes record time fall: an older one is raised to the newest record's. */
void book_begin_turn(struct book *book, struct instant wall, struct monotonic now);
void book_end_turn(struct book *book);
void book_poll(struct book *book);
/* Microseconds until end_turn has something due without any call (0: call again at once;
 * -1: nothing). */
int64_t book_due_us(const struct book *book);
/* Nothing waits: no group under way or being built, no settlement unfinished. */
bool book_idle(const struct book *book);
bool book_stopped(const struct book *book);
/* Bets and money are taken now: no trouble of the ledger, and followed prices are heard of. */
bool book_takes_bets(const struct book *book);
/* What was decided waits for space: it is not durable. */
bool book_waits_for_space(const struct book *book);
/* Why, as a sentence; "" while it goes on. Borrowed for the book's life. */
const char *book_stop_reason(const struct book *book);
/* No bets and no money until a restart, as when the log fails; prices go on (S1). Called by the
 * book itself when its state was found to have drifted from its log. The reason is copied. */
void book_stop(struct book *book, const char *reason);

/* The user's shard is this one; of others nothing is taken: REQUEST_ELSEWHERE. */
bool book_has_user(const struct book *book, struct slice user_id);

const struct shard_state *book_state(const struct book *book);
/* What this customer may stake wherever nothing else limits it: the customer's own limits and the
 * platform's, scaled (core/stake_limits.h). Of an account that is not there (n 0): the platform's.
 */
struct stake_limits book_account_limits(const struct book *book, struct account_ref account);
struct feed_sink *book_sink(struct book *book);
/* Ask before each feed message: false while so much waits for the disk that a result could not
 * be recorded; then the intake pauses. Always true when stopped: odds go on (S1). */
bool book_feed_ready(const struct book *book);
/* Another process takes over: from now on no price can be bet on, whatever the feeds say (P2), and
 * within the next turns every market is shown as suspended. Not undone. */
void book_end_prices(struct book *book);
/* Whether all of them are shown so. */
bool book_prices_ended(const struct book *book);

/* ---- requests ---- */

/* Name of the limit that the last REQUEST_BUSY met; never NULL. */
const char *book_busy_limit(const struct book *book);

/* Decides and records a bet, or finds the stored verdict of its key; when that may be an old one,
 * this is done later (REQUEST_TAKEN, and book_answer says how it ended). Wrong lengths of user id
 * and key, a stake outside 1..MONEY_MINOR_MAX, an unknown currency, and a missing price under any
 * policy but PRICE_ANY are the caller's to refuse (ASSERT). */
enum request_outcome book_place_bet(struct book *book, const struct bet_request *request,
                                    book_answer_fn answer, struct book_cookie cookie);

/* A deposit opens the account and fixes its currency. Verdicts as for bets. */
enum request_outcome book_move_money(struct book *book, const struct money_request *request,
                                     book_answer_fn answer, struct book_cookie cookie);

/* Holds a market (hold = true: suspended whatever the feed says) or lets it go. */
enum request_outcome book_hold_market(struct book *book, struct slice market_id, bool hold,
                                      const struct desk_word *word, struct book_reply reply);
/* Sets, or takes away, the limits of a scope. UNKNOWN: no such customer or market, or nothing to
 * take away; INVALID: out of bounds. */
enum request_outcome book_set_limits(struct book *book, const struct limits_request *request,
                                     const struct desk_word *word, struct book_reply reply);
/* What is set for the scope; NULL: nothing. Borrowed until the book's next call. */
const struct shard_stake_limits *book_limits_of(const struct book *book, enum limit_scope scope,
                                                struct slice id);
/* A result by hand; selections that it does not name keep theirs. With a policy of approval or
 * objection (book_options.h) the answer's record is a PROPOSAL, and nothing is settled yet. */
enum request_outcome book_post_result(struct book *book, const struct feed_result *result,
                                      const struct desk_word *word, struct book_reply reply);

/* Another actor's decision on a proposal, by the number of its record, or its withdrawal by its
 * own. UNKNOWN: it does not wait any more; INVALID: it needs no approval, or has it; SAME_ACTOR,
 * OTHER_ACTOR. The answer has the DECISION. */
enum request_outcome book_decide_proposal(struct book *book, uint64_t proposal_seq,
                                          enum decision_kind decision, const struct desk_word *word,
                                          struct book_reply reply);

/* Calls back, at once when possible, when everything decided so far is durable: a balance read
 * from book_state may be told only then. */
enum request_outcome book_when_durable(struct book *book, book_answer_fn answer,
                                       struct book_cookie cookie);

/* Is the provider's lease valid now (P2)? Unknown providers are not alive. Age in microseconds
 * since the last byte, -1 for an unknown one. */
bool book_provider_alive(const struct book *book, struct slice provider);
/* For how many microseconds it will, when nothing comes; -1: it is not valid. */
int64_t book_provider_left_us(const struct book *book, struct slice provider);
size_t book_providers_count(const struct book *book);
struct slice book_provider_at(const struct book *book, size_t index, int64_t *ret_age_us);

/* A market whose bets are being brought to its result. Texts are borrowed until the next call. */
struct book_settlement {
    struct slice market_id, event_id, event_name;
    uint32_t bets, bets_left;
};
/* Those that there are, in the order of their turns: how many were written, at most `most`; all of
 * them together are in book_stats(). */
size_t book_settlements(const struct book *book, struct book_settlement *ret, size_t most);

/* Borrowed for the book's life. */
const struct book_stats *book_stats(const struct book *book);
