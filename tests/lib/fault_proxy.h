/* fault_proxy.h - a wire between a client and a server of a test: bytes pass between two Unix
 * sockets, or two ports of 127.0.0.1, until the test breaks it. Thread: the test's; the wire has
 * its own. */
#pragma once

#include <stdbool.h>

enum fault {
    FAULT_NONE = 0,
    FAULT_LOSE_ANSWER,  /* once: what the client sends next reaches the server, and when the server
                         * answers, that is dropped and the connection ends */
    FAULT_LOSE_REQUEST, /* once: what the client sends next is dropped and the connection ends */
    FAULT_SILENCE,      /* nothing passes in either direction, and nothing ends */
    FAULT_REFUSE,       /* connections end, and new ones at once */
    FAULT_ANSWER, /* requests of HTTP are answered as fault_proxy_answer said, and go nowhere */
};

struct fault_proxy;

/* Listens at the socket `from` and passes on to the one at `to`. */
struct fault_proxy *fault_proxy_new(const char *from, const char *to);
/* The same between ports: listens at a free one, which it answers, and passes on to `to_port`. */
struct fault_proxy *fault_proxy_new_tcp(int to_port, int *ret_port);
void fault_proxy_free(struct fault_proxy *proxy);
void fault_proxy_set(struct fault_proxy *proxy, enum fault fault);
/* Sets FAULT_ANSWER: the next `count` requests (0: each) get this status, such as "400 Bad
 * Request", and body, both borrowed until the fault is over. Between two requests. */
void fault_proxy_answer(struct fault_proxy *proxy, unsigned count, const char *status,
                        const char *body);
/* How many got it. */
unsigned fault_proxy_answered(struct fault_proxy *proxy);
/* How often FAULT_LOSE_ANSWER or FAULT_LOSE_REQUEST has happened. */
unsigned fault_proxy_losses(struct fault_proxy *proxy);
