/* odds_writer.c - contract in odds_writer.h.
 * A market has one entry (odds_entries.h), and stands at most once in the queue of those that wait
 * for its master. It may be under way several times, each time with a newer version: commands of
 * one connection keep their order, and across connections the script does. */
#include "adapters/redis/odds_writer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapters/redis/odds_entries.h"
#include "adapters/redis/odds_message.h"
#include "adapters/redis/odds_script.h"
#include "adapters/redis/odds_unsaid.h"
#include "adapters/redis/odds_value.h"
#include "adapters/redis/redis_command.h"
#include "base/assert.h"
#include "base/error.h"

#define TICK_US      INT64_C(50000)  /* so often it says what has been taken: odds_message.h */
#define PAUSE_US     INT64_C(100000) /* after a server has refused a command */
#define SHARE_MAX    32              /* of one master before the next has its turn */
#define NUMBER_BYTES 48
#define COMMAND_MORE 1024 /* of a command, besides the value */

/* The word of a question: entry, master, and when the feed's message came in steps of 128 us, from
 * which the time that it took is known up to half an hour. */
#define TIME_BITS 24
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

struct odds_writer {
    struct odds_writer_options options;
    struct odds_writer_providers providers;
    struct odds_store *store; /* borrowed */
    struct loop *loop;
    struct redis_fleet *fleet; /* owned, as all below */
    struct odds_entries entries;
    uint32_t refresh_cursor;
    size_t turn_next; /* the queue that has its turn first */
    uint32_t map;     /* redis_fleet_map(), as said_to is of it */
    uint8_t said_to[REDIS_SLOTS];
    struct {
        struct odds_unsaid claims; /* of the messages themselves */
        int64_t paused_us;         /* nothing that waits for it is sent before */
        int64_t quiet_us;          /* nor is anything claimed: what is there is not known */
    } masters[REDIS_NODES_MAX];
    char *value, *command; /* scratch */
    size_t value_bytes_max, command_bytes_max;
    char digest[ODDS_DIGEST_BYTES];
    bool digest_known;
    int64_t lease_us, refreshed_us;
    int64_t taken_us;      /* all that is older has been taken; 0: nothing was yet */
    uint64_t alive;        /* which leases hold, as they were told */
    uint64_t refresh_owed; /* markets times microseconds */
    uint64_t epoch;
    struct timer tick;
    struct metrics_counter taken, same, older, conflated, refused, lost, refreshed;
    struct metrics_histogram freshness;
};

/* ---- entries ---- */

static struct odds_entry *entry_at(struct odds_writer *w, uint32_t at)
{
    return &w->entries.rows[at];
}

/* Who serves it; a number that is none where nobody does. */
static size_t master_of(struct odds_writer *w, uint32_t at)
{
    return redis_fleet_serves(w->fleet, entry_at(w, at)->slot);
}

static size_t queue_of(struct odds_writer *w, uint32_t at)
{
    size_t master = master_of(w, at);
    return master < REDIS_NODES_MAX ? master : REDIS_NODES_MAX;
}

static void enqueue(struct odds_writer *w, uint32_t at)
{
    odds_entries_enqueue(&w->entries, queue_of(w, at), at);
}

static bool is_paused(struct odds_writer *w, size_t master)
{
    return master < REDIS_NODES_MAX && loop_now(w->loop).us < w->masters[master].paused_us;
}

static void note_waits(struct odds_writer *w, uint32_t at, int64_t since_us)
{
    odds_unsaid_wait(&entry_at(w, at)->unsaid, since_us);
    odds_entries_list(&w->entries, ODDS_LIST_UNSAID, at);
}

/* What the server has of it is not known, or may be lost: until it is taken nothing is claimed. */
static void say_again(struct odds_writer *w, uint32_t at)
{
    entry_at(w, at)->renew = true;
    note_waits(w, at, ODDS_UNSAID_FOREVER);
    enqueue(w, at);
}

static void note_taken(struct odds_writer *w, uint32_t at)
{
    if (odds_unsaid_since_us(&entry_at(w, at)->unsaid) == ODDS_SAID)
        odds_entries_unlist(&w->entries, ODDS_LIST_UNSAID, at);
}

/* ---- commands ---- */

static void on_answer(void *owner, uint64_t word, const redisReply *reply);

