/* ship_sender.c - contract in ship_sender.h.
 *
 * A session: its first message says what the peer has; PROBING compares records, by bisection when
 * the first is not alike, so that a refusal names where the two logs part; FOLLOWING sends. What is
 * read from the inner log belongs to the session that asked, or is dropped. */
#include "adapters/ship/ship_sender.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/ship/ship_lag.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/merkle.h"
#include "ledger/record.h"

#define READ_RECORDS_MAX 4096
#define READ_RECORDS_MIN 64 /* begun with */

_Static_assert(SHIP_READ_BYTES >= RECORD_BYTES_MAX, "any record can be read");

enum phase {
    PHASE_NONE = 0,
    PHASE_HELLO, /* attached; the first message is awaited */
    PHASE_PROBING,
    PHASE_FOLLOWING,
    PHASE_CLOSING, /* refused; what still comes is not looked at */
};

/* Records up to `alike` are the same in both logs, record `other` is not. */
struct probing {
    uint64_t shorter; /* the end of the shorter log */
    uint64_t alike, other;
    uint64_t seq; /* being compared */
    bool ours_known, theirs_known;
    struct merkle_hash ours, theirs;
};

struct ship_sender {
    struct ledger_log log; /* first: the port */
    struct ledger_log *inner;
    struct ship_sender_options options;
    struct ship_sender_events events;
    struct sha256 *sha; /* owned */
    int64_t now_us;
    uint64_t epoch; /* of this writer; 0: not taken yet */
    uint64_t tail;  /* durable here */
    uint64_t confirmed;
    uint32_t odds_epoch;
    uint64_t odds_position;

    struct ledger_append append; /* the one under way, as the inner log sees it */
    struct ledger_append *asked; /* the owner's */
    bool waits;                  /* durable here, not there */
    bool ready;                  /* and there: to be told in poll() */
    int64_t waits_since_us;

    enum phase phase;
    struct ship_link link;
    uint64_t session;
    struct ship_hello hello;
    struct probing probing;
    uint64_t sent, acked; /* records; acked also when nobody is attached: as of the last one */
    uint64_t keys_sent;   /* bytes of the file of keys */
    int64_t heard_us, beat_us, alone_since_us;
    bool caught_up, away, degraded, fenced;

    bool reading;
    uint64_t read_session;
    struct ledger_read read;
    uint32_t read_count; /* records asked for at once */
    char *read_memory;   /* owned; SHIP_READ_BYTES */
    char *out;           /* owned; SHIP_MESSAGE_BYTES_MAX */

    struct ship_lag lag;
    struct ship_sender_stats stats;
};

static struct ship_sender *sender_of(struct ledger_log *log)
{
    return (struct ship_sender *)log;
}

static void note(struct ship_sender *s, enum ship_note what, uint16_t refusal, uint64_t seq)
{
    if (s->events.on_note != NULL)
        s->events.on_note(s->events.owner, what, refusal, seq);
}

static bool is_sync(const struct ship_sender *s)
{
    return s->options.mode == SHIP_MODE_SYNC && !s->degraded;
}

/* ---- what may be told ---- */

static void confirm(struct ship_sender *s)
{
    uint64_t seq = is_sync(s) && s->acked < s->tail ? s->acked : s->tail;
    if (seq <= s->confirmed)
        return;
    s->confirmed = seq;
    if (s->events.on_confirmed != NULL)
        s->events.on_confirmed(s->events.owner, seq);
}

static bool must_wait(const struct ship_sender *s)
{
    return is_sync(s) && s->acked < s->tail;
}

static void end_wait(struct ship_sender *s)
{
    if (s->waits && !must_wait(s)) {
        s->waits = false;
        s->ready = true;
    }
}

static void set_away(struct ship_sender *s, bool away)
{
    if (s->away == away)
        return;
    s->away = away;
    s->stats.timeouts += away;
    if (away && s->options.degrade == SHIP_DEGRADE_ASYNC) {
        s->degraded = true;
        note(s, SHIP_NOTE_DEGRADED, 0, s->acked);
    } else if (away) {
        note(s, SHIP_NOTE_AWAY, 0, s->acked);
    } else {
        s->degraded = false;
        note(s, SHIP_NOTE_BACK, 0, s->acked);
    }
    if (s->options.degrade == SHIP_DEGRADE_STOP && s->events.on_away != NULL)
        s->events.on_away(s->events.owner, away);
}

