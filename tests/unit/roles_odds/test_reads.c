/* test_reads.c - prices and the catalogue over HTTP (CONTRACT, "HTTP"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream_fixture.h"
#include "test.h"

static void begin(struct stream_fixture *f)
{
    fixture_init(f);
    f->options.limits.page_events_max = 2;
    f->options.limits.batch_markets_max = 3;
    fixture_begin(f);
    fixture_add(f, "e/1/k=v,l=w", "e1");
    fixture_add(f, "m2", "e1");
    fixture_add(f, "m3", "e2");
    fixture_add(f, "m4", "e3");
}

/* Fails unless the answer to `target` has the text. */
static void expect(struct stream_fixture *f, const char *target, const char *headers,
                   const char *text)
{
    struct peer peer;
    char request[1024];
    peer_begin(&peer, f);
    (void)snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", target, headers);
    peer_send(&peer, request);
    if (peer_wait(&peer, text) == NULL)
        fail_msg("%s: no %s in %s", target, text, peer.bytes);
    peer_end(&peer);
}

TEST(reads, a_market_has_its_version_as_etag_and_is_not_sent_twice)
{
    struct stream_fixture f;
    begin(&f);
    expect(&f, "/v1/odds/m2", "", "ETag: \"4294967297\"");
    expect(&f, "/v1/odds/m2", "", "{\"market_id\":\"m2\",\"event_id\":\"e1\"");
    expect(&f, "/v1/odds/m2", "If-None-Match: \"1\", W/\"4294967297\"\r\n", "HTTP/1.1 304 ");
    fixture_price(&f, "m2", 512);
    expect(&f, "/v1/odds/m2", "If-None-Match: \"4294967297\"\r\n", "\"odds\":5.12");
    expect(&f, "/v1/odds/e%2F1%2Fk%3Dv%2Cl%3Dw", "", "\"market_id\":\"e/1/k=v,l=w\"");
    fixture_end(&f);
}

TEST(reads, an_unknown_market_is_a_problem_with_a_code)
{
    struct stream_fixture f;
    begin(&f);
    expect(&f, "/v1/odds/m9", "", "\"code\":\"MARKET_NOT_FOUND\"");
    expect(&f, "/v1/odds/%zz", "", "HTTP/1.1 404 ");
    fixture_remove(&f, "m2");
    expect(&f, "/v1/odds/m2", "", "HTTP/1.1 404 ");
    assert_int_equal(odds_service_stats(f.service)->store_misses.value, 2);
    fixture_end(&f);
}

TEST(reads, a_batch_names_what_it_does_not_know_and_is_bounded)
{
    struct stream_fixture f;
    begin(&f);
    expect(&f, "/v1/odds?market_id=m2,m%22,e%2F1%2Fk=v%2Cl=w", "",
           "{\"market_id\":\"e/1/k=v,l=w\"");
    expect(&f, "/v1/odds?market_id=m2,m%22", "", "],\"unknown\":[\"m\\\"\"]}");
    expect(&f, "/v1/odds?market_id=m2&market_id=m3,m4", "", "\"market_id\":\"m4\"");
    expect(&f, "/v1/odds?market_id=1,2,3,4", "", "\"code\":\"TOO_MANY_MARKETS\"");
    expect(&f, "/v1/odds", "", "\"code\":\"MARKET_ID_REQUIRED\"");
    fixture_end(&f);
}

TEST(reads, the_catalogue_comes_in_pages_and_can_be_narrowed)
{
    struct stream_fixture f;
    begin(&f);
    expect(&f, "/v1/events", "", "\"next_cursor\":\"2\"}");
    expect(&f, "/v1/events?cursor=2", "",
           "{\"events\":[{\"event_id\":\"e3\",\"name\":\"Home \\\"v\\\" Away\","
           "\"sport\":\"football\",\"markets\":[{\"market_id\":\"m4\",\"name\":\"Match odds\","
           "\"kind\":\"1x2\",\"status\":\"active\",\"in_play\":false}],\"in_play\":false}]}");
    expect(&f, "/v1/events?sport=tennis", "", "{\"events\":[]}");
    expect(&f, "/v1/events?status=suspended", "", "{\"events\":[]}");
    expect(&f, "/v1/events?status=active&sport=football", "", "\"event_id\":\"e2\"");
    expect(&f, "/v1/events?status=odd", "", "\"code\":\"BAD_STATUS\"");
    expect(&f, "/v1/events?cursor=-1", "", "\"code\":\"BAD_CURSOR\"");
    fixture_end(&f);
}

TEST(reads, other_paths_and_methods_are_refused)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f);
    expect(&f, "/v1/oddsx", "", "NOT_OURS");
    expect(&f, "/v1/stream", "", "HTTP/1.1 426 ");
    expect(&f, "/v1/stream", "Accept: text/event-stream\r\n", "CHANNELS_REQUIRED");
    peer_begin(&peer, &f);
    peer_send(&peer, "POST /v1/odds/m2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_non_null(peer_wait(&peer, "HTTP/1.1 405 "));
    peer_end(&peer);
    fixture_end(&f);
}

/* ---- long polls ---- */

static const char wait_request[] = "GET /v1/odds/m2 HTTP/1.1\r\nHost: x\r\n%s"
                                   "If-None-Match: \"4294967297\"\r\n\r\n";

