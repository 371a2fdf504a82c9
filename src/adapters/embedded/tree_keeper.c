/* tree_keeper.c - contract in tree_keeper.h.
 *
 * The thread owns tree file and heads; the ring, the asks and the newest head are shared under one
 * lock, which nobody holds while hashing, signing or reading. The ring holds records
 * [ring_first, ring_next): what comes next is taken only when it is number ring_next and fits.
 * Everything durable that the ring does not have is a gap, and is read back from the log. */
#include "adapters/embedded/tree_keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/tree_keeper_internal.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"
#include "ledger/record.h"

#define BATCH_BYTES   (256u << 10) /* hashed before asks are looked at again */
#define BATCH_RECORDS 1024         /* the same, of a gap */
#define GAP_RETRY_US  1000
#define VISIT_ENOUGH  (-ERR_STOPPED)

static int64_t time_us(const struct tree_keeper *keeper, clockid_t clock)
{
    return keeper->options.clock_us == NULL
               ? clock_us(clock)
               : keeper->options.clock_us(keeper->options.clock_owner, clock == CLOCK_REALTIME);
}

static void notify(const struct tree_keeper *keeper)
{
    if (keeper->tree.notify != NULL)
        keeper->tree.notify(keeper->tree.notify_owner);
}

/* ---- the log's writer ---- */

static void ring_put(struct tree_keeper *keeper, const char *from, size_t bytes)
{
    size_t at = (size_t)(keeper->in % keeper->ring_bytes);
    size_t first = keeper->ring_bytes - at < bytes ? keeper->ring_bytes - at : bytes;
    memcpy(keeper->ring + at, from, first);
    memcpy(keeper->ring, from + first, bytes - first);
}

/* The copy is made outside of the lock: the thread reads below `in` only. */
static void on_durable(void *owner, const struct ledger_append *group)
{
    struct tree_keeper *keeper = owner;
    pthread_mutex_lock(&keeper->lock);
    bool fits = keeper->ring_next == group->expected_tail + 1 &&
                keeper->ring_bytes - (keeper->in - keeper->out) >= group->bytes;
    keeper->putting = fits;
    pthread_mutex_unlock(&keeper->lock);
    if (fits)
        ring_put(keeper, group->records, group->bytes);
    pthread_mutex_lock(&keeper->lock);
    keeper->putting = false;
    keeper->durable = group->expected_tail + group->count;
    if (fits) {
        keeper->in += group->bytes;
        keeper->ring_next = keeper->durable + 1;
    } else {
        keeper->stats.groups_left++;
    }
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
}

struct ledger_follower tree_keeper_follower(struct tree_keeper *keeper)
{
    return (struct ledger_follower){on_durable, keeper};
}

/* ---- the thread: hashing ---- */

static int add_record(struct tree_keeper *keeper, const char *record, size_t bytes)
{
    struct record_head head;
    memcpy(&head, record, sizeof head);
    ASSERT(head.seq == tree_file_size(keeper->file) + 1); /* L8: each record once, in order */
    if (head.seq == 1 && head.type == RECORD_GENESIS &&
        bytes >= sizeof head + sizeof(struct record_genesis))
        memcpy(keeper->signer.log_id, record + sizeof head, sizeof keeper->signer.log_id);
    TRY(tree_file_add(keeper->file, slice_of(record, bytes)));
    if (tree_file_size(keeper->file) - keeper->checkpoint_size < keeper->options.checkpoint_records)
        return 0;
    keeper->checkpoint_size = tree_file_size(keeper->file);
    return tree_file_checkpoint(keeper->file);
}

/* The record at ring position `at`, which may go round the end. */
static const char *ring_record(struct tree_keeper *keeper, uint64_t at, uint32_t *ret_bytes)
{
    size_t begin = (size_t)(at % keeper->ring_bytes);
    const char *record = keeper->ring + begin;
    memcpy(ret_bytes, record, sizeof *ret_bytes); /* 8-byte aligned, like the ring's size */
    ASSERT(*ret_bytes <= RECORD_BYTES_MAX);
    size_t first = keeper->ring_bytes - begin;
    if (first >= *ret_bytes)
        return record;
    memcpy(keeper->record, record, first);
    memcpy(keeper->record + first, keeper->ring, *ret_bytes - first);
    return keeper->record;
}

