/* uof_place.h - where the broker of the Unified Odds Feed is, as an option says it:
 *
 *   amqp://USER:PASSWORD@HOST:PORT/VHOST    and amqps:// for the same over TLS
 *
 * USER:PASSWORD@ may be absent (guest:guest, as the standard has it), :PASSWORD too (Sportradar's
 * users are access tokens with an empty one). HOST is an address or a name; names are taken into
 * net_names.h. User, password and VHOST are percent-encoded where they hold : @ / or %; without
 * /VHOST, or with nothing behind its /, it is "/". The exchange's routing keys are a list with a
 * space between. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "feeds/uof/uof_session.h"
#include "net/stream/net_address.h"

#define UOF_AUTH_BYTES_MAX 256 /* user and password, each */

struct uof_place {
    bool tls;
    struct net_address address;
    size_t user_bytes, password_bytes, vhost_bytes;
    char user[UOF_AUTH_BYTES_MAX], password[UOF_AUTH_BYTES_MAX], vhost[UOF_SHORT_BYTES_MAX];
};

/* 0; -ERR_CONFIG with a sentence in `why`, which never has user or password. */
int uof_place_parse(struct slice url, struct uof_place *ret_place, struct buf *why);

/* Cuts `text` into keys, parts of it: 1 .. UOF_KEYS_MAX, each of at most UOF_SHORT_BYTES_MAX bytes.
 * 0; -ERR_CONFIG with a sentence. */
int uof_place_keys(struct slice text, struct slice keys[UOF_KEYS_MAX], size_t *ret_count,
                   struct buf *why);
