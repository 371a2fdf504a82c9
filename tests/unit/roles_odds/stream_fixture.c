/* stream_fixture.c - contract in stream_fixture.h. */
#include "stream_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/embedded/odds_store_memory.h"
#include "market_fixture.h"
#include "net/http/http_reply.h"
#include "test.h"

static void on_request(void *owner, struct http_request *request)
{
    struct stream_fixture *f = owner;
    if (!odds_service_handle(f->service, request, f->claims))
        http_reply_problem(request->reply_to, 404, "NOT_OURS", SLICE_NONE);
}

void fixture_init(struct stream_fixture *f)
{
    *f = (struct stream_fixture){.options = ODDS_SERVICE_OPTIONS_DEFAULT,
                                 .net = net_limits_default()};
    f->options.limits.markets_max = 2000;
    f->options.limits.channels_max = 64;
    f->options.limits.paced_followers_min = 1; /* all channels wait for the flush */
    f->options.flush_us_max = 0;               /* tests are about turns, and time is not theirs */
}

void fixture_begin(struct stream_fixture *f)
{
    static const uint64_t key[2] = {1, 2};
    struct net_address any;
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &any), 0);
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(odds_store_memory_new(2000, key, &f->store), 0);
    assert_int_equal(odds_service_new(&f->options, f->loop, f->store, &f->service), 0);
    if (f->state.bytes > 0)
        assert_int_equal(odds_service_take_over(f->service, f->state), f->state_result);
    assert_int_equal(http_server_new(f->loop, &f->net, &f->server), 0);
    struct http_handlers handlers = {.owner = f, .on_request = on_request};
    assert_int_equal(http_server_listen(f->server, &any, &handlers, &f->address), 0);
    odds_service_attach(f->service, &(struct odds_sources){0});
}

void fixture_end(struct stream_fixture *f)
{
    http_server_free(f->server);
    odds_service_free(f->service);
    f->store->ops->free(f->store);
    loop_free(f->loop);
}

void fixture_turns(struct stream_fixture *f, int turns)
{
    while (turns-- > 0)
        assert_int_equal(loop_run_once(f->loop, 0), 0);
}

/* ---- markets ---- */

static const struct odds_image *stored(struct stream_fixture *f, const char *market)
{
    return f->store->ops->get(f->store, slice_text(market));
}

void fixture_add_at(struct stream_fixture *f, const char *market, const char *event,
                    uint64_t version)
{
    const uint16_t all[FIXTURE_SELECTIONS] = {0, 1, 2};
    struct odds_image *image = market_image(market, event, "football");
    image->odds_version = version;
    assert_int_equal(f->store->ops->put(f->store, image), ODDS_PUT_OK);
    odds_service_on_market(f->service, image, 0, all, FIXTURE_SELECTIONS);
}

void fixture_add(struct stream_fixture *f, const char *market, const char *event)
{
    fixture_add_at(f, market, event, odds_version_make(1, 1));
    fixture_turns(f, 1);
}

void fixture_price_in_turn(struct stream_fixture *f, const char *market, uint32_t hundredths)
{
    const uint16_t first[] = {0};
    struct odds_image *image = market_image(market, "", "");
    const struct odds_image *old = stored(f, market);
    assert_non_null(old);
    uint64_t before = old->odds_version;
    memcpy(image, old, odds_image_bytes(old->selections_count));
    image->odds_version++;
    assert_true(odds_make(hundredths, 100, &image->selections[0].odds));
    assert_int_equal(f->store->ops->put(f->store, image), ODDS_PUT_OK);
    odds_service_on_market(f->service, image, before, first, 1);
}

void fixture_price(struct stream_fixture *f, const char *market, uint32_t hundredths)
{
    fixture_price_in_turn(f, market, hundredths);
    fixture_turns(f, 1);
}

void fixture_remove(struct stream_fixture *f, const char *market)
{
    odds_service_on_removed(f->service, stored(f, market));
    f->store->ops->remove(f->store, slice_text(market));
    fixture_turns(f, 1);
}

/* ---- peers ---- */

void peer_begin(struct peer *peer, struct stream_fixture *f)
{
    struct sockaddr_storage address;
    socklen_t size = net_address_to_sockaddr(&f->address, &address);
    *peer = (struct peer){.fixture = f};
    peer->bytes = calloc(1, PEER_BYTES);
    peer->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_non_null(peer->bytes);
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(fcntl(peer->fd, F_SETFL, O_NONBLOCK), 0);
}

void peer_end(struct peer *peer)
{
    close(peer->fd);
    free(peer->bytes);
    fixture_turns(peer->fixture, 3);
}

static void send_all(struct peer *peer, const char *at, size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = send(peer->fd, at, bytes, MSG_NOSIGNAL);
        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            fixture_turns(peer->fixture, 1);
            continue;
        }
        at += sent;
        bytes -= (size_t)sent;
    }
}

void peer_send(struct peer *peer, const char *text)
{
    send_all(peer, text, strlen(text));
}