/* The standby kept a group waiting, or was not there, for too long; or it has all again. */
static void check_away(struct ship_sender *s)
{
    if (s->options.mode != SHIP_MODE_SYNC)
        return;
    /* Under load a standby that follows live is always a group behind. */
    bool near =
        s->degraded && ship_lag_us(&s->lag, s->acked, s->now_us) < s->options.timeout_us / 2;
    bool has_all = s->phase == PHASE_FOLLOWING && (s->acked == s->tail || near);
    bool late = s->waits && s->now_us - s->waits_since_us >= s->options.timeout_us;
    bool alone =
        s->phase != PHASE_FOLLOWING && s->now_us - s->alone_since_us >= s->options.timeout_us;
    if (has_all)
        set_away(s, false);
    else if (late || alone)
        set_away(s, true);
    confirm(s);
    end_wait(s);
}

static void on_acked(struct ship_sender *s, uint64_t seq)
{
    s->acked = seq;
    ship_lag_acked(&s->lag, seq);
    if (seq == s->tail && !s->caught_up) {
        s->caught_up = true;
        note(s, SHIP_NOTE_CAUGHT_UP, 0, seq);
    }
    confirm(s);
    end_wait(s);
    check_away(s);
}

/* ---- sending ---- */

static bool post(struct ship_sender *s, const struct ship_message *message)
{
    struct buf out = buf_over(s->out, SHIP_MESSAGE_BYTES_MAX);
    bool fits = ship_encode(&out, message);
    ASSERT(fits);
    s->stats.bytes_sent += out.bytes;
    return s->link.send(s->link.owner, buf_slice(&out));
}

static void refuse(struct ship_sender *s, enum ship_refusal refusal, uint64_t seq)
{
    const char *text = ship_refusal_text((uint16_t)refusal);
    const struct ship_message message = {
        .type = SHIP_REFUSED,
        .refused = {.epoch = s->epoch, .seq = seq, .refusal = (uint16_t)refusal},
        .tail = slice_text(text),
    };
    (void)post(s, &message); /* gone: nobody is to be told */
    s->phase = PHASE_CLOSING;
    s->stats.refused++;
    s->link.close(s->link.owner);
    note(s, SHIP_NOTE_REFUSED, (uint16_t)refusal, seq);
}

static void send_group(struct ship_sender *s, struct slice records, uint32_t count)
{
    const struct ship_message message = {
        .type = SHIP_GROUP,
        .group = {.epoch = s->epoch, .seq_first = s->sent + 1, .count = count},
        .tail = records,
    };
    if (post(s, &message))
        s->sent += count;
}

static bool has_room(struct ship_sender *s)
{
    if (s->link.queued(s->link.owner) < SHIP_QUEUE_BYTES_MAX)
        return true;
    s->stats.queue_reached++;
    return false;
}

/* A key goes before the first record that needs it: the file grows before the account is opened. */
static bool send_keys(struct ship_sender *s)
{
    const struct ship_keys_source *keys = &s->options.keys;
    char slots[SHIP_KEYS_BYTES_MAX];
    if (keys->size == NULL)
        return true;
    while (s->keys_sent < keys->size(keys->owner)) {
        if (!has_room(s))
            return false;
        int got = keys->read(keys->owner, s->keys_sent, slots, sizeof slots);
        if (got <= 0) {
            refuse(s, SHIP_FAILED, 0);
            return false;
        }
        const struct ship_message message = {.type = SHIP_KEYS,
                                             .keys = {.offset = s->keys_sent},
                                             .tail = slice_of(slots, (size_t)got)};
        if (!post(s, &message))
            return false;
        s->keys_sent += (uint64_t)got;
    }
    return true;
}

static void on_read(struct ledger_read *read, int error, size_t bytes);

static void begin_read(struct ship_sender *s, uint64_t seq, uint32_t count)
{
    ASSERT(!s->reading);
    s->read = (struct ledger_read){
        .shard = s->options.shard,
        .seq_first = seq,
        .count = count,
        .memory = s->read_memory,
        .capacity = SHIP_READ_BYTES,
        .on_done = on_read,
        .owner = s,
    };
    s->read_session = s->session;
    s->reading = s->inner->ops->read(s->inner, &s->read) == 0; /* busy: the next tick asks again */
}

