/* shadow.c - contract in shadow.h. */
#include "app/shadow.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "ledger/shard_verdicts.h"

enum phase { PHASE_BEGIN = 0, PHASE_FOLD, PHASE_ENDED };

struct shadow {
    struct shadow_options options;
    struct shadow_ports ports;
    enum phase phase;
    int error;                    /* of PHASE_ENDED */
    struct shard_state *state;    /* owns */
    bool joined;                  /* the record that was the snapshot's last was met in the log */
    bool foreign;                 /* and it was another one */
    uint64_t snapshot_due;        /* the number at which one is written */
    struct reconcile_drift drift; /* where the fold itself, or the comparison, ended */
    bool drifted;
    struct shadow_stats stats;
    char text[SHADOW_TEXT_BYTES];
};

int shadow_new(const struct shadow_options *options, const struct shadow_ports *ports,
               struct shadow **ret_shadow)
{
    struct shadow *shadow = calloc(1, sizeof *shadow);
    ASSERT(options->snapshot_records > 0);
    if (shadow == NULL)
        return -ERR_MEMORY;
    shadow->options = *options;
    shadow->ports = *ports;
    *ret_shadow = shadow;
    return 0;
}

void shadow_free(struct shadow *shadow)
{
    if (shadow == NULL)
        return;
    shard_state_free(shadow->state);
    free(shadow);
}

const char *shadow_text(const struct shadow *shadow)
{
    return shadow->text;
}

static void set(uint64_t *stat, uint64_t value)
{
    __atomic_store_n(stat, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *stat)
{
    return __atomic_load_n(stat, __ATOMIC_RELAXED);
}

struct shadow_stats shadow_stats(const struct shadow *shadow)
{
    const struct shadow_stats *s = &shadow->stats;
    return (struct shadow_stats){get(&s->seq),
                                 get(&s->lag),
                                 get(&s->snapshots),
                                 get(&s->snapshot_seq),
                                 get(&s->snapshot_errors),
                                 get(&s->snapshot_damaged)};
}

static void say(struct shadow *shadow, const char *what, const char *why)
{
    struct buf text = buf_over(shadow->text, sizeof shadow->text - 1);
    buf_put_text(&text, what);
    buf_put_text(&text, why);
    shadow->text[text.bytes] = '\0';
}

/* ---- the begin ---- */

struct genesis {
    const struct shard_state *state;
    bool same;
};

/* -ERR_STOPPED: seen, no more. */
static int look_at_genesis(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct genesis *genesis = owner;
    struct record_view view;
    (void)shard;
    TRY(record_view_of(record, bytes, &view));
    genesis->same = shard_state_is_of(genesis->state, &view);
    return -ERR_STOPPED;
}

static bool is_of_this_log(struct shadow *shadow)
{
    struct ledger_cursor *cursor = shadow->ports.cursor;
    struct genesis genesis = {shadow->state, false};
    cursor->ops->seek(cursor, 1);
    int more = SHADOW_MORE;
    while (more == SHADOW_MORE) /* the first group may be longer than a step */
        more = cursor->ops->step(cursor, SHADOW_STEP_BYTES, look_at_genesis, &genesis);
    return genesis.same;
}

/* The newest sound snapshot at or below seq_max, or an empty state; the cursor stands so that the
 * first record met is the state's last, or record 1. */
static int load(struct shadow *shadow, uint64_t seq_max, struct snapshot_found *ret_found)
{
    shard_state_free(shadow->state);
    shadow->state = NULL;
    int error = shadow->ports.snapshots->ops->load(
        shadow->ports.snapshots, seq_max, &shadow->options.limits, &shadow->state, ret_found);
    if (error < 0) {
        say(shadow, "no state to begin with: ", error_text(error));
        return error;
    }
    uint64_t seq = shard_state_seq(shadow->state);
    shadow->joined = seq == 0;
    shadow->foreign = !shadow->joined && !is_of_this_log(shadow);
    shadow->ports.cursor->ops->seek(shadow->ports.cursor, seq == 0 ? 1 : seq);
    set(&shadow->stats.seq, seq);
    return 0;
}

static int begin(struct shadow *shadow)
{
    struct snapshot_found found;
    uint64_t tail = shadow->ports.cursor->ops->look(shadow->ports.cursor);
    TRY(load(shadow, tail, &found));
    set(&shadow->stats.snapshot_seq, found.seq);
    set(&shadow->stats.snapshot_damaged, found.damaged);
    shadow->snapshot_due = found.seq + shadow->options.snapshot_records;
    shadow->phase = PHASE_FOLD;
    return SHADOW_MORE;
}

/* ---- folding ---- */

/* Both wrote or read this record, and they disagree about it: the live state had drifted before,
 * and what it recorded shows it. */
static void drift_of_record(struct shadow *shadow, const struct record_view *view)
{
    struct reconcile_drift *drift = &shadow->drift;
    struct buf text = buf_over(drift->text, sizeof drift->text - 1);
    shadow->drifted = true;
    *drift = (struct reconcile_drift){.seq = view->head->seq,
                                      .kind = RECONCILE_ACCOUNT,
                                      .ref = view->head->account,
                                      .field = "record",
                                      .record = view->head->seq};
    buf_printf(&text, "record %u-%llu, of account %u, is refused when it is folded again: %s",
               shard_state_shard(shadow->state), (unsigned long long)view->head->seq,
               view->head->account, shard_state_reason(shadow->state));
    drift->text[text.bytes] = '\0';
}

static int compare(struct shadow *shadow)
{
    const struct reconcile_sample *sample =
        shadow->ports.reconcile == NULL ? NULL : shadow_reconcile_given(shadow->ports.reconcile);
    if (sample == NULL || sample->seq != shard_state_seq(shadow->state))
        return 0;
    if (shadow_reconcile_counts(shadow->ports.reconcile) &&
        !reconcile_compare(sample, shadow->state, &shadow->drift)) {
        shadow->drifted = true;
        return -ERR_CORRUPT;
    }
    shadow_reconcile_done(shadow->ports.reconcile);
    return 0;
}

static int check_joint(struct shadow *shadow, const struct record_view *view)
{
    shadow->joined = true;
    if (view->head->seq == shard_state_seq(shadow->state) &&
        view->head->crc == shard_state_record_crc(shadow->state))
        return compare(shadow);
    shadow->foreign = true;
    return -ERR_CORRUPT;
}

/* The live state is ahead, and what it has not forgotten fits into as much memory: so the store
 * covers what this one has to forget. */
static void forget_verdicts(struct shadow *shadow)
{
    const struct verdict_store *store = shadow->ports.verdicts;
    uint32_t max = shadow->options.limits.verdicts_max;
    uint32_t count = shard_state_verdicts_count(shadow->state);
    if (store != NULL && count >= max)
        (void)shard_state_forget_verdicts(shadow->state, store->ops->covered(store),
                                          max / 4 + SHARD_VERDICTS_BLOCK);
}

static int fold_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct shadow *shadow = owner;
    struct record_view view;
    (void)shard;
    int error = record_view_of(record, bytes, &view);
    if (error < 0) {
        say(shadow, "", "a record's own shape or checksum is broken");
        return error;
    }
    if (!shadow->joined)
        return check_joint(shadow, &view);
    forget_verdicts(shadow);
    error = shard_state_apply(shadow->state, &view);
    if (error == -ERR_CORRUPT)
        drift_of_record(shadow, &view);
    else if (error < 0)
        say(shadow, "the log holds more than the limits allow", "");
    else
        error = compare(shadow);
    return error;
}

