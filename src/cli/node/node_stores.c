/* node_stores.c - opens the embedded stores of a node under DATA: contract in node_internal.h. */
#include <string.h>
#include <sys/stat.h>

#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/odds_log_file.h"
#include "adapters/embedded/odds_store_memory.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/node/node_internal.h"
#include "crypto/random.h"

#define PATH_BYTES_MAX     512
#define ODDS_LOG_BYTES_MAX (UINT64_C(8) << 30) /* the oldest offers go beyond it */

static enum node_end failed(struct node *node, const char *what, int error)
{
    if (node->why->bytes == 0)
        buf_printf(node->why, "%s: %s", what, error_text(error));
    if (error == -ERR_CONFIG)
        return NODE_CONFIG;
    return error == -ERR_CORRUPT ? NODE_DAMAGED : NODE_FAILED;
}

static int open_disk(struct node *node, const char *name, struct disk **ret_disk)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory);
    buf_put_text(&path, node->options->data);
    buf_put_char(&path, '/');
    buf_put_text(&path, name);
    buf_put_char(&path, '\0');
    if (path.overflow)
        return -ERR_LIMIT;
    int error = disk_open_directory(memory, ret_disk);
    if (error < 0)
        buf_printf(node->why, "%s: %s", memory, error_text(error));
    return error;
}

static int open_snapshots(struct node *node)
{
    const struct node_options *options = node->options;
    TRY(node_shadow_open(&node->shadow, &options->shadow, options->shard.shard,
                         node->stores.ledger_disk));
    if (!options->shadow.on || options->start_check_newest || options->takeover != NULL)
        return 0;
    return node_check_begin(&node->check, options->shard.shard, node->stores.ledger_disk,
                            node->stores.file_log);
}

static int open_verdicts(struct node *node)
{
    const struct node_verdicts_options options = {node->options->shard.shard,
                                                  node->options->verdicts_max,
                                                  node->options->verdicts_filter_bytes};
    struct disk *disk = NULL;
    TRY(open_disk(node, "verdicts", &disk));
    return node_verdicts_open(&node->verdicts, &options, disk, node->stores.file_log, node->why);
}

/* A log that another process writes to, or that a later writer has taken over, is not written into.
 */
static enum node_end check_duty(struct node *node)
{
    struct node_stores *stores = &node->stores;
    struct ledger_duty_mark mark;
    int error = ledger_duty_read(stores->ledger_disk, node->options->shard.shard, &mark);
    if (error < 0)
        return failed(node, "what the ledger's folder is for (duty-0000)", error);
    switch (mark.duty) {
    case LEDGER_DUTY_NONE:
        break;
    case LEDGER_DUTY_PROMOTED:
        stores->epoch_min = mark.epoch;
        stores->odds_epoch_min = mark.odds_epoch + NODE_ODDS_EPOCHS_SKIPPED;
        stores->odds_position_min = mark.odds_position + NODE_ODDS_POSITIONS_SKIPPED;
        break;
    case LEDGER_DUTY_STANDBY:
        buf_put_text(node->why,
                     "this ledger is a standby's: use `overround standby`, or promote it");
        return NODE_CONFIG;
    case LEDGER_DUTY_FENCED:
        buf_printf(node->why,
                   "this ledger is fenced: a writer with epoch %llu has taken over behind record "
                   "%llu; it can become that one's standby (docs/OPERATIONS.md)",
                   (unsigned long long)mark.epoch, (unsigned long long)mark.seq);
        return NODE_CONFIG;
    }
    return NODE_ENDED;
}

