/* relay_teller.c - contract in relay_teller.h. */
#include "app/relay_teller.h"

#include <stdlib.h>
#include <string.h>

#include "app/relay_memory.h"
#include "base/assert.h"
#include "base/error.h"

struct link {
    struct carrier carrier;
    bool attached, broken, greeted;
    bool asked; /* and not granted yet */
    uint32_t shard;
    uint64_t session;             /* differs from that of every link before */
    uint64_t numbers_in, numbers; /* of the last message that came, and that went */
    uint64_t at_seq;              /* words up to it were sent */
    uint64_t sent_seq;            /* of the last SAID or PASSED; at first of the HELLO */
    size_t window_bytes;          /* sent since all was acknowledged */
    int64_t asked_us;
};

/* What is known of a shard, with or without a link. */
struct shard {
    struct link *link; /* greeted; or NULL */
    bool has_book_id;
    uint8_t book_id[SHARD_BOOK_ID_BYTES]; /* of its log, since it was first heard of */
    bool granted_now;                     /* in this turn: granted_us is the next turn's begin */
    int64_t granted_us;                   /* nothing was granted later */
    uint64_t have_seq;                    /* its log has all words up to this, durably */
    uint64_t complete_seq;                /* and up to there there is no other; at its HELLO: 0 */
    uint64_t bets_left;
};

struct wait {
    relay_spread_fn told; /* NULL: the place is free */
    void *owner;
    struct relay_wait_for words;
};

struct refusal {
    uint32_t shard;
    uint64_t seq;
};

/* The piece of the log that is being read, for one link. */
struct piece {
    struct ledger_read read;
    bool under_way;
    uint32_t link, records; /* the second: how many are asked for, at most */
    uint64_t session;
    int64_t again_us; /* not before */
    char *memory;     /* owned; RELAY_READ_BYTES */
};

struct relay_teller {
    struct shard_place place;
    struct relay_teller_ports ports;
    struct relay_memory *memory; /* owned, as all below */
    struct shard *shards;        /* place.shards; its own is not used */
    struct link *links;
    uint32_t links_count, next_link;
    uint64_t sessions;
    struct monotonic now;
    uint64_t durable_seq;
    struct piece piece;
    struct wait waits[RELAY_WAITS_MAX];
    uint32_t waits_count;
    struct refusal refusals[RELAY_REFUSALS_MAX]; /* a ring of the newest */
    uint64_t refusals_count;
    uint16_t *away, *refused; /* of an answer; place.shards each */
    char *word, *message;     /* RELAY_WORD_BYTES_MAX; RELAY_MESSAGE_BYTES_MAX */
    struct relay_teller_stats stats;
};

/* ---- life ---- */

static bool take_memory(struct relay_teller *teller, uint32_t shards)
{
    teller->links_count = shards + RELAY_SPARE_LINKS;
    teller->shards = calloc(shards, sizeof *teller->shards);
    teller->links = calloc(teller->links_count, sizeof *teller->links);
    teller->away = calloc(shards, sizeof *teller->away);
    teller->refused = calloc(shards, sizeof *teller->refused);
    teller->word = aligned_alloc(8, RELAY_WORD_BYTES_MAX);
    teller->message = aligned_alloc(8, RELAY_MESSAGE_BYTES_MAX);
    teller->piece.memory = aligned_alloc(8, RELAY_READ_BYTES);
    return teller->shards != NULL && teller->links != NULL && teller->away != NULL &&
           teller->refused != NULL && teller->word != NULL && teller->message != NULL &&
           teller->piece.memory != NULL &&
           relay_memory_new(shard_state_seq(teller->ports.state), &teller->memory) == 0;
}