/* ---- drift ---- */

/* The last record after which the refolded row was the live one, and what changed it next. */
struct parting {
    struct shadow *shadow;
    uint64_t seq_max;
    uint64_t alike;   /* after this record they were alike; 0: never seen so */
    uint64_t changed; /* the first record behind it after which they were not */
};

static int watch_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct parting *parting = owner;
    struct shadow *shadow = parting->shadow;
    struct record_view view;
    (void)shard;
    TRY(record_view_of(record, bytes, &view));
    if (view.head->seq > parting->seq_max)
        return -ERR_STOPPED;
    forget_verdicts(shadow);
    if (shadow->joined)
        TRY(shard_state_apply(shadow->state, &view));
    shadow->joined = true;
    bool alike = reconcile_row_is(&shadow->drift, shadow->state);
    if (alike)
        parting->alike = view.head->seq;
    if (!alike && parting->alike != 0 && parting->alike == view.head->seq - 1)
        parting->changed = view.head->seq;
    return 0;
}

/* The newest record that moved the refolded row: its values are the live one's up to there, for
 * every record says the balance after it and was found to be right. */
static uint64_t newest_record_of(const struct reconcile_drift *drift,
                                 const struct shard_state *state)
{
    switch (drift->kind) {
    case RECONCILE_ACCOUNT:
        return shard_state_account(state, (struct account_ref){drift->ref})->seq_last;
    case RECONCILE_BET:
        return shard_state_bet(state, drift->ref)->seq_last;
    case RECONCILE_LEG:
        return shard_state_bet(state, shard_state_leg(state, drift->ref)->bet)->seq_last;
    case RECONCILE_MARKET:
        return shard_state_market(state, (struct market_ref){drift->ref})->seq_result;
    case RECONCILE_SELECTION: /* bets and results move it */
    case RECONCILE_COUNT:
    case RECONCILE_HOUSE:
        break;
    }
    return 0;
}

