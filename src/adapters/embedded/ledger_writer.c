/* ledger_writer.c - the threads that write a ledger_file: contract in ledger_file.h.
 *
 * Each directory has a writer of its own, for one that hangs in its disk can only be given up: the
 * other takes over, and the first finds out when it comes back. All that a writer does outside of
 * the lock is on its own hand; what came of it is settled with the lock, if the writer still is the
 * active one. The clock's thread does nothing but look how long an append has been waiting. */
#include <string.h>

#include "adapters/embedded/ledger_file_internal.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"

#define LOOK_US        US_PER_SECOND /* between looks at the space */
#define LEAVE_US       US_PER_SECOND /* so long the end waits for one that hangs */
#define CLOCK_US_MIN   (2 * US_PER_MS)
#define CLOCKS_A_STALL 8

/* --- What others may know --- */

static void show_view(struct ledger_file *file)
{
    uint64_t words[VIEW_WORDS];
    uint64_t version = __atomic_load_n(&file->shown_version, __ATOMIC_RELAXED);
    memcpy(words, &file->view, sizeof words);
    __atomic_store_n(&file->shown_version, version + 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < VIEW_WORDS; i++) /* who sees a word sees the odd number too */
        __atomic_store_n(&file->shown[i], words[i], __ATOMIC_RELEASE);
    __atomic_store_n(&file->shown_version, version + 2, __ATOMIC_RELEASE);
}

static void show_health(struct ledger_file *file)
{
    struct ledger_file_health *health = &file->health;
    const struct ledger_store *store = file->store;
    const struct ledger_hand *hand = &store->hands[store->active];
    file->stats.store = store->stats;
    file->calls.stopped = store->stopped;
    metrics_set(&health->volume, store->active + 1);
    metrics_set(&health->stalled, file->stall.stalled);
    metrics_set(&health->full, hand->full);
    metrics_set(&health->free_bytes,
                hand->free_bytes > INT64_MAX ? INT64_MAX : (int64_t)hand->free_bytes);
    metrics_set(&health->reserve_bytes, (int64_t)(hand->reserve * hand->segment_bytes));
    metrics_set(&health->reserve_missing_bytes,
                (int64_t)((hand->reserve_wanted - hand->reserve) * hand->segment_bytes));
    __atomic_store_n(&health->failovers.value, store->stats.failovers, __ATOMIC_RELAXED);
}

void ledger_writer_publish(struct ledger_file *file)
{
    file->view = ledger_store_view(file->store);
    show_view(file);
    show_health(file);
}

void ledger_writer_wake(struct ledger_file *file)
{
    pthread_cond_signal(&file->writers[file->store->active].wake);
}

/* --- One append --- */

static struct ledger_hand *hand_of(const struct ledger_writer *writer)
{
    return &writer->file->store->hands[writer->volume];
}

static bool is_active(const struct ledger_writer *writer)
{
    return writer->file->store->active == writer->volume;
}

/* The functions below are called with the lock; some let it go meanwhile. */

static bool is_writing(const struct ledger_file *file)
{
    return file->calls.append_state == LEDGER_CALL_WORKING && file->phase == PHASE_WRITING;
}

/* In the queue or in the disk: what the clock counts. */
static bool waits_for_disk(const struct ledger_file *file)
{
    return file->calls.append_state == LEDGER_CALL_WAITING || is_writing(file);
}

static void finish(struct ledger_file *file, enum append_outcome outcome)
{
    ledger_stall_end(&file->stall);
    ledger_writer_publish(file);
    ledger_calls_finish(&file->calls, outcome, NULL);
}

/* The other directory's writer goes on; what was under way is made again there. */
static void fail_over(struct ledger_file *file)
{
    file->tail = ledger_store_tail(file->store);
    ledger_store_give_up(file->store);
    file->take_over = true;
    file->working = false;
    if (is_writing(file))
        file->calls.append_state = LEDGER_CALL_WAITING;
    ledger_stall_moved(&file->stall, clock_us(CLOCK_MONOTONIC));
    ledger_writer_wake(file);
}

static void tell_follower(struct ledger_file *file, const struct ledger_append *append)
{
    if (file->follower.on_durable == NULL)
        return;
    file->phase = PHASE_TELLING;
    pthread_mutex_unlock(&file->calls.lock);
    file->follower.on_durable(file->follower.owner, append);
    pthread_mutex_lock(&file->calls.lock);
}

