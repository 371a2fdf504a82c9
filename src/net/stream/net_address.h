/* net_address.h - an IP address and port as a value; IPv4 is kept as ::ffff:a.b.c.d (RFC 4291
 * section 2.5.5.2), so that one comparison serves both. Of whom we connect to it may be a host name
 * instead (net_names.h), which conn_connect() looks up. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/slice.h"
#include "net/stream/net_names.h"

#define NET_ADDRESS_TEXT_MAX (NET_NAME_BYTES_MAX + sizeof ":65535")

struct net_address {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
    uint16_t name; /* 0: `ip` it is; else the number of a name (net_names.h), and `ip` is zero */
};

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1), ":8080" and "*:8080" (any IPv4
 * address). Names are not looked up. -ERR_FORMAT. */
int net_address_parse(struct slice text, struct net_address *ret_address);
/* The same, or a host name in place of the address: of somebody to connect to. -ERR_FORMAT,
 * -ERR_LIMIT (NET_NAMES_MAX). */
int net_address_parse_peer(struct slice text, struct net_address *ret_address);
/* "127.0.0.1:8080", "[::1]:8080" or "redis.example:6379". */
void net_address_write(struct buf *buf, const struct net_address *address);
/* Without the port. */
void net_address_write_ip(struct buf *buf, const struct net_address *address);
/* Of no name. */
bool net_address_is_v4(const struct net_address *address);
bool net_address_is_loopback(const struct net_address *address);

socklen_t net_address_to_sockaddr(const struct net_address *address,
                                  struct sockaddr_storage *ret_sockaddr);
/* An unknown family gives the zero address. */
struct net_address net_address_of(const struct sockaddr_storage *sockaddr);

/* A network: all addresses that share the first `bits` of this one. */
struct net_range {
    uint8_t ip[16];
    uint8_t bits; /* of the 128; an IPv4 /8 is 104 */
};

/* "10.0.0.0/8", "2001:db8::/32", or one address without "/". Bits behind the prefix must be zero:
 * who writes 10.1.2.3/8 means something else. -ERR_FORMAT. */
int net_range_parse(struct slice text, struct net_range *ret_range);
bool net_range_has(const struct net_range *range, const struct net_address *address);
