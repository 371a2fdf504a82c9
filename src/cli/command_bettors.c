/* command_bettors.c - `overround bettors`: the crowd of the demo in a process of its own, before
 * any server of profile demo: a front of a book in several processes, for one. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/server_url.h"
#include "load/load_bettors.h"

static const struct option_spec specs[] = {
    {"config", NULL}, {"url", "http://127.0.0.1:8080"},
    {"count", "36"},  {"think-ms", "2000"},
    {"seed", "1"},    {"seconds", "0"}, /* 0: until a signal */
};

struct crowd {
    struct loop *loop;            /* owned */
    struct load_bettors *bettors; /* owned */
    struct timer end;
};

static void on_end(void *owner)
{
    loop_stop(((const struct crowd *)owner)->loop);
}

static void on_signal(void *owner, int signal)
{
    (void)signal;
    on_end(owner);
}

static int take_options(const struct options *options, struct load_bettors_options *ret,
                        int64_t *ret_seconds, struct buf *why)
{
    struct server_url url;
    int64_t count = 0, think_ms = 0, seed = 0;
    *ret = LOAD_BETTORS_OPTIONS_DEFAULT;
    TRY(server_url_take(options, "url", &url, why));
    TRY(options_number(options, "count", (struct number_range){1, LOAD_BETTORS_MAX}, &count, why));
    TRY(options_number(options, "think-ms", (struct number_range){1, 3600000}, &think_ms, why));
    TRY(options_number(options, "seed", (struct number_range){0, INT64_MAX}, &seed, why));
    TRY(options_number(options, "seconds", (struct number_range){0, 86400}, ret_seconds, why));
    if (url.tls) {
        buf_put_text(why, "--url: simulated bettors connect without TLS");
        return -ERR_CONFIG;
    }
    ret->address = url.address;
    ret->count = (uint32_t)count;
    ret->think_us = think_ms * US_PER_MS;
    ret->seed = (uint64_t)seed;
    return 0;
}

static int open_crowd(struct crowd *crowd, const struct load_bettors_options *options,
                      int64_t seconds)
{
    (void)signal(SIGPIPE, SIG_IGN);
    timer_init(&crowd->end, on_end, crowd);
    TRY(loop_new(&crowd->loop));
    TRY(loop_watch_signal(crowd->loop, SIGTERM, on_signal, crowd));
    TRY(loop_watch_signal(crowd->loop, SIGINT, on_signal, crowd));
    TRY(load_bettors_new(crowd->loop, options, &crowd->bettors));
    if (seconds > 0)
        loop_timer_set(crowd->loop, &crowd->end,
                       (struct monotonic){loop_now(crowd->loop).us + seconds * US_PER_SECOND});
    return 0;
}

static void close_crowd(struct crowd *crowd)
{
    load_bettors_free(crowd->bettors);
    if (crowd->loop != NULL)
        loop_timer_cancel(crowd->loop, &crowd->end);
    loop_free(crowd->loop);
}

/* One JSON object, as every report of a load. */
static void report(const struct load_bettors_sample *sample)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"with_session", sample->with_session},
        {"with_money", sample->with_money},
        {"bets", sample->bets},
        {"accepted", sample->accepted},
        {"pending", sample->pending},
        {"refused", sample->refused},
        {"replayed", sample->replayed},
        {"lost", sample->lost},
        {"limited", sample->limited},
        {"stale", sample->stale},
        {"retried", sample->retried},
        {"deposits", sample->deposits},
        {"withdrawals", sample->withdrawals},
        {"reads", sample->reads},
        {"hurried", sample->hurried},
        {"p50_us", sample->p50_us},
        {"p99_us", sample->p99_us},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        (void)printf("%s\"%s\":%" PRIu64, i == 0 ? "{" : ",", rows[i].name, rows[i].value);
    (void)printf("}\n");
}

static int run(const struct load_bettors_options *options, int64_t seconds)
{
    struct crowd crowd = {.loop = NULL};
    struct load_bettors_sample sample = {0};
    int error = open_crowd(&crowd, options, seconds);
    if (error == 0)
        error = loop_run(crowd.loop);
    if (error == 0) {
        load_bettors_sample(crowd.bettors, &sample);
        report(&sample);
    }
    close_crowd(&crowd);
    if (error < 0)
        return command_fail(1, slice_text(error_text(error)));
    if (sample.with_session == 0)
        return command_fail(1, SLICE("nobody was let in: --url is of a server of profile demo"));
    return 0;
}

int command_bettors(int argc, char *const *argv)
{
    static struct options options;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct load_bettors_options bettors;
    int64_t seconds = 0;
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    return take_options(&options, &bettors, &seconds, &why) < 0 ? command_fail(2, buf_slice(&why))
                                                                : run(&bettors, seconds);
}
