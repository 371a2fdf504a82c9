/* node_streams.c - contract in node_streams.h. */
#include "cli/node/node_streams.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "adapters/kafka/kafka_writer.h"
#include "base/error.h"
#include "base/log.h"

#define IDLE_US     10000 /* between looks when there was nothing to tell */
#define AWAY_US_MIN 100000
#define AWAY_US_MAX 2000000

_Static_assert(KAFKA_BOOK_BYTES == SHARD_BOOK_ID_BYTES, "whose events");

/* ---- a thread ---- */

static bool told_to_stop(const struct node_stream *stream)
{
    return __atomic_load_n(stream->stop, __ATOMIC_ACQUIRE) != 0;
}

static void rest(const struct node_stream *stream, int64_t us)
{
    const struct timespec slice = {0, IDLE_US * 1000};
    for (int64_t rested = 0; rested < us && !told_to_stop(stream); rested += IDLE_US)
        (void)nanosleep(&slice, NULL);
}

static void count(struct node_stream *stream)
{
    struct publisher_stats stats = stream_publisher_stats(stream->publisher);
    metrics_set(&stream->lag, (int64_t)stats.lag);
    metrics_set(&stream->away, stats.away);
    metrics_count(&stream->events, stats.events - stream->events.value);
    metrics_count(&stream->failures, stats.failures - stream->failures.value);
    metrics_count(&stream->repeats, stats.repeats - stream->repeats.value);
    if (stream->log.images != NULL)
        metrics_count(&stream->gaps, odds_source_gaps(stream->log.source) - stream->gaps.value);
    if (stats.away == stream->told_away)
        return;
    stream->told_away = stats.away;
    if (stats.away)
        log_warn("streams", "a topic cannot be written: what it lacks waits in the log",
                 LOG_TEXT("topic", slice_text(stream->topic)),
                 LOG_TEXT("why", slice_text(stream->writer->ops->problem(stream->writer))));
    else
        log_info("streams", "a topic is written", LOG_TEXT("topic", slice_text(stream->topic)),
                 LOG_U64("position", stats.position));
}

static void say_end(struct node_stream *stream, int error)
{
    const char *problem =
        stream->log.problem == NULL ? "" : stream->log.problem(stream->log.source);
    if (problem[0] == '\0')
        problem = stream->writer->ops->problem(stream->writer);
    if (error == -ERR_STOPPED)
        problem = "another process has written it meanwhile";
    metrics_set(&stream->ended, 1);
    log_error("streams", "a topic is no longer written",
              LOG_TEXT("topic", slice_text(stream->topic)), LOG_ERROR_CODE(error),
              LOG_TEXT("why", slice_text(problem)));
}

/* Not before a registry has answered or failed to, and not while it refuses (schema_watch.h). */
static bool may_tell(struct node_stream *stream)
{
    enum schema_verdict verdict = schema_topic_verdict(stream->schema);
    int64_t id = schema_topic_id(stream->schema);
    if (verdict == SCHEMA_ASKED || verdict == SCHEMA_REFUSED)
        return false;
    if (id != stream->schema_id)
        kafka_writer_name_schema(stream->writer, id);
    stream->schema_id = id;
    return true;
}

static void *run(void *owner)
{
    struct node_stream *stream = owner;
    int64_t away_us = AWAY_US_MIN;
    int result = PUBLISHER_MORE;
    while (result >= 0 && !told_to_stop(stream)) {
        if (!may_tell(stream)) {
            rest(stream, IDLE_US);
            continue;
        }
        result = stream_publisher_step(stream->publisher);
        count(stream);
        if (result == PUBLISHER_IDLE)
            rest(stream, IDLE_US);
        if (result != PUBLISHER_AWAY) {
            away_us = AWAY_US_MIN;
            continue;
        }
        rest(stream, away_us);
        away_us = away_us * 2 < AWAY_US_MAX ? away_us * 2 : AWAY_US_MAX;
    }
    if (result < 0)
        say_end(stream, result);
    return NULL;
}

/* Signals are the loop's: none may be delivered to this thread. */
static int start_thread(struct node_stream *stream)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    stream->running = pthread_create(&stream->thread, NULL, run, stream) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return stream->running ? 0 : -ERR_MEMORY;
}

static void stop_thread(struct node_stream *stream)
{
    if (stream->running)
        (void)pthread_join(stream->thread, NULL);
    stream->running = false;
    stream_publisher_free(stream->publisher);
    if (stream->writer != NULL)
        stream->writer->ops->free(stream->writer);
    log_source_close(&stream->log);
    stream->publisher = NULL;
    stream->writer = NULL;
}

