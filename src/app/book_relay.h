/* book_relay.h - a book that has its desk elsewhere (docs/decisions/0016): another shard's process,
 * whose words reach this log by a link, and without which no bet is taken. Part of book.h, whose
 * turns and callbacks these calls share. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/book_request.h"
#include "base/instant.h"
#include "ledger/relay_word.h"

struct book;

/* A word of the desk, or how far its log has come without one. */
struct relayed {
    const uint8_t *desk_book_id; /* SHARD_BOOK_ID_BYTES */
    uint32_t desk_shard;
    uint64_t desk_seq;
    const struct relay_word *word; /* as relay_word_read made it; NULL: there is none */
};

enum relay_outcome {
    RELAY_RECORDED = 0,
    RELAY_NO_CHANGE, /* it holds here already: the RELAYED alone is recorded */
    RELAY_REFUSED,   /* the state does not let it be, or has no room: recorded as refused */
    RELAY_KNOWN,     /* not behind what was relayed before: nothing is recorded */
    RELAY_FOREIGN,   /* of another desk than before, or of this log itself: the same */
    RELAY_LATER,     /* no room, or the ledger is stopped: the same, and it may be said again */
};

/* Of a book with options.has_desk. The answer comes, with the RELAYED, when it is durable: of
 * RECORDED, NO_CHANGE and REFUSED. */
enum relay_outcome book_relay(struct book *book, const struct relayed *relayed,
                              struct book_reply reply);

/* Bets are taken until then, as far as the desk is concerned; never earlier than it said before. */
void book_desk_grants(struct book *book, struct monotonic until);
/* The book has a desk, and no grant of it holds now. */
bool book_desk_away(const struct book *book);

/* How far the log is durable: what may be told of it. */
uint64_t book_durable_seq(const struct book *book);
