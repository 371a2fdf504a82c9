/* book.c - contract in book.h: life, turns and the order in which a turn does its work. */
#include "app/book.h"

#include <stdlib.h>

#include "app/book_relay.h"
#include "app/follow_internal.h"
#include "app/refold.h"
#include "app/result_draft.h"
#include "app/write_off.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "core/user_shard.h"
#include "crypto/random.h"
#include "ledger/shard_proposals.h"

static void on_durable(void *owner, const struct record_view *record)
{
    struct book *book = owner;
    if (book->listener.on_record != NULL)
        book->listener.on_record(book->listener.owner, record);
    if (book->listener.on_word != NULL && relay_is_word(record))
        book->listener.on_word(book->listener.owner, record);
    book_write_offs_record(book, record);
    late_releases_forget(&book->late_releases, record->head->seq);
    book->stats.group_records++;
}

static void on_stopped(void *owner)
{
    struct book *book = owner;
    if (book->stop_reason[0] == '\0')
        memcpy(book->stop_reason, "the log failed", sizeof "the log failed");
    if (book->listener.on_stopped != NULL)
        book->listener.on_stopped(book->listener.owner);
}

static int make_parts(struct book *book)
{
    book->scratch = calloc(1, odds_image_bytes(SELECTIONS_MAX));
    book->changed = calloc(SELECTIONS_MAX, sizeof *book->changed);
    if (book->scratch == NULL || book->changed == NULL)
        return -ERR_MEMORY;
    TRY(shard_state_new(&book->options.limits, &book->state));
    TRY(book_publish_new(book));
    TRY(book_pending_new(book));
    if (book->ports.prices != NULL)
        TRY(late_releases_new(&book->late_releases));
    TRY(settle_queue_new(book->options.limits.markets_max, &book->settle_queue));
    TRY(book_old_keys_new(book));
    return book_reads_new(book);
}

int book_new(const struct book_options *options, const struct book_ports *ports,
             const struct book_listener *listener, struct book **ret_book)
{
    struct book *book = calloc(1, sizeof *book);
    if (book == NULL)
        return -ERR_MEMORY;
    book->options = *options;
    book->ports = *ports;
    book->platform = book_platform_limits(options);
    book->sink.ops = book_sink_ops();
    book->leases.silence_us_max = options->silence_us_max;
    book->busy_limit = "";
    if (options->genesis_random == NULL)
        random_fill(book->offer_key, sizeof book->offer_key);
    else
        memcpy(book->offer_key, options->genesis_random, sizeof book->offer_key);
    if (listener != NULL)
        book->listener = *listener;
    int error = make_parts(book);
    if (error < 0) {
        book_free(book);
        return error;
    }
    *ret_book = book;
    return 0;
}

void book_free(struct book *book)
{
    if (book == NULL)
        return;
    commit_free(book->commit);
    shard_state_free(book->state);
    book_reads_free(book);
    book_old_keys_free(book);
    free(book->scratch);
    free(book->changed);
    free(book->pending);
    late_releases_free(&book->late_releases);
    settle_queue_free(book->settle_queue);
    reserve_free(book->ended, ENDED_MAX, sizeof *book->ended);
    free(book);
}

void book_abandon(struct book *book)
{
    if (book->commit != NULL) /* it never started */
        commit_abandon(book->commit);
    book_free(book);
}

/* ---- start ---- */

static void record_genesis(struct book *book)
{
    const struct book_options *options = &book->options;
    struct record_genesis genesis = {.shard = options->place.shard,
                                     .shards =
                                         options->place.shards == 1 ? 0 : options->place.shards};
    uint8_t chosen[sizeof genesis.book_id + sizeof genesis.hash_key];
    if (options->genesis_random == NULL)
        random_fill(chosen, sizeof chosen);
    else
        memcpy(chosen, options->genesis_random, sizeof chosen);
    memcpy(genesis.book_id, chosen, sizeof genesis.book_id);
    memcpy(genesis.hash_key, chosen + sizeof genesis.book_id, sizeof genesis.hash_key);
    struct record_draft draft = {
        .type = RECORD_GENESIS, .time_us = book->wall.us, .body = &genesis};
    commit_record(book->commit, &draft);
}

