/* node_odds_store.c - contract in node_odds_store.h. */
#include "cli/node/node_odds_store.h"

#include "adapters/redis/odds_message.h"
#include "base/error.h"
#include "crypto/random.h"
#include "net/stream/tls_client.h"

static size_t count_providers(void *owner)
{
    return book_providers_count(((const struct node_odds_store *)owner)->parts.book);
}

static struct slice provider_at(void *owner, size_t n, int64_t *ret_left_us)
{
    const struct node_odds_store *shared = owner;
    int64_t age_us = 0;
    struct slice provider = book_provider_at(shared->parts.book, n, &age_us);
    *ret_left_us = book_provider_left_us(shared->parts.book, provider);
    return provider;
}

static uint64_t book_number(void *owner)
{
    const struct node_odds_store *shared = owner;
    return odds_book_number(shard_state_book_id(book_state(shared->parts.book)));
}

int node_odds_store_tls(const struct node_odds_store_options *options, struct tls_client **ret_tls,
                        struct buf *why)
{
    const struct tls_client_files files = {
        .ca = options->ca, .server_name = options->name, .resume = true};
    *ret_tls = NULL;
    return options->place.tls ? tls_client_new(&files, ret_tls, why) : 0;
}

int node_odds_store_open(struct node_odds_store *shared,
                         const struct node_odds_store_options *options,
                         const struct node_odds_store_parts *parts, struct buf *why)
{
    const struct odds_writer_providers providers = {shared, count_providers, provider_at,
                                                    book_number};
    struct odds_writer_options writer = ODDS_WRITER_OPTIONS_DEFAULT;
    shared->parts = *parts;
    if (!options->shared)
        return 0;
    TRY(node_odds_store_tls(options, &shared->tls, why));
    writer.fleet.place = options->place;
    writer.fleet.tls = shared->tls;
    writer.refresh_us = options->refresh_ms * US_PER_MS;
    writer.markets_max = (uint32_t)parts->markets_max;
    random_fill(writer.hash_key, sizeof writer.hash_key);
    return odds_writer_new(parts->loop, &writer, parts->store, &providers, &shared->writer);
}

void node_odds_store_close(struct node_odds_store *shared)
{
    odds_writer_free(shared->writer);
    tls_client_free(shared->tls);
    shared->writer = NULL;
    shared->tls = NULL;
}

void node_odds_store_on_market(struct node_odds_store *shared, const struct odds_image *image,
                               uint64_t before_version, const uint16_t *changed,
                               size_t changed_count)
{
    if (shared->writer != NULL)
        odds_writer_on_market(shared->writer, image, before_version, changed, changed_count);
}

void node_odds_store_on_removed(struct node_odds_store *shared, const struct odds_image *image)
{
    if (shared->writer != NULL)
        odds_writer_on_removed(shared->writer, image);
}

bool node_odds_store_turn(struct node_odds_store *shared)
{
    return shared->writer != NULL && odds_writer_turn(shared->writer);
}

int64_t node_odds_store_behind_us(const struct node_odds_store *shared)
{
    return shared->writer == NULL ? 0 : odds_writer_behind_us(shared->writer);
}

int node_odds_store_register_metrics(struct node_odds_store *shared, struct metrics *metrics)
{
    return shared->writer == NULL ? 0 : odds_writer_register_metrics(shared->writer, metrics);
}