int relay_teller_new(const struct relay_teller_options *options,
                     const struct relay_teller_ports *ports, struct relay_teller **ret_teller)
{
    struct relay_teller *teller = calloc(1, sizeof *teller);
    ASSERT(options->place.shards > 1 || shard_place_is_desk(options->place));
    if (teller == NULL)
        return -ERR_MEMORY;
    teller->place = options->place;
    teller->ports = *ports;
    teller->durable_seq = options->durable_seq;
    if (!take_memory(teller, options->place.shards)) {
        relay_teller_free(teller);
        return -ERR_MEMORY;
    }
    for (uint32_t i = 0; i < options->place.shards; i++)
        teller->shards[i].granted_now = true; /* by an earlier process, perhaps */
    teller->piece.records = RELAY_READ_RECORDS;
    *ret_teller = teller;
    return 0;
}

void relay_teller_free(struct relay_teller *teller)
{
    if (teller == NULL)
        return;
    relay_memory_free(teller->memory);
    free(teller->shards);
    free(teller->links);
    free(teller->away);
    free(teller->refused);
    free(teller->word);
    free(teller->message);
    free(teller->piece.memory);
    free(teller);
}

/* ---- the links ---- */

static bool is_open(const struct link *link)
{
    return link->attached && !link->broken;
}

static void fail(struct link *link)
{
    if (!is_open(link))
        return;
    link->broken = true;
    link->carrier.close(link->carrier.owner);
}

static void send(struct relay_teller *teller, struct link *link, struct relay_message *message)
{
    struct buf out = buf_over(teller->message, RELAY_MESSAGE_BYTES_MAX);
    if (!is_open(link))
        return;
    message->number = ++link->numbers;
    bool put = relay_wire_put(&out, message);
    ASSERT(put);
    if (!link->carrier.send(link->carrier.owner, buf_slice(&out)))
        fail(link);
}

int relay_teller_attach(struct relay_teller *teller, const struct carrier *carrier)
{
    for (uint32_t i = 0; i < teller->links_count; i++) {
        if (teller->links[i].attached)
            continue;
        teller->links[i] =
            (struct link){.carrier = *carrier, .attached = true, .session = ++teller->sessions};
        return (int)i;
    }
    teller->stats.links_reached++;
    return -ERR_BUSY;
}

void relay_teller_detached(struct relay_teller *teller, int number)
{
    struct link *link = &teller->links[number];
    ASSERT(link->attached);
    if (link->greeted && teller->shards[link->shard].link == link)
        teller->shards[link->shard].link = NULL;
    *link = (struct link){.attached = false};
}

/* ---- what comes ---- */

/* Another book's, or of a log that this desk's words cannot be in. */
static bool is_foreign(const struct relay_teller *teller, const struct relay_hello *hello)
{
    const uint8_t *own = shard_state_book_id(teller->ports.state);
    const struct shard *shard = &teller->shards[hello->shard];
    bool knows_another =
        hello->have_seq != 0 && (hello->desk_shard != teller->place.shard ||
                                 memcmp(hello->desk_book_id, own, SHARD_BOOK_ID_BYTES) != 0);
    bool is_another =
        shard->has_book_id && memcmp(shard->book_id, hello->book_id, SHARD_BOOK_ID_BYTES) != 0;
    return knows_another || is_another || hello->have_seq > teller->durable_seq ||
           memcmp(hello->book_id, own, SHARD_BOOK_ID_BYTES) == 0;
}

static void replace(struct relay_teller *teller, struct shard *shard, struct link *link)
{
    if (shard->link != NULL) {
        teller->stats.replaced++;
        shard->link->greeted = false;
        fail(shard->link);
    }
    shard->link = link;
}

static void welcome(struct relay_teller *teller, struct link *link)
{
    struct relay_message message = {.type = RELAY_WELCOME,
                                    .welcome = {.format = RELAY_FORMAT,
                                                .shard = (uint16_t)teller->place.shard,
                                                .shards = (uint16_t)teller->place.shards,
                                                .durable_seq = teller->durable_seq}};
    memcpy(message.welcome.book_id, shard_state_book_id(teller->ports.state), SHARD_BOOK_ID_BYTES);
    send(teller, link, &message);
}