static void record_opened(struct book *book, uint64_t epoch)
{
    struct slice version = slice_text(book->options.version);
    struct record_opened opened = {.epoch = epoch, .version_bytes = (uint16_t)version.bytes};
    memcpy(opened.binary_sha256, book->options.binary_sha256, sizeof opened.binary_sha256);
    struct record_draft draft = {.type = RECORD_OPENED,
                                 .time_us = book->wall.us,
                                 .body = &opened,
                                 .texts = &version,
                                 .texts_count = 1};
    commit_record(book->commit, &draft);
}

/* The newest sound snapshot at or below seq_max takes the place of the empty state. */
static int load_snapshot(struct book *book, uint64_t seq_max, const char **ret_reason)
{
    struct snapshot_store *store = book->ports.snapshots;
    struct shard_state *state = NULL;
    struct snapshot_found found;
    int error = store->ops->load(store, seq_max, &book->options.limits, &state, &found);
    if (found.damaged > 0) {
        book->restart.snapshots_passed += found.damaged;
        memcpy(book->restart.text, found.text, sizeof found.text);
    }
    *ret_reason = error == -ERR_LIMIT ? "the snapshot holds more than the limits allow"
                                      : "the snapshots could not be read";
    TRY(error);
    if (found.seq_max > book->ports.log->ops->tail(book->ports.log, book->options.place.shard)) {
        shard_state_free(state); /* a snapshot is of durable records only */
        *ret_reason = "L1: the log ends before a snapshot of it: it has lost records";
        return -ERR_CORRUPT;
    }
    shard_state_free(book->state);
    book->state = state;
    book->restart.snapshot_seq = found.seq;
    return 0;
}

/* L3: what the snapshot has forgotten must be known to the store before anything is decided. */
static int cover_forgotten(struct book *book, const char **ret_reason)
{
    struct verdict_store *store = book->ports.verdicts;
    uint64_t floor = shard_state_verdicts_floor(book->state);
    *ret_reason = "the snapshot has forgotten verdicts, and there is no store of them";
    if (floor == 0)
        return 0;
    if (store == NULL)
        return -ERR_UNSUPPORTED;
    int error = store->ops->cover(store, floor);
    *ret_reason = error == -ERR_CORRUPT ? store->ops->problem(store)
                                        : "the store of old verdict keys could not be made again";
    return error;
}

/* A snapshot that the log contradicts is given up for the one before it, and at last for none:
 * the log alone decides. */
static int fold_log(struct book *book, const char **ret_reason)
{
    struct refold_end end;
    struct refold_source source = {.log = book->ports.log,
                                   .shard = book->options.place.shard,
                                   .seq_last = REFOLD_ALL,
                                   .verdicts = book->ports.verdicts};
    uint64_t seq_max = UINT64_MAX;
    for (;;) {
        if (book->ports.snapshots != NULL && !book->adopted)
            TRY(load_snapshot(book, seq_max, ret_reason));
        TRY(cover_forgotten(book, ret_reason));
        int error = refold(&source, book->state, NULL, NULL, &end);
        *ret_reason = end.reason;
        if (error != -ERR_CORRUPT || book->restart.snapshot_seq == 0)
            return error;
        seq_max = book->restart.snapshot_seq - 1;
        book->restart.snapshots_passed++;
        struct buf text = buf_over(book->restart.text, sizeof book->restart.text - 1);
        buf_printf(&text, "the one of record %llu: %s",
                   (unsigned long long)book->restart.snapshot_seq, end.reason);
        book->restart.text[text.bytes] = '\0';
    }
}

