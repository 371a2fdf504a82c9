/* standby_stores.c - what a standby keeps on disk: contract in standby_internal.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/ledger_format.h"
#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/node/node_internal.h"
#include "cli/node/tree_key.h"
#include "cli/standby/standby_internal.h"
#include "ledger/shard_verdicts.h"

#define PATH_BYTES_MAX 512

static enum node_end failed(struct standby *standby, const char *what, int error)
{
    if (standby->why->bytes == 0)
        buf_printf(standby->why, "%s: %s", what, error_text(error));
    return error == -ERR_CORRUPT ? NODE_DAMAGED : NODE_FAILED;
}

static int open_disk(struct standby *standby, const char *name, struct disk **ret_disk)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory);
    buf_printf(&path, "%s/%s", standby->options->node.data, name);
    buf_put_char(&path, '\0');
    return path.overflow ? -ERR_LIMIT : disk_open_directory(memory, ret_disk);
}

static uint32_t shard_of(const struct standby *standby)
{
    return standby->options->node.shard.shard;
}

/* ---- the log ---- */

static int has_log(struct standby *standby, bool *ret)
{
    struct ledger_epoch_head head;
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    ledger_epoch_name(shard_of(standby), name);
    int error = disk_read_whole(standby->stores.ledger_disk, name, &head, sizeof head, &bytes);
    *ret = error != -ERR_NOT_FOUND;
    return error == -ERR_NOT_FOUND || error == -ERR_LIMIT ? 0 : error; /* damage: open() says it */
}

static void notify_log(void *owner)
{
    loop_wakeup_signal(owner);
}

static void notify_nobody(void *owner)
{
    (void)owner;
}

/* Kept warm too, for the primary that it may become. */
static int open_verdicts(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    const struct node_options *node = &standby->options->node;
    const struct node_verdicts_options options = {node->shard.shard, node->verdicts_max,
                                                  node->verdicts_filter_bytes};
    struct disk *disk = NULL;
    TRY(open_disk(standby, "verdicts", &disk));
    return node_verdicts_open(&stores->verdicts, &options, disk, stores->log, standby->why);
}

/* creation 0: one that is there. */
static int open_log(struct standby *standby, uint64_t creation)
{
    struct standby_stores *stores = &standby->stores;
    const struct node_options *node = &standby->options->node;
    struct ledger_report report = {.created = false};
    const struct ledger_file_options options = {
        .store = {.shard = shard_of(standby),
                  .creation = creation,
                  .segment_bytes = (uint64_t)node->segment_bytes,
                  .archive = stores->archive_disk,
                  .newest_only = node->shadow.on && node->start_check_newest},
        .follower = tree_keeper_follower(stores->keeper),
    };
    int error = ledger_file_open(&options, stores->ledger_disk, &report, &stores->log);
    if (error < 0) {
        if (report.text[0] != '\0')
            buf_printf(standby->why, "the ledger cannot be used: %s", report.text);
        return error;
    }
    stores->log->notify = notify_log;
    stores->log->notify_owner = &standby->log_wakeup;
    char text[TREE_KEEPER_TEXT_BYTES];
    error = tree_keeper_start(stores->keeper, stores->tree_disk, stores->log, text);
    if (error < 0 && text[0] != '\0')
        buf_printf(standby->why, "the ledger does not agree with its tree: %s", text);
    return error < 0 ? error : open_verdicts(standby);
}

static int start_threads(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    const struct node_options *node = &standby->options->node;
    stores->shadow.notify = notify_nobody;
    stores->shadow.verdicts = stores->verdicts.store;
    TRY(node_shadow_start(&stores->shadow, &node->shadow, &standby->limits, stores->log));
    TRY(node_verdicts_start(&stores->verdicts));
    const struct node_upkeep_stores kept = {.log = stores->log,
                                            .disk = stores->ledger_disk,
                                            .archive = stores->archive_disk,
                                            .tree = stores->tree_disk,
                                            .keeper = stores->keeper,
                                            .verdicts = stores->verdicts.disk,
                                            .keys = stores->verdicts.store};
    stores->upkeep.notify = notify_nobody;
    return node_upkeep_start(&stores->upkeep, &node->upkeep, &kept);
}

/* ---- the fold ---- */

static int load_snapshot(struct standby *standby, uint64_t tail)
{
    struct standby_stores *stores = &standby->stores;
    struct snapshot_store *snapshots = stores->shadow.of_book;
    struct snapshot_found found;
    struct shard_state *state = NULL;
    if (snapshots == NULL)
        return 0;
    TRY(snapshots->ops->load(snapshots, tail, &standby->limits, &state, &found));
    if (found.damaged > 0)
        log_warn("standby", "a snapshot was passed over; it may be deleted",
                 LOG_TEXT("problem", slice_text(found.text)));
    shard_state_free(stores->state);
    stores->state = state;
    return 0;
}