static int take_hello(struct relay_teller *teller, struct link *link,
                      const struct relay_hello *hello)
{
    if (link->greeted || hello->format != RELAY_FORMAT || hello->shards != teller->place.shards ||
        hello->shard >= hello->shards || hello->shard == teller->place.shard)
        return -ERR_FORMAT;
    if (is_foreign(teller, hello))
        return -ERR_CONFIG;
    struct shard *shard = &teller->shards[hello->shard];
    replace(teller, shard, link);
    memcpy(shard->book_id, hello->book_id, SHARD_BOOK_ID_BYTES);
    shard->has_book_id = true;
    if (shard->have_seq > hello->have_seq) /* a copy of its log that lacks the newest took over */
        shard->have_seq = hello->have_seq;
    shard->complete_seq = 0;
    link->greeted = true;
    link->shard = hello->shard;
    link->at_seq = link->sent_seq = hello->have_seq;
    teller->stats.sessions++;
    welcome(teller, link);
    return 0;
}

static void remember_refusal(struct relay_teller *teller, uint32_t shard, uint64_t seq)
{
    uint64_t kept =
        teller->refusals_count < RELAY_REFUSALS_MAX ? teller->refusals_count : RELAY_REFUSALS_MAX;
    for (uint64_t i = 0; i < kept; i++)
        if (teller->refusals[i].shard == shard && teller->refusals[i].seq == seq)
            return; /* told again, over another link */
    teller->refusals[teller->refusals_count++ % RELAY_REFUSALS_MAX] = (struct refusal){shard, seq};
    teller->stats.refused++;
}

static int take_have(struct relay_teller *teller, struct link *link, const struct relay_have *have)
{
    struct shard *shard = &teller->shards[link->shard];
    if (have->seq > link->sent_seq)
        return -ERR_FORMAT;
    if (have->refused != 0) {
        remember_refusal(teller, link->shard, have->seq);
        return 0;
    }
    if (have->seq > shard->have_seq)
        shard->have_seq = have->seq;
    if (shard->have_seq >= link->sent_seq)
        link->window_bytes = 0;
    return 0;
}

static int take_message(struct relay_teller *teller, struct link *link,
                        const struct relay_message *message)
{
    if (message->type == RELAY_HELLO)
        return take_hello(teller, link, &message->hello);
    if (!link->greeted)
        return -ERR_FORMAT;
    switch (message->type) {
    case RELAY_HAVE:
        return take_have(teller, link, &message->have);
    case RELAY_ASK:
        teller->stats.not_granted += link->asked; /* the one before */
        link->asked = true;
        link->asked_us = message->ask.asked_us;
        teller->shards[link->shard].bets_left = message->ask.bets_left;
        return 0;
    case RELAY_HELLO:
    case RELAY_WELCOME:
    case RELAY_SAID:
    case RELAY_PASSED:
    case RELAY_GRANT:
        break;
    }
    return -ERR_FORMAT;
}

void relay_teller_message(struct relay_teller *teller, int number, struct slice bytes)
{
    struct link *link = &teller->links[number];
    struct relay_message message;
    if (!is_open(link))
        return;
    int error =
        bytes.bytes > RELAY_SHORT_BYTES_MAX ? -ERR_FORMAT : relay_wire_read(bytes, &message);
    if (error == 0 && message.number != ++link->numbers_in)
        error = -ERR_FORMAT;
    if (error == 0)
        error = take_message(teller, link, &message);
    if (error == 0)
        return;
    if (error == -ERR_CONFIG)
        teller->stats.foreign++;
    else
        teller->stats.bad_messages++;
    fail(link);
}

/* ---- what goes ---- */

void relay_teller_word(struct relay_teller *teller, const struct record_view *record)
{
    struct buf out = buf_over(teller->word, RELAY_WORD_BYTES_MAX);
    bool packed = relay_word_pack(teller->ports.state, record, &out);
    ASSERT(packed); /* RELAY_WORD_BYTES_MAX is of the longest */
    relay_memory_add(teller->memory, &(struct relay_entry){.seq = record->head->seq,
                                                           .said_us = teller->now.us,
                                                           .records = teller->word,
                                                           .bytes = out.bytes});
    teller->stats.words++;
}

