/* bench_mcm.c - what decoding the Betfair stream costs: JSON on stdout.
 *
 *   bench-mcm RECORDING [ROUNDS]
 *
 * The recording is unpacked into memory first; then every round decodes all of it with a fresh
 * source into a sink that only counts. The best and the median round are printed, as the
 * machine may be shared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "feeds/betfair_stream/betfair_source.h"
#include "feeds/replay/replay_file.h"

#define LINES_MAX  4000000u
#define ROUNDS_MAX 1000

struct recording {
    struct slice *lines;
    size_t count, bytes;
};

struct count_sink {
    struct feed_sink sink;
    uint64_t images, results, alive;
};

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    (void)market;
    ((struct count_sink *)sink)->images++;
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    (void)result;
    ((struct count_sink *)sink)->results++;
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    (void)sink;
    (void)provider;
    (void)market_id;
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    (void)provider;
    ((struct count_sink *)sink)->alive++;
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    (void)sink;
    (void)provider;
    (void)late;
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .late = on_late,
};

static int load(const char *path, struct recording *ret)
{
    struct replay_file *file;
    struct slice line;
    int result = replay_file_open(path, &file);
    if (result < 0)
        return result;
    *ret = (struct recording){.lines = calloc(LINES_MAX, sizeof *ret->lines)};
    if (ret->lines == NULL)
        result = -ERR_MEMORY;
    while (result >= 0 && (result = replay_file_next(file, &line)) == 1) {
        char *copy = ret->count < LINES_MAX ? malloc(line.bytes) : NULL;
        if (copy == NULL) {
            result = -ERR_MEMORY;
            break;
        }
        memcpy(copy, line.at, line.bytes);
        ret->lines[ret->count++] = slice_of(copy, line.bytes);
        ret->bytes += line.bytes;
    }
    if (result < 0)
        (void)fprintf(stderr, "%s\n", replay_file_error(file));
    replay_file_close(file);
    return result;
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Seconds of one round; a negative value when a line is refused. */
static double decode_all(const struct recording *recording, struct count_sink *sink,
                         struct feed_counts *ret_counts)
{
    struct betfair_options options = betfair_options_default();
    *sink = (struct count_sink){.sink = {&ops}};
    struct feed_source *source = betfair_source_new(&options, &sink->sink);
    if (source == NULL)
        return -1;
    double begin = seconds_now();
    bool refused = false;
    for (size_t i = 0; i < recording->count; i++)
        refused |= source->ops->message(source, recording->lines[i]) < 0;
    double end = seconds_now();
    *ret_counts = source->counts;
    source->ops->free(source);
    return refused ? -1 : end - begin;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print(const struct recording *recording, const struct count_sink *sink,
                  const struct feed_counts *counts, const double *seconds, int rounds)
{
    double best = seconds[0];
    double median = seconds[rounds / 2];
    printf("{\"bench\":\"mcm\",\"messages\":%llu,\"bytes\":%zu,\"runner_changes\":%llu,"
           "\"images\":%llu,\"results\":%llu,\"rounds\":%d,",
           (unsigned long long)counts->messages, recording->bytes,
           (unsigned long long)counts->runner_changes, (unsigned long long)sink->images,
           (unsigned long long)sink->results, rounds);
    printf("\"best\":{\"messages_per_s\":%.0f,\"runner_changes_per_s\":%.0f,\"mb_per_s\":%.1f},",
           (double)counts->messages / best, (double)counts->runner_changes / best,
           (double)recording->bytes / best / 1e6);
    printf("\"median\":{\"messages_per_s\":%.0f,\"runner_changes_per_s\":%.0f,"
           "\"mb_per_s\":%.1f}}\n",
           (double)counts->messages / median, (double)counts->runner_changes / median,
           (double)recording->bytes / median / 1e6);
}

int main(int argc, char **argv)
{
    static double seconds[ROUNDS_MAX];
    struct recording recording;
    struct count_sink sink;
    struct feed_counts counts;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 20;
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: bench-mcm RECORDING [ROUNDS]\n");
        return 2;
    }
    int result = load(argv[1], &recording);
    if (result < 0) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], error_text(result));
        return 1;
    }
    for (long i = 0; i < rounds; i++) {
        seconds[i] = decode_all(&recording, &sink, &counts);
        if (seconds[i] < 0) {
            (void)fprintf(stderr, "a line was refused\n");
            return 1;
        }
    }
    qsort(seconds, (size_t)rounds, sizeof seconds[0], by_value);
    print(&recording, &sink, &counts, seconds, (int)rounds);
    return 0;
}
