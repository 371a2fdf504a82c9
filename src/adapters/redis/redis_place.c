/* redis_place.c - contract in redis_place.h. */
#include "adapters/redis/redis_place.h"

#include <string.h>

#include "base/error.h"

static const struct {
    struct slice scheme;
    enum redis_kind kind;
    bool tls;
} schemes[] = {
    {SLICE("redis://"), REDIS_SINGLE, false},
    {SLICE("rediss://"), REDIS_SINGLE, true},
    {SLICE("redis+sentinel://"), REDIS_SENTINEL, false},
    {SLICE("rediss+sentinel://"), REDIS_SENTINEL, true},
    {SLICE("redis+cluster://"), REDIS_CLUSTER, false},
    {SLICE("rediss+cluster://"), REDIS_CLUSTER, true},
};

static int refuse(struct buf *why, const char *what)
{
    buf_printf(why, "the odds store's URL: %s", what);
    return -ERR_CONFIG;
}

static bool keep(char *to, size_t capacity, size_t *to_bytes, struct slice from)
{
    if (from.bytes > capacity)
        return false;
    if (from.bytes > 0)
        memcpy(to, from.at, from.bytes);
    *to_bytes = from.bytes;
    return true;
}

static int take_scheme(struct slice *url, struct redis_place *place, struct buf *why)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!slice_begins(*url, schemes[i].scheme))
            continue;
        *url = slice_skip(*url, schemes[i].scheme.bytes);
        place->kind = schemes[i].kind;
        place->tls = schemes[i].tls;
        return 0;
    }
    return refuse(why, "it begins with redis://, redis+sentinel:// or redis+cluster://, or rediss");
}

/* USER:PASSWORD, of which USER may be empty. */
static int keep_auth(struct slice auth, struct redis_auth *ret, struct buf *why)
{
    struct slice user = SLICE_NONE;
    if (!slice_cut(&auth, ':', &user))
        return refuse(why, "USER:PASSWORD, or :PASSWORD, is expected");
    if (keep(ret->user, sizeof ret->user, &ret->user_bytes, user) &&
        keep(ret->password, sizeof ret->password, &ret->password_bytes, auth))
        return 0;
    return refuse(why, "the user or the password is too long");
}

static int take_auth(struct slice *url, struct redis_place *place, struct buf *why)
{
    struct slice auth;
    return slice_cut(url, '@', &auth) ? keep_auth(auth, &place->auth, why) : 0;
}

static int take_seeds(struct slice hosts, struct redis_place *place, struct buf *why)
{
    struct slice host;
    bool more = true;
    while (more) {
        more = slice_cut(&hosts, ',', &host);
        if (!more)
            host = hosts;
        if (place->seeds_count == REDIS_SEEDS_MAX)
            return refuse(why, "too many hosts");
        if (net_address_parse_peer(host, &place->seeds[place->seeds_count++]) < 0)
            return refuse(why, "a host is HOST:PORT, an address or a name");
    }
    if (place->kind == REDIS_SINGLE && place->seeds_count > 1)
        return refuse(why, "redis:// has one host");
    return 0;
}

static int take_name(struct slice name, struct redis_place *place, struct buf *why)
{
    bool wanted = place->kind == REDIS_SENTINEL;
    if (wanted && name.bytes == 0)
        return refuse(why, "redis+sentinel:// ends with /NAME of the master");
    if (!wanted && name.bytes > 0)
        return refuse(why, "there is one database, and its URL has no path");
    if (!keep(place->name, sizeof place->name, &place->name_bytes, name))
        return refuse(why, "the name of the master is too long");
    return 0;
}

int redis_place_parse(struct slice url, struct redis_place *ret_place, struct buf *why)
{
    struct redis_place place = {.seeds_count = 0};
    struct slice hosts;
    TRY(take_scheme(&url, &place, why));
    TRY(take_auth(&url, &place, why));
    if (!slice_cut(&url, '/', &hosts)) {
        hosts = url;
        url = SLICE_NONE;
    }
    TRY(take_name(url, &place, why));
    TRY(take_seeds(hosts, &place, why));
    *ret_place = place;
    return 0;
}

int redis_place_sentinel_auth(struct slice auth, struct redis_place *place, struct buf *why)
{
    if (place->kind != REDIS_SENTINEL)
        return refuse(why, "it has no sentinels that could be given a password");
    return keep_auth(auth, &place->sentinel_auth, why);
}
