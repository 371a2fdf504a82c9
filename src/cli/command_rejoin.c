/* command_rejoin.c - `overround rejoin --data DIR --from SEQ`: sets aside the records that an old
 * primary has and the new one has not, so that the folder can follow it; it is a standby's from
 * then.
 *
 * Nothing is cut: the records below SEQ are written into a log of their own, with the same bytes
 * and the same creation id, and the two folders change names in one step. The old one stays whole,
 * as DIR/ledger.aside-SEQ, with DIR/tree.aside-SEQ. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/ledger_store.h"
#include "base/assert.h"
#include "base/error.h"
#include "cli/command.h"
#include "ledger/record.h"

#define NAME_BYTES_MAX  512
#define GROUP_BYTES_MAX (256u << 10)
#define FRESH           "ledger.rejoin"

static const struct option_spec specs[] = {{"config", NULL}, {"data", NULL}, {"from", NULL}};

struct rejoin {
    const char *data;
    struct buf *why;
    uint64_t from, tail;
    uint32_t shard;                 /* whose log it is */
    struct disk *disk, *fresh_disk; /* owned, as the two below */
    struct ledger_log *log;
    struct ledger_store *fresh;
    struct ledger_duty_mark mark;
    char *group; /* GROUP_BYTES_MAX and one record */
    size_t bytes;
    uint32_t count;
};

static int refuse_with(struct rejoin *rejoin, const char *text)
{
    buf_put_text(rejoin->why, text);
    return -ERR_CONFIG;
}

static const char *path_of(const struct rejoin *rejoin, const char *name,
                           char memory[NAME_BYTES_MAX])
{
    struct buf path = buf_over(memory, NAME_BYTES_MAX);
    buf_printf(&path, "%s/%s", rejoin->data, name);
    buf_put_char(&path, '\0');
    return path.overflow ? "" : memory;
}

/* ---- the records that stay ---- */

static int write_group(struct rejoin *rejoin)
{
    if (rejoin->count == 0)
        return 0;
    const struct ledger_append append = {
        .shard = rejoin->shard,
        .epoch = rejoin->fresh->epoch,
        .expected_tail = rejoin->fresh->place.seq,
        .records = rejoin->group,
        .bytes = rejoin->bytes,
        .count = rejoin->count,
    };
    rejoin->bytes = 0;
    rejoin->count = 0;
    enum append_outcome outcome = ledger_store_append(rejoin->fresh, &append);
    return outcome == APPEND_OK ? 0 : outcome == APPEND_REFUSED ? -ERR_NO_SPACE : -ERR_IO;
}

static int copy_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct rejoin *rejoin = owner;
    (void)shard;
    if (rejoin->fresh->place.seq + rejoin->count + 1 == rejoin->from)
        return -ERR_STOPPED; /* enough */
    memcpy(rejoin->group + rejoin->bytes, record, bytes);
    rejoin->bytes += bytes;
    rejoin->count++;
    return rejoin->bytes < GROUP_BYTES_MAX ? 0 : write_group(rejoin);
}

static int copy_all(struct rejoin *rejoin)
{
    static char group[GROUP_BYTES_MAX + RECORD_BYTES_MAX];
    rejoin->group = group;
    TRY(ledger_store_raise_epoch(rejoin->fresh, ledger_file_epoch(rejoin->log)));
    int error = rejoin->log->ops->replay(rejoin->log, rejoin->shard, 1, copy_record, rejoin);
    if (error < 0 && error != -ERR_STOPPED)
        return error;
    TRY(write_group(rejoin));
    ASSERT(rejoin->fresh->place.seq == rejoin->from - 1);
    rejoin->mark.duty = LEDGER_DUTY_STANDBY; /* it shall not be served as it is */
    rejoin->mark.creation = ledger_file_creation(rejoin->log);
    rejoin->mark.epoch = rejoin->fresh->epoch;
    rejoin->mark.seq = 0;
    return ledger_duty_write(rejoin->fresh_disk, rejoin->shard, &rejoin->mark);
}

/* ---- the two folders ---- */

