/* node_uof.c - contract in node_uof.h. */
#include "cli/node/node_uof.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/random.h"
#include "net/stream/tls_client.h"

static bool ready(void *owner)
{
    return book_feed_ready(((const struct node_uof *)owner)->parts.book);
}

static int64_t now_us(void *owner)
{
    (void)owner;
    return clock_us(CLOCK_MONOTONIC);
}

static void on_up(void *owner)
{
    struct node_uof *uof = owner;
    uof->said = false;
    log_info("uof", "the broker sends messages");
}

/* Said once, not at every attempt. */
static void on_down(void *owner, bool was_up, struct slice problem)
{
    struct node_uof *uof = owner;
    if (was_up)
        log_warn("uof", "the broker is lost: its producers are down until they have recovered",
                 LOG_TEXT("why", problem));
    else if (!uof->said)
        log_warn("uof", "there is no broker: tried again", LOG_TEXT("why", problem));
    uof->said = true;
}

static int open_tls(struct node_uof *uof, const struct node_uof_options *options, struct buf *why)
{
    const struct tls_client_files files = {
        .ca = options->ca, .server_name = options->name, .resume = true};
    return options->place.tls ? tls_client_new(&files, &uof->tls, why) : 0;
}

static int open_recovery(struct node_uof *uof, const struct node_uof_options *options,
                         struct buf *why)
{
    struct node_uof_recovery_options recovery = options->recovery;
    recovery.token = slice_of(options->place.user, options->place.user_bytes);
    return node_uof_recovery_new(&recovery, uof->parts.loop, uof->parts.source, &uof->recovery,
                                 why);
}

int node_uof_open(struct node_uof *uof, const struct node_uof_options *options,
                  const struct node_uof_parts *parts, struct buf *why)
{
    const struct uof_link_listener listener = {uof, ready, now_us, on_up, on_down};
    const struct uof_place *place = &options->place;
    struct uof_link_options link = UOF_LINK_OPTIONS_DEFAULT;
    uof->parts = *parts;
    if (!options->on || parts->source == NULL)
        return 0; /* without an odds-worker no feed is taken */
    TRY(open_tls(uof, options, why));
    link.address = place->address;
    link.tls = uof->tls;
    link.source = parts->source;
    link.session = (struct uof_session_options){
        .user = slice_of(place->user, place->user_bytes),
        .password = slice_of(place->password, place->password_bytes),
        .vhost = slice_of(place->vhost, place->vhost_bytes),
        .exchange = options->exchange,
        .keys = options->keys,
        .keys_count = options->keys_count,
        .message_bytes_max = UOF_MESSAGE_BYTES_MAX,
    };
    random_fill(&link.seed, sizeof link.seed);
    TRY(open_recovery(uof, options, why));
    return uof_link_new(parts->loop, &link, &listener, &uof->link);
}

bool node_uof_is_up(const struct node_uof *uof)
{
    return uof->link == NULL || uof_link_stats(uof->link)->up.value == 1;
}

void node_uof_end(struct node_uof *uof)
{
    if (uof->link != NULL)
        uof_link_end(uof->link);
    node_uof_recovery_end(uof->recovery);
}

void node_uof_close(struct node_uof *uof)
{
    uof_link_free(uof->link);
    node_uof_recovery_free(uof->recovery);
    tls_client_free(uof->tls);
    uof->link = NULL;
    uof->recovery = NULL;
    uof->tls = NULL;
}

int node_uof_register_metrics(const struct node_uof *uof, struct metrics *metrics)
{
    if (uof->link == NULL)
        return 0;
    TRY(node_uof_recovery_register_metrics(uof->recovery, metrics));
    return uof_link_register_metrics(uof->link, metrics);
}
