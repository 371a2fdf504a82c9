/* ledger_cmd.c - contract in ledger_cmd.h. Each line of an answer is a name and its value, so that
 * a script reads it as easily as a person. */
#include "cli/ledger/ledger_cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/snapshot_file.h"
#include "adapters/shared/batch_ledger.h"
#include "app/audit.h"
#include "app/refold.h"
#include "base/error.h"
#include "base/rfc3339.h"
#include "cli/ledger/ledger_proofs.h"
#include "ledger/record_json.h"

static void put_u64(const char *name, uint64_t value)
{
    (void)printf("%s %" PRIu64 "\n", name, value);
}

static void put_shard(const struct shard_state *state)
{
    put_u64("shard", shard_state_shard(state));
    put_u64("shards", shard_state_shards(state));
}

static void put_hash(const uint8_t hash[32])
{
    (void)printf("state ");
    for (size_t i = 0; i < 32; i++)
        (void)printf("%02x", hash[i]);
    (void)printf("\n");
}

static void put_money(const char *name, struct money money)
{
    char memory[64];
    struct buf text = buf_over(memory, sizeof memory);
    money_write(&text, money);
    (void)printf("%s %s %.*s\n", name, currency_code(money.currency), SLICE_ARG(buf_slice(&text)));
}

/* ---- folding ---- */

static bool in_files(const struct ledger_opened *opened)
{
    return opened->disk != NULL;
}

/* Why a fold ended early: the state's reason, or the byte of the log's damage. */
static void explain(struct ledger_opened *opened, const char *reason, uint64_t seq, struct buf *why)
{
    const char *problem =
        in_files(opened) ? ledger_file_problem(opened->log) : batch_ledger_problem(opened->log);
    if (seq > 0)
        buf_printf(why, "record %u-%" PRIu64 ": ", shard_state_shard(opened->state), seq);
    buf_put_text(why, reason);
    if (problem[0] != '\0')
        buf_printf(why, "; %s", problem);
    else
        opened->fault_seq = seq;
}

int ledger_cmd_fold(struct ledger_opened *opened, uint64_t seq_last, refold_visit visit,
                    void *owner, struct buf *why)
{
    const struct refold_source source = {
        .log = opened->log, .shard = opened->shard, .seq_last = seq_last, .forget = true};
    struct refold_end end;
    int error = refold(&source, opened->state, visit, owner, &end);
    if (error < 0)
        explain(opened, end.reason[0] != '\0' ? end.reason : error_text(error), end.seq, why);
    return error;
}

/* ---- verify ---- */

/* Each snapshot, read whole, says what the state was: the refold must agree. A damaged one is no
 * damage of the ledger, but somebody should know. */
struct marks {
    struct audit_mark marks[SNAPSHOT_FILES_MAX];
    size_t count;
    char damaged[SNAPSHOT_TEXT_BYTES];
};

static int read_mark(struct snapshot_store *store, const struct shard_limits *limits, uint64_t seq,
                     struct marks *marks)
{
    struct snapshot_found found;
    struct shard_state *state = NULL;
    struct audit_mark *mark = &marks->marks[marks->count];
    TRY(store->ops->load(store, seq, limits, &state, &found));
    int error = 0;
    if (found.damaged > 0)
        memcpy(marks->damaged, found.text, sizeof marks->damaged);
    if (found.seq == seq) {
        mark->seq = seq;
        error = shard_state_hash(state, mark->state_hash);
        marks->count++;
    }
    shard_state_free(state);
    return error;
}

static int read_marks(const struct ledger_opened *opened, struct marks *marks, struct buf *why)
{
    const struct snapshot_file_options options = {.shard = opened->shard};
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    struct snapshot_store *store = NULL;
    size_t count = 0;
    *marks = (struct marks){.count = 0};
    if (!in_files(opened))
        return 0;
    TRY(snapshot_file_list(opened->disk, opened->shard, names, &count));
    TRY(snapshot_file_new(&options, opened->disk, &store));
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = read_mark(store, shard_state_limits(opened->state), names[i].seq, marks);
    if (error == -ERR_LIMIT)
        buf_put_text(why, "a snapshot holds more than the limits allow");
    store->ops->free(store);
    return error;
}

