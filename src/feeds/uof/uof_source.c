/* uof_source.c - contract in uof_source.h: the message's way from a line to the sink. */
#include "feeds/uof/uof_source.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/uof/uof_apply.h"
#include "feeds/uof/uof_results.h"

struct uof_source {
    struct feed_source source;   /* first: the port's pointer is this one's */
    struct uof_xml *xml;         /* owned */
    struct uof_message *message; /* owned */
    struct uof_cache *cache;     /* owned */
    struct uof_producers producers;
    struct uof_image_writer writer;
    struct uof_results results;
    struct uof_apply apply;
    struct uof_counts counts;
};

static struct uof_source *self(struct feed_source *source)
{
    return (struct uof_source *)source;
}

static void apply(struct uof_source *uof, struct uof_producer *producer)
{
    const struct uof_message *message = uof->message;
    switch (message->kind) {
    case UOF_ALIVE:
        uof_producer_alive(&uof->producers, producer, message->timestamp_ms, message->subscribed);
        break;
    case UOF_SNAPSHOT_COMPLETE:
        uof_producer_recovered(&uof->producers, producer, (uint64_t)message->request_id);
        break;
    case UOF_ODDS_CHANGE:
        uof_apply_odds_change(&uof->apply, message);
        break;
    case UOF_BET_STOP:
        uof_apply_bet_stop(&uof->apply, message);
        break;
    case UOF_FIXTURE_CHANGE:
        uof_apply_fixture_change(&uof->apply, message);
        break;
    case UOF_BET_SETTLEMENT:
    case UOF_ROLLBACK_BET_SETTLEMENT:
    case UOF_BET_CANCEL:
    case UOF_ROLLBACK_BET_CANCEL:
        uof_results_apply(&uof->results, message, uof_producer_id(producer));
        break;
    case UOF_OTHER:
    case UOF_HEARTBEAT:
        break;
    }
}

static bool has_producer(const struct uof_message *message)
{
    return message->kind != UOF_OTHER && message->kind != UOF_HEARTBEAT;
}

static void count_message(struct uof_source *uof)
{
    const struct uof_message *message = uof->message;
    uof->source.counts.messages++;
    uof->source.counts.limits_reached += message->limits_reached;
    uof->counts.others += message->kind == UOF_OTHER;
    uof->counts.heartbeats += message->kind == UOF_HEARTBEAT;
    uof->counts.recovered += message->has_request;
    uof->counts.prices_refused += message->prices_refused;
    uof->counts.chances_refused += message->chances_refused;
    if (message->kind != UOF_ODDS_CHANGE)
        return;
    uof->source.counts.market_changes += message->markets_count;
    uof->source.counts.runner_changes += message->outcomes_count;
}

static int refuse(struct feed_source *source, int error)
{
    source->counts.malformed += error == -ERR_FORMAT;
    source->counts.limits_reached += error == -ERR_LIMIT;
    return error;
}

static int on_message(struct feed_source *source, struct slice line)
{
    struct uof_source *uof = self(source);
    const struct uof_message *message = uof->message;
    struct feed_sink *sink = uof->producers.sink;
    struct uof_producer *producer = NULL;
    source->counts.bytes += line.bytes;
    int error = uof_decode(uof->xml, line, uof->message);
    if (error == 0 && has_producer(message)) {
        producer = uof_producers_meet(&uof->producers, message->product);
        error = producer == NULL ? -ERR_LIMIT : 0;
    }
    if (error < 0)
        return refuse(source, error);
    count_message(uof);
    sink->ops->alive(sink, SLICE(UOF_LINK));
    if (message->kind == UOF_HEARTBEAT && message->replayed)
        uof_producers_renew(&uof->producers);
    apply(uof, producer);
    source->counts.results = uof->results.told;
    source->counts.limits_reached += uof->cache->limits_reached;
    uof->cache->limits_reached = 0;
    return 0;
}

static void on_reset(struct feed_source *source)
{
    uof_producers_lost(&self(source)->producers);
}

