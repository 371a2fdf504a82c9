/* net_names.c - contract in net_names.h. */
#include "net/stream/net_names.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "net/stream/net_address.h"

#define LABEL_BYTES_MAX   63
#define SERVERS_BYTES_MAX 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of who adds a name */
static struct {
    char text[NET_NAME_BYTES_MAX + 1];
    uint8_t bytes;
    atomic_uint turn;
} names[NET_NAMES_MAX]; /* what stands below `count` does not change, but for its turn */
static atomic_uint count;
static struct net_names_stats stats;
static char servers[SERVERS_BYTES_MAX];

static void count_one(uint64_t *number)
{
    __atomic_fetch_add(number, 1, __ATOMIC_RELAXED);
}

static char small(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits, "-" and "_" within; the last one of a name is no number. */
static bool label_is_good(struct slice label, bool last)
{
    bool letter = false;
    if (label.bytes == 0 || label.bytes > LABEL_BYTES_MAX || label.at[0] == '-' ||
        label.at[label.bytes - 1] == '-')
        return false;
    for (size_t i = 0; i < label.bytes; i++) {
        char c = small(label.at[i]);
        letter |= is_letter(c);
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return letter || !last;
}

static bool is_good(struct slice name)
{
    if (name.bytes == 0 || name.bytes > NET_NAME_BYTES_MAX)
        return false;
    struct slice label;
    while (slice_cut(&name, '.', &label))
        if (!label_is_good(label, false))
            return false;
    return label_is_good(name, true);
}

static bool is_at(unsigned i, struct slice name)
{
    if (names[i].bytes != name.bytes)
        return false;
    for (size_t at = 0; at < name.bytes; at++)
        if (names[i].text[at] != small(name.at[at]))
            return false;
    return true;
}

static int find_or_add(struct slice name, uint16_t *ret_number)
{
    unsigned i = 0, there = atomic_load_explicit(&count, memory_order_relaxed);
    while (i < there && !is_at(i, name))
        i++;
    if (i == NET_NAMES_MAX) {
        count_one(&stats.limit_reached);
        return -ERR_LIMIT;
    }
    if (i == there) {
        for (size_t at = 0; at < name.bytes; at++)
            names[i].text[at] = small(name.at[at]);
        names[i].bytes = (uint8_t)name.bytes;
        atomic_store_explicit(&count, there + 1, memory_order_release);
    }
    *ret_number = (uint16_t)(i + 1);
    return 0;
}

int net_names_take(struct slice name, uint16_t *ret_number)
{
    if (!is_good(name))
        return -ERR_FORMAT;
    pthread_mutex_lock(&lock);
    int result = find_or_add(name, ret_number);
    pthread_mutex_unlock(&lock);
    return result;
}

struct slice net_names_text(uint16_t number)
{
    return slice_of(names[number - 1].text, names[number - 1].bytes);
}

const struct net_names_stats *net_names_stats(void)
{
    return &stats;
}

void net_names_looked_up(bool found)
{
    count_one(found ? &stats.found : &stats.unknown);
}

unsigned net_names_turn(uint16_t number)
{
    return atomic_load_explicit(&names[number - 1].turn, memory_order_relaxed);
}

void net_names_next_turn(uint16_t number)
{
    atomic_fetch_add_explicit(&names[number - 1].turn, 1, memory_order_relaxed);
}

/* "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53". */
static bool is_server(struct slice text)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf with_port = buf_over(memory, sizeof memory);
    struct net_address address;
    if (text.bytes == 0 || (!is_digit(text.at[0]) && text.at[0] != '['))
        return false; /* no address that somebody has */
    if (net_address_parse(text, &address) == 0)
        return address.port != 0;
    buf_put_slice(&with_port, text);
    buf_put_text(&with_port, ":53");
    return !with_port.overflow && net_address_parse(buf_slice(&with_port), &address) == 0;
}

int net_names_ask(const char *text)
{
    struct slice rest = slice_text(text), one;
    if (rest.bytes >= sizeof servers)
        return -ERR_FORMAT;
    while (slice_cut(&rest, ',', &one))
        if (!is_server(one))
            return -ERR_FORMAT;
    if (!is_server(rest))
        return -ERR_FORMAT;
    memcpy(servers, text, strlen(text) + 1);
    return 0;
}

const char *net_names_servers(void)
{
    return servers[0] == '\0' ? NULL : servers;
}
