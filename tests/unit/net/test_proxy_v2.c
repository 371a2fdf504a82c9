/* test_proxy_v2.c - net/stream/proxy_v2.h, and connections that begin with its header. */
#include "test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "net/stream/proxy_v2.h"
#include "net_fixture.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.7:50000 -> 10.0.0.1:443 */
#define IPV4 "\xc0\x00\x02\x07\x0a\x00\x00\x01\xc3\x50\x01\xbb"
#define IPV6                                                                                       \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"         \
    "\xc3\x50\x01\xbb"
#define TEXT(literal) slice_of(literal, sizeof(literal) - 1)

static void client_is(const struct proxy_client *client, const char *text)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    assert_true(client->known);
    net_address_write(&buf, &client->address);
    memory[buf.bytes] = '\0';
    assert_string_equal(memory, text);
}

TEST(proxy_v2, reads_who_the_client_is)
{
    const struct {
        struct slice header;
        const char *client; /* NULL: none is named */
    } cases[] = {
        {TEXT(SIGNATURE "\x21\x11\x00\x0c" IPV4), "192.0.2.7:50000"},
        {TEXT(SIGNATURE "\x21\x21\x00\x24" IPV6), "[2001:db8::9]:50000"},
        /* TLVs: authority "a", and a no-op of two bytes */
        {TEXT(SIGNATURE "\x21\x11\x00\x15" IPV4 "\x02\x00\x01"
                        "a\x04\x00\x02\0\0"),
         "192.0.2.7:50000"},
        {TEXT(SIGNATURE "\x20\x00\x00\x00"), NULL}, /* LOCAL */
        {TEXT(SIGNATURE "\x20\x11\x00\x0c" IPV4), NULL},
        {TEXT(SIGNATURE "\x20\xff\x00\x02zz"), NULL},
        {TEXT(SIGNATURE "\x21\x00\x00\x03"
                        "abc"),
         NULL}, /* unspecified: the rest is skipped */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice header = cases[i].header;
        struct proxy_client client;
        size_t bytes = 0;
        for (size_t n = 0; n < header.bytes; n++) {
            assert_int_equal(proxy_v2_read(slice_of(header.at, n), 900, &bytes, &client),
                             PROXY_MORE);
            assert_true(bytes > n && bytes <= header.bytes);
        }
        assert_int_equal(proxy_v2_read(header, 900, &bytes, &client), PROXY_OK);
        assert_int_equal(bytes, header.bytes);
        if (cases[i].client != NULL)
            client_is(&client, cases[i].client);
        else
            assert_false(client.known);
    }
}

