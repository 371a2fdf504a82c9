/* relay_teller.h - the desk's end of the links to the other shards (docs/decisions/0016): tells
 * every one all words in the order of the log, grants that bets are taken, and knows for each word
 * when every shard's log has it, durably, or takes no bets without it.
 *
 * Newest words are in memory, older ones are read from the log, a bounded piece at a time, for
 * whoever is further behind. A shard that is not there may take bets for RELAY_AWAY_US more since
 * it was granted last, and, as nobody knows what an earlier process granted, since the start.
 * A grant is sent behind every word that anybody was answered about: so a shard has them in its log
 * before it takes a bet under that grant.
 *
 * A link is given up where its peer does not keep to the format, is of another book, has words that
 * this log has not, or is of a shard whose log is another one than before.
 * Thread: the book's loop. No clock, no socket: time comes with each turn. Allocates at _new. */
#pragma once

#include "app/relay_link.h"
#include "base/instant.h"
#include "core/user_shard.h"
#include "ledger/shard_state.h"
#include "ports/carrier.h"
#include "ports/ledger_log.h"

#define RELAY_READ_RECORDS  256 /* of the log, a piece */
#define RELAY_READ_BYTES    ((size_t)512 * 1024)
#define RELAY_READ_AGAIN_US INT64_C(1000000) /* after one that failed */
#define RELAY_WAITS_MAX     128              /* answers that wait for the shards */
#define RELAY_REFUSALS_MAX  256 /* words recorded as refused that are remembered by name */
#define RELAY_SPARE_LINKS   8   /* beyond one for each shard: who is not known yet, or replaced */

static_assert(RELAY_READ_BYTES >= RECORD_BYTES_MAX, "one record is always read");

struct relay_teller;

struct relay_teller_options {
    struct shard_place place; /* the desk's: of two shards or more, or apart */
    uint64_t durable_seq;     /* how far its log is durable now */
};

struct relay_teller_ports {
    struct ledger_log *log; /* the desk's; borrowed, and ended before the teller is freed */
    const struct shard_state *state; /* folded from it; borrowed */
};

/* Which shards had a word when its answer was due. Borrowed for the call. */
struct relay_spread {
    uint32_t have_it;               /* the desk too, unless it is apart */
    const uint16_t *away, *refused; /* by number; refused it is among those that have it */
    uint32_t away_count, refused_count;
};

struct relay_wait_for {
    uint64_t first_seq, last_seq; /* of the words; refusals of any between are told */
};

typedef void (*relay_spread_fn)(void *owner, const struct relay_spread *spread);

/* Counted since the start. */
struct relay_teller_stats {
    uint64_t sessions, words, words_read, grants, refused;
    uint64_t not_granted;           /* askings behind which the next one came */
    uint64_t answers, answers_away; /* the second: of these, those that name somebody away */
    uint64_t bad_messages, foreign, replaced, read_failures;
    uint64_t waits_reached, links_reached; /* RELAY_WAITS_MAX; places of links */
};

/* One shard, as it is shown. */
struct relay_shard_view {
    bool attached, granted;
    uint64_t have_seq, lag_records, bets_left;
};

/* With the book started: what is recorded from now on comes by relay_teller_word(). 0 or
 * -ERR_MEMORY. */
int relay_teller_new(const struct relay_teller_options *options,
                     const struct relay_teller_ports *ports, struct relay_teller **ret_teller);
void relay_teller_free(struct relay_teller *teller); /* accepts NULL */

/* A link; its number, for the calls below until relay_teller_detached(). -ERR_BUSY: there are as
 * many as may be. */
int relay_teller_attach(struct relay_teller *teller, const struct carrier *carrier);
void relay_teller_message(struct relay_teller *teller, int link, struct slice message);
void relay_teller_detached(struct relay_teller *teller, int link);

/* A durable record for which relay_is_word() holds. */
void relay_teller_word(struct relay_teller *teller, const struct record_view *record);

/* Each turn of the loop, with the time read in it; at its end with how far the log is durable, and
 * whether this process may let anybody take bets. */
void relay_teller_turn_begin(struct relay_teller *teller, struct monotonic now);
void relay_teller_turn_end(struct relay_teller *teller, uint64_t durable_seq, bool grants);
/* Microseconds until a turn is due without anything that comes; -1: none is. */
int64_t relay_teller_due_us(const struct relay_teller *teller);

/* Calls back once, in a later turn_end, when every shard has the words or takes no bets without
 * them: at the latest RELAY_OWES_US + RELAY_AWAY_US from now. False: as many wait as may. */
bool relay_teller_wait(struct relay_teller *teller, const struct relay_wait_for *words,
                       relay_spread_fn told, void *owner);
/* The newest word's record. */
uint64_t relay_teller_last(const struct relay_teller *teller);

struct relay_shard_view relay_teller_shard(const struct relay_teller *teller, uint32_t shard);
/* Always current. */
const struct relay_teller_stats *relay_teller_stats(const struct relay_teller *teller);
uint64_t relay_teller_forgotten(const struct relay_teller *teller);
