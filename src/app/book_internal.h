/* book_internal.h - the book's memory, shared by the files of this folder only. */
#pragma once

#include "app/book.h"
#include "app/commit.h"
#include "app/decision.h"
#include "app/late_releases.h"
#include "app/leases.h"
#include "app/pending.h"
#include "app/settle_queue.h"
#include "ledger/shard_verdicts.h"

/* A market that ended and leaves the odds store at `drop_us` (monotonic). */
struct ended_market {
    int64_t drop_us;
    uint8_t id_bytes;
    char id[MARKET_ID_BYTES_MAX];
};

#define ENDED_MAX 16384

struct history_read; /* bet_history.c */
struct old_key;      /* old_keys.c */

struct book {
    struct book_options options;
    struct book_ports ports;
    struct book_listener listener;
    struct feed_sink sink;                 /* publish_price.c; its address leads back to the book */
    struct shard_state *state;             /* owns */
    struct stake_limits_combined platform; /* its limits alone, as a leg's would be */
    struct book_restart restart;
    bool adopted;          /* the state was given, not made from snapshots */
    struct commit *commit; /* owns */
    struct instant wall;
    struct monotonic now, desk_until; /* before this one the desk lets take bets: book_relay.h */
    uint32_t odds_epoch;
    uint64_t odds_position; /* of the newest price; 0: none since the start */
    const char *paused;     /* the limit that is met; NULL: it is not paused */
    uint64_t offer_key[2];  /* of this process's offers of cash-outs */
    uint64_t version_left;  /* the highest version with which a market left the store */

    struct leases leases;
    struct odds_image *scratch; /* owns; an image of SELECTIONS_MAX under construction */
    uint16_t *changed;          /* owns; SELECTIONS_MAX */

    struct pending *pending; /* owns; a binary heap: release_pending.c */
    uint32_t pending_count;
    struct late_releases late_releases; /* without memory where prices are made here */

    struct settle_queue *settle_queue; /* owns; markets with settlements to do */
    uint32_t write_off_next;           /* account to be looked at, write_off.c; 0: none */

    struct ended_market *ended; /* owns; a ring of markets to drop from the store */
    uint32_t ended_first, ended_count;
    bool fences_missing; /* a fence had no room: markets are held suspended until it has */

    struct history_read *reads; /* owns; LEDGER_READS_MAX */

    struct old_key *old_keys; /* owns; VERDICT_ASKS_MAX, or NULL without a store */
    struct old_key *old_free, *old_known, *old_known_last, *old_unread, *old_unread_last;
    uint32_t old_waiting, old_reading;
    uint64_t verdicts_wanted; /* of the store: covered up to this record */

    const char *busy_limit;
    char stop_reason[RECONCILE_TEXT_BYTES + 64];
    struct book_stats stats;
};

/* ---- register.c: giving refs to users and markets ---- */

/* The account of the user, opened by a record if there is none. */
struct account_ref book_account(struct book *book, struct slice user_id);
/* The market's ref, given by a record if it has none. */
struct market_ref book_market(struct book *book, const struct odds_image *image);
/* The ledger's number of the image's selection, given by a record if the feed added it later;
 * RECORD_SELECTION_NONE when the market has SELECTIONS_MAX already. */
uint16_t book_selection(struct book *book, const struct odds_image *image, size_t selection,
                        struct market_ref ref);

/* NULL when there is room to register what the request's legs are on, or the limit that is met. */
const char *book_legs_room(struct book *book, const struct bet_request *request);

/* ---- book.c ---- */

/* Of the record that is made now: the wall's, but never before the newest record's (L1). */
int64_t book_record_time_us(const struct book *book);

/* ---- answers.c ---- */

/* Waits for the record just made and answers with it. False when too many wait. */
bool book_answer_record(struct book *book, uint64_t seq, book_answer_fn answer,
                        struct book_cookie cookie, bool replayed);
/* The stored answer of a key: CONFLICT for another request, or TAKEN and a replay. */
enum request_outcome book_replay_verdict(struct book *book, const struct shard_verdict *verdict,
                                         const uint64_t request_hash[2], book_answer_fn answer,
                                         struct book_cookie cookie);
