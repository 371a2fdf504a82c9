/* ledger_report.c - contract in ledger_report.h. Rows are printed as the log is folded; a document
 * that ends early is no document, which its reader sees. */
#include "cli/ledger/ledger_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "ledger/record.h"

#define ROW_BYTES_MAX 2048

/* Of one currency: what settlements were taken back for, what others paid in their place, and what
 * the house lost to balances below zero. */
struct totals {
    uint16_t currency;
    uint64_t reversed, resettled, written_off;
    int64_t reversed_minor, resettled_minor, written_off_minor;
};

struct report {
    const struct ledger_asked *asked;
    uint32_t shard;
    int64_t first_us, last_us; /* record times; 0: there was no record */
    uint64_t rows;
    struct totals totals[CURRENCIES_MAX];
    size_t totals_count;
};

static struct totals *totals_of(struct report *report, uint16_t currency)
{
    size_t i = 0;
    while (i < report->totals_count && report->totals[i].currency != currency)
        i++;
    if (i == report->totals_count) /* a state has no more than CURRENCIES_MAX */
        report->totals[report->totals_count++] = (struct totals){.currency = currency};
    return &report->totals[i];
}

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_money(struct json_writer *writer, const char *key, int64_t minor, uint16_t currency)
{
    json_write_key(writer, key);
    json_write_decimal(writer, minor, currency_scale((struct currency){currency}));
}

static void put_time(struct json_writer *writer, const char *key, int64_t us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, (struct instant){us});
    put_text(writer, key, buf_slice(&text));
}

static struct json_writer row_open(struct buf *out, const struct record_view *record,
                                   const struct shard_state *state, const char *kind)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_text(&writer, "kind", slice_text(kind));
    json_write_key(&writer, "seq");
    json_write_u64(&writer, record->head->seq);
    put_time(&writer, "time", record->head->time_us);
    put_text(&writer, "user_id",
             shard_state_user_id(state, (struct account_ref){record->head->account}));
    return writer;
}

static int row_close(struct report *report, struct json_writer *writer, struct buf *out,
                     struct money moved)
{
    put_money(writer, "amount", moved.minor, moved.currency.iso);
    put_text(writer, "currency", slice_text(currency_code(moved.currency)));
    json_write_object_close(writer);
    const char *before = report->rows++ == 0 ? "\n  " : ",\n  ";
    return out->overflow || printf("%s%.*s", before, SLICE_ARG(buf_slice(out))) < 0 ? -ERR_IO : 0;
}

