/* adjustment_desk.c - contract in adjustment_desk.h. */
#include "roles/backoffice/adjustment_desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"
#include "roles/shared/json_fields.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

/* A user's id, each byte of it escaped, and some numbers. */
#define ROW_BYTES_MAX  (6 * USER_ID_BYTES_MAX + 384)
#define LIST_BYTES_MAX (128 * 1024)

_Static_assert(LIST_BYTES_MAX > (BOOK_HISTORY_MAX + 1) * ROW_BYTES_MAX, "a page has its room");

struct adjustment_read {
    struct adjustment_desk *desk;
    struct adjustment_read *next_free;
    struct http_reply_to to;
    uint64_t cursor;
};

struct adjustment_desk {
    struct book *book;
    struct adjustment_read reads[ADJUSTMENT_READS_MAX];
    struct adjustment_read *free_read;
    struct metrics_counter reached;
    char out[LIST_BYTES_MAX];
};

int adjustment_desk_new(struct book *book, struct adjustment_desk **ret_desk)
{
    struct adjustment_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->book = book;
    for (size_t i = ADJUSTMENT_READS_MAX; i-- > 0;) {
        desk->reads[i].desk = desk;
        desk->reads[i].next_free = desk->free_read;
        desk->free_read = &desk->reads[i];
    }
    *ret_desk = desk;
    return 0;
}

void adjustment_desk_free(struct adjustment_desk *desk)
{
    free(desk);
}

/* ---- what is written ---- */

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_money(struct json_writer *writer, const char *key, int64_t minor,
                      struct currency currency)
{
    json_write_key(writer, key);
    json_write_decimal(writer, minor, currency_scale(currency));
}

static struct json_writer list_open(struct buf *out, const char *name)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    json_write_key(&writer, name);
    json_write_array_open(&writer);
    return writer;
}

/* next 0: that was all. */
static void list_close(struct json_writer *writer, uint64_t next)
{
    char memory[24];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_array_close(writer);
    json_write_key(writer, "next_cursor");
    buf_put_u64(&text, next);
    if (next == 0)
        json_write_null(writer);
    else
        json_write_text(writer, buf_slice(&text));
    json_write_object_close(writer);
}

static struct slice kind_text(unsigned kind)
{
    return kind == LEDGER_FREE    ? SLICE("free_bets")
           : kind == LEDGER_BONUS ? SLICE("bonus")
                                  : SLICE("balance");
}

static void put_written_off(struct json_writer *writer, const struct shard_state *state,
                            const struct record_view *record)
{
    const struct record_adjustment *body = record->body;
    struct currency currency = {body->currency};
    char time_memory[RFC3339_BYTES_MAX], seq_memory[48];
    struct buf time = buf_over(time_memory, sizeof time_memory);
    struct buf seq = buf_over(seq_memory, sizeof seq_memory);
    rfc3339_write(&time, (struct instant){record->head->time_us});
    buf_printf(&seq, "%u-%llu", shard_state_shard(state), (unsigned long long)record->head->seq);
    json_write_object_open(writer);
    put_text(writer, "ledger_seq", buf_slice(&seq));
    put_text(writer, "time", buf_slice(&time));
    put_text(writer, "user_id",
             shard_state_user_id(state, (struct account_ref){record->head->account}));
    put_text(writer, "of", kind_text(body->kind));
    put_money(writer, "amount", body->amount, currency);
    put_money(writer, "balance", body->balance_after, currency);
    put_text(writer, "currency", slice_text(currency_code(currency)));
    json_write_object_close(writer);
}

static void put_account(struct json_writer *writer, const struct shard_state *state,
                        struct account_ref ref)
{
    const struct shard_account *account = shard_state_account(state, ref);
    json_write_object_open(writer);
    put_text(writer, "user_id", shard_state_user_id(state, ref));
    put_money(writer, "balance", account->available, account->currency);
    put_money(writer, "free_bets", account->free, account->currency);
    put_money(writer, "bonus", account->bonus, account->currency);
    put_text(writer, "currency", slice_text(currency_code(account->currency)));
    json_write_object_close(writer);
}

/* ---- answers ---- */

static void reply_list(struct http_reply_to to, const struct buf *out)
{
    ASSERT(!out->overflow); /* each row had room */
    http_reply(to, 200, SLICE("application/json"), NO_STORE, buf_slice(out));
}

static void refuse_outcome(struct http_reply_to to, enum request_outcome outcome)
{
    http_reply_problem_with(to, 503, outcome == REQUEST_BUSY ? "OVERLOADED" : "LEDGER_UNAVAILABLE",
                            SLICE_NONE, HTTP_RETRY_SOON);
}