/* Called with the lock, which is let go meanwhile, as all below that say so. */
static int hash_ring(struct tree_keeper *keeper)
{
    uint64_t at = keeper->out;
    uint64_t end = keeper->in - at > BATCH_BYTES ? at + BATCH_BYTES : keeper->in;
    int error = 0;
    pthread_mutex_unlock(&keeper->lock);
    while (error == 0 && at < end) {
        uint32_t bytes = 0;
        const char *record = ring_record(keeper, at, &bytes);
        error = add_record(keeper, record, bytes);
        at += bytes;
    }
    pthread_mutex_lock(&keeper->lock);
    keeper->out = at;
    if (keeper->out == keeper->in && !keeper->putting)
        keeper->in = keeper->out = 0; /* the same few pages again: they stay in the caches */
    keeper->stats.size = tree_file_size(keeper->file);
    return error;
}

static bool serve_one(struct tree_keeper *keeper);
static void sign_if_due(struct tree_keeper *keeper);

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct tree_keeper *keeper = owner;
    (void)shard;
    if (tree_file_size(keeper->file) == keeper->gap_end)
        return VISIT_ENOUGH;
    TRY(add_record(keeper, record, bytes));
    if (++keeper->visited % BATCH_RECORDS != 0)
        return 0;
    pthread_mutex_lock(&keeper->lock);
    keeper->stats.size = tree_file_size(keeper->file);
    while (serve_one(keeper))
        ;
    sign_if_due(keeper);
    int result = keeper->detached ? VISIT_ENOUGH : keeper->stats.error;
    pthread_mutex_unlock(&keeper->lock);
    return result;
}

static void wait_us(struct tree_keeper *keeper, int64_t us)
{
    int64_t due = time_us(keeper, CLOCK_MONOTONIC) + us;
    struct timespec until = {(time_t)(due / US_PER_SECOND), (long)(due % US_PER_SECOND * 1000)};
    (void)pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
}

/* The ring is empty, and takes again what comes from now on; what came until now is read. With the
 * lock. */
static int read_gap(struct tree_keeper *keeper)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    ASSERT(keeper->in == keeper->out);
    keeper->gap_end = keeper->durable;
    keeper->ring_next = keeper->durable + 1;
    keeper->reading = true;
    keeper->stats.gaps++;
    /* The log shows a group a moment after its follower was told. */
    while (tree_file_size(keeper->file) < keeper->gap_end && !keeper->detached) {
        pthread_mutex_unlock(&keeper->lock);
        int error = keeper->log.replay(keeper->log.owner, tree_file_size(keeper->file) + 1, visit,
                                       keeper, text);
        pthread_mutex_lock(&keeper->lock);
        if (error < 0 && error != VISIT_ENOUGH)
            return error;
        ASSERT(keeper->started || tree_file_size(keeper->file) == keeper->gap_end);
        if (tree_file_size(keeper->file) < keeper->gap_end && !keeper->detached)
            wait_us(keeper, GAP_RETRY_US);
    }
    keeper->reading = false;
    keeper->torn = tree_file_size(keeper->file) < keeper->gap_end;
    keeper->stats.size = tree_file_size(keeper->file);
    pthread_cond_broadcast(&keeper->calm);
    return 0;
}

/* ---- the thread: heads ---- */

static uint64_t known_size(const struct tree_keeper *keeper)
{
    const struct tree_heads *heads = &keeper->signer.heads;
    return heads->count == 0 ? 0 : heads->newest.root.size;
}

/* What does not fit may be the tree and not the log: it is made anew at the next start, and if the
 * log is another one, the same is found again. */
static int distrusting(struct tree_keeper *keeper, int error)
{
    if (error == -ERR_CORRUPT)
        tree_file_distrust(keeper->file);
    return error;
}

/* How much of the tree may be signed. */
static uint64_t confirmed_size(struct tree_keeper *keeper)
{
    uint64_t confirmed = __atomic_load_n(&keeper->confirmed, __ATOMIC_ACQUIRE);
    uint64_t size = tree_file_size(keeper->file);
    keeper->signer.size_max = confirmed;
    return size < confirmed ? size : confirmed;
}

static bool has_grown(struct tree_keeper *keeper)
{
    return keeper->signer.key != NULL && confirmed_size(keeper) > known_size(keeper);
}