/* How many there are is settled with the first record: wallets stand by it. */
static int check_shard(const struct book *book, const char **ret_reason)
{
    const struct shard_place *place = &book->options.place;
    if (shard_state_seq(book->state) == 0 || (shard_state_shard(book->state) == place->shard &&
                                              shard_state_shards(book->state) == place->shards))
        return 0;
    *ret_reason = "the ledger's first record names another shard, or another number of "
                  "them, than --shard and --shards do";
    return -ERR_CONFIG;
}

/* P1: an odds log may be new where the ledger is not, on another machine that goes on with it, or
 * lost; what was shown before had an epoch that was not above the ledger's. Where the ledger is
 * shipped, its epochs count takeovers in their upper half, and the standby's odds log was told
 * where the primary's epochs are. */
static uint32_t odds_epoch_least(uint64_t ledger_epoch)
{
    if (ledger_epoch > UINT32_MAX)
        return 0;
    return ledger_epoch < ODDS_EPOCH_MAX ? (uint32_t)ledger_epoch : ODDS_EPOCH_MAX;
}

int book_start(struct book *book, struct instant wall, struct monotonic now,
               const char **ret_reason)
{
    const struct commit_events events = {.owner = book,
                                         .on_durable = on_durable,
                                         .on_stopped = on_stopped,
                                         .on_late = book_group_late};
    uint64_t epoch;
    ASSERT(book->commit == NULL);
    book->wall = wall;
    book->now = now;
    TRY(fold_log(book, ret_reason));
    TRY(check_shard(book, ret_reason));
    if (book->ports.wait_checked != NULL)
        TRY(book->ports.wait_checked(book->ports.checked_owner, ret_reason));
    *ret_reason = "no writer epoch could be taken";
    TRY(book->ports.log->ops->take_epoch(book->ports.log, book->options.place.shard, &epoch));
    /* The log may have been copied to a machine whose epochs are behind: never fall (L1). */
    uint64_t before = shard_state_epoch(book->state), opened = epoch > before ? epoch : before + 1;
    *ret_reason = "no odds epoch could be taken";
    TRY(book->ports.odds_log->ops->take_epoch(book->ports.odds_log, odds_epoch_least(opened),
                                              &book->odds_epoch));
    *ret_reason = "no memory for groups";
    TRY(commit_new(book->ports.log, book->state, epoch, &events, &book->commit));
    if (shard_state_seq(book->state) == 0)
        record_genesis(book);
    record_opened(book, opened);
    *ret_reason = "more bets are pending than pending_max";
    TRY(book_pending_restore(book));
    book_settle_restore(book);
    book_write_offs_look(book);
    *ret_reason = "";
    return 0;
}

/* ---- turns ---- */

/* L4, L5: a state that is not the fold of its log must not decide one bet more. */
static void check_drift(struct book *book)
{
    const struct reconcile_drift *drift =
        book->ports.reconcile == NULL ? NULL : live_reconcile_drift(book->ports.reconcile);
    char reason[RECONCILE_TEXT_BYTES + 64];
    if (drift == NULL || book_stopped(book))
        return;
    struct buf text = buf_over(reason, sizeof reason - 1);
    buf_printf(&text, "the live state has drifted from its log: %s", drift->text);
    reason[text.bytes] = '\0';
    book_stop(book, reason);
}

void book_begin_turn(struct book *book, struct instant wall, struct monotonic now)
{
    book->wall = wall;
    if (now.us > book->now.us)
        book->now = now;
    check_drift(book);
}

void book_end_turn(struct book *book)
{
    book_check_leases(book);
    book_old_keys_step(book);
    book_release_due(book);
    book_proposals_step(book);
    book_settle_step(book); /* bets of this turn went first (DESIGN P3) */
    book_write_offs_step(book);
    book_drop_ended(book);
    book_forget_verdicts(book);
    commit_flush(book->commit, book->now);
    if (book->ports.reconcile != NULL)
        live_reconcile_give(book->ports.reconcile, book->state);
}

void book_poll(struct book *book)
{
    book->ports.log->ops->poll(book->ports.log);
    if (book->ports.verdicts != NULL)
        book->ports.verdicts->ops->poll(book->ports.verdicts);
    book->stats.groups = commit_groups(book->commit);
}

