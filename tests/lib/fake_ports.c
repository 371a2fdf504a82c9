/* fake_ports.c - contract in fake_ports.h. */
#include "fake_ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "ledger/record.h"

static struct fake_log *log_of(struct ledger_log *port)
{
    return (struct fake_log *)port;
}

static int log_append(struct ledger_log *port, struct ledger_append *append)
{
    struct fake_log *log = log_of(port);
    if (log->under_way != NULL)
        return -ERR_BUSY;
    ASSERT(append->shard == log->shard);
    if (append->bytes > ledger_append_bytes_max(port))
        return -ERR_LIMIT;
    if (append->bytes > log->largest)
        log->largest = append->bytes;
    log->under_way = append;
    if (port->notify != NULL && !log->hold)
        port->notify(port->notify_owner);
    return 0;
}

static int log_read(struct ledger_log *port, struct ledger_read *read)
{
    struct fake_log *log = log_of(port);
    ASSERT(read->shard == log->shard);
    if (log->reads_count == LEDGER_READS_MAX)
        return -ERR_BUSY;
    log->reads[log->reads_count++] = read;
    return 0;
}

static int log_replay(struct ledger_log *port, uint32_t shard, uint64_t seq_first,
                      ledger_visit visit, void *owner)
{
    struct fake_log *log = log_of(port);
    ASSERT(shard == log->shard);
    for (size_t at = 0; at < log->size;) {
        const struct record_head *head = (const void *)(log->bytes + at);
        if (head->seq >= seq_first) {
            int error = visit(owner, shard, log->bytes + at, head->bytes);
            if (error < 0)
                return error;
        }
        at += head->bytes;
    }
    return 0;
}

static uint64_t log_tail(struct ledger_log *port, uint32_t shard)
{
    ASSERT(shard == log_of(port)->shard);
    return log_of(port)->tail;
}

static int log_take_epoch(struct ledger_log *port, uint32_t shard, uint64_t *ret_epoch)
{
    ASSERT(shard == log_of(port)->shard);
    *ret_epoch = ++log_of(port)->epoch;
    return 0;
}

static void answer_read(struct fake_log *log, struct ledger_read *read)
{
    size_t bytes = 0;
    uint32_t found = 0;
    for (size_t at = 0; at < log->size && found < read->count;) {
        const struct record_head *head = (const void *)(log->bytes + at);
        at += head->bytes;
        if (head->seq < read->seq_first)
            continue;
        if (head->bytes > read->capacity - bytes) {
            read->on_done(read, -ERR_LIMIT, 0);
            return;
        }
        memcpy(read->memory + bytes, head, head->bytes);
        bytes += head->bytes;
        found++;
    }
    read->on_done(read, found == read->count ? 0 : -ERR_NOT_FOUND, bytes);
}

static void complete_append(struct fake_log *log)
{
    struct ledger_append *append = log->under_way;
    log->under_way = NULL;
    if (log->fail_next) {
        append->on_done(append, APPEND_UNKNOWN);
        return;
    }
    log->until_us = append->until_us;
    if (log->late_next && append->until_us != 0) {
        log->late_next = false;
        append->on_done(append, APPEND_LATE);
        return;
    }
    if (log->full || log->refuse_next) {
        log->refuse_next = false;
        log->refusals++;
        append->on_done(append, APPEND_REFUSED);
        return;
    }
    if (append->expected_tail != log->tail || append->epoch != log->epoch) {
        append->on_done(append, APPEND_MOVED);
        return;
    }
    while (log->size + append->bytes > log->capacity) {
        log->capacity = log->capacity == 0 ? 1 << 20 : log->capacity * 2;
        log->bytes = realloc(log->bytes, log->capacity);
        ASSERT(log->bytes != NULL);
    }
    memcpy(log->bytes + log->size, append->records, append->bytes);
    log->size += append->bytes;
    log->tail += append->count;
    append->on_done(append, APPEND_OK);
}