static uint64_t word_of(uint32_t entry, size_t master, int64_t received_us)
{
    return (uint64_t)entry << 32 | (uint64_t)(master & 0xff) << TIME_BITS |
           ((uint64_t)received_us >> TIMER_TICK_SHIFT & TIME_MASK);
}

static struct instant wall_of(const struct odds_writer *w, struct monotonic moment)
{
    return (struct instant){loop_wall(w->loop).us - (loop_now(w->loop).us - moment.us)};
}

static struct slice write_tombstone(struct odds_writer *w, const struct odds_entry *e,
                                    const struct odds_value_facts *facts)
{
    struct odds_image image = {.odds_version = e->gone_version,
                               .status = MARKET_CLOSED_STATUS,
                               .updated = loop_wall(w->loop),
                               .market_id_bytes = e->id_bytes,
                               .event_id_bytes = e->event_id_bytes};
    struct buf out = buf_over(w->value, w->value_bytes_max);
    memcpy(image.market_id, e->id, e->id_bytes);
    memcpy(image.event_id, e->event_id, e->event_id_bytes);
    odds_value_write(&out, &image, facts);
    ASSERT(!out.overflow);
    return buf_slice(&out);
}

/* NULL: a tombstone. Where it needs a number it has the next one of that connection. */
static struct slice write_value(struct odds_writer *w, const struct odds_entry *e,
                                const struct odds_image *image, const struct redis_link *link)
{
    struct odds_value_facts facts = {.removed = image == NULL,
                                     .book = w->providers.book(w->providers.owner)};
    struct buf out = buf_over(w->value, w->value_bytes_max);
    if (!e->told) {
        facts.session = redis_link_session(link);
        facts.number = redis_link_numbered(link) + 1;
    }
    if (image == NULL)
        return write_tombstone(w, e, &facts);
    facts.received = wall_of(w, image->received);
    odds_value_write(&out, image, &facts);
    ASSERT(!out.overflow);
    return buf_slice(&out);
}

static struct slice key_text(const struct odds_entry *e,
                             char memory[static MARKET_ID_BYTES_MAX + 8])
{
    struct buf key = buf_over(memory, MARKET_ID_BYTES_MAX + 8);
    buf_put_slice(&key, ODDS_KEY_PREFIX);
    buf_put_slice(&key, odds_entry_id(e));
    return buf_slice(&key);
}

static struct slice number_text(struct redis_link *link, char memory[static NUMBER_BYTES])
{
    struct buf text = buf_over(memory, NUMBER_BYTES);
    buf_printf(&text, "%016" PRIx64 " %" PRIu64, redis_link_session(link),
               redis_link_next_number(link));
    return buf_slice(&text);
}

struct sending {
    uint32_t at;
    size_t master;
    const struct odds_image *image; /* NULL: a tombstone */
    int64_t received_us;
    bool asking; /* behind ASKING */
};

static void on_nothing(void *owner, uint64_t word, const redisReply *reply)
{
    (void)owner, (void)word, (void)reply;
}

/* False: no room. The number is counted once it is sure that it goes out. */
static bool send_market(struct odds_writer *w, const struct sending *s)
{
    char key[MARKET_ID_BYTES_MAX + 8];
    struct odds_entry *e = entry_at(w, s->at);
    struct redis_link *link = redis_fleet_at(w->fleet, s->master);
    struct buf out = buf_over(w->command, w->command_bytes_max);
    if (link == NULL || !redis_link_has_room(link, COMMAND_MORE))
        return false;
    struct slice value = write_value(w, e, s->image, link);
    if (s->asking && !redis_link_send(link, SLICE("*1\r\n$6\r\nASKING\r\n"), on_nothing, w, 0))
        return false;
    const struct odds_script_call call = {.key = key_text(e, key),
                                          .version = s->image != NULL ? s->image->odds_version
                                                                      : e->gone_version,
                                          .value = value,
                                          .renew = e->renew};
    odds_script_put(&out, w->digest, &call);
    ASSERT(!out.overflow);
    if (!redis_link_has_room(link, out.bytes))
        return false;
    bool sent = redis_link_send(link, buf_slice(&out), on_answer, w,
                                word_of(s->at, s->master, s->received_us));
    ASSERT(sent);
    if (!e->told)
        (void)redis_link_next_number(link);
    e->told = true;
    e->renew = false;
    odds_unsaid_send(&e->unsaid, loop_now(w->loop).us);
    odds_entries_list(&w->entries, ODDS_LIST_UNSAID, s->at);
    return true;
}