/* With the lock. What the thread's own parts say is shown to the others. */
static void show_signer(struct tree_keeper *keeper)
{
    const struct tree_signer *signer = &keeper->signer;
    const struct tree_chain *chain = &signer->links.chain;
    keeper->stats.anchor_errors = signer->heads.outside_errors;
    keeper->stats.sign_problem = signer->problem;
    memcpy(keeper->stats.sign_text, signer->text, sizeof signer->text);
    for (; keeper->links_count < chain->count; keeper->links_count++)
        memcpy(keeper->links[keeper->links_count], chain->bytes[keeper->links_count],
               TREE_LINK_BYTES);
    keeper->stats.links = keeper->links_count;
    keeper->head_any = signer->heads.count > 0;
    memcpy(keeper->head, signer->heads.newest_bytes, sizeof keeper->head);
}

/* With the lock. 0, also when there is nothing new to sign. -ERR_ABSENT: tried again later. */
static int publish_head(struct tree_keeper *keeper)
{
    if (!has_grown(keeper))
        return 0;
    if (keeper->retry_us > time_us(keeper, CLOCK_MONOTONIC))
        return -ERR_ABSENT;
    pthread_mutex_unlock(&keeper->lock);
    int error = distrusting(
        keeper, tree_signer_sign(&keeper->signer, keeper->file, time_us(keeper, CLOCK_REALTIME)));
    keeper->signed_us = time_us(keeper, CLOCK_MONOTONIC);
    keeper->retry_us = error == -ERR_ABSENT ? keeper->signed_us + TREE_SIGN_RETRY_US : 0;
    pthread_mutex_lock(&keeper->lock);
    show_signer(keeper);
    if (error < 0 && error != -ERR_ABSENT)
        return error;
    keeper->stats.heads += error == 0;
    pthread_mutex_unlock(&keeper->lock);
    notify(keeper);
    pthread_mutex_lock(&keeper->lock);
    return error;
}

static int64_t head_due_us(const struct tree_keeper *keeper)
{
    int64_t due_us = keeper->signed_us + keeper->options.interval_us;
    return (due_us > keeper->retry_us ? due_us : keeper->retry_us) -
           time_us(keeper, CLOCK_MONOTONIC);
}

static void sign_if_due(struct tree_keeper *keeper)
{
    if (!has_grown(keeper) || head_due_us(keeper) > 0 || keeper->stats.error < 0)
        return;
    int error = publish_head(keeper);
    if (error < 0 && error != -ERR_BUSY && error != -ERR_ABSENT)
        keeper->stats.error = error;
}

/* ---- the thread: asks ---- */

static int prove_entry(struct tree_keeper *keeper, const struct tree_entry *entry,
                       const struct merkle_root *root)
{
    struct merkle_hash leaf;
    TRY(tree_file_prove_inclusion(keeper->file, entry->seq - 1, root->size, entry->path));
    struct sha256 *sha = tree_file_sha(keeper->file);
    merkle_leaf(sha, entry->record, &leaf);
    /* A bit that fell in an old tile shows here, before anybody is told. */
    return merkle_check_inclusion(sha, &leaf, entry->seq - 1, root, entry->path) ? 0 : -ERR_CORRUPT;
}

/* It leads to the head's root only when no hash in it is damaged. */
static int prove_consistency(struct tree_keeper *keeper, struct tree_ask *ask,
                             const struct merkle_root *root)
{
    struct merkle_root from;
    TRY(tree_file_root(keeper->file, ask->from, &from));
    TRY(tree_file_prove_consistency(keeper->file, ask->from, root->size, &ask->consistency_path));
    return merkle_check_consistency(tree_file_sha(keeper->file), &from, root,
                                    &ask->consistency_path)
               ? 0
               : -ERR_CORRUPT;
}

static uint64_t highest_seq(const struct tree_ask *ask)
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i < ask->count; i++)
        highest = ask->entries[i].seq > highest ? ask->entries[i].seq : highest;
    return highest;
}

/* Without the lock. */
static int prove(struct tree_keeper *keeper, struct tree_ask *ask)
{
    const struct tree_heads *heads = &keeper->signer.heads;
    const struct merkle_root *root = &heads->newest.root;
    if (heads->count == 0)
        return -ERR_NOT_FOUND;
    TRY(tree_signer_check_past(&keeper->signer, keeper->file));
    if (highest_seq(ask) > root->size)
        return -ERR_BUSY;
    if (ask->consistency && ask->from > root->size)
        return -ERR_NOT_FOUND;
    for (uint32_t i = 0; i < ask->count; i++)
        TRY(prove_entry(keeper, &ask->entries[i], root));
    if (ask->consistency)
        TRY(prove_consistency(keeper, ask, root));
    memcpy(ask->head, heads->newest_bytes, sizeof ask->head);
    return 0;
}