static int open_old(struct rejoin *rejoin)
{
    char memory[NAME_BYTES_MAX];
    struct ledger_file_options options = {.store = {.shard = 0}};
    struct ledger_report report = {.created = false};
    struct disk *there = NULL;
    TRY(disk_open_to_read(path_of(rejoin, "ledger", memory), &there)); /* a typo makes no folder */
    disk_free(there);
    TRY(disk_open_directory(memory, &rejoin->disk));
    TRY(ledger_folder_shard(rejoin->disk, &rejoin->shard));
    options.store.shard = rejoin->shard;
    TRY(ledger_duty_read(rejoin->disk, rejoin->shard, &rejoin->mark));
    int error = ledger_file_open(&options, rejoin->disk, &report, &rejoin->log);
    if (error < 0)
        buf_put_text(rejoin->why, report.text);
    TRY(error);
    rejoin->tail = rejoin->log->ops->tail(rejoin->log, rejoin->shard);
    return rejoin->from >= 2 && rejoin->from <= rejoin->tail
               ? 0
               : refuse_with(rejoin,
                             "--from is the first record that parts, as the primary names it");
}

static int open_fresh(struct rejoin *rejoin)
{
    char memory[NAME_BYTES_MAX];
    struct ledger_report report;
    const struct ledger_store_options options = {.shard = rejoin->shard,
                                                 .creation = ledger_file_creation(rejoin->log)};
    const char *path = path_of(rejoin, FRESH, memory);
    if (access(path, F_OK) == 0)
        return refuse_with(rejoin, FRESH " is left over from an attempt before: remove it first");
    TRY(disk_open_directory(path, &rejoin->fresh_disk));
    return ledger_store_open(&options, rejoin->fresh_disk, &report, &rejoin->fresh);
}

static int close_logs(struct rejoin *rejoin, int error)
{
    ledger_store_free(rejoin->fresh);
    if (rejoin->log != NULL)
        rejoin->log->ops->free(rejoin->log);
    disk_free(rejoin->fresh_disk);
    disk_free(rejoin->disk);
    return error;
}

/* Tree and old keys go first: they are made again from whatever log is there. Then the logs change
 * names at once, so that at no moment there is none. */
static int swap(struct rejoin *rejoin)
{
    char tree[64], verdicts[64], ledger[64];
    int folder = open(rejoin->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -ERR_IO;
    (void)snprintf(tree, sizeof tree, "tree.aside-%llu", (unsigned long long)rejoin->from);
    (void)snprintf(ledger, sizeof ledger, "ledger.aside-%llu", (unsigned long long)rejoin->from);
    (void)snprintf(verdicts, sizeof verdicts, "verdicts.aside-%llu",
                   (unsigned long long)rejoin->from);
    bool done =
        (renameat(folder, "tree", folder, tree) == 0 || errno == ENOENT) &&
        (renameat(folder, "verdicts", folder, verdicts) == 0 || errno == ENOENT) &&
        fsync(folder) == 0 && renameat2(folder, FRESH, folder, "ledger", RENAME_EXCHANGE) == 0 &&
        renameat2(folder, FRESH, folder, ledger, RENAME_NOREPLACE) == 0 && fsync(folder) == 0;
    if (!done)
        buf_printf(rejoin->why, "%s: the folders could not change names (%d)", rejoin->data, errno);
    (void)close(folder);
    return done ? 0 : -ERR_IO;
}

static int run(struct rejoin *rejoin)
{
    int error = open_old(rejoin);
    if (error == 0)
        error = open_fresh(rejoin);
    if (error == 0)
        error = copy_all(rejoin);
    TRY(close_logs(rejoin, error));
    return swap(rejoin);
}

int command_rejoin(int argc, char *const *argv)
{
    static struct options options;
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    int64_t from = 0;
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (options_text(&options, "data") == NULL || options_text(&options, "from") == NULL)
        return command_fail(2, SLICE("rejoin: --data DIR --from SEQ"));
    if (options_number(&options, "from", (struct number_range){1, INT64_MAX}, &from, &why) < 0)
        return command_fail(2, buf_slice(&why));
    struct rejoin rejoin = {
        .data = options_text(&options, "data"), .why = &why, .from = (uint64_t)from};
    int error = run(&rejoin);
    if (error < 0 && why.bytes == 0)
        buf_printf(&why, "%s: %s", rejoin.data, error_text(error));
    if (error < 0)
        return command_fail(error == -ERR_CONFIG ? 2 : 1, buf_slice(&why));
    (void)printf("records %llu to %llu (%llu) are set aside in %s/ledger.aside-%llu\n",
                 (unsigned long long)rejoin.from, (unsigned long long)rejoin.tail,
                 (unsigned long long)(rejoin.tail - rejoin.from + 1), rejoin.data,
                 (unsigned long long)rejoin.from);
    return 0;
}