static bool window_is_open(const struct link *link)
{
    return is_open(link) && link->window_bytes < RELAY_WINDOW_BYTES;
}

static void say(struct relay_teller *teller, struct link *link, uint64_t seq, struct slice records)
{
    struct relay_message message = {
        .type = RELAY_SAID, .said = {link->sent_seq, seq}, .tail = records};
    send(teller, link, &message);
    link->window_bytes += records.bytes;
    link->sent_seq = link->at_seq = seq;
}

/* Words up to at_seq were sent; that there was none for long is said as well. */
static void pass(struct relay_teller *teller, struct link *link)
{
    if (link->at_seq - link->sent_seq < RELAY_PASSED_RECORDS)
        return;
    struct relay_message message = {.type = RELAY_PASSED, .passed = {link->sent_seq, link->at_seq}};
    send(teller, link, &message);
    link->sent_seq = link->at_seq;
}

/* The log is read up to this for who is behind the memory. */
static uint64_t read_until(const struct relay_teller *teller)
{
    uint64_t from = relay_memory_from(teller->memory);
    return from < teller->durable_seq ? from : teller->durable_seq;
}

static void tell(struct relay_teller *teller, struct link *link)
{
    struct shard *shard = &teller->shards[link->shard];
    const struct relay_entry *entry = NULL;
    if (link->at_seq < relay_memory_from(teller->memory))
        return;
    while (window_is_open(link) &&
           (entry = relay_memory_after(teller->memory, link->at_seq)) != NULL)
        say(teller, link, entry->seq, slice_of(entry->records, entry->bytes));
    if (!window_is_open(link))
        return;
    if (link->at_seq < teller->durable_seq)
        link->at_seq = teller->durable_seq;
    pass(teller, link);
    if (shard->have_seq >= link->sent_seq)
        shard->complete_seq = link->at_seq;
}

/* ---- the log, for who is behind ---- */

/* False: the window is closed before it. */
static bool tell_read(struct relay_teller *teller, struct link *link,
                      const struct record_view *record)
{
    if (!relay_is_word(record)) {
        link->at_seq = record->head->seq;
        return true;
    }
    if (!window_is_open(link))
        return false;
    struct buf out = buf_over(teller->word, RELAY_WORD_BYTES_MAX);
    bool packed = relay_word_pack(teller->ports.state, record, &out);
    ASSERT(packed);
    say(teller, link, record->head->seq, buf_slice(&out));
    teller->stats.words_read++;
    return true;
}

static int tell_piece(struct relay_teller *teller, struct link *link, struct slice records)
{
    while (records.bytes > 0) {
        struct record_view record;
        if (record_view_of(records.at, records.bytes, &record) < 0 ||
            record.head->seq != link->at_seq + 1)
            return -ERR_CORRUPT;
        if (!tell_read(teller, link, &record))
            return 0;
        records = slice_skip(records, record.head->bytes);
    }
    pass(teller, link);
    return 0;
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct relay_teller *teller = read->owner;
    struct piece *piece = &teller->piece;
    struct link *link = &teller->links[piece->link];
    piece->under_way = false;
    if (error == -ERR_LIMIT && piece->records > 1) {
        piece->records /= 2;
        return;
    }
    piece->records = RELAY_READ_RECORDS;
    if (error == 0 && is_open(link) && link->session == piece->session)
        error = tell_piece(teller, link, slice_of(piece->memory, bytes));
    if (error == 0)
        return;
    teller->stats.read_failures++;
    piece->again_us = teller->now.us + RELAY_READ_AGAIN_US;
}

static bool wants_piece(const struct relay_teller *teller, const struct link *link)
{
    return link->greeted && window_is_open(link) && link->at_seq < read_until(teller);
}