/* The log that is used is the one that ships; it ends the file's log. */
static int open_ship(struct node *node)
{
    struct node_stores *stores = &node->stores;
    struct node_ship_parts parts = {
        .loop = node->loop,
        .shard = node->options->shard.shard,
        .disk = stores->ledger_disk,
        .file_log = stores->file_log,
        .keeper = node->proofs.keeper,
        .keys_folder = node->keys.folder,
    };
    TRY(ship_keys_secrets(&node->keys, node->options->jwks != NULL, &parts.keys_id, node->why));
    TRY(node_ship_open(&node->ship, &node->options->ship, &parts));
    ledger_meter_init(&stores->meter, ship_sender_log(node->ship.sender));
    return 0;
}

/* Of the takeover that the folder's mark speaks of: at the first start behind it. */
static int take_term(struct node_stores *stores)
{
    return stores->epoch_min <= ledger_file_epoch(stores->file_log)
               ? 0
               : ledger_file_raise_epoch(stores->file_log, stores->epoch_min);
}

static enum node_end open_ledger(struct node *node)
{
    struct ledger_report report = {.created = false};
    /* What is folded is checked while it is read; what is below a snapshot, by node_check; a
     * standby has checked what it took. */
    struct ledger_file_options options = {
        .store = {.shard = node->options->shard.shard,
                  .segment_bytes = (uint64_t)node->options->segment_bytes,
                  .newest_only = node->options->shadow.on || node->options->takeover != NULL}};
    int error = open_disk(node, "ledger", &node->stores.ledger_disk);
    if (error == 0)
        error =
            ledger_folder_check(node->stores.ledger_disk, node->options->shard.shard, node->why);
    if (error < 0)
        return failed(node, "the ledger's folder", error);
    enum node_end duty = check_duty(node);
    if (duty != NODE_ENDED)
        return duty;
    error = open_disk(node, "tree", &node->stores.tree_disk);
    if (error == 0)
        error = node_volumes_open(&node->volumes, &node->options->volumes, &options, node->why);
    if (error == 0)
        error = node_upkeep_open_archive(&node->upkeep, &node->options->upkeep,
                                         &node->stores.archive_disk, node->why);
    if (error == 0)
        error = node_open_tree(node, node->stores.tree_disk);
    if (error < 0)
        return failed(node, "ledger", error);
    options.store.archive = node->stores.archive_disk;
    options.follower = tree_keeper_follower(node->proofs.keeper);
    error = ledger_file_open(&options, node->stores.ledger_disk, &report, &node->stores.file_log);
    if (error < 0) {
        if (report.text[0] != '\0')
            buf_printf(node->why, "the ledger cannot be used: %s", report.text);
        return failed(node, "the ledger cannot be opened", error);
    }
    if (report.cut_sectors > 0)
        log_warn("ledger", "a torn group was cut; it was never acknowledged",
                 LOG_U64("segment", report.cut_segment), LOG_U64("offset", report.cut_offset),
                 LOG_U64("sectors", report.cut_sectors));
    log_info("ledger", report.created ? "created" : "opened", LOG_U64("segments", report.segments),
             LOG_U64("records", report.seq_tail));
    node_volumes_opened(&node->volumes, &report);
    error = take_term(&node->stores);
    if (error < 0)
        return failed(node, "the term of the takeover cannot be taken", error);
    error = open_ship(node);
    if (error < 0)
        return failed(node, "the ledger cannot be shipped", error);
    error = open_snapshots(node);
    if (error < 0)
        return failed(node, "the snapshots cannot be used", error);
    error = node_start_tree(node, node->stores.tree_disk);
    if (error < 0)
        return failed(node, "the tree cannot be opened", error);
    error = open_verdicts(node);
    return error < 0 ? failed(node, "the old verdict keys cannot be opened", error) : NODE_ENDED;
}

/* With the files open, and all that follows them: they get what they lack of the database's log. */
static enum node_end open_database(struct node *node)
{
    struct node_stores *stores = &node->stores;
    if (strcmp(node->options->ledger, "files") == 0)
        return NODE_ENDED;
    const struct node_database_parts parts = {.url = node->options->ledger,
                                              .shard = node->options->shard.shard,
                                              .stall_us = node->options->volumes.stall_us,
                                              .copy = stores->meter.inner,
                                              .file_log = stores->file_log};
    int error = node_database_open(&node->database, &parts, node->why);
    if (error < 0)
        return failed(node, "the ledger's database cannot be used", error);
    ledger_meter_init(&stores->meter, node->database.mirror);
    return NODE_ENDED;
}