enum trial { TRIAL_SENT = 0, TRIAL_NO_ROOM, TRIAL_NOBODY };

static enum trial try_market(struct odds_writer *w, uint32_t at, const struct odds_image *image)
{
    const struct odds_entry *e = entry_at(w, at);
    struct sending s = {.at = at, .master = master_of(w, at)};
    const struct redis_link *link = redis_fleet_at(w->fleet, s.master);
    if (link == NULL || !w->digest_known)
        return TRIAL_NOBODY; /* who comes up gets everything */
    if (!redis_link_has_room(link, COMMAND_MORE))
        return TRIAL_NO_ROOM;
    s.image = image;
    s.received_us = image != NULL && !e->told ? image->received.us : 0;
    return send_market(w, &s) ? TRIAL_SENT : TRIAL_NO_ROOM;
}

/* The newest state of the entry. A market that the store has not, and that was not taken out, went
 * while it had no entry: there is nothing to say of it. */
static enum trial try_entry(struct odds_writer *w, uint32_t at)
{
    struct odds_entry *e = entry_at(w, at);
    if (e->gone)
        return try_market(w, at, NULL);
    const struct odds_image *image = w->store->ops->get(w->store, odds_entry_id(e));
    if (image != NULL)
        return try_market(w, at, image);
    e->unsaid.waits = false;
    note_taken(w, at);
    return TRIAL_NOBODY;
}

/* ---- answers ---- */

static void load_script(struct odds_writer *w, struct redis_link *link);
static void say_all_again(struct odds_writer *w, const struct redis_link *link);

static void measure(struct odds_writer *w, uint64_t word)
{
    uint64_t begun = word & TIME_MASK;
    uint64_t now = (uint64_t)loop_now(w->loop).us >> TIMER_TICK_SHIFT;
    if (begun != 0)
        metrics_record(&w->freshness, ((now - begun) & TIME_MASK) << TIMER_TICK_SHIFT);
}

static void on_outcome(struct odds_writer *w, uint32_t at, uint64_t word, struct slice outcome)
{
    struct odds_entry *e = entry_at(w, at);
    if (slice_is(outcome, "taken")) {
        metrics_count(&w->taken, 1);
        measure(w, word);
    } else if (slice_is(outcome, "older")) {
        metrics_count(&w->older, 1);
    } else {
        metrics_count(&w->same, 1);
    }
    note_taken(w, at);
    if (e->gone && !e->lists[ODDS_LIST_UNSAID].in && !e->queued)
        odds_entries_rest(&w->entries, at, loop_now(w->loop).us);
}

static void send_asking(struct odds_writer *w, uint32_t at, size_t master)
{
    struct odds_entry *e = entry_at(w, at);
    const struct odds_image *image =
        e->gone ? NULL : w->store->ops->get(w->store, odds_entry_id(e));
    const struct sending s = {.at = at, .master = master, .image = image, .asking = true};
    if ((image == NULL && !e->gone) || !send_market(w, &s))
        say_again(w, at);
}

/* It is written again: elsewhere, or when the server has had a moment. */
static void on_error(struct odds_writer *w, uint32_t at, size_t master, const redisReply *reply)
{
    size_t ask = 0;
    switch (redis_fleet_note_error(w->fleet, master, reply, &ask)) {
    case REDIS_MOVED:
        say_again(w, at);
        return;
    case REDIS_ASK:
        send_asking(w, at, ask);
        return;
    case REDIS_STAYS:
        break;
    }
    if (slice_begins(redis_text(reply), SLICE("NOSCRIPT"))) {
        struct redis_link *link = redis_fleet_at(w->fleet, master);
        if (link != NULL)
            load_script(w, link);
    }
    metrics_count(&w->refused, 1);
    w->masters[master].paused_us = loop_now(w->loop).us + PAUSE_US;
    say_again(w, at);
}

static void on_answer(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_writer *w = owner;
    uint32_t at = (uint32_t)(word >> 32);
    size_t master = word >> TIME_BITS & 0xff;
    ASSERT(entry_at(w, at)->used && master < REDIS_NODES_MAX);
    odds_unsaid_end(&entry_at(w, at)->unsaid);
    if (reply == NULL) {
        metrics_count(&w->lost, 1);
        say_again(w, at);
    } else if (redis_is_error(reply)) {
        on_error(w, at, master, reply);
    } else {
        on_outcome(w, at, word, redis_text(reply));
    }
}

