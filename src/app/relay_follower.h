/* relay_follower.h - another shard's end of the link to its desk (docs/decisions/0016): takes the
 * desk's words into the book's log in the order in which they come, says when they are durable, and
 * asks for the grant without which the book takes no bets.
 *
 * What comes is taken in order and never passed over: a word for which the log has no room now
 * waits, and whatever came behind it, a grant too. A grant is reckoned from the asking, by the time
 * of the turn in which it was asked.
 * Thread: the book's loop. No clock, no socket: time comes with each turn. Allocates at _new. */
#pragma once

#include "app/book.h"
#include "app/book_relay.h"
#include "app/relay_link.h"
#include "ports/carrier.h"

/* What may wait for room in the log: the desk's window, its last message, and what is short. */
#define RELAY_INBOX_BYTES       (RELAY_WINDOW_BYTES + RELAY_MESSAGE_BYTES_MAX + (size_t)64 * 1024)
#define RELAY_FOLLOWER_REFUSALS 64 /* newest words that were refused: told over each new link */

struct relay_follower;

/* What its owner may tell somebody; NULL: nobody. */
struct relay_follower_events {
    void *owner;
    /* A word cannot be here, and is recorded as refused: shard_state_reason() says why. */
    void (*on_refused)(void *owner, uint64_t desk_seq, uint16_t record_type);
    /* The desk is of another book than before, or this very log: there will be no grant. */
    void (*on_foreign)(void *owner);
};

/* Counted since the start. */
struct relay_follower_stats {
    uint64_t sessions, words, refused, asked, granted;
    uint64_t later; /* tries of a word for which the log had no room */
    uint64_t bad_messages, foreign;
    uint64_t inbox_reached; /* RELAY_INBOX_BYTES: the link was given up */
};

/* The book has started, has options.has_desk, and is freed after its log and before the follower.
 * 0 or -ERR_MEMORY. */
int relay_follower_new(struct book *book, const struct relay_follower_events *events,
                       struct relay_follower **ret_follower);
void relay_follower_free(struct relay_follower *follower); /* accepts NULL */

/* A link at a time; it sends its HELLO within the call. */
void relay_follower_attach(struct relay_follower *follower, const struct carrier *carrier);
void relay_follower_message(struct relay_follower *follower, struct slice message);
void relay_follower_detached(struct relay_follower *follower); /* without a link: nothing */
/* The desk has welcomed this link. */
bool relay_follower_is_welcome(const struct relay_follower *follower);
/* Of the desk's log, as our own log or a welcome has named it; NULL: neither has. */
const uint8_t *relay_follower_desk_book_id(const struct relay_follower *follower);

/* In each turn, behind book_begin_turn() and behind book_end_turn(). */
void relay_follower_turn_begin(struct relay_follower *follower, struct monotonic now);
void relay_follower_turn_end(struct relay_follower *follower);
/* Microseconds until a turn is due without anything that comes; -1: none is. */
int64_t relay_follower_due_us(const struct relay_follower *follower);

/* Always current. */
const struct relay_follower_stats *relay_follower_stats(const struct relay_follower *follower);
