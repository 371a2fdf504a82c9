/* options_demo.c - contract in options_demo.h. */
#include "cli/options/options_demo.h"

#include "base/decimal.h"
#include "base/error.h"

#define SEED_MAX INT64_C(999999999999999)

/* "2", "0.5": at most 3 places. */
static int take_speed(const struct options *options, struct node_options *node, struct buf *why)
{
    struct decimal value;
    const char *text = options_text(options, "speed");
    if (decimal_parse(slice_text(text), &value) < 0 ||
        decimal_rescale(value, 3, &node->speed_permille) < 0 || node->speed_permille < 1 ||
        node->speed_permille > 1000000) {
        buf_printf(why, "--speed is a factor from 0.001 to 1000, not: %s", text);
        return -ERR_CONFIG;
    }
    return 0;
}

/* Of a book of several shards its own listener has the customers of one; a front has all. */
static int take_bettors(const struct options *options, struct node_options *node, struct buf *why)
{
    const char *text = options_text(options, "bettors-at");
    node->bettors_elsewhere = text != NULL;
    if (text == NULL && node->shard.shards == 1)
        return 0;
    if (text == NULL)
        buf_put_text(why, "--shards: say with --bettors-at HOST:PORT where a front is that the "
                          "simulated bettors connect to");
    else if (net_address_parse_peer(slice_text(text), &node->bettors_address) < 0)
        buf_printf(why, "--bettors-at is HOST:PORT of a front, without TLS, not: %s", text);
    else
        return 0;
    return -ERR_CONFIG;
}

static int take_matches(const struct options *options, struct node_options *ret, struct buf *why)
{
    TRY(take_speed(options, ret, why));
    return options_number(options, "seed", (struct number_range){0, SEED_MAX}, &ret->seed, why);
}

int options_demo(const struct options *options, struct node_options *ret, struct buf *why)
{
    TRY(options_shard(options, ret, why));
    TRY(take_bettors(options, ret, why));
    return take_matches(options, ret, why);
}

int options_simulator(const struct options *options, struct node_options *ret, struct buf *why)
{
    TRY(take_matches(options, ret, why));
    TRY(options_switch(options, "simulator", &ret->simulate, why));
    if (ret->simulate && ret->follows)
        buf_put_text(why, "--simulator is a feed, and takes an odds-worker: this process has none");
    else if (ret->simulate && ret->profile == PROFILE_PRODUCTION)
        buf_put_text(why, "--simulator plays matches that nobody plays: not with --profile "
                          "production");
    else
        return 0;
    return -ERR_CONFIG;
}
