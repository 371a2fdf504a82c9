/* test_names.c - host names: net/stream/net_names.h, and connections to them (conn_lookup.h) with a
 * name server of the test's own on the same loop. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/http/http_client.h"
#include "net/stream/conn.h"
#include "net/stream/net_names.h"
#include "net_fixture.h"

/* ---- the names themselves ---- */

static int take(const char *name)
{
    uint16_t number = 0;
    return net_names_take(slice_text(name), &number);
}

TEST(names, are_what_rfc_1123_says_and_nothing_that_could_be_a_mistyped_address)
{
    char longest[300];
    static const char *const good[] = {"redis", "redis-1.internal", "mq.betradar.com",      "a_b",
                                       "1a",    "10.redis",         "xn--bcher-kva.example"};
    static const char *const bad[] = {"",          "-a",    "a-",    ".a",  "a.",  "a..b",
                                      "256.1.1.1", "1.2.3", "1",     "a b", "a/b", "a\nb",
                                      "b\303\274", "a:1",   "[::1]", "*"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(take(good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(take(bad[i]), -ERR_FORMAT);
    memset(longest, 'a', sizeof longest);
    for (size_t i = 63; i < sizeof longest; i += 64)
        longest[i] = '.';
    longest[253] = '\0';
    assert_int_equal(take(longest), 0);
    longest[253] = 'a';
    longest[254] = '\0';
    assert_int_equal(take(longest), -ERR_FORMAT);
    memset(longest, 'a', 64);
    assert_int_equal(take(longest), -ERR_FORMAT);
}

TEST(names, are_the_same_in_any_letters_and_stay)
{
    uint16_t first = 0, again = 0, other = 0;
    assert_int_equal(net_names_take(SLICE("Redis.Example"), &first), 0);
    assert_int_equal(net_names_take(SLICE("other.example"), &other), 0);
    assert_int_equal(net_names_take(SLICE("rEDIS.example"), &again), 0);
    assert_true(first != 0 && first == again && other != first);
    assert_string_equal(net_names_text(first).at, "redis.example");
}

static void assert_written(const struct net_address *address, const char *text)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    net_address_write(&buf, address);
    assert_true(slice_is(buf_slice(&buf), text));
}

TEST(names, stand_where_an_address_would_for_whom_we_connect_to_only)
{
    struct net_address address;
    assert_int_equal(net_address_parse(SLICE("redis.example:6379"), &address), -ERR_FORMAT);
    assert_int_equal(net_address_parse_peer(SLICE("redis.example:6379"), &address), 0);
    assert_true(address.name != 0 && address.port == 6379 && !net_address_is_v4(&address) &&
                !net_address_is_loopback(&address));
    assert_written(&address, "redis.example:6379");
    assert_int_equal(net_address_parse_peer(SLICE("[::1]:80"), &address), 0);
    assert_true(address.name == 0 && net_address_is_loopback(&address));
    assert_int_equal(net_address_parse_peer(SLICE("127.0.0.1:80"), &address), 0);
    assert_true(address.name == 0 && net_address_is_v4(&address));
    static const char *const bad[] = {"redis.example",   "redis.example:", "redis.example:65536",
                                      "redis example:1", "1.2.3:4",        ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(net_address_parse_peer(slice_text(bad[i]), &address), -ERR_FORMAT);
}

/* ---- a name server ---- */

static struct name_server {
    struct fixture *fixture;
    struct loop_source source;
    int questions;
} dns;

struct question {
    char name[256];
    uint16_t type;
    size_t bytes; /* with the head */
};

static bool read_question(const uint8_t *at, size_t bytes, struct question *ret)
{
    size_t i = 12, put = 0;
    while (i < bytes && at[i] != 0) {
        size_t label = at[i++];
        if (i + label >= bytes || put + label + 1 >= sizeof ret->name)
            return false;
        if (put > 0)
            ret->name[put++] = '.';
        memcpy(ret->name + put, at + i, label);
        put += label;
        i += label;
    }
    ret->name[put] = '\0';
    if (i + 5 > bytes)
        return false;
    ret->type = (uint16_t)(at[i + 1] << 8 | at[i + 2]);
    ret->bytes = i + 5;
    return true;
}

static size_t put_address(uint8_t *to, uint8_t last)
{
    const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, last};
    memcpy(to, record, sizeof record);
    return sizeof record;
}

/* "one": here; "two": first nobody, then here; "none": no such name; "rubbish"; "silent". */
static void on_question(void *owner, uint32_t events)
{
    uint8_t question[512], answer[1024] = {0};
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    struct question asked;
    ssize_t got =
        recvfrom(dns.source.fd, question, sizeof question, 0, (struct sockaddr *)&from, &size);
    (void)owner;
    (void)events;
    if (got < 12 || !read_question(question, (size_t)got, &asked))
        return;
    dns.questions++;
    if (strncmp(asked.name, "silent", 6) == 0)
        return;
    memcpy(answer, question, asked.bytes);
    answer[2] = 0x84; /* an answer, with authority */
    answer[3] = strncmp(asked.name, "none", 4) == 0 ? 3 : 0;
    memset(answer + 6, 0, 6);
    size_t bytes = asked.bytes;
    if (asked.type == 1 && answer[3] == 0) {
        bool two = strncmp(asked.name, "two", 3) == 0;
        answer[7] = two ? 2 : 1;
        if (two)
            bytes += put_address(answer + bytes, 9);
        bytes += put_address(answer + bytes, 1);
    }
    if (strncmp(asked.name, "rubbish", 7) == 0)
        memset(answer + 4, 0xff, bytes - 4);
    (void)sendto(dns.source.fd, answer, bytes, 0, (struct sockaddr *)&from, size);
}

static void dns_begin(struct fixture *fixture)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    char servers[64];
    dns = (struct name_server){.fixture = fixture};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof here) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    dns.source = (struct loop_source){on_question, NULL, fd, EPOLLIN};
    assert_int_equal(loop_source_add(fixture->loop, &dns.source), 0);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%d", ntohs(here.sin_port));
    assert_int_equal(net_names_ask(servers), 0);
}

