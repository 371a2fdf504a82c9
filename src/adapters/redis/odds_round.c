/* odds_round.c - contract in odds_round.h. */
#include "adapters/redis/odds_round.h"

#include "adapters/redis/odds_script.h"
#include "adapters/redis/redis_command.h"
#include "base/assert.h"
#include "core/ids.h"

#define KEY_BYTES_MAX (MARKET_ID_BYTES_MAX + 8) /* a longer one is none of ours */

static void on_keys(void *owner, uint64_t word, const redisReply *reply);
static void on_value(void *owner, uint64_t word, const redisReply *reply);

void odds_round_init(struct odds_round *round, struct redis_fleet *fleet,
                     const struct odds_round_listener *listener)
{
    *round = (struct odds_round){.fleet = fleet, .listener = *listener};
}

static uint64_t word_of(const struct odds_round *round, size_t master)
{
    return (uint64_t)round->number << 8 | master;
}

/* The master of an answer; REDIS_NODES_MAX: it is of a round that is over. */
static size_t master_of(const struct odds_round *round, uint64_t word)
{
    return round->running && word >> 8 == round->number ? word & 0xff : REDIS_NODES_MAX;
}

static void end(struct odds_round *round)
{
    round->running = false;
    round->listener.on_end(round->listener.owner, !round->failed);
}

static void leave_master(struct odds_round *round, size_t master, bool whole)
{
    round->masters[master].walking = false;
    round->masters[master].read = whole;
    round->failed |= !whole;
    if (--round->walking == 0)
        end(round);
}

static bool ask_keys(struct odds_round *round, size_t master)
{
    char memory[128];
    struct buf out = buf_over(memory, sizeof memory);
    struct redis_link *link = redis_fleet_at(round->fleet, master);
    redis_put_command(&out, 6);
    redis_put(&out, SLICE("SCAN"));
    redis_put_number(&out, round->masters[master].cursor);
    redis_put(&out, SLICE("MATCH"));
    redis_put(&out, SLICE("odds:*"));
    redis_put(&out, SLICE("COUNT"));
    redis_put_number(&out, ODDS_ROUND_KEYS);
    ASSERT(!out.overflow);
    return link != NULL &&
           redis_link_send(link, buf_slice(&out), on_keys, round, word_of(round, master));
}

static bool ask_value(struct odds_round *round, size_t master, struct slice key)
{
    char memory[KEY_BYTES_MAX + 64];
    struct buf out = buf_over(memory, sizeof memory);
    struct redis_link *link = redis_fleet_at(round->fleet, master);
    if (key.bytes > KEY_BYTES_MAX)
        return true;
    redis_put_command(&out, 2);
    redis_put(&out, SLICE("GET"));
    redis_put(&out, key);
    ASSERT(!out.overflow);
    if (link == NULL ||
        !redis_link_send(link, buf_slice(&out), on_value, round, word_of(round, master)))
        return false;
    round->masters[master].values_due++;
    return true;
}

static void go_on(struct odds_round *round, size_t master)
{
    if (round->masters[master].values_due > 0)
        return;
    if (round->masters[master].cursor == 0)
        leave_master(round, master, true);
    else if (!ask_keys(round, master))
        leave_master(round, master, false);
}

static bool read_cursor(const redisReply *reply, uint64_t *ret)
{
    struct slice digits = redis_text(reply);
    uint64_t cursor = 0;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        cursor = cursor * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *ret = cursor;
    return digits.bytes > 0 && digits.bytes <= 20;
}

static void on_keys(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_round *round = owner;
    size_t master = master_of(round, word);
    const redisReply *keys = redis_element(reply, 1);
    if (master == REDIS_NODES_MAX || !round->masters[master].walking)
        return;
    bool good = keys != NULL && keys->type == REDIS_REPLY_ARRAY &&
                read_cursor(redis_element(reply, 0), &round->masters[master].cursor);
    for (size_t i = 0; good && i < keys->elements; i++)
        good = ask_value(round, master, redis_text(keys->element[i]));
    if (good)
        go_on(round, master);
    else
        leave_master(round, master, false);
}

static void on_value(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_round *round = owner;
    size_t master = master_of(round, word), ask;
    if (master == REDIS_NODES_MAX || !round->masters[master].walking)
        return;
    round->masters[master].values_due--;
    if (reply == NULL || redis_is_error(reply)) {
        /* a key that is no string is no value of ours; a slot that moved is found next time */
        if (reply == NULL ||
            redis_fleet_note_error(round->fleet, master, reply, &ask) != REDIS_STAYS) {
            leave_master(round, master, false);
            return;
        }
    } else if (redis_text(reply).bytes > 0) {
        round->listener.on_value(round->listener.owner, redis_text(reply));
    }
    go_on(round, master);
}

/* All are asked before any may answer: a send calls nobody. */
bool odds_round_begin(struct odds_round *round)
{
    size_t count = redis_fleet_count(round->fleet);
    round->number++;
    round->running = true;
    round->failed = !redis_fleet_is_whole(round->fleet);
    round->walking = 0;
    for (size_t i = 0; i < REDIS_NODES_MAX; i++) {
        round->masters[i].walking = false;
        round->masters[i].read = false;
        if (i >= count || redis_fleet_at(round->fleet, i) == NULL)
            continue;
        round->masters[i].cursor = 0;
        round->masters[i].values_due = 0;
        if (ask_keys(round, i)) {
            round->masters[i].walking = true;
            round->walking++;
        } else {
            round->failed = true;
        }
    }
    if (round->walking > 0)
        return true;
    round->running = false;
    return false;
}

void odds_round_cancel(struct odds_round *round)
{
    round->running = false;
}
