/* node_proofs.c - the tree, its heads and the proofs of a node: contract in node_internal.h. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/node/node_internal.h"

int node_open_tree(struct node *node, struct disk *disk)
{
    struct node_proofs *proofs = &node->proofs;
    proofs->keys =
        (struct tree_keys){.folder = node->keys.folder, .token = node->options->heads_token};
    TRY(tree_key_load(&proofs->keys, disk, &proofs->key, node->why));
    const struct tree_keeper_options options = {
        .shard = node->options->shard.shard,
        .key = proofs->key,
        .interval_us = node->options->head_interval_us,
        .on_demand_per_s = node->options->heads_on_demand,
        .heads_file = node->options->heads_file,
        .next_key = tree_key_next,
        .next_key_owner = &proofs->keys,
    };
    return tree_keeper_new(&options, &proofs->keeper);
}

static void on_tree_ready(void *owner);
static void notify_tree(void *owner);

/* Before the tree's thread begins, which would notify nobody else, or half of it. */
static int open_wakeup(struct node *node)
{
    struct node_proofs *proofs = &node->proofs;
    struct ledger_tree *tree = tree_keeper_tree(proofs->keeper);
    TRY(loop_wakeup_open(node->loop, &proofs->wakeup, on_tree_ready, node));
    proofs->wakeup_open = true;
    tree->notify_owner = &proofs->wakeup;
    tree->notify = notify_tree;
    return 0;
}

int node_start_tree(struct node *node, struct disk *disk)
{
    char text[TREE_KEEPER_TEXT_BYTES] = "";
    TRY(open_wakeup(node));
    int error = tree_keeper_start(node->proofs.keeper, disk, node->stores.file_log, text);
    if (error < 0 && text[0] != '\0')
        buf_printf(node->why, "the ledger does not agree with its tree: %s", text);
    return error;
}

/* ---- the loop's side ---- */

static bool wants(void *owner, struct slice user_id)
{
    return node_fronts_wants(&((struct node *)owner)->fronts, user_id);
}

static void push(void *owner, struct slice user_id, struct slice object)
{
    node_fronts_push(&((struct node *)owner)->fronts, user_id, "receipt", object);
}

static void tell_failure(int error)
{
    const char *why =
        error == -ERR_CORRUPT ? "the log is not what was signed before" : error_text(error);
    log_error("tree", "no more signed heads and proofs until a restart",
              LOG_TEXT("why", slice_text(why)));
}

/* Once when it goes and once when it is back: the keeper tries every second. */
static void tell_signer(struct node_proofs *proofs, const struct tree_keeper_stats *stats)
{
    bool away = stats->sign_problem < 0;
    if (away && !proofs->away)
        log_error("tree", "no signed heads until the signing key is back",
                  LOG_TEXT("why", slice_text(stats->sign_text)));
    else if (!away && proofs->away)
        log_info("tree", "the signing key is back: heads are signed again");
    proofs->away = away;
    metrics_set(&proofs->signer_absent, away);
}

static void show(struct node_proofs *proofs)
{
    struct tree_keeper_stats stats;
    tree_keeper_stats(proofs->keeper, &stats);
    metrics_set(&proofs->size, (int64_t)stats.size);
    metrics_set(&proofs->behind, (int64_t)stats.behind);
    metrics_set(&proofs->heads, (int64_t)stats.heads);
    metrics_set(&proofs->gaps, (int64_t)stats.gaps);
    metrics_set(&proofs->anchor_errors, (int64_t)stats.anchor_errors);
    metrics_set(&proofs->links, (int64_t)stats.links);
    metrics_count(&proofs->heads_limited, stats.heads_limited - proofs->heads_limited.value);
    tell_signer(proofs, &stats);
    if (stats.error < 0 && !proofs->failed)
        tell_failure(stats.error);
    proofs->failed = stats.error < 0;
}

/* Those that were made since the start. */
static void post_links(struct node_proofs *proofs)
{
    unsigned char links[TREE_LINKS_MAX][TREE_LINK_BYTES];
    struct ledger_tree *tree = tree_keeper_tree(proofs->keeper);
    uint32_t from = proofs->links_posted;
    proofs->links_posted = tree->ops->links(tree, from, links);
    for (uint32_t i = from; i < proofs->links_posted; i++)
        heads_webhook_offer_link(proofs->webhook, links[i - from]);
}

