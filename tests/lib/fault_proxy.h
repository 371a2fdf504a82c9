/* fault_proxy.h - a wire between a client and a server of a test: bytes pass between two Unix
 * sockets, until the test breaks it. Thread: the test's; the wire has its own. */
#pragma once

#include <stdbool.h>

enum fault {
    FAULT_NONE = 0,
    FAULT_LOSE_ANSWER,  /* once: what the client sends next reaches the server, and when the server
                         * answers, that is dropped and the connection ends */
    FAULT_LOSE_REQUEST, /* once: what the client sends next is dropped and the connection ends */
    FAULT_SILENCE,      /* nothing passes in either direction, and nothing ends */
    FAULT_REFUSE,       /* connections end, and new ones at once */
};

struct fault_proxy;

/* Listens at the socket `from` and passes on to the one at `to`. */
struct fault_proxy *fault_proxy_new(const char *from, const char *to);
void fault_proxy_free(struct fault_proxy *proxy);
void fault_proxy_set(struct fault_proxy *proxy, enum fault fault);
/* How often FAULT_LOSE_ANSWER or FAULT_LOSE_REQUEST has happened. */
unsigned fault_proxy_losses(struct fault_proxy *proxy);
