/* net_address.c - contract in net_address.h. */
#include "net/stream/net_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int parse_port(struct slice digits, uint16_t *ret_port)
{
    unsigned port = 0;
    if (digits.bytes == 0 || digits.bytes > 5)
        return -ERR_FORMAT;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return -ERR_FORMAT;
        port = port * 10 + (unsigned)(digits.at[i] - '0');
    }
    if (port > UINT16_MAX)
        return -ERR_FORMAT;
    *ret_port = (uint16_t)port;
    return 0;
}

static int parse_ip(struct slice host, bool bracketed, uint8_t ip[16])
{
    char text[INET6_ADDRSTRLEN];
    if (host.bytes >= sizeof text)
        return -ERR_FORMAT;
    if (host.bytes > 0)
        memcpy(text, host.at, host.bytes);
    text[host.bytes] = '\0';
    if (bracketed)
        return inet_pton(AF_INET6, text, ip) == 1 ? 0 : -ERR_FORMAT;
    memcpy(ip, v4_prefix, sizeof v4_prefix);
    const char *v4 = text;
    if (slice_is(host, "localhost"))
        v4 = "127.0.0.1";
    else if (host.bytes == 0 || slice_is(host, "*"))
        v4 = "0.0.0.0";
    return inet_pton(AF_INET, v4, ip + 12) == 1 ? 0 : -ERR_FORMAT;
}

/* What stands before the last colon, and the port behind it. */
static int split(struct slice text, struct slice *ret_host, uint16_t *ret_port)
{
    const char *colon = text.bytes > 0 ? memrchr(text.at, ':', text.bytes) : NULL;
    if (colon == NULL)
        return -ERR_FORMAT;
    *ret_host = slice_of(text.at, (size_t)(colon - text.at));
    return parse_port(slice_skip(text, ret_host->bytes + 1), ret_port);
}

int net_address_parse(struct slice text, struct net_address *ret_address)
{
    struct net_address address = {0};
    struct slice host;
    TRY(split(text, &host, &address.port));
    bool bracketed = host.bytes >= 2 && host.at[0] == '[' && host.at[host.bytes - 1] == ']';
    if (bracketed)
        host = slice_of(host.at + 1, host.bytes - 2);
    TRY(parse_ip(host, bracketed, address.ip));
    *ret_address = address;
    return 0;
}

int net_address_parse_peer(struct slice text, struct net_address *ret_address)
{
    struct net_address address = {0};
    struct slice host;
    if (net_address_parse(text, ret_address) == 0)
        return 0;
    TRY(split(text, &host, &address.port));
    TRY(net_names_take(host, &address.name));
    *ret_address = address;
    return 0;
}

bool net_address_is_v4(const struct net_address *address)
{
    return memcmp(address->ip, v4_prefix, sizeof v4_prefix) == 0;
}

bool net_address_is_loopback(const struct net_address *address)
{
    static const uint8_t v6[16] = {[15] = 1};
    if (net_address_is_v4(address))
        return address->ip[12] == 127;
    return memcmp(address->ip, v6, sizeof v6) == 0;
}

void net_address_write_ip(struct buf *buf, const struct net_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (address->name != 0) {
        buf_put_slice(buf, net_names_text(address->name));
        return;
    }
    if (!net_address_is_v4(address)) {
        const char *written = inet_ntop(AF_INET6, address->ip, text, sizeof text);
        buf_put_text(buf, written != NULL ? written : "?");
        return;
    }
    for (size_t i = 12; i < 16; i++) { /* with every bet: inet_ntop() goes through printf */
        buf_put_u64(buf, address->ip[i]);
        if (i < 15)
            buf_put_char(buf, '.');
    }
}

void net_address_write(struct buf *buf, const struct net_address *address)
{
    bool v6 = address->name == 0 && !net_address_is_v4(address);
    buf_put_text(buf, v6 ? "[" : "");
    net_address_write_ip(buf, address);
    buf_put_text(buf, v6 ? "]:" : ":");
    buf_put_u64(buf, address->port);
}

socklen_t net_address_to_sockaddr(const struct net_address *address,
                                  struct sockaddr_storage *ret_sockaddr)
{
    *ret_sockaddr = (struct sockaddr_storage){0};
    if (net_address_is_v4(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret_sockaddr;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        memcpy(&v4->sin_addr, address->ip + 12, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_sockaddr;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    memcpy(&v6->sin6_addr, address->ip, 16);
    return sizeof *v6;
}

struct net_address net_address_of(const struct sockaddr_storage *sockaddr)
{
    struct net_address address = {0};
    if (sockaddr->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)sockaddr;
        memcpy(address.ip, v4_prefix, sizeof v4_prefix);
        memcpy(address.ip + 12, &v4->sin_addr, 4);
        address.port = ntohs(v4->sin_port);
    } else if (sockaddr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sockaddr;
        memcpy(address.ip, &v6->sin6_addr, 16);
        address.port = ntohs(v6->sin6_port);
    }
    return address;
}

/* Decimal, of at most three digits. */
static int parse_bits(struct slice digits, unsigned max, unsigned *ret_bits)
{
    unsigned bits = 0;
    if (digits.bytes == 0 || digits.bytes > 3)
        return -ERR_FORMAT;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return -ERR_FORMAT;
        bits = bits * 10 + (unsigned)(digits.at[i] - '0');
    }
    if (bits > max)
        return -ERR_FORMAT;
    *ret_bits = bits;
    return 0;
}

static bool bit_of(const uint8_t ip[16], unsigned number)
{
    return (ip[number / 8] >> (7 - number % 8) & 1) != 0;
}

int net_range_parse(struct slice text, struct net_range *ret_range)
{
    struct net_range range = {0};
    const char *slash = text.bytes > 0 ? memchr(text.at, '/', text.bytes) : NULL;
    struct slice host = slash == NULL ? text : slice_of(text.at, (size_t)(slash - text.at));
    bool v6 = host.bytes > 0 && memchr(host.at, ':', host.bytes) != NULL;
    unsigned bits = v6 ? 128 : 32;
    if (host.bytes == 0)
        return -ERR_FORMAT;
    TRY(parse_ip(host, v6, range.ip));
    if (slash != NULL)
        TRY(parse_bits(slice_skip(text, host.bytes + 1), bits, &bits));
    range.bits = (uint8_t)(v6 ? bits : bits + 96);
    for (unsigned i = range.bits; i < 128; i++)
        if (bit_of(range.ip, i))
            return -ERR_FORMAT;
    *ret_range = range;
    return 0;
}

bool net_range_has(const struct net_range *range, const struct net_address *address)
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(range->ip, address->ip, whole) != 0)
        return false;
    return rest == 0 || ((range->ip[whole] ^ address->ip[whole]) >> (8 - rest)) == 0;
}
