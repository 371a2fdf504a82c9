/* problem.c - contract in problem.h. */
#include "roles/shared/problem.h"

#include "net/http/http_reply.h"

struct json_writer problem_open(struct buf *out, int status, const char *code, struct slice detail)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    json_write_key(&writer, "type");
    json_write_text(&writer, SLICE("about:blank"));
    json_write_key(&writer, "title");
    json_write_text(&writer, slice_text(http_reply_reason(status)));
    json_write_key(&writer, "status");
    json_write_i64(&writer, status);
    json_write_key(&writer, "code");
    json_write_text(&writer, slice_text(code));
    if (detail.bytes > 0) {
        json_write_key(&writer, "detail");
        json_write_text(&writer, detail);
    }
    return writer;
}

void problem_write(struct buf *out, int status, const char *code, struct slice detail)
{
    struct json_writer writer = problem_open(out, status, code, detail);
    json_write_object_close(&writer);
}