static int check_marks(const struct marks *marks, const struct audit_report *report,
                       struct buf *why)
{
    if (marks->damaged[0] != '\0') {
        buf_printf(why, "the ledger is sound, a snapshot is not; it may be deleted: %s",
                   marks->damaged);
        return -ERR_CORRUPT;
    }
    if (report->marks_checked < marks->count) {
        buf_put_text(why, "L1: the log ends before a snapshot of it: it has lost records");
        return -ERR_CORRUPT;
    }
    return 0;
}

static int check_archive(struct ledger_opened *opened, struct buf *why)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    uint64_t files = 0;
    if (!in_files(opened))
        return 0;
    int error = ledger_file_check_archive(opened->log, &files, text);
    if (error < 0)
        buf_put_text(why, text[0] != '\0' ? text : error_text(error));
    else if (files > 0)
        put_u64("archived_files_checked", files);
    return error;
}

int ledger_cmd_verify(struct ledger_opened *opened, const struct ledger_asked *asked,
                      struct buf *why)
{
    struct audit_report report;
    struct marks marks;
    TRY(check_archive(opened, why));
    TRY(read_marks(opened, &marks, why));
    const struct audit_source source = {.log = opened->log,
                                        .odds = opened->odds,
                                        .odds_count = opened->odds_count,
                                        .shard = opened->shard,
                                        .marks = marks.marks,
                                        .marks_count = marks.count};
    int error = audit_marked(&source, opened->state, &report);
    if (error < 0) {
        explain(opened, report.reason[0] != '\0' ? report.reason : error_text(error), report.seq,
                why);
        return error;
    }
    put_shard(opened->state);
    put_u64("records", report.records);
    put_u64("legs_checked", report.legs_checked);
    put_u64("legs_unlogged", report.legs_unlogged);
    put_u64("odds_changes", report.odds_changes);
    put_u64("odds_kept_from", report.odds_kept_from);
    put_u64("bets_unsettled_with_result", report.bets_unsettled_with_result);
    put_u64("verdicts_checked", report.verdicts_checked);
    put_u64("snapshots_checked", report.marks_checked);
    put_hash(report.state_hash);
    if (in_files(opened)) /* the tree and its heads are there */
        TRY(ledger_proofs_verify(opened, asked, why));
    TRY(check_marks(&marks, &report, why));
    (void)printf("all invariants hold\n");
    return 0;
}

/* ---- stat ---- */

struct type_sums {
    uint64_t count[RECORD_TYPE_LAST + 1], bytes[RECORD_TYPE_LAST + 1];
};

static int sum_type(void *owner, const struct record_view *record, const struct shard_state *state)
{
    struct type_sums *sums = owner;
    (void)state;
    sums->count[record->head->type]++;
    sums->bytes[record->head->type] += record->head->bytes;
    return 0;
}

/* "type BET 12 2784": how many, and their bytes. */
static void put_types(const struct type_sums *sums)
{
    uint64_t bytes = 0;
    for (unsigned type = RECORD_GENESIS; type <= RECORD_TYPE_LAST; type++)
        bytes += sums->bytes[type];
    put_u64("bytes", bytes);
    for (unsigned type = RECORD_GENESIS; type <= RECORD_TYPE_LAST; type++)
        if (record_type_text((enum record_type)type) != NULL)
            (void)printf("type %s %" PRIu64 " %" PRIu64 "\n",
                         record_type_text((enum record_type)type), sums->count[type],
                         sums->bytes[type]);
}

static void put_counts(const struct shard_state *state)
{
    const struct shard_counts *counts = shard_state_counts(state);
    put_u64("accounts", shard_state_accounts_count(state));
    put_u64("markets", shard_state_markets_count(state));
    put_u64("bets_placed", counts->bets_placed);
    put_u64("bets_pending", counts->bets_pending);
    put_u64("bets_referred", counts->bets_referred);
    put_u64("bets_refused", counts->bets_refused);
    put_u64("bets_not_accepted", counts->bets_not_accepted);
    put_u64("bets_settled", counts->bets_settled);
    put_u64("settlements_reversed", counts->settlements_reversed);
    put_u64("deposits", counts->deposits);
    put_u64("withdrawals", counts->withdrawals);
    put_u64("promotions", counts->promotions);
    put_u64("money_refused", counts->money_refused);
    put_u64("fences", counts->fences);
    put_u64("results", counts->results);
}

