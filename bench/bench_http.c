/* bench_http.c - our HTTP alone: 300-byte answers over keep-alive loopback, with no book behind.
 *
 *   bench-http
 *
 * Prints its address and answers every request until SIGTERM; then how many requests met in a turn
 * of the loop, as one JSON object. bench-asker asks (bench_http.py). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http/http_reply.h"
#include "net/http/http_server.h"

#define BODY_BYTES 300

static char body[BODY_BYTES];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void on_request(void *owner, struct http_request *http_request)
{
    (void)owner;
    http_reply(http_request->reply_to, 200, SLICE("application/json"),
               SLICE("ETag: \"4294967297\"\r\n"), slice_of(body, sizeof body));
}

static void on_signal(void *owner, int number)
{
    (void)number;
    loop_stop(owner);
}

int main(void)
{
    struct loop *loop;
    struct http_server *server;
    struct net_address address;
    struct net_limits limits = net_limits_default();
    struct http_handlers handlers = {NULL, NULL, on_request};
    memset(body, 'x', sizeof body);
    if (net_address_parse(SLICE("127.0.0.1:0"), &address) < 0 || loop_new(&loop) < 0 ||
        loop_watch_signal(loop, SIGTERM, on_signal, loop) < 0 ||
        http_server_new(loop, &limits, &server) < 0 ||
        http_server_listen(server, &address, &handlers, &address) < 0)
        die("server");
    char text[NET_ADDRESS_TEXT_MAX];
    struct buf out = buf_over(text, sizeof text);
    net_address_write(&out, &address);
    printf("%.*s\n", (int)out.bytes, text);
    fflush(stdout);
    if (loop_run(loop) < 0)
        die("loop");
    printf("{\"requests_per_turn\":%.1f}\n",
           (double)http_server_stats(server)->requests / (double)loop_turns(loop));
    http_server_free(server);
    loop_free(loop);
    return 0;
}