/* Folds once more from the newest snapshot and watches the row. The live row was the refolded one
 * up to some record, if the live state left a record out; else its newest record is named. */
static void find_record(struct shadow *shadow)
{
    struct reconcile_drift *drift = &shadow->drift;
    struct parting parting = {.shadow = shadow, .seq_max = drift->seq};
    struct snapshot_found found;
    drift->record = newest_record_of(drift, shadow->state);
    if (load(shadow, drift->seq, &found) < 0)
        return;
    int more = SHADOW_MORE;
    while (more == SHADOW_MORE)
        more = shadow->ports.cursor->ops->step(shadow->ports.cursor, SHADOW_STEP_BYTES,
                                               watch_record, &parting);
    if (parting.changed != 0)
        drift->record = parting.changed;
}

static void end_in_drift(struct shadow *shadow)
{
    if (shadow->ports.reconcile != NULL)
        shadow_reconcile_tell(shadow->ports.reconcile, &shadow->drift); /* bets stop now */
    if (shadow->drift.record == 0) {
        find_record(shadow);
        if (shadow->state != NULL && shard_state_seq(shadow->state) >= shadow->drift.seq)
            reconcile_say(&shadow->drift, shadow->state);
    }
    if (shadow->ports.reconcile != NULL)
        shadow_reconcile_explain(shadow->ports.reconcile, &shadow->drift);
    say(shadow, "the live state has drifted: ", shadow->drift.text);
}

/* ---- snapshots ---- */

/* What is kept must be sound: it is what a start will trust. */
static int save(struct shadow *shadow)
{
    uint64_t seq = shard_state_seq(shadow->state);
    int error = shard_state_check(shadow->state);
    if (error == -ERR_CORRUPT) {
        say(shadow, "the refolded state is not sound: ", shard_state_reason(shadow->state));
        return error;
    }
    if (error == 0)
        error = shadow->ports.snapshots->ops->save(shadow->ports.snapshots, shadow->state);
    shadow->snapshot_due = seq + shadow->options.snapshot_records;
    if (error < 0) {
        set(&shadow->stats.snapshot_errors, shadow->stats.snapshot_errors + 1);
        return 0;
    }
    set(&shadow->stats.snapshots, shadow->stats.snapshots + 1);
    set(&shadow->stats.snapshot_seq, seq);
    return 0;
}

/* ---- steps ---- */

/* A snapshot that the log contradicts: the one before it, or record 1. */
static int give_up_snapshot(struct shadow *shadow)
{
    struct snapshot_found found;
    shadow->foreign = false;
    set(&shadow->stats.snapshot_damaged, shadow->stats.snapshot_damaged + 1);
    TRY(load(shadow, shard_state_seq(shadow->state) - 1, &found));
    set(&shadow->stats.snapshot_seq, found.seq);
    return SHADOW_MORE;
}

/* A sample asked for after the look is of a record at or behind its tail, for nothing is durable
 * that the live state does not know: so folding up to the tail never passes it by. */
static int fold(struct shadow *shadow)
{
    struct ledger_cursor *cursor = shadow->ports.cursor;
    uint64_t tail = cursor->ops->look(cursor);
    if (shadow->foreign)
        return give_up_snapshot(shadow);
    TRY(compare(shadow)); /* a sample of the record that is the last folded */
    int more = cursor->ops->step(cursor, SHADOW_STEP_BYTES, fold_record, shadow);
    if (more < 0 && shadow->foreign)
        return give_up_snapshot(shadow);
    if (more < 0) {
        if (shadow->text[0] == '\0' && !shadow->drifted)
            say(shadow, "the log could not be read: ", error_text(more));
        return more;
    }
    uint64_t seq = shard_state_seq(shadow->state);
    set(&shadow->stats.seq, seq);
    set(&shadow->stats.lag, tail > seq ? tail - seq : 0);
    if (seq >= shadow->snapshot_due)
        TRY(save(shadow));
    if (more == 0 && shadow->ports.reconcile != NULL &&
        !shadow_reconcile_asked(shadow->ports.reconcile))
        shadow_reconcile_ask(shadow->ports.reconcile);
    return more;
}

int shadow_step(struct shadow *shadow)
{
    if (shadow->phase == PHASE_ENDED)
        return shadow->error;
    int result = shadow->phase == PHASE_BEGIN ? begin(shadow) : fold(shadow);
    if (result >= 0)
        return result;
    shadow->phase = PHASE_ENDED;
    shadow->error = result;
    if (shadow->drifted)
        end_in_drift(shadow);
    return result;
}
