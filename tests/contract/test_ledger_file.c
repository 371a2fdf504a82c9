/* test_ledger_file.c - the ledger_log contract on ledger_file: on a real directory and on the
 * fake disk, which can also be slow, full and broken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "ledger_log_contract.h"

#define SEGMENT_BYTES (2u << 20) /* so that the suite rolls */

struct file_subject {
    struct log_subject subject;
    char path[64];
    struct disk *disk;
    struct faulty_disk *fake;
};

static struct file_subject *file_of(struct log_subject *subject)
{
    return (struct file_subject *)subject;
}

static int open_on(struct disk *disk, struct ledger_log **ret_log)
{
    struct ledger_file_options options = {.store = {.segment_bytes = SEGMENT_BYTES}};
    struct ledger_report report;
    int result = ledger_file_open(&options, disk, &report, ret_log);
    if (result < 0)
        print_error("%s\n", report.text);
    return result;
}

/* --- A real directory --- */

static int real_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    struct file_subject *file = file_of(subject);
    int result = disk_open_directory(file->path, &file->disk);
    return result < 0 ? result : open_on(file->disk, ret_log);
}

static void real_close(struct log_subject *subject)
{
    disk_free(file_of(subject)->disk);
}

static int remove_file(void *owner, const char *name)
{
    struct disk *disk = owner;
    return disk->ops->unlink(disk, name);
}

static void real_free(struct log_subject *subject)
{
    struct file_subject *file = file_of(subject);
    struct disk *disk = NULL;
    assert_int_equal(disk_open_directory(file->path, &disk), 0);
    assert_int_equal(disk->ops->list(disk, remove_file, disk), 0);
    disk_free(disk);
    assert_int_equal(rmdir(file->path), 0);
    free(file);
}

static struct log_subject *real_new(void)
{
    struct file_subject *file = calloc(1, sizeof *file);
    assert_non_null(file);
    (void)snprintf(file->path, sizeof file->path, "/tmp/ledger-contract-XXXXXX");
    assert_non_null(mkdtemp(file->path));
    file->subject = (struct log_subject){.open = real_open, .close = real_close, .free = real_free};
    return &file->subject;
}

LEDGER_LOG_CONTRACT(ledger_file_on_a_directory, real_new)

/* --- The fake disk --- */

static int fake_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    return open_on(faulty_disk_of(file_of(subject)->fake), ret_log);
}

static void fake_close(struct log_subject *subject)
{
    (void)subject;
}

static void fake_hold(struct log_subject *subject, bool hold)
{
    faulty_disk_hold_syncs(file_of(subject)->fake, hold);
}

static void fake_fail_next(struct log_subject *subject)
{
    /* Preparing the next segment may meet the failure instead, which is survived: wait for it. */
    struct faulty_disk *fake = file_of(subject)->fake;
    size_t count = 0;
    while (count != faulty_disk_ops_count(fake)) {
        count = faulty_disk_ops_count(fake);
        usleep(50000);
    }
    faulty_disk_fail_sync(fake, 1);
}

static void fake_fill(struct log_subject *subject, bool full)
{
    faulty_disk_limit(file_of(subject)->fake, full ? 1 : 0);
}

static void fake_free(struct log_subject *subject)
{
    faulty_disk_free(file_of(subject)->fake);
    free(file_of(subject));
}

static struct log_subject *fake_new(void)
{
    struct file_subject *file = calloc(1, sizeof *file);
    assert_non_null(file);
    file->fake = faulty_disk_new();
    file->subject = (struct log_subject){.open = fake_open,
                                         .close = fake_close,
                                         .hold = fake_hold,
                                         .fail_next = fake_fail_next,
                                         .fill = fake_fill,
                                         .free = fake_free};
    return &file->subject;
}

LEDGER_LOG_CONTRACT(ledger_file_on_the_fake_disk, fake_new)
LEDGER_LOG_CONTRACT_FAULTS(ledger_file_on_the_fake_disk, fake_new)
