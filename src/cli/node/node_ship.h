/* node_ship.h - hosts the primary's side of log shipping (adapters/ship/ship_sender.h) in a node:
 * the standby comes to GET /v1/ship of the admin listener as a WebSocket. Thread: the main one. */
#pragma once

#include <stdbool.h>

#include "adapters/embedded/disk.h"
#include "adapters/ship/ship_sender.h"
#include "base/metrics.h"
#include "cli/standby/ship_keys.h"
#include "net/http/http_request.h"
#include "net/loop/loop.h"
#include "net/ws/ws_conn.h"

#define SHIP_TICK_US 50000

/* Of the admin listener: room for what is queued to a standby, and one message more. */
#define SHIP_OUTBOX_BYTES_MAX (SHIP_QUEUE_BYTES_MAX + 2 * SHIP_MESSAGE_BYTES_MAX)

struct node_ship_options {
    enum ship_mode mode;
    enum ship_degrade degrade;
    int64_t timeout_us;
};

struct book;
struct tree_keeper;

struct node_ship {
    struct ship_sender *sender; /* owned */
    struct ship_keys_file keys;
    uint32_t shard;
    struct disk *disk; /* borrowed: the ledger's */
    struct loop *loop; /* borrowed, as those below */
    struct book *book;
    struct tree_keeper *keeper;
    uint64_t creation;
    enum ship_mode mode;
    struct ws_handle ws; /* of the standby that is attached */
    bool ws_open;
    struct timer tick;
    struct metrics_gauge attached, caught_up, away, degraded, fenced, head_key_differs, acked;
    struct metrics_gauge lag_records, lag_bytes, lag_us;
    struct metrics_counter sessions, refused, bad_messages, groups_live, groups_read, bytes_sent;
    struct metrics_counter queue_reached, timeouts;
};

struct node_ship_parts {
    struct loop *loop;
    uint32_t shard;
    struct disk *disk;
    struct ledger_log *file_log; /* a ledger_file; ended by the sender's log */
    struct tree_keeper *keeper;
    int keys_folder;
    struct ship_keys_id keys_id;
};

/* With the ledger open and before the tree starts. 0, -ERR_MEMORY, -ERR_CRYPTO. */
int node_ship_open(struct node_ship *ship, const struct node_ship_options *options,
                   const struct node_ship_parts *parts);
/* The book has started. */
void node_ship_start(struct node_ship *ship, struct book *book);
/* At the begin of each turn, with the book's turn begun. */
void node_ship_turn(struct node_ship *ship);
/* For backoffice_parts.ship. */
void node_ship_serve(void *owner, struct http_request *request);
/* Before the servers are freed, and after the log and they were. */
void node_ship_stop(struct node_ship *ship);
void node_ship_close(struct node_ship *ship);

/* 0 or -ERR_LIMIT. */
int node_ship_register_metrics(struct node_ship *ship, struct metrics *metrics);
