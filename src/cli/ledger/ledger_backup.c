/* ledger_backup.c - contract in ledger_backup.h. */
#include "cli/ledger/ledger_backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/embedded/backup.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/embedded/restore.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "cli/standby/keys_copy.h"

#define PATH_BYTES_MAX 512
#define ALIKE_MAX      3 /* the same complaint so often: it is damage, not a write under way */
#define ATTEMPTS_MAX   100
#define WAITS_MAX      20
#define PAUSE_MS       150

/* ---- folders ---- */

static int join(char path[PATH_BYTES_MAX], const char *folder, const char *name)
{
    int bytes = snprintf(path, PATH_BYTES_MAX, "%s/%s", folder, name);
    return bytes < 0 || bytes >= PATH_BYTES_MAX ? -ERR_LIMIT : 0;
}

static int fail_at(const char *path, int error, struct buf *why)
{
    buf_printf(why, "%s: %s", path, error_text(error));
    return error;
}

static void close_disks(struct backup_disks *disks)
{
    for (size_t i = 0; i < BACKUP_FOLDERS; i++)
        disk_free(disks->folders[i]);
    disk_free(disks->root);
}

/* What is missing is NULL; the ledger may not be missing. */
static int open_to_read(const char *folder, struct backup_disks *ret, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    int error = disk_open_to_read(folder, &ret->root);
    if (error < 0)
        return fail_at(folder, error, why);
    for (unsigned i = 0; i < BACKUP_FOLDERS; i++) {
        TRY(join(path, folder, backup_folder_text((enum backup_folder)i)));
        error = disk_open_to_read(path, &ret->folders[i]);
        if (error < 0 && (error != -ERR_NOT_FOUND || i == BACKUP_LEDGER))
            return fail_at(path, error, why);
    }
    return 0;
}

static int open_to_write(const char *folder, struct backup_disks *ret, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    int error = disk_open_directory(folder, &ret->root);
    if (error < 0)
        return fail_at(folder, error, why);
    for (unsigned i = 0; i < BACKUP_FOLDERS; i++) {
        TRY(join(path, folder, backup_folder_text((enum backup_folder)i)));
        error = disk_open_directory(path, &ret->folders[i]);
        if (error < 0)
            return fail_at(path, error, why);
    }
    return 0;
}

static int open_second(const char *path, struct disk **ret_disk, struct buf *why)
{
    int error = path == NULL ? 0 : disk_open_to_read(path, ret_disk);
    return error < 0 ? fail_at(path, error, why) : 0;
}

/* ---- answers ---- */

static void put_u64(const char *name, uint64_t value)
{
    (void)printf("%s %" PRIu64 "\n", name, value);
}

static void put_time(int64_t time_us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    rfc3339_write(&time, (struct instant){time_us});
    (void)printf("time %.*s\n", SLICE_ARG(buf_slice(&time)));
}

static void put_root(const struct merkle_hash *root)
{
    (void)printf("root ");
    for (size_t i = 0; i < sizeof root->at; i++)
        (void)printf("%02x", root->at[i]);
    (void)printf("\n");
}

static int explain(const char *text, int error, struct buf *why)
{
    if (error < 0 && text[0] != '\0')
        buf_put_text(why, text);
    return error;
}

static int read_yes(const struct options *options, const char *key, bool *ret, struct buf *why)
{
    struct slice word = slice_text(options_text(options, key));
    *ret = slice_is(word, "yes");
    if (*ret || slice_is(word, "no"))
        return 0;
    buf_printf(why, "--%s is yes or no, not: %.*s", key, SLICE_ARG(word));
    return -ERR_CONFIG;
}

static const char *asked(const struct options *options, const char *key, struct buf *why)
{
    const char *value = options_text(options, key);
    if (value == NULL)
        buf_printf(why, "--%s names a folder", key);
    return value;
}

/* ---- backup ---- */

/* What was there when we came is waited for: the next group or head, which comes within a second by
 * default, says that it is durable. After a while the backup ends before it, and says so. */
static void want_what_was_seen(struct backup_options *options, const struct backup_report *report,
                               unsigned attempt)
{
    if (options->seq_wanted == UINT64_MAX)
        options->seq_wanted = report->seq_seen;
    if (attempt >= WAITS_MAX)
        options->seq_wanted = 0;
}

/* A write or roll under way can look like damage, but not three times alike. */
static int run_until_sure(struct backup_options *options, struct backup_report *report)
{
    char before[BACKUP_TEXT_BYTES] = "";
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    unsigned alike = 0;
    options->seq_wanted = UINT64_MAX;
    for (unsigned attempt = 0;; attempt++) {
        int error = backup_run(options, report);
        alike = strcmp(before, report->text) == 0 ? alike + 1 : 1;
        memcpy(before, report->text, sizeof before);
        bool again = error == -ERR_STOPPED || (error == -ERR_CORRUPT && alike < ALIKE_MAX);
        if (!again || attempt == ATTEMPTS_MAX)
            return error;
        if (error == -ERR_STOPPED)
            want_what_was_seen(options, report, attempt);
        (void)nanosleep(&pause, NULL);
    }
}

static void say_backup(const struct backup_report *report)
{
    put_u64("records", report->seq);
    put_time(report->time_us);
    put_root(&report->root);
    put_u64("segments_copied", report->segments_copied);
    put_u64("segments_kept", report->segments_kept);
    put_u64("odds_segments_copied", report->odds_copied);
    put_u64("odds_segments_kept", report->odds_kept);
    put_u64("heads_kept", report->heads);
    put_u64("bytes_copied", report->bytes_copied);
    if (report->seq_seen > report->seq)
        (void)printf("records_left_out %" PRIu64 "\n", report->seq_seen - report->seq);
}

