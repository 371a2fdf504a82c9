/* naive_metrics.c - what is counted, under the book's names where they mean the same: contract in
 * naive_internal.h. */
#include "base/error.h"
#include "naive/naive_internal.h"

#define LIMIT(text, counter)                                                                       \
    {                                                                                              \
        {"overround_limit_reached_total", "How often a named limit was reached",                   \
         "limit=\"" text "\"", 0},                                                                 \
            &(counter).value                                                                       \
    }

static int add_limits(struct naive *naive)
{
    const struct settlement_stats *settlement = settlement_stats(naive->settlement);
    const struct session_cache_stats *sessions = session_cache_stats(naive->sessions);
    const struct odds_feed_stats *feed = odds_feed_stats(naive->feed);
    const struct db_pool_stats *pool = db_pool_stats(naive->pool);
    const struct metrics_row rows[] = {
        LIMIT("naive_requests_max", naive->stats.requests_reached),
        LIMIT("naive_bets_per_minute", naive->stats.limited),
        LIMIT("naive_pool_wait_us_max", pool->wait_reached),
        LIMIT("naive_pool_answer_us_max", pool->answer_reached),
        LIMIT("naive_session_in_flight_max", sessions->in_flight_reached),
        LIMIT("naive_settlement_orders_max", settlement->orders_reached),
        LIMIT("naive_feed_intakes_max", feed->intakes_reached),
        LIMIT("naive_feed_line_bytes_max", feed->line_reached),
    };
    return metrics_add_counters(&naive->metrics, rows, sizeof rows / sizeof *rows);
}

static int add_bets(struct naive *naive)
{
#define LABEL(name) "verdict=\"" #name "\"",
    static const char *const labels[] = {SLIP_VERDICT_LIST(LABEL)};
#undef LABEL
    for (size_t i = 0; i < SLIP_VERDICTS_COUNT; i++)
        TRY(metrics_add_counter(
            &naive->metrics,
            (struct metrics_name){"overround_bets_total", "Bets by verdict", labels[i], 0},
            &naive->stats.bets[i]));
    return 0;
}

static int add_counters(struct naive *naive)
{
    const struct settlement_stats *settlement = settlement_stats(naive->settlement);
    const struct session_cache_stats *sessions = session_cache_stats(naive->sessions);
    const struct odds_feed_stats *feed = odds_feed_stats(naive->feed);
    const struct db_pool_stats *pool = db_pool_stats(naive->pool);
    const char *cache = "Balances asked of the session cache";
    const struct metrics_row rows[] = {
        {{"overround_naive_polls_total", "Reads of odds", NULL, 0}, &naive->stats.polls.value},
        {{"overround_naive_balances_total", "Reads of balances", NULL, 0},
         &naive->stats.balances.value},
        {{"overround_naive_unavailable_total", "Requests answered DATABASE_UNAVAILABLE", NULL, 0},
         &naive->stats.unavailable.value},
        {{"overround_naive_sessions_total", cache, "outcome=\"hit\"", 0}, &sessions->hits.value},
        {{"overround_naive_sessions_total", cache, "outcome=\"miss\"", 0}, &sessions->misses.value},
        {{"overround_naive_sessions_total", cache, "outcome=\"unanswered\"", 0},
         &sessions->unanswered.value},
        {{"overround_naive_session_losses_total", "Connections to Redis that ended", NULL, 0},
         &sessions->losses.value},
        {{"overround_naive_statements_total", "Statements sent to PostgreSQL", NULL, 0},
         &pool->statements.value},
        {{"overround_naive_pool_losses_total", "Connections to PostgreSQL that ended", NULL, 0},
         &pool->losses.value},
        {{"overround_settled_bets_total", "Bets decided", NULL, 0}, &settlement->bets.value},
        {{"overround_naive_settlements_total", "Markets settled, or given up", NULL, 0},
         &settlement->orders.value},
        {{"overround_naive_settlement_failures_total", "Of these: given up", NULL, 0},
         &settlement->failures.value},
        {{"overround_feed_messages_total", "Messages of the feed intake", NULL, 0},
         &feed->messages.value},
        {{"overround_feed_malformed_total", "Messages refused whole", NULL, 0},
         &feed->malformed.value},
        {{"overround_feed_results_total", "Results that feeds said", NULL, 0},
         &feed->results.value},
        {{"overround_naive_odds_changes_total", "Rows of odds that changed", NULL, 0},
         &feed->changes.value},
        {{"overround_naive_feed_failed_total", "Messages that the database did not take", NULL, 0},
         &feed->failed.value},
    };
    return metrics_add_counters(&naive->metrics, rows, sizeof rows / sizeof *rows);
}

static int add_gauges(struct naive *naive)
{
    const struct settlement_stats *settlement = settlement_stats(naive->settlement);
    const struct session_cache_stats *sessions = session_cache_stats(naive->sessions);
    const struct db_pool_stats *pool = db_pool_stats(naive->pool);
    const struct metrics_gauge_row rows[] = {
        {{"overround_naive_requests", "Requests under way", NULL, 0}, &naive->stats.requests},
        {{"overround_naive_pool_connections", "Connections to PostgreSQL", NULL, 0},
         &pool->connections},
        {{"overround_naive_pool_leased", "Of these: in use", NULL, 0}, &pool->leased},
        {{"overround_naive_pool_waiting", "Requests that wait for one", NULL, 0}, &pool->waiting},
        {{"overround_naive_pool_used_ratio", "Of the pool, in use", NULL, 3}, &pool->used_permille},
        {{"overround_naive_session_up", "1: the session cache answers", NULL, 0}, &sessions->up},
        {{"overround_naive_settlements_waiting", "Markets to be settled", NULL, 0},
         &settlement->waiting},
        {{"overround_naive_settlement_left", "Bets left of the market under way", NULL, 0},
         &settlement->left},
    };
    return metrics_add_gauges(&naive->metrics, rows, sizeof rows / sizeof *rows);
}

static int add_histograms(struct naive *naive)
{
    const struct {
        struct metrics_name name;
        const struct metrics_histogram *histogram;
    } rows[] = {
        {{"overround_naive_poll_seconds", "From a read of odds to its answer", NULL, 6},
         &naive->stats.poll_us},
        {{"overround_bet_acceptance_seconds", "From a bet's request to its answer", NULL, 6},
         &naive->stats.bet_us},
        {{"overround_settlement_seconds", "Of one market", NULL, 6},
         &settlement_stats(naive->settlement)->us},
        {{"overround_naive_session_seconds", "Of one command to Redis", NULL, 6},
         &session_cache_stats(naive->sessions)->answer_us},
        {{"overround_naive_pool_wait_seconds", "Waiting for a connection", NULL, 6},
         &db_pool_stats(naive->pool)->wait_us},
        {{"overround_naive_database_seconds", "Of one batch of statements", NULL, 6},
         &db_pool_stats(naive->pool)->answer_us},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        TRY(metrics_add_histogram(&naive->metrics, rows[i].name, rows[i].histogram));
    return 0;
}

int naive_register_metrics(struct naive *naive)
{
    metrics_init(&naive->metrics, naive->items, NAIVE_METRICS_MAX);
    metrics_histogram_init(&naive->stats.poll_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    metrics_histogram_init(&naive->stats.bet_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    TRY(add_bets(naive));
    TRY(add_counters(naive));
    TRY(add_gauges(naive));
    TRY(add_histograms(naive));
    return add_limits(naive);
}