static void ask(struct peer *peer, struct stream_fixture *f, const char *prefer)
{
    char request[512];
    peer_begin(peer, f);
    (void)snprintf(request, sizeof request, wait_request, prefer);
    peer_send(peer, request);
}

TEST(reads, a_read_that_prefers_to_wait_is_answered_when_the_market_changes)
{
    struct stream_fixture f;
    struct peer peer, other;
    begin(&f);
    ask(&peer, &f, "Prefer: respond-async, WAIT=30\r\n");
    ask(&other, &f, "Prefer: wait=30\r\n");
    fixture_turns(&f, 3);
    fixture_price(&f, "m3", 300); /* another market */
    fixture_turns(&f, 3);
    assert_int_equal(odds_service_stats(f.service)->long_polls.value, 2);
    fixture_price(&f, "m2", 512);
    assert_non_null(peer_wait(&peer, "\"odds\":5.12"));
    assert_non_null(peer_wait(&other, "\"odds\":5.12"));
    assert_non_null(peer_wait(&peer, "Preference-Applied: wait"));
    assert_int_equal(odds_service_stats(f.service)->long_polls.value, 0);
    peer_end(&peer);
    peer_end(&other);
    fixture_end(&f);
}

TEST(reads, a_wait_ends_with_304_when_its_time_is_over_and_with_404_when_the_market_goes)
{
    struct stream_fixture f;
    struct peer peer;
    fixture_init(&f);
    f.options.limits.long_poll_ms_max = 20;
    fixture_begin(&f);
    fixture_add(&f, "m2", "e1");
    ask(&peer, &f, "Prefer: wait=600\r\n");
    assert_non_null(peer_wait(&peer, "HTTP/1.1 304 "));
    peer_end(&peer);
    fixture_end(&f);
    begin(&f);
    ask(&peer, &f, "Prefer: wait=30\r\n");
    fixture_turns(&f, 3);
    fixture_remove(&f, "m2");
    assert_non_null(peer_wait(&peer, "\"code\":\"MARKET_NOT_FOUND\""));
    peer_end(&peer);
    fixture_end(&f);
}

TEST(reads, no_more_wait_than_may_and_nobody_waits_for_nonsense_or_in_a_drain)
{
    static const char *const rows[] = {"", "Prefer: wait=0\r\n", "Prefer: wait=x\r\n",
                                       "Prefer: wait=99999\r\n", "Prefer: waits=3\r\n"};
    struct stream_fixture f;
    struct peer first, peer;
    fixture_init(&f);
    f.options.limits.long_polls_max = 1;
    fixture_begin(&f);
    fixture_add(&f, "m2", "e1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(&peer, &f, rows[i]);
        if (peer_wait(&peer, "HTTP/1.1 304 ") == NULL)
            fail_msg("%s", rows[i]);
        peer_end(&peer);
    }
    ask(&first, &f, "Prefer: wait=30\r\n");
    fixture_turns(&f, 3);
    ask(&peer, &f, "Prefer: wait=30\r\n");
    assert_non_null(peer_wait(&peer, "HTTP/1.1 304 "));
    assert_int_equal(odds_service_stats(f.service)->limit_reached[ODDS_LIMIT_long_polls_max].value,
                     1);
    odds_service_drain(f.service);
    assert_non_null(peer_wait(&first, "HTTP/1.1 304 "));
    peer_end(&first);
    peer_end(&peer);
    fixture_end(&f);
}

TEST(reads, who_waits_and_leaves_is_forgotten)
{
    struct stream_fixture f;
    struct peer peer;
    begin(&f);
    ask(&peer, &f, "Prefer: wait=30\r\n");
    fixture_turns(&f, 3);
    peer_end(&peer);
    fixture_turns(&f, 3);
    fixture_price(&f, "m2", 512);
    assert_int_equal(odds_service_stats(f.service)->long_polls.value, 0);
    ask(&peer, &f, "Prefer: wait=30\r\n"); /* and one that still waits at the end */
    fixture_turns(&f, 3);
    fixture_end(&f);
    close(peer.fd); /* by hand: peer_end() would run the loop */
    free(peer.bytes);
}

/* ---- what may not be shown now ---- */

TEST(reads, newcomers_are_refused_while_prices_may_be_older_than_elsewhere)
{
    static const char *const asked[] = {
        "GET /v1/odds/m1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/odds?market_id=m1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/stream?channels=market:m1 HTTP/1.1\r\nHost: x\r\nAccept: "
        "text/event-stream\r\n\r\n",
    };
    struct stream_fixture f;
    struct peer open, peer;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_add(&f, "m1", "e1");
    peer_open(&open, &f);
    odds_service_hold(f.service, true);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        peer_begin(&peer, &f);
        peer_send(&peer, asked[i]);
        assert_non_null(peer_wait(&peer, "HTTP/1.1 503 "));
        assert_non_null(peer_wait(&peer, "CATCHING_UP"));
        peer_end(&peer);
    }
    assert_int_equal(odds_service_stats(f.service)->held.value, sizeof asked / sizeof *asked);
    peer_say(&open, "{\"op\":\"ping\"}"); /* what is open goes on */
    peer_expect(&open, "{\"op\":\"pong\"");
    odds_service_hold(f.service, false);
    peer_begin(&peer, &f);
    peer_send(&peer, asked[0]);
    assert_non_null(peer_wait(&peer, "HTTP/1.1 200 "));
    peer_end(&peer);
    peer_end(&open);
    fixture_end(&f);
}