TEST(proxy_v2, refuses_what_is_no_header)
{
    const struct {
        struct slice header;
        enum proxy_outcome outcome;
    } cases[] = {
        {TEXT("GET / HTTP/1.1\r\n\r\n"), PROXY_BAD},
        {TEXT("PROXY TCP4 192.0.2.7 10.0.0.1 50000 443\r\n"), PROXY_BAD}, /* version 1 */
        {TEXT("\r\n\r\n\0\r\nQUIX\n"), PROXY_BAD},
        {TEXT(SIGNATURE "\x11\x11\x00\x0c" IPV4), PROXY_BAD}, /* version 1 in binary */
        {TEXT(SIGNATURE "\x22\x11\x00\x0c" IPV4), PROXY_BAD}, /* no such command */
        {TEXT(SIGNATURE "\x21\x12\x00\x0c" IPV4), PROXY_BAD}, /* UDP */
        {TEXT(SIGNATURE "\x21\x41\x00\x0c" IPV4), PROXY_BAD}, /* no such family */
        {TEXT(SIGNATURE "\x21\x10\x00\x0c" IPV4), PROXY_BAD}, /* a family without transport */
        {TEXT(SIGNATURE "\x21\x01\x00\x0c" IPV4), PROXY_BAD}, /* and the reverse */
        {TEXT(SIGNATURE "\x21\x11\x00\x0b" IPV4), PROXY_BAD}, /* too short for its family */
        {TEXT(SIGNATURE "\x21\x21\x00\x0c" IPV4), PROXY_BAD},
        {TEXT(SIGNATURE "\x21\x11\x00\x0e" IPV4 "\x04\x00"), PROXY_BAD}, /* a part of a TLV */
        {TEXT(SIGNATURE "\x21\x11\x00\x10" IPV4 "\x04\x00\x02\x00"), PROXY_BAD}, /* its value */
        {TEXT(SIGNATURE "\x21\x11\x03\x75" IPV4), PROXY_TOO_LONG},               /* 901 bytes */
        {TEXT(SIGNATURE "\x21\x11\xff\xff"), PROXY_TOO_LONG},
        {TEXT(SIGNATURE "\x21\x11\x03\x74" IPV4), PROXY_MORE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct proxy_client client;
        size_t bytes;
        assert_int_equal(proxy_v2_read(cases[i].header, 900, &bytes, &client), cases[i].outcome);
    }
}

/* ---- networks ---- */

TEST(proxy_v2, a_network_has_its_addresses_and_no_others)
{
    const struct {
        const char *range, *address;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.1.2:1", true},
        {"10.0.0.0/8", "11.0.0.0:1", false},
        {"192.0.2.7", "192.0.2.7:9", true},
        {"192.0.2.7", "192.0.2.6:9", false},
        {"192.0.2.128/25", "192.0.2.200:1", true},
        {"192.0.2.128/25", "192.0.2.100:1", false},
        {"0.0.0.0/0", "8.8.8.8:1", true},
        {"0.0.0.0/0", "[2001:db8::1]:1", false},
        {"2001:db8::/32", "[2001:db8:9::]:1", true},
        {"2001:db8::/32", "[2001:db9::]:1", false},
        {"::1", "[::1]:1", true},
        {"127.0.0.1", "[::1]:1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net_range range;
        struct net_address address;
        assert_int_equal(net_range_parse(slice_text(cases[i].range), &range), 0);
        assert_int_equal(net_address_parse(slice_text(cases[i].address), &address), 0);
        assert_int_equal(net_range_has(&range, &address), cases[i].inside);
    }
}

TEST(proxy_v2, a_network_with_bits_behind_its_prefix_is_refused)
{
    static const char *const wrong[] = {"",           "10.0.0.1/8", "10.0.0.0/33",  "10.0.0.0/",
                                        "10.0.0.0/x", "/8",         "here",         "10.0.0",
                                        "::1/127",    "::/129",     "10.0.0.0/008 "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct net_range range;
        assert_int_equal(net_range_parse(slice_text(wrong[i]), &range), -ERR_FORMAT);
    }
}

/* ---- connections ---- */

static struct fixture f;
static struct net_range trusted;
static char answer[4096];

static int begin(const char *network)
{
    fixture_init(&f);
    assert_int_equal(net_range_parse(slice_text(network), &trusted), 0);
    f.how.proxies = &trusted;
    f.how.proxies_count = 1;
    f.limits.proxy_header_ms_max = 1000;
    fixture_begin(&f);
    int fd = peer_connect(&f), on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void end(int fd)
{
    close(fd);
    fixture_turns(&f, 3);
    fixture_end(&f);
}

static const struct net_stats *stats(void)
{
    return http_server_stats(f.server);
}

TEST(proxy_v2, a_request_behind_a_header_has_the_clients_address)
{
    static const char bytes[] =
        SIGNATURE "\x21\x11\x00\x0c" IPV4 "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    /* Cut anywhere: not a byte of the request may be taken for the header's, nor the reverse. */
    for (size_t cut = 0; cut < sizeof bytes - 1; cut += 3) {
        int fd = begin("127.0.0.0/8");
        peer_send(fd, slice_of(bytes, cut));
        fixture_turns(&f, 2);
        assert_int_equal(f.requests, 0);
        peer_send(fd, slice_of(bytes + cut, sizeof bytes - 1 - cut));
        assert_true(peer_read_until(&f, fd, answer, sizeof answer, "/x"));
        struct proxy_client seen = {true, f.client};
        client_is(&seen, "192.0.2.7:50000");
        assert_int_equal(stats()->proxied, 1);
        end(fd);
    }
}

TEST(proxy_v2, a_proxy_that_speaks_for_itself_is_its_own_client)
{
    int fd = begin("127.0.0.0/8");
    peer_send(fd, TEXT(SIGNATURE "\x20\x00\x00\x00GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(peer_read_until(&f, fd, answer, sizeof answer, "/x"));
    assert_true(net_address_is_loopback(&f.client));
    assert_int_equal(stats()->proxied, 0);
    end(fd);
}

TEST(proxy_v2, a_peer_that_is_no_proxy_of_ours_is_closed_unheard)
{
    int fd = begin("192.0.2.0/24");
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(stats()->closed[CONN_CLOSE_PROXY_UNTRUSTED], 1);
    assert_int_equal(stats()->connections, 0);
    assert_int_equal(f.requests, 0);
    end(fd);
}

TEST(proxy_v2, a_proxy_without_a_header_is_closed)
{
    int fd = begin("127.0.0.0/8");
    peer_send(fd, SLICE("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(stats()->closed[CONN_CLOSE_PROXY_HEADER], 1);
    assert_int_equal(f.requests, 0);
    end(fd);
}

TEST(proxy_v2, a_header_that_does_not_come_is_not_waited_for)
{
    int fd = begin("127.0.0.0/8");
    peer_send(fd, TEXT(SIGNATURE "\x21\x11\x00\x0c"));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(stats()->limit_reached[NET_LIMIT_proxy_header_ms_max], 1);
    assert_int_equal(stats()->closed[CONN_CLOSE_PROXY_HEADER], 1);
    end(fd);
}

TEST(proxy_v2, a_header_that_is_too_long_is_counted)
{
    int fd = begin("127.0.0.0/8");
    peer_send(fd, TEXT(SIGNATURE "\x21\x11\xff\xff"));
    assert_true(peer_is_closed(&f, fd));
    assert_int_equal(stats()->limit_reached[NET_LIMIT_proxy_header_bytes_max], 1);
    end(fd);
}

TEST(proxy_v2, a_proxy_that_leaves_in_its_header_leaves_nothing_behind)
{
    int fd = begin("127.0.0.0/8");
    peer_send(fd, TEXT(SIGNATURE "\x21"));
    fixture_turns(&f, 2);
    close(fd);
    for (int i = 0; i < 100 && stats()->connections > 0; i++)
        fixture_turns(&f, 1);
    assert_int_equal(stats()->connections, 0);
    fixture_end(&f);
}
