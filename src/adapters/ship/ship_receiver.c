/* ship_receiver.c - contract in ship_receiver.h. */
#include "adapters/ship/ship_receiver.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "ledger/merkle.h"

enum phase {
    PHASE_NONE = 0,
    PHASE_ATTACHED, /* a group of the session before is under way: what is there is not known yet */
    PHASE_GREETED,
    PHASE_FOLLOWING,
    PHASE_CLOSING,
};

struct ship_receiver {
    struct ship_receiver_options options;
    struct ship_store store;
    struct ledger_log *log; /* borrowed; NULL: none yet */
    struct shard_state *state;
    struct sha256 *sha; /* owned */
    int64_t now_us;
    uint64_t creation, epoch;
    uint64_t tail;           /* durable */
    struct merkle_hash leaf; /* of that record */

    enum phase phase;
    struct ship_link link;
    uint64_t session_epoch;
    int64_t acked_us;
    bool failed;
    bool ended; /* by a takeover */

    struct ledger_append append; /* the group under way, in `records` */
    bool folding;                /* of it, up to byte `folded` */
    size_t folded;
    bool appending;
    int64_t retry_us; /* no space: the same once more; 0: no */
    bool keys_dirty;
    struct ledger_read read;
    bool reading;
    uint64_t probed;   /* the number asked for last */
    bool probe_waits;  /* it is to be read */
    uint64_t sessions; /* attached so far */
    uint64_t read_session;

    char *records;     /* owned; SHIP_RECORDS_BYTES_MAX, 8-byte aligned */
    char *read_memory; /* owned; RECORD_BYTES_MAX */
    char *out;         /* owned; SHIP_TEXT_BYTES_MAX and more */
    struct ship_receiver_stats stats;
    char text[SHIP_RECEIVER_TEXT_BYTES];
};

#define OUT_BYTES 1024 /* all that a standby says is short */

static void post(struct ship_receiver *r, const struct ship_message *message)
{
    struct buf out = buf_over(r->out, OUT_BYTES);
    bool fits = ship_encode(&out, message);
    ASSERT(fits);
    (void)r->link.send(r->link.owner, buf_slice(&out)); /* gone: detached() follows */
}

static void leave(struct ship_receiver *r, enum ship_refusal refusal, uint64_t seq)
{
    const struct ship_message message = {
        .type = SHIP_REFUSED,
        .refused = {.epoch = r->epoch, .seq = seq, .refusal = (uint16_t)refusal},
        .tail = slice_text(ship_refusal_text((uint16_t)refusal)),
    };
    if (r->phase == PHASE_NONE || r->phase == PHASE_CLOSING)
        return;
    post(r, &message);
    r->phase = PHASE_CLOSING;
    r->link.close(r->link.owner);
}

/* The own log, disk or fold: only a restart helps, for the state may be ahead of the log. */
static void fail(struct ship_receiver *r, enum ship_refusal refusal, const char *what,
                 const char *why)
{
    struct buf text = buf_over(r->text, sizeof r->text - 1);
    if (r->failed)
        return;
    r->failed = true;
    buf_put_text(&text, what);
    buf_put_text(&text, why);
    r->text[text.bytes] = '\0';
    leave(r, refusal, r->tail + 1);
}

static void bad_message(struct ship_receiver *r)
{
    r->stats.bad_messages++;
    leave(r, SHIP_BAD_MESSAGE, 0);
}

static void acknowledge(struct ship_receiver *r)
{
    const struct ship_message message = {.type = SHIP_ACK, .ack = {r->session_epoch, r->tail}};
    r->acked_us = r->now_us;
    post(r, &message);
}

static void note_primary(struct ship_receiver *r, uint64_t tail)
{
    r->stats.primary_tail = tail;
    if (tail <= r->tail)
        r->stats.behind_since_us = 0;
    else if (r->stats.behind_since_us == 0)
        r->stats.behind_since_us = r->now_us;
}

/* ---- a group ---- */

static void begin_append(struct ship_receiver *r)
{
    r->retry_us = 0;
    r->appending = true;
    int error = r->log->ops->append(r->log, &r->append);
    if (error == 0)
        return;
    r->appending = false;
    fail(r, SHIP_FAILED, "the standby's log takes no group: ", error_text(error));
}

static void remember_last(struct ship_receiver *r)
{
    const char *at = r->records, *last = at;
    while (at < r->records + r->append.bytes) {
        struct record_head head;
        memcpy(&head, at, sizeof head); /* checked: ship_decode */
        last = at;
        at += head.bytes;
    }
    merkle_leaf(r->sha, slice_of(last, (size_t)(at - last)), &r->leaf);
}

