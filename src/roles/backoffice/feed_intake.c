/* feed_intake.c - contract in feed_intake.h.
 * An intake keeps what came and was not yet taken, in a buffer that holds one line of the greatest
 * size and the pieces that may still come after a pause. Its memory costs only what was used. */
#include "roles/backoffice/feed_intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_write.h"
#include "crypto/random.h"
#include "net/http/http_reply.h"

#define BUFFER_BYTES   (FEED_LINE_BYTES_MAX + 4 * 1024 * 1024)
#define SESSION_BYTES  8
#define LINES_PER_LOOK 8 /* lines between two looks at the clock */

struct intake {
    struct feed_intake *owner;
    struct http_reply_to to;
    struct feed_source *source;
    struct feed_counts counts; /* of this request */
    char *buffer;              /* owned */
    size_t begin, end;         /* what is kept of it */
    size_t scanned;            /* no line end in begin .. scanned */
    int64_t received_us;       /* of the oldest byte kept */
    bool open, paused;
    bool ended; /* the body is complete: answer when all is taken */
    bool gone;  /* nobody is there to be answered */
};

struct intake_stats {
    struct metrics_counter messages, malformed, bytes, results;
    struct metrics_counter line_reached;    /* FEED_LINE_BYTES_MAX */
    struct metrics_counter intakes_reached; /* FEED_INTAKES_MAX */
    struct metrics_counter turn_reached;    /* FEED_TURN_US_MAX: a body was paused */
    struct metrics_counter book_reached;    /* book_feed_ready: too much waits for the disk */
    struct metrics_counter source_reached;  /* limits of the sources */
    struct metrics_gauge open;
    struct metrics_histogram freshness; /* us: message received -> its prices in the store */
};

struct feed_intake {
    struct feed_intake_parts parts;
    struct loop *loop;
    uint64_t turn; /* to which `turn_ends_us` belongs */
    int64_t turn_ends_us;
    size_t next; /* intake that is served first in the next turn */
    struct intake_stats stats;
    bool ending;                         /* nothing is taken any more */
    char session[2 * SESSION_BYTES + 1]; /* of this process: see feed_intake.h */
    struct intake intakes[FEED_INTAKES_MAX];
};

static void make_session(struct feed_intake *intake)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[SESSION_BYTES];
    random_fill(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        intake->session[2 * i] = digits[random[i] >> 4];
        intake->session[2 * i + 1] = digits[random[i] & 15];
    }
}

static void on_turn_end(void *owner);

int feed_intake_new(const struct feed_intake_parts *parts, struct feed_intake **ret_intake)
{
    struct feed_intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL)
        return -ERR_MEMORY;
    intake->parts = *parts;
    intake->loop = parts->loop;
    make_session(intake);
    metrics_histogram_init(&intake->stats.freshness, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    int error = loop_at_turn_end(parts->loop, LOOP_STAGE_WORK, on_turn_end, intake);
    for (size_t i = 0; i < FEED_INTAKES_MAX && error == 0; i++) {
        intake->intakes[i].owner = intake;
        intake->intakes[i].buffer = malloc(BUFFER_BYTES);
        if (intake->intakes[i].buffer == NULL)
            error = -ERR_MEMORY;
    }
    if (error < 0) {
        feed_intake_free(intake);
        return error;
    }
    *ret_intake = intake;
    return 0;
}

void feed_intake_free(struct feed_intake *intake)
{
    if (intake == NULL)
        return;
    loop_remove_hook(intake->loop, on_turn_end, intake);
    for (size_t i = 0; i < FEED_INTAKES_MAX; i++)
        free(intake->intakes[i].buffer);
    free(intake);
}

/* ---- the end of a request ---- */

static void put_count(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void close_intake(struct intake *in)
{
    in->open = false;
    metrics_set(&in->owner->stats.open, in->owner->stats.open.value - 1);
}

static void answer(struct intake *in)
{
    char memory[512];
    struct buf buf = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&buf);
    json_write_object_open(&writer);
    json_write_key(&writer, "session");
    json_write_text(&writer, slice_text(in->owner->session));
    put_count(&writer, "messages", in->counts.messages);
    put_count(&writer, "malformed", in->counts.malformed);
    put_count(&writer, "bytes", in->counts.bytes);
    put_count(&writer, "market_changes", in->counts.market_changes);
    put_count(&writer, "runner_changes", in->counts.runner_changes);
    put_count(&writer, "results", in->counts.results);
    put_count(&writer, "limits_reached", in->counts.limits_reached);
    json_write_object_close(&writer);
    ASSERT(!buf.overflow);
    http_reply(in->to, 200, SLICE("application/json"), SLICE("Cache-Control: no-store\r\n"),
               buf_slice(&buf));
    close_intake(in);
}

