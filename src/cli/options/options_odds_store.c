/* options_odds_store.c - contract in options_odds_store.h. */
#include "cli/options/options_odds_store.h"

#include "base/error.h"

int options_odds_store(const struct options *options, struct node_odds_store_options *ret,
                       struct buf *why)
{
    struct slice url = slice_text(options_text(options, "odds-store"));
    const char *sentinels = options_text(options, "odds-store-sentinel-auth");
    ret->ca = options_text(options, "odds-store-ca");
    ret->name = options_text(options, "odds-store-name");
    ret->shared = !slice_is(url, "memory");
    if (!ret->shared)
        return 0;
    TRY(options_number(options, "odds-store-refresh-ms", (struct number_range){100, 30000},
                       &ret->refresh_ms, why));
    buf_put_text(why, "--odds-store is memory or a redis:// URL: ");
    TRY(redis_place_parse(url, &ret->place, why));
    why->bytes = 0;
    if (sentinels != NULL) {
        buf_put_text(why, "--odds-store-sentinel-auth is USER:PASSWORD: ");
        TRY(redis_place_sentinel_auth(slice_text(sentinels), &ret->place, why));
        why->bytes = 0;
    }
    if (!ret->place.tls || ret->ca != NULL)
        return 0;
    buf_put_text(why, "--odds-store rediss.. needs --odds-store-ca: who vouches for the server");
    return -ERR_CONFIG;
}