/* ---- servers come and go ---- */

static void on_loaded(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_writer *w = owner;
    struct slice digest = redis_text(reply);
    (void)word;
    if (reply == NULL || redis_is_error(reply) || digest.bytes != ODDS_DIGEST_BYTES)
        return; /* the commands behind it fail, and it is loaded again */
    memcpy(w->digest, digest.at, sizeof w->digest);
    if (!w->digest_known)
        say_all_again(w, NULL);
    w->digest_known = true;
}

/* It may have older values than were taken. Of those whose tombstone had to go early it is not
 * known which: nothing is claimed until none of them can be there. */
static void doubt_master(struct odds_writer *w, size_t master)
{
    if (loop_now(w->loop).us < w->entries.early_until_us)
        w->masters[master].quiet_us = w->entries.early_until_us;
}

/* All that this server has, or should have; of other servers' all that is due is a renewal. NULL:
 * of all servers. */
static void say_all_again(struct odds_writer *w, const struct redis_link *link)
{
    for (size_t i = 0; i < redis_fleet_count(w->fleet); i++)
        if (link == NULL || redis_fleet_at(w->fleet, i) == link)
            doubt_master(w, i);
    for (uint32_t i = 0; i < w->entries.used; i++) {
        const struct odds_entry *e = entry_at(w, i);
        if (!e->used)
            continue;
        if (link == NULL || redis_fleet_at(w->fleet, master_of(w, i)) == link)
            say_again(w, i);
        else if (!e->gone)
            enqueue(w, i);
    }
}

/* Who serves a slot from now on may have nothing of it, or an older copy: it may have been up
 * before its slots were known, as a replica is that took them over. */
static void say_moved_again(struct odds_writer *w)
{
    if (redis_fleet_map(w->fleet) == w->map)
        return;
    w->map = redis_fleet_map(w->fleet);
    for (uint32_t i = 0; i < w->entries.used; i++) {
        const struct odds_entry *e = entry_at(w, i);
        if (e->used && redis_fleet_serves(w->fleet, e->slot) != w->said_to[e->slot])
            say_again(w, i);
    }
    for (uint16_t slot = 0; slot < REDIS_SLOTS; slot++) {
        size_t master = redis_fleet_serves(w->fleet, slot);
        if (master == w->said_to[slot])
            continue;
        w->said_to[slot] = (uint8_t)master;
        if (master < REDIS_NODES_MAX)
            doubt_master(w, master);
    }
}

static void load_script(struct odds_writer *w, struct redis_link *link)
{
    struct buf out = buf_over(w->command, w->command_bytes_max);
    redis_put_command(&out, 3);
    redis_put(&out, SLICE("SCRIPT"));
    redis_put(&out, SLICE("LOAD"));
    redis_put(&out, odds_script_text());
    (void)redis_link_send(link, buf_slice(&out), on_loaded, w, 0);
}

/* It may be another server, an empty one, or an older copy. */
static void on_up(void *owner, struct redis_link *link)
{
    struct odds_writer *w = owner;
    load_script(w, link);
    say_all_again(w, link);
}

/* ---- leases, and what is claimed ---- */

static void on_told(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_writer *w = owner;
    (void)reply;
    odds_unsaid_end(&w->masters[word].claims);
}

static void send_word(struct odds_writer *w, size_t master, struct slice kind, struct slice words)
{
    char memory[ODDS_CLAIM_BYTES_MAX + 128], number[NUMBER_BYTES];
    struct redis_link *link = redis_fleet_at(w->fleet, master);
    struct buf message = buf_over(memory, sizeof memory);
    struct buf out = buf_over(w->command, w->command_bytes_max);
    if (link == NULL || !redis_link_has_room(link, COMMAND_MORE))
        return;
    buf_put_slice(&message, number_text(link, number));
    buf_put_char(&message, ' ');
    buf_put_slice(&message, kind);
    buf_put_char(&message, ' ');
    buf_put_slice(&message, words);
    ASSERT(!message.overflow);
    redis_put_command(&out, 3);
    redis_put(&out, SLICE("PUBLISH"));
    redis_put(&out, ODDS_CHANNEL);
    redis_put(&out, buf_slice(&message));
    if (redis_link_send(link, buf_slice(&out), on_told, w, master))
        odds_unsaid_send(&w->masters[master].claims, loop_now(w->loop).us);
}

