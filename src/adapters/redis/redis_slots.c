/* redis_slots.c - contract in redis_slots.h. */
#include "adapters/redis/redis_slots.h"

#include <string.h>

#include "adapters/redis/redis_pipe.h"
#include "base/error.h"

/* CRC-16/XMODEM: polynomial 0x1021, from 0, most significant bit first. */
static uint16_t crc16(struct slice bytes)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < bytes.bytes; i++) {
        crc ^= (uint32_t)(uint8_t)bytes.at[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

uint16_t redis_slot_of(struct slice key)
{
    const char *open = key.bytes == 0 ? NULL : memchr(key.at, '{', key.bytes);
    if (open != NULL) {
        struct slice rest = slice_skip(key, (size_t)(open + 1 - key.at));
        const char *close = rest.bytes == 0 ? NULL : memchr(rest.at, '}', rest.bytes);
        if (close != NULL && close > rest.at)
            key = slice_of(rest.at, (size_t)(close - rest.at));
    }
    return crc16(key) % REDIS_SLOTS;
}

void redis_slots_init(struct redis_slots *slots)
{
    memset(slots->node, REDIS_NODE_NONE, sizeof slots->node);
    slots->nodes_count = slots->unplaced = 0;
}

static bool is_same(const struct net_address *a, const struct net_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static uint8_t node_of(struct redis_slots *slots, const struct net_address *address)
{
    for (uint8_t i = 0; i < slots->nodes_count; i++)
        if (is_same(&slots->nodes[i], address))
            return i;
    if (slots->nodes_count == REDIS_NODES_MAX) {
        if (slots->unplaced < UINT8_MAX)
            slots->unplaced++;
        return REDIS_NODE_NONE;
    }
    slots->nodes[slots->nodes_count] = *address;
    return slots->nodes_count++;
}

/* "HOST:PORT"; no host: the one of `asked`. */
static bool read_address(struct slice host, int64_t port, const struct net_address *asked,
                         struct net_address *ret)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    bool v6 = host.bytes > 0 && memchr(host.at, ':', host.bytes) != NULL;
    if (port < 1 || port > UINT16_MAX)
        return false;
    if (host.bytes == 0) {
        *ret = *asked;
        ret->port = (uint16_t)port;
        return true;
    }
    buf_put_text(&text, v6 ? "[" : "");
    buf_put_slice(&text, host);
    buf_put_text(&text, v6 ? "]:" : ":");
    buf_put_i64(&text, port);
    return !text.overflow && net_address_parse_peer(buf_slice(&text), ret) == 0;
}

static bool read_number(const redisReply *reply, int64_t most, int64_t *ret)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
        reply->integer > most)
        return false;
    *ret = reply->integer;
    return true;
}

/* [first, last, [host, port, id, ..] of the master, replicas ..] */
static bool read_range(struct redis_slots *slots, const redisReply *range,
                       const struct net_address *asked)
{
    int64_t first, last, port;
    struct net_address address;
    const redisReply *master = redis_element(range, 2);
    if (!read_number(redis_element(range, 0), REDIS_SLOTS - 1, &first) ||
        !read_number(redis_element(range, 1), REDIS_SLOTS - 1, &last) || first > last ||
        !read_number(redis_element(master, 1), UINT16_MAX, &port) ||
        !read_address(redis_text(redis_element(master, 0)), port, asked, &address))
        return false;
    memset(&slots->node[first], node_of(slots, &address), (size_t)(last - first) + 1);
    return true;
}

int redis_slots_read(struct redis_slots *slots, const redisReply *reply,
                     const struct net_address *asked)
{
    struct redis_slots fresh;
    redis_slots_init(&fresh);
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return -ERR_FORMAT;
    for (size_t i = 0; i < reply->elements; i++)
        if (!read_range(&fresh, reply->element[i], asked))
            return -ERR_FORMAT;
    *slots = fresh;
    return 0;
}

unsigned redis_slots_served(const struct redis_slots *slots)
{
    unsigned served = 0;
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        served += slots->node[i] != REDIS_NODE_NONE;
    return served;
}

uint64_t redis_cluster_epoch(struct slice info)
{
    static const struct slice name = SLICE("cluster_current_epoch:");
    const char *at = info.bytes == 0 ? NULL : memmem(info.at, info.bytes, name.at, name.bytes);
    uint64_t epoch = 0;
    if (at == NULL)
        return 0;
    struct slice rest = slice_skip(info, (size_t)(at - info.at) + name.bytes);
    for (size_t i = 0; i < rest.bytes && i < 19 && rest.at[i] >= '0' && rest.at[i] <= '9'; i++)
        epoch = epoch * 10 + (uint64_t)(rest.at[i] - '0');
    return epoch;
}

/* The next word and the spaces behind it are taken off. */
static struct slice next_word(struct slice *text)
{
    size_t bytes = 0;
    while (bytes < text->bytes && text->at[bytes] != ' ')
        bytes++;
    struct slice word = slice_of(text->at, bytes);
    *text = slice_skip(*text, bytes < text->bytes ? bytes + 1 : bytes);
    return word;
}

static bool read_digits(struct slice digits, int64_t most, int64_t *ret)
{
    int64_t number = 0;
    if (digits.bytes == 0 || digits.bytes > 5)
        return false;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        number = number * 10 + (digits.at[i] - '0');
    }
    *ret = number;
    return number <= most;
}

/* HOST:PORT, of which HOST may have colons of its own, and no brackets. */
static bool read_endpoint(struct slice text, const struct net_address *asked,
                          struct net_address *ret)
{
    const char *colon = text.bytes == 0 ? NULL : memrchr(text.at, ':', text.bytes);
    int64_t port;
    if (colon == NULL)
        return false;
    struct slice host = slice_of(text.at, (size_t)(colon - text.at));
    return read_digits(slice_skip(text, host.bytes + 1), UINT16_MAX, &port) &&
           read_address(host, port, asked, ret);
}

enum redis_redirect redis_redirect_read(struct slice error, const struct net_address *asked,
                                        uint16_t *ret_slot, struct net_address *ret_address)
{
    int64_t slot;
    struct slice word = next_word(&error);
    enum redis_redirect redirect = slice_is(word, "MOVED") ? REDIS_MOVED
                                   : slice_is(word, "ASK") ? REDIS_ASK
                                                           : REDIS_STAYS;
    if (redirect == REDIS_STAYS || !read_digits(next_word(&error), REDIS_SLOTS - 1, &slot) ||
        !read_endpoint(error, asked, ret_address))
        return REDIS_STAYS;
    *ret_slot = (uint16_t)slot;
    return redirect;
}