static void on_durable(struct ship_receiver *r)
{
    r->tail += r->append.count;
    r->stats.groups++;
    r->stats.bytes += r->append.bytes;
    remember_last(r);
    int error = r->keys_dirty ? r->store.sync_keys(r->store.owner) : 0;
    if (error < 0) {
        fail(r, SHIP_FAILED, "the personal keys could not be made durable: ", error_text(error));
        return;
    }
    r->keys_dirty = false;
    note_primary(r, r->tail > r->stats.primary_tail ? r->tail : r->stats.primary_tail);
    if (r->phase == PHASE_FOLLOWING)
        acknowledge(r);
}

static void greet(struct ship_receiver *r)
{
    struct ship_message message = {
        .type = SHIP_HELLO,
        .hello = {.creation = r->creation,
                  .epoch = r->epoch,
                  .tail = r->tail,
                  .shard = r->options.shard,
                  .keys = r->options.keys_id},
    };
    if (r->phase != PHASE_ATTACHED || ship_receiver_busy(r) || r->failed)
        return;
    r->phase = PHASE_GREETED;
    memcpy(message.hello.leaf, r->leaf.at, sizeof message.hello.leaf);
    post(r, &message);
}

static void on_appended(struct ledger_append *append, enum append_outcome outcome)
{
    struct ship_receiver *r = append->owner;
    r->appending = false;
    switch (outcome) {
    case APPEND_OK:
        on_durable(r);
        break;
    case APPEND_REFUSED: /* nothing was written; the fold has it, so it must be this group */
        r->retry_us = r->ended ? 0 : r->now_us + SHIP_RETRY_US;
        break;
    case APPEND_MOVED:
        fail(r, SHIP_FAILED, "another writer has the standby's log", "");
        break;
    case APPEND_LATE: /* it was given all the time */
    case APPEND_UNKNOWN:
        fail(r, SHIP_FAILED, "the standby's disk failed", "");
        break;
    }
    greet(r);
}

/* L1 to L7: each record's claims are checked against the fold, as when it was written. */
static int fold_record(struct ship_receiver *r, const char *at, size_t bytes)
{
    struct record_view view;
    int error = record_view_of(at, bytes, &view);
    if (error < 0) {
        fail(r, SHIP_BAD_RECORD,
             error == -ERR_UNSUPPORTED ? "a record is of a format that is not this program's"
                                       : "a record's own shape or checksum is broken",
             "");
        return error;
    }
    error = shard_state_apply(r->state, &view);
    if (error < 0)
        fail(r, SHIP_BAD_RECORD, "a record is refused by the fold: ",
             error == -ERR_LIMIT ? "the limits of the standby are too low"
                                 : shard_state_reason(r->state));
    return error;
}

/* Folds on where it was, as far as there is room, and then writes the group. */
static void fold(struct ship_receiver *r)
{
    while (r->folded < r->append.bytes) {
        struct record_head head;
        int room = r->store.make_room(r->store.owner);
        if (room < 0)
            fail(r, SHIP_FAILED, "old verdicts could not be forgotten: ", error_text(room));
        if (room != SHIP_ROOM)
            return;
        memcpy(&head, r->records + r->folded, sizeof head); /* checked: ship_decode */
        if (fold_record(r, r->records + r->folded, head.bytes) < 0)
            return;
        r->folded += head.bytes;
    }
    r->folding = false;
    begin_append(r);
}

static void on_group(struct ship_receiver *r, const struct ship_group *group, struct slice records)
{
    if (group->epoch != r->session_epoch || group->seq_first != r->tail + 1) {
        bad_message(r);
        return;
    }
    memcpy(r->records, records.at, records.bytes);
    r->append = (struct ledger_append){
        .shard = r->options.shard,
        .epoch = r->session_epoch,
        .expected_tail = r->tail,
        .records = r->records,
        .bytes = records.bytes,
        .count = group->count,
        .on_done = on_appended,
        .owner = r,
    };
    r->folding = true;
    r->folded = 0;
    fold(r);
}

/* ---- the begin of a session ---- */

static int take_log(struct ship_receiver *r, const struct ship_welcome *welcome)
{
    if (r->log == NULL) {
        TRY(r->store.create(r->store.owner, welcome->creation, &r->log));
        r->creation = welcome->creation;
    }
    /* First, for it also says that this folder follows, whatever it was before. */
    TRY(r->store.note_odds(r->store.owner, welcome->odds_epoch, welcome->odds_position));
    if (welcome->epoch > r->epoch)
        TRY(r->store.raise_epoch(r->store.owner, welcome->epoch));
    r->epoch = welcome->epoch;
    return 0;
}