/* From the newest snapshot; when the log contradicts it, from record 1. */
static int fold(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    struct verdict_store *verdicts = stores->verdicts.store;
    const struct refold_source source = {.log = stores->log,
                                         .shard = shard_of(standby),
                                         .seq_last = REFOLD_ALL,
                                         .verdicts = verdicts};
    struct refold_end end;
    TRY(load_snapshot(standby, stores->log->ops->tail(stores->log, shard_of(standby))));
    TRY(verdicts->ops->cover(verdicts, shard_state_verdicts_floor(stores->state))); /* L3 */
    bool from_snapshot = shard_state_seq(stores->state) > 0;
    int error = refold(&source, stores->state, NULL, NULL, &end);
    if (error == -ERR_CORRUPT && from_snapshot) {
        log_warn("standby", "a snapshot is not of this log",
                 LOG_TEXT("reason", slice_text(end.reason)));
        shard_state_free(stores->state);
        stores->state = NULL;
        TRY(shard_state_new(&standby->limits, &stores->state));
        error = refold(&source, stores->state, NULL, NULL, &end);
    }
    if (error < 0 && standby->why->bytes == 0)
        buf_printf(standby->why, "record %llu: %s; %s", (unsigned long long)end.seq, end.reason,
                   ledger_file_problem(stores->log));
    return error;
}

/* ---- opening ---- */

/* The key that the primary that it may become signs with; one that is not there is told now. */
static int open_head_key(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    const struct tree_keys keys = {.folder = standby->keys.folder,
                                   .token = standby->options->node.heads_token};
    TRY(tree_key_load(&keys, stores->tree_disk, &stores->tree_key, standby->why));
    if (sign_key_public(stores->tree_key, public_key) == 0)
        return ship_keys_head(public_key, &stores->keys_id);
    log_warn("standby", "the key of signed heads is away",
             LOG_TEXT("reason", slice_text(sign_key_problem(stores->tree_key))));
    return 0;
}

static int open_keys(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    const struct node_options *node = &standby->options->node;
    TRY(ship_keys_secrets(&standby->keys, node->jwks != NULL, &stores->keys_id, standby->why));
    TRY(open_head_key(standby));
    int error = personal_copy_open(standby->keys.folder, PERSONAL_KEYS_NAME, true, &stores->keys);
    if (error < 0)
        buf_printf(standby->why, "keys/" PERSONAL_KEYS_NAME ": %s", error_text(error));
    return error;
}

/* No head is signed by a standby: it has not written what it would sign. */
static int open_keeper(struct standby *standby)
{
    const struct tree_keeper_options options = {
        .shard = shard_of(standby), .interval_us = standby->options->node.head_interval_us};
    return tree_keeper_new(&options, &standby->stores.keeper);
}

static int open_all(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    bool there = false;
    TRY(open_keys(standby));
    TRY(open_keeper(standby));
    TRY(node_shadow_open(&stores->shadow, &standby->options->node.shadow, shard_of(standby),
                         stores->ledger_disk));
    TRY(shard_state_new(&standby->limits, &stores->state));
    TRY(has_log(standby, &there));
    if (!there)
        return 0;
    TRY(open_log(standby, 0));
    TRY(fold(standby));
    return start_threads(standby);
}

enum node_end standby_open_stores(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    stores->keys.fd = -1;
    int error = open_disk(standby, "ledger", &stores->ledger_disk);
    if (error == 0)
        error = ledger_folder_check(stores->ledger_disk, shard_of(standby), standby->why);
    if (error == 0)
        error = open_disk(standby, "tree", &stores->tree_disk);
    if (error == 0)
        error = node_upkeep_open_archive(&stores->upkeep, &standby->options->node.upkeep,
                                         &stores->archive_disk, standby->why);
    if (error == 0)
        error = ledger_duty_read(stores->ledger_disk, shard_of(standby), &stores->mark);
    if (error < 0)
        return failed(standby, "the ledger's folder", error);
    /* Whether a later one has taken over since, only its primary can say. */
    if (stores->mark.duty == LEDGER_DUTY_PROMOTED)
        log_warn("standby", "this folder was promoted before: `overround serve` starts it as the "
                            "primary; now it follows again");
    error = open_all(standby);
    return error < 0 ? failed(standby, "the standby cannot begin", error) : NODE_ENDED;
}

/* ---- what the receiver asks for ---- */

/* The folder is a standby's before anything is in it that a primary could be started on. */
static int write_mark(struct standby *standby, uint64_t creation, uint32_t odds_epoch,
                      uint64_t odds_position)
{
    struct standby_stores *stores = &standby->stores;
    const struct ledger_duty_mark mark = {
        .duty = LEDGER_DUTY_STANDBY,
        .creation = creation,
        .epoch = stores->log == NULL ? 0 : ledger_file_epoch(stores->log),
        .odds_position = odds_position,
        .odds_epoch = odds_epoch,
    };
    TRY(ledger_duty_write(stores->ledger_disk, shard_of(standby), &mark));
    stores->mark = mark;
    return 0;
}