static void on_tree_ready(void *owner)
{
    struct node *node = owner;
    unsigned char head[TREE_HEAD_BYTES];
    bool newer = proof_service_poll(node->proofs.service, head);
    if (node->proofs.webhook != NULL)
        post_links(&node->proofs);
    if (newer && node->proofs.webhook != NULL)
        heads_webhook_offer(node->proofs.webhook, head);
    show(&node->proofs);
}

static void notify_tree(void *owner)
{
    loop_wakeup_signal(owner);
}

static uint64_t keeper_links(struct tree_keeper *keeper)
{
    struct tree_keeper_stats stats;
    tree_keeper_stats(keeper, &stats);
    return stats.links;
}

int node_open_proofs(struct node *node)
{
    struct node_proofs *proofs = &node->proofs;
    const struct proof_parts parts = {
        .book = node->book,
        .tree = tree_keeper_tree(proofs->keeper),
        .wants = wants,
        .push = push,
        .owner = node,
    };
    TRY(proof_service_new(&parts, &proofs->service));
    if (node->options->heads_webhook != NULL)
        TRY(heads_webhook_new(node->loop, node->options->heads_webhook,
                              node->options->heads_webhook_ca, &proofs->webhook, node->why));
    proofs->links_posted = (uint32_t)keeper_links(proofs->keeper);
    show(proofs); /* a key that is away is told from the start */
    return 0;
}

void node_detach_tree(struct node *node)
{
    if (node->proofs.keeper != NULL)
        tree_keeper_detach(node->proofs.keeper);
}

void node_close_proofs(struct node *node)
{
    struct node_proofs *proofs = &node->proofs;
    tree_keeper_free(proofs->keeper); /* the last head is signed here, and told to nobody */
    heads_webhook_free(proofs->webhook);
    proof_service_free(proofs->service);
    if (proofs->wakeup_open)
        loop_wakeup_close(&proofs->wakeup);
    sign_key_free(proofs->key);
}

static int add_limits(struct node *node)
{
    return metrics_add_counter(&node->metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a named limit was reached",
                                                     "limit=\"heads_on_demand\"", 0},
                               &node->proofs.heads_limited);
}

int node_register_proof_metrics(struct node *node)
{
    struct node_proofs *proofs = &node->proofs;
    const struct metrics_gauge_row gauges[] = {
        {{"overround_tree_records", "Records in the Merkle tree", NULL, 0}, &proofs->size},
        {{"overround_tree_behind_records", "Durable records not hashed yet", NULL, 0},
         &proofs->behind},
        {{"overround_tree_heads", "Heads signed since start", NULL, 0}, &proofs->heads},
        {{"overround_tree_gaps", "Times that the tree was caught up from the log", NULL, 0},
         &proofs->gaps},
        {{"overround_heads_file_errors", "Heads not written to the heads file", NULL, 0},
         &proofs->anchor_errors},
        {{"overround_signing_key_links", "Times that the signing key was changed", NULL, 0},
         &proofs->links},
        {{"overround_signer_absent", "1: no signed heads, the signing key is away", NULL, 0},
         &proofs->signer_absent},
    };
    TRY(metrics_add_gauges(&node->metrics, gauges, sizeof gauges / sizeof *gauges));
    TRY(add_limits(node));
    if (proofs->webhook == NULL)
        return 0;
    const struct heads_webhook_stats *stats = heads_webhook_stats(proofs->webhook);
    const struct {
        const char *labels;
        const struct metrics_counter *counter;
    } counters[] = {
        {"result=\"posted\"", &stats->posted},
        {"result=\"failed\"", &stats->failed},
        {"result=\"dropped\"", &stats->dropped},
    };
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        TRY(metrics_add_counter(
            &node->metrics,
            (struct metrics_name){"overround_heads_webhook_total",
                                  "Heads and links of keys posted to the webhook",
                                  counters[i].labels, 0},
            counters[i].counter));
    return 0;
}
