/* commit.c - contract in commit.h. */
#include "app/commit.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "ledger/shard_amend.h"

struct waiting {
    uint32_t record; /* index in the group, or UINT32_MAX for none */
    struct commit_waiter waiter;
};

struct group {
    struct commit *commit;
    struct buf out;
    struct record_view *views; /* owns; COMMIT_RECORDS_MAX */
    struct waiting *waiting;   /* owns; COMMIT_WAITERS_MAX */
    uint64_t seq_before;
    int64_t until_us; /* it is to be written by then; INT64_MAX: whenever */
    uint32_t records_count;
    uint32_t waiting_count;
    struct ledger_append append;
};

struct commit {
    struct ledger_log *log;
    struct shard_state *state;
    struct commit_events events;
    size_t group_bytes;
    struct group groups[COMMIT_GROUPS_MAX]; /* a ring */
    uint32_t first;                         /* the oldest; under way when log_busy */
    uint32_t count;                         /* at least 1: the newest is being built */
    bool log_busy;
    bool refused;         /* the oldest, at its last try */
    struct monotonic now; /* of the last flush */
    int64_t again_us;     /* when the refused one is tried again */
    uint64_t epoch;
    uint64_t durable_seq;
    uint64_t groups_durable, groups_late;
    bool stopped;
};

static struct group *building(const struct commit *commit)
{
    uint32_t last = (commit->first + commit->count - 1) % COMMIT_GROUPS_MAX;
    return (struct group *)&commit->groups[last];
}

static int group_make(struct group *group, struct commit *commit)
{
    char *memory = aligned_alloc(4096, COMMIT_BYTES_MAX);
    group->commit = commit;
    group->out = buf_over(memory, commit->group_bytes);
    group->views = reserve_new(COMMIT_RECORDS_MAX, sizeof *group->views);
    group->waiting = reserve_new(COMMIT_WAITERS_MAX, sizeof *group->waiting);
    return memory == NULL || group->views == NULL || group->waiting == NULL ? -ERR_MEMORY : 0;
}

int commit_new(struct ledger_log *log, struct shard_state *state, uint64_t epoch,
               const struct commit_events *events, struct commit **ret_commit)
{
    struct commit *commit = calloc(1, sizeof *commit);
    if (commit == NULL)
        return -ERR_MEMORY;
    commit->log = log;
    commit->state = state;
    commit->events = *events;
    commit->epoch = epoch;
    commit->group_bytes = ledger_append_bytes_max(log);
    if (commit->group_bytes > COMMIT_BYTES_MAX)
        commit->group_bytes = COMMIT_BYTES_MAX;
    commit->durable_seq = shard_state_seq(state);
    if (log->ops->confirmed != NULL && commit->durable_seq > 0) /* before: no shard is known yet */
        commit->durable_seq = log->ops->confirmed(log, shard_state_shard(state));
    ASSERT(commit->durable_seq <= shard_state_seq(state));
    commit->count = 1;
    for (int i = 0; i < COMMIT_GROUPS_MAX; i++)
        if (group_make(&commit->groups[i], commit) < 0) {
            commit_free(commit);
            return -ERR_MEMORY;
        }
    commit->groups[0].seq_before = shard_state_seq(state);
    for (int i = 0; i < COMMIT_GROUPS_MAX; i++)
        commit->groups[i].until_us = INT64_MAX;
    *ret_commit = commit;
    return 0;
}

void commit_abandon(struct commit *commit)
{
    commit->log_busy = false;
}

void commit_free(struct commit *commit)
{
    if (commit == NULL)
        return;
    ASSERT(!commit->log_busy); /* the log was freed first, and told us all it did */
    for (int i = 0; i < COMMIT_GROUPS_MAX; i++) {
        free(commit->groups[i].out.at);
        reserve_free(commit->groups[i].views, COMMIT_RECORDS_MAX, sizeof *commit->groups[i].views);
        reserve_free(commit->groups[i].waiting, COMMIT_WAITERS_MAX,
                     sizeof *commit->groups[i].waiting);
    }
    free(commit);
}

bool commit_has_room(const struct commit *commit)
{
    const struct group *group = building(commit);
    return !commit->stopped && commit->count <= COMMIT_CLIENT_GROUPS &&
           COMMIT_WAITERS_MAX - group->waiting_count >= 2;
}

bool commit_has_spare(const struct commit *commit)
{
    const struct group *group = building(commit);
    bool waits = group->waiting_count > 0 || commit->groups[commit->first].waiting_count > 0;
    return commit_has_room(commit) && commit->count <= 2 &&
           group->records_count < (waits ? COMMIT_SHARED_RECORDS : COMMIT_SPARE_RECORDS);
}

bool commit_has_reserve(const struct commit *commit)
{
    return !commit->stopped && commit->count + 2 <= COMMIT_GROUPS_MAX;
}