/* ---- lines ---- */

static void add_counts(struct intake *in, const struct feed_counts *before)
{
    const struct feed_counts *now = &in->source->counts;
    struct intake_stats *stats = &in->owner->stats;
    uint64_t malformed = now->malformed - before->malformed;
    uint64_t limits = now->limits_reached - before->limits_reached;
    uint64_t results = now->results - before->results;
    in->counts.messages += now->messages - before->messages;
    in->counts.bytes += now->bytes - before->bytes;
    in->counts.market_changes += now->market_changes - before->market_changes;
    in->counts.runner_changes += now->runner_changes - before->runner_changes;
    in->counts.malformed += malformed;
    in->counts.limits_reached += limits;
    in->counts.results += results;
    metrics_count(&stats->messages, now->messages - before->messages);
    metrics_count(&stats->malformed, malformed);
    metrics_count(&stats->source_reached, limits);
    metrics_count(&stats->results, results);
}

static void take_line(struct intake *in, struct slice line)
{
    struct feed_counts before = in->source->counts;
    if (line.bytes > 0 && line.at[line.bytes - 1] == '\r')
        line.bytes--;
    if (line.bytes == 0)
        return;
    (void)in->source->ops->message(in->source, line); /* what is malformed is in its counts */
    add_counts(in, &before);
    if (in->source->counts.market_changes != before.market_changes)
        metrics_record(&in->owner->stats.freshness,
                       (uint64_t)(clock_us(CLOCK_MONOTONIC) - in->received_us));
}

/* The next whole line of what is kept; at the end of the body also one without its end. */
static bool next_line(struct intake *in, struct slice *ret_line)
{
    const char *at = in->buffer + in->begin;
    const char *found = memchr(in->buffer + in->scanned, '\n', in->end - in->scanned);
    if (found != NULL) {
        *ret_line = slice_of(at, (size_t)(found - at));
        in->begin = in->scanned = (size_t)(found - in->buffer) + 1;
        return true;
    }
    in->scanned = in->end;
    if (!in->ended || in->begin == in->end)
        return false;
    *ret_line = slice_of(at, in->end - in->begin);
    in->begin = in->end;
    /* A line that was cut off in the middle is no message. */
    return !in->gone;
}

static int64_t turn_ends_us(struct feed_intake *intake)
{
    if (intake->turn != loop_turns(intake->loop)) {
        intake->turn = loop_turns(intake->loop);
        intake->turn_ends_us = clock_us(CLOCK_MONOTONIC) + FEED_TURN_US_MAX;
    }
    return intake->turn_ends_us;
}

/* Takes lines while there is time and the book can; true when all are taken. */
static bool take_lines(struct intake *in)
{
    struct feed_intake *intake = in->owner;
    int64_t ends_us = turn_ends_us(intake);
    struct slice line;
    for (unsigned count = 1;; count++) {
        if (!book_feed_ready(intake->parts.book)) {
            metrics_count(&intake->stats.book_reached, 1);
            return false;
        }
        if (!next_line(in, &line))
            return true;
        take_line(in, line);
        if (count % LINES_PER_LOOK == 0 && clock_us(CLOCK_MONOTONIC) >= ends_us) {
            metrics_count(&intake->stats.turn_reached, 1);
            return in->begin == in->end;
        }
    }
}

static void pause(struct intake *in)
{
    if (in->paused || in->ended)
        return;
    in->paused = true;
    http_request_pause_body(in->to);
}

static void work(struct intake *in)
{
    if (!take_lines(in)) {
        pause(in);
        /* When it is the book that is full, the end of an append brings the next turn. */
        if (book_feed_ready(in->owner->parts.book))
            loop_turn_again(in->owner->loop);
        return;
    }
    if (in->begin == in->end)
        in->begin = in->end = in->scanned = 0;
    if (in->ended && in->gone)
        close_intake(in);
    else if (in->ended)
        answer(in);
    else if (in->paused) {
        in->paused = false;
        http_request_resume_body(in->to);
    }
}

static bool waits(const struct intake *in)
{
    return in->open && (in->paused || in->ended);
}

/* What was left over by on_body, beginning with another intake each turn. */
static void on_turn_end(void *owner)
{
    struct feed_intake *intake = owner;
    for (size_t i = 0; i < FEED_INTAKES_MAX; i++) {
        struct intake *in = &intake->intakes[(intake->next + i) % FEED_INTAKES_MAX];
        if (waits(in))
            work(in);
    }
    intake->next = (intake->next + 1) % FEED_INTAKES_MAX;
}

