/* node_check.c - contract in node_check.h. */
#include "cli/node/node_check.h"

#include <signal.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/snapshot_file.h"
#include "base/error.h"

#define STEP_BYTES (1u << 20)

/* -ERR_STOPPED: as far as was asked for. */
static int note_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct node_check *check = owner;
    (void)shard, (void)record, (void)bytes; /* its checksums were right */
    return ++check->seq == check->seq_last ? -ERR_STOPPED : 0;
}

static void *run(void *owner)
{
    struct node_check *check = owner;
    const struct ledger_cursor_ops *ops = check->cursor->ops;
    int result = 1;
    (void)ops->look(check->cursor);
    while (result > 0 && __atomic_load_n(&check->stop, __ATOMIC_ACQUIRE) == 0)
        result = ops->step(check->cursor, STEP_BYTES, note_record, check);
    check->result = result == -ERR_STOPPED || result > 0 ? 0 : result;
    return NULL;
}

static int newest_snapshot(struct disk *disk, uint32_t shard, uint64_t *ret_seq)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    TRY(snapshot_file_list(disk, shard, names, &count));
    *ret_seq = count == 0 ? 0 : names[count - 1].seq;
    return 0;
}

int node_check_begin(struct node_check *check, uint32_t shard, struct disk *disk,
                     struct ledger_log *log)
{
    const struct ledger_cursor_log cursor_log = ledger_file_cursor_log(log);
    sigset_t all, before;
    TRY(newest_snapshot(disk, shard, &check->seq_last));
    if (check->seq_last == 0)
        return 0; /* the fold begins with record 1 */
    TRY(ledger_cursor_file_new(&cursor_log, &check->cursor));
    uint64_t seq_live = ledger_file_live_seq(log);
    if (seq_live > check->seq_last)
        return 0; /* all of it is in the archive */
    check->cursor->ops->seek(check->cursor, seq_live);
    check->seq = seq_live - 1;
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    check->running = pthread_create(&check->thread, NULL, run, check) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return check->running ? 0 : -ERR_MEMORY;
}

static void join(struct node_check *check)
{
    if (check->running)
        (void)pthread_join(check->thread, NULL);
    check->running = false;
}

int node_check_wait(void *owner, const char **ret_reason)
{
    struct node_check *check = owner;
    join(check);
    if (check->result < 0)
        *ret_reason = ledger_cursor_file_problem(check->cursor);
    return check->result;
}

void node_check_end(struct node_check *check)
{
    __atomic_store_n(&check->stop, 1, __ATOMIC_RELEASE);
    join(check);
    if (check->cursor != NULL)
        check->cursor->ops->free(check->cursor);
    check->cursor = NULL;
}
