/* desk_link.c - contract in desk_link.h. */
#include "cli/node/desk_link.h"

#include "base/error.h"
#include "base/log.h"

/* ---- the link ---- */

static void on_attached(void *owner, const struct carrier *carrier)
{
    const struct desk_link *link = owner;
    relay_follower_attach(link->follower, carrier);
    log_info("desk", "the desk is there");
}

static bool on_message(void *owner, struct slice bytes)
{
    const struct desk_link *link = owner;
    relay_follower_message(link->follower, bytes);
    return relay_follower_is_welcome(link->follower);
}

static void on_detached(void *owner, uint16_t code)
{
    const struct desk_link *link = owner;
    log_warn("desk", "the desk is gone: no bets are taken when its grant is over",
             LOG_I64("code", code));
    relay_follower_detached(link->follower);
}

static void on_refused(void *owner, int status)
{
    (void)owner;
    log_warn("desk", "the desk is not there: no bets are taken", LOG_I64("status", status));
}

/* ---- what the follower says ---- */

static void on_word_refused(void *owner, uint64_t desk_seq, uint16_t record_type)
{
    const struct desk_link *link = owner;
    log_error("desk", "a word of the desk cannot be here, and is recorded as refused",
              LOG_U64("desk_seq", desk_seq), LOG_U64("type", record_type),
              LOG_TEXT("reason", slice_text(shard_state_reason(book_state(link->book)))));
}

static void on_foreign(void *owner)
{
    struct desk_link *link = owner;
    if (!link->foreign_told)
        log_error("desk", "this is not the desk whose words the ledger has: no bets are taken");
    link->foreign_told = true;
}

/* ---- turns ---- */

static void on_due(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

void desk_link_turn_begin(struct desk_link *link)
{
    if (link->follower != NULL)
        relay_follower_turn_begin(link->follower, loop_now(link->loop));
}

void desk_link_turn_end(struct desk_link *link)
{
    if (link->follower == NULL)
        return;
    relay_follower_turn_end(link->follower);
    int64_t due_us = relay_follower_due_us(link->follower);
    if (due_us < 0)
        loop_timer_cancel(link->loop, &link->due_timer);
    else
        loop_timer_set(link->loop, &link->due_timer,
                       (struct monotonic){loop_now(link->loop).us + due_us});
}

/* ---- life ---- */

int desk_link_open(struct desk_link *link, struct loop *loop, struct book *book,
                   const struct peer_address *desk, struct buf *why)
{
    const struct relay_follower_events events = {link, on_word_refused, on_foreign};
    const struct peer_link_end end = {
        .target = SLICE("/v1/desk-link"),
        .subprotocol = SLICE(RELAY_SUBPROTOCOL),
        .message_bytes_max = RELAY_MESSAGE_BYTES_MAX,
        .owner = link,
        .attached = on_attached,
        .message = on_message,
        .detached = on_detached,
        .refused = on_refused,
    };
    link->loop = loop;
    link->book = book;
    timer_init(&link->due_timer, on_due, link);
    TRY(relay_follower_new(book, &events, &link->follower));
    return peer_link_open(&link->peer, loop, desk, &end, why);
}

void desk_link_end(struct desk_link *link)
{
    if (link->loop == NULL)
        return;
    peer_link_stop(&link->peer);
    loop_timer_cancel(link->loop, &link->due_timer);
}

void desk_link_close(struct desk_link *link)
{
    relay_follower_free(link->follower);
    *link = (struct desk_link){.follower = NULL};
}

const uint8_t *desk_link_book_id(const struct desk_link *link)
{
    return link->follower == NULL ? NULL : relay_follower_desk_book_id(link->follower);
}

/* ---- what is counted ---- */

static void show(void *owner)
{
    struct desk_link *link = owner;
    if (link->follower == NULL)
        return;
    const struct relay_follower_stats *stats = relay_follower_stats(link->follower);
    metrics_set(&link->is_attached, relay_follower_is_welcome(link->follower));
    metrics_set(&link->is_granted, !book_desk_away(link->book));
    metrics_count_to(&link->sessions, stats->sessions);
    metrics_count_to(&link->words, stats->words);
    metrics_count_to(&link->refused, stats->refused);
    metrics_count_to(&link->asked, stats->asked);
    metrics_count_to(&link->granted, stats->granted);
    metrics_count_to(&link->later, stats->later);
    metrics_count_to(&link->bad, stats->bad_messages);
    metrics_count_to(&link->foreign, stats->foreign);
    metrics_count_to(&link->inbox, stats->inbox_reached);
}

int desk_link_register_metrics(struct desk_link *link, const struct book *book,
                               struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_desk_attached", "1: the desk's process is there", NULL, 0},
         &link->is_attached},
        {{"overround_desk_granted", "1: the desk lets bets be taken now", NULL, 0},
         &link->is_granted},
    };
    const struct metrics_row rows[] = {
        {{"overround_desk_sessions_total", "Times that the desk welcomed this shard", NULL, 0},
         &link->sessions.value},
        {{"overround_desk_words_total", "Words of the desk that were taken", NULL, 0},
         &link->words.value},
        {{"overround_desk_words_refused_total",
          "Words of the desk that cannot be here, and are recorded as refused", NULL, 0},
         &link->refused.value},
        {{"overround_desk_asked_total", "Times that a grant was asked for", NULL, 0},
         &link->asked.value},
        {{"overround_desk_grants_total", "Grants to take bets", NULL, 0}, &link->granted.value},
        {{"overround_desk_words_later_total", "Tries of a word that the log had no room for", NULL,
          0},
         &link->later.value},
        {{"overround_desk_bad_messages_total", "Links closed for what they brought", NULL, 0},
         &link->bad.value},
        {{"overround_desk_foreign_total", "Links closed since they are of another book", NULL, 0},
         &link->foreign.value},
        {{"overround_desk_away_bets_total", "Bets not taken, since no grant of the desk held", NULL,
          0},
         &book_stats(book)->desk_away},
        {{"overround_limit_reached_total", "How often a limit was reached",
          "limit=\"relay_inbox_bytes\"", 0},
         &link->inbox.value},
    };
    TRY(metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows));
    return metrics_add_refresh(metrics, show, link);
}