/* REQUEST_TAKEN when the book can take a request that records, else why not. */
enum request_outcome book_ready(struct book *book);
/* The same for the desk, which what customers filled does not stop. */
enum request_outcome book_desk_ready(struct book *book);
/* Why a market has no ref: REQUEST_UNKNOWN, or REQUEST_BUSY when it is offered but the table of
 * markets is full. Nobody can have bet on it. */
enum request_outcome book_unregistered(struct book *book, struct slice market_id);
enum request_outcome book_busy(struct book *book, const char *limit);

/* ---- old_keys.c: keys whose verdict may have left the memory ---- */

/* Whose key for what, and its hash. */
struct asked_key {
    struct account_ref account;
    enum operation operation;
    struct slice key;
    struct hash128 hash;
};
struct asked_key book_asked_key(const struct book *book, struct account_ref account,
                                enum operation operation, struct slice key);

enum key_state {
    KEY_NEW = 0,
    KEY_DECIDED,   /* *ret_verdict */
    KEY_MAYBE_OLD, /* the request has to wait: book_bet_waits, book_money_waits */
};
enum key_state book_look_up(const struct book *book, const struct asked_key *key,
                            const struct shard_verdict **ret_verdict);

/* The request is copied and answered later: decided, or with the old record. BUSY when as many wait
 * as may. */
enum request_outcome book_bet_waits(struct book *book, const struct bet_request *request,
                                    const struct asked_key *key, const struct book_reply *reply);
enum request_outcome book_money_waits(struct book *book, const struct money_request *request,
                                      const struct asked_key *key, const struct book_reply *reply);
/* At the end of a turn: those that are known now. */
void book_old_keys_step(struct book *book);
bool book_old_keys_due(const struct book *book);
void book_forget_verdicts(struct book *book);
int book_old_keys_new(struct book *book);
void book_old_keys_free(struct book *book);

/* place_bet.c, move_money.c: decides a request whose key is new. */
enum request_outcome book_place_new(struct book *book, const struct bet_request *request,
                                    struct account_ref account, const struct book_reply *reply);
enum request_outcome book_move_new(struct book *book, const struct money_request *request,
                                   struct account_ref account, const struct book_reply *reply);

/* ---- publish_price.c ---- */

const struct feed_sink_ops *book_sink_ops(void);
/* Publishes the market again after its holds, lease or results changed in the state. */
void book_republish(struct book *book, struct slice market_id);
void book_republish_result(struct book *book, struct market_ref ref);
int book_publish_new(struct book *book);
bool book_publish_walking(const struct book *book);
/* Shows the markets of providers whose lease ended as suspended. */
void book_check_leases(struct book *book);
void book_drop_ended(struct book *book);

/* ---- settle_market.c ---- */

/* Queues the market's bets, to be brought to its result. */
void book_settle_queue(struct book *book, struct market_ref market);
/* The bet was accepted now: within a window of time that is in force already it is void at once. */
void book_settle_accepted(struct book *book, const struct shard_bet *bet);
void book_settle_step(struct book *book); /* as many of them as one turn may */
/* There are some, and the disk is not behind. */
bool book_settle_due(const struct book *book);
/* At start: queues what a crash left to do; one look at each bet. */
void book_settle_restore(struct book *book);
/* What is said of each of the market's selections, or RESULT_KEPT. False: it is impossible. */
bool book_work_out_result(const struct book *book, const struct feed_result *result,
                          struct market_ref ref, struct record_selection_result *items);
/* ---- record_result.c, propose_result.c (result_draft.h) ---- */

/* Records a result, or proposes it, as the policy wants; see book_post_result for the outcomes.
 * *ret_seq is of the record, when there is one. */
enum request_outcome book_record_result(struct book *book, const struct feed_result *result,
                                        enum fence_cause cause, const struct desk_word *word,
                                        uint64_t *ret_seq);

/* ---- bet_history.c ---- */

int book_reads_new(struct book *book);
void book_reads_free(struct book *book);
/* Reads one durable record and answers with it. */
enum request_outcome book_read_answer(struct book *book, uint64_t seq, book_answer_fn answer,
                                      struct book_cookie cookie);