/* A record that no head covers yet is worth a head at once; so is the first head of all. But
 * nobody may make us sign without bound: beyond it, a head comes at its time. With the lock. */
static int head_on_demand(struct tree_keeper *keeper, const struct tree_ask *ask)
{
    bool covered = keeper->signer.heads.count > 0 && highest_seq(ask) <= known_size(keeper);
    if (covered || !has_grown(keeper) || highest_seq(ask) > confirmed_size(keeper))
        return 0;
    if (rate_take(&keeper->on_demand, time_us(keeper, CLOCK_MONOTONIC)) != 0) {
        keeper->stats.heads_limited++;
        return -ERR_LIMIT;
    }
    return publish_head(keeper);
}

/* With the lock. */
static int answer(struct tree_keeper *keeper, struct tree_ask *ask)
{
    if (keeper->stats.error < 0)
        return -ERR_STOPPED;
    TRY(head_on_demand(keeper, ask));
    pthread_mutex_unlock(&keeper->lock);
    int error = distrusting(keeper, prove(keeper, ask));
    pthread_mutex_lock(&keeper->lock);
    if (error == 0)
        keeper->stats.proofs += ask->count;
    return error;
}

/* With the lock. False: nobody asks. */
static bool serve_one(struct tree_keeper *keeper)
{
    if (keeper->waiting_in == keeper->waiting_out)
        return false;
    struct tree_ask *ask = keeper->waiting[keeper->waiting_out++ % TREE_ASKS_MAX];
    int error = answer(keeper, ask);
    uint64_t at = keeper->done_in++ % TREE_ASKS_MAX;
    keeper->done[at].ask = ask;
    keeper->done[at].error = error;
    pthread_mutex_unlock(&keeper->lock);
    notify(keeper);
    pthread_mutex_lock(&keeper->lock);
    return true;
}

/* ---- the thread: another key ---- */

/* Without the lock. */
static int rotate(struct tree_keeper *keeper, struct tree_rotate *rotate)
{
    struct sign_key *next = NULL;
    /* A head that a power failure took may have covered all that was durable then, and whoever
     * holds it must not find that its key was no longer in use. */
    if (confirmed_size(keeper) < keeper->tail_found)
        return -ERR_BUSY;
    struct buf why = buf_over(rotate->text, sizeof rotate->text - 1);
    struct tree_handover handover = {
        .kind = rotate->lost ? TREE_LINK_BREAK : TREE_LINK_ROTATION,
        .now_us = time_us(keeper, CLOCK_REALTIME),
    };
    int error = keeper->options.next_key(keeper->options.next_key_owner, rotate,
                                         keeper->signer.links.chain.count, &next, &why);
    rotate->text[why.bytes] = '\0';
    TRY(error);
    error = tree_signer_rotate(&keeper->signer, keeper->file, &next, &handover);
    if (error < 0)
        memcpy(rotate->text, keeper->signer.text, sizeof rotate->text);
    memcpy(rotate->link, handover.link, sizeof rotate->link);
    sign_key_free(next);
    return error;
}

static bool is_refusal(int error)
{
    return error == -ERR_ABSENT || error == -ERR_CONFIG || error == -ERR_LIMIT ||
           error == -ERR_BUSY || error == -ERR_NOT_FOUND;
}

/* With the lock. */
static void rotate_one(struct tree_keeper *keeper, bool works)
{
    struct tree_rotate *asked = keeper->rotate;
    int error = -ERR_STOPPED;
    if (works) {
        pthread_mutex_unlock(&keeper->lock);
        error = distrusting(keeper, rotate(keeper, asked));
        pthread_mutex_lock(&keeper->lock);
        keeper->retry_us = 0;
        show_signer(keeper);
        if (error < 0 && !is_refusal(error))
            keeper->stats.error = error;
    }
    keeper->rotated = asked;
    keeper->rotated_error = error;
    keeper->rotate = NULL;
    pthread_mutex_unlock(&keeper->lock);
    notify(keeper);
    pthread_mutex_lock(&keeper->lock);
}

/* ---- the thread ---- */

static bool has_gap(const struct tree_keeper *keeper)
{
    return keeper->in == keeper->out && tree_file_size(keeper->file) < keeper->durable &&
           !keeper->detached;
}