static void dns_end(void)
{
    loop_source_remove(dns.fixture->loop, &dns.source);
    close(dns.source.fd);
}

/* ---- connections ---- */

static struct fixture f;
static struct conn_pool *pool;
static struct net_limits limits;
static int connected, closed;
static enum conn_close reason;

static size_t on_bytes(struct conn *conn, char *at, size_t bytes)
{
    (void)conn;
    (void)at;
    return bytes;
}

static void on_nothing(struct conn *conn)
{
    (void)conn;
}

static void on_connected(struct conn *conn)
{
    connected++;
    conn_close(conn, CONN_CLOSE_DONE);
}

static void on_closed(struct conn *conn, enum conn_close why)
{
    (void)conn;
    closed++;
    reason = why;
}

static const struct conn_callbacks callbacks = {.on_bytes = on_bytes,
                                                .on_end = on_nothing,
                                                .on_drained = on_nothing,
                                                .on_deadline = on_nothing,
                                                .on_connected = on_connected,
                                                .on_closed = on_closed};

static void begin(void)
{
    limits = net_limits_default();
    limits.lookups_max = 2;
    fixture_init(&f);
    fixture_begin(&f);
    dns_begin(&f);
    assert_int_equal(conn_pool_new(f.loop, &limits, &pool), 0);
    connected = closed = 0;
}

static void end(void)
{
    conn_pool_free(pool);
    dns_end();
    fixture_end(&f);
}

static int dial(const char *name, struct conn **ret_conn)
{
    struct net_address address;
    char text[128];
    (void)snprintf(text, sizeof text, "%s:%d", name, f.address.port);
    assert_int_equal(net_address_parse_peer(slice_text(text), &address), 0);
    return conn_connect(pool, &address, &callbacks, ret_conn);
}

static enum conn_close dial_until_closed(const char *name)
{
    struct conn *conn;
    int before = closed;
    assert_int_equal(dial(name, &conn), 0);
    assert_int_equal(closed, before); /* never inside a call */
    assert_true(fixture_until(&f, &closed, before + 1));
    assert_int_equal(conn_pool_stats(pool)->lookups, 0);
    assert_int_equal(conn_pool_stats(pool)->connections, 0);
    return reason;
}

TEST(names, a_connection_to_one_stands_where_its_address_is)
{
    begin();
    assert_int_equal(dial_until_closed("one.test"), CONN_CLOSE_DONE);
    assert_int_equal(connected, 1);
    assert_true(dns.questions >= 1);
    int before = dns.questions; /* and who connects again asks again: it may have moved */
    assert_int_equal(dial_until_closed("one.test"), CONN_CLOSE_DONE);
    assert_true(dns.questions > before);
    end();
}

