/* odds_ears.c - contract in odds_ears.h. */
#include "adapters/redis/odds_ears.h"

#include <string.h>

#include "adapters/redis/odds_script.h"
#include "adapters/redis/redis_command.h"

void odds_ears_init(struct odds_ears *ears, struct redis_fleet *fleet,
                    const struct odds_ears_listener *listener)
{
    *ears = (struct odds_ears){.fleet = fleet, .listener = *listener};
    for (size_t i = 0; i < ODDS_EARS; i++)
        ears->rows[i].ears = ears;
}

bool odds_ears_hear(const struct odds_ears *ears)
{
    bool hears = false;
    for (size_t i = 0; i < ODDS_EARS; i++)
        hears |= ears->rows[i].hears;
    return hears;
}

static void set_hears(struct odds_ear *ear, bool hears)
{
    bool before = odds_ears_hear(ear->ears);
    ear->hears = hears;
    if (before && !odds_ears_hear(ear->ears))
        ear->ears->deaf++;
    if (!before && hears)
        ear->ears->listener.on_begin(ear->ears->listener.owner);
}

/* ---- a link ---- */

static void on_push(void *owner, struct slice payload)
{
    const struct odds_ear *ear = owner;
    ear->ears->listener.on_push(ear->ears->listener.owner, payload);
}

static void on_subscribed(void *owner, uint64_t word, const redisReply *reply)
{
    struct odds_ear *ear = owner;
    (void)word;
    if (reply == NULL || redis_is_error(reply))
        redis_link_drop(ear->link);
    else
        set_hears(ear, true);
}

static void on_up(void *owner, struct redis_link *link)
{
    char memory[128];
    struct buf out = buf_over(memory, sizeof memory);
    redis_put_command(&out, 2);
    redis_put(&out, SLICE("SUBSCRIBE"));
    redis_put(&out, ODDS_CHANNEL);
    (void)redis_link_send(link, buf_slice(&out), on_subscribed, owner, 0);
}

static void on_down(void *owner, struct redis_link *link)
{
    (void)link;
    set_hears(owner, false);
}

/* ---- at which masters ---- */

static bool is_at(const struct odds_ear *ear, const struct redis_link *master)
{
    return ear->link != NULL && memcmp(redis_link_address(ear->link), redis_link_address(master),
                                       sizeof(struct net_address)) == 0;
}

/* A master that is up and has no ear; NULL: there is none. */
static const struct redis_link *find_free(const struct odds_ears *ears)
{
    for (size_t n = 0; n < redis_fleet_count(ears->fleet); n++) {
        const struct redis_link *master = redis_fleet_at(ears->fleet, n);
        bool taken = false;
        for (size_t i = 0; master != NULL && i < ODDS_EARS; i++)
            taken |= is_at(&ears->rows[i], master);
        if (master != NULL && !taken)
            return master;
    }
    return NULL;
}

static bool is_at_master(const struct odds_ear *ear)
{
    struct redis_fleet *fleet = ear->ears->fleet;
    for (size_t n = 0; n < redis_fleet_count(fleet); n++)
        if (redis_fleet_at(fleet, n) != NULL && is_at(ear, redis_fleet_at(fleet, n)))
            return true;
    return false;
}

static void tend(struct odds_ear *ear)
{
    const struct redis_link_listener listener = {ear, on_up, on_down};
    const struct redis_link *master = is_at_master(ear) ? NULL : find_free(ear->ears);
    if (master == NULL)
        return; /* it is where it should be, or there is no better place */
    redis_link_free(ear->link);
    ear->link = NULL;
    set_hears(ear, false);
    if (redis_fleet_connect(ear->ears->fleet, redis_link_address(master), &listener, &ear->link) ==
        0)
        redis_link_listen(ear->link, on_push, ear);
}

void odds_ears_tend(struct odds_ears *ears)
{
    for (size_t i = 0; i < ODDS_EARS; i++)
        tend(&ears->rows[i]);
}

void odds_ears_close(struct odds_ears *ears)
{
    for (size_t i = 0; i < ODDS_EARS; i++) {
        redis_link_free(ears->rows[i].link);
        ears->rows[i] = (struct odds_ear){.ears = ears};
    }
}