/* Reads on where sending has come to. */
static void pump(struct ship_sender *s)
{
    if (s->phase != PHASE_FOLLOWING || s->reading || !send_keys(s) || s->sent >= s->tail ||
        !has_room(s))
        return;
    uint64_t left = s->tail - s->sent;
    begin_read(s, s->sent + 1, left < s->read_count ? (uint32_t)left : s->read_count);
}

/* ---- comparing ---- */

/* What is not told is not compared. */
static bool differ(const uint8_t a[8], const uint8_t b[8])
{
    static const uint8_t none[8];
    return memcmp(a, none, sizeof none) != 0 && memcmp(b, none, sizeof none) != 0 &&
           memcmp(a, b, sizeof none) != 0;
}

static void welcome(struct ship_sender *s)
{
    const struct ship_message message = {
        .type = SHIP_WELCOME,
        .welcome = {.creation = s->options.creation,
                    .epoch = s->epoch,
                    .tail = s->tail,
                    .odds_position = s->odds_position,
                    .shard = s->options.shard,
                    .odds_epoch = s->odds_epoch},
    };
    s->phase = PHASE_FOLLOWING;
    s->stats.sessions++;
    s->sent = s->hello.tail;
    s->keys_sent = 0;
    s->caught_up = false;
    s->read_count = READ_RECORDS_MIN;
    s->beat_us = s->now_us;
    if (!post(s, &message))
        return;
    note(s, SHIP_NOTE_FOLLOWS, 0, s->sent);
    s->stats.head_key_differs = differ(s->hello.keys.head_key, s->options.keys_id.head_key);
    if (s->stats.head_key_differs)
        note(s, SHIP_NOTE_HEAD_KEY, 0, s->sent);
    on_acked(s, s->sent); /* what it has is durable there */
    pump(s);
}

static void compare(struct ship_sender *s);

static void probe(struct ship_sender *s, uint64_t seq)
{
    struct probing *p = &s->probing;
    p->seq = seq;
    p->ours_known = false;
    p->theirs_known = seq == s->hello.tail;
    if (p->theirs_known)
        memcpy(p->theirs.at, s->hello.leaf, sizeof p->theirs.at);
    const struct ship_message message = {.type = SHIP_PROBE, .probe = {seq}};
    if (!p->theirs_known && !post(s, &message))
        return;
    if (!s->reading)
        begin_read(s, seq, 1);
}

/* What stands up to the shorter log's end is compared: as each record says which one it was written
 * behind (ledger/record.h), the first that is not alike parts them for good. */
static void begin_probing(struct ship_sender *s)
{
    uint64_t shorter = s->hello.tail < s->tail ? s->hello.tail : s->tail;
    s->phase = PHASE_PROBING;
    s->probing = (struct probing){.shorter = shorter, .other = shorter + 1};
    if (shorter == 0)
        welcome(s);
    else
        probe(s, shorter);
}

static void compare(struct ship_sender *s)
{
    struct probing *p = &s->probing;
    if (!p->ours_known || !p->theirs_known)
        return;
    if (merkle_equal(&p->ours, &p->theirs))
        p->alike = p->seq;
    else
        p->other = p->seq;
    if (p->other - p->alike > 1)
        probe(s, p->alike + (p->other - p->alike) / 2);
    else if (p->alike == s->hello.tail)
        welcome(s);
    else
        refuse(s, p->other <= p->shorter ? SHIP_DIVERGED : SHIP_AHEAD, p->other);
}

static void on_local_leaf(struct ship_sender *s, size_t bytes)
{
    struct probing *p = &s->probing;
    if (s->read.seq_first != p->seq) { /* of a probe before; the one that is due now: */
        begin_read(s, p->seq, 1);
        return;
    }
    merkle_leaf(s->sha, slice_of(s->read_memory, bytes), &p->ours);
    p->ours_known = true;
    compare(s);
}

static void on_records_read(struct ship_sender *s, int error, size_t bytes)
{
    if (error == -ERR_LIMIT && s->read.count > 1) {
        s->read_count = s->read.count / 2;
    } else if (error < 0) {
        refuse(s, SHIP_FAILED, s->read.seq_first);
        return;
    } else if (s->read.seq_first == s->sent + 1) {
        send_group(s, slice_of(s->read_memory, bytes), s->read.count);
        s->stats.groups_read++;
        if (bytes < SHIP_READ_BYTES / 4 && s->read_count < READ_RECORDS_MAX)
            s->read_count *= 2;
    }
    pump(s);
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct ship_sender *s = read->owner;
    s->reading = false;
    bool current = s->read_session == s->session;
    if (current && s->phase == PHASE_FOLLOWING)
        on_records_read(s, error, bytes);
    else if (current && s->phase == PHASE_PROBING && error < 0)
        refuse(s, SHIP_FAILED, s->read.seq_first);
    else if (current && s->phase == PHASE_PROBING)
        on_local_leaf(s, bytes);
    else if (s->phase == PHASE_PROBING) /* the session before had asked */
        begin_read(s, s->probing.seq, 1);
    else
        pump(s);
}