TEST(names, what_is_sent_before_the_address_is_known_arrives)
{
    struct conn *conn;
    begin();
    assert_int_equal(dial("one.test", &conn), 0);
    conn_pause(conn);
    conn_resume(conn);
    static const struct conn_callbacks quiet = {.on_bytes = on_bytes,
                                                .on_end = on_nothing,
                                                .on_drained = on_nothing,
                                                .on_deadline = on_nothing,
                                                .on_closed = on_closed};
    conn_set_callbacks(conn, &quiet);
    assert_true(conn_send(conn, SLICE("GET /early HTTP/1.1\r\nHost: x\r\n\r\n")));
    assert_true(fixture_until(&f, &f.requests, 1));
    assert_string_equal(f.paths[0], "/early");
    end();
}

TEST(names, one_that_is_not_there_ends_the_connection)
{
    begin();
    uint64_t before = net_names_stats()->unknown;
    assert_int_equal(dial_until_closed("none.test"), CONN_CLOSE_NO_ADDRESS);
    assert_int_equal(net_names_stats()->unknown, before + 1);
    assert_int_equal(connected, 0);
    end();
}

TEST(names, of_several_addresses_the_next_is_due_when_one_has_failed)
{
    begin();
    enum conn_close first = dial_until_closed("two.test");
    enum conn_close second = dial_until_closed("two.test");
    assert_true(first == CONN_CLOSE_CONNECT_FAILED || second == CONN_CLOSE_CONNECT_FAILED ||
                (first == CONN_CLOSE_DONE && second == CONN_CLOSE_DONE));
    for (int i = 0; i < 4; i++) /* and stays so while it answers */
        assert_int_equal(dial_until_closed("two.test"), CONN_CLOSE_DONE);
    assert_true(connected >= 5);
    end();
}

TEST(names, a_server_that_says_nothing_or_rubbish_costs_the_time_to_connect_and_no_more)
{
    static const char *const names[] = {"silent.test", "rubbish.test"};
    for (size_t i = 0; i < 2; i++) {
        struct conn *conn;
        begin();
        conn_pool_free(pool);
        limits.write_stall_ms_max = 50;
        assert_int_equal(conn_pool_new(f.loop, &limits, &pool), 0);
        assert_int_equal(dial(names[i], &conn), 0);
        assert_true(fixture_until(&f, &closed, 1));
        assert_true(reason == CONN_CLOSE_CONNECT_FAILED || reason == CONN_CLOSE_NO_ADDRESS);
        assert_int_equal(conn_pool_stats(pool)->lookups, 0);
        end();
    }
}

TEST(names, looking_up_has_a_limit_and_ends_with_the_connection_or_the_pool)
{
    struct conn *first, *second, *third;
    begin();
    assert_int_equal(dial("silent.test", &first), 0);
    assert_int_equal(dial("silent.test", &second), 0);
    assert_int_equal(dial("one.test", &third), -ERR_LIMIT);
    assert_int_equal(conn_pool_stats(pool)->limit_reached[NET_LIMIT_lookups_max], 1);
    assert_int_equal(conn_pool_stats(pool)->connections, 2);
    conn_close(first, CONN_CLOSE_DONE);
    assert_int_equal(conn_pool_stats(pool)->lookups, 1);
    assert_true(fixture_until(&f, &closed, 1));
    assert_int_equal(dial("one.test", &third), 0); /* there is room again */
    assert_true(fixture_until(&f, &connected, 1));
    end(); /* the second is under way */
    assert_int_equal(closed, 3);
}

TEST(names, name_servers_are_addresses)
{
    static const char *const bad[] = {
        "", "dns.example", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1,", "127.0.0.1, 127.0.0.2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(net_names_ask(bad[i]), -ERR_FORMAT);
    assert_int_equal(net_names_ask("127.0.0.1"), 0);
    assert_int_equal(net_names_ask("127.0.0.1:5353,[::1]:53"), 0);
    assert_string_equal(net_names_servers(), "127.0.0.1:5353,[::1]:53");
}

/* Last, for it leaves no room: a server that names others for ever. */
TEST(names, when_there_are_too_many_one_more_is_refused)
{
    int result = 0;
    uint64_t before = net_names_stats()->limit_reached;
    uint16_t number = 0;
    for (unsigned i = 0; result == 0 && i <= NET_NAMES_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "node-%u.test", i);
        result = net_names_take(slice_text(name), &number);
    }
    assert_int_equal(result, -ERR_LIMIT);
    assert_int_equal(net_names_stats()->limit_reached, before + 1);
    assert_int_equal(net_names_take(SLICE("node-0.test"), &number), 0); /* which is there */
}