/* As they are now; the counts above are of all that ever happened. */
static void put_bets(const struct shard_state *state)
{
    uint64_t now[BET_STATES] = {0};
    for (uint32_t i = 0; i < shard_state_bets_count(state); i++)
        now[shard_state_bet(state, i)->state]++;
    put_u64("now_pending", now[BET_STATE_PENDING]);
    put_u64("now_open", now[BET_STATE_OPEN]);
    put_u64("now_settled", now[BET_STATE_SETTLED]);
    put_u64("now_not_accepted", now[BET_STATE_NOT_ACCEPTED]);
    put_u64("now_cashed_out", now[BET_STATE_CASHED_OUT]);
    put_u64("now_referred", now[BET_STATE_REFERRED]);
}

static void put_balances(const struct shard_state *state)
{
    for (size_t i = 0; i < shard_state_houses_count(state); i++) {
        const struct shard_house *house = shard_state_house(state, i);
        int64_t available = 0, held = 0, free = 0, bonus = 0;
        for (uint32_t ref = 1; ref <= shard_state_accounts_count(state); ref++) {
            const struct shard_account *account =
                shard_state_account(state, (struct account_ref){ref});
            if (!currency_equal(account->currency, house->currency))
                continue;
            available += account->available;
            held += account->held;
            free += account->free;
            bonus += account->bonus;
        }
        put_money("customers_available", money_of(available, house->currency));
        put_money("customers_held", money_of(held, house->currency));
        put_money("customers_free_bets", money_of(free, house->currency));
        put_money("customers_bonus", money_of(bonus, house->currency));
        put_money("house_cash", money_of(house->cash, house->currency));
        put_money("house_stakes", money_of(house->stakes, house->currency));
        put_money("house_result", money_of(house->result, house->currency));
        put_money("house_promo", money_of(house->promo, house->currency));
        put_money("returns_open", money_of(house->returns_open, house->currency));
    }
}

/* "segments plain 3 201326592": how many, and the bytes of their files. */
static int put_sizes(struct ledger_log *log, struct buf *why)
{
    char text[LEDGER_REPORT_TEXT_BYTES];
    struct ledger_sizes sizes;
    int error = ledger_file_sizes(log, &sizes, text);
    if (error < 0) {
        buf_put_text(why, text[0] != '\0' ? text : error_text(error));
        return error;
    }
    (void)printf("segments plain %" PRIu64 " %" PRIu64 "\n", sizes.plain, sizes.plain_bytes);
    (void)printf("segments compressed %" PRIu64 " %" PRIu64 "\n", sizes.packed, sizes.packed_bytes);
    (void)printf("segments archived %" PRIu64 " %" PRIu64 "\n", sizes.archived,
                 sizes.archived_bytes);
    put_u64("segments_bytes", sizes.log_bytes);
    return 0;
}

int ledger_cmd_stat(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    struct type_sums sums = {.count = {0}};
    (void)asked;
    TRY(ledger_cmd_fold(opened, REFOLD_ALL, sum_type, &sums, why));
    put_shard(opened->state);
    put_u64("last_seq", shard_state_seq(opened->state));
    put_types(&sums);
    put_counts(opened->state);
    put_bets(opened->state);
    put_balances(opened->state);
    return in_files(opened) ? put_sizes(opened->log, why) : 0;
}

/* ---- dump ---- */

static bool is_asked(const struct ledger_asked *asked, const struct record_view *record,
                     const struct shard_state *state)
{
    if (record->head->seq < asked->from)
        return false;
    if (asked->user == NULL)
        return true;
    struct account_ref account = {record->head->account};
    return slice_is(shard_state_user_id(state, account), asked->user);
}

static int put_record(void *owner, const struct record_view *record,
                      const struct shard_state *state)
{
    static char memory[RECORD_JSON_BYTES_MAX]; /* pages that no record needs are never touched */
    struct buf line = buf_over(memory, sizeof memory);
    if (!is_asked(owner, record, state))
        return 0;
    record_json(&line, record, state);
    if (line.overflow || fwrite(line.at, 1, line.bytes, stdout) != line.bytes ||
        putchar('\n') == EOF)
        return -ERR_IO;
    return 0;
}

int ledger_cmd_dump(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    struct ledger_asked owner = *asked;
    if (asked->from > asked->to) {
        buf_printf(why, "--from %" PRIu64 " is after --to %" PRIu64, asked->from, asked->to);
        return -ERR_CONFIG;
    }
    TRY(ledger_cmd_fold(opened, asked->to, put_record, &owner, why));
    if (asked->user == NULL ||
        shard_state_find_account(opened->state, slice_text(asked->user)).n != 0)
        return 0;
    buf_printf(why, "the ledger knows no user %s", asked->user);
    return -ERR_NOT_FOUND;
}

