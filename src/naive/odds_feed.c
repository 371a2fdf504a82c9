/* odds_feed.c - contract in odds_feed.h.
 * An intake keeps what came and is not taken yet. At most one batch of it is under way, and while
 * one is, its body is paused. */
#include "naive/odds_feed.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "net/http/http_reply.h"

/* A line, and the pieces that may still come after a pause. */
#define BUFFER_BYTES     (ODDS_FEED_LINE_BYTES_MAX + 1024 * 1024)
#define SELECTIONS_BYTES (2 * ODDS_FEED_LINE_BYTES_MAX)
#define RETRY_US         INT64_C(20000)

struct intake {
    struct odds_feed *feed;
    struct http_reply_to to;
    struct db_waiter waiter;
    struct timer retry; /* no room for a result */
    struct db_conn *conn;
    bool open, busy, paused;
    bool ended;  /* the body is complete: answer when all is taken */
    bool gone;   /* nobody is there to be answered */
    bool singly; /* a batch failed: its lines one by one, so that the bad one is found */
    int lines, line;
    uint64_t messages, malformed, changes, results;
    struct odds_line rows[DB_BATCH_MAX];
    size_t selections_at[DB_BATCH_MAX];
    char *buffer;     /* owned */
    char *selections; /* owned; those of the batch */
    size_t begin, end;
};

struct odds_feed {
    struct loop *loop;
    struct db_pool *pool;
    struct settlement *settlement;
    bool ending;
    struct odds_feed_stats stats;
    struct settlement_order order; /* of the line being read */
    struct intake intakes[ODDS_FEED_INTAKES_MAX];
};

static void work(struct intake *in);

/* ---- the end of a request ---- */

static void put_count(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void answer(struct intake *in)
{
    char memory[256];
    struct buf buf = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&buf);
    json_write_object_open(&writer);
    put_count(&writer, "messages", in->messages);
    put_count(&writer, "malformed", in->malformed);
    put_count(&writer, "market_changes", in->changes);
    put_count(&writer, "results", in->results);
    json_write_object_close(&writer);
    ASSERT(!buf.overflow);
    in->open = false;
    if (!in->gone)
        http_reply(in->to, 200, SLICE("application/json"), SLICE("Cache-Control: no-store\r\n"),
                   buf_slice(&buf));
}

/* ---- a batch ---- */

static void count_failed(struct intake *in, int lines)
{
    metrics_count(&in->feed->stats.failed, (uint64_t)lines);
    in->malformed += (uint64_t)lines;
}

static void count_changes(struct intake *in, PGresult **results, int lines)
{
    for (int i = 0; i < lines; i++) {
        bool changed = !slice_is(slice_text(PQcmdTuples(results[i])), "0");
        in->changes += changed;
        metrics_count(&in->feed->stats.changes, changed);
    }
}

static void batch_ended(struct intake *in)
{
    if (in->conn != NULL)
        db_conn_give(in->conn);
    in->conn = NULL;
    in->busy = in->singly = false;
    work(in);
}

static void send_batch(struct intake *in);

static void on_batch(void *owner, PGresult **results)
{
    struct intake *in = owner;
    int sent = in->singly ? 1 : in->lines, good = 0;
    if (results == NULL) {
        in->conn = NULL;
        count_failed(in, in->lines - in->line);
        batch_ended(in);
        return;
    }
    while (good < sent && db_result_ok(results[good]))
        good++;
    if (good == sent) {
        count_changes(in, results, sent);
        in->line += sent;
    } else if (in->singly) {
        count_failed(in, 1);
        in->line++;
    } else {
        in->singly = true; /* all of them were rolled back */
    }
    if (in->line < in->lines)
        send_batch(in);
    else
        batch_ended(in);
}

static struct db_call call_of(struct intake *in, int line)
{
    const struct odds_line *row = &in->rows[line];
    if (row->kind == ODDS_LINE_REMOVED)
        return (struct db_call){DB_ODDS_STATUS, 2, {row->market, row->status}};
    const char *selections = in->selections + in->selections_at[line];
    return (struct db_call){DB_ODDS_PUT, 3, {row->market, selections, row->status}};
}