/* ---- messages ---- */

static void fence(struct ship_sender *s, uint64_t epoch, uint64_t seq)
{
    int error = s->events.on_fenced(s->events.owner, epoch, seq);
    s->fenced = true;
    s->epoch = error == 0 ? epoch : s->epoch; /* the refusal says which */
    refuse(s, error == 0 ? SHIP_FENCED : SHIP_FAILED, seq);
}

static void on_hello(struct ship_sender *s, const struct ship_hello *hello)
{
    bool fresh = hello->creation == 0 && hello->tail == 0;
    s->hello = *hello;
    if (!fresh && hello->creation != s->options.creation)
        refuse(s, SHIP_OTHER_LOG, 0);
    else if (hello->shard != s->options.shard)
        refuse(s, SHIP_OTHER_LOG, 0);
    else if (ship_term(hello->epoch) > ship_term(s->epoch))
        fence(s, hello->epoch, hello->tail);
    else if (s->fenced)
        refuse(s, SHIP_FENCED, 0);
    else if (hello->epoch > s->epoch)
        refuse(s, SHIP_LATER_START, 0);
    else if (s->options.mode == SHIP_MODE_OFF)
        refuse(s, SHIP_OFF, 0);
    else if (differ(hello->keys.secrets, s->options.keys_id.secrets))
        refuse(s, SHIP_KEYS_DIFFER, 0);
    else
        begin_probing(s);
}

static void on_fence(struct ship_sender *s, const struct ship_fence *message)
{
    if (message->creation != s->options.creation)
        refuse(s, SHIP_OTHER_LOG, 0);
    else if (ship_term(message->epoch) <= ship_term(s->epoch) &&
             !(s->fenced && message->epoch == s->epoch))
        refuse(s, SHIP_NOT_HIGHER, 0);
    else
        fence(s, message->epoch, message->seq);
}

static void on_refused(struct ship_sender *s, const struct ship_refused *refused)
{
    if (refused->refusal == SHIP_FENCED && ship_term(refused->epoch) > ship_term(s->epoch)) {
        fence(s, refused->epoch, refused->seq);
        return;
    }
    s->phase = PHASE_CLOSING;
    s->link.close(s->link.owner);
    note(s, SHIP_NOTE_REFUSES, refused->refusal, refused->seq);
}

static bool on_ack(struct ship_sender *s, const struct ship_ack *ack)
{
    if (ack->epoch != s->epoch || ack->seq < s->acked || ack->seq > s->sent)
        return false;
    on_acked(s, ack->seq);
    pump(s);
    return true;
}

static bool on_probed(struct ship_sender *s, const struct ship_probed *probed)
{
    struct probing *p = &s->probing;
    if (probed->seq != p->seq || p->theirs_known)
        return false;
    memcpy(p->theirs.at, probed->leaf, sizeof p->theirs.at);
    p->theirs_known = true;
    compare(s);
    return true;
}

/* False: not in this place of a session. */
static bool take(struct ship_sender *s, const struct ship_message *message)
{
    switch (message->type) {
    case SHIP_HELLO:
        if (s->phase != PHASE_HELLO)
            return false;
        on_hello(s, &message->hello);
        return true;
    case SHIP_FENCE:
        if (s->phase != PHASE_HELLO)
            return false;
        on_fence(s, &message->fence);
        return true;
    case SHIP_PROBED:
        return s->phase == PHASE_PROBING && on_probed(s, &message->probed);
    case SHIP_ACK:
        return s->phase == PHASE_FOLLOWING && on_ack(s, &message->ack);
    case SHIP_REFUSED:
        on_refused(s, &message->refused);
        return true;
    case SHIP_WELCOME:
    case SHIP_PROBE:
    case SHIP_GROUP:
    case SHIP_BEAT:
    case SHIP_KEYS:
        break;
    }
    return false;
}

