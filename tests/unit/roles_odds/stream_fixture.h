/* stream_fixture.h - the odds service behind a real server on 127.0.0.1, and peers to talk to it.
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "net/http/http_server.h"
#include "roles/odds/odds_service.h"

#define PEER_BYTES (4 * 1024 * 1024)

struct stream_fixture {
    struct odds_service_options options;
    struct net_limits net;
    struct loop *loop;
    struct http_server *server;
    struct odds_store *store;
    struct odds_service *service;
    struct net_address address;
    const struct jwt_claims *claims; /* of the next request */
    struct slice state;              /* of the process before; empty: none */
    int state_result;                /* that taking it over must answer */
};

/* What the server sent to a peer; `at` is how far the test has read. */
struct peer {
    struct stream_fixture *fixture;
    int fd;
    char *bytes; /* owned; ended by NUL */
    size_t count, at;
    bool ended;
    char text[65536]; /* the newest frame */
};

/* Defaults; change them before fixture_begin(). */
void fixture_init(struct stream_fixture *f);
void fixture_begin(struct stream_fixture *f);
void fixture_end(struct stream_fixture *f);
void fixture_turns(struct stream_fixture *f, int turns);

/* A new market, and a change of selection `a` to numerator/100; both end their turn unless told. */
void fixture_add(struct stream_fixture *f, const char *market, const char *event);
/* The same with a version of its own, and without a turn. */
void fixture_add_at(struct stream_fixture *f, const char *market, const char *event,
                    uint64_t version);
void fixture_price(struct stream_fixture *f, const char *market, uint32_t hundredths);
void fixture_price_in_turn(struct stream_fixture *f, const char *market, uint32_t hundredths);
void fixture_remove(struct stream_fixture *f, const char *market);

void peer_begin(struct peer *peer, struct stream_fixture *f);
void peer_end(struct peer *peer);
/* Opens a WebSocket. */
void peer_open(struct peer *peer, struct stream_fixture *f);
void peer_say(struct peer *peer, const char *text);
/* The same without a turn: it is read in the next one. */
void peer_say_later(struct peer *peer, const char *text);
/* Raw bytes (HTTP). */
void peer_send(struct peer *peer, const char *text);
/* The next frame's text, or NULL when none comes within a moment. A close frame is "CLOSE code". */
const char *peer_next(struct peer *peer);
/* One that has come by now, or NULL at once. */
const char *peer_take(struct peer *peer);
/* Fails unless the next frame begins so. */
void peer_expect(struct peer *peer, const char *beginning);
/* And carries this number. */
void peer_expect_seq(struct peer *peer, const char *beginning, unsigned long long seq);
/* Subscribes, and expects the snapshot next: its number. */
unsigned long long peer_subscribe(struct peer *peer, const char *channel);
void peer_expect_nothing(struct peer *peer);
/* Waits until `text` has come; answers what came so far, or NULL. */
const char *peer_wait(struct peer *peer, const char *text);
/* A number member of a frame, 0 when it is not there. */
unsigned long long frame_number(const char *frame, const char *key);