static void send_batch(struct intake *in)
{
    struct db_call calls[DB_BATCH_MAX];
    int count = in->singly ? 1 : in->lines;
    for (int i = 0; i < count; i++)
        calls[i] = call_of(in, in->line + i);
    db_conn_run(in->conn, calls, count, on_batch, in);
}

/* Without the database prices are lost: the next image of the market says all of it again. */
static void on_connection(void *owner, struct db_conn *conn)
{
    struct intake *in = owner;
    in->conn = conn;
    if (conn != NULL) {
        send_batch(in);
        return;
    }
    count_failed(in, in->lines);
    batch_ended(in);
}

/* ---- lines ---- */

/* The next whole line; at the end of the body also one without its end. */
static bool peek_line(const struct intake *in, struct slice *ret_line, size_t *ret_bytes)
{
    const char *at = in->buffer + in->begin;
    size_t bytes = in->end - in->begin;
    const char *found = bytes == 0 ? NULL : memchr(at, '\n', bytes);
    if (found == NULL && (!in->ended || in->gone || bytes == 0))
        return false;
    *ret_line = slice_of(at, found != NULL ? (size_t)(found - at) : bytes);
    *ret_bytes = ret_line->bytes + (found != NULL);
    if (ret_line->bytes > 0 && at[ret_line->bytes - 1] == '\r')
        ret_line->bytes--;
    return true;
}

static void on_retry(void *owner)
{
    struct intake *in = owner;
    in->busy = false;
    work(in);
}

enum taken { TAKEN = 0, TAKEN_NOT_YET };

/* A result goes behind all prices that came before it, and waits for room. */
static enum taken take_result(struct intake *in)
{
    struct odds_feed *feed = in->feed;
    if (in->lines > 0)
        return TAKEN_NOT_YET;
    if (!settlement_has_room(feed->settlement)) {
        in->busy = true;
        loop_timer_set(feed->loop, &in->retry,
                       (struct monotonic){loop_now(feed->loop).us + RETRY_US});
        return TAKEN_NOT_YET;
    }
    settlement_offer(feed->settlement, &feed->order);
    in->results++;
    metrics_count(&feed->stats.results, 1);
    return TAKEN;
}

static enum taken take_line(struct intake *in, struct slice line, struct buf *selections)
{
    struct odds_line *row = &in->rows[in->lines];
    size_t before = selections->bytes;
    enum taken taken = TAKEN;
    if (line.bytes == 0)
        return TAKEN;
    bool good = odds_line_read(line, selections, &in->feed->order, row);
    if (!good && selections->overflow && in->lines > 0)
        return TAKEN_NOT_YET; /* in a batch of its own */
    if (good && row->kind == ODDS_LINE_RESULT)
        taken = take_result(in);
    if (taken == TAKEN_NOT_YET)
        return taken;
    in->messages++;
    metrics_count(&in->feed->stats.messages, 1);
    if (!good) {
        in->malformed++;
        metrics_count(&in->feed->stats.malformed, 1);
        selections->bytes = before;
    } else if (row->kind == ODDS_LINE_MARKET || row->kind == ODDS_LINE_REMOVED) {
        in->selections_at[in->lines++] = before;
    }
    return TAKEN;
}

static void fill_batch(struct intake *in)
{
    struct buf selections = buf_over(in->selections, SELECTIONS_BYTES);
    struct slice line;
    size_t bytes;
    in->lines = in->line = 0;
    while (in->lines < DB_BATCH_MAX && peek_line(in, &line, &bytes)) {
        if (take_line(in, line, &selections) == TAKEN_NOT_YET)
            return;
        in->begin += bytes;
    }
}

static void refuse_line(struct intake *in)
{
    metrics_count(&in->feed->stats.line_reached, 1);
    http_reply_problem(in->to, 413, "FEED_LINE_TOO_LONG", SLICE("A message has at most 256 KiB."));
    /* on_abort follows, because the body was not read to its end */
}

