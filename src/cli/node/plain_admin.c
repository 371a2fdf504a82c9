/* plain_admin.c - contract in plain_admin.h. */
#include "cli/node/plain_admin.h"

#include "base/error.h"
#include "net/http/http_reply.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

static void serve_metrics(struct plain_admin *admin, struct http_request *request)
{
    struct buf out = buf_over(admin->out.at, admin->out.capacity);
    metrics_write(admin->metrics, &out);
    if (out.overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(&out));
}

static void serve_health(struct plain_admin *admin, struct http_request *request)
{
    (void)admin;
    http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
}

static void serve_ready(struct plain_admin *admin, struct http_request *request)
{
    if (admin->is_ready(admin->owner))
        http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ready\n"));
    else
        http_reply_problem_with(request->reply_to, 503, "NOT_READY", slice_text(admin->not_ready),
                                HTTP_RETRY_SOON);
}

static void on_request(void *owner, struct http_request *request)
{
    static const struct {
        const char *path;
        void (*serve)(struct plain_admin *admin, struct http_request *request);
    } routes[] = {
        {"/metrics", serve_metrics}, {"/healthz", serve_health}, {"/readyz", serve_ready}};
    struct plain_admin *admin = owner;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_is(request->path, routes[i].path))
            continue;
        if (request->method == HTTP_GET || request->method == HTTP_HEAD)
            routes[i].serve(admin, request);
        else
            http_reply_not_allowed(request->reply_to, "GET, HEAD");
        return;
    }
    http_reply_problem(request->reply_to, 404, "NOT_FOUND", slice_text(admin->not_here));
}

int plain_admin_open(struct plain_admin *admin, struct loop *loop, uint32_t connections_max)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = connections_max;
    return http_server_new(loop, &limits, &admin->server);
}

int plain_admin_listen(struct plain_admin *admin, const struct net_address *address,
                       struct tls_server *tls, struct net_address *ret_bound, struct buf *why)
{
    const struct http_handlers handlers = {.owner = admin, .on_request = on_request};
    const struct http_listening how = {.address = *address, .tls = tls};
    int error = http_server_listen_as(admin->server, &how, &handlers, ret_bound);
    if (error < 0) {
        buf_put_text(why, "cannot listen at ");
        net_address_write(why, address);
    }
    return error;
}

void plain_admin_close(struct plain_admin *admin)
{
    http_server_free(admin->server);
    admin->server = NULL;
}
