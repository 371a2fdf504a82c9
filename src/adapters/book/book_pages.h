/* book_pages.h - the event_pages port over the admin listener of a book's process (GET
 * /v1/admin/streams/{topic}; docs/PROTOCOL.md, section 10): its logs, page by page, with nothing
 * between. What is answered is not believed before it was read to its last line. Thread: one user.
 */
#pragma once

#include "base/buf.h"
#include "ports/event_pages.h"
#include "ports/web_client.h"

#define BOOK_PAGES_ANSWER_BYTES_MAX ((size_t)2 << 20)

struct book_pages_options {
    const char *url; /* http://HOST:PORT or https://...: of the admin listener; borrowed, as all */
    const char *topic, *group;
    const char *token; /* of role auditor, regulator or admin */
};

/* Takes the client, also when it fails. 0, -ERR_MEMORY, -ERR_IO, or -ERR_CONFIG with a sentence in
 * `why`. */
int book_pages_new(const struct book_pages_options *options, struct web_client *client,
                   struct event_pages **ret_pages, struct buf *why);