static void publish(struct odds_writer *w, struct slice kind, struct slice words)
{
    for (size_t i = 0; i < redis_fleet_count(w->fleet); i++)
        send_word(w, i, kind, words);
}

/* Since when something is not known to be taken by each of the masters. What waits for one that is
 * up, and was not sent when it was not, is sent. */
static void find_unsaid(struct odds_writer *w, int64_t ret_since_us[REDIS_NODES_MAX])
{
    int64_t now_us = loop_now(w->loop).us;
    for (size_t i = 0; i < REDIS_NODES_MAX; i++)
        ret_since_us[i] = now_us < w->masters[i].quiet_us
                              ? ODDS_UNSAID_FOREVER
                              : odds_unsaid_since_us(&w->masters[i].claims);
    for (uint32_t at = w->entries.lists[ODDS_LIST_UNSAID].first; at != ODDS_NO_ENTRY;
         at = entry_at(w, at)->lists[ODDS_LIST_UNSAID].next) {
        const struct odds_entry *e = entry_at(w, at);
        size_t master = master_of(w, at);
        int64_t since_us = odds_unsaid_since_us(&e->unsaid);
        if (master < REDIS_NODES_MAX && since_us < ret_since_us[master])
            ret_since_us[master] = since_us;
        if (e->unsaid.waits && redis_fleet_at(w->fleet, master) != NULL)
            enqueue(w, at);
    }
}

static void claim(struct odds_writer *w, size_t master, int64_t since_us, int64_t now_us)
{
    char memory[ODDS_CLAIM_BYTES_MAX];
    struct buf words = buf_over(memory, sizeof memory);
    struct odds_claim claimed = {
        .book = w->providers.book(w->providers.owner), .epoch = w->epoch, .sent_us = now_us};
    claimed.behind_us = since_us < now_us ? now_us - since_us : 0;
    claimed.ranges_count =
        (uint16_t)redis_fleet_ranges(w->fleet, master, claimed.ranges, ODDS_CLAIM_RANGES_MAX);
    odds_claim_write(&words, &claimed);
    send_word(w, master, SLICE("alive"), buf_slice(&words));
}

static void tell_alive(struct odds_writer *w, int64_t now_us)
{
    int64_t since_us[REDIS_NODES_MAX];
    find_unsaid(w, since_us);
    int64_t oldest_us = odds_unsaid_oldest_us(since_us, redis_fleet_count(w->fleet), now_us);
    if (w->digest_known && redis_fleet_is_whole(w->fleet) && oldest_us != ODDS_UNSAID_FOREVER)
        w->taken_us = oldest_us;
    for (size_t i = 0; i < redis_fleet_count(w->fleet); i++)
        if (since_us[i] == ODDS_UNSAID_FOREVER)
            send_word(w, i, SLICE("alive"), SLICE_NONE);
        else
            claim(w, i, since_us[i], now_us);
}

/* feed:<provider>, for whoever reads keys only. */
static void set_lease(struct odds_writer *w, struct slice provider, int64_t left_us)
{
    char key_memory[64], value_memory[128];
    struct buf key = buf_over(key_memory, sizeof key_memory);
    struct buf value = buf_over(value_memory, sizeof value_memory);
    struct buf out = buf_over(w->command, w->command_bytes_max);
    buf_put_slice(&key, ODDS_FEED_PREFIX);
    buf_put_slice(&key, provider);
    odds_lease_write_value(&value, w->epoch, (struct instant){loop_wall(w->loop).us + left_us});
    struct redis_link *link = redis_fleet_at(w->fleet, redis_fleet_find(w->fleet, buf_slice(&key)));
    redis_put_command(&out, 5);
    redis_put(&out, SLICE("SET"));
    redis_put(&out, buf_slice(&key));
    redis_put(&out, buf_slice(&value));
    redis_put(&out, SLICE("PX"));
    redis_put_number(&out, ODDS_LIFE_MS);
    if (link != NULL)
        (void)redis_link_send(link, buf_slice(&out), on_nothing, w, 0);
}

static void tell_leases(struct odds_writer *w)
{
    w->alive = odds_providers_alive(&w->providers);
    for (size_t i = 0; i < w->providers.count(w->providers.owner); i++) {
        int64_t left_us = 0;
        char memory[256];
        struct buf words = buf_over(memory, sizeof memory);
        struct slice provider = w->providers.at(w->providers.owner, i, &left_us);
        odds_lease_write(&words, provider, w->epoch, left_us > 0 ? left_us : 0);
        set_lease(w, provider, left_us);
        publish(w, SLICE("lease"), buf_slice(&words));
    }
}