static void read_for(struct relay_teller *teller, uint32_t number)
{
    struct piece *piece = &teller->piece;
    const struct link *link = &teller->links[number];
    uint64_t left = read_until(teller) - link->at_seq;
    piece->link = number;
    piece->session = link->session;
    piece->read = (struct ledger_read){
        .shard = teller->place.shard,
        .seq_first = link->at_seq + 1,
        .count = left < piece->records ? (uint32_t)left : piece->records,
        .memory = piece->memory,
        .capacity = RELAY_READ_BYTES,
        .on_done = on_read,
        .owner = teller,
    };
    piece->under_way = teller->ports.log->ops->read(teller->ports.log, &piece->read) == 0;
}

/* In turn, so that nobody who is far behind keeps the others waiting. */
static void read_more(struct relay_teller *teller)
{
    if (teller->piece.under_way || teller->now.us < teller->piece.again_us)
        return;
    for (uint32_t i = 0; i < teller->links_count; i++) {
        uint32_t number = (teller->next_link + i) % teller->links_count;
        if (!wants_piece(teller, &teller->links[number]))
            continue;
        teller->next_link = number + 1;
        read_for(teller, number);
        return;
    }
}

/* ---- grants ---- */

/* Everything was sent, and nothing is owed for long. */
static bool may_be_granted(const struct relay_teller *teller, const struct link *link)
{
    const struct shard *shard = &teller->shards[link->shard];
    const struct relay_memory *memory = teller->memory;
    if (!is_open(link) || link->at_seq < relay_memory_last(memory))
        return false;
    if (shard->have_seq >= link->sent_seq)
        return true;
    if (shard->have_seq < relay_memory_from(memory))
        return false;
    const struct relay_entry *owed = relay_memory_after(memory, shard->have_seq);
    return owed == NULL || teller->now.us - owed->said_us < RELAY_OWES_US;
}

static void grant(struct relay_teller *teller, struct link *link, bool grants)
{
    if (!link->asked || !grants || !may_be_granted(teller, link))
        return; /* later, if that may be before it asks again: it holds from the asking on */
    link->asked = false;
    struct relay_message message = {.type = RELAY_GRANT, .grant = {link->asked_us}};
    teller->shards[link->shard].granted_now = true;
    teller->stats.grants++;
    send(teller, link, &message);
}

/* ---- answers ---- */

bool relay_teller_wait(struct relay_teller *teller, const struct relay_wait_for *words,
                       relay_spread_fn told, void *owner)
{
    for (size_t i = 0; i < RELAY_WAITS_MAX; i++) {
        if (teller->waits[i].told != NULL)
            continue;
        teller->waits[i] = (struct wait){told, owner, *words};
        teller->waits_count++;
        return true;
    }
    teller->stats.waits_reached++;
    return false;
}

static bool is_away(const struct relay_teller *teller, const struct shard *shard)
{
    return !shard->granted_now && teller->now.us - shard->granted_us >= RELAY_AWAY_US;
}

static bool has_refused(const struct relay_teller *teller, uint32_t shard,
                        const struct relay_wait_for *words)
{
    uint64_t kept =
        teller->refusals_count < RELAY_REFUSALS_MAX ? teller->refusals_count : RELAY_REFUSALS_MAX;
    for (uint64_t i = 0; i < kept; i++) {
        const struct refusal *refusal = &teller->refusals[i];
        if (refusal->shard == shard && refusal->seq >= words->first_seq &&
            refusal->seq <= words->last_seq)
            return true;
    }
    return false;
}

static bool has_all(const struct shard *shard, uint64_t seq)
{
    return shard->have_seq >= seq || shard->complete_seq >= seq;
}

