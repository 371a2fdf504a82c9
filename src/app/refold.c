/* refold.c - contract in refold.h. Records are copied into a short ring and applied when the
 * ring has come round; the copy costs less than one wait for memory. */
#include "app/refold.h"

#include <stdlib.h>

#include "base/error.h"
#include "ledger/shard_verdicts.h"

#define AHEAD           32   /* records; fewer than shard_state_prefetch allows */
#define AHEAD_BYTES_MAX 1024 /* longer ones are rare: the ring is emptied before them */

struct ahead {
    char bytes[AHEAD_BYTES_MAX] __attribute__((aligned(8)));
    struct record_view view;
};

struct fold {
    struct shard_state *state;
    const struct refold_source *source;
    uint64_t seq_last;
    refold_visit visit;
    void *owner;
    struct refold_end *end;
    struct ahead *ring; /* owns; AHEAD of them */
    uint32_t first, count;
    bool joined; /* the record that was the state's last was met, or there was none */
};

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

static const char joint_reason[] = "L1: the snapshot is not of this log";
static const char broken_reason[] = "a record's own shape or checksum is broken";
static const char other_format_reason[] =
    "its records are not of format " TEXT(RECORD_FORMAT) ", which is all that this program reads";

/* A quarter of the memory at a time. */
static int forget_verdicts(struct fold *fold)
{
    struct shard_state *state = fold->state;
    struct verdict_store *store = fold->source->verdicts;
    uint32_t count = shard_state_verdicts_count(state);
    if (count < shard_state_limits(state)->verdicts_max || (store == NULL && !fold->source->forget))
        return 0;
    if (store != NULL) {
        /* A quarter, and never less than is forgotten together. */
        uint32_t last = count / 4 < SHARD_VERDICTS_BLOCK ? SHARD_VERDICTS_BLOCK - 1 : count / 4;
        int error = store->ops->cover(store, shard_state_verdicts_seq(state, last));
        if (error < 0) {
            fold->end->reason = error == -ERR_CORRUPT ? store->ops->problem(store)
                                                      : "old verdict keys could not be stored";
            return error;
        }
    }
    uint64_t seq = store == NULL ? UINT64_MAX : store->ops->covered(store);
    (void)shard_state_forget_verdicts(state, seq, count / 4 + SHARD_VERDICTS_BLOCK);
    return 0;
}

static int fold_apply(struct fold *fold, const struct record_view *view)
{
    if (view->head->seq > fold->seq_last)
        return 0; /* the rest is beyond what was asked for */
    TRY(forget_verdicts(fold));
    int error = shard_state_apply(fold->state, view);
    if (error < 0) {
        fold->end->seq = view->head->seq;
        fold->end->reason = error == -ERR_LIMIT ? "the log holds more than the limits allow"
                                                : shard_state_reason(fold->state);
        return error;
    }
    return fold->visit == NULL ? 0 : fold->visit(fold->owner, view, fold->state);
}

static int fold_oldest(struct fold *fold)
{
    struct ahead *oldest = &fold->ring[fold->first];
    fold->first = (fold->first + 1) % AHEAD;
    fold->count--;
    return fold_apply(fold, &oldest->view);
}

static int fold_rest(struct fold *fold)
{
    while (fold->count > 0)
        TRY(fold_oldest(fold));
    return 0;
}

/* The last record of the snapshot that the state came from. */
static int check_joint(struct fold *fold, const struct record_head *head)
{
    fold->joined = true;
    if (head->seq == shard_state_seq(fold->state) &&
        head->crc == shard_state_record_crc(fold->state))
        return 0;
    fold->end->seq = shard_state_seq(fold->state);
    fold->end->reason = joint_reason;
    return -ERR_CORRUPT;
}

static int fold_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct fold *fold = owner;
    struct record_view view;
    (void)shard;
    int error = record_view_of(record, bytes, &view);
    if (error < 0) {
        TRY(fold_rest(fold)); /* an earlier contradiction is the better reason */
        fold->end->seq = shard_state_seq(fold->state) + 1;
        fold->end->reason = error == -ERR_UNSUPPORTED ? other_format_reason : broken_reason;
        return error;
    }
    if (!fold->joined)
        return check_joint(fold, view.head);
    if (bytes > AHEAD_BYTES_MAX) {
        TRY(fold_rest(fold));
        return fold_apply(fold, &view);
    }
    if (fold->count == AHEAD)
        TRY(fold_oldest(fold));
    struct ahead *newest = &fold->ring[(fold->first + fold->count) % AHEAD];
    memcpy(newest->bytes, record, bytes);
    newest->view = record_view_moved(&view, newest->bytes);
    shard_state_prefetch(fold->state, &newest->view);
    fold->count++;
    return 0;
}

/* -ERR_STOPPED: seen, no more. */
static int look_at_genesis(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct fold *fold = owner;
    struct record_view view;
    (void)shard;
    int error = record_view_of(record, bytes, &view);
    if (error == -ERR_UNSUPPORTED)
        fold->end->reason = other_format_reason;
    TRY(error);
    fold->joined = shard_state_is_of(fold->state, &view);
    return -ERR_STOPPED;
}

/* A state from a snapshot: is the log the one that it was folded from? */
static int check_book(struct fold *fold, const struct refold_source *source)
{
    int error = source->log->ops->replay(source->log, source->shard, 1, look_at_genesis, fold);
    bool same = fold->joined;
    fold->joined = false;
    if (error < 0 && error != -ERR_STOPPED)
        return error;
    if (same)
        return 0;
    fold->end->seq = shard_state_seq(fold->state);
    fold->end->reason = joint_reason;
    return -ERR_CORRUPT;
}

static struct ahead *ring_new(void)
{
    return aligned_alloc(64, AHEAD * sizeof(struct ahead));
}

int refold(const struct refold_source *source, struct shard_state *state, refold_visit visit,
           void *owner, struct refold_end *ret)
{
    *ret = (struct refold_end){.reason = ""};
    struct fold fold = {.state = state,
                        .source = source,
                        .seq_last = source->seq_last,
                        .visit = visit,
                        .owner = owner,
                        .end = ret,
                        .ring = ring_new(),
                        .joined = shard_state_seq(state) == 0};
    uint64_t from = fold.joined ? 1 : shard_state_seq(state);
    if (fold.ring == NULL)
        return -ERR_MEMORY;
    int error = fold.joined ? 0 : check_book(&fold, source);
    if (error == 0)
        error = source->log->ops->replay(source->log, source->shard, from, fold_record, &fold);
    if (error == 0 && !fold.joined) { /* the log ends before it */
        ret->seq = shard_state_seq(state);
        ret->reason = joint_reason;
        error = -ERR_CORRUPT;
    }
    int rest = error == 0 ? fold_rest(&fold) : 0;
    free(fold.ring);
    if (error < 0 && ret->reason[0] == 0)
        ret->reason = "the log below the records could not be read";
    return error < 0 ? error : rest;
}
