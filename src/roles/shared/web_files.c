/* web_files.c - contract in web_files.h. */
#include "roles/shared/web_files.h"

#include "base/assert.h"
#include "base/buf.h"
#include "net/http/http_reply.h"

static bool has_file(enum web_page page, struct slice path)
{
    if (slice_begins(path, SLICE("/shared/")))
        return true;
    return slice_begins(path, SLICE("/desk/")) == (page == WEB_DESK);
}

const struct web_file *web_files_find(enum web_page page, struct slice path)
{
    if (!has_file(page, path))
        return NULL;
    for (size_t i = 0; i < web_files_count; i++)
        if (slice_is(path, web_files[i].path))
            return &web_files[i];
    return NULL;
}

void web_file_reply(const struct web_file *file, struct http_request *request)
{
    char memory[512];
    struct buf headers = buf_over(memory, sizeof memory);
    buf_put_text(&headers, "ETag: ");
    buf_put_text(&headers, file->etag);
    buf_put_text(&headers, "\r\nCache-Control: no-cache\r\n"
                           "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: "
                           "wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n"
                           "Referrer-Policy: no-referrer\r\n");
    ASSERT(!headers.overflow);
    struct slice known = http_request_header(request, "if-none-match");
    if (known.at != NULL && slice_is(known, file->etag))
        http_reply(request->reply_to, 304, SLICE_NONE, buf_slice(&headers), SLICE_NONE);
    else
        http_reply(request->reply_to, 200, slice_text(file->type), buf_slice(&headers),
                   file->content);
}