/* False: one may take bets and does not have it. */
static bool spread_of(const struct relay_teller *teller, const struct relay_wait_for *words,
                      struct relay_spread *ret)
{
    *ret = (struct relay_spread){.have_it = !shard_place_is_desk(teller->place), /* its own log */
                                 .away = teller->away,
                                 .refused = teller->refused};
    for (uint32_t i = 0; i < teller->place.shards; i++) {
        const struct shard *shard = &teller->shards[i];
        if (i == teller->place.shard)
            continue;
        if (has_all(shard, words->last_seq)) {
            ret->have_it++;
            if (has_refused(teller, i, words))
                teller->refused[ret->refused_count++] = (uint16_t)i;
        } else if (is_away(teller, shard)) {
            teller->away[ret->away_count++] = (uint16_t)i;
        } else {
            return false;
        }
    }
    return true;
}

static void answer_waiting(struct relay_teller *teller)
{
    for (size_t i = 0; i < RELAY_WAITS_MAX && teller->waits_count > 0; i++) {
        struct wait wait = teller->waits[i];
        struct relay_spread spread;
        if (wait.told == NULL || !spread_of(teller, &wait.words, &spread))
            continue;
        teller->waits[i].told = NULL;
        teller->waits_count--;
        teller->stats.answers++;
        teller->stats.answers_away += spread.away_count > 0;
        wait.told(wait.owner, &spread);
    }
}

/* ---- turns ---- */

/* The time of a turn is read at its begin, and an asking of that turn may be later: what was
 * granted in a turn counts from the next one's begin. */
void relay_teller_turn_begin(struct relay_teller *teller, struct monotonic now)
{
    teller->now = now;
    for (uint32_t i = 0; i < teller->place.shards; i++) {
        struct shard *shard = &teller->shards[i];
        if (!shard->granted_now)
            continue;
        shard->granted_now = false;
        shard->granted_us = now.us;
    }
}

void relay_teller_turn_end(struct relay_teller *teller, uint64_t durable_seq, bool grants)
{
    ASSERT(durable_seq >= teller->durable_seq);
    teller->durable_seq = durable_seq;
    for (uint32_t i = 0; i < teller->links_count; i++) {
        struct link *link = &teller->links[i];
        if (!link->greeted || !is_open(link))
            continue;
        tell(teller, link);
        grant(teller, link, grants);
    }
    read_more(teller);
    answer_waiting(teller);
}

int64_t relay_teller_due_us(const struct relay_teller *teller)
{
    int64_t due_us =
        teller->piece.again_us > teller->now.us ? teller->piece.again_us - teller->now.us : -1;
    if (teller->waits_count == 0)
        return due_us;
    for (uint32_t i = 0; i < teller->place.shards; i++) {
        const struct shard *shard = &teller->shards[i];
        int64_t left_us =
            shard->granted_now ? RELAY_AWAY_US : shard->granted_us + RELAY_AWAY_US - teller->now.us;
        if (i != teller->place.shard && left_us > 0 && (due_us < 0 || left_us < due_us))
            due_us = left_us;
    }
    return due_us;
}

/* ---- what is shown ---- */

uint64_t relay_teller_last(const struct relay_teller *teller)
{
    return relay_memory_last(teller->memory);
}

struct relay_shard_view relay_teller_shard(const struct relay_teller *teller, uint32_t number)
{
    const struct shard *shard = &teller->shards[number];
    const struct link *link = shard->link;
    bool owes = link == NULL || shard->have_seq < link->sent_seq ||
                link->at_seq < relay_memory_last(teller->memory);
    uint64_t behind =
        teller->durable_seq > shard->have_seq ? teller->durable_seq - shard->have_seq : 0;
    return (struct relay_shard_view){
        .attached = link != NULL,
        .granted = shard->granted_now || teller->now.us - shard->granted_us < RELAY_GRANT_US,
        .have_seq = shard->have_seq,
        .lag_records = owes ? behind : 0,
        .bets_left = shard->bets_left,
    };
}

const struct relay_teller_stats *relay_teller_stats(const struct relay_teller *teller)
{
    return &teller->stats;
}

uint64_t relay_teller_forgotten(const struct relay_teller *teller)
{
    return relay_memory_forgotten(teller->memory);
}
