/* redis_place.h - where a Redis is, as an option says it:
 *
 *   redis://HOST:PORT                      one server
 *   redis+sentinel://H:P,H:P,../NAME       the master of that name, as these sentinels say
 *   redis+cluster://H:P,H:P,..             a cluster, of which these are some nodes
 *   rediss://, rediss+sentinel://, rediss+cluster://
 *                                          the same over TLS, sentinels too
 *
 * USER:PASSWORD@ (or :PASSWORD@) may stand before the first host. Hosts are addresses or names;
 * names are taken into net_names.h. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "net/stream/net_address.h"

#define REDIS_SEEDS_MAX      16
#define REDIS_NAME_BYTES_MAX 64
#define REDIS_AUTH_BYTES_MAX 256 /* user and password, each */

enum redis_kind { REDIS_SINGLE = 1, REDIS_SENTINEL, REDIS_CLUSTER };

struct redis_auth {
    size_t user_bytes, password_bytes; /* no password: none is sent */
    char user[REDIS_AUTH_BYTES_MAX], password[REDIS_AUTH_BYTES_MAX];
};

struct redis_place {
    enum redis_kind kind;
    bool tls;
    size_t seeds_count;
    struct net_address seeds[REDIS_SEEDS_MAX]; /* servers, sentinels, or nodes */
    size_t name_bytes;
    char name[REDIS_NAME_BYTES_MAX]; /* of the sentinels' master */
    struct redis_auth auth;          /* of servers and nodes */
    struct redis_auth sentinel_auth;
};

/* 0; -ERR_CONFIG with a sentence in `why`, which never has the password. */
int redis_place_parse(struct slice url, struct redis_place *ret_place, struct buf *why);
/* USER:PASSWORD, or :PASSWORD, for the sentinels of a place: they have users of their own. As
 * above; also where it has no sentinels. */
int redis_place_sentinel_auth(struct slice auth, struct redis_place *place, struct buf *why);
