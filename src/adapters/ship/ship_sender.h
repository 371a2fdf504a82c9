/* ship_sender.h - the primary's side of log shipping: a ledger log that passes each group on to a
 * standby (docs/LEDGER.md, "Log shipping").
 *
 * It stands before the log that it ships (`inner`) and is used in its place. A group is sent when
 * it is durable here, never before, so that a standby's log is at every moment, after any crash of
 * either, the begin of the primary's: it needs no cutting, and an old primary has never less than
 * its standby has. SHIP_SYNC: an append ends when the standby, too, has said that it is durable.
 * SHIP_ASYNC: it ends at once, and how far the standby is behind is counted.
 *
 * One standby at a time. What it is missing is read back from the inner log in bounded steps, then
 * it gets each group as it comes; both are decided by what was sent last, so there is no gap. When
 * the way to it is full, nothing waits in memory: the groups are read back later.
 *
 * A state machine: events in, actions through `link`, `events` and the inner log out. It has no
 * clock, socket or thread. Nothing here blocks. Thread: the owner's. */
#pragma once

#include <stdbool.h>

#include "adapters/ship/ship_wire.h"
#include "ports/ledger_log.h"

#define SHIP_QUEUE_BYTES_MAX (2u << 20)   /* queued to the standby: no more before it drains */
#define SHIP_READ_BYTES      (512u << 10) /* of one read of the log */
#define SHIP_BEAT_US         INT64_C(250000)
#define SHIP_SILENCE_US_MAX  INT64_C(3000000) /* a standby so silent gives its place to another */

enum ship_mode { SHIP_MODE_OFF = 0, SHIP_MODE_ASYNC, SHIP_MODE_SYNC };

/* What SHIP_MODE_SYNC does when the standby keeps a group waiting for too long. */
enum ship_degrade {
    SHIP_DEGRADE_STOP = 0, /* nothing is acknowledged until it is back */
    SHIP_DEGRADE_ASYNC,    /* goes on as SHIP_MODE_ASYNC until it has caught up: may lose bets */
};

/* Where the slots of the personal keys come from; see crypto/personal_copy.h. */
struct ship_keys_source {
    uint64_t (*size)(void *owner); /* whole slots now; 0 also when it cannot be told */
    /* The bytes read, whole slots, or a negative error. */
    int (*read)(void *owner, uint64_t offset, char *to, size_t capacity);
    void *owner;
};

struct ship_sender_options {
    enum ship_mode mode;
    enum ship_degrade degrade;
    int64_t timeout_us;
    uint32_t shard;
    uint64_t creation; /* of the inner log */
    struct ship_keys_id keys_id;
    struct ship_keys_source keys; /* size NULL: there are none */
};

enum ship_note {
    SHIP_NOTE_FOLLOWS = 1, /* a standby has joined; seq: its last record */
    SHIP_NOTE_CAUGHT_UP,   /* it has everything */
    SHIP_NOTE_LOST,        /* it is gone */
    SHIP_NOTE_REFUSED,     /* by us */
    SHIP_NOTE_REFUSES,     /* by it */
    SHIP_NOTE_AWAY,        /* timeout_us is over: nothing is acknowledged any more */
    SHIP_NOTE_DEGRADED,    /* the same, and it goes on without the standby */
    SHIP_NOTE_BACK,        /* the end of both */
    SHIP_NOTE_HEAD_KEY,    /* the standby that has joined would sign heads with another key */
};

/* What the owner is told; each may be NULL, but for on_fenced. No call back into the sender. */
struct ship_sender_events {
    void *owner;
    void (*on_note)(void *owner, enum ship_note note, uint16_t refusal, uint64_t seq);
    /* Nothing may be acknowledged (or: it may be again). */
    void (*on_away)(void *owner, bool away);
    /* What stands up to this record is on the standby as well, or need not be. Never falls. */
    void (*on_confirmed)(void *owner, uint64_t seq);
    /* A writer with a higher epoch has taken over after record `seq`: this one must stop for ever,
     * and remember it. 0 when it is durably remembered. */
    int (*on_fenced)(void *owner, uint64_t epoch, uint64_t seq);
};

/* The way to one peer, authenticated. */
struct ship_link {
    void *owner;
    bool (*send)(void *owner, struct slice message); /* copied; false: it is gone */
    size_t (*queued)(void *owner);                   /* bytes not yet with the kernel */
    void (*close)(void *owner); /* after what is queued; ship_sender_detached() follows later */
};

struct ship_sender;

/* 0, -ERR_MEMORY or -ERR_CRYPTO. The inner log is borrowed; ended by the log's free(). */
int ship_sender_new(const struct ship_sender_options *options, struct ledger_log *inner,
                    const struct ship_sender_events *events, struct ship_sender **ret_sender);
void ship_sender_free(struct ship_sender *sender); /* after the log's free(); accepts NULL */

/* To be used in place of `inner`. confirmed() answers how far on_confirmed went. An append that
 * waits for the standby when the log is freed ends as APPEND_UNKNOWN: it is durable here. */
struct ledger_log *ship_sender_log(struct ship_sender *sender);

/* Before everything that a turn brings, and at least every SHIP_BEAT_US. */
void ship_sender_tick(struct ship_sender *sender, int64_t now_us);
/* The key that signs heads now. */
void ship_sender_head_key(struct ship_sender *sender, const struct ship_keys_id *id);
/* The newest price, for the standby that will go on from there. */
void ship_sender_odds(struct ship_sender *sender, uint32_t epoch, uint64_t position);
/* Slots that were shipped have changed: a key was destroyed. */
void ship_sender_keys_changed(struct ship_sender *sender);

/* A peer came. False: another is attached and alive; the caller refuses this one. */
bool ship_sender_attach(struct ship_sender *sender, const struct ship_link *link);
void ship_sender_detached(struct ship_sender *sender);
void ship_sender_message(struct ship_sender *sender, struct slice bytes);
/* After a message or a tick: an append has ended, and the log is to be polled. */
bool ship_sender_ready(const struct ship_sender *sender);
void ship_sender_drained(struct ship_sender *sender);

struct ship_sender_stats {
    bool attached, following, caught_up, away, degraded, fenced;
    bool head_key_differs; /* of the standby that is, or was, attached */
    uint64_t tail, sent, acked;
    uint64_t lag_records;
    uint64_t lag_bytes; /* what was appended before this start is estimated */
    int64_t lag_us;     /* since the oldest record that the standby has not was appended */
    uint64_t sessions, refused, bad_messages;
    uint64_t groups_live, groups_read, bytes_sent;
    uint64_t queue_reached; /* SHIP_QUEUE_BYTES_MAX */
    uint64_t timeouts;      /* times that timeout_us was over */
};
struct ship_sender_stats ship_sender_stats(const struct ship_sender *sender);