static void on_free(struct feed_source *source)
{
    struct uof_source *uof = self(source);
    uof_xml_free(uof->xml);
    uof_message_free(uof->message);
    uof_cache_free(uof->cache);
    uof_image_done(&uof->writer);
    uof_results_done(&uof->results);
    free(uof);
}

static const struct feed_source_ops ops = {
    .message = on_message,
    .reset = on_reset,
    .free = on_free,
};

struct uof_options uof_options_default(void)
{
    return (struct uof_options){.events_max = 8192,
                                .markets_max = 65536,
                                .outcomes_max = 1u << 20,
                                .in_play_delay_us = 5 * US_PER_SECOND};
}

static bool in_range(uint32_t value, uint32_t limit)
{
    return value >= 1 && value <= limit;
}

static bool options_valid(const struct uof_options *options)
{
    return in_range(options->events_max, UOF_EVENTS_LIMIT) &&
           in_range(options->markets_max, UOF_MARKETS_LIMIT) &&
           in_range(options->outcomes_max, UOF_OUTCOMES_LIMIT) && options->in_play_delay_us >= 0;
}

static int open_parts(struct uof_source *uof, const struct uof_options *options)
{
    struct uof_cache_limits limits = {options->events_max, options->markets_max,
                                      options->outcomes_max};
    TRY(uof_xml_new(options->hash_key[0] ^ options->hash_key[1], &uof->xml));
    TRY(uof_message_new(&uof->message));
    TRY(uof_cache_new(&limits, options->hash_key, &uof->cache));
    TRY(uof_image_new(&uof->writer));
    return uof_results_new(&uof->results);
}

struct feed_source *uof_source_new(const struct uof_options *options, struct feed_sink *sink)
{
    if (!options_valid(options))
        return NULL;
    struct uof_source *uof = calloc(1, sizeof *uof);
    if (uof == NULL)
        return NULL;
    uof->source.ops = &ops;
    if (open_parts(uof, options) < 0) {
        on_free(&uof->source);
        return NULL;
    }
    uof->producers.sink = uof->writer.sink = uof->results.sink = sink;
    uof->writer.cache = uof->results.cache = uof->apply.cache = uof->cache;
    uof->writer.producers = &uof->producers;
    uof->writer.in_play_delay_us = options->in_play_delay_us;
    uof->apply.writer = &uof->writer;
    return &uof->source;
}

void uof_source_counts(const struct feed_source *source, struct uof_counts *ret)
{
    const struct uof_source *uof = (const struct uof_source *)source;
    ASSERT(source->ops == &ops);
    *ret = uof->counts;
    ret->old = uof->apply.old;
    ret->not_owned = uof->apply.not_owned;
    ret->stopped = uof->apply.stopped;
    ret->results_refused = uof->results.refused;
    ret->against_score = uof->results.against_score;
    ret->outcome_cancels = uof->results.of_outcomes;
    ret->empty_words = uof->results.of_nothing;
    ret->producers_down = uof->producers.went_down;
    ret->producers_up = uof->producers.came_up;
    ret->images_sent = uof->writer.sent;
    ret->markets_evicted = uof->cache->evicted;
    ret->events = uof->cache->events_count;
    ret->markets = uof->cache->markets_count;
    ret->outcomes = uof->cache->outcomes_count;
}

void uof_source_ask(struct feed_source *source, uint16_t producer)
{
    uof_producers_ask(&self(source)->producers, producer);
}

const struct uof_producer *uof_source_producer(const struct feed_source *source, uint32_t n)
{
    const struct uof_source *uof = (const struct uof_source *)source;
    ASSERT(source->ops == &ops);
    return n < uof->producers.count ? &uof->producers.rows[n] : NULL;
}

void uof_source_await(struct feed_source *source, uint16_t producer, uint64_t request_id)
{
    struct uof_producer *found = uof_producers_find(&self(source)->producers, producer);
    ASSERT(found != NULL);
    found->awaited = request_id;
}

void uof_source_check(const struct feed_source *source)
{
    const struct uof_source *uof = (const struct uof_source *)source;
    ASSERT(source->ops == &ops);
    uof_cache_check(uof->cache);
}
