/* ledger_meter.c - contract in ledger_meter.h. */
#include "cli/ledger/ledger_meter.h"

#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"
#include "ledger/record.h"

static const uint64_t bets_bounds[] = {0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000};

static struct ledger_meter *meter_of(struct ledger_log *log)
{
    return (struct ledger_meter *)log; /* its first member */
}

static uint64_t bets_in(const struct ledger_append *append)
{
    uint64_t bets = 0;
    for (size_t at = 0; at < append->bytes;) {
        struct record_head head;
        memcpy(&head, append->records + at, sizeof head);
        bets += head.type == RECORD_BET;
        at += head.bytes;
    }
    return bets;
}

static void on_done(struct ledger_append *append, enum append_outcome outcome)
{
    struct ledger_meter *meter = append->owner;
    struct ledger_append *asked = meter->asked;
    if (outcome == APPEND_OK) {
        metrics_record(&meter->commit_us, (uint64_t)(clock_us(CLOCK_MONOTONIC) - meter->begun_us));
        metrics_record(&meter->commit_bets, bets_in(asked));
    }
    meter->asked = NULL;
    asked->on_done(asked, outcome);
}

static int meter_append(struct ledger_log *log, struct ledger_append *append)
{
    struct ledger_meter *meter = meter_of(log);
    if (meter->asked != NULL)
        return -ERR_BUSY;
    meter->append = *append;
    meter->append.on_done = on_done;
    meter->append.owner = meter;
    meter->asked = append;
    meter->begun_us = clock_us(CLOCK_MONOTONIC);
    int error = meter->inner->ops->append(meter->inner, &meter->append);
    if (error < 0)
        meter->asked = NULL;
    return error;
}

static int meter_read(struct ledger_log *log, struct ledger_read *read)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->read(inner, read);
}

static int meter_replay(struct ledger_log *log, uint32_t shard, uint64_t seq_first,
                        ledger_visit visit, void *owner)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->replay(inner, shard, seq_first, visit, owner);
}

static uint64_t meter_tail(struct ledger_log *log, uint32_t shard)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->tail(inner, shard);
}

static int meter_take_epoch(struct ledger_log *log, uint32_t shard, uint64_t *ret_epoch)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->take_epoch(inner, shard, ret_epoch);
}

static enum ledger_trouble meter_trouble(struct ledger_log *log)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->trouble(inner);
}

static void meter_poll(struct ledger_log *log)
{
    struct ledger_log *inner = meter_of(log)->inner;
    inner->ops->poll(inner);
}

static void meter_free(struct ledger_log *log)
{
    struct ledger_log *inner = meter_of(log)->inner;
    inner->ops->free(inner);
}

static uint64_t meter_confirmed(struct ledger_log *log, uint32_t shard)
{
    struct ledger_log *inner = meter_of(log)->inner;
    return inner->ops->confirmed == NULL ? inner->ops->tail(inner, shard)
                                         : inner->ops->confirmed(inner, shard);
}

static const struct ledger_log_ops ops = {
    .append = meter_append,
    .read = meter_read,
    .replay = meter_replay,
    .tail = meter_tail,
    .take_epoch = meter_take_epoch,
    .trouble = meter_trouble,
    .poll = meter_poll,
    .free = meter_free,
    .confirmed = meter_confirmed,
};

/* The inner log tells the owner of this one. */
static void on_notify(void *owner)
{
    struct ledger_meter *meter = owner;
    if (meter->log.notify != NULL)
        meter->log.notify(meter->log.notify_owner);
}

void ledger_meter_init(struct ledger_meter *meter, struct ledger_log *inner)
{
    *meter = (struct ledger_meter){
        .log = {.ops = &ops, .append_bytes_max = inner->append_bytes_max}, .inner = inner};
    inner->notify = on_notify;
    inner->notify_owner = meter;
    metrics_histogram_init(&meter->commit_us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    metrics_histogram_init(&meter->commit_bets, bets_bounds,
                           sizeof bets_bounds / sizeof *bets_bounds);
}

int ledger_meter_register_metrics(struct ledger_meter *meter, struct metrics *metrics)
{
    TRY(metrics_add_histogram(metrics,
                              (struct metrics_name){"overround_ledger_commit_seconds",
                                                    "From an append to its durability", NULL, 6},
                              &meter->commit_us));
    return metrics_add_histogram(
        metrics,
        (struct metrics_name){"overround_ledger_commit_bets", "Bets in one durable group", NULL, 0},
        &meter->commit_bets);
}