static void write_append(struct ledger_writer *writer)
{
    struct ledger_file *file = writer->file;
    struct ledger_hand *hand = hand_of(writer);
    const struct ledger_append *append = file->calls.append;
    if (file->store->stopped || ledger_store_moved(file->store, append)) {
        finish(file, file->store->stopped ? APPEND_UNKNOWN : APPEND_MOVED);
        return;
    }
    file->calls.append_state = LEDGER_CALL_WORKING;
    file->phase = PHASE_LAYING;
    file->working = true;
    pthread_mutex_unlock(&file->calls.lock);
    ledger_hand_lay(hand, append);
    pthread_mutex_lock(&file->calls.lock);
    file->phase = PHASE_WRITING;
    pthread_mutex_unlock(&file->calls.lock);
    enum append_outcome outcome = ledger_hand_write(hand);
    pthread_mutex_lock(&file->calls.lock);
    if (!is_active(writer))
        return; /* superseded: whatever it was, it is not the log's */
    file->working = false;
    ledger_store_settle(file->store, outcome);
    if (ledger_store_must_leave(file->store, outcome)) {
        fail_over(file);
        return;
    }
    if (outcome == APPEND_OK)
        tell_follower(file, append);
    file->prepare = true;
    finish(file, outcome);
}

/* --- Failing over, and the rest of a writer's work --- */

static void take_over(struct ledger_writer *writer)
{
    struct ledger_file *file = writer->file;
    struct ledger_tail tail = file->tail;
    file->take_over = false;
    file->working = true;
    pthread_mutex_unlock(&file->calls.lock);
    int error = ledger_hand_take_over(hand_of(writer), &tail);
    pthread_mutex_lock(&file->calls.lock);
    file->working = false;
    file->prepare = true;
    ledger_store_taken_over(file->store, error);
    ledger_stall_moved(&file->stall, clock_us(CLOCK_MONOTONIC));
    ledger_writer_publish(file);
    pthread_cond_signal(&file->calls.owner_wake);
}

enum step { STEP_PREPARE, STEP_LOOK };

static void do_step(struct ledger_writer *writer, enum step step)
{
    struct ledger_file *file = writer->file;
    bool more = false;
    file->working = true;
    pthread_mutex_unlock(&file->calls.lock);
    if (step == STEP_PREPARE)
        more = ledger_hand_prepare_step(hand_of(writer));
    else
        ledger_hand_look(hand_of(writer));
    pthread_mutex_lock(&file->calls.lock);
    if (!is_active(writer))
        return;
    file->working = false;
    if (step == STEP_PREPARE)
        file->prepare = more;
    else
        file->looked_us = clock_us(CLOCK_MONOTONIC);
    int64_t was_full = file->health.full.value;
    show_health(file);
    pthread_cond_signal(&file->calls.owner_wake);
    if (file->health.full.value != was_full)
        ledger_calls_notify(&file->calls); /* whoever waits for space hears of it */
}

static bool look_is_due(const struct ledger_file *file)
{
    return clock_us(CLOCK_MONOTONIC) - file->looked_us >= LOOK_US;
}

static void work(struct ledger_writer *writer)
{
    struct ledger_file *file = writer->file;
    if (file->take_over)
        take_over(writer);
    else if (!file->calls.stopped && ledger_hand_prepare_late(hand_of(writer)))
        do_step(writer, STEP_PREPARE);
    else if (file->calls.append_state == LEDGER_CALL_WAITING)
        write_append(writer);
    else if (!file->calls.stopped && look_is_due(file))
        do_step(writer, STEP_LOOK);
    else if (!file->calls.stopped && file->prepare)
        do_step(writer, STEP_PREPARE);
    else
        ledger_calls_wait_us(&file->calls, &writer->wake, LOOK_US);
}

/* Back from wherever it hung: its files are closed, and its directory may be used again. */
static void come_back(struct ledger_writer *writer)
{
    struct ledger_file *file = writer->file;
    pthread_mutex_unlock(&file->calls.lock);
    ledger_hand_rest(hand_of(writer));
    pthread_mutex_lock(&file->calls.lock);
    ledger_store_came_back(file->store, writer->volume);
    pthread_cond_broadcast(&file->calls.owner_wake);
}