int64_t book_due_us(const struct book *book)
{
    if (book_settle_due(book) || book_write_offs_due(book) || book_publish_walking(book) ||
        book_old_keys_due(book))
        return 0;
    int64_t due = leases_due_us(&book->leases, book->now);
    int64_t again = commit_due_us(book->commit, book->now);
    if (again >= 0 && (due < 0 || again < due))
        due = again;
    int64_t proposals = book_proposals_due_us(book);
    if (proposals >= 0 && (due < 0 || proposals < due))
        due = proposals;
    if (book->pending_count > 0) {
        int64_t left = book->pending[0].due_us - book->now.us;
        if (due < 0 || left < due)
            due = left < 0 ? 0 : left;
    }
    return due;
}

bool book_idle(const struct book *book)
{
    return commit_idle(book->commit) && book->settle_queue->count == 0 && book->old_waiting == 0;
}

const char *book_stop_reason(const struct book *book)
{
    return book->stop_reason;
}

void book_stop(struct book *book, const char *reason)
{
    if (book_stopped(book))
        return;
    struct buf text = buf_over(book->stop_reason, sizeof book->stop_reason - 1);
    buf_put(&text, reason, strnlen(reason, text.capacity));
    commit_stop(book->commit);
}

bool book_stopped(const struct book *book)
{
    return commit_stopped(book->commit);
}

bool book_waits_for_space(const struct book *book)
{
    return commit_refused(book->commit);
}

bool book_takes_bets(const struct book *book)
{
    const struct price_source *prices = book->ports.prices;
    return !book_stopped(book) && book->paused == NULL && !book_desk_away(book) &&
           (prices == NULL || prices->is_level(prices->owner)) &&
           book->ports.log->ops->trouble(book->ports.log) == LEDGER_WELL;
}

bool book_has_user(const struct book *book, struct slice user_id)
{
    return user_shard(user_id, book->options.place.shards) == book->options.place.shard;
}

const struct shard_state *book_state(const struct book *book)
{
    return book->state;
}

const struct book_restart *book_restart(const struct book *book)
{
    return &book->restart;
}

struct feed_sink *book_sink(struct book *book)
{
    return &book->sink;
}

bool book_provider_alive(const struct book *book, struct slice provider)
{
    return leases_alive(&book->leases, provider, book->now);
}

int64_t book_provider_left_us(const struct book *book, struct slice provider)
{
    return leases_left_us(&book->leases, provider, book->now);
}

size_t book_providers_count(const struct book *book)
{
    return book->leases.count;
}

struct slice book_provider_at(const struct book *book, size_t index, int64_t *ret_age_us)
{
    ASSERT(index < book->leases.count);
    const struct lease *lease = &book->leases.leases[index];
    *ret_age_us = book->now.us - lease->last_byte.us;
    return slice_of(lease->id, lease->id_bytes);
}

int64_t book_record_time_us(const struct book *book)
{
    int64_t newest_us = shard_state_time_us(book->state);
    return book->wall.us > newest_us ? book->wall.us : newest_us;
}

const struct book_stats *book_stats(const struct book *book)
{
    struct book_stats *stats = (struct book_stats *)&book->stats; /* gauges, set when looked at */
    stats->markets_open = book->ports.store->ops->count(book->ports.store);
    stats->pending = book->pending_count;
    stats->referrals = shard_state_referrals_count(book->state);
    stats->settle_backlog = book->settle_queue->count;
    stats->settle_bets = book->settle_queue->bets;
    stats->settle_bets_left = book->settle_queue->bets_left;
    stats->verdicts_memory = shard_state_verdicts_count(book->state);
    stats->verdicts_total = shard_state_verdicts_total(book->state);
    stats->proposals = shard_state_proposals_count(book->state);
    stats->old_keys_waiting = book->old_waiting;
    return stats;
}

const char *book_busy_limit(const struct book *book)
{
    return book->busy_limit;
}
