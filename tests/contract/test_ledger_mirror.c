/* test_ledger_mirror.c - the ledger_log contract on a PostgreSQL with a copy in files. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/faulty/faulty_disk.h"
#include "adapters/mirror/ledger_mirror.h"
#include "adapters/postgres/pg_ledger.h"
#include "base/error.h"
#include "ledger_log_contract.h"
#include "postgres_server.h"

#define SEGMENT_BYTES (2u << 20)

struct mirror_subject {
    struct log_subject subject;
    struct faulty_disk *disk;
    struct postgres_session *lock;
};

static struct mirror_subject *mirror_of(struct log_subject *subject)
{
    return (struct mirror_subject *)subject;
}

static int raise_epoch(void *owner, uint64_t epoch)
{
    return ledger_file_raise_epoch(owner, epoch);
}

static int subject_open(struct log_subject *subject, struct ledger_log **ret_log)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    const struct pg_ledger_options database = {.conninfo = postgres_server(),
                                               .close_us_max = 20000000};
    const struct ledger_file_options files = {.store = {.segment_bytes = SEGMENT_BYTES}};
    struct ledger_mirror_options options = {.raise_epoch = raise_epoch};
    struct ledger_mirror_report mirror;
    struct ledger_report report;
    struct disk *disk = faulty_disk_of(mirror_of(subject)->disk);
    assert_int_equal(ledger_file_open(&files, disk, &report, &options.copy), 0);
    assert_int_equal(pg_ledger_open(&database, &options.authority, &why), 0);
    options.owner = options.copy;
    return ledger_mirror_open(&options, ret_log, &mirror, &why);
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

static void subject_free(struct log_subject *subject)
{
    postgres_run("DROP TABLE IF EXISTS ledger, ledger_schema;"
                 "DROP FUNCTION IF EXISTS ledger_is_insert_only()");
    faulty_disk_free(mirror_of(subject)->disk);
    free(subject);
}

static struct log_subject *subject_new(void)
{
    if (postgres_server() == NULL)
        skip();
    struct mirror_subject *mirror = calloc(1, sizeof *mirror);
    assert_non_null(mirror);
    mirror->disk = faulty_disk_new();
    mirror->subject = (struct log_subject){
        .open = subject_open, .close = subject_close, .hold = subject_hold, .free = subject_free};
    return &mirror->subject;
}

LEDGER_LOG_CONTRACT(ledger_mirror, subject_new)