static void *write_loop(void *owner)
{
    struct ledger_writer *writer = owner;
    struct ledger_file *file = writer->file;
    pthread_mutex_lock(&file->calls.lock);
    while (!file->left) {
        if (hand_of(writer)->hangs)
            come_back(writer);
        else if (file->calls.closing && file->calls.append_state != LEDGER_CALL_WAITING &&
                 !file->take_over)
            break;
        else if (!is_active(writer) || file->taken)
            pthread_cond_wait(&writer->wake, &file->calls.lock);
        else
            work(writer);
    }
    bool last = file->left && hand_of(writer)->hangs;
    pthread_mutex_unlock(&file->calls.lock);
    if (last)
        ledger_file_destroy(file); /* nobody else has it any more */
    return NULL;
}

/* --- The clock --- */

static void look_at_clock(struct ledger_file *file)
{
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    if (!waits_for_disk(file))
        return;
    if (ledger_stall_begins(&file->stall, now_us)) {
        metrics_count(&file->health.stalls, 1);
        metrics_set(&file->health.stalled, 1);
        ledger_calls_notify(&file->calls);
    }
    if (ledger_stall_leaves(&file->stall, now_us) && !file->taken &&
        ledger_store_can_fail_over(file->store))
        fail_over(file);
}

static void *clock_loop(void *owner)
{
    struct ledger_file *file = owner;
    int64_t step_us = file->stall.limit_us / CLOCKS_A_STALL;
    if (step_us < CLOCK_US_MIN)
        step_us = CLOCK_US_MIN;
    pthread_mutex_lock(&file->calls.lock);
    /* To the end of what is under way, and no longer. */
    while (!file->calls.closing || waits_for_disk(file)) {
        look_at_clock(file);
        ledger_calls_wait_us(&file->calls, &file->clock_wake, step_us);
    }
    pthread_mutex_unlock(&file->calls.lock);
    return NULL;
}

/* --- Begin and end --- */

int ledger_writer_start(struct ledger_file *file)
{
    file->looked_us = clock_us(CLOCK_MONOTONIC); /* opening looked */
    file->prepare = true;
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++) {
        struct ledger_writer *writer = &file->writers[i];
        if (hand_of(writer)->disk == NULL)
            continue;
        if (pthread_create(&writer->thread, NULL, write_loop, writer) != 0)
            return -ERR_MEMORY;
        writer->running = true;
    }
    if (file->stall.limit_us == 0)
        return 0;
    if (pthread_create(&file->clock, NULL, clock_loop, file) != 0)
        return -ERR_MEMORY;
    file->clock_running = true;
    return 0;
}

/* The volume whose writer hangs, or LEDGER_VOLUMES_MAX. At most one does: the other took over. */
static uint32_t who_hangs(const struct ledger_file *file)
{
    uint32_t volume = 0;
    while (volume < LEDGER_VOLUMES_MAX && !file->store->hands[volume].hangs)
        volume++;
    return volume;
}

static uint32_t wait_for_hanging(struct ledger_file *file)
{
    int64_t end_us = clock_us(CLOCK_MONOTONIC) + LEAVE_US;
    pthread_mutex_lock(&file->calls.lock);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        pthread_cond_signal(&file->writers[i].wake);
    pthread_cond_signal(&file->clock_wake);
    while (who_hangs(file) < LEDGER_VOLUMES_MAX && clock_us(CLOCK_MONOTONIC) < end_us)
        ledger_calls_wait_us(&file->calls, &file->calls.owner_wake, LEAVE_US / 10);
    uint32_t volume = who_hangs(file);
    pthread_mutex_unlock(&file->calls.lock);
    return volume;
}

/* False: the file is that writer's from now on. */
static bool take_back(struct ledger_file *file, uint32_t volume)
{
    pthread_t thread = file->writers[volume].thread;
    pthread_mutex_lock(&file->calls.lock);
    bool hangs = file->store->hands[volume].hangs;
    file->left = hangs;
    pthread_mutex_unlock(&file->calls.lock);
    if (hangs)
        pthread_detach(thread);
    else
        pthread_join(thread, NULL);
    return !hangs;
}

bool ledger_writer_join(struct ledger_file *file)
{
    uint32_t hanging = wait_for_hanging(file);
    for (uint32_t i = 0; i < LEDGER_VOLUMES_MAX; i++)
        if (file->writers[i].running && i != hanging)
            pthread_join(file->writers[i].thread, NULL);
    if (file->clock_running)
        pthread_join(file->clock, NULL);
    return hanging == LEDGER_VOLUMES_MAX || take_back(file, hanging);
}
