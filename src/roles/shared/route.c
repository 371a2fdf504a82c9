/* route.c - contract in route.h. */
#include "roles/shared/route.h"

#include "base/assert.h"
#include "net/http/http_reply.h"

/* ---- paths ---- */

/* The segment that `path` begins with, up to a '/' or its end. */
static struct slice segment_of(struct slice path)
{
    const char *slash = path.bytes == 0 ? NULL : memchr(path.at, '/', path.bytes);
    return slash == NULL ? path : slice_of(path.at, (size_t)(slash - path.at));
}

bool route_matches(struct slice path, const char *row, struct route_ids *ret_ids)
{
    struct route_ids ids = {0};
    size_t count = 0;
    while (*row != '\0') {
        if (*row != '{') {
            if (path.bytes == 0 || *path.at != *row)
                return false;
            path = slice_skip(path, 1);
            row++;
            continue;
        }
        struct slice segment = segment_of(path);
        if (segment.bytes == 0)
            return false;
        ASSERT(count < ROUTE_IDS_MAX);
        ids.id[count++] = segment;
        path = slice_skip(path, segment.bytes);
        row = strchr(row, '}') + 1;
    }
    if (path.bytes > 0)
        return false;
    *ret_ids = ids;
    return true;
}

/* ---- methods ---- */

bool route_allows(unsigned methods, enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return (methods & (ROUTE_GET | ROUTE_READ)) != 0;
    case HTTP_HEAD:
        return (methods & ROUTE_READ) != 0;
    case HTTP_POST:
        return (methods & ROUTE_POST) != 0;
    case HTTP_PUT:
        return (methods & ROUTE_PUT) != 0;
    case HTTP_DELETE:
        return (methods & ROUTE_DELETE) != 0;
    case HTTP_METHOD_OTHER:
    case HTTP_PATCH:
    case HTTP_OPTIONS:
        break;
    }
    return false;
}

void route_put_allow(struct buf *out, unsigned methods)
{
    static const struct {
        unsigned bit;
        const char *words;
    } rows[] = {{ROUTE_GET, "GET"},
                {ROUTE_READ, "GET, HEAD"},
                {ROUTE_POST, "POST"},
                {ROUTE_PUT, "PUT"},
                {ROUTE_DELETE, "DELETE"}};
    const char *between = "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((methods & rows[i].bit) == 0)
            continue;
        buf_put_text(out, between);
        buf_put_text(out, rows[i].words);
        between = ", ";
    }
}

bool route_admits(const struct http_request *request, unsigned methods)
{
    char memory[64];
    struct buf allow = buf_over(memory, sizeof memory);
    if (route_allows(methods, request->method))
        return true;
    route_put_allow(&allow, methods);
    buf_put_char(&allow, '\0');
    ASSERT(!allow.overflow);
    http_reply_not_allowed(request->reply_to, memory);
    return false;
}
