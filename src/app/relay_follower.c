/* relay_follower.c - contract in relay_follower.h. */
#include "app/relay_follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "core/user_shard.h"

struct relay_follower {
    struct book *book; /* borrowed */
    struct relay_follower_events events;
    struct carrier carrier;
    bool attached, broken, welcome;
    uint64_t numbers_in, numbers; /* of the last message that came, and that went */
    uint64_t come_seq; /* of the last SAID or PASSED that was taken; at first the HELLO's */
    uint8_t desk_book_id[SHARD_BOOK_ID_BYTES];
    uint32_t desk_shard;
    bool confirms;                    /* what the HELLO said is to be told as durable */
    uint64_t durable_seq, told_seq;   /* known as durable here; told over this link */
    int64_t asked_first_us, asked_us; /* over this link; 0: not yet */
    struct monotonic now;
    uint64_t refused[RELAY_FOLLOWER_REFUSALS]; /* a ring of the newest, durable */
    uint64_t refused_count, refused_told;
    struct relay_follower_stats stats;
    char *inbox;       /* owned; whole messages, one after another, each 8-byte aligned */
    size_t from, upto; /* what waits in it */
};

/* ---- the link ---- */

static bool is_open(const struct relay_follower *follower)
{
    return follower->attached && !follower->broken;
}

static void fail(struct relay_follower *follower)
{
    if (!is_open(follower))
        return;
    follower->broken = true;
    follower->carrier.close(follower->carrier.owner);
}

