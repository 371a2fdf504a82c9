/* load_feed.c - contract in load_feed.h. */
#include "load/load_feed.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "load/load_process.h"
#include "load/load_view.h"
#include "net/http/http_client.h"

#define LINE_BYTES_MAX   2048
#define HEADER_BYTES_MAX 2560
#define OUTBOX_BYTES_MAX (16 * 1024 * 1024)
#define SILENCE_MS_MAX   (INT64_C(86400) * 1000) /* the answer comes at the end */

struct load_feed {
    struct loop *loop;
    struct http_client *client; /* owned */
    struct http_client_handle handle;
    struct timer heart;
    bool failed;
};

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    (void)tag;
    (void)answer; /* before the end: it was refused */
    ((struct load_feed *)owner)->failed = true;
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    (void)reason;
    (void)unanswered;
    ((struct load_feed *)owner)->failed = true;
}

static const struct http_client_callbacks callbacks = {.on_answer = on_answer,
                                                       .on_closed = on_closed};

static void upload(struct load_feed *feed, struct slice line)
{
    if (!feed->failed && !send_is_queued(http_client_upload(feed->handle, line)))
        feed->failed = true;
}

static void on_heart(void *owner)
{
    struct load_feed *feed = owner;
    upload(feed, SLICE("{\"op\":\"heartbeat\",\"provider\":\"world\"}\n"));
    loop_timer_set(feed->loop, &feed->heart,
                   (struct monotonic){loop_now(feed->loop).us + US_PER_SECOND});
}

static int begin_request(struct load_feed *feed, struct slice token)
{
    char headers[HEADER_BYTES_MAX];
    struct buf lines = buf_over(headers, sizeof headers);
    buf_put_text(&lines, "Authorization: Bearer ");
    buf_put_slice(&lines, token);
    buf_put_text(&lines, "\r\nContent-Type: application/x-ndjson\r\n");
    if (lines.overflow)
        return -ERR_LIMIT;
    const struct http_client_request request = {.method = SLICE("POST"),
                                                .target = SLICE("/v1/feed/json"),
                                                .headers = buf_slice(&lines),
                                                .chunked = true};
    return send_is_queued(http_client_send(feed->handle, &request)) ? 0 : -ERR_NETWORK;
}

int load_feed_new(struct loop *loop, const struct load_target *target, struct slice token,
                  struct load_feed **ret_feed)
{
    struct net_limits limits = net_limits_default();
    struct load_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return -ERR_MEMORY;
    feed->loop = loop;
    limits.connections_max = 1;
    limits.outbox_bytes_max = OUTBOX_BYTES_MAX;
    limits.http_idle_ms_max = SILENCE_MS_MAX;
    timer_init(&feed->heart, on_heart, feed);
    int error = http_client_new(loop, &limits, &feed->client);
    if (error == 0) {
        http_client_use_tls(feed->client, target->tls);
        error =
            http_client_connect(feed->client, &target->address, &callbacks, feed, &feed->handle);
    }
    if (error == 0)
        error = begin_request(feed, token);
    if (error < 0) {
        load_feed_free(feed);
        return error;
    }
    on_heart(feed);
    *ret_feed = feed;
    return 0;
}

void load_feed_free(struct load_feed *feed)
{
    if (feed == NULL)
        return;
    loop_timer_cancel(feed->loop, &feed->heart);
    http_client_free(feed->client);
    free(feed);
}

bool load_feed_failed(const struct load_feed *feed)
{
    return feed->failed;
}

void load_feed_market(struct buf *out, struct slice prefix, uint32_t market)
{
    buf_put_slice(out, prefix);
    buf_put_char(out, '-');
    buf_put_u64(out, market);
}

static void put_selections(struct buf *out, const struct load_match_move *move)
{
    for (size_t i = 0; i < LOAD_MATCH_SELECTIONS; i++) {
        buf_printf(out, "%s{\"id\":\"%s\",\"odds\":", i == 0 ? "" : ",", load_view_selections[i]);
        decimal_write(out, move->cents[i], 2);
        buf_put_char(out, '}');
    }
}

void load_feed_tell(struct load_feed *feed, struct slice prefix, const struct load_match_move *move)
{
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_over(memory, sizeof memory);
    buf_put_text(&line, "{\"op\":\"market\",\"provider\":\"world\",\"ts\":\"");
    rfc3339_write(&line, load_process_wall());
    buf_put_text(&line, "\",\"market_id\":\"");
    load_feed_market(&line, prefix, move->market);
    buf_put_text(&line, "\",\"event_id\":\"event-");
    load_feed_market(&line, prefix, move->market);
    buf_printf(&line,
               "\",\"sport\":\"football\",\"name\":\"To win\",\"kind\":\"1x2\",\"in_play\":true,"
               "\"status\":\"%s\",\"score\":[%u,%u],\"selections\":[",
               move->suspended ? "suspended" : "active", move->goals[0], move->goals[1]);
    put_selections(&line, move);
    buf_put_text(&line, "]}\n");
    upload(feed, buf_slice(&line));
}
