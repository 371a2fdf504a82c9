/* proxy_v2.c - contract in proxy_v2.h. */
#include "net/stream/proxy_v2.h"

#include <stdint.h>
#include <string.h>

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum { VERSION_2 = 2, COMMAND_LOCAL = 0, COMMAND_PROXY = 1 };
enum { FAMILY_NONE = 0, FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, FAMILY_UNIX = 3 };
enum { TRANSPORT_NONE = 0, TRANSPORT_STREAM = 1 };

static unsigned byte_at(struct slice input, size_t at)
{
    return (unsigned char)input.at[at];
}

static unsigned u16_at(struct slice input, size_t at)
{
    return byte_at(input, at) << 8 | byte_at(input, at + 1);
}

/* Type, two bytes of length, value; one behind the other up to the end. */
static bool tlvs_add_up(struct slice tlvs)
{
    while (tlvs.bytes > 0) {
        if (tlvs.bytes < 3)
            return false;
        size_t bytes = 3 + (size_t)u16_at(tlvs, 1);
        if (bytes > tlvs.bytes)
            return false;
        tlvs = slice_skip(tlvs, bytes);
    }
    return true;
}

/* Source address, destination address, source port, destination port. */
static void read_client(struct slice addresses, size_t ip_bytes, struct proxy_client *ret)
{
    static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
    *ret = (struct proxy_client){.known = true};
    if (ip_bytes == 4)
        memcpy(ret->address.ip, v4_prefix, sizeof v4_prefix);
    memcpy(ret->address.ip + (16 - ip_bytes), addresses.at, ip_bytes);
    ret->address.port = (uint16_t)u16_at(addresses, 2 * ip_bytes);
}

static size_t address_bytes(unsigned family)
{
    static const size_t bytes[] = {
        [FAMILY_NONE] = 0, [FAMILY_IPV4] = 12, [FAMILY_IPV6] = 36, [FAMILY_UNIX] = 216};
    return bytes[family];
}

/* The part behind the fixed one is whole. */
static enum proxy_outcome read_rest(struct slice rest, unsigned command, unsigned family_byte,
                                    struct proxy_client *ret)
{
    unsigned family = family_byte >> 4, transport = family_byte & 15;
    *ret = (struct proxy_client){.known = false};
    if (command == COMMAND_LOCAL) /* what follows is to be ignored, whatever it is */
        return PROXY_OK;
    if (family > FAMILY_UNIX || transport > TRANSPORT_STREAM ||
        (family == FAMILY_NONE) != (transport == TRANSPORT_NONE))
        return PROXY_BAD; /* also: datagrams, which no stream of ours is */
    size_t bytes = address_bytes(family);
    if (rest.bytes < bytes || (family != FAMILY_NONE && !tlvs_add_up(slice_skip(rest, bytes))))
        return PROXY_BAD;
    if (family == FAMILY_IPV4)
        read_client(rest, 4, ret);
    else if (family == FAMILY_IPV6)
        read_client(rest, 16, ret);
    return PROXY_OK;
}

enum proxy_outcome proxy_v2_read(struct slice input, size_t bytes_max, size_t *ret_bytes,
                                 struct proxy_client *ret_client)
{
    size_t begun = input.bytes < sizeof signature ? input.bytes : sizeof signature;
    if (begun > 0 && memcmp(input.at, signature, begun) != 0)
        return PROXY_BAD;
    if (input.bytes < PROXY_V2_FIXED_BYTES) {
        *ret_bytes = PROXY_V2_FIXED_BYTES;
        return PROXY_MORE;
    }
    unsigned version = byte_at(input, 12) >> 4, command = byte_at(input, 12) & 15;
    if (version != VERSION_2 || command > COMMAND_PROXY)
        return PROXY_BAD;
    size_t bytes = PROXY_V2_FIXED_BYTES + (size_t)u16_at(input, 14);
    if (bytes > bytes_max)
        return PROXY_TOO_LONG;
    *ret_bytes = bytes;
    if (input.bytes < bytes)
        return PROXY_MORE;
    struct slice rest = slice_of(input.at + PROXY_V2_FIXED_BYTES, bytes - PROXY_V2_FIXED_BYTES);
    return read_rest(rest, command, byte_at(input, 13), ret_client);
}