static enum node_end open_odds_log(struct node *node)
{
    struct odds_log_report report = {.segments = 0};
    struct odds_log_file_options options = {.bytes_max = ODDS_LOG_BYTES_MAX,
                                            .epoch_min = node->stores.odds_epoch_min,
                                            .position_min = node->stores.odds_position_min};
    if (node->options->streams.url != NULL)
        options.sync_us_max = NODE_STREAMS_ODDS_SYNC_US;
    random_fill(options.hash_key, sizeof options.hash_key);
    int error = open_disk(node, "odds", &node->stores.odds_disk);
    if (error == 0)
        error =
            odds_log_file_open(&options, node->stores.odds_disk, &report, &node->stores.odds_log);
    if (error < 0) {
        if (report.text[0] != '\0')
            buf_printf(node->why, "the odds log cannot be used: %s", report.text);
        return failed(node, "the odds log cannot be opened", error);
    }
    if (report.cut_bytes > 0)
        log_warn("odds_log", "a torn tail was cut", LOG_U64("segment", report.cut_segment),
                 LOG_U64("offset", report.cut_offset), LOG_U64("bytes", report.cut_bytes));
    return NODE_ENDED;
}

static int open_personal(struct node *node)
{
    const struct node_options *options = node->options;
    bool beside = !options->personal_in_files && node_personal_may_stand_at(options->ledger);
    const struct node_personal_options personal = {.folder = node->keys.folder,
                                                   .url = beside ? options->ledger : NULL,
                                                   .shard = options->shard.shard,
                                                   .accounts_max = (uint32_t)options->accounts_max};
    return node_personal_open(&node->personal, &personal, node->why);
}

enum node_end node_open_stores(struct node *node)
{
    uint64_t key[2];
    random_fill(key, sizeof key);
    enum node_end end = open_ledger(node);
    if (end == NODE_ENDED)
        end = open_database(node);
    if (end == NODE_ENDED)
        end = open_odds_log(node);
    if (end != NODE_ENDED)
        return end;
    int error = open_personal(node);
    if (error < 0)
        return failed(node, "the keys of personal fields cannot be opened", error);
    error = odds_store_memory_new((uint32_t)node->options->markets_max, key, &node->stores.store);
    return error < 0 ? failed(node, "odds store", error) : NODE_ENDED;
}

enum node_end node_start_streams(struct node *node)
{
    const struct log_source_parts parts = {.file_log = node->stores.file_log,
                                           .ledger_disk = node->stores.ledger_disk,
                                           .verdicts = node->verdicts.store,
                                           .odds_log = node->stores.odds_log,
                                           .markets_max = node->options->markets_max,
                                           .state = book_state(node->book)};
    int error = node_streams_start(&node->streams, &node->options->streams, &node->stores.meter.log,
                                   &parts, node->why);
    if (error == 0)
        error = node_pages_open(&node->pages, node->loop, &node->streams.sources);
    return error < 0 ? failed(node, "the streams cannot be written", error) : NODE_ENDED;
}

/* The ledger's log is ended before the book (book.h), so it is not here. */
void node_close_stores(struct node *node)
{
    struct node_stores *stores = &node->stores;
    if (stores->store != NULL)
        stores->store->ops->free(stores->store);
    node_personal_close(&node->personal);
    if (stores->odds_log != NULL)
        stores->odds_log->ops->free(stores->odds_log);
    disk_free(stores->odds_disk);
    disk_free(stores->tree_disk);
    disk_free(stores->archive_disk);
    node_volumes_close(&node->volumes, stores->ledger_disk);
}