/* ---- the body ---- */

static void refuse_line(struct intake *in)
{
    metrics_count(&in->owner->stats.line_reached, 1);
    http_reply_problem(in->to, 413, "FEED_LINE_TOO_LONG", SLICE("A message has at most 4 MiB."));
    /* on_abort follows, because the body was not read to its end */
}

/* Makes room behind what is kept. */
static bool make_room(struct intake *in, size_t bytes)
{
    if (BUFFER_BYTES - in->end >= bytes)
        return true;
    memmove(in->buffer, in->buffer + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->scanned -= in->begin;
    in->begin = 0;
    return BUFFER_BYTES - in->end >= bytes;
}

static void on_body(void *owner, struct http_reply_to to, struct slice piece)
{
    struct intake *in = owner;
    (void)to;
    metrics_count(&in->owner->stats.bytes, piece.bytes);
    if (in->begin == in->end)
        in->received_us = clock_us(CLOCK_MONOTONIC);
    if (!make_room(in, piece.bytes)) {
        refuse_line(in);
        return;
    }
    memcpy(in->buffer + in->end, piece.at, piece.bytes);
    in->end += piece.bytes;
    if (in->paused)
        return;
    work(in);
    if (!in->paused && in->end - in->begin > FEED_LINE_BYTES_MAX)
        refuse_line(in);
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

static struct intake *free_intake(struct feed_intake *intake)
{
    for (size_t i = 0; i < FEED_INTAKES_MAX; i++)
        if (!intake->intakes[i].open)
            return &intake->intakes[i];
    return NULL;
}

/* on_abort follows for a body that goes on, as for refuse_line(). */
static void send_on(struct http_reply_to to)
{
    http_reply_problem_with(to, 503, "RESTARTING",
                            SLICE("Another process goes on: send it all markets whole."),
                            HTTP_RETRY_SOON);
}

void feed_intake_end(struct feed_intake *intake)
{
    intake->ending = true;
    for (size_t i = 0; i < FEED_INTAKES_MAX; i++) {
        struct intake *in = &intake->intakes[i];
        if (in->open && !in->ended) { /* whole bodies are answered as usual */
            (void)take_lines(in);
            send_on(in->to);
        }
    }
}

bool feed_intake_serve(struct feed_intake *intake, struct slice format,
                       struct http_request *request)
{
    struct feed_source *source = NULL;
    for (size_t i = 0; i < intake->parts.formats_count && source == NULL; i++)
        if (slice_is(format, intake->parts.formats[i].name))
            source = intake->parts.formats[i].source;
    if (source == NULL)
        return false;
    if (intake->ending) {
        send_on(request->reply_to);
        return true;
    }
    struct intake *in = free_intake(intake);
    if (in == NULL) {
        metrics_count(&intake->stats.intakes_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("Too many feed requests at once."), HTTP_RETRY_SOON);
        return true;
    }
    char *buffer = in->buffer;
    *in = (struct intake){
        .owner = intake, .to = request->reply_to, .source = source, .buffer = buffer, .open = true};
    metrics_set(&intake->stats.open, intake->stats.open.value + 1);
    http_request_stream_body(request, &sink, in);
    return true;
}

int feed_intake_register_metrics(struct feed_intake *intake, struct metrics *metrics)
{
    struct intake_stats *stats = &intake->stats;
    const struct metrics_row counters[] = {
        {{"overround_feed_messages_total", "Messages of the feed intake", NULL, 0},
         &stats->messages.value},
        {{"overround_feed_malformed_total", "Messages refused whole", NULL, 0},
         &stats->malformed.value},
        {{"overround_feed_bytes_total", "Bytes of the feed intake", NULL, 0}, &stats->bytes.value},
        {{"overround_feed_results_total", "Results that feeds said", NULL, 0},
         &stats->results.value},
#define LIMIT(text, member)                                                                        \
    {{"overround_limit_reached_total", "How often a named limit was reached",                      \
      "limit=\"" text "\"", 0},                                                                    \
     &stats->member.value}
        LIMIT("feed_line_bytes_max", line_reached),
        LIMIT("feed_intakes_max", intakes_reached),
        LIMIT("feed_turn_us_max", turn_reached),
        LIMIT("feed_book_ready", book_reached),
        LIMIT("feed_source", source_reached),
#undef LIMIT
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    TRY(metrics_add_gauge(
        metrics, (struct metrics_name){"overround_feed_requests", "Open feed requests", NULL, 0},
        &stats->open));
    return metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_odds_freshness_seconds",
                              "From a feed message's receipt to its prices in the store", NULL, 6},
        &stats->freshness);
}
