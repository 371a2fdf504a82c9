/* commit.h - group commit: records are folded as they are decided, collected into a group, and
 * told to nobody before the group is durable (L2).
 *
 * A short ring of groups: the oldest under way in the log, the newest being built. The next is
 * handed over as soon as the log is idle, never on a timer, so that a lone bet waits for nobody
 * and a burst shares one durable write. Clients may fill the first COMMIT_CLIENT_GROUPS only;
 * the rest is kept for what no client asked for (fences, results, releases, settlements), and
 * for the longest request that was begun: so a stalled disk stops bets long before it could lose a
 * fence. When the log fails, the
 * commit is stopped for good: the folded state is then ahead of what is known to be durable,
 * and only a restart may speak again. When it refuses for want of space, nothing was written:
 * the group waits with all who wait for it, and is given again, unchanged, until there is space.
 * Owned by the book's loop; allocates at _new only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "ledger/record_encode.h"
#include "ledger/shard_state.h"
#include "ports/ledger_log.h"

#define COMMIT_BYTES_MAX     (768 * 1024) /* of one group, where the log takes as much */
#define COMMIT_RECORDS_MAX   4096
#define COMMIT_WAITERS_MAX   16384
#define COMMIT_GROUPS_MAX    28
#define COMMIT_CLIENT_GROUPS 3
#define COMMIT_AGAIN_US      100000 /* between two tries of a group that was refused */
/* What nobody waits for takes no more of a group than this, nor more than the second where somebody
 * waits for this group or for the one before it. */
#define COMMIT_SPARE_RECORDS  1024
#define COMMIT_SHARED_RECORDS 256

struct commit;

/* Told once, with the record it waited for (NULL when it waited for a moment only), or with
 * failed = true when the log stopped. */
typedef void (*commit_wait_fn)(const uint64_t context[8], bool failed,
                               const struct record_view *record);

struct commit_waiter {
    commit_wait_fn call;
    uint64_t context[8];
};

struct commit_events {
    void *owner;
    /* Each durable record, in order, before any waiter of its group is told. */
    void (*on_durable)(void *owner, const struct record_view *record);
    void (*on_stopped)(void *owner);
    /* The oldest group was not written in its time (commit_bind): commit_amend() is due, or
     * commit_stop(). NULL where nothing is ever bound. */
    void (*on_late)(void *owner);
};

/* Borrows log and state; the commit is the only one who applies to the state from now on. */
int commit_new(struct ledger_log *log, struct shard_state *state, uint64_t epoch,
               const struct commit_events *events, struct commit **ret_commit);
void commit_free(struct commit *commit);
/* Forgets the group under way, whose callback will never come. */
void commit_abandon(struct commit *commit);

/* Room for one client request, with all the records that it may need. */
bool commit_has_room(const struct commit *commit);
/* Room for what nobody waits for, and what others must not wait for either: no group but the one
 * under way stands before the one being built, and that is not filled by it. Where somebody waits
 * for one of the two it may have less of it: a smaller write, and a loop that leaves the processor
 * to the log's threads meanwhile. Where there is none, the log's notify comes before there is. */
bool commit_has_spare(const struct commit *commit);
/* Room for what the feed, the desk or a clock makes us record: two whole groups. */
bool commit_has_reserve(const struct commit *commit);

/* Encodes the draft as the next record (seq is set here), folds it, and answers the record's
 * bytes, which live until its group is durable. There is room: that was asked before (ASSERT). */
const struct record_view *commit_record(struct commit *commit, struct record_draft *draft);
/* The same of what comes from another log: NULL when it contradicts the state, or finds no room in
 * it (shard_state_reason says why), which are then as they were. */
const struct record_view *commit_offer(struct commit *commit, struct record_draft *draft);

/* The record just made is to be written by then (monotonic), or not as it is (L6). */
void commit_bind(struct commit *commit, int64_t until_us);
/* In on_late: shows `amend` each record that was not written in its time, in order; those in groups
 * that have time left stay as they are. It leaves it, or makes it another of the same length
 * (ledger/shard_amend.h), bound anew by *ret_until_us or, left INT64_MAX, not at all. False: that
 * cannot be, and the answer is false. */
typedef bool (*commit_amend_fn)(void *owner, struct record_head *record, int64_t *ret_until_us);
bool commit_amend(struct commit *commit, commit_amend_fn amend, void *owner);

/* Waits for the record just made (commit_record), for an earlier record by number that is not
 * yet durable, or, with seq 0, for all that was recorded so far. When that is durable already
 * the waiter is called at once. False when too many wait. */
bool commit_wait(struct commit *commit, uint64_t seq, const struct commit_waiter *waiter);

/* The record's view while it is not yet durable, or NULL. */
const struct record_view *commit_find(const struct commit *commit, uint64_t seq);

/* Hands the group over when there is one and the log is idle, and it is not refused a moment ago.
 */
void commit_flush(struct commit *commit, struct monotonic now);
/* Microseconds until a refused group is due again; -1: none is. */
int64_t commit_due_us(const struct commit *commit, struct monotonic now);
/* The log refused the oldest group and has not taken it since. */
bool commit_refused(const struct commit *commit);

/* Takes no record from now on, as if the log had failed: those who wait are told so, though a
 * group under way may yet become durable. */
void commit_stop(struct commit *commit);

/* Tells all who wait now that it failed, and goes on: their records stay, and may become durable.
 */
void commit_tell_waiting(struct commit *commit);

/* The log failed, or commit_stop: for good. */
bool commit_stopped(const struct commit *commit);
/* Nothing is under way and nothing is being built. */
bool commit_idle(const struct commit *commit);
/* The last record that is durable. */
uint64_t commit_durable_seq(const struct commit *commit);
/* Groups made durable since start. */
uint64_t commit_groups(const struct commit *commit);
/* Groups that were amended. */
uint64_t commit_groups_late(const struct commit *commit);