/* ---- the topics ---- */

static uint64_t told(void *owner)
{
    return __atomic_load_n(&((struct node_streams *)owner)->told, __ATOMIC_ACQUIRE);
}

void node_streams_turn(struct node_streams *streams)
{
    struct ledger_log *log = streams->log;
    if (log == NULL)
        return;
    uint64_t seq = log->ops->confirmed != NULL ? log->ops->confirmed(log, streams->shard)
                                               : log->ops->tail(log, streams->shard);
    __atomic_store_n(&streams->told, seq, __ATOMIC_RELEASE);
}

static int open_writer(struct node_stream *stream, const struct node_streams_options *options,
                       const struct shard_state *state, struct buf *why)
{
    struct kafka_writer_options writer = {
        .kafka = {.url = options->url, .config = options->config},
        .topic = stream->topic,
        .atomic = slice_is(slice_text(stream->topic), TOPIC_BET_EVENTS),
        .shard = shard_state_shard(state),
        .copies = options->copies,
    };
    memcpy(writer.book, shard_state_book_id(state), sizeof writer.book);
    TRY(kafka_writer_new(&writer, &stream->writer, why));
    TRY(stream_publisher_new(stream->log.source, stream->writer, &stream->publisher));
    return start_thread(stream);
}

static int open_stream(struct node_streams *streams, struct node_stream *stream,
                       const struct node_streams_options *options, struct buf *why)
{
    stream->stop = &streams->stop;
    stream->schema = schema_watch_topic(&streams->schemas, &options->schemas, stream->topic);
    TRY(log_source_open(&stream->log, slice_text(stream->topic), &streams->sources));
    return open_writer(stream, options, streams->sources.state, why);
}

int node_streams_start(struct node_streams *streams, const struct node_streams_options *options,
                       struct ledger_log *log, const struct log_source_parts *parts,
                       struct buf *why)
{
    streams->log = log;
    streams->shard = shard_state_shard(parts->state);
    streams->sources = *parts;
    streams->sources.told = told;
    streams->sources.owner = streams;
    streams->sources.stop = &streams->stop;
    node_streams_turn(streams);
    if (options->url == NULL)
        return 0;
    streams->bets = (struct node_stream){.topic = TOPIC_BET_EVENTS};
    streams->odds = (struct node_stream){.topic = TOPIC_ODDS_UPDATES};
    TRY(open_stream(streams, &streams->bets, options, why));
    TRY(open_stream(streams, &streams->odds, options, why));
    return schema_watch_start(&streams->schemas, &options->schemas, true, why);
}

void node_streams_stop(struct node_streams *streams)
{
    __atomic_store_n(&streams->stop, 1, __ATOMIC_RELEASE);
    stop_thread(&streams->bets);
    stop_thread(&streams->odds);
    schema_watch_stop(&streams->schemas);
    streams->log = NULL;
}

/* ---- metrics ---- */

static int register_stream(struct node_stream *stream, const char *labels, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_stream_lag_events", "Records that a topic has yet to be told of", labels, 0},
         &stream->lag},
        {{"overround_stream_away", "1: the topic cannot be written now", labels, 0}, &stream->away},
        {{"overround_stream_ended", "1: the topic is no longer written", labels, 0},
         &stream->ended},
    };
    const struct metrics_row counters[] = {
        {{"overround_stream_events_total", "Events that the topic has", labels, 0},
         &stream->events.value},
        {{"overround_stream_failures_total", "Times that the topic could not be written", labels,
          0},
         &stream->failures.value},
        {{"overround_stream_repeats_total", "Events that were put once more", labels, 0},
         &stream->repeats.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

int node_streams_register_metrics(struct node_streams *streams,
                                  const struct node_streams_options *options,
                                  struct metrics *metrics)
{
    if (options->url == NULL)
        return 0;
    const struct metrics_row gaps = {{"overround_stream_gaps_total",
                                      "Times that odds were deleted before they were told", NULL,
                                      0},
                                     &streams->odds.gaps.value};
    TRY(register_stream(&streams->bets, "topic=\"" TOPIC_BET_EVENTS "\"", metrics));
    TRY(register_stream(&streams->odds, "topic=\"" TOPIC_ODDS_UPDATES "\"", metrics));
    (void)schema_watch_topic(&streams->schemas, &options->schemas, TOPIC_BET_EVENTS);
    (void)schema_watch_topic(&streams->schemas, &options->schemas, TOPIC_ODDS_UPDATES);
    TRY(schema_watch_register_metrics(&streams->schemas, metrics));
    return metrics_add_counters(metrics, &gaps, 1);
}
