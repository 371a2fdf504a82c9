/* node_fence.h - tells an old primary that it was taken over (docs/PROTOCOL.md, "Log shipping"):
 * from the takeover on, again and again until it has obeyed. Thread: the loop's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"
#include "net/stream/tls_client.h"

/* Whom, and what; all borrowed. */
struct node_fence_target {
    struct net_address address;         /* of its admin listener */
    const struct tls_client_files *tls; /* ca NULL: it is plain */
    const char *token;                  /* of role standby; NULL: nobody is told */
    uint64_t creation, epoch, seq;
};

struct node_fence {
    struct loop *loop;
    struct node_fence_target target;
    struct http_client *client; /* owned; NULL: not begun, or done */
    struct tls_client *tls;     /* owned; NULL: plain */
    struct timer retry;
    struct backoff backoff;
    bool obeyed;
    char headers[4096];
};

/* At its address until the end; it may be that nothing is begun. */
void node_fence_begin(struct node_fence *fence, struct loop *loop,
                      const struct node_fence_target *target);
void node_fence_end(struct node_fence *fence);