/* Seals the group being built and begins the next. */
static struct group *next_group(struct commit *commit)
{
    struct group *sealed = building(commit);
    ASSERT(commit->count < COMMIT_GROUPS_MAX);
    commit->count++;
    struct group *group = building(commit);
    ASSERT(group->records_count == 0);
    ASSERT(group->waiting_count == 0);
    group->seq_before = sealed->seq_before + sealed->records_count;
    return group;
}

/* Into the group being built, or the next; NULL: neither has room for it. */
static const struct record_head *encode(struct commit *commit, struct record_draft *draft)
{
    struct group *group = building(commit);
    draft->seq = shard_state_seq(commit->state) + 1;
    draft->before_crc = shard_state_record_crc(commit->state);
    if (draft->time_us < shard_state_time_us(commit->state))
        draft->time_us = shard_state_time_us(commit->state); /* L1: a clock set back */
    if (group->records_count == COMMIT_RECORDS_MAX)
        group = next_group(commit);
    const struct record_head *head = record_encode(&group->out, draft);
    return head != NULL ? head : record_encode(&next_group(commit)->out, draft);
}

const struct record_view *commit_offer(struct commit *commit, struct record_draft *draft)
{
    ASSERT(!commit->stopped);
    const struct record_head *head = encode(commit, draft);
    ASSERT(head != NULL);
    struct group *group = building(commit);
    struct record_view *view = &group->views[group->records_count];
    int error = record_view_of(head, head->bytes, view); /* in pairs: as it will be read */
    ASSERT(error == 0);
    if (shard_state_apply(commit->state, view) != 0) {
        group->out.bytes -= head->bytes;
        return NULL;
    }
    group->records_count++;
    return view;
}

const struct record_view *commit_record(struct commit *commit, struct record_draft *draft)
{
    const struct record_view *view = commit_offer(commit, draft);
    if (view == NULL)
        assert_failed(__FILE__, __LINE__, shard_state_reason(commit->state));
    return view;
}

static bool add_waiting(struct group *group, uint32_t record, const struct commit_waiter *waiter)
{
    if (group->waiting_count == COMMIT_WAITERS_MAX)
        return false;
    group->waiting[group->waiting_count++] = (struct waiting){record, *waiter};
    return true;
}

static struct group *group_holding(const struct commit *commit, uint64_t seq)
{
    for (uint32_t i = 0; i < commit->count; i++) {
        const struct group *group = &commit->groups[(commit->first + i) % COMMIT_GROUPS_MAX];
        if (seq > group->seq_before && seq <= group->seq_before + group->records_count)
            return (struct group *)group;
    }
    return NULL;
}

bool commit_wait(struct commit *commit, uint64_t seq, const struct commit_waiter *waiter)
{
    if (commit->stopped) {
        waiter->call(waiter->context, true, NULL);
        return true;
    }
    if (seq != 0) {
        struct group *group = group_holding(commit, seq);
        ASSERT(group != NULL);
        return add_waiting(group, (uint32_t)(seq - group->seq_before - 1), waiter);
    }
    uint64_t last = shard_state_seq(commit->state);
    if (last > commit->durable_seq) {
        struct group *group = group_holding(commit, last);
        return group != NULL && add_waiting(group, UINT32_MAX, waiter);
    }
    waiter->call(waiter->context, false, NULL);
    return true;
}

const struct record_view *commit_find(const struct commit *commit, uint64_t seq)
{
    const struct group *group = group_holding(commit, seq);
    return group == NULL ? NULL : &group->views[seq - group->seq_before - 1];
}

/* Tells all who wait. A waiter may record and wait again: that goes to the other group. */
static void group_tell(struct group *group, bool failed)
{
    for (uint32_t i = 0; i < group->waiting_count; i++) {
        const struct waiting *w = &group->waiting[i];
        const struct record_view *view =
            failed || w->record == UINT32_MAX ? NULL : &group->views[w->record];
        w->waiter.call(w->waiter.context, failed, view);
    }
    group->waiting_count = 0;
    group->records_count = 0;
    group->until_us = INT64_MAX;
    group->out = buf_over(group->out.at, group->commit->group_bytes);
}

void commit_tell_waiting(struct commit *commit)
{
    for (uint32_t i = 0; i < commit->count; i++) {
        struct group *group = &commit->groups[(commit->first + i) % COMMIT_GROUPS_MAX];
        uint32_t count = group->waiting_count;
        group->waiting_count = 0;
        for (uint32_t w = 0; w < count; w++)
            group->waiting[w].waiter.call(group->waiting[w].waiter.context, true, NULL);
    }
}

void commit_stop(struct commit *commit)
{
    if (commit->stopped)
        return;
    commit->stopped = true;
    if (commit->events.on_stopped != NULL)
        commit->events.on_stopped(commit->events.owner);
    for (uint32_t i = 0; i < commit->count; i++)
        group_tell(&commit->groups[(commit->first + i) % COMMIT_GROUPS_MAX], true);
}

/* ---- groups that were not written in their time ---- */