/* ---- time ---- */

/* A market of the store without an entry has one from now on. */
static void find_missing(struct odds_writer *w)
{
    size_t slots = w->store->ops->slots(w->store);
    for (size_t i = 0; i < slots; i++) {
        const struct odds_image *image = w->store->ops->at(w->store, i);
        if (image == NULL ||
            odds_entries_find(&w->entries, ODDS_TEXT(image, market_id)) != ODDS_NO_ENTRY)
            continue;
        uint32_t at = odds_entries_add(&w->entries, image);
        if (at == ODDS_NO_ENTRY)
            return;
        say_again(w, at);
    }
}

/* Some of them at each tick, so that all have had their turn in refresh_us. A tombstone has been
 * taken, or is in the list of what was not. */
static void refresh(struct odds_writer *w, int64_t now_us)
{
    int64_t passed_us = now_us - w->refreshed_us;
    w->refresh_owed += (uint64_t)w->entries.used * (uint64_t)passed_us;
    uint64_t due = w->refresh_owed / (uint64_t)w->options.refresh_us;
    w->refresh_owed %= (uint64_t)w->options.refresh_us;
    w->refreshed_us = now_us;
    for (uint64_t i = 0; i < due && i < w->entries.used; i++) {
        if (w->refresh_cursor >= w->entries.used)
            w->refresh_cursor = 0;
        uint32_t at = w->refresh_cursor++;
        struct odds_entry *e = entry_at(w, at);
        e->renew = true;
        if (!e->used || e->gone || e->queued)
            continue;
        metrics_count(&w->refreshed, 1);
        enqueue(w, at);
    }
}

static void on_tick(void *owner)
{
    struct odds_writer *w = owner;
    int64_t now_us = loop_now(w->loop).us;
    if (now_us - w->lease_us >= w->options.lease_us ||
        odds_providers_alive(&w->providers) != w->alive) {
        w->lease_us = now_us;
        if (w->entries.live < w->store->ops->count(w->store))
            find_missing(w);
        tell_leases(w);
    }
    odds_entries_tend(&w->entries, now_us);
    say_moved_again(w);
    tell_alive(w, now_us);
    refresh(w, now_us);
    loop_timer_set(w->loop, &w->tick, (struct monotonic){now_us + TICK_US});
}

/* Of those that wait for one master, which another one may serve by now. Returns how many it was
 * done with. */
static uint32_t send_some(struct odds_writer *w, size_t queue, uint32_t most)
{
    uint32_t done = 0;
    while (done < most && !is_paused(w, queue) && w->entries.queues[queue].first != ODDS_NO_ENTRY) {
        uint32_t at = odds_entries_dequeue(&w->entries, queue);
        if (queue_of(w, at) != queue) {
            enqueue(w, at);
        } else if (try_entry(w, at) == TRIAL_NO_ROOM) {
            enqueue(w, at);
            break;
        }
        done++;
    }
    return done;
}

/* The masters take turns, so that none waits for another one's markets. */
bool odds_writer_turn(struct odds_writer *w)
{
    uint32_t left = w->options.per_turn_max, idle = 0;
    while (left > 0 && idle < ODDS_QUEUES) {
        uint32_t done = send_some(w, w->turn_next, left < SHARE_MAX ? left : SHARE_MAX);
        w->turn_next = (w->turn_next + 1) % ODDS_QUEUES;
        idle = done == 0 ? idle + 1 : 0;
        left -= done;
    }
    return left == 0;
}

/* ---- what the book tells ---- */

void odds_writer_on_market(void *owner, const struct odds_image *image, uint64_t before_version,
                           const uint16_t *changed, size_t changed_count)
{
    struct odds_writer *w = owner;
    (void)before_version, (void)changed, (void)changed_count;
    uint32_t at = odds_entries_add(&w->entries, image);
    w->epoch = image->odds_version >> 32;
    if (at == ODDS_NO_ENTRY)
        return;
    struct odds_entry *e = entry_at(w, at);
    metrics_count(&w->conflated, !e->told);
    odds_entries_revive(&w->entries, at);
    e->told = false;
    note_waits(w, at, loop_now(w->loop).us);
    if (!e->queued && (is_paused(w, master_of(w, at)) || try_market(w, at, image) == TRIAL_NO_ROOM))
        enqueue(w, at);
}