static int create(void *owner, uint64_t creation, struct ledger_log **ret_log)
{
    struct standby *standby = owner;
    TRY(write_mark(standby, creation, 0, 0));
    TRY(open_log(standby, creation));
    *ret_log = standby->stores.log;
    return start_threads(standby);
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    const struct standby *standby = owner;
    return ledger_file_raise_epoch(standby->stores.log, epoch);
}

/* As the book does (app/old_keys.c): the oldest go once they are on disk. */
static int make_room(void *owner)
{
    struct standby *standby = owner;
    struct standby_stores *stores = &standby->stores;
    struct verdict_store *verdicts = stores->verdicts.store;
    uint32_t max = standby->limits.verdicts_max;
    uint32_t count = shard_state_verdicts_count(stores->state);
    if (count <= max - max / 4)
        return SHIP_ROOM;
    uint64_t covered = verdicts->ops->covered(verdicts);
    if (stores->verdicts_wanted <= covered) {
        uint64_t tail = stores->log->ops->tail(stores->log, shard_of(standby));
        uint64_t middle = shard_state_verdicts_seq(stores->state, count / 2);
        stores->verdicts_wanted = middle < tail ? middle : tail;
        verdicts->ops->want(verdicts, stores->verdicts_wanted);
    }
    (void)shard_state_forget_verdicts(stores->state, covered, SHARD_VERDICTS_BLOCK);
    if (shard_state_verdicts_count(stores->state) < max)
        return SHIP_ROOM;
    return verdicts->ops->problem(verdicts)[0] == '\0' ? SHIP_NO_ROOM_YET : -ERR_IO;
}

static int write_keys(void *owner, uint64_t offset, struct slice slots)
{
    const struct standby *standby = owner;
    return personal_copy_write(&standby->stores.keys, offset, slots);
}

static int sync_keys(void *owner)
{
    const struct standby *standby = owner;
    return personal_copy_sync(&standby->stores.keys);
}

/* Written again long before a takeover could fall behind what it skips (node_internal.h). */
static int note_odds(void *owner, uint32_t epoch, uint64_t position)
{
    struct standby *standby = owner;
    const struct ledger_duty_mark *mark = &standby->stores.mark;
    bool same = mark->duty == LEDGER_DUTY_STANDBY && mark->odds_epoch == epoch &&
                position < mark->odds_position + NODE_ODDS_POSITIONS_SKIPPED / 2;
    return same ? 0
                : write_mark(standby, ledger_file_creation(standby->stores.log), epoch, position);
}

struct ship_store standby_store(struct standby *standby)
{
    return (struct ship_store){
        .owner = standby,
        .create = create,
        .raise_epoch = raise_epoch,
        .write_keys = write_keys,
        .sync_keys = sync_keys,
        .make_room = make_room,
        .note_odds = note_odds,
    };
}

/* ---- taking over ---- */

/* The mark alone decides, and the log's own epoch is taken by who serves it: so a promotion that
 * did not succeed leaves nothing behind that a later HELLO would tell the primary. */
int standby_take_over(struct standby *standby, uint64_t *ret_epoch)
{
    struct standby_stores *stores = &standby->stores;
    struct ledger_duty_mark mark = stores->mark;
    ledger_file_rest(stores->log);
    mark.duty = LEDGER_DUTY_PROMOTED;
    mark.creation = ledger_file_creation(stores->log);
    /* Above everything that the old primary may reach by starting again, heard of or not. */
    mark.epoch = ship_next_term(ledger_file_epoch(stores->log));
    mark.seq = stores->log->ops->tail(stores->log, shard_of(standby));
    if (personal_copy_sync(&stores->keys) < 0)
        return -ERR_STOPPED; /* they are sent again after a start */
    TRY(ledger_duty_change(stores->ledger_disk, shard_of(standby), &stores->mark, &mark));
    stores->mark = mark;
    *ret_epoch = mark.epoch;
    return 0;
}

/* ---- the end ---- */

void standby_close_stores(struct standby *standby)
{
    struct standby_stores *stores = &standby->stores;
    uint64_t tail = 0;
    node_shadow_stop(&stores->shadow);
    node_upkeep_stop(&stores->upkeep);
    node_verdicts_close(&stores->verdicts);
    if (stores->keeper != NULL)
        tree_keeper_detach(stores->keeper);
    if (stores->log != NULL) {
        tail = stores->log->ops->tail(stores->log, shard_of(standby));
        stores->log->ops->free(stores->log);
    }
    tree_keeper_free(stores->keeper);
    sign_key_free(stores->tree_key);
    node_shadow_close(&stores->shadow);
    personal_copy_close(&stores->keys);
    disk_free(stores->archive_disk);
    disk_free(stores->tree_disk);
    disk_free(stores->ledger_disk);
    /* A group that was folded and found no space is ahead of the log: the node folds for itself. */
    if (stores->state != NULL && (!standby->promoted || shard_state_seq(stores->state) != tail)) {
        shard_state_free(stores->state);
        stores->state = NULL;
    }
}