void commit_bind(struct commit *commit, int64_t until_us)
{
    struct group *group = building(commit);
    ASSERT(group->records_count > 0);
    if (until_us < group->until_us)
        group->until_us = until_us;
}

static bool amend_group(struct commit *commit, struct group *group, commit_amend_fn amend,
                        void *owner)
{
    group->until_us = INT64_MAX;
    for (uint32_t i = 0; i < group->records_count; i++) {
        int64_t until_us = INT64_MAX;
        if (!amend(owner, (struct record_head *)group->views[i].head, &until_us))
            return false;
        if (until_us < group->until_us)
            group->until_us = until_us;
    }
    commit->groups_late++;
    return true;
}

/* Each record says behind which one it stands. */
static uint32_t chain_group(const struct group *group, uint32_t before_crc)
{
    for (uint32_t i = 0; i < group->records_count; i++) {
        shard_amend_chain((struct record_head *)group->views[i].head, before_crc);
        before_crc = group->views[i].head->crc;
    }
    return before_crc;
}

bool commit_amend(struct commit *commit, commit_amend_fn amend, void *owner)
{
    struct group *first = &commit->groups[commit->first];
    uint32_t crc = first->views[0].head->before_crc;
    ASSERT(!commit->log_busy && first->records_count > 0);
    for (uint32_t i = 0; i < commit->count; i++) {
        struct group *group = &commit->groups[(commit->first + i) % COMMIT_GROUPS_MAX];
        bool late = i == 0 || group->until_us < commit->now.us;
        if (late && !amend_group(commit, group, amend, owner))
            return false;
        crc = chain_group(group, crc);
    }
    shard_amend_end(commit->state, crc);
    return true;
}

static void on_appended(struct ledger_append *append, enum append_outcome outcome)
{
    struct group *group = append->owner;
    struct commit *commit = group->commit;
    ASSERT(commit->log_busy && group == &commit->groups[commit->first]);
    if (outcome == APPEND_REFUSED && !commit->stopped) { /* nothing was written: L2 holds */
        commit->log_busy = false;
        commit->refused = true;
        commit->again_us = commit->now.us + COMMIT_AGAIN_US;
        return;
    }
    if (outcome == APPEND_LATE && !commit->stopped) { /* nor was it here */
        commit->log_busy = false;
        commit->events.on_late(commit->events.owner);
        commit_flush(commit, commit->now);
        return;
    }
    if (outcome != APPEND_OK) { /* the fold is ahead of the log: nobody may be answered */
        commit->log_busy = false;
        commit_stop(commit);
        return;
    }
    if (commit->stopped) { /* meanwhile: all who waited were told */
        commit->log_busy = false;
        return;
    }
    commit->refused = false;
    commit->durable_seq = group->seq_before + group->records_count;
    commit->groups_durable++;
    for (uint32_t i = 0; i < group->records_count && commit->events.on_durable != NULL; i++)
        commit->events.on_durable(commit->events.owner, &group->views[i]);
    group_tell(group, false); /* still in the ring: what a waiter records goes elsewhere */
    commit->first = (commit->first + 1) % COMMIT_GROUPS_MAX;
    commit->count--;
    commit->log_busy = false;
    commit_flush(commit, commit->now);
}

int64_t commit_due_us(const struct commit *commit, struct monotonic now)
{
    if (!commit->refused || commit->log_busy || commit->stopped)
        return -1;
    return commit->again_us > now.us ? commit->again_us - now.us : 0;
}

bool commit_refused(const struct commit *commit)
{
    return commit->refused;
}

void commit_flush(struct commit *commit, struct monotonic now)
{
    struct group *group = &commit->groups[commit->first];
    commit->now = now;
    if (commit->stopped || commit->log_busy || group->records_count == 0)
        return;
    if (commit->refused && now.us < commit->again_us)
        return;
    if (group->until_us < now.us)
        commit->events.on_late(commit->events.owner);
    if (commit->stopped)
        return;
    if (commit->count == 1)
        next_group(commit);
    group->append = (struct ledger_append){
        .shard = shard_state_shard(commit->state),
        .epoch = commit->epoch,
        .expected_tail = group->seq_before,
        .records = group->out.at,
        .bytes = group->out.bytes,
        .count = group->records_count,
        .until_us = group->until_us == INT64_MAX ? 0 : group->until_us,
        .on_done = on_appended,
        .owner = group,
    };
    if (commit->log->ops->append(commit->log, &group->append) < 0) {
        commit_stop(commit);
        return;
    }
    commit->log_busy = true;
}

bool commit_stopped(const struct commit *commit)
{
    return commit->stopped;
}

bool commit_idle(const struct commit *commit)
{
    return !commit->log_busy && building(commit)->records_count == 0;
}

uint64_t commit_durable_seq(const struct commit *commit)
{
    return commit->durable_seq;
}

uint64_t commit_groups_late(const struct commit *commit)
{
    return commit->groups_late;
}

uint64_t commit_groups(const struct commit *commit)
{
    return commit->groups_durable;
}