static void send(struct relay_follower *follower, struct relay_message *message)
{
    char memory[RELAY_SHORT_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    if (!is_open(follower))
        return;
    message->number = ++follower->numbers;
    bool put = relay_wire_put(&out, message);
    ASSERT(put);
    if (!follower->carrier.send(follower->carrier.owner, buf_slice(&out)))
        fail(follower);
}

void relay_follower_attach(struct relay_follower *follower, const struct carrier *carrier)
{
    const struct shard_state *state = book_state(follower->book);
    const struct shard_desk *desk = shard_state_desk(state);
    struct relay_message message = {.type = RELAY_HELLO,
                                    .hello = {.format = RELAY_FORMAT,
                                              .shard = (uint16_t)shard_state_shard(state),
                                              .shards = (uint16_t)shard_state_shards(state),
                                              .desk_shard = (uint16_t)desk->shard,
                                              .have_seq = desk->seq}};
    ASSERT(!follower->attached);
    memcpy(message.hello.book_id, shard_state_book_id(state), SHARD_BOOK_ID_BYTES);
    memcpy(message.hello.desk_book_id, desk->book_id, SHARD_BOOK_ID_BYTES);
    follower->carrier = *carrier;
    follower->attached = true;
    follower->broken = follower->welcome = false;
    follower->numbers_in = follower->numbers = 0;
    follower->come_seq = desk->seq;
    follower->confirms = desk->seq != 0;
    follower->told_seq = 0;
    follower->asked_first_us = follower->asked_us = 0;
    follower->refused_told = follower->refused_count > RELAY_FOLLOWER_REFUSALS
                                 ? follower->refused_count - RELAY_FOLLOWER_REFUSALS
                                 : 0;
    follower->from = follower->upto = 0;
    send(follower, &message);
}

void relay_follower_detached(struct relay_follower *follower)
{
    follower->attached = follower->welcome = false;
    follower->from = follower->upto = 0;
}

const uint8_t *relay_follower_desk_book_id(const struct relay_follower *follower)
{
    const struct shard_desk *desk = shard_state_desk(book_state(follower->book));
    if (desk->seq != 0)
        return desk->book_id;
    return follower->stats.sessions > 0 ? follower->desk_book_id : NULL;
}

bool relay_follower_is_welcome(const struct relay_follower *follower)
{
    return is_open(follower) && follower->welcome;
}

/* ---- what is durable ---- */

static void became_durable(struct relay_follower *follower, uint64_t seq)
{
    if (seq > follower->durable_seq)
        follower->durable_seq = seq;
}

/* Of a RELAYED. */
static void on_relayed(const struct book_answer *answer)
{
    struct relay_follower *follower = answer->cookie.owner;
    if (answer->failed)
        return;
    const struct record_relayed *body = answer->record->body;
    if (body->refused != 0)
        follower->refused[follower->refused_count++ % RELAY_FOLLOWER_REFUSALS] = body->desk_seq;
    became_durable(follower, body->desk_seq);
}

/* Of a moment at which all that the HELLO named was in the log. */
static void on_confirmed(const struct book_answer *answer)
{
    if (!answer->failed)
        became_durable(answer->cookie.owner, answer->cookie.words[0]);
}

/* What the link began with is in the log, but it may not be durable yet. */
static void confirm(struct relay_follower *follower)
{
    const struct book_cookie cookie = {.owner = follower, .words = {follower->come_seq}};
    if (!follower->confirms)
        return;
    follower->confirms = book_when_durable(follower->book, on_confirmed, cookie) != REQUEST_TAKEN;
}

static void tell_durable(struct relay_follower *follower)
{
    while (follower->refused_told < follower->refused_count) {
        uint64_t seq = follower->refused[follower->refused_told++ % RELAY_FOLLOWER_REFUSALS];
        send(follower, &(struct relay_message){.type = RELAY_HAVE, .have = {seq, 1, 0}});
    }
    if (follower->durable_seq <= follower->told_seq)
        return;
    follower->told_seq = follower->durable_seq;
    send(follower, &(struct relay_message){.type = RELAY_HAVE, .have = {follower->told_seq, 0, 0}});
}

/* ---- what comes ---- */

static int take_foreign(struct relay_follower *follower)
{
    follower->stats.foreign++;
    if (follower->events.on_foreign != NULL)
        follower->events.on_foreign(follower->events.owner);
    return -ERR_CONFIG;
}

static int take_welcome(struct relay_follower *follower, const struct relay_welcome *welcome)
{
    const struct shard_state *state = book_state(follower->book);
    const struct shard_desk *desk = shard_state_desk(state);
    if (follower->welcome || welcome->format != RELAY_FORMAT ||
        welcome->shards != shard_state_shards(state) ||
        !shard_place_valid((struct shard_place){welcome->shard, welcome->shards}))
        return -ERR_FORMAT;
    bool is_own = welcome->shard == shard_state_shard(state);
    bool is_another =
        desk->seq != 0 && (desk->shard != welcome->shard ||
                           memcmp(desk->book_id, welcome->book_id, SHARD_BOOK_ID_BYTES) != 0);
    if (is_own || is_another || welcome->durable_seq < desk->seq)
        return take_foreign(follower);
    memcpy(follower->desk_book_id, welcome->book_id, SHARD_BOOK_ID_BYTES);
    follower->desk_shard = welcome->shard;
    follower->welcome = true;
    follower->stats.sessions++;
    return 0;
}

static void count_taken(struct relay_follower *follower, const struct relayed *relayed,
                        enum relay_outcome outcome)
{
    follower->come_seq = relayed->desk_seq;
    follower->stats.words += relayed->word != NULL;
    if (outcome != RELAY_REFUSED)
        return;
    follower->stats.refused++;
    if (follower->events.on_refused != NULL)
        follower->events.on_refused(follower->events.owner, relayed->desk_seq,
                                    relayed->word->record.head->type);
}

/* -ERR_BUSY: it is to be taken later. */
static int relay(struct relay_follower *follower, uint64_t before_seq, uint64_t seq,
                 const struct relay_word *word)
{
    const struct relayed relayed = {follower->desk_book_id, follower->desk_shard, seq, word};
    const struct book_reply reply = {on_relayed, {.owner = follower}};
    if (before_seq != follower->come_seq)
        return -ERR_FORMAT;
    enum relay_outcome outcome = book_relay(follower->book, &relayed, reply);
    switch (outcome) {
    case RELAY_RECORDED:
    case RELAY_NO_CHANGE:
    case RELAY_REFUSED:
        count_taken(follower, &relayed, outcome);
        return 0;
    case RELAY_LATER:
        follower->stats.later++;
        return -ERR_BUSY;
    case RELAY_FOREIGN:
        return take_foreign(follower);
    case RELAY_KNOWN:
        break; /* come_seq is as far as the state is, and seq is above it */
    }
    return -ERR_FORMAT;
}

static int take_said(struct relay_follower *follower, const struct relay_message *message)
{
    struct relay_word word;
    TRY(relay_word_read(message->tail, &word));
    return relay(follower, message->said.before_seq, message->said.seq, &word);
}

static int take_grant(struct relay_follower *follower, int64_t asked_us)
{
    if (follower->asked_us == 0 || asked_us < follower->asked_first_us ||
        asked_us > follower->asked_us)
        return -ERR_FORMAT; /* nobody asked so */
    follower->stats.granted++;
    book_desk_grants(follower->book, (struct monotonic){asked_us + RELAY_GRANT_US});
    return 0;
}

static int take_message(struct relay_follower *follower, const struct relay_message *message)
{
    if (message->type == RELAY_WELCOME)
        return take_welcome(follower, &message->welcome);
    if (!follower->welcome)
        return -ERR_FORMAT;
    switch (message->type) {
    case RELAY_SAID:
        return take_said(follower, message);
    case RELAY_PASSED:
        return relay(follower, message->passed.before_seq, message->passed.seq, NULL);
    case RELAY_GRANT:
        return take_grant(follower, message->grant.asked_us);
    case RELAY_HELLO:
    case RELAY_WELCOME:
    case RELAY_HAVE:
    case RELAY_ASK:
        break;
    }
    return -ERR_FORMAT;
}

/* The bytes of the inbox's first message: it was put there whole. */
static struct slice first_of(const struct relay_follower *follower)
{
    struct relay_head head;
    memcpy(&head, follower->inbox + follower->from, sizeof head);
    return slice_of(follower->inbox + follower->from, head.bytes);
}

static int take_first(struct relay_follower *follower)
{
    struct relay_message message;
    struct slice bytes = first_of(follower);
    TRY(relay_wire_read(bytes, &message));
    TRY(take_message(follower, &message));
    follower->from += bytes.bytes;
    return 0;
}

static void take_inbox(struct relay_follower *follower)
{
    int error = 0;
    while (error == 0 && is_open(follower) && follower->from < follower->upto)
        error = take_first(follower);
    if (follower->from == follower->upto)
        follower->from = follower->upto = 0;
    if (error == 0 || error == -ERR_BUSY)
        return;
    if (error == -ERR_FORMAT)
        follower->stats.bad_messages++;
    fail(follower);
}

/* Room at the end, where what was taken already makes place. */
static bool make_room(struct relay_follower *follower, size_t bytes)
{
    size_t waits = follower->upto - follower->from;
    if (RELAY_INBOX_BYTES - follower->upto >= bytes)
        return true;
    if (RELAY_INBOX_BYTES - waits < bytes)
        return false;
    memmove(follower->inbox, follower->inbox + follower->from, waits);
    follower->from = 0;
    follower->upto = waits;
    return true;
}

static int keep(struct relay_follower *follower, struct slice bytes)
{
    struct relay_message message;
    TRY(relay_wire_read(bytes, &message));
    if (message.number != follower->numbers_in + 1)
        return -ERR_FORMAT;
    if (!make_room(follower, bytes.bytes)) {
        follower->stats.inbox_reached++;
        return -ERR_LIMIT;
    }
    follower->numbers_in++;
    memcpy(follower->inbox + follower->upto, bytes.at, bytes.bytes);
    follower->upto += bytes.bytes;
    return 0;
}

void relay_follower_message(struct relay_follower *follower, struct slice bytes)
{
    if (!is_open(follower))
        return;
    int error = keep(follower, bytes);
    if (error == 0) {
        take_inbox(follower);
        return;
    }
    follower->stats.bad_messages += error == -ERR_FORMAT;
    fail(follower);
}

/* ---- turns ---- */

static void ask(struct relay_follower *follower)
{
    if (follower->asked_us != 0 && follower->now.us - follower->asked_us < RELAY_ASK_US)
        return;
    struct relay_message message = {
        .type = RELAY_ASK, .ask = {follower->now.us, book_stats(follower->book)->settle_bets_left}};
    if (follower->asked_us == 0)
        follower->asked_first_us = follower->now.us;
    follower->asked_us = follower->now.us;
    follower->stats.asked++;
    send(follower, &message);
}

void relay_follower_turn_begin(struct relay_follower *follower, struct monotonic now)
{
    follower->now = now;
    take_inbox(follower);
}

void relay_follower_turn_end(struct relay_follower *follower)
{
    if (!relay_follower_is_welcome(follower))
        return;
    confirm(follower);
    tell_durable(follower);
    ask(follower);
}

int64_t relay_follower_due_us(const struct relay_follower *follower)
{
    if (!relay_follower_is_welcome(follower))
        return -1;
    int64_t left_us = follower->asked_us + RELAY_ASK_US - follower->now.us;
    return follower->asked_us == 0 || left_us < 0 ? 0 : left_us;
}

/* ---- life ---- */

int relay_follower_new(struct book *book, const struct relay_follower_events *events,
                       struct relay_follower **ret_follower)
{
    struct relay_follower *follower = calloc(1, sizeof *follower);
    char *inbox = aligned_alloc(8, RELAY_INBOX_BYTES);
    if (follower == NULL || inbox == NULL) {
        free(follower);
        free(inbox);
        return -ERR_MEMORY;
    }
    follower->book = book;
    follower->events = *events;
    follower->inbox = inbox;
    *ret_follower = follower;
    return 0;
}

void relay_follower_free(struct relay_follower *follower)
{
    if (follower == NULL)
        return;
    free(follower->inbox);
    free(follower);
}

const struct relay_follower_stats *relay_follower_stats(const struct relay_follower *follower)
{
    return &follower->stats;
}
