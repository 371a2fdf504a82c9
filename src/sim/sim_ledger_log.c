/* sim_ledger_log.c - contract in sim_ledger_log.h. */
#include "sim/sim_ledger_log.h"

#include <string.h>

#include "adapters/embedded/ledger_replay.h"
#include "base/assert.h"
#include "base/error.h"

#define LOOK_US 1000000 /* as the writer's thread does */

static struct sim_ledger_log *log_of(struct ledger_log *port)
{
    return (struct sim_ledger_log *)port;
}

static int log_append(struct ledger_log *port, struct ledger_append *append)
{
    struct sim_ledger_log *log = log_of(port);
    if (append->bytes > ledger_store_bytes_max(log->store))
        return -ERR_LIMIT;
    if (log->append != NULL)
        return -ERR_BUSY;
    if (log->store->stopped)
        return -ERR_STOPPED;
    log->append = append;
    log->append_due_us = log->now_us + log->latency_us;
    return 0;
}

static int log_read(struct ledger_log *port, struct ledger_read *read)
{
    struct sim_ledger_log *log = log_of(port);
    if (log->reads_count == LEDGER_READS_MAX)
        return -ERR_BUSY;
    log->reads[log->reads_count++] = read;
    return 0;
}

static int log_replay(struct ledger_log *port, uint32_t shard, uint64_t seq_first,
                      ledger_visit visit, void *owner)
{
    struct sim_ledger_log *log = log_of(port);
    struct ledger_view view = ledger_store_view(log->store);
    ASSERT(shard == log->store->options.shard);
    return ledger_replay(&view, seq_first, visit, owner, log->problem);
}

static uint64_t log_tail(struct ledger_log *port, uint32_t shard)
{
    (void)shard;
    return log_of(port)->store->place.seq;
}

static int log_take_epoch(struct ledger_log *port, uint32_t shard, uint64_t *ret_epoch)
{
    (void)shard;
    return ledger_store_take_epoch(log_of(port)->store, ret_epoch);
}

static void carry_out(struct sim_ledger_log *log)
{
    struct ledger_append *append = log->append;
    enum append_outcome outcome = ledger_store_append(log->store, append);
    log->prepare = true;
    if (outcome == APPEND_OK && log->follower.on_durable != NULL)
        log->follower.on_durable(log->follower.owner, append);
    if (log->fate != SIM_FATE_ANSWER) { /* done or half done, and nobody is told */
        log->died = true;
        return;
    }
    log->append = NULL;
    log->ops_told = faulty_disk_ops_count(log->disk);
    append->on_done(append, outcome);
}

static void serve_reads(struct sim_ledger_log *log)
{
    struct ledger_read *waiting[LEDGER_READS_MAX];
    size_t count = log->reads_count;
    memcpy(waiting, log->reads, count * sizeof *waiting);
    log->reads_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ledger_view view = ledger_store_view(log->store);
        size_t bytes = 0;
        int error = ledger_lookup_read(log->lookup, &view, waiting[i], &bytes);
        waiting[i]->on_done(waiting[i], error, bytes);
    }
}

static enum ledger_trouble log_trouble(struct ledger_log *port)
{
    return ledger_store_hand(log_of(port)->store)->full ? LEDGER_FULL : LEDGER_WELL;
}

static void log_poll(struct ledger_log *port)
{
    struct sim_ledger_log *log = log_of(port);
    if (log->died)
        return;
    if (log->look_due_us <= log->now_us) {
        ledger_store_look(log->store);
        log->look_due_us = log->now_us + LOOK_US;
    }
    if (log->append != NULL && log->append_due_us <= log->now_us)
        carry_out(log);
    else if (log->prepare) /* as the writer thread does between two commits */
        log->prepare = ledger_store_prepare_step(log->store);
    if (!log->died)
        serve_reads(log);
}

static void log_free(struct ledger_log *port)
{
    (void)port;
}

int sim_ledger_log_init(struct sim_ledger_log *log, struct ledger_store *store,
                        struct faulty_disk *disk)
{
    static const struct ledger_log_ops ops = {.append = log_append,
                                              .read = log_read,
                                              .replay = log_replay,
                                              .tail = log_tail,
                                              .take_epoch = log_take_epoch,
                                              .trouble = log_trouble,
                                              .poll = log_poll,
                                              .free = log_free};
    *log = (struct sim_ledger_log){
        .port = {.ops = &ops}, .store = store, .disk = disk, .prepare = true};
    return ledger_lookup_new(&log->lookup);
}

void sim_ledger_log_done(struct sim_ledger_log *log)
{
    ledger_lookup_free(log->lookup);
    *log = (struct sim_ledger_log){.port = {.ops = NULL}};
}