/* ---- replay ---- */

struct last_until {
    int64_t time_us;
    uint64_t seq; /* of the last record not after it */
    bool over;
};

/* Record time never falls, so the first one that is later ends the search. */
static int find_last(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct last_until *last = owner;
    struct record_head head;
    (void)shard;
    if (bytes < sizeof head)
        return -ERR_CORRUPT;
    memcpy(&head, record, sizeof head);
    last->over = head.time_us > last->time_us;
    if (last->over)
        return -ERR_NOT_FOUND;
    last->seq = head.seq;
    return 0;
}

static int seq_at(struct ledger_opened *opened, struct instant until, uint64_t *ret_seq,
                  struct buf *why)
{
    struct last_until last = {.time_us = until.us};
    uint64_t from = shard_state_seq(opened->state);
    int error = opened->log->ops->replay(opened->log, opened->shard, from == 0 ? 1 : from,
                                         find_last, &last);
    *ret_seq = last.seq;
    if (error < 0 && !last.over) {
        explain(opened, error_text(error), 0, why);
        return error;
    }
    return 0;
}

static int parse_seq(struct slice text, uint64_t *ret_seq)
{
    uint64_t seq = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || i >= 18)
            return -ERR_FORMAT;
        seq = seq * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret_seq = seq;
    return text.bytes == 0 ? -ERR_FORMAT : 0;
}

/* The number of the last record that was asked for. */
static int last_asked(struct ledger_opened *opened, const char *until, uint64_t *ret_seq,
                      struct buf *why)
{
    struct instant instant;
    uint64_t tail = opened->log->ops->tail(opened->log, opened->shard);
    *ret_seq = tail;
    if (until == NULL)
        return 0;
    if (rfc3339_parse(slice_text(until), &instant) == 0)
        return seq_at(opened, instant, ret_seq, why);
    if (parse_seq(slice_text(until), ret_seq) < 0) {
        buf_printf(why, "--until is a record's number or an instant, not %s", until);
        return -ERR_CONFIG;
    }
    if (*ret_seq > tail) { /* a state of before would be no answer */
        buf_printf(why, "--until %s is after the last record, %" PRIu64, until, tail);
        return -ERR_NOT_FOUND;
    }
    return 0;
}

/* The newest snapshot at or before what is asked for takes the place of the empty state. A number
 * beyond all is the tail. */
static int load_fast(struct ledger_opened *opened, const char *until, struct buf *why)
{
    const struct snapshot_file_options options = {.shard = opened->shard};
    struct snapshot_store *store = NULL;
    struct snapshot_found found = {.seq = 0};
    struct instant instant = {INT64_MAX};
    uint64_t seq_max = opened->log->ops->tail(opened->log, opened->shard);
    if (until != NULL && rfc3339_parse(slice_text(until), &instant) < 0)
        (void)parse_seq(slice_text(until), &seq_max);
    TRY(snapshot_file_new(&options, opened->disk, &store));
    int error;
    do {
        struct shard_state *state = NULL;
        error = store->ops->load(store, seq_max, shard_state_limits(opened->state), &state, &found);
        if (error == 0) {
            shard_state_free(opened->state);
            opened->state = state;
            seq_max = found.seq - 1;
        }
    } while (error == 0 && found.seq > 0 && shard_state_time_us(opened->state) > instant.us);
    store->ops->free(store);
    if (error == -ERR_LIMIT)
        buf_put_text(why, "the snapshot holds more than the limits allow");
    return error;
}

int ledger_cmd_replay(struct ledger_opened *opened, const struct ledger_asked *asked,
                      struct buf *why)
{
    uint8_t hash[32];
    uint64_t seq_last = 0;
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    if (asked->fast)
        TRY(load_fast(opened, asked->until, why));
    TRY(last_asked(opened, asked->until, &seq_last, why));
    TRY(ledger_cmd_fold(opened, seq_last, NULL, NULL, why));
    TRY(shard_state_hash(opened->state, hash));
    rfc3339_write(&time, (struct instant){shard_state_time_us(opened->state)});
    put_u64("records", shard_state_seq(opened->state));
    (void)printf("time %.*s\n", SLICE_ARG(buf_slice(&time)));
    put_hash(hash);
    put_counts(opened->state);
    put_bets(opened->state);
    return 0;
}
