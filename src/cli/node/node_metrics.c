/* node_metrics.c - registers what is counted in a node: contract in node_internal.h. */
#include "base/error.h"
#include "cli/node/net_metrics.h"
#include "cli/node/node_internal.h"

static int add_stages(struct metrics *metrics, const struct cycles *cycles)
{
#define STAGE_LABEL(name, text) "stage=\"" text "\"",
    static const char *const labels[] = {CYCLES_STAGE_LIST(STAGE_LABEL)};
    for (size_t i = 0; i < CYCLES_STAGES_COUNT; i++) {
        const struct metrics_row row = {{"overround_stage_cycles_total",
                                         "Processor cycles of the loop's thread by stage",
                                         labels[i], 0},
                                        &cycles->spent[i]};
        TRY(metrics_add_counters(metrics, &row, 1));
    }
    return 0;
}

static int add_shard(struct node *node)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_shard", "Which of the book's shards this process has", NULL, 0}, &node->shard},
        {{"overround_shards", "How many the book has", NULL, 0}, &node->shards},
    };
    metrics_set(&node->shard, node->options->shard.shard);
    metrics_set(&node->shards, node->options->shard.shards);
    return metrics_add_gauges(&node->metrics, gauges, sizeof gauges / sizeof *gauges);
}

int node_register_metrics(struct node *node)
{
    struct metrics *metrics = &node->metrics;
    TRY(add_shard(node));
    if (node->options->lease != NULL)
        TRY(node_lease_register_metrics(node->options->lease, metrics));
    TRY(net_metrics_register(metrics, node->admin_server, true));
    TRY(node_listen_register_metrics(&node->listen, metrics));
    if (node->options->profile == PROFILE_BENCH)
        TRY(add_stages(metrics, &node->cycles));
    TRY(bet_counter_register_metrics(&node->counter, metrics));
    TRY(backoffice_register_metrics(node->backoffice, metrics));
    TRY(node_handover_register_metrics(&node->handover, metrics));
    TRY(node_uof_register_metrics(&node->uof_link, metrics));
    TRY(node_register_proof_metrics(node));
    TRY(node_shadow_register_metrics(&node->shadow, metrics));
    TRY(node_upkeep_register_metrics(&node->upkeep, metrics));
    TRY(node_verdicts_register_metrics(&node->verdicts, node->book, metrics));
    TRY(node_ship_register_metrics(&node->ship, metrics));
    TRY(node_volumes_register_metrics(node->stores.file_log, metrics));
    TRY(node_database_register_metrics(&node->database, metrics));
    TRY(node_personal_register_metrics(&node->personal, metrics));
    TRY(node_odds_store_register_metrics(&node->odds_store, metrics));
    TRY(node_follow_register_metrics(&node->follow, metrics));
    TRY(node_pages_register_metrics(&node->pages, metrics));
    TRY(node_streams_register_metrics(&node->streams, &node->options->streams, metrics));
    TRY(node_projection_register_metrics(&node->projection, node->options->shard.shard,
                                         node->options->projection, metrics));
    TRY(ledger_meter_register_metrics(&node->stores.meter, metrics));
    TRY(metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_settlement_seconds",
                              "From a result to the last settlement that follows from it", NULL, 6},
        &node->settlement_us));
    TRY(node_links_register_metrics(&node->links, metrics));
    TRY(node_offices_register_metrics(&node->offices, metrics));
    const struct node_desk_parts desk = node_desk_parts(node);
    TRY(node_desk_register_metrics(&node->desk, &desk, metrics));
    return node_fronts_register_metrics(&node->fronts, metrics);
}
