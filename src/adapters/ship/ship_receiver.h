/* ship_receiver.h - the standby's side of log shipping: takes the primary's groups, checks and
 * folds each record, makes them durable in a log of its own, and says so (docs/LEDGER.md, "Log
 * shipping").
 *
 * Nothing that the fold refuses is written, nothing that is there is ever overwritten, and nothing
 * is acknowledged before it is durable. The fold (ledger/shard_state.h) stays warm for a takeover.
 *
 * A state machine without clock, socket or thread, as ship_sender.h. One group is under way at a
 * time: while ship_receiver_busy() the owner does not read from the link. Thread: the owner's. */
#pragma once

#include <stdbool.h>

#include "adapters/ship/ship_sender.h"
#include "ledger/shard_state.h"

#define SHIP_RECEIVER_TEXT_BYTES 256
#define SHIP_RETRY_US            INT64_C(1000000) /* after an append that found no space */

enum { SHIP_ROOM = 0, SHIP_NO_ROOM_YET = 1 };

/* What a standby keeps. Errors are the medium's; each ends the receiver. */
struct ship_store {
    void *owner;
    /* There is no log yet: makes one with this creation id. */
    int (*create)(void *owner, uint64_t creation, struct ledger_log **ret_log);
    /* Durable before it answers: an append under an older epoch is refused from now on. */
    int (*raise_epoch)(void *owner, uint64_t epoch);
    /* Slots of the file of personal keys; durable when sync_keys has answered. */
    int (*write_keys)(void *owner, uint64_t offset, struct slice slots);
    int (*sync_keys)(void *owner);
    /* Before each record is folded: room for one verdict more in memory. SHIP_ROOM,
     * SHIP_NO_ROOM_YET (older ones are being brought to disk: asked again at the next tick), or an
     * error. */
    int (*make_room)(void *owner);
    /* Where the primary's odds are, with each beat and before all else at a welcome. */
    int (*note_odds)(void *owner, uint32_t epoch, uint64_t position);
};

struct ship_receiver_options {
    uint32_t shard;
    uint64_t creation; /* of the log; 0: there is none */
    uint64_t epoch;    /* the newest that the log has taken or followed */
    struct ship_keys_id keys_id;
};

struct ship_receiver;

/* `log` is NULL when there is none. The state is folded up to the log's end. Both and the store are
 * borrowed until free. Blocks for one read. 0, -ERR_MEMORY, -ERR_CRYPTO, or the log's error. */
int ship_receiver_new(const struct ship_receiver_options *options, const struct ship_store *store,
                      struct ledger_log *log, struct shard_state *state,
                      struct ship_receiver **ret_receiver);
/* After the log's free(). Accepts NULL. */
void ship_receiver_free(struct ship_receiver *receiver);

void ship_receiver_tick(struct ship_receiver *receiver, int64_t now_us);
/* Connected to the primary: it is greeted, as soon as no group is under way. Not while attached. */
void ship_receiver_attach(struct ship_receiver *receiver, const struct ship_link *link);
void ship_receiver_detached(struct ship_receiver *receiver);
void ship_receiver_message(struct ship_receiver *receiver, struct slice bytes);
bool ship_receiver_busy(const struct ship_receiver *receiver);

/* It follows no more, for a takeover under `epoch`, of which the folder is durably marked: the
 * primary is told if it is there. An append under way still ends, and nothing more is written. */
void ship_receiver_stop(struct ship_receiver *receiver, uint64_t epoch);

struct ship_receiver_stats {
    bool attached, following;
    bool failed;      /* an own failure, or a record that the fold refused: for good */
    uint16_t refusal; /* enum ship_refusal, of the newest session that was refused; 0: none */
    uint64_t refusal_seq, refusal_epoch;
    uint64_t tail;         /* durable here */
    uint64_t primary_tail; /* as it said last */
    uint64_t epoch, creation;
    uint64_t groups, bytes, bad_messages, sessions, keys_bytes;
    int64_t heard_us;        /* when the primary was heard last */
    int64_t behind_since_us; /* 0: it has what the primary said it has */
};
struct ship_receiver_stats ship_receiver_stats(const struct ship_receiver *receiver);
/* Why `failed`, as a sentence; "". */
const char *ship_receiver_text(const struct ship_receiver *receiver);
