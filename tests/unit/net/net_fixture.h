/* net_fixture.h - a server on 127.0.0.1 with a real loop, and a blocking peer to talk to it. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "net/http/http_reply.h"
#include "net/http/http_server.h"
#include "net/http/http_stream.h"
#include "net/http/http_upgrade.h"
#include "net/loop/loop.h"

#define FIXTURE_REPLIES_MAX 128

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct net_limits limits;
    struct http_listening how; /* TLS, proxies: set before fixture_begin(); the address is ours */
    struct net_address address;
    /* what the handler saw */
    int requests;
    bool keep; /* do not answer: keep the right to */
    struct http_reply_to kept[FIXTURE_REPLIES_MAX];
    char paths[FIXTURE_REPLIES_MAX][64];
    struct net_address client; /* of the last request */
    char last_body[4096];
    size_t last_body_bytes;
    /* streamed bodies (path /upload) */
    size_t uploaded_bytes;
    int ends, aborts;
    bool pause_each_piece;
    struct http_reply_to upload;
    /* WebSocket (path /ws) */
    struct ws_handle ws;
    int ws_texts, ws_closed, ws_drained;
    uint16_t ws_code;
    bool ws_echo;
    char ws_last[256];
    /* streams (path /stream) */
    int streams_closed, streams_drained;
    struct http_reply_to stream;
    int drained;
};

/* limits of the fixture are set to the defaults first; change them before fixture_begin(). */
void fixture_init(struct fixture *fixture);
void fixture_begin(struct fixture *fixture);
void fixture_end(struct fixture *fixture);
/* Runs turns until `*what` is at least `wanted` or a second is over. */
bool fixture_until(struct fixture *fixture, const int *what, int wanted);
void fixture_turns(struct fixture *fixture, int turns);

/* The peer. */
int peer_connect(const struct fixture *fixture);
void peer_send(int fd, struct slice bytes);
/* Reads while running the loop, until `bytes` bytes came, the end of the stream or a second;
 * answers how many. The text is ended by NUL. */
size_t peer_read(struct fixture *fixture, int fd, char *to, size_t bytes);
/* Reads until the text has come; false on the end of the stream or after a second. What was read
 * stands in `to`. */
bool peer_read_until(struct fixture *fixture, int fd, char *to, size_t capacity, const char *text);
/* Whether the server has ended the stream within a second. */
bool peer_is_closed(struct fixture *fixture, int fd);