static void on_welcome(struct ship_receiver *r, const struct ship_welcome *welcome)
{
    if (welcome->shard != r->options.shard || welcome->creation == 0 ||
        (r->log != NULL && welcome->creation != r->creation)) {
        leave(r, SHIP_OTHER_LOG, 0);
        return;
    }
    if (welcome->epoch < r->epoch) { /* somebody wrote after this one */
        bool later = ship_term(welcome->epoch) < ship_term(r->epoch);
        leave(r, later ? SHIP_FENCED : SHIP_LATER_START, r->tail);
        return;
    }
    int error = take_log(r, welcome);
    if (error < 0) {
        fail(r, SHIP_FAILED, "the standby cannot follow: ", error_text(error));
        return;
    }
    r->session_epoch = welcome->epoch;
    r->phase = PHASE_FOLLOWING;
    r->stats.sessions++;
    r->stats.refusal = 0;
    note_primary(r, welcome->tail);
}

static void on_probe_read(struct ledger_read *read, int error, size_t bytes);

static void read_probe(struct ship_receiver *r)
{
    r->read = (struct ledger_read){
        .shard = r->options.shard,
        .seq_first = r->probed,
        .count = 1,
        .memory = r->read_memory,
        .capacity = RECORD_BYTES_MAX,
        .on_done = on_probe_read,
        .owner = r,
    };
    r->read_session = r->sessions;
    r->reading = r->log->ops->read(r->log, &r->read) == 0;
    r->probe_waits = !r->reading; /* busy: at the next tick */
}

static void on_probe_read(struct ledger_read *read, int error, size_t bytes)
{
    struct ship_receiver *r = read->owner;
    struct ship_message message = {.type = SHIP_PROBED, .probed = {.seq = read->seq_first}};
    r->reading = false;
    if (r->read_session != r->sessions || r->phase != PHASE_GREETED) {
        if (r->probe_waits &&
            r->phase == PHASE_GREETED) /* one of the session before stood in its way */
            read_probe(r);
        return;
    }
    if (error < 0) {
        fail(r, SHIP_FAILED, "the standby's log cannot be read: ", error_text(error));
        return;
    }
    struct merkle_hash leaf;
    merkle_leaf(r->sha, slice_of(r->read_memory, bytes), &leaf);
    memcpy(message.probed.leaf, leaf.at, sizeof message.probed.leaf);
    post(r, &message);
}

static void on_probe(struct ship_receiver *r, uint64_t seq)
{
    bool asked = r->probe_waits || (r->reading && r->read_session == r->sessions);
    if (r->log == NULL || seq > r->tail || asked) {
        bad_message(r);
        return;
    }
    r->probed = seq;
    r->probe_waits = true;
    if (!r->reading)
        read_probe(r);
}

/* ---- messages ---- */

static void on_beat(struct ship_receiver *r, const struct ship_beat *beat)
{
    note_primary(r, beat->tail);
    int error = r->store.note_odds(r->store.owner, beat->odds_epoch, beat->odds_position);
    if (error < 0)
        fail(r, SHIP_FAILED, "the standby's disk failed: ", error_text(error));
}

static void on_keys(struct ship_receiver *r, const struct ship_keys *keys, struct slice slots)
{
    r->keys_dirty = true;
    r->stats.keys_bytes += slots.bytes;
    int error = r->store.write_keys(r->store.owner, keys->offset, slots);
    if (error == -ERR_FORMAT)
        bad_message(r);
    else if (error < 0)
        fail(r, SHIP_FAILED, "the personal keys could not be written: ", error_text(error));
}

static void on_refused(struct ship_receiver *r, const struct ship_refused *refused)
{
    r->stats.refusal = refused->refusal;
    r->stats.refusal_seq = refused->seq;
    r->stats.refusal_epoch = refused->epoch;
    r->phase = PHASE_CLOSING;
    r->link.close(r->link.owner);
}

