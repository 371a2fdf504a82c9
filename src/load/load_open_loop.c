/* load_open_loop.c - contract in load_open_loop.h.
 * The sending runs at the end of a turn, after the answers of the turn have freed connections and
 * before the writes go out, so that what is due leaves with one write per connection and turn. */
#include "load/load_open_loop.h"

#include <stdlib.h>

#include "base/error.h"
#include "load/load_process.h"
#include "load/load_wire.h"

#define BLOCKED_WAIT_US 1000

struct load_open_loop {
    struct loop *loop;
    struct load_pool *pool; /* owned */
    struct load_open_loop_callbacks callbacks;
    void *owner;
    struct load_open_loop_options options;
    struct load_schedule schedule;
    struct monotonic measure_begin, measure_end;
    uint64_t next, total; /* request numbers */
    int64_t blocked_us;   /* when something due could not go the last time */
    bool blocked;         /* so it is now */
    bool running, window_open, window_closed;
    int64_t window_begin_us, cpu_begin_us, server_begin_us;
    uint64_t answered, answered_begin;
    struct load_open_loop_result result;
};

static void on_answer(void *owner, const struct load_pool_answer *answer);
static void on_lost(void *owner, const struct load_flight *flight);
static void on_text(void *owner, uint32_t connection, struct slice text);
static void on_turn_end(void *owner);

static const struct load_pool_callbacks pool_callbacks = {on_answer, on_lost, on_text, NULL};

int load_open_loop_new(struct loop *loop, const struct load_pool_options *pool_options,
                       const struct load_open_loop_callbacks *callbacks, void *owner,
                       struct load_open_loop **ret_open_loop)
{
    struct load_open_loop *open_loop = calloc(1, sizeof *open_loop);
    if (open_loop == NULL)
        return -ERR_MEMORY;
    open_loop->loop = loop;
    open_loop->callbacks = *callbacks;
    open_loop->owner = owner;
    int result = load_pool_new(loop, pool_options, &pool_callbacks, open_loop, &open_loop->pool);
    if (result == 0)
        result = loop_at_turn_end(loop, LOOP_STAGE_WORK, on_turn_end, open_loop);
    if (result < 0) {
        load_pool_free(open_loop->pool);
        free(open_loop);
        return result;
    }
    *ret_open_loop = open_loop;
    return 0;
}

void load_open_loop_free(struct load_open_loop *open_loop)
{
    if (open_loop == NULL)
        return;
    open_loop->running = false;
    loop_remove_hook(open_loop->loop, on_turn_end, open_loop);
    load_pool_free(open_loop->pool);
    free(open_loop);
}

struct load_pool *load_open_loop_pool(struct load_open_loop *open_loop)
{
    return open_loop->pool;
}

bool load_open_loop_connect(struct load_open_loop *open_loop, uint32_t wanted, uint32_t ms)
{
    int64_t until_us = load_process_now().us + ms * US_PER_MS;
    while (load_pool_stats(open_loop->pool)->open < wanted) {
        if (load_process_now().us >= until_us || loop_run_once(open_loop->loop, 10 * US_PER_MS) < 0)
            return false;
    }
    return true;
}

static bool counts(const struct load_open_loop *open_loop, struct monotonic due)
{
    return due.us >= open_loop->measure_begin.us;
}

/* ---- sending ---- */

static void note_sent(struct load_open_loop *open_loop, struct monotonic due, struct monotonic now)
{
    if (!counts(open_loop, due))
        return;
    load_tally_sent(&open_loop->result.tally, due, now);
    if (due.us <= open_loop->blocked_us)
        open_loop->result.waited_for_connection++;
    else
        histogram_record(&open_loop->result.own_late_us,
                         now.us > due.us ? (uint64_t)(now.us - due.us) : 0);
}

static void note_blocked(struct load_open_loop *open_loop, struct monotonic now)
{
    open_loop->blocked = true;
    open_loop->blocked_us = now.us;
}

