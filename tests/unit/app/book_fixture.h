/* book_fixture.h - a book on fake ports, with short words for what happens to it. */
#pragma once

#include "app/book.h"
#include "fake_ports.h"

struct fixture {
    struct fake_log log;
    struct fake_odds_log odds_log;
    struct odds_store *store;
    struct snapshot_store *snapshots; /* borrowed; NULL: none */
    struct reconcile *reconcile;      /* borrowed; NULL: none */
    struct verdict_store *verdicts;   /* borrowed; NULL: none */
    struct price_source *prices;      /* borrowed, of the next book; NULL: it makes its own */
    uint32_t tolerance;               /* of the next cash-outs */
    bool no_cash_out;                 /* the next book makes no offers */
    uint32_t verdicts_max;            /* of the next book; 0: more than any test decides */
    struct shard_state *warm;         /* the next book's; NULL: it folds the log */
    void (*tune)(struct book_options *options); /* of the next book; NULL: as they are */
    const struct fixture_offer *early[2];       /* said before the next book's first turn ends */
    bool keep_log; /* fixture_restart leaves the log's faults as they are */
    struct book *book;
    struct instant wall;
    struct monotonic now;
    /* the newest answer */
    int answers;
    bool failed, replayed;
    enum request_outcome untaken;
    uint16_t type;
    enum bet_outcome outcome;
    uint64_t bet_id;
    int64_t balance;
    uint64_t seq;
    int64_t stake_max, stake_asked;
    uint16_t refused_leg;
    uint8_t limit_scope;
    size_t history_count;
    uint16_t history_types[BOOK_HISTORY_MAX];
    enum bet_outcome history_outcome; /* of the last record, when it is a RELEASE */
    void (*on_word)(void *owner, const struct record_view *record); /* or NULL */
    void *word_owner;
    /* listeners */
    uint64_t market_changes, standing, removed, stopped;
};

void fixture_begin(struct fixture *f);
void fixture_begin_tuned(struct fixture *f, void (*tune)(struct book_options *options));
void fixture_begin_following(struct fixture *f, struct price_source *prices,
                             void (*tune)(struct book_options *options));
void fixture_end(struct fixture *f);
/* Ends this book and starts another on the same log, as after a crash. */
void fixture_restart(struct fixture *f);

/* A turn with its durable write; time moves by `us`. */
void fixture_turn(struct fixture *f, int64_t us);

/* Market "m1" of event "e1" by provider "p": selections a and b at the given hundredths; 0: no
 * price. */
void fixture_market(struct fixture *f, enum market_status status, unsigned a, unsigned b);
void fixture_market_in_play(struct fixture *f, unsigned a, unsigned b, int64_t delay_us);
/* The same market, or another, with whatever else is said of it: sent on its own provider's word.
 */
struct fixture_offer {
    const char *market, *event; /* NULL: "m1", "e1" */
    enum market_status status;  /* 0: active */
    unsigned a, b, c;           /* c: 0: there is none */
    struct leg_chances chances; /* of a, as the provider says; all 0: it says none */
    const char *kind;           /* NULL: "MATCH_ODDS" */
    const char *provider;       /* NULL: "p" */
    uint8_t winners;            /* 0: one */
    bool any_win;               /* how many is not said */
    int64_t delay_us;
    uint8_t score[2], red_cards[2];
};
void fixture_offer(struct fixture *f, const struct fixture_offer *offer);
void fixture_result(struct fixture *f, uint64_t version, struct leg_result a, struct leg_result b);

enum request_outcome fixture_deposit(struct fixture *f, const char *user, const char *key,
                                     int64_t minor);
/* A single of "ann" on m1 in GBP, policy better. */
enum request_outcome fixture_bet(struct fixture *f, const char *key, const char *selection,
                                 unsigned odds_hundredths, int64_t stake);
/* Any ticket, of any user: in GBP, legs in order, each a banker, policy better, no price asked
 * above the one given. */
struct fixture_ticket {
    const char *user; /* NULL: "ann" */
    const char *key;
    int64_t stake;
    const char *markets[4], *selections[4]; /* as many as there are */
    unsigned odds[4];
    bool accept_alternative;
    enum stake_kind stake_kind;
    enum price_policy policy; /* 0: better */
};
enum request_outcome fixture_ticket(struct fixture *f, const struct fixture_ticket *ticket);
/* What is offered for ann's bet now; the answer of book_offer_cash_out. */
enum bet_outcome fixture_cash_out_offer(struct fixture *f, uint64_t bet_id,
                                        struct cash_out_offer *ret);
/* Ann accepts `minor` for a part of that stake (0: all that is left). */
struct sale {
    uint64_t bet_id;
    int64_t stake, minor;
};
enum request_outcome fixture_cash_out(struct fixture *f, const char *key,
                                      const struct cash_out_offer *offer, struct sale sale);
/* The bet as folded. */
const struct shard_bet *fixture_state_of(struct fixture *f, uint64_t bet_id);
enum request_outcome fixture_hold(struct fixture *f, bool hold);
/* Balances of a user, from the state. */
int64_t fixture_available(struct fixture *f, const char *user);
int64_t fixture_held(struct fixture *f, const char *user);
/* All sums hold, and a refold of the log gives the same hash (L4, L5). */
void fixture_check(struct fixture *f);

void fixture_answer(const struct book_answer *answer);
struct book_cookie fixture_cookie(struct fixture *f);
enum request_outcome fixture_history(struct fixture *f, uint64_t bet_id);