static void work(struct intake *in)
{
    if (in->busy || !in->open || in->feed->ending)
        return;
    fill_batch(in);
    if (in->lines > 0) {
        in->busy = true;
        db_pool_wait(in->feed->pool, &in->waiter);
    }
    if (in->busy) {
        if (!in->paused && !in->ended)
            http_request_pause_body(in->to);
        in->paused = true;
    } else if (in->ended) {
        answer(in);
    } else if (in->end - in->begin > ODDS_FEED_LINE_BYTES_MAX) {
        refuse_line(in);
    } else if (in->paused) {
        in->paused = false;
        http_request_resume_body(in->to);
    }
}

/* ---- the body ---- */

static bool make_room(struct intake *in, size_t bytes)
{
    if (BUFFER_BYTES - in->end >= bytes)
        return true;
    memmove(in->buffer, in->buffer + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->begin = 0;
    return BUFFER_BYTES - in->end >= bytes;
}

static void on_body(void *owner, struct http_reply_to to, struct slice piece)
{
    struct intake *in = owner;
    (void)to;
    if (!make_room(in, piece.bytes)) {
        refuse_line(in);
        return;
    }
    memcpy(in->buffer + in->end, piece.at, piece.bytes);
    in->end += piece.bytes;
    work(in);
}

static void on_end(void *owner, struct http_reply_to to)
{
    struct intake *in = owner;
    (void)to;
    in->ended = true;
    work(in);
}

static void on_abort(void *owner, struct http_reply_to to)
{
    struct intake *in = owner;
    (void)to;
    in->ended = in->gone = true;
    work(in);
}

static const struct http_body_sink sink = {on_body, on_end, on_abort};

void odds_feed_serve(struct odds_feed *feed, struct http_request *request)
{
    struct intake *in = feed->intakes;
    while (in < feed->intakes + ODDS_FEED_INTAKES_MAX && in->open)
        in++;
    if (in == feed->intakes + ODDS_FEED_INTAKES_MAX) {
        metrics_count(&feed->stats.intakes_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("Too many feed requests at once."), HTTP_RETRY_SOON);
        return;
    }
    in->to = request->reply_to;
    in->open = true;
    in->ended = in->gone = in->paused = false;
    in->messages = in->malformed = in->changes = in->results = 0;
    in->begin = in->end = 0;
    http_request_stream_body(request, &sink, in);
}

/* ---- life ---- */

int odds_feed_new(struct loop *loop, struct db_pool *pool, struct settlement *settlement,
                  struct odds_feed **ret)
{
    struct odds_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL)
        return -ERR_MEMORY;
    *ret = feed;
    feed->loop = loop;
    feed->pool = pool;
    feed->settlement = settlement;
    for (size_t i = 0; i < ODDS_FEED_INTAKES_MAX; i++) {
        struct intake *in = &feed->intakes[i];
        in->feed = feed;
        in->waiter = (struct db_waiter){.fn = on_connection, .owner = in};
        timer_init(&in->retry, on_retry, in);
        in->buffer = malloc(BUFFER_BYTES);
        in->selections = malloc(SELECTIONS_BYTES);
        if (in->buffer == NULL || in->selections == NULL)
            return -ERR_MEMORY;
    }
    return 0;
}

void odds_feed_end(struct odds_feed *feed)
{
    feed->ending = true;
}

void odds_feed_free(struct odds_feed *feed)
{
    if (feed == NULL)
        return;
    for (size_t i = 0; i < ODDS_FEED_INTAKES_MAX; i++) {
        loop_timer_cancel(feed->loop, &feed->intakes[i].retry);
        free(feed->intakes[i].buffer);
        free(feed->intakes[i].selections);
    }
    free(feed);
}

struct odds_feed_stats *odds_feed_stats(struct odds_feed *feed)
{
    return &feed->stats;
}