static void refuse_parameter(struct http_reply_to to, const char *name)
{
    http_reply_problem(to, 400, "INVALID_PARAMETER", slice_text(name));
}

static struct http_reply_to give(struct adjustment_read *read)
{
    read->next_free = read->desk->free_read;
    read->desk->free_read = read;
    return read->to;
}

static void on_written_off(struct book_cookie cookie, const struct record_view *records,
                           size_t count)
{
    struct adjustment_read *read = cookie.owner;
    const struct shard_state *state = book_state(read->desk->book);
    struct buf out = buf_over(read->desk->out, sizeof read->desk->out);
    struct http_reply_to to = give(read);
    if (count == 0) {
        refuse_outcome(to, REQUEST_STOPPED);
        return;
    }
    if (records[count - 1].head->type != RECORD_ADJUSTMENT) {
        refuse_parameter(to, "cursor"); /* it names another record */
        return;
    }
    struct json_writer writer = list_open(&out, "written_off");
    for (size_t i = count; i-- > 0;)
        put_written_off(&writer, state, &records[i]);
    list_close(&writer, ((const struct record_adjustment *)records[0].body)->before_seq);
    reply_list(to, &out);
}

static void on_durable(const struct book_answer *answer)
{
    struct adjustment_read *read = answer->cookie.owner;
    const struct shard_state *state = book_state(read->desk->book);
    uint64_t count = shard_state_accounts_count(state), at = read->cursor;
    struct buf out = buf_over(read->desk->out, sizeof read->desk->out);
    struct http_reply_to to = give(read);
    if (answer->failed) {
        refuse_outcome(to, REQUEST_STOPPED);
        return;
    }
    struct json_writer writer = list_open(&out, "below_zero");
    for (uint32_t looks = 0; at <= count && looks < ADJUSTMENT_ACCOUNTS_MAX &&
                             out.capacity - out.bytes > 2 * ROW_BYTES_MAX;
         looks++, at++) {
        const struct account_ref ref = {(uint32_t)at};
        const struct shard_account *account = shard_state_account(state, ref);
        if (account->available < 0 || account->free < 0 || account->bonus < 0)
            put_account(&writer, state, ref);
    }
    list_close(&writer, at <= count ? at : 0);
    reply_list(to, &out);
}

/* ---- requests ---- */

static void list_written_off(struct adjustment_read *read)
{
    struct book *book = read->desk->book;
    enum request_outcome outcome =
        book_adjustments(book, read->cursor, on_written_off, (struct book_cookie){.owner = read});
    if (outcome == REQUEST_TAKEN)
        return;
    struct buf out = buf_over(read->desk->out, sizeof read->desk->out);
    uint64_t cursor = read->cursor;
    struct http_reply_to to = give(read);
    if (outcome != REQUEST_UNKNOWN) {
        refuse_outcome(to, outcome);
    } else if (cursor != 0) {
        refuse_parameter(to, "cursor");
    } else {
        struct json_writer writer = list_open(&out, "written_off");
        list_close(&writer, 0);
        reply_list(to, &out);
    }
}

static void list_below_zero(struct adjustment_read *read)
{
    if (read->cursor == 0)
        read->cursor = 1;
    enum request_outcome outcome =
        book_when_durable(read->desk->book, on_durable, (struct book_cookie){.owner = read});
    if (outcome != REQUEST_TAKEN)
        refuse_outcome(give(read), outcome);
}

void adjustment_desk_list(struct adjustment_desk *desk, struct http_request *request)
{
    struct adjustment_read *read = desk->free_read;
    struct slice list = SLICE("written_off"), cursor;
    uint64_t number = 0;
    (void)http_url_query(request->query, "list", &list);
    bool below_zero = slice_is(list, "below_zero");
    if (!below_zero && !slice_is(list, "written_off")) {
        refuse_parameter(request->reply_to, "list");
        return;
    }
    if (http_url_query(request->query, "cursor", &cursor) &&
        !field_positive(cursor, below_zero ? UINT32_MAX : INT64_MAX, &number)) {
        refuse_parameter(request->reply_to, "cursor");
        return;
    }
    if (read == NULL) {
        metrics_count(&desk->reached, 1);
        refuse_outcome(request->reply_to, REQUEST_BUSY);
        return;
    }
    desk->free_read = read->next_free;
    read->to = request->reply_to;
    read->cursor = number;
    if (below_zero)
        list_below_zero(read);
    else
        list_written_off(read);
}

int adjustment_desk_register_metrics(struct adjustment_desk *desk, struct metrics *metrics)
{
    return metrics_add_counter(metrics,
                               (struct metrics_name){"overround_limit_reached_total",
                                                     "How often a named limit was reached",
                                                     "limit=\"adjustment_reads_max\"", 0},
                               &desk->reached);
}