static void send_due(struct load_open_loop *open_loop)
{
    char text[LOAD_REQUEST_BYTES_MAX];
    struct monotonic now = load_process_now();
    uint64_t due_count = load_schedule_count(&open_loop->schedule, now);
    if (due_count > open_loop->total)
        due_count = open_loop->total;
    open_loop->blocked = false;
    while (open_loop->next < due_count) {
        uint32_t connection;
        if (!load_pool_take(open_loop->pool, &connection)) {
            note_blocked(open_loop, now);
            return;
        }
        struct buf out = buf_over(text, sizeof text);
        if (!open_loop->callbacks.build(open_loop->owner, open_loop->next, connection, &out) ||
            out.overflow) {
            load_pool_give(open_loop->pool, connection);
            note_blocked(open_loop, now);
            open_loop->result.not_built++;
            return;
        }
        struct load_flight flight = {
            .due = load_schedule_due(&open_loop->schedule, open_loop->next), .sent = now};
        if (!load_pool_send(open_loop->pool, connection, buf_slice(&out), &flight))
            continue; /* that connection is going; the next one takes it */
        note_sent(open_loop, flight.due, now);
        open_loop->next++;
    }
}

static void open_window(struct load_open_loop *open_loop, struct monotonic now)
{
    open_loop->window_open = true;
    open_loop->window_begin_us = now.us;
    open_loop->cpu_begin_us = load_process_thread_us();
    open_loop->answered_begin = open_loop->answered;
    pid_t pid = open_loop->options.server_pid;
    open_loop->server_begin_us = pid > 0 ? load_process_cpu_us(pid) : -1;
}

static void close_window(struct load_open_loop *open_loop, struct monotonic now)
{
    struct load_open_loop_result *result = &open_loop->result;
    open_loop->window_closed = true;
    result->window_us = now.us - open_loop->window_begin_us;
    result->own_cpu_us = load_process_thread_us() - open_loop->cpu_begin_us;
    result->answered_in_window = open_loop->answered - open_loop->answered_begin;
    result->server_cpu_us = -1;
    if (open_loop->server_begin_us >= 0) {
        int64_t cpu_us = load_process_cpu_us(open_loop->options.server_pid);
        result->server_cpu_us = cpu_us < 0 ? -1 : cpu_us - open_loop->server_begin_us;
    }
}

static void on_turn_end(void *owner)
{
    struct load_open_loop *open_loop = owner;
    if (!open_loop->running)
        return;
    struct monotonic now = load_process_now();
    if (!open_loop->window_open && now.us >= open_loop->measure_begin.us)
        open_window(open_loop, now);
    if (open_loop->window_open && !open_loop->window_closed && now.us >= open_loop->measure_end.us)
        close_window(open_loop, now);
    send_due(open_loop);
}

static int64_t wait_us(const struct load_open_loop *open_loop, struct monotonic now)
{
    if (open_loop->next >= open_loop->total)
        return BLOCKED_WAIT_US;
    int64_t wait = load_schedule_due(&open_loop->schedule, open_loop->next).us - now.us;
    if (open_loop->blocked)
        return BLOCKED_WAIT_US; /* an answer wakes us before */
    return wait > 0 ? wait : 0;
}

static void count_unsent(struct load_open_loop *open_loop)
{
    struct monotonic now = load_process_now();
    for (; open_loop->next < open_loop->total; open_loop->next++) {
        struct monotonic due = load_schedule_due(&open_loop->schedule, open_loop->next);
        if (!counts(open_loop, due))
            continue;
        open_loop->result.unsent++;
        load_tally_lost(&open_loop->result.tally, due, now, SLICE("NOT_SENT"));
    }
}

static void begin(struct load_open_loop *open_loop, const struct load_open_loop_options *options)
{
    uint64_t ms = (uint64_t)options->warmup_ms + options->measure_ms;
    struct monotonic at = {load_process_now().us + 10 * US_PER_MS};
    open_loop->options = *options;
    open_loop->result = (struct load_open_loop_result){0};
    open_loop->schedule = (struct load_schedule){at, options->rate, options->burst};
    open_loop->measure_begin.us = at.us + options->warmup_ms * US_PER_MS;
    open_loop->measure_end.us = at.us + (int64_t)ms * US_PER_MS;
    open_loop->next = 0;
    open_loop->total = options->rate * ms / 1000;
    open_loop->blocked_us = 0;
    open_loop->window_open = open_loop->window_closed = false;
    open_loop->running = true;
}

