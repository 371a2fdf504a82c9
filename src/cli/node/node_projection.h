/* node_projection.h - the projector of a node (--projection URL): it follows the files of the
 * ledger's log, whether the ledger stands there or the files are a database's copy. Bets wait for
 * nothing of it. Thread: the main one. */
#pragma once

#include "cli/consumers/projection_runner.h"
#include "ports/ledger_log.h"

struct node_projection {
    struct projection_runner runner;
    uint32_t shard;
    const char *url; /* borrowed; NULL: there is none */
    uint64_t shown;  /* atomic: the last record that may be shown to anybody */
};

/* 0 or -ERR_LIMIT. Before the start. */
int node_projection_register_metrics(struct node_projection *projection, uint32_t shard,
                                     const char *url, struct metrics *metrics);
/* `log` is a ledger_file and outlives node_projection_stop. 0, -ERR_MEMORY or -ERR_CONFIG. */
int node_projection_start(struct node_projection *projection, const struct shard_limits *limits,
                          struct ledger_log *log);
/* After each turn: how far `log`, the node's own, is durable and confirmed. */
void node_projection_turn(struct node_projection *projection, struct ledger_log *log);
void node_projection_stop(struct node_projection *projection);
