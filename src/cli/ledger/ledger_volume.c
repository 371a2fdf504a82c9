/* ledger_volume.c - contract in ledger_volume.h. */
#include "cli/ledger/ledger_volume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/ledger_pair.h"
#include "adapters/embedded/ledger_replay.h"
#include "adapters/embedded/ledger_store.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "cli/command.h"
#include "ledger/record.h"

#define PATH_BYTES_MAX 512

static const struct option_spec specs[] = {
    {"config", NULL}, {"data", "data"}, {"accept-loss", "no"}};

static int open_disk(const char *data, bool to_write, struct disk **ret_disk, struct buf *why)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory);
    buf_printf(&path, "%s/ledger", data);
    buf_put_char(&path, '\0');
    int error = path.overflow ? -ERR_LIMIT
                : to_write    ? disk_open_directory(memory, ret_disk)
                              : disk_open_to_read(memory, ret_disk);
    if (error < 0)
        buf_printf(why, "%s/ledger: %s", data, error_text(error));
    return error;
}

static int keep_time(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct instant *last = owner;
    struct record_head head;
    (void)shard;
    if (bytes < sizeof head)
        return -ERR_CORRUPT;
    memcpy(&head, record, sizeof head);
    last->us = head.time_us;
    return 0;
}

/* What stands here, and what may have stood elsewhere. */
static int tell(const struct ledger_store *store, struct buf *why)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    struct ledger_view view = ledger_store_view(store);
    struct instant last = {0};
    int error = ledger_replay(&view, 1, keep_time, &last, text);
    if (error < 0) {
        buf_printf(why, "what is left of the ledger cannot be used: %s",
                   text[0] != '\0' ? text : error_text(error));
        return error;
    }
    rfc3339_write(&time, last);
    (void)printf("records %" PRIu64 "\nsegments %" PRIu64 "\ntime %.*s\n", store->place.seq,
                 store->segments_count, SLICE_ARG(buf_slice(&time)));
    (void)printf("what was acknowledged after record %" PRIu64 " stood in the other directory\n",
                 store->place.seq);
    return 0;
}

/* The folder is opened as it is; one segment that is missing leaves nothing that could be used. */
static int look(const char *data, struct buf *why)
{
    struct ledger_store_options options = {.read_only = true, .alone = true};
    struct ledger_report report = {.text = ""};
    struct ledger_store *store = NULL;
    struct disk *disk = NULL;
    TRY(open_disk(data, false, &disk, why));
    int error = ledger_folder_shard(disk, &options.shard);
    if (error == 0)
        error = ledger_store_open(&options, disk, &report, &store);
    if (error < 0)
        buf_printf(why,
                   "what is left of the ledger cannot be used: %s; segments that stood in the lost "
                   "directory have to be put back from a backup or a standby",
                   report.text[0] != '\0' ? report.text : error_text(error));
    else
        error = tell(store, why);
    ledger_store_free(store);
    disk_free(disk);
    return error;
}

/* Opened to be written, which takes the lock and makes good what a crash left. */
static int give_up_other(const char *data, struct buf *why)
{
    struct ledger_store_options options = {.alone = true};
    struct ledger_report report = {.text = ""};
    struct ledger_store *store = NULL;
    struct disk *disk = NULL;
    TRY(open_disk(data, true, &disk, why));
    int error = ledger_folder_shard(disk, &options.shard);
    if (error == 0)
        error = ledger_store_open(&options, disk, &report, &store);
    if (error == 0)
        error = ledger_pair_end(disk, options.shard, store->creation);
    if (error < 0)
        buf_printf(why, "%s", report.text[0] != '\0' ? report.text : error_text(error));
    ledger_store_free(store);
    disk_free(disk);
    return error;
}

int ledger_volume_lost(int argc, char *const *argv)
{
    static struct options options;
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    const char *data = options_text(&options, "data");
    struct slice accept = slice_text(options_text(&options, "accept-loss"));
    bool accepted = slice_is(accept, "yes");
    if (!accepted && !slice_is(accept, "no"))
        return command_fail(2, SLICE("--accept-loss is yes or no"));
    int error = look(data, &why);
    if (error == 0 && accepted)
        error = give_up_other(data, &why);
    if (error < 0)
        return command_fail(error == -ERR_CORRUPT ? 3 : 1, buf_slice(&why));
    (void)printf(accepted ? "this directory is all of the ledger from now on\n"
                          : "nothing was changed: --accept-loss yes does it\n");
    return fflush(stdout) == 0 ? 0 : 1;
}
