/* http_carried.h - a request that came by another way than a connection of a server here: carried
 * from another process. A handler sees it as any other (http_request.h), and answers it as any
 * other: its http_reply_to names who takes the answer, and http_reply*() give it to them. It cannot
 * become a stream or a WebSocket. Thread: that of who takes the answers. */
#pragma once

#include "base/slice.h"
#include "net/http/http_request.h"

/* What http_reply() was given. */
struct http_carried_answer {
    int status;
    struct slice content_type, headers, body;
};

struct http_carried {
    /* Once for each request; the answer is borrowed for the call. */
    void (*reply)(struct http_carried *carried, struct http_reply_to to,
                  const struct http_carried_answer *answer);
};
