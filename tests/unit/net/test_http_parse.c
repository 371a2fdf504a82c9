/* test_http_parse.c - net/http/http_parse.h, http_body.h: tables, whole and byte by byte. */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "net/http/http_body.h"
#include "net/http/http_parse.h"

#define HOST "Host: a\r\n"

/* Parses a request that arrives in steps of `step` bytes. */
static enum http_outcome parse_in_steps(struct slice text, size_t step, struct http_head *ret_head)
{
    struct http_scan scan = {0};
    size_t head_bytes = 0;
    enum http_outcome outcome = HTTP_MORE;
    for (size_t at = 0; at < text.bytes && outcome == HTTP_MORE;) {
        at = at + step < text.bytes ? at + step : text.bytes;
        outcome = http_parse_scan(&scan, text.at, at, &head_bytes);
    }
    if (outcome != HTTP_OK)
        return outcome;
    return http_parse_request(slice_of(text.at, head_bytes), ret_head);
}

static const struct {
    const char *name;
    const char *text;
    enum http_outcome outcome;
} requests[] = {
    {"plain", "GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK},
    {"1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", HTTP_OK},
    {"1.1 needs a host", "GET / HTTP/1.1\r\n\r\n", HTTP_BAD},
    {"two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", HTTP_BAD},
    {"absolute form", "GET http://b/x HTTP/1.1\r\n" HOST "\r\n", HTTP_OK},
    {"asterisk for OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP_OK},
    {"asterisk for GET", "GET * HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"authority form", "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"bare LF", "GET / HTTP/1.1\n" HOST "\r\n", HTTP_BAD},
    {"bare LF in headers", "GET / HTTP/1.1\r\nHost: a\n\r\n", HTTP_BAD},
    {"bare CR", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", HTTP_BAD},
    {"empty line first", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"folded header", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", HTTP_BAD},
    {"folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", HTTP_BAD},
    {"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", HTTP_BAD},
    {"no colon", "GET / HTTP/1.1\r\n" HOST "abc\r\n\r\n", HTTP_BAD},
    {"empty name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", HTTP_BAD},
    {"bad name", "GET / HTTP/1.1\r\n" HOST "a(b: c\r\n\r\n", HTTP_BAD},
    {"control character in value", "GET / HTTP/1.1\r\n" HOST "a: \x01\r\n\r\n", HTTP_BAD},
    {"obs-text in value", "GET / HTTP/1.1\r\n" HOST "a: \xc3\xa4\r\n\r\n", HTTP_OK},
    {"two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"space in target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"tab in request line", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"fragment in target", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"no version", "GET /\r\n" HOST "\r\n", HTTP_BAD},
    {"version 1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", HTTP_VERSION_UNKNOWN},
    {"version 2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", HTTP_VERSION_UNKNOWN},
    {"lower-case version", "GET / http/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"long version", "GET / HTTP/1.10\r\n" HOST "\r\n", HTTP_BAD},
    {"bad method", "GE(T / HTTP/1.1\r\n" HOST "\r\n", HTTP_BAD},
    {"unknown method", "BREW / HTTP/1.1\r\n" HOST "\r\n", HTTP_OK},
    {"length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", HTTP_OK},
    {"length twice", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
     HTTP_BAD},
    {"length list", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", HTTP_BAD},
    {"length signed", "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", HTTP_BAD},
    {"length empty", "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n", HTTP_BAD},
    {"length hex", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", HTTP_BAD},
    {"length huge", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n",
     HTTP_BODY_TOO_LARGE},
    {"chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", HTTP_OK},
    {"chunked in 1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", HTTP_BAD},
    {"chunked and length",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
     HTTP_BAD},
    {"length and chunked",
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     HTTP_BAD},
    {"chunked twice",
     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     HTTP_BAD},
    {"gzip, chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
     HTTP_CODING_UNKNOWN},
    {"identity", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n",
     HTTP_CODING_UNKNOWN},
};

TEST(http_parse, requests_are_taken_or_refused_the_same_in_any_split)
{
    struct http_head head;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        for (size_t step = 1; step < 200; step += step < 8 ? 1 : 37) {
            enum http_outcome outcome = parse_in_steps(slice_text(requests[i].text), step, &head);
            if (outcome != requests[i].outcome)
                fail_msg("%s in steps of %zu: %d", requests[i].name, step, (int)outcome);
        }
}

TEST(http_parse, a_nul_in_a_head_is_refused)
{
    struct http_head head;
    assert_int_equal(parse_in_steps(SLICE("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 999, &head),
                     HTTP_BAD);
    assert_int_equal(parse_in_steps(SLICE("GET / HTTP/1.1\r\n" HOST "a: \0\r\n\r\n"), 999, &head),
                     HTTP_BAD);
}

TEST(http_parse, finds_path_query_and_headers)
{
    struct http_head head;
    assert_int_equal(parse_in_steps(SLICE("GET http://h:1?q=1?2 HTTP/1.1\r\nHOST:\t h:1 \r\n"
                                          "Connection: Keep-Alive, Upgrade\r\nX: \r\nx: 2\r\n"
                                          "Expect: 100-Continue\r\n\r\n"),
                                    999, &head),
                     HTTP_OK);
    assert_true(slice_is(head.path, "/"));
    assert_true(slice_is(head.query, "q=1?2"));
    assert_true(slice_is(http_head_find(&head, SLICE("host")), "h:1"));
    assert_true(head.upgrade);
    assert_true(head.keep_alive);
    assert_true(head.expect_continue);
    assert_int_equal(http_head_count(&head, SLICE("x")), 2);
    assert_non_null(http_head_find(&head, SLICE("x")).at);
    assert_int_equal(http_head_find(&head, SLICE("x")).bytes, 0);
    assert_null(http_head_find(&head, SLICE("y")).at);
    assert_true(http_head_has_token(&head, SLICE("connection"), SLICE("keep-alive")));
    assert_false(http_head_has_token(&head, SLICE("connection"), SLICE("keep")));
}

/* A request whose target, header count or size stands exactly at or beyond a limit. */
static enum http_outcome parse_sized(size_t target, size_t headers, size_t value, size_t step)
{
    static char text[HTTP_HEAD_BYTES_MAX * 2];
    struct http_head head;
    struct buf buf = buf_over(text, sizeof text);
    buf_put_text(&buf, "GET /");
    for (size_t i = 1; i < target; i++)
        buf_put_char(&buf, 'a');
    buf_put_text(&buf, " HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 1; i < headers; i++)
        buf_put_text(&buf, "b: c\r\n");
    buf_put_text(&buf, "v: ");
    for (size_t i = 0; i < value; i++)
        buf_put_char(&buf, 'v');
    buf_put_text(&buf, "\r\n\r\n");
    assert_false(buf.overflow);
    return parse_in_steps(buf_slice(&buf), step, &head);
}

TEST(http_parse, limits_are_exact)
{
    static const size_t steps[] = {1, 1000, 100000};
    size_t fixed = strlen("GET / HTTP/1.1\r\nHost: a\r\nv: \r\n\r\n");
    for (size_t i = 0; i < 3; i++) {
        size_t step = steps[i];
        assert_int_equal(parse_sized(HTTP_TARGET_BYTES_MAX, 1, 1, step), HTTP_OK);
        assert_int_equal(parse_sized(HTTP_TARGET_BYTES_MAX + 1, 1, 1, step), HTTP_TARGET_TOO_LONG);
        assert_int_equal(parse_sized(HTTP_TARGET_BYTES_MAX + 500, 1, 1, step),
                         HTTP_TARGET_TOO_LONG);
        assert_int_equal(parse_sized(1, HTTP_HEADERS_MAX - 1, 1, step), HTTP_OK);
        assert_int_equal(parse_sized(1, HTTP_HEADERS_MAX, 1, step), HTTP_TOO_MANY_HEADERS);
        assert_int_equal(parse_sized(1, 1, HTTP_HEAD_BYTES_MAX - fixed, step), HTTP_OK);
        assert_int_equal(parse_sized(1, 1, HTTP_HEAD_BYTES_MAX - fixed + 1, step),
                         HTTP_HEAD_TOO_LARGE);
    }
}

TEST(http_parse, responses)
{
    struct http_head head;
    assert_int_equal(
        http_parse_response(SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), &head), HTTP_OK);
    assert_int_equal(head.status, 200);
    assert_int_equal(head.content_length, 2);
    assert_int_equal(http_parse_response(SLICE("HTTP/1.1 204\r\n\r\n"), &head), HTTP_OK);
    assert_int_equal(http_parse_response(SLICE("HTTP/1.1 20 OK\r\n\r\n"), &head), HTTP_BAD);
    assert_int_equal(http_parse_response(SLICE("HTTP/1.1 2000 OK\r\n\r\n"), &head), HTTP_BAD);
    assert_int_equal(http_parse_response(SLICE("HTTP/1.1 099 OK\r\n\r\n"), &head), HTTP_BAD);
    assert_int_equal(http_parse_response(SLICE("HTTP/3.0 200 OK\r\n\r\n"), &head),
                     HTTP_VERSION_UNKNOWN);
}

static const struct {
    const char *name;
    const char *input;
    enum http_body_event end; /* MORE: incomplete */
    const char *content;
    const char *rest;
} chunked[] = {
    {"two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nrest", HTTP_BODY_END, "abcde", "rest"},
    {"hex and extensions", "0A;x=\"y\"\r\n0123456789\r\n00\r\n\r\n", HTTP_BODY_END, "0123456789",
     ""},
    {"trailers", "0\r\nA: b\r\nC: d\r\n\r\nX", HTTP_BODY_END, "", "X"},
    {"incomplete", "3\r\nab", HTTP_BODY_MORE, "ab", ""},
    {"no size", "\r\nabc", HTTP_BODY_BAD, "", NULL},
    {"extension without size", ";a\r\n", HTTP_BODY_BAD, "", NULL},
    {"bare LF after size", "3\nabc\r\n", HTTP_BODY_BAD, "", NULL},
    {"chunk longer than said", "3\r\nabcd\r\n", HTTP_BODY_BAD, "abc", NULL},
    {"bare LF after chunk", "3\r\nabc\n", HTTP_BODY_BAD, "abc", NULL},
    {"size too long", "0000000000000001\r\na\r\n", HTTP_BODY_BAD, "", NULL},
    {"space before size", " 3\r\nabc\r\n", HTTP_BODY_BAD, "", NULL},
    {"space after size", "3 \r\nabc\r\n", HTTP_BODY_BAD, "", NULL},
    {"signed size", "-1\r\n", HTTP_BODY_BAD, "", NULL},
    {"folded trailer", "0\r\n a\r\n\r\n", HTTP_BODY_BAD, "", NULL},
    {"bare LF in trailer", "0\r\nA: b\n\r\n", HTTP_BODY_BAD, "", NULL},
};

static void check_chunked(size_t i, size_t step)
{
    char content[256];
    struct buf out = buf_over(content, sizeof content);
    struct http_head head = {.chunked = true, .content_length = HTTP_LENGTH_UNKNOWN};
    struct http_body body;
    struct slice text = slice_text(chunked[i].input), piece, input = SLICE_NONE;
    enum http_body_event event = HTTP_BODY_MORE;
    size_t given = 0;
    http_body_begin(&body, &head);
    do {
        event = http_body_next(&body, &input, &piece);
        if (event == HTTP_BODY_PIECE) {
            buf_put_slice(&out, piece);
        } else if (event == HTTP_BODY_MORE && given < text.bytes) {
            size_t now = step < text.bytes - given ? step : text.bytes - given;
            assert_int_equal(input.bytes, 0);
            input = slice_of(text.at + given, now);
            given += now;
            event = HTTP_BODY_PIECE; /* go on */
        }
    } while (event == HTTP_BODY_PIECE);
    if (event != chunked[i].end || !slice_is(buf_slice(&out), chunked[i].content))
        fail_msg("%s in steps of %zu: %d, content %.*s", chunked[i].name, step, (int)event,
                 SLICE_ARG(buf_slice(&out)));
    if (event == HTTP_BODY_END)
        assert_int_equal(text.bytes - given + input.bytes, strlen(chunked[i].rest));
}

TEST(http_body, chunks_are_the_same_in_any_split)
{
    for (size_t i = 0; i < sizeof chunked / sizeof chunked[0]; i++)
        for (size_t step = 1; step < 60; step++)
            check_chunked(i, step);
}

TEST(http_body, chunk_lines_and_trailers_are_bounded)
{
    static char text[HTTP_TRAILER_BYTES_MAX + 100];
    struct http_head head = {.chunked = true, .content_length = HTTP_LENGTH_UNKNOWN};
    struct http_body body;
    struct slice piece;
    memset(text, 'a', sizeof text);
    memcpy(text, "1;", 2);
    http_body_begin(&body, &head);
    struct slice input = slice_of(text, HTTP_CHUNK_LINE_BYTES_MAX);
    assert_int_equal(http_body_next(&body, &input, &piece), HTTP_BODY_MORE);
    input = slice_of("a", 1);
    assert_int_equal(http_body_next(&body, &input, &piece), HTTP_BODY_BAD);
    memcpy(text, "0\r\n", 3);
    http_body_begin(&body, &head);
    input = slice_of(text, HTTP_TRAILER_BYTES_MAX + 3);
    assert_int_equal(http_body_next(&body, &input, &piece), HTTP_BODY_MORE);
    input = slice_of("a", 1);
    assert_int_equal(http_body_next(&body, &input, &piece), HTTP_BODY_BAD);
}

TEST(http_body, a_whole_body_is_gathered_in_place_up_to_its_limit)
{
    for (uint64_t max = 4; max <= 5; max++) {
        char text[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nNEXT";
        struct http_head head = {.chunked = true, .content_length = HTTP_LENGTH_UNKNOWN};
        struct http_body body;
        struct http_whole whole = {0};
        http_body_begin(&body, &head);
        enum http_body_event event = HTTP_BODY_MORE;
        for (size_t bytes = 0; bytes < sizeof text && event == HTTP_BODY_MORE; bytes++)
            event = http_whole_take(&whole, &body, text, bytes, max);
        assert_int_equal(event, max == 5 ? HTTP_BODY_END : HTTP_BODY_PIECE);
        if (max < 5)
            continue;
        assert_memory_equal(text, "abcde", 5);
        assert_int_equal(whole.bytes, 5);
        assert_memory_equal(text + whole.used, "NEXT", 4);
    }
}

/* Eight bytes are looked at together: the verdict may not depend on where a byte stands. */
TEST(http_parse, judges_a_byte_of_a_value_alike_at_every_place)
{
    static const char begin[] = "GET / HTTP/1.1\r\n" HOST "a:", end[] = "\r\n\r\n";
    for (int byte = 0; byte < 256; byte++)
        for (size_t place = 0; place < 20; place++) {
            char text[sizeof begin + 20 + sizeof end];
            size_t bytes = sizeof begin - 1;
            memcpy(text, begin, bytes);
            memset(text + bytes, place % 2 == 0 ? 'x' : '\t', 20);
            text[bytes + place] = (char)byte;
            memcpy(text + bytes + 20, end, sizeof end);
            bool good = byte == '\t' || (byte >= ' ' && byte != 0x7f);
            struct http_head head;
            enum http_outcome outcome =
                parse_in_steps(slice_of(text, bytes + 20 + sizeof end - 1), 1000, &head);
            assert_int_equal(outcome, good ? HTTP_OK : HTTP_BAD);
        }
}
