/* book_link.c - contract in book_link.h. */
#include "cli/node/book_link.h"

#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "roles/bet/bet_link_wire.h"

/* ---- the link ---- */

static void on_attached(void *owner, const struct carrier *carrier)
{
    const struct book_link *link = owner;
    bet_link_asker_attach(link->asker, carrier);
    log_info("link", "the book is there", LOG_U64("shard", link->place.shard));
}

static bool on_message(void *owner, struct slice bytes)
{
    const struct book_link *link = owner;
    bet_link_asker_batch(link->asker, bytes);
    return bet_link_asker_is_welcome(link->asker);
}

static void on_detached(void *owner, uint16_t code)
{
    const struct book_link *link = owner;
    log_warn("link", "the book is gone", LOG_U64("shard", link->place.shard),
             LOG_I64("code", code));
    bet_link_asker_detached(link->asker);
}

static void on_refused(void *owner, int status)
{
    const struct book_link *link = owner;
    log_warn("link", "the book is not there", LOG_U64("shard", link->place.shard),
             LOG_I64("status", status));
}

/* ---- turns ---- */

static void on_late(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

void book_link_turn_begin(struct book_link *link)
{
    bet_link_asker_turn_begin(link->asker, loop_now(link->loop));
}

void book_link_turn_end(struct book_link *link)
{
    metrics_set(&link->takes_bets, book_link_takes_bets(link));
    bet_link_asker_turn_end(link->asker);
    int64_t due_us = bet_link_asker_due_us(link->asker);
    if (due_us < 0)
        loop_timer_cancel(link->loop, &link->late_timer);
    else
        loop_timer_set(link->loop, &link->late_timer,
                       (struct monotonic){loop_now(link->loop).us + due_us});
}

void book_link_users(void *owner, uint32_t cell, bool there)
{
    const struct book_link *link = owner;
    bet_link_asker_users(link->asker, cell, there);
}

struct bet_port *book_link_port(struct book_link *link)
{
    return bet_link_asker_port(link->asker);
}

bool book_link_takes_bets(const struct book_link *link)
{
    return bet_link_asker_takes_bets(link->asker);
}

/* ---- life ---- */

int book_link_open(struct book_link *link, struct loop *loop,
                   const struct book_link_options *options, struct buf *why)
{
    const struct bet_link_asker_options asker = {
        .places = BOOK_LINK_PLACES,
        .answer_us_max = BOOK_LINK_ANSWER_US_MAX,
        .hash_key = {options->hash_key[0], options->hash_key[1]},
        .place = options->place,
    };
    const struct peer_link_end end = {
        .target = SLICE("/v1/link"),
        .subprotocol = SLICE(BET_LINK_SUBPROTOCOL),
        .message_bytes_max = BET_LINK_BATCH_BYTES_MAX,
        .owner = link,
        .attached = on_attached,
        .message = on_message,
        .detached = on_detached,
        .refused = on_refused,
    };
    link->loop = loop;
    link->place = options->place;
    timer_init(&link->late_timer, on_late, link);
    TRY(bet_link_asker_new(&asker, &options->events, &link->asker));
    if (options->address.token == NULL)
        return 0;
    return peer_link_open(&link->peer, loop, &options->address, &end, why);
}

void book_link_end(struct book_link *link)
{
    peer_link_stop(&link->peer);
}

void book_link_close(struct book_link *link)
{
    if (link->loop == NULL)
        return;
    book_link_end(link);
    loop_timer_cancel(link->loop, &link->late_timer);
    bet_link_asker_free(link->asker);
    *link = (struct book_link){.asker = NULL};
}

int book_link_register_metrics(struct book_link *link, struct metrics *metrics)
{
    (void)snprintf(link->label, sizeof link->label, "shard=\"%u\"", link->place.shard);
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_link_takes_bets",
                                                "1: the shard's book is there and takes bets",
                                                link->label, 0},
                          &link->takes_bets));
    return bet_link_asker_register_metrics(link->asker, metrics);
}
