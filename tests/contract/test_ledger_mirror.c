/* test_ledger_mirror.c - the ledger_log contract on a PostgreSQL with a copy in files: either of
 * them fails, the database fills, and the wire to it breaks. */
#include <stdlib.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "adapters/mirror/ledger_mirror.h"
#include "base/error.h"
#include "ledger_log_contract.h"
#include "pg_medium.h"
#include "postgres_server.h"
#include "postgres_wire.h"

#define SEGMENT_BYTES (2u << 20)

struct mirror_subject {
    struct log_subject subject;
    struct faulty_disk *disk;
    struct postgres_session *lock;
    struct postgres_wire wire;
};

static struct mirror_subject *mirror_of(struct log_subject *subject)
{
    return (struct mirror_subject *)subject;
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    return ledger_file_raise_epoch(owner, epoch);
}

static int open_at(struct log_subject *subject, const char *conninfo, int64_t close_us_max,
                   struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct ledger_file_options files = {.store = {.segment_bytes = SEGMENT_BYTES}};
    struct ledger_mirror_options options = {.raise_epoch = raise_epoch};
    struct ledger_mirror_report mirror;
    struct ledger_report report;
    struct disk *disk = faulty_disk_of(mirror_of(subject)->disk);
    assert_int_equal(ledger_file_open(&files, disk, &report, &options.copy), 0);
    assert_int_equal(pg_medium_open(conninfo, 0, close_us_max, &options.authority), 0);
    options.owner = options.copy;
    return ledger_mirror_open(&options, ret_log, &mirror, &why);
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    return open_at(subject, postgres_server(), 20000000, ret_log);
}

static void subject_close(struct log_subject *subject)
{
    (void)subject;
}

/* The table is locked, and the disk under the copy does not answer. */
static void subject_hold(struct log_subject *subject, bool hold)
{
    struct mirror_subject *mirror = mirror_of(subject);
    faulty_disk_hold_syncs(mirror->disk, hold);
    if (hold)
        mirror->lock = postgres_session_begin("LOCK TABLE ledger IN SHARE MODE");
    else
        postgres_session_end(mirror->lock);
}

static void subject_fail_next(struct log_subject *subject)
{
    (void)subject;
    pg_medium_refuse("XX001", true); /* data_corrupted */
}

static void subject_fill(struct log_subject *subject, bool full)
{
    (void)subject;
    pg_medium_fill(full);
}

static void subject_free(struct log_subject *subject)
{
    pg_medium_clean();
    faulty_disk_free(mirror_of(subject)->disk);
    free(subject);
}

static struct log_subject *subject_new(void)
{
    if (postgres_server() == NULL)
        skip();
    pg_medium_clean(); /* behind one that failed */
    struct mirror_subject *mirror = calloc(1, sizeof *mirror);
    assert_non_null(mirror);
    mirror->disk = faulty_disk_new();
    mirror->subject = (struct log_subject){.open = subject_open,
                                           .close = subject_close,
                                           .hold = subject_hold,
                                           .fail_next = subject_fail_next,
                                           .fill = subject_fill,
                                           .free = subject_free};
    return &mirror->subject;
}

LEDGER_LOG_CONTRACT(ledger_mirror, subject_new)
LEDGER_LOG_CONTRACT_FAULTS(ledger_mirror, subject_new)

/* ---- the copy fails ---- */

static void copy_fail_next(struct log_subject *subject)
{
    /* Preparing the next segment may meet the failure instead, which is survived: wait for it. */
    struct faulty_disk *disk = mirror_of(subject)->disk;
    size_t count = 0;
    while (count != faulty_disk_ops_count(disk)) {
        count = faulty_disk_ops_count(disk);
        usleep(50000);
    }
    faulty_disk_fail_sync(disk, 1);
}

static struct log_subject *failing_copy_new(void)
{
    struct log_subject *subject = subject_new();
    subject->fail_next = copy_fail_next;
    return subject;
}

/* What stands cannot be refused: a copy without space is waited for (unit/mirror). */
LEDGER_LOG_CONTRACT_TEST(ledger_mirror_copy, failing_copy_new, stops_for_ever_after_a_failure)

/* ---- over a wire ---- */

static int wired_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    return open_at(subject, mirror_of(subject)->wire.conninfo, 1000000, ret_log);
}

static int wired_open_beside(struct log_subject *subject, struct ledger_log **ret_log)
{
    (void)subject;
    return pg_medium_open(postgres_server(), 0, 20000000, ret_log);
}

static long wired_groups(struct log_subject *subject)
{
    (void)subject;
    return pg_medium_groups();
}

static void wired_crash(struct log_subject *subject)
{
    (void)subject;
    postgres_server_restart(true);
}

static void wired_free(struct log_subject *subject)
{
    postgres_wire_close(&mirror_of(subject)->wire);
    subject_free(subject);
}

static struct log_subject *wired_new(void)
{
    struct log_subject *subject = subject_new();
    struct mirror_subject *mirror = mirror_of(subject);
    assert_true(postgres_wire_open(&mirror->wire));
    subject->wire = mirror->wire.proxy;
    subject->open = wired_open;
    subject->open_beside = wired_open_beside;
    subject->groups = wired_groups;
    subject->crash = wired_crash;
    subject->free = wired_free;
    return subject;
}

LEDGER_LOG_CONTRACT_WIRE(ledger_mirror_over_a_wire, wired_new)
LEDGER_LOG_CONTRACT_CRASH(ledger_mirror_over_a_wire, wired_new)
