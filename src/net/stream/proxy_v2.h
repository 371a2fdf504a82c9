/* proxy_v2.h - the header by which a proxy says who its client is: PROXY protocol, version 2
 * (HAProxy's "proxy-protocol.txt", section 2.2). Version 1 is text and is refused: every proxy that
 * sends it can send this one.
 *
 * Pure: bytes in, an address out. LOCAL (the proxy speaks for itself: health checks) and families
 * other than TCP over IPv4 and IPv6 name no client. TLVs are passed over, but must add up to the
 * header's length. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "net/stream/net_address.h"

#define PROXY_V2_FIXED_BYTES 16
/* Addresses and TLVs as far as we take them; the protocol asks receivers for 536. */
#define PROXY_HEADER_BYTES_MAX 900

enum proxy_outcome {
    PROXY_OK = 0,
    PROXY_MORE, /* a good beginning: *ret_bytes are wanted in all before more can be said */
    PROXY_BAD,
    PROXY_TOO_LONG, /* above bytes_max */
};

struct proxy_client {
    bool known; /* else the peer is who it seems to be */
    struct net_address address;
};

/* PROXY_OK: the header is the first *ret_bytes of input, and *ret_client is written. */
enum proxy_outcome proxy_v2_read(struct slice input, size_t bytes_max, size_t *ret_bytes,
                                 struct proxy_client *ret_client);