/* Takes what is there; runs the loop meanwhile. */
static void receive(struct peer *peer)
{
    fixture_turns(peer->fixture, 2);
    if (peer->at > PEER_BYTES / 2) {
        memmove(peer->bytes, peer->bytes + peer->at, peer->count - peer->at);
        peer->count -= peer->at;
        peer->at = 0;
    }
    ssize_t got = recv(peer->fd, peer->bytes + peer->count, PEER_BYTES - 1 - peer->count, 0);
    if (got > 0)
        peer->count += (size_t)got;
    else if (got == 0 || errno != EAGAIN)
        peer->ended = true;
}

const char *peer_wait(struct peer *peer, const char *text)
{
    for (int i = 0; i < 400; i++) {
        receive(peer);
        peer->bytes[peer->count] = 0;
        if (strstr(peer->bytes, text) != NULL)
            return peer->bytes;
        if (peer->ended)
            return NULL;
        if (i > 20)
            usleep(2000);
    }
    return NULL;
}

void peer_open(struct peer *peer, struct stream_fixture *f)
{
    peer_begin(peer, f);
    peer_send(peer, "GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    const char *head = peer_wait(peer, "\r\n\r\n");
    assert_non_null(head);
    assert_memory_equal(head, "HTTP/1.1 101", 12);
    peer->at = (size_t)(strstr(head, "\r\n\r\n") - head) + 4;
}

void peer_say_later(struct peer *peer, const char *text)
{
    char frame[70000];
    size_t bytes = strlen(text), head = 2;
    assert_true(bytes < 60000);
    frame[0] = (char)0x81;
    if (bytes < 126) {
        frame[1] = (char)(0x80 | bytes);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(bytes >> 8);
        frame[3] = (char)bytes;
        head = 4;
    }
    memset(frame + head, 0, 4); /* a mask of zeros changes nothing */
    memcpy(frame + head + 4, text, bytes);
    send_all(peer, frame, head + 4 + bytes);
}

void peer_say(struct peer *peer, const char *text)
{
    peer_say_later(peer, text);
    fixture_turns(peer->fixture, 2);
}

/* Takes one frame out of what was received. */
static bool take_frame(struct peer *peer)
{
    const unsigned char *at = (const unsigned char *)peer->bytes + peer->at;
    size_t have = peer->count - peer->at, head = 2;
    if (have < 2)
        return false;
    size_t bytes = at[1];
    if (bytes == 126) {
        if (have < 4)
            return false;
        bytes = (size_t)at[2] << 8 | at[3];
        head = 4;
    }
    assert_true(bytes < sizeof peer->text);
    if (have < head + bytes)
        return false;
    if ((at[0] & 15) == 9) { /* a ping without a payload; a mask of zeros */
        peer->at += head + bytes;
        send_all(peer, "\x8a\x80\0\0\0\0", 6);
        return take_frame(peer);
    }
    if ((at[0] & 15) == 8)
        (void)snprintf(peer->text, sizeof peer->text, "CLOSE %d", at[head] << 8 | at[head + 1]);
    else
        (void)snprintf(peer->text, sizeof peer->text, "%.*s", (int)bytes, at + head);
    peer->at += head + bytes;
    return true;
}

const char *peer_take(struct peer *peer)
{
    if (take_frame(peer))
        return peer->text;
    receive(peer);
    return take_frame(peer) ? peer->text : NULL;
}

const char *peer_next(struct peer *peer)
{
    for (int i = 0; i < 60; i++) {
        if (take_frame(peer))
            return peer->text;
        receive(peer);
        if (i > 20)
            usleep(1000);
    }
    return NULL;
}

void peer_expect(struct peer *peer, const char *beginning)
{
    const char *frame = peer_next(peer);
    if (frame == NULL)
        fail_msg("nothing came instead of %s", beginning);
    if (strncmp(frame, beginning, strlen(beginning)) != 0)
        fail_msg("%.300s came instead of %s", frame, beginning);
}

void peer_expect_seq(struct peer *peer, const char *beginning, unsigned long long seq)
{
    peer_expect(peer, beginning);
    assert_int_equal(frame_number(peer->text, "seq"), seq);
}

unsigned long long peer_subscribe(struct peer *peer, const char *channel)
{
    char text[128];
    (void)snprintf(text, sizeof text, "{\"op\":\"subscribe\",\"channels\":[\"%s\"]}", channel);
    peer_say(peer, text);
    (void)snprintf(text, sizeof text, "{\"op\":\"snapshot\",\"channel\":\"%s\",\"seq\":", channel);
    peer_expect(peer, text);
    return frame_number(peer->text, "seq");
}

void peer_expect_nothing(struct peer *peer)
{
    const char *frame = peer_next(peer);
    if (frame != NULL)
        fail_msg("%s came", frame);
}

unsigned long long frame_number(const char *frame, const char *key)
{
    char member[64];
    (void)snprintf(member, sizeof member, "\"%s\":", key);
    const char *at = strstr(frame, member);
    return at == NULL ? 0 : strtoull(at + strlen(member), NULL, 10);
}
