/* options_shard.c - contract in options_shard.h. */
#include "cli/options/options_shard.h"

#include "adapters/postgres/pg_batch.h"
#include "base/error.h"

/* The log of a desk apart is behind those of the shards (core/user_shard.h). */
static int take_desk(struct node_options *ret, struct buf *why)
{
    ret->shard.shard = ret->shard.shards;
    if (shard_place_valid(ret->shard))
        return 0;
    buf_printf(why, "--shard desk: beside it there are at most %d --shards", SHARDS_MAX - 1);
    return -ERR_CONFIG;
}

static int take_shard(const struct options *options, struct node_options *ret, struct buf *why)
{
    int64_t shard = 0, shards = 0;
    const char *text = options_text(options, "shard");
    TRY(options_number(options, "shards", (struct number_range){1, SHARDS_MAX}, &shards, why));
    ret->shard = (struct shard_place){0, (uint32_t)shards};
    if (text == NULL || ret->any_shard)
        return 0;
    if (slice_is(slice_text(text), "desk"))
        return take_desk(ret, why);
    TRY(options_number(options, "shard", (struct number_range){0, SHARDS_MAX - 1}, &shard, why));
    if (shard >= shards) {
        buf_printf(why, "--shard %lld is none of --shards %lld: they begin with 0",
                   (long long)shard, (long long)shards);
        return -ERR_CONFIG;
    }
    ret->shard.shard = (uint32_t)shard;
    return 0;
}

static int check_lease(const struct node_options *node, struct buf *why)
{
    if (!pg_url_is(node->ledger))
        buf_put_text(why, "--lease: a lease stands in the ledger's database: --ledger "
                          "postgresql://...");
    else if (node->from_running)
        buf_put_text(why, "--lease: who has the shard gives it at its end; not with --take-over");
    return why->bytes == 0 ? 0 : -ERR_CONFIG;
}

static int take_keys(const struct options *options, struct node_options *ret, struct buf *why)
{
    struct slice text = slice_text(options_text(options, "personal-keys"));
    ret->personal_in_files = slice_is(text, "files");
    if (ret->personal_in_files || slice_is(text, "ledger"))
        return 0;
    buf_printf(why, "--personal-keys is ledger or files, not: %.*s", SLICE_ARG(text));
    return -ERR_CONFIG;
}

int options_shard(const struct options *options, struct node_options *ret, struct buf *why)
{
    int64_t lease_ms = 0;
    const char *text = options_text(options, "shard");
    ret->any_shard = text != NULL && slice_is(slice_text(text), "any");
    TRY(take_shard(options, ret, why));
    TRY(take_keys(options, ret, why));
    TRY(options_switch(options, "lease", &ret->leased, why));
    TRY(options_number(options, "lease-ms", (struct number_range){300, 600000}, &lease_ms, why));
    ret->leased = ret->leased || ret->any_shard;
    ret->lease_us = lease_ms * US_PER_MS;
    return ret->leased ? check_lease(ret, why) : 0;
}

int options_desk_roles(const struct options *options, struct node_options *ret, struct buf *why)
{
    if (options_text(options, "shard") == NULL)
        TRY(take_desk(ret, why));
    if (!shard_place_is_desk(ret->shard))
        buf_put_text(why, "--roles odds-worker,back-office has no --shard but: desk");
    else if (!ret->odds_store.shared)
        buf_put_text(why, "--roles odds-worker,back-office needs --odds-store: where the shards "
                          "read the prices");
    else
        return 0;
    return -ERR_CONFIG;
}

int options_bet_service_roles(const struct options *options, struct node_options *ret,
                              struct buf *why)
{
    int64_t lag_ms = 0;
    ret->follows = true;
    TRY(options_number(options, "price-lag-ms", (struct number_range){100, 60000}, &lag_ms, why));
    ret->price_lag_us_max = lag_ms * US_PER_MS;
    if (!ret->odds_store.shared)
        buf_put_text(why, "--roles bet-service needs --odds-store: where the prices are");
    else if (ret->loops != 0)
        buf_put_text(why, "--roles bet-service is without --loops: fronts apart do that");
    else
        return 0;
    return -ERR_CONFIG;
}
