/* route.h - the paths of a listener as a table, in the words of docs/api/openapi.yaml, with which
 * tools/check-api compares it: "/v1/bets/{bet_id}/proof". Thread: any. */
#pragma once

#include "base/buf.h"
#include "net/http/http_request.h"

#define ROUTE_IDS_MAX 2

/* What a row allows. ROUTE_READ is GET and HEAD. */
enum route_methods {
    ROUTE_GET = 1 << 0, /* without HEAD: what has no end, or is not cheap */
    ROUTE_READ = 1 << 1,
    ROUTE_POST = 1 << 2,
    ROUTE_PUT = 1 << 3,
    ROUTE_DELETE = 1 << 4,
};

/* What stands in a path for the {names} of its row, in their order, still percent-encoded: a '/'
 * inside of an id is %2F (CONTRACT, "HTTP"). Borrowed from the path. */
struct route_ids {
    struct slice id[ROUTE_IDS_MAX];
};

/* Whether `path` is the row's: letter by letter, and for each {name} a segment that is not empty.
 * *ret_ids is written on true only. */
bool route_matches(struct slice path, const char *row, struct route_ids *ret_ids);

/* `methods` are bits of enum route_methods, here and below. */
bool route_allows(unsigned methods, enum http_method method);
/* The value of Allow: "GET, HEAD, POST". */
void route_put_allow(struct buf *out, unsigned methods);
/* False when 405 with Allow was answered. */
bool route_admits(const struct http_request *request, unsigned methods);
