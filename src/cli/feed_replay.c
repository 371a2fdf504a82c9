/* feed_replay.c - contract in feed_replay.h. */
#include "cli/feed_replay.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "feeds/replay/replay_file.h"
#include "feeds/replay/replay_join.h"
#include "feeds/replay/replay_pace.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"

#define BATCH_BYTES      (32 * 1024)
#define OUTBOX_BYTES_MAX (16 * 1024 * 1024)            /* a line has up to 4 MiB */
#define SILENCE_MS_MAX   (INT64_C(365) * 86400 * 1000) /* the answer comes at the recording's end */

struct replay {
    const struct feed_replay_options *options;
    struct buf *why;
    struct loop *loop;          /* owned */
    struct http_client *client; /* owned */
    struct http_client_handle handle;
    struct replay_file *file; /* owned; NULL between files */
    struct replay_join *join; /* owned; NULL: each line is a message */
    size_t files_begun;
    struct replay_pace pace;
    struct slice line; /* at == NULL: none is waiting */
    struct timer due, progress;
    struct buf batch;
    char batch_memory[BATCH_BYTES];
    bool lagging, uploaded, answered;
    int error;
    uint64_t lines, bytes, heartbeats;
};

static struct monotonic clock_now(void)
{
    return (struct monotonic){clock_us(CLOCK_MONOTONIC)};
}

static void stop(struct replay *replay, int error)
{
    if (replay->error == 0)
        replay->error = error;
    loop_stop(replay->loop);
}

/* ---- sending ---- */

static void upload(struct replay *replay, struct slice piece)
{
    if (piece.bytes == 0)
        return;
    switch (http_client_upload(replay->handle, piece)) {
    case SEND_OK:
        return;
    case SEND_LAGGING:
    case SEND_LATE:
        replay->lagging = true;
        return;
    case SEND_FULL:
    case SEND_GONE:
        break; /* on_closed says why */
    }
    replay->lagging = true;
}

static void flush(struct replay *replay)
{
    upload(replay, buf_slice(&replay->batch));
    replay->batch.bytes = 0;
}

static void put_line(struct replay *replay, struct slice line)
{
    if (replay->batch.capacity - replay->batch.bytes < line.bytes + 1)
        flush(replay);
    if (line.bytes + 1 > replay->batch.capacity) {
        upload(replay, line);
        upload(replay, SLICE("\n"));
    } else {
        buf_put_slice(&replay->batch, line);
        buf_put_char(&replay->batch, '\n');
    }
    replay->bytes += line.bytes + 1;
    replay_pace_sent(&replay->pace, clock_now());
}

/* ---- reading ---- */

static bool open_next_file(struct replay *replay)
{
    const char *path = replay->options->files[replay->files_begun++];
    int error = replay_file_open(path, &replay->file);
    if (error < 0) {
        buf_printf(replay->why, "%s: %s", path, error_text(error));
        stop(replay, error);
        return false;
    }
    replay_pace_file(&replay->pace);
    return true;
}

/* The next message of the file; as replay_file_next. */
static int next_message(struct replay *replay, struct slice *ret)
{
    for (;;) {
        struct slice line;
        int got = replay_file_next(replay->file, &line);
        if (got > 0 && replay->join != NULL)
            got = replay_join_line(replay->join, line, ret);
        else if (got > 0)
            *ret = line;
        else if (got == 0)
            return replay->join != NULL && replay_join_rest(replay->join, ret);
        else
            buf_put_text(replay->why, replay_file_error(replay->file));
        if (got != 0)
            return got;
    }
}

/* True with a line that waits for its time; false at the end of everything, or after an error. */
static bool have_line(struct replay *replay)
{
    while (replay->line.at == NULL) {
        if (replay->file == NULL &&
            (replay->files_begun == replay->options->files_count || !open_next_file(replay)))
            return false;
        int got = next_message(replay, &replay->line);
        if (got < 0) {
            stop(replay, got);
            return false;
        }
        if (got == 0) {
            replay->line = SLICE_NONE;
            replay_file_close(replay->file);
            replay->file = NULL;
            continue;
        }
        int64_t pt_ms = 0;
        bool has_pt = replay_format_pt(replay->options->format, replay->line, &pt_ms);
        replay_pace_line(&replay->pace, has_pt, pt_ms);
    }
    return true;
}

/* Sends what is due, until the server lags or nothing is. */
static void pump(struct replay *replay)
{
    struct monotonic until;
    while (!replay->lagging && have_line(replay)) {
        switch (replay_pace_next(&replay->pace, clock_now(), &until)) {
        case REPLAY_SEND_LINE:
            put_line(replay, replay->line);
            replay->line = SLICE_NONE;
            replay->lines++;
            break;
        case REPLAY_SEND_HEARTBEAT:
            put_line(replay, replay_format_heartbeat(replay->options->format));
            replay->heartbeats++;
            break;
        case REPLAY_WAIT:
            flush(replay);
            loop_timer_set(replay->loop, &replay->due, until);
            return;
        }
    }
    if (replay->lagging || replay->error != 0)
        return;
    flush(replay);
    if (!replay->uploaded)
        http_client_upload_end(replay->handle);
    replay->uploaded = true;
}

