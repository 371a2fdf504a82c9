/* node_personal.h - the keys of a node's personal fields: in the file of its folder, or, with a
 * ledger in PostgreSQL, beside that (adapters/mirror/vault_mirror.h). Thread: the main one. */
#pragma once

#include "base/buf.h"
#include "base/metrics.h"
#include "ports/personal_vault.h"

struct node_personal_options {
    int folder;      /* descriptor of the key folder; borrowed */
    const char *url; /* of the ledger, where the keys stand beside it; NULL: in the file alone */
    uint32_t shard;
    uint32_t accounts_max;
};

struct node_personal {
    struct personal_vault *vault; /* owned; all zero at first */
    bool mirrored;
    uint64_t ready, unready, failures, erased;
    struct metrics_gauge ready_gauge, away;
};

/* Whether keys can stand beside the ledger of this URL. */
bool node_personal_may_stand_at(const char *url);
/* 0, or an error; with `why` where there is more to say. */
int node_personal_open(struct node_personal *personal, const struct node_personal_options *options,
                       struct buf *why);
void node_personal_close(struct node_personal *personal);
/* Of one whose keys stand beside the ledger. */
int node_personal_register_metrics(struct node_personal *personal, struct metrics *metrics);