void ship_sender_message(struct ship_sender *s, struct slice bytes)
{
    struct ship_message message;
    if (s->phase == PHASE_NONE || s->phase == PHASE_CLOSING)
        return;
    s->heard_us = s->now_us;
    if (ship_decode(bytes, &message) == 0 && take(s, &message))
        return;
    s->stats.bad_messages++;
    refuse(s, SHIP_BAD_MESSAGE, 0);
}

/* ---- the link ---- */

bool ship_sender_attach(struct ship_sender *s, const struct ship_link *link)
{
    if (s->phase != PHASE_NONE) {
        bool silent = s->phase == PHASE_CLOSING || s->now_us - s->heard_us >= SHIP_SILENCE_US_MAX;
        if (!silent)
            return false;
        s->link.close(s->link.owner);
        ship_sender_detached(s);
    }
    s->session++;
    s->link = *link;
    s->phase = PHASE_HELLO;
    s->heard_us = s->now_us;
    return true;
}

void ship_sender_detached(struct ship_sender *s)
{
    if (s->phase == PHASE_FOLLOWING)
        s->alone_since_us = s->now_us;
    if (s->phase == PHASE_FOLLOWING)
        note(s, SHIP_NOTE_LOST, 0, s->acked);
    s->phase = PHASE_NONE;
    s->caught_up = false;
}

void ship_sender_drained(struct ship_sender *s)
{
    pump(s);
}

void ship_sender_keys_changed(struct ship_sender *s)
{
    s->keys_sent = 0;
    pump(s);
}

void ship_sender_head_key(struct ship_sender *s, const struct ship_keys_id *id)
{
    memcpy(s->options.keys_id.head_key, id->head_key, sizeof id->head_key);
}

void ship_sender_odds(struct ship_sender *s, uint32_t epoch, uint64_t position)
{
    s->odds_epoch = epoch;
    s->odds_position = position;
}

static void beat(struct ship_sender *s)
{
    const struct ship_message message = {
        .type = SHIP_BEAT,
        .beat = {.epoch = s->epoch,
                 .tail = s->tail,
                 .odds_position = s->odds_position,
                 .odds_epoch = s->odds_epoch},
    };
    s->beat_us = s->now_us;
    (void)post(s, &message);
}

void ship_sender_tick(struct ship_sender *s, int64_t now_us)
{
    if (s->now_us == 0) { /* the first: time begins */
        ship_lag_begin(&s->lag, s->tail, now_us);
        s->alone_since_us = now_us;
    }
    s->now_us = now_us;
    check_away(s);
    if (s->phase == PHASE_FOLLOWING && now_us - s->beat_us >= SHIP_BEAT_US)
        beat(s);
    if (s->phase == PHASE_PROBING && !s->reading && !s->probing.ours_known)
        begin_read(s, s->probing.seq, 1);
    pump(s);
}

/* ---- the port ---- */

static void finish(struct ship_sender *s, enum append_outcome outcome)
{
    struct ledger_append *asked = s->asked;
    s->asked = NULL;
    s->waits = s->ready = false;
    asked->on_done(asked, outcome); /* may append again */
}

static void on_local(struct ledger_append *append, enum append_outcome outcome)
{
    struct ship_sender *s = append->owner;
    if (outcome != APPEND_OK) {
        finish(s, outcome);
        return;
    }
    ASSERT(append->expected_tail == s->tail); /* L1: this is the log's only writer */
    s->tail += append->count;
    if (s->options.mode != SHIP_MODE_OFF)
        ship_lag_append(&s->lag, s->tail, append->bytes, s->now_us);
    if (s->phase == PHASE_FOLLOWING && !s->reading && s->sent == append->expected_tail &&
        send_keys(s) && has_room(s)) {
        send_group(s, slice_of(append->records, append->bytes), append->count);
        s->stats.groups_live++;
    } else {
        pump(s);
    }
    confirm(s);
    s->waits = must_wait(s);
    s->waits_since_us = s->now_us;
    if (!s->waits)
        finish(s, APPEND_OK);
}

static int sender_append(struct ledger_log *log, struct ledger_append *append)
{
    struct ship_sender *s = sender_of(log);
    if (s->asked != NULL)
        return -ERR_BUSY;
    if (s->fenced)
        return -ERR_STOPPED;
    s->append = *append;
    s->append.on_done = on_local;
    s->append.owner = s;
    s->asked = append;
    int error = s->inner->ops->append(s->inner, &s->append);
    if (error < 0)
        s->asked = NULL;
    return error;
}