static int run_backup(struct backup_options *options, struct buf *why)
{
    struct backup_report report = {.text = ""};
    options->now_us = clock_us(CLOCK_REALTIME);
    int error = run_until_sure(options, &report);
    if (error == -ERR_BUSY)
        buf_put_text(why, "another backup to this folder is under way");
    if (error == 0)
        say_backup(&report);
    return explain(report.text, error, why);
}

static int with_folders(const struct options *options, const char *data, const char *to,
                        struct buf *why)
{
    struct backup_options backup = {.shard = 0};
    int error = read_yes(options, "recheck", &backup.recheck, why);
    if (error == 0)
        error = open_to_read(data, &backup.from, why);
    if (error == 0)
        error = ledger_folder_shard(backup.from.folders[BACKUP_LEDGER], &backup.shard);
    if (error == 0)
        error = open_second(options_text(options, "log-second"), &backup.second, why);
    if (error == 0)
        error = open_to_write(to, &backup.to, why);
    if (error == 0)
        error = run_backup(&backup, why);
    disk_free(backup.second);
    close_disks(&backup.from);
    close_disks(&backup.to);
    return error;
}

int ledger_backup(const struct options *options, struct buf *why)
{
    const char *data = options_text(options, "data");
    const char *to = asked(options, "to", why);
    const char *keys_to = options_text(options, "keys-to");
    if (to == NULL)
        return -ERR_CONFIG;
    TRY(with_folders(options, data, to, why));
    if (keys_to != NULL)
        TRY(keys_copy_out(data, keys_to, why));
    (void)printf("backup complete\n");
    return 0;
}

/* ---- restore ---- */

static int read_until(const struct options *options, struct restore_until *ret, struct buf *why)
{
    const char *text = options_text(options, "until");
    struct instant instant;
    *ret = (struct restore_until){0, INT64_MAX};
    if (text == NULL)
        return 0;
    if (rfc3339_parse(slice_text(text), &instant) == 0) {
        ret->time_us = instant.us;
        return 0;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || at - text >= 18)
            ret->time_us = 0;
        else
            ret->seq = ret->seq * 10 + (uint64_t)(*at - '0');
    }
    if (ret->time_us != 0 && ret->seq != 0)
        return 0;
    buf_printf(why, "--until is a record's number or an instant, not %s", text);
    return -ERR_CONFIG;
}

static int note_any(void *owner, const char *name)
{
    bool *any = owner;
    (void)name;
    *any = true;
    return 0;
}

/* Never over anything. */
static int check_empty(const char *folder, struct buf *why)
{
    struct disk *disk;
    bool any = false;
    int error = disk_open_to_read(folder, &disk);
    if (error == -ERR_NOT_FOUND)
        return 0;
    if (error < 0)
        return fail_at(folder, error, why);
    error = disk->ops->list(disk, note_any, &any);
    disk_free(disk);
    TRY(error);
    if (!any)
        return 0;
    buf_printf(why, "%s is not empty: a restore needs a folder of its own", folder);
    return -ERR_CONFIG;
}

static void say_restore(const struct restore_report *report)
{
    put_u64("records", report->seq);
    put_time(report->time_us);
    put_root(&report->root);
    put_u64("records_in_backup", report->seq_backup);
    put_u64("accounts", report->accounts);
    put_u64("heads_kept", report->heads);
    put_u64("heads_set_aside", report->heads_aside);
    put_u64("bytes_written", report->bytes);
    if (report->seq < report->seq_backup)
        (void)printf("warning: %" PRIu64 " records that were acknowledged are left out\n",
                     report->seq_backup - report->seq);
    if (report->heads_aside > 0)
        (void)printf("warning: %" PRIu64
                     " signed heads of more records are set aside in tree/%s: whoever holds one of "
                     "them can prove that this book has gone on and was cut (L8)\n",
                     report->heads_aside, report->aside);
    (void)printf("warning: the same is true of every head that was published after record %" PRIu64
                 "; say so before they do\n",
                 report->seq);
}

static int restore_into(struct restore *restore, const char *data, struct buf *why)
{
    struct backup_disks to = {.root = NULL};
    TRY(check_empty(data, why));
    int error = open_to_write(data, &to, why);
    if (error == 0)
        error = restore_write(restore, &to);
    close_disks(&to);
    return error;
}

static int run_restore(const struct backup_disks *from, struct restore_until until,
                       const struct options *options, struct buf *why)
{
    const char *data = options_text(options, "data"),
               *keys_from = options_text(options, "keys-from");
    struct restore_report report;
    struct restore *restore;
    TRY(explain(report.text, restore_new(from, until, &report, &restore), why));
    int error = explain(report.text, restore_into(restore, data, why), why);
    if (error == 0 && keys_from != NULL)
        error = keys_copy_in(keys_from, data, report.accounts, why);
    restore_free(restore);
    if (error == 0)
        say_restore(&report);
    return error;
}

int ledger_restore(const struct options *options, struct buf *why)
{
    struct backup_disks disks = {.root = NULL};
    struct restore_until until;
    const char *from = asked(options, "from", why);
    if (from == NULL)
        return -ERR_CONFIG;
    TRY(read_until(options, &until, why));
    TRY(check_empty(options_text(options, "data"), why));
    int error = open_to_read(from, &disks, why);
    if (error == 0)
        error = run_restore(&disks, until, options, why);
    close_disks(&disks);
    if (error == 0)
        (void)printf("restore complete\n");
    return error;
}