void odds_writer_on_removed(void *owner, const struct odds_image *image)
{
    struct odds_writer *w = owner;
    uint32_t at = odds_entries_add(&w->entries, image);
    if (at == ODDS_NO_ENTRY)
        return;
    struct odds_entry *e = entry_at(w, at);
    odds_entries_bury(&w->entries, at, image->odds_version);
    e->renew = true;
    e->told = false;
    note_waits(w, at, loop_now(w->loop).us);
    enqueue(w, at);
}

/* ---- life ---- */

static int open_parts(struct odds_writer *w)
{
    const struct redis_fleet_listener listener = {w, on_up, NULL};
    w->value_bytes_max = ODDS_VALUE_BYTES_MAX;
    w->command_bytes_max = ODDS_VALUE_BYTES_MAX + 2 * COMMAND_MORE;
    w->value = malloc(w->value_bytes_max);
    w->command = malloc(w->command_bytes_max);
    if (w->value == NULL || w->command == NULL)
        return -ERR_MEMORY;
    TRY(odds_entries_init(&w->entries, w->options.markets_max, w->options.hash_key));
    return redis_fleet_new(w->loop, &w->options.fleet, &listener, &w->fleet);
}

int odds_writer_new(struct loop *loop, const struct odds_writer_options *options,
                    struct odds_store *store, const struct odds_writer_providers *providers,
                    struct odds_writer **ret_writer)
{
    struct odds_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ERR_MEMORY;
    w->options = *options;
    w->providers = *providers;
    w->store = store;
    w->loop = loop;
    memset(w->said_to, REDIS_NODE_NONE, sizeof w->said_to);
    w->refreshed_us = loop_now(loop).us;
    timer_init(&w->tick, on_tick, w);
    metrics_histogram_init(&w->freshness, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    int error = open_parts(w);
    if (error < 0) {
        odds_writer_free(w);
        return error;
    }
    find_missing(w);
    loop_timer_set(loop, &w->tick, loop_now(loop));
    *ret_writer = w;
    return 0;
}

void odds_writer_free(struct odds_writer *w)
{
    if (w == NULL)
        return;
    loop_timer_cancel(w->loop, &w->tick);
    redis_fleet_free(w->fleet);
    odds_entries_done(&w->entries);
    free(w->value);
    free(w->command);
    free(w);
}

int64_t odds_writer_behind_us(const struct odds_writer *w)
{
    return loop_now(w->loop).us - w->taken_us;
}

bool odds_writer_is_level(const struct odds_writer *w)
{
    return w->digest_known && w->entries.queued.value == 0 &&
           w->entries.lists[ODDS_LIST_UNSAID].first == ODDS_NO_ENTRY;
}

int odds_writer_register_metrics(struct odds_writer *w, struct metrics *metrics)
{
    static const char writes[] = "overround_odds_store_writes_total";
    static const char help[] = "Answers of the odds store to a version that was written";
    const struct metrics_row counters[] = {
        {{writes, help, "outcome=\"taken\"", 0}, &w->taken.value},
        {{writes, help, "outcome=\"same\"", 0}, &w->same.value},
        {{writes, help, "outcome=\"older\"", 0}, &w->older.value},
        {{writes, help, "outcome=\"refused\"", 0}, &w->refused.value},
        {{writes, help, "outcome=\"lost\"", 0}, &w->lost.value},
        {{"overround_odds_store_conflated_total",
          "Versions that were not written: a newer one came first", NULL, 0},
         &w->conflated.value},
        {{"overround_odds_store_refreshed_total", "Times that a market was written again", NULL, 0},
         &w->refreshed.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"odds_entries_max\"", 0},
         &w->entries.full.value},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"odds_tombstones_max\"", 0},
         &w->entries.early.value},
    };
    const struct metrics_gauge_row gauges[] = {
        {{"overround_odds_store_queue", "Markets that wait to be written", NULL, 0},
         &w->entries.queued},
        {{"overround_odds_store_tombstones", "Markets that were taken out, and are remembered",
          NULL, 0},
         &w->entries.tombstones},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_histogram(metrics,
                              (struct metrics_name){"overround_odds_store_freshness_seconds",
                                                    "Feed receipt to the store that is shared",
                                                    NULL, 6},
                              &w->freshness));
    return redis_fleet_register_metrics(w->fleet, metrics);
}