static int sender_read(struct ledger_log *log, struct ledger_read *read)
{
    struct ledger_log *inner = sender_of(log)->inner;
    return inner->ops->read(inner, read);
}

static int sender_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                         ledger_visit visit, void *owner)
{
    struct ledger_log *inner = sender_of(log)->inner;
    return inner->ops->replay(inner, shard, seq_first, visit, owner);
}

static uint64_t sender_tail(struct ledger_log *log, uint32_t shard)
{
    struct ledger_log *inner = sender_of(log)->inner;
    return inner->ops->tail(inner, shard);
}

static uint64_t sender_confirmed(struct ledger_log *log, uint32_t shard)
{
    (void)shard;
    const struct ship_sender *s = sender_of(log);
    return is_sync(s) ? s->confirmed : s->tail;
}

static int sender_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct ship_sender *s = sender_of(log);
    TRY(s->inner->ops->take_epoch(s->inner, shard, ret_epoch));
    s->epoch = *ret_epoch;
    return 0;
}

static enum ledger_trouble sender_trouble(struct ledger_log *log)
{
    struct ledger_log *inner = sender_of(log)->inner;
    return inner->ops->trouble(inner);
}

static void sender_poll(struct ledger_log *log)
{
    struct ship_sender *s = sender_of(log);
    s->inner->ops->poll(s->inner);
    if (s->ready)
        finish(s, APPEND_OK);
}

static void sender_free(struct ledger_log *log)
{
    struct ship_sender *s = sender_of(log);
    s->inner->ops->free(s->inner);
    if (s->asked != NULL)
        finish(s, s->ready ? APPEND_OK : APPEND_UNKNOWN);
}

static const struct ledger_log_ops log_ops = {
    .append = sender_append,
    .read = sender_read,
    .replay = sender_replay,
    .tail = sender_tail,
    .take_epoch = sender_take_epoch,
    .trouble = sender_trouble,
    .poll = sender_poll,
    .free = sender_free,
    .confirmed = sender_confirmed,
};

/* The inner log tells the owner of this one. */
static void on_notify(void *owner)
{
    struct ship_sender *s = owner;
    if (s->log.notify != NULL)
        s->log.notify(s->log.notify_owner);
}

int ship_sender_new(const struct ship_sender_options *options, struct ledger_log *inner,
                    const struct ship_sender_events *events, struct ship_sender **ret_sender)
{
    struct ship_sender *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ERR_MEMORY;
    s->log.ops = &log_ops;
    s->log.append_bytes_max = inner->append_bytes_max;
    s->inner = inner;
    s->options = *options;
    s->events = *events;
    s->tail = inner->ops->tail(inner, options->shard);
    s->read_memory = malloc(SHIP_READ_BYTES);
    s->out = malloc(SHIP_MESSAGE_BYTES_MAX);
    int error = s->read_memory == NULL || s->out == NULL ? -ERR_MEMORY : sha256_new(&s->sha);
    if (error < 0) {
        ship_sender_free(s);
        return error;
    }
    inner->notify = on_notify;
    inner->notify_owner = s;
    confirm(s);
    *ret_sender = s;
    return 0;
}

void ship_sender_free(struct ship_sender *s)
{
    if (s == NULL)
        return;
    sha256_free(s->sha);
    free(s->read_memory);
    free(s->out);
    free(s);
}

bool ship_sender_ready(const struct ship_sender *s)
{
    return s->ready;
}

struct ledger_log *ship_sender_log(struct ship_sender *s)
{
    return &s->log;
}

struct ship_sender_stats ship_sender_stats(const struct ship_sender *s)
{
    struct ship_sender_stats stats = s->stats;
    bool all = s->acked >= s->tail;
    stats.attached = s->phase != PHASE_NONE;
    stats.following = s->phase == PHASE_FOLLOWING;
    stats.caught_up = stats.following && all;
    stats.away = s->away;
    stats.degraded = s->degraded;
    stats.fenced = s->fenced;
    stats.tail = s->tail;
    stats.sent = s->sent;
    stats.acked = s->acked;
    stats.lag_records = all ? 0 : s->tail - s->acked;
    stats.lag_bytes = all ? 0 : ship_lag_bytes(&s->lag, s->acked);
    stats.lag_us = all ? 0 : ship_lag_us(&s->lag, s->acked, s->now_us);
    return stats;
}