static void on_due(void *owner)
{
    pump(owner);
}

static void on_progress(void *owner)
{
    struct replay *replay = owner;
    (void)fprintf(stderr, "%llu lines, %.1f MB, file %zu of %zu\n",
                  (unsigned long long)replay->lines, (double)replay->bytes / 1e6,
                  replay->files_begun, replay->options->files_count);
    loop_timer_set(replay->loop, &replay->progress,
                   (struct monotonic){loop_now(replay->loop).us + US_PER_SECOND});
}

/* ---- the connection ---- */

static void on_drained(void *owner, struct http_client_handle handle)
{
    struct replay *replay = owner;
    (void)handle;
    replay->lagging = false;
    pump(replay);
}

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    struct replay *replay = owner;
    (void)tag;
    replay->answered = true;
    if (answer->status == 200) {
        (void)printf("%.*s\n", SLICE_ARG(answer->body));
        stop(replay, 0);
        return;
    }
    buf_printf(replay->why, "the server answered %d: ", answer->status);
    buf_put(replay->why, answer->body.at, answer->body.bytes < 400 ? answer->body.bytes : 400);
    stop(replay, -ERR_NETWORK);
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    struct replay *replay = owner;
    (void)unanswered;
    if (replay->answered || replay->error != 0)
        return;
    buf_printf(replay->why, "the connection ended: %s", conn_close_text(reason));
    stop(replay, -ERR_NETWORK);
}

static const struct http_client_callbacks callbacks = {
    .on_answer = on_answer,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

static int begin_request(struct replay *replay)
{
    char target[64];
    char headers[2560];
    struct buf path = buf_over(target, sizeof target);
    struct buf lines = buf_over(headers, sizeof headers);
    buf_put_text(&path, "/v1/feed/");
    buf_put_text(&path, replay->options->format_name);
    buf_put_text(&lines, "Authorization: Bearer ");
    buf_put_slice(&lines, replay->options->token);
    buf_put_text(&lines, "\r\nContent-Type: application/x-ndjson\r\n");
    if (lines.overflow)
        return -ERR_LIMIT;
    const struct http_client_request request = {
        .method = SLICE("POST"),
        .target = buf_slice(&path),
        .headers = buf_slice(&lines),
        .chunked = true,
    };
    return send_is_queued(http_client_send(replay->handle, &request)) ? 0 : -ERR_NETWORK;
}

static int begin(struct replay *replay)
{
    struct net_limits limits = net_limits_default();
    limits.connections_max = 1;
    limits.outbox_bytes_max = OUTBOX_BYTES_MAX;
    limits.http_idle_ms_max = SILENCE_MS_MAX;
    if (replay_format_joins(replay->options->format))
        TRY(replay_join_new(&replay->join));
    TRY(loop_new(&replay->loop));
    TRY(http_client_new(replay->loop, &limits, &replay->client));
    http_client_use_tls(replay->client, replay->options->tls);
    TRY(http_client_connect(replay->client, &replay->options->to, &callbacks, replay,
                            &replay->handle));
    TRY(begin_request(replay));
    timer_init(&replay->due, on_due, replay);
    timer_init(&replay->progress, on_progress, replay);
    replay_pace_init(&replay->pace, replay->options->speed_milli, clock_now());
    loop_timer_set(replay->loop, &replay->due, loop_now(replay->loop));
    loop_timer_set(replay->loop, &replay->progress,
                   (struct monotonic){loop_now(replay->loop).us + US_PER_SECOND});
    return 0;
}

int feed_replay(const struct feed_replay_options *options, struct buf *why)
{
    static struct replay replay;
    replay = (struct replay){.options = options, .why = why};
    replay.batch = buf_over(replay.batch_memory, sizeof replay.batch_memory);
    int error = begin(&replay);
    if (error == 0)
        error = loop_run(replay.loop);
    if (error == 0)
        error = replay.error;
    if (error < 0 && why->bytes == 0)
        buf_put_text(why, error_text(error));
    if (replay.loop != NULL) {
        loop_timer_cancel(replay.loop, &replay.due);
        loop_timer_cancel(replay.loop, &replay.progress);
        replay.answered = true; /* closing is no failure any more */
        http_client_free(replay.client);
        loop_free(replay.loop);
    }
    replay_file_close(replay.file);
    replay_join_free(replay.join);
    (void)fprintf(stderr, "%llu lines, %llu heartbeats, %.1f MB\n",
                  (unsigned long long)replay.lines, (unsigned long long)replay.heartbeats,
                  (double)replay.bytes / 1e6);
    return error;
}
