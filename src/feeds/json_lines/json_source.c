/* json_source.c - contract in json_source.h: from a line to the sink. */
#include "feeds/json_lines/json_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "core/ids.h"
#include "feeds/json_lines/json_message.h"

struct provider {
    size_t bytes;
    char id[PROVIDER_ID_BYTES_MAX];
};

struct json_source {
    struct feed_source source; /* first: the port's pointer is this one's */
    struct feed_sink *sink;    /* borrowed */
    struct json_message *message;
    struct provider providers[JSON_FEED_PROVIDERS_MAX]; /* that were met */
    size_t providers_count;
};

static struct json_source *self(struct feed_source *source)
{
    return (struct json_source *)source;
}

static struct slice id_of(const struct provider *provider)
{
    return slice_of(provider->id, provider->bytes);
}

/* False: there are too many. */
static bool meet(struct json_source *json, struct slice id)
{
    struct provider *next = &json->providers[json->providers_count];
    for (size_t i = 0; i < json->providers_count; i++)
        if (slice_equal(id_of(&json->providers[i]), id))
            return true;
    if (json->providers_count == JSON_FEED_PROVIDERS_MAX)
        return false;
    memcpy(next->id, id.at, id.bytes);
    next->bytes = id.bytes;
    json->providers_count++;
    return true;
}

/* A heartbeat that names nobody is of the link: all who were met live. */
static bool of_all(const struct json_source *json)
{
    return json->message->op == JSON_OP_HEARTBEAT && json->message->provider.bytes == 0 &&
           json->providers_count > 0;
}

static void tell_alive(const struct json_source *json, struct slice provider)
{
    if (!of_all(json)) {
        json->sink->ops->alive(json->sink, provider);
        return;
    }
    for (size_t i = 0; i < json->providers_count; i++)
        json->sink->ops->alive(json->sink, id_of(&json->providers[i]));
}

static void tell(struct json_source *json, struct slice provider)
{
    struct json_message *message = json->message;
    struct feed_sink *sink = json->sink;
    switch (message->op) {
    case JSON_OP_MARKET:
        message->market.provider = provider;
        sink->ops->market(sink, &message->market);
        json->source.counts.market_changes++;
        json->source.counts.runner_changes += message->market.selections_count;
        break;
    case JSON_OP_REMOVED:
        sink->ops->removed(sink, provider, message->market.id);
        break;
    case JSON_OP_LATE:
        sink->ops->late(sink, provider, message->late);
        break;
    case JSON_OP_RESULT:
    case JSON_OP_ROLLBACK:
    case JSON_OP_CANCEL:
    case JSON_OP_UNDO_CANCEL:
        message->result.provider = provider;
        sink->ops->result(sink, &message->result);
        json->source.counts.results++;
        break;
    case JSON_OP_OTHER:
    case JSON_OP_HEARTBEAT:
        break;
    }
}

static int on_message(struct feed_source *source, struct slice line)
{
    struct json_source *json = self(source);
    source->counts.bytes += line.bytes;
    int error = json_decode(line, json->message);
    struct slice provider =
        json->message->provider.bytes > 0 ? json->message->provider : SLICE(JSON_FEED_PROVIDER);
    if (error == 0 && !of_all(json) && !meet(json, provider))
        error = -ERR_LIMIT;
    source->counts.malformed += error == -ERR_FORMAT;
    source->counts.limits_reached += error == -ERR_LIMIT;
    if (error < 0)
        return error;
    source->counts.messages++;
    tell_alive(json, provider);
    tell(json, provider);
    return 0;
}

/* Nothing is kept that could be wrong; who falls silent loses its lease. */
static void on_reset(struct feed_source *source)
{
    (void)source;
}

static void on_free(struct feed_source *source)
{
    json_message_free(self(source)->message);
    free(source);
}

static const struct feed_source_ops ops = {
    .message = on_message,
    .reset = on_reset,
    .free = on_free,
};

struct feed_source *json_source_new(struct feed_sink *sink)
{
    struct json_source *json = calloc(1, sizeof *json);
    if (json == NULL)
        return NULL;
    json->source.ops = &ops;
    json->sink = sink;
    if (json_message_new(&json->message) < 0) {
        free(json);
        return NULL;
    }
    return &json->source;
}

void json_source_check(const struct feed_source *source)
{
    const struct json_source *json = (const struct json_source *)source;
    ASSERT(source->ops == &ops);
    ASSERT(json->providers_count <= JSON_FEED_PROVIDERS_MAX);
    for (size_t i = 0; i < json->providers_count; i++) {
        ASSERT(json->providers[i].bytes > 0);
        ASSERT(json->providers[i].bytes <= PROVIDER_ID_BYTES_MAX);
    }
}
