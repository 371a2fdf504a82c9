/* http_request.c - contract in http_request.h. */
#include "net/http/http_request.h"

#include "base/assert.h"
#include "net/http/http_conn.h"

void http_request_stream_body(struct http_request *request, const struct http_body_sink *sink,
                              void *owner)
{
    struct conn *conn = http_conn_find(request->reply_to);
    if (conn == NULL)
        return;
    struct http_conn *http = http_conn_of(conn);
    ASSERT(http->phase == HTTP_PHASE_STREAM); /* the plan said so, and it is not answered */
    ASSERT(http->sink == NULL);
    http->sink = sink;
    http->sink_owner = owner;
}

/* The connection whose body `to` is being streamed, else NULL. */
static struct conn *streamed(struct http_reply_to to)
{
    struct conn *conn = http_conn_find(to);
    if (conn == NULL)
        return NULL;
    const struct http_conn *http = http_conn_of(conn);
    return http->phase == HTTP_PHASE_STREAM && to.request_no == http->next_no - 1 ? conn : NULL;
}

void http_request_pause_body(struct http_reply_to to)
{
    struct conn *conn = streamed(to);
    if (conn != NULL)
        http_conn_of(conn)->body_paused = true;
}

void http_request_resume_body(struct http_reply_to to)
{
    struct conn *conn = streamed(to);
    if (conn == NULL)
        return;
    http_conn_of(conn)->body_paused = false;
    http_conn_go_on(conn);
}

bool http_request_is_open(struct http_reply_to to)
{
    struct conn *conn = http_conn_find(to);
    if (conn == NULL)
        return false;
    const struct http_conn *http = http_conn_of(conn);
    return to.request_no - http->first_no < http_conn_pending(http);
}