static void idle(struct tree_keeper *keeper)
{
    pthread_cond_broadcast(&keeper->calm);
    if (!has_grown(keeper) || keeper->stats.error < 0)
        pthread_cond_wait(&keeper->wake, &keeper->lock);
    else if (head_due_us(keeper) > 0)
        wait_us(keeper, head_due_us(keeper));
}

static void fail(struct tree_keeper *keeper, int error)
{
    keeper->stats.error = error;
    keeper->reading = false;
    pthread_cond_broadcast(&keeper->calm);
}

/* A bet that was just answered is in the ring: its proof waits these milliseconds. What is in a gap
 * may take long, and is answered with -ERR_BUSY. */
static bool ask_needs_ring(const struct tree_keeper *keeper)
{
    return keeper->waiting_in != keeper->waiting_out && keeper->in != keeper->out &&
           highest_seq(keeper->waiting[keeper->waiting_out % TREE_ASKS_MAX]) >
               tree_file_size(keeper->file);
}

/* Once the thread failed it goes on to answer, and to empty the ring. */
static int step(struct tree_keeper *keeper)
{
    bool works = keeper->stats.error == 0 && !keeper->torn;
    if (works && ask_needs_ring(keeper))
        return hash_ring(keeper);
    if (serve_one(keeper))
        return 0;
    if (keeper->rotate != NULL) {
        rotate_one(keeper, works);
        return 0;
    }
    if (keeper->in != keeper->out && works)
        return hash_ring(keeper);
    keeper->out = keeper->in;
    if (works && has_gap(keeper))
        return read_gap(keeper);
    if (!keeper->closing && keeper->started)
        idle(keeper);
    return 0;
}

/* With the lock. */
static void step_and_sign(struct tree_keeper *keeper)
{
    int error = step(keeper);
    if (error < 0)
        fail(keeper, error);
    sign_if_due(keeper);
}

void tree_keeper_step(struct tree_keeper *keeper)
{
    ASSERT(keeper->opened && !keeper->started);
    pthread_mutex_lock(&keeper->lock);
    step_and_sign(keeper);
    pthread_mutex_unlock(&keeper->lock);
}

static void *run(void *owner)
{
    struct tree_keeper *keeper = owner;
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->closing || keeper->in != keeper->out ||
           keeper->waiting_in != keeper->waiting_out)
        step_and_sign(keeper);
    if (keeper->stats.error == 0)
        (void)publish_head(keeper); /* at the next start, else */
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* ---- begin and end ---- */

int tree_keeper_new(const struct tree_keeper_options *options, struct tree_keeper **ret_keeper)
{
    struct tree_keeper *keeper = calloc(1, sizeof *keeper);
    pthread_condattr_t attributes;
    if (keeper == NULL)
        return -ERR_MEMORY;
    keeper->tree.ops = &tree_keeper_ops;
    keeper->options = *options;
    if (keeper->options.checkpoint_records == 0)
        keeper->options.checkpoint_records = TREE_CHECKPOINT_RECORDS;
    if (options->on_demand_per_s > 0)
        keeper->on_demand = (struct rate){.interval_us = US_PER_SECOND / options->on_demand_per_s,
                                          .burst = options->on_demand_per_s};
    keeper->ring_next = UINT64_MAX; /* takes nothing before the start */
    keeper->confirmed = UINT64_MAX;
    keeper->ring_bytes = options->ring_bytes == 0 ? TREE_RING_BYTES : options->ring_bytes;
    keeper->ring = aligned_alloc(4096, keeper->ring_bytes);
    keeper->record = malloc(RECORD_BYTES_MAX);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &attributes);
    pthread_cond_init(&keeper->calm, NULL);
    pthread_condattr_destroy(&attributes);
    if (keeper->ring == NULL || keeper->record == NULL) {
        tree_keeper_free(keeper);
        return -ERR_MEMORY;
    }
    *ret_keeper = keeper;
    return 0;
}

static int visit_first(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct tree_keeper *keeper = owner;
    struct record_head head;
    (void)shard;
    memcpy(&head, record, sizeof head);
    if (head.type == RECORD_GENESIS && bytes >= sizeof head + sizeof(struct record_genesis))
        memcpy(keeper->signer.log_id, record + sizeof head, sizeof keeper->signer.log_id);
    return VISIT_ENOUGH;
}