int load_open_loop_run(struct load_open_loop *open_loop,
                       const struct load_open_loop_options *options,
                       const struct load_open_loop_result **ret_result)
{
    int result = 0;
    load_process_precise_timers();
    begin(open_loop, options);
    int64_t until_us = open_loop->measure_end.us + options->grace_ms * US_PER_MS;
    for (;;) {
        struct monotonic now = load_process_now();
        bool all =
            open_loop->next >= open_loop->total && load_pool_stats(open_loop->pool)->in_flight == 0;
        if (now.us >= until_us || (all && open_loop->window_closed))
            break;
        result = loop_run_once(open_loop->loop, wait_us(open_loop, now));
        if (result < 0)
            return result;
    }
    count_unsent(open_loop);
    if (!open_loop->window_closed)
        close_window(open_loop, load_process_now());
    load_pool_drop(open_loop->pool);
    open_loop->running = false;
    *ret_result = &open_loop->result;
    return 0;
}

/* ---- answers ---- */

static void on_answer(void *owner, const struct load_pool_answer *answer)
{
    struct load_open_loop *open_loop = owner;
    open_loop->answered++;
    struct slice code = open_loop->callbacks.code(open_loop->owner, answer);
    if (!open_loop->running || !counts(open_loop, answer->flight.due))
        return;
    load_tally_answer(&open_loop->result.tally, answer->flight.due, answer->flight.sent,
                      load_process_now());
    load_tally_code(&open_loop->result.tally, answer->status, code);
}

static void on_lost(void *owner, const struct load_flight *flight)
{
    struct load_open_loop *open_loop = owner;
    if (open_loop->running && counts(open_loop, flight->due))
        load_tally_lost(&open_loop->result.tally, flight->due, load_process_now(),
                        SLICE("NO_ANSWER"));
}

static void on_text(void *owner, uint32_t connection, struct slice text)
{
    struct load_open_loop *open_loop = owner;
    if (open_loop->callbacks.on_text != NULL)
        open_loop->callbacks.on_text(open_loop->owner, connection, text);
}

/* ---- the report ---- */

static void write_generator(struct json_writer *writer, const struct load_open_loop_result *result)
{
    int64_t share = load_permille(result->own_cpu_us, result->window_us);
    json_write_key(writer, "generator");
    json_write_object_open(writer);
    json_write_key(writer, "cpu_share");
    json_write_decimal(writer, share, 3);
    json_write_key(writer, "own_late_us");
    load_tally_write_histogram(writer, &result->own_late_us);
    json_write_key(writer, "waited_for_connection");
    json_write_u64(writer, result->waited_for_connection);
    json_write_key(writer, "unsent");
    json_write_u64(writer, result->unsent);
    json_write_key(writer, "not_built");
    json_write_u64(writer, result->not_built);
    json_write_key(writer, "saturated");
    json_write_bool(writer,
                    load_is_saturated(share, &result->own_late_us, &result->tally.latency_us));
    json_write_object_close(writer);
}

static void write_server(struct json_writer *writer, const struct load_open_loop_result *result)
{
    if (result->server_cpu_us < 0)
        return;
    json_write_key(writer, "server");
    json_write_object_open(writer);
    json_write_key(writer, "cpu_share");
    json_write_decimal(writer, load_permille(result->server_cpu_us, result->window_us), 3);
    if (result->answered_in_window > 0) {
        json_write_key(writer, "cpu_us_per_request");
        json_write_decimal(writer,
                           result->server_cpu_us * 100 / (int64_t)result->answered_in_window, 2);
    }
    json_write_object_close(writer);
}

void load_open_loop_write(struct json_writer *writer, const struct load_open_loop_result *result)
{
    json_write_key(writer, "achieved_per_s");
    int64_t per_s = result->window_us > 0
                        ? (int64_t)result->answered_in_window * US_PER_SECOND / result->window_us
                        : 0;
    json_write_i64(writer, per_s);
    load_tally_write(writer, &result->tally);
    write_generator(writer, result);
    write_server(writer, result);
}
