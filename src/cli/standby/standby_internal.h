/* standby_internal.h - the parts of a standby, shared by the files standby*.c only. */
#pragma once

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/tree_keeper.h"
#include "adapters/ship/ship_receiver.h"
#include "base/backoff.h"
#include "base/metrics.h"
#include "cli/node/local_keys.h"
#include "cli/node/node_shadow.h"
#include "cli/node/node_verdicts.h"
#include "cli/standby/ship_keys.h"
#include "cli/standby/standby.h"
#include "net/http/http_client.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "roles/shared/bearer.h"

#define STANDBY_METRICS_MAX       128
#define STANDBY_METRICS_BYTES_MAX (64 * 1024)

/* What a standby keeps, and the fold of it. */
struct standby_stores {
    struct disk *ledger_disk, *tree_disk; /* owned, as all below */
    struct disk *archive_disk;            /* NULL: none, or not there */
    struct sign_key *tree_key;
    struct tree_keeper *keeper;
    struct ledger_log *log; /* NULL: none was made yet */
    struct shard_state *state;
    struct node_shadow shadow;
    struct node_upkeep upkeep;
    struct node_verdicts verdicts;
    struct personal_copy keys;
    uint64_t verdicts_wanted;
    struct ledger_duty_mark mark; /* as on disk */
    struct ship_keys_id keys_id;
};

struct standby {
    struct standby_options *options;
    struct buf *why;
    enum node_end end;
    struct loop *loop; /* owned, as all below */
    struct local_keys keys;
    struct token_cache *tokens;
    struct bearer bearer;
    struct standby_stores stores;
    struct loop_wakeup log_wakeup;
    bool log_wakeup_open;
    struct ship_receiver *receiver;
    struct http_client *client;
    struct tls_client *tls; /* NULL: the primary is plain */
    struct ws_handle ws;
    bool connecting, ws_open, ws_paused;
    struct backoff backoff;
    struct timer tick, connect_timer;
    uint16_t refusal_told;
    int status_told;
    struct http_server *public_server, *admin_server;
    struct node_listen listen;
    unsigned signals, draining;
    bool ending, promoted;
    uint64_t promoted_epoch, promoted_seq;
    struct shard_limits limits;
    struct metrics metrics;
    struct metrics_item metrics_items[STANDBY_METRICS_MAX];
    struct metrics_gauge following, failed, tail, primary_tail, lag_records, lag_us;
    struct metrics_counter groups, bytes, keys_bytes, sessions, bad_messages, refused;
    char authorization[STANDBY_TOKEN_BYTES_MAX + 64];
    char out[STANDBY_METRICS_BYTES_MAX];
};

/* ---- standby_stores.c ---- */

/* What is there. NODE_ENDED: it is open. */
enum node_end standby_open_stores(struct standby *standby);
struct ship_store standby_store(struct standby *standby);
/* Marks the folder, durably: from then on it is a primary's, of the next term. 0, or an error and
 * it is a standby's as before; -ERR_STOPPED: only another start can tell. */
int standby_take_over(struct standby *standby, uint64_t *ret_epoch);
/* Ends log, tree and threads; the state stays when it is that of the log's end. */
void standby_close_stores(struct standby *standby);

/* ---- standby_http.c ---- */

/* For http_server_listen(). */
struct http_handlers standby_admin_handlers(struct standby *standby);
/* The same. */
struct http_handlers standby_public_handlers(struct standby *standby);
/* 0 or -ERR_LIMIT. */
int standby_register_metrics(struct standby *standby);

/* ---- standby.c ---- */

/* For the admin listener. 0: it has taken over; -ERR_NOT_FOUND: there is no record yet;
 * -ERR_STOPPED: it ends; or another error, and it follows on. */
int standby_promote(struct standby *standby);