static int open_parts(struct tree_keeper *keeper, struct disk *disk, char *ret_text)
{
    const struct tree_file_options options = {
        .shard = keeper->options.shard,
        .creation = keeper->log.creation,
        .size_max = keeper->durable,
    };
    int error =
        tree_signer_open(&keeper->signer, disk, keeper->options.shard, keeper->options.key, true);
    if (error < 0 && keeper->signer.text[0] != '\0')
        memcpy(ret_text, keeper->signer.text, TREE_KEEPER_TEXT_BYTES);
    TRY(error);
    error = keeper->log.replay(keeper->log.owner, 1, visit_first, keeper, ret_text);
    if (error < 0 && error != VISIT_ENOUGH)
        return error;
    ret_text[0] = '\0';
    keeper->signer.heads.outside = keeper->options.heads_file;
    if (tree_signer_size(&keeper->signer) > keeper->durable) {
        (void)snprintf(ret_text, TREE_KEEPER_TEXT_BYTES,
                       "the log has %llu records, but a signed head covers %llu",
                       (unsigned long long)keeper->durable,
                       (unsigned long long)tree_signer_size(&keeper->signer));
        return -ERR_CORRUPT;
    }
    error = tree_file_open(&options, disk, &keeper->file);
    if (error == -ERR_CORRUPT)
        (void)snprintf(ret_text, TREE_KEEPER_TEXT_BYTES,
                       "the log has %llu records, but more were hashed before",
                       (unsigned long long)keeper->durable);
    return error;
}

/* Signals are the role's business: none may be delivered to this thread. It begins with the lock,
 * and so finds that it was started. */
static int start_thread(struct tree_keeper *keeper)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&keeper->lock);
    keeper->started = pthread_create(&keeper->thread, NULL, run, keeper) == 0;
    pthread_mutex_unlock(&keeper->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return keeper->started ? 0 : -ERR_MEMORY;
}

int tree_keeper_open(struct tree_keeper *keeper, struct disk *disk, const struct tree_log *log,
                     uint64_t tail, char ret_text[TREE_KEEPER_TEXT_BYTES])
{
    ASSERT(!keeper->opened);
    ret_text[0] = '\0';
    keeper->log = *log;
    keeper->durable = keeper->tail_found = tail;
    TRY(open_parts(keeper, disk, ret_text));
    /* What is appended before the gap is read must not come before it. */
    bool gap = tree_file_size(keeper->file) < keeper->durable;
    keeper->ring_next = gap ? UINT64_MAX : keeper->durable + 1;
    keeper->checkpoint_size = keeper->stats.size = tree_file_size(keeper->file);
    show_signer(keeper); /* from the start; checked before the next */
    keeper->opened = true;
    return 0;
}

int tree_keeper_start(struct tree_keeper *keeper, struct disk *disk, struct ledger_log *log,
                      char ret_text[TREE_KEEPER_TEXT_BYTES])
{
    const struct tree_log source = tree_log_of_file(log);
    TRY(tree_keeper_open(keeper, disk, &source, log->ops->tail(log, keeper->options.shard),
                         ret_text));
    return start_thread(keeper);
}

void tree_keeper_detach(struct tree_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->detached = true;
    pthread_cond_signal(&keeper->wake);
    while (keeper->reading)
        pthread_cond_wait(&keeper->calm, &keeper->lock);
    pthread_mutex_unlock(&keeper->lock);
}

static void finish(struct tree_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->closing = keeper->detached = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->started)
        pthread_join(keeper->thread, NULL);
    else
        (void)run(keeper);
    if (__atomic_load_n(&keeper->distrusted, __ATOMIC_ACQUIRE))
        tree_file_distrust(keeper->file);
    if (keeper->stats.error == 0) { /* else at the next start */
        (void)tree_file_checkpoint(keeper->file);
        (void)tree_heads_sync(&keeper->signer.heads);
    }
}

void tree_keeper_abandon(struct tree_keeper *keeper)
{
    ASSERT(!keeper->started);
    keeper->opened = false;
    tree_keeper_free(keeper);
}

void tree_keeper_free(struct tree_keeper *keeper)
{
    if (keeper == NULL)
        return;
    if (keeper->opened)
        finish(keeper);
    tree_signer_close(&keeper->signer);
    tree_file_free(keeper->file);
    pthread_mutex_destroy(&keeper->lock);
    pthread_cond_destroy(&keeper->wake);
    pthread_cond_destroy(&keeper->calm);
    free(keeper->ring);
    free(keeper->record);
    free(keeper);
}
