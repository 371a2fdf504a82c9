/* ws_echo.c - answers every WebSocket message with itself, for conformance suites that others
 * wrote: they test by echo, and the product's server has none. Everything below the echo is the
 * production code: loop, connections, HTTP, handshake, frames, compression.
 *
 * Texts of 512 bytes or more go out compressed where that was agreed. Who sends faster than he
 * reads is not read on until his queue has drained. Prints "ready PORT"; ends with its standard
 * input, a pipe. usage: ws_echo [message_bytes_max] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/http/http_reply.h"
#include "net/http/http_server.h"
#include "net/http/http_upgrade.h"

#define MESSAGE_BYTES_MAX (16 * 1024 * 1024) /* the longest message of Autobahn's cases */
#define OUTBOX_MESSAGES   4                  /* of the longest */

static void after_echo(struct ws_handle ws, enum send_outcome outcome)
{
    if (outcome == SEND_LAGGING || outcome == SEND_LATE)
        ws_conn_pause(ws);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)owner;
    struct shared_bytes *frame;
    if (ws_frame_shared_text(text, &frame) < 0) {
        ws_conn_close(ws, WS_CLOSE_TRY_LATER, SLICE("out of memory"));
        return;
    }
    after_echo(ws, ws_conn_send_shared(ws, frame));
    shared_bytes_give(frame);
}

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    (void)owner;
    after_echo(ws, ws_conn_send_binary(ws, bytes));
}

static void on_drained(void *owner, struct ws_handle ws)
{
    (void)owner;
    ws_conn_resume(ws);
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    (void)owner;
    (void)ws;
    (void)code;
}

static const struct ws_callbacks callbacks = {on_text, on_drained, on_closed, on_binary};

static void on_request(void *owner, struct http_request *request)
{
    struct ws_handle ws;
    if (http_upgrade_is_asked(request))
        (void)http_upgrade_websocket(request, SLICE_NONE, &callbacks, owner, &ws);
    else
        http_reply_problem(request->reply_to, 404, "NOT_FOUND", SLICE_NONE);
}

static void on_input(void *loop, uint32_t events)
{
    char byte;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0 || read(STDIN_FILENO, &byte, 1) <= 0)
        loop_stop(loop);
}

static struct net_limits limits_for(size_t message_bytes_max)
{
    struct net_limits limits = net_limits_default();
    limits.ws_message_bytes_max = message_bytes_max;
    limits.receive_bytes_max = message_bytes_max + WS_HEADER_BYTES_MAX;
    limits.outbox_bytes_max = OUTBOX_MESSAGES * message_bytes_max;
    return limits;
}

int main(int argc, char **argv)
{
    size_t bytes_max = argc > 1 ? strtoul(argv[1], NULL, 10) : MESSAGE_BYTES_MAX;
    if (bytes_max == 0 || bytes_max > MESSAGE_BYTES_MAX)
        return 2;
    struct net_limits limits = limits_for(bytes_max);
    struct http_handlers handlers = {NULL, NULL, on_request};
    struct net_address address;
    struct loop *loop;
    struct http_server *server;
    if (net_address_parse(SLICE("127.0.0.1:0"), &address) < 0 || loop_new(&loop) < 0 ||
        http_server_new(loop, &limits, &server) < 0 || http_server_offer_deflate(server) < 0 ||
        http_server_listen(server, &address, &handlers, &address) < 0)
        return 1;
    struct loop_source input = {
        .fn = on_input, .owner = loop, .fd = STDIN_FILENO, .events = EPOLLIN};
    if (loop_source_add(loop, &input) < 0)
        return 1;
    printf("ready %u\n", (unsigned)address.port);
    (void)fflush(stdout);
    int result = loop_run(loop);
    loop_source_remove(loop, &input);
    http_server_free(server);
    loop_free(loop);
    return result < 0 ? 1 : 0;
}
