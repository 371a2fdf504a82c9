/* event_stream.c - /v1/stream as server-sent events (HTML, section 9.2): the same messages, one
 * event each, and `id` says how far the client is in each of its channels, in their order:
 * "SID:17,4,-". A channel whose snapshot is not complete is '-'. So Last-Event-ID resumes exactly,
 * whatever the client missed. */
#include "roles/odds/odds_calls.h"

#include "net/http/http_reply.h"
#include "net/http/http_url.h"

void event_stream_put_id(struct buf *out, const struct client *client)
{
    const struct odds_service *s = client->service;
    buf_put_text(out, "id: ");
    buf_put(out, s->sid, SID_BYTES);
    char between = ':';
    for (uint32_t at = client->first; at != SLOT_NONE;) {
        const struct subscription *sub = &s->subscriptions[at];
        buf_put_char(out, between);
        if (follow_is_walking(&sub->follow))
            buf_put_char(out, '-');
        else
            buf_put_u64(out, sub->follow.synced);
        between = ',';
        at = sub->client_next;
    }
    buf_put_char(out, '\n');
}

static void on_drained(void *owner, struct http_reply_to to)
{
    (void)to; /* the client's own */
    client_drained(owner);
}

static void on_closed(void *owner, struct http_reply_to to, enum conn_close reason)
{
    (void)to;
    (void)reason; /* net counts it */
    client_free(owner);
}

static const struct http_stream_callbacks callbacks = {on_drained, on_closed};

/* The next number of a Last-Event-ID; false for none. */
static bool next_seq(struct slice *numbers, uint64_t *ret)
{
    struct slice digits = slice_next(numbers, ',');
    uint64_t number = 0;
    if (digits.bytes == 0 || digits.bytes > 18)
        return false;
    for (size_t i = 0; i < digits.bytes; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *ret = number;
    return true;
}

struct channel_names {
    struct slice names[STREAM_OP_CHANNELS_MAX];
    size_t count;
};

/* "?channels=a,b": commas part the names, so one inside of a name is written %2C. NULL: good;
 * else the problem's code. */
static const char *read_channels(struct http_request *request, struct buf *memory,
                                 struct channel_names *ret)
{
    struct slice value;
    enum group_kind kind;
    struct slice id;
    ret->count = 0;
    if (!http_url_query(request->query, "channels", &value) || value.bytes == 0)
        return "CHANNELS_REQUIRED";
    while (value.bytes > 0) {
        if (ret->count == STREAM_OP_CHANNELS_MAX)
            return "TOO_MANY_CHANNELS";
        struct slice *name = &ret->names[ret->count++];
        if (http_url_decode(slice_next(&value, ','), true, memory, name) < 0 ||
            !stream_op_channel(*name, &kind, &id))
            return "BAD_CHANNEL";
    }
    return NULL;
}

static int64_t read_conflate(const struct http_request *request)
{
    struct slice value;
    uint64_t ms;
    return http_url_query(request->query, "conflate_ms", &value) && next_seq(&value, &ms)
               ? (int64_t)ms
               : 0;
}

static void open_channels(struct client *client, const struct channel_names *channels,
                          int64_t conflate_ms)
{
    for (size_t i = 0; i < channels->count; i++) {
        struct subscription *sub = subscription_open(client, channels->names[i], conflate_ms);
        if (sub != NULL)
            follow_restart(&client->service->debts, &sub->follow, sub->follow.synced);
    }
}

/* All channels are open before anything is sent, so that each event's id names them all. */
static void begin_channels(struct client *client, struct slice last_id)
{
    struct odds_service *s = client->service;
    struct slice numbers = last_id;
    bool same = slice_equal(slice_next(&numbers, ':'), slice_of(s->sid, SID_BYTES));
    for (uint32_t at = client->first; at != SLOT_NONE;) {
        struct subscription *sub = &s->subscriptions[at];
        uint64_t seq;
        at = sub->client_next;
        if (!same || !next_seq(&numbers, &seq) || !subscription_replay(s, sub, seq))
            subscription_restart(s, sub);
    }
}

void event_stream_begin(struct odds_service *s, struct http_request *request,
                        const struct jwt_claims *claims)
{
    struct channel_names channels;
    char names[HTTP_TARGET_BYTES_MAX];
    char last[64 + STREAM_OP_CHANNELS_MAX * 20];
    struct buf memory = buf_over(names, sizeof names);
    struct buf last_id = buf_over(last, sizeof last);
    const char *code = read_channels(request, &memory, &channels);
    if (code != NULL) {
        http_reply_problem(request->reply_to, 400, code, SLICE_NONE);
        return;
    }
    struct client *client = client_new(s, claims, request);
    if (client == NULL) {
        http_reply_problem_with(request->reply_to, 503, "TOO_MANY_STREAMS", SLICE_NONE,
                                SLICE("Retry-After: 5\r\n"));
        return;
    }
    client->to = request->reply_to;
    struct slice header = http_request_header(request, "last-event-id");
    buf_put_slice(&last_id, header); /* one that is too long is none of ours */
    if (!http_request_is_open(request->reply_to) ||
        !http_stream_begin(request, SLICE("text/event-stream"),
                           SLICE("Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"),
                           &callbacks, client)) {
        client_free(client);
        return;
    }
    client_begin_sse(client);
    open_channels(client, &channels, read_conflate(request));
    begin_channels(client, buf_slice(&last_id));
}
