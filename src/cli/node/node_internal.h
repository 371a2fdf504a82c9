/* node_internal.h - the parts of a node, shared by the files node*.c only. */
#pragma once

#include "adapters/embedded/disk.h"
#include "adapters/embedded/tree_keeper.h"
#include "app/book.h"
#include "base/cycles.h"
#include "base/metrics.h"
#include "cli/ledger/ledger_meter.h"
#include "cli/node/heads_webhook.h"
#include "cli/node/local_keys.h"
#include "cli/node/node.h"
#include "cli/node/node_check.h"
#include "cli/node/node_database.h"
#include "cli/node/node_desk.h"
#include "cli/node/node_follow.h"
#include "cli/node/node_fronts.h"
#include "cli/node/node_handover.h"
#include "cli/node/node_links.h"
#include "cli/node/node_offices.h"
#include "cli/node/node_orphans.h"
#include "cli/node/node_pages.h"
#include "cli/node/node_personal.h"
#include "cli/node/node_projection.h"
#include "cli/node/node_uof.h"
#include "cli/node/node_verdicts.h"
#include "cli/node/tree_key.h"
#include "feeds/synthetic/synthetic_feed.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "ports/feed_source.h"
#include "roles/backoffice/backoffice.h"
#include "roles/bet/bet_port.h"
#include "roles/bet/bet_service.h"
#include "roles/bet/proof_service.h"

#define METRICS_ITEMS_MAX (1024 + NODE_LOOPS_MAX * 384)
#define SIMULATOR_STEP_US 50000 /* 20 a second */
#define DRAIN_MS          10000

/* A promoted standby's odds go on so far behind the last ones that it heard of: the old primary may
 * have gone on alone for a while (starts, bytes of odds). */
#define NODE_ODDS_EPOCHS_SKIPPED    1024
#define NODE_ODDS_POSITIONS_SKIPPED (UINT64_C(1) << 40)

/* What the files need that are opened: in the order of opening, ended in the reverse one. */
struct node_stores {
    struct disk *ledger_disk, *tree_disk, *odds_disk; /* owned */
    struct disk *archive_disk;                        /* owned; NULL: none, or not there */
    struct ledger_log *file_log;                      /* owned; behind the meter */
    struct ledger_meter meter;
    struct odds_log *odds_log; /* owned */
    struct odds_store *store;  /* owned */
    uint64_t epoch_min;        /* of a folder that was promoted; 0 */
    uint32_t odds_epoch_min;   /* of a log that was another's before: ledger_duty.h */
    uint64_t odds_position_min;
};

/* The tree over the ledger, and who asks it. */
struct node_proofs {
    struct tree_keys keys;
    struct sign_key *key; /* owned, as all below */
    struct tree_keeper *keeper;
    struct proof_service *service;
    struct heads_webhook *webhook; /* NULL: none */
    uint32_t links_posted;
    struct loop_wakeup wakeup;
    bool wakeup_open;
    bool failed, away;
    struct metrics_gauge size, behind, heads, gaps, anchor_errors, links, signer_absent;
    struct metrics_counter heads_limited; /* as the keeper counts it */
};

struct node {
    const struct node_options *options;
    struct buf *why;
    struct loop *loop; /* owned, as all below unless said otherwise */
    struct local_keys keys;
    struct token_cache *tokens; /* of the admin listener */
    struct bearer bearer;
    struct node_stores stores;
    struct node_proofs proofs;
    struct loop_wakeup log_wakeup;
    bool log_wakeup_open;
    struct book *book;
    struct node_verdicts verdicts;
    struct node_shadow shadow;
    struct node_check check;
    struct node_database database;
    struct node_personal personal;
    struct node_odds_store odds_store;
    struct node_follow follow; /* instead, with --roles bet-service */
    struct node_projection projection;
    struct node_upkeep upkeep;
    struct node_ship ship;
    struct node_fence fence;
    struct node_streams streams;
    struct node_pages pages;
    struct node_volumes volumes;
    struct node_handover handover;
    struct bet_service *bets;
    struct bet_counter counter; /* over bets and proofs */
    struct node_fronts fronts;
    struct node_links links;
    struct node_offices offices;
    struct node_desk desk;
    struct backoffice *backoffice;
    struct http_server *admin_server;
    struct node_listen listen;
    struct net_address admin_bound;
    struct feed_source *betfair, *uof, *json;
    struct node_uof uof_link;
    struct feed_format formats[3];
    size_t formats_count;
    struct synthetic_feed *simulator;
    struct node_orphans orphans;
    char simulator_prefix[SYNTHETIC_PREFIX_BYTES_MAX];
    struct timer due_timer, simulator_timer;
    struct demo_status_node *demo; /* the bettors and the status line of `demo` */
    unsigned signals;              /* received */
    unsigned draining;             /* servers that are not drained yet */
    bool drain_begun;
    int64_t settle_begun_us; /* while there are settlements to do; 0: none */
    struct cycles cycles;    /* of the loop's thread; only under profile bench */
    struct metrics metrics;
    struct metrics_item metrics_items[METRICS_ITEMS_MAX];
    struct metrics_histogram settlement_us;
    struct metrics_gauge shard, shards;
    char push[BET_PUSH_BYTES_MAX]; /* the message being written */
};

/* Opens what is under DATA. NODE_ENDED: it is open. */
enum node_end node_open_stores(struct node *node);
void node_close_stores(struct node *node);
/* With the book started: its logs are told to whoever --streams names. As node_open_stores. */
enum node_end node_start_streams(struct node *node);

/* Before the ledger is opened: its key, and who will follow it. Then, with the ledger open: the
 * tree's thread. With the book: who serves proofs. Each 0, or an error with `why`. */
int node_open_tree(struct node *node, struct disk *disk);
int node_start_tree(struct node *node, struct disk *disk);
int node_open_proofs(struct node *node);
/* Before the ledger is closed, and after. */
void node_detach_tree(struct node *node);
void node_close_proofs(struct node *node);
int node_register_proof_metrics(struct node *node);

/* The feeds that the book takes, by format. 0, or an error. */
int node_open_feeds(struct node *node);

/* What the desk and its links are made of (node_book.c). */
struct node_desk_parts node_desk_parts(struct node *node);

/* Registers everything that is counted. 0 or -ERR_LIMIT. */
int node_register_metrics(struct node *node);

/* What the options say of the book, with the version of the program. */
struct book_options node_book_options(const struct node_options *options);

/* With a lease (node_leased.c): whether it holds, so that anything may be answered; whether there
 * is no use in staying; whether the shard is another's, which `why` then says and nothing else. */
bool node_has_shard(const struct node *node);
bool node_must_leave(const struct node *node);
bool node_has_moved(struct node *node);