static int put_bet(struct report *report, const struct record_view *record,
                   const struct shard_state *state, uint64_t bet_id, struct money moved)
{
    char memory[ROW_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    bool reversed = record->head->type == RECORD_REVERSE;
    struct json_writer writer = row_open(&out, record, state, reversed ? "reversed" : "resettled");
    char id[24];
    struct buf text = buf_over(id, sizeof id);
    buf_printf(&text, "%" PRIu64, bet_id);
    put_text(&writer, "bet_id", buf_slice(&text));
    return row_close(report, &writer, &out, moved);
}

static int put_write_off(struct report *report, const struct record_view *record,
                         const struct shard_state *state, struct money moved)
{
    char memory[ROW_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = row_open(&out, record, state, "written_off");
    struct slice texts = record->texts;
    struct totals *totals = totals_of(report, moved.currency.iso);
    totals->written_off++;
    totals->written_off_minor += moved.minor;
    if (record->head->type == RECORD_MONEY) {
        const struct record_money *money = record->body;
        (void)record_text(&texts, money->key_bytes);
        put_text(&writer, "actor", record_text(&texts, money->actor_bytes));
        put_text(&writer, "reason", record_text(&texts, money->reason_bytes));
    } else {
        unsigned kind = ((const struct record_adjustment *)record->body)->kind;
        put_text(&writer, "of",
                 kind == LEDGER_FREE    ? SLICE("free_bets")
                 : kind == LEDGER_BONUS ? SLICE("bonus")
                                        : SLICE("balance"));
    }
    return row_close(report, &writer, &out, moved);
}

static int put_reverse(struct report *report, const struct record_view *record,
                       const struct shard_state *state)
{
    const struct record_reverse *body = record->body;
    struct totals *totals = totals_of(report, body->currency);
    totals->reversed++;
    totals->reversed_minor += body->payout;
    return put_bet(report, record, state, body->bet_id,
                   money_of(-body->payout, (struct currency){body->currency}));
}

static int put_resettled(struct report *report, const struct record_view *record,
                         const struct shard_state *state)
{
    const struct record_settle *body = record->body;
    struct totals *totals = totals_of(report, body->currency);
    totals->resettled++;
    totals->resettled_minor += body->payout;
    return put_bet(report, record, state, body->bet_id,
                   money_of(body->payout, (struct currency){body->currency}));
}

static int visit(void *owner, const struct record_view *record, const struct shard_state *state)
{
    struct report *report = owner;
    const struct record_head *head = record->head;
    if (head->seq < report->asked->from)
        return 0;
    report->last_us = head->time_us;
    if (report->first_us == 0)
        report->first_us = head->time_us;
    if (head->type == RECORD_REVERSE)
        return put_reverse(report, record, state);
    if (head->type == RECORD_SETTLE && ((const struct record_settle *)record->body)->settlement > 1)
        return put_resettled(report, record, state);
    if (head->type == RECORD_ADJUSTMENT) {
        const struct record_adjustment *body = record->body;
        return put_write_off(report, record, state,
                             money_of(body->amount, (struct currency){body->currency}));
    }
    const struct record_money *money = record->body;
    if (head->type == RECORD_MONEY && money->kind == MONEY_WRITE_OFF &&
        money->outcome == BET_PLACED)
        return put_write_off(report, record, state,
                             money_of(money->amount, (struct currency){money->currency}));
    return 0;
}

static void put_total(const struct totals *t, bool first)
{
    char memory[ROW_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    const struct {
        const char *count, *amount;
        uint64_t n;
        int64_t minor;
    } sums[] = {{"reversed", "reversed_amount", t->reversed, -t->reversed_minor},
                {"resettled", "resettled_amount", t->resettled, t->resettled_minor},
                {"written_off", "written_off_amount", t->written_off, t->written_off_minor}};
    json_write_object_open(&writer);
    put_text(&writer, "currency", slice_text(currency_code((struct currency){t->currency})));
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        json_write_key(&writer, sums[i].count);
        json_write_u64(&writer, sums[i].n);
        put_money(&writer, sums[i].amount, sums[i].minor, t->currency);
    }
    json_write_object_close(&writer);
    (void)printf("%s%.*s", first ? "\n  " : ",\n  ", SLICE_ARG(buf_slice(&out)));
}

static void put_end(const struct report *report)
{
    char memory[ROW_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    json_write_object_open(&writer);
    if (report->first_us != 0) {
        put_time(&writer, "from", report->first_us);
        put_time(&writer, "until", report->last_us);
    }
    put_time(&writer, "generated", (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000);
    json_write_object_close(&writer);
    (void)printf("%s],\n \"totals\":[", report->rows > 0 ? "\n " : "");
    for (size_t i = 0; i < report->totals_count; i++)
        put_total(&report->totals[i], i == 0);
    (void)printf("%s],\n \"shard\":%u,\n \"rows_count\":%" PRIu64 ",\n \"period\":%.*s%s}\n",
                 report->totals_count > 0 ? "\n " : "", report->shard, report->rows,
                 SLICE_ARG(buf_slice(&out)),
                 report->rows == 0 ? ",\n \"note\":\"No activity\"" : "");
}

int ledger_report(struct ledger_opened *opened, const struct ledger_asked *asked, struct buf *why)
{
    struct report report = {.asked = asked, .shard = opened->shard};
    if (asked->report == NULL || !slice_is(slice_text(asked->report), "adjustments")) {
        buf_put_text(why, "ledger report adjustments: there is no other report");
        return -ERR_CONFIG;
    }
    if (asked->from > asked->to) {
        buf_printf(why, "--from %" PRIu64 " is after --to %" PRIu64, asked->from, asked->to);
        return -ERR_CONFIG;
    }
    (void)printf("{\"report\":\"adjustments\",\n \"title\":\"Resettled wagers and write-offs\",\n"
                 " \"rows\":[");
    TRY(ledger_cmd_fold(opened, asked->to, visit, &report, why));
    put_end(&report);
    return 0;
}