static void take(struct ship_receiver *r, const struct ship_message *message)
{
    bool greeted = r->phase == PHASE_GREETED;
    bool following = r->phase == PHASE_FOLLOWING;
    if (message->type == SHIP_REFUSED)
        on_refused(r, &message->refused);
    else if (message->type == SHIP_WELCOME && greeted)
        on_welcome(r, &message->welcome);
    else if (message->type == SHIP_PROBE && greeted)
        on_probe(r, message->probe.seq);
    else if (message->type == SHIP_GROUP && following)
        on_group(r, &message->group, message->tail);
    else if (message->type == SHIP_BEAT && following)
        on_beat(r, &message->beat);
    else if (message->type == SHIP_KEYS && following)
        on_keys(r, &message->keys, message->tail);
    else
        bad_message(r);
}

void ship_receiver_message(struct ship_receiver *r, struct slice bytes)
{
    struct ship_message message;
    if (r->phase == PHASE_NONE || r->phase == PHASE_CLOSING)
        return;
    r->stats.heard_us = r->now_us;
    if (ship_receiver_busy(r) || ship_decode(bytes, &message) < 0)
        bad_message(r);
    else
        take(r, &message);
}

bool ship_receiver_busy(const struct ship_receiver *r)
{
    return r->folding || r->appending || r->retry_us != 0;
}

/* ---- the link and time ---- */

void ship_receiver_attach(struct ship_receiver *r, const struct ship_link *link)
{
    ASSERT(r->phase == PHASE_NONE);
    r->link = *link;
    r->sessions++;
    r->probe_waits = false;
    r->phase = PHASE_ATTACHED;
    r->stats.heard_us = r->now_us;
    greet(r);
}

void ship_receiver_detached(struct ship_receiver *r)
{
    r->phase = PHASE_NONE;
}

void ship_receiver_stop(struct ship_receiver *r, uint64_t epoch)
{
    r->epoch = epoch;
    r->folding = false; /* of no group that is not there yet */
    r->retry_us = 0;
    r->ended = true;
    leave(r, SHIP_FENCED, r->tail);
}

void ship_receiver_tick(struct ship_receiver *r, int64_t now_us)
{
    r->now_us = now_us;
    if (r->retry_us != 0 && now_us >= r->retry_us)
        begin_append(r);
    if (r->folding && !r->failed)
        fold(r);
    if (r->probe_waits && !r->reading && r->phase == PHASE_GREETED)
        read_probe(r);
    if (r->phase == PHASE_FOLLOWING && now_us - r->acked_us >= SHIP_BEAT_US)
        acknowledge(r); /* a sign of life */
}

/* ---- life ---- */

static int hash_last(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct ship_receiver *r = owner;
    (void)shard;
    merkle_leaf(r->sha, slice_of(record, bytes), &r->leaf);
    return 0;
}

static int open_parts(struct ship_receiver *r)
{
    r->records = aligned_alloc(8, SHIP_RECORDS_BYTES_MAX);
    r->read_memory = malloc(RECORD_BYTES_MAX);
    r->out = malloc(OUT_BYTES);
    if (r->records == NULL || r->read_memory == NULL || r->out == NULL)
        return -ERR_MEMORY;
    TRY(sha256_new(&r->sha));
    if (r->log == NULL)
        return 0;
    r->tail = r->log->ops->tail(r->log, r->options.shard);
    if (r->tail == 0)
        return 0;
    return r->log->ops->replay(r->log, r->options.shard, r->tail, hash_last, r);
}

int ship_receiver_new(const struct ship_receiver_options *options, const struct ship_store *store,
                      struct ledger_log *log, struct shard_state *state,
                      struct ship_receiver **ret_receiver)
{
    struct ship_receiver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ERR_MEMORY;
    r->options = *options;
    r->store = *store;
    r->log = log;
    r->state = state;
    r->creation = options->creation;
    r->epoch = options->epoch;
    int error = open_parts(r);
    if (error < 0) {
        ship_receiver_free(r);
        return error;
    }
    ASSERT(shard_state_seq(state) == r->tail);
    *ret_receiver = r;
    return 0;
}

void ship_receiver_free(struct ship_receiver *r)
{
    if (r == NULL)
        return;
    sha256_free(r->sha);
    free(r->records);
    free(r->read_memory);
    free(r->out);
    free(r);
}

struct ship_receiver_stats ship_receiver_stats(const struct ship_receiver *r)
{
    struct ship_receiver_stats stats = r->stats;
    stats.attached = r->phase != PHASE_NONE;
    stats.following = r->phase == PHASE_FOLLOWING;
    stats.failed = r->failed;
    stats.tail = r->tail;
    stats.epoch = r->epoch;
    stats.creation = r->creation;
    return stats;
}

const char *ship_receiver_text(const struct ship_receiver *r)
{
    return r->text;
}