static enum ledger_trouble log_trouble(struct ledger_log *port)
{
    return log_of(port)->trouble;
}

static void log_poll(struct ledger_log *port)
{
    struct fake_log *log = log_of(port);
    size_t reads = log->reads_count;
    struct ledger_read *waiting[LEDGER_READS_MAX];
    memcpy(waiting, log->reads, sizeof waiting);
    log->reads_count = 0;
    for (size_t i = 0; i < reads; i++)
        answer_read(log, waiting[i]);
    if (log->under_way != NULL && !log->hold)
        complete_append(log);
}

static void log_free(struct ledger_log *port)
{
    (void)port;
}

static uint64_t log_confirmed(struct ledger_log *port, uint32_t shard)
{
    return log_of(port)->unconfirmed ? 0 : log_tail(port, shard);
}

void fake_log_init(struct fake_log *log)
{
    static const struct ledger_log_ops ops = {.append = log_append,
                                              .read = log_read,
                                              .replay = log_replay,
                                              .tail = log_tail,
                                              .take_epoch = log_take_epoch,
                                              .trouble = log_trouble,
                                              .poll = log_poll,
                                              .free = log_free,
                                              .confirmed = log_confirmed};
    *log = (struct fake_log){.port = {.ops = &ops}};
}

void fake_log_done(struct fake_log *log)
{
    free(log->bytes);
}

static struct slice keep_text(char to[MARKET_ID_BYTES_MAX], struct slice from)
{
    ASSERT(from.bytes <= MARKET_ID_BYTES_MAX);
    memcpy(to, from.at, from.bytes);
    return (struct slice){to, from.bytes};
}

static uint64_t odds_append(struct odds_log *port, const struct odds_log_change *change)
{
    struct fake_odds_log *log = (struct fake_odds_log *)port;
    if (log->fail)
        return 0;
    ASSERT(log->position < FAKE_ODDS_CHANGES_MAX);
    ASSERT(change->selections_count <= FAKE_ODDS_SELECTIONS_MAX);
    struct fake_odds_change *kept = &log->changes[log->position];
    kept->change = *change;
    kept->change.market_id = keep_text(kept->texts[0], change->market_id);
    kept->change.event_id = keep_text(kept->texts[1], change->event_id);
    for (size_t i = 0; i < change->selections_count; i++) {
        kept->selections[i] = change->selections[i];
        kept->selections[i].id = keep_text(kept->texts[2 + i], change->selections[i].id);
    }
    kept->change.selections = kept->selections;
    return ++log->position;
}

static int odds_take_epoch(struct odds_log *port, uint32_t least, uint32_t *ret_epoch)
{
    struct fake_odds_log *log = (struct fake_odds_log *)port;
    log->epoch = log->epoch + 1 < least ? least : log->epoch + 1;
    *ret_epoch = log->epoch;
    return 0;
}

static int odds_replay(struct odds_log *port, odds_log_visit visit, void *owner)
{
    struct fake_odds_log *log = (struct fake_odds_log *)port;
    for (uint64_t i = 0; i < log->position; i++) {
        int error = visit(owner, i + 1, &log->changes[i].change);
        if (error < 0)
            return error;
    }
    return 0;
}

static void odds_free(struct odds_log *port)
{
    (void)port;
}

void fake_odds_log_init(struct fake_odds_log *log)
{
    static const struct odds_log_ops ops = {.append = odds_append,
                                            .take_epoch = odds_take_epoch,
                                            .replay = odds_replay,
                                            .free = odds_free};
    *log = (struct fake_odds_log){.port = {.ops = &ops}};
    log->changes = calloc(FAKE_ODDS_CHANGES_MAX, sizeof *log->changes);
    ASSERT(log->changes != NULL);
}

void fake_odds_log_done(struct fake_odds_log *log)
{
    free(log->changes);
}
