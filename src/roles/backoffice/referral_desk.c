/* referral_desk.c - contract in referral_desk.h. */
#include "roles/backoffice/referral_desk.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "net/http/http_reply.h"
#include "roles/backoffice/referral_decode.h"
#include "roles/shared/problem.h"

#define NO_STORE         SLICE("Cache-Control: no-store\r\n")
#define ANSWER_BYTES_MAX 1024

struct referral_operation {
    struct referral_desk *desk;
    struct referral_operation *next_free;
    struct http_reply_to to;
};

struct referral_desk {
    struct book *book; /* borrowed */
    struct referral_operation operations[REFERRAL_OPERATIONS_MAX];
    struct referral_operation *free_operation;
    struct metrics_counter operations_reached;
    struct referral_decoded decoded; /* of the request that is served */
};

int referral_desk_new(struct book *book, struct referral_desk **ret_desk)
{
    struct referral_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->book = book;
    for (size_t i = 0; i < REFERRAL_OPERATIONS_MAX; i++) {
        desk->operations[i] =
            (struct referral_operation){.desk = desk, .next_free = desk->free_operation};
        desk->free_operation = &desk->operations[i];
    }
    *ret_desk = desk;
    return 0;
}

void referral_desk_free(struct referral_desk *desk)
{
    free(desk);
}

static struct http_reply_to give_operation(struct referral_operation *operation)
{
    struct http_reply_to to = operation->to;
    operation->next_free = operation->desk->free_operation;
    operation->desk->free_operation = operation;
    return to;
}

/* ---- answers ---- */

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_seq(struct json_writer *writer, const char *key, uint32_t shard, uint64_t seq)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%u-%llu", shard, (unsigned long long)seq);
    put_text(writer, key, buf_slice(&text));
}

static void put_money(struct json_writer *writer, const char *key, int64_t minor,
                      struct currency currency)
{
    json_write_key(writer, key);
    json_write_decimal(writer, minor, currency_scale(currency));
}

static const char *word_text(enum referral_word word)
{
    switch (word) {
    case REFERRAL_ACCEPTED:
        return "ACCEPTED";
    case REFERRAL_REJECTED:
        return "REJECTED";
    case REFERRAL_OFFERED:
        return "OFFERED";
    case REFERRAL_TAKEN:
    case REFERRAL_DECLINED:
        break;
    }
    return "";
}

static void tell(struct referral_desk *desk, struct http_reply_to to,
                 const struct record_view *record)
{
    const struct record_referral *word = record->body;
    const uint32_t shard = shard_state_shard(book_state(desk->book));
    char memory[ANSWER_BYTES_MAX], time[RFC3339_BYTES_MAX], id[24];
    struct buf out = buf_over(memory, sizeof memory);
    struct buf until = buf_over(time, sizeof time), bet_id = buf_over(id, sizeof id);
    struct json_writer writer = json_write_begin(&out);
    buf_printf(&bet_id, "%llu", (unsigned long long)word->bet_id);
    json_write_object_open(&writer);
    put_text(&writer, "bet_id", buf_slice(&bet_id));
    put_text(&writer, "word", slice_text(word_text((enum referral_word)word->word)));
    if (word->word == REFERRAL_OFFERED) {
        put_seq(&writer, "offer_id", shard, record->head->seq);
        put_money(&writer, "stake", word->stake, (struct currency){word->currency});
        put_money(&writer, "potential_return", word->potential_return,
                  (struct currency){word->currency});
    }
    if (word->until_us != 0) {
        rfc3339_write(&until, (struct instant){word->until_us});
        put_text(&writer, word->word == REFERRAL_OFFERED ? "valid_until" : "decide_at",
                 buf_slice(&until));
    }
    put_seq(&writer, "ledger_seq", shard, record->head->seq);
    json_write_object_close(&writer);
    ASSERT(!out.overflow);
    http_reply(to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

static void reply_unavailable(struct http_reply_to to, const char *code)
{
    http_reply_problem_with(to, 503, code, SLICE("Nothing was said, or nobody knows."),
                            HTTP_RETRY_SOON);
}

static void on_durable(const struct book_answer *answer)
{
    struct referral_operation *operation = answer->cookie.owner;
    struct referral_desk *desk = operation->desk;
    struct http_reply_to to = give_operation(operation);
    if (answer->failed || answer->record == NULL)
        reply_unavailable(to, "LEDGER_UNAVAILABLE");
    else
        tell(desk, to, answer->record);
}

/* What the bet breaks that is not lifted. */
static void reply_refused(struct http_reply_to to, const struct word_refusal *refusal,
                          struct currency currency)
{
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    int status = bet_outcome_http(refusal->outcome);
    struct json_writer writer =
        problem_open(&out, status, bet_outcome_text(refusal->outcome), SLICE_NONE);
    if (refusal->outcome == BET_STAKE_LIMIT || refusal->outcome == BET_LIABILITY_LIMIT)
        put_money(&writer, "stake_max", refusal->stake_minor_max, currency);
    json_write_object_close(&writer);
    http_reply(to, status, SLICE("application/problem+json"), NO_STORE, buf_slice(&out));
}

static void reply_untaken(struct http_reply_to to, enum request_outcome outcome)
{
    switch (outcome) {
    case REQUEST_UNKNOWN:
        http_reply_problem(to, 404, "NOT_FOUND", SLICE("No such bet waits for the desk."));
        return;
    case REQUEST_CONFLICT:
        http_reply_problem(to, 409, "NOT_YOUR_TURN",
                           SLICE("It was accepted, waits for the customer, or had its offers."));
        return;
    case REQUEST_BUSY:
        reply_unavailable(to, "OVERLOADED");
        return;
    case REQUEST_STOPPED:
        reply_unavailable(to, "LEDGER_UNAVAILABLE");
        return;
    case REQUEST_INVALID: /* reply_refused */
    case REQUEST_NO_CHANGE:
    case REQUEST_TAKEN:
    case REQUEST_STALLED:
    case REQUEST_FULL:
    case REQUEST_OLD_VERSION:
    case REQUEST_SAME_ACTOR:
    case REQUEST_OTHER_ACTOR:
    case REQUEST_ELSEWHERE:
    case REQUEST_DESK_AWAY:
        break;
    }
    ASSERT(false);
}

/* ---- the request ---- */

/* False: answered. */
static bool find_bet(struct referral_desk *desk, struct http_request *request, struct slice text,
                     struct bet_id *ret_id, struct currency *ret_currency)
{
    const struct shard_state *state = book_state(desk->book);
    uint32_t index = field_positive(text, INT64_MAX, &ret_id->n)
                         ? shard_state_find_bet(state, *ret_id)
                         : BET_NONE;
    if (index == BET_NONE) {
        reply_untaken(request->reply_to, REQUEST_UNKNOWN);
        return false;
    }
    *ret_currency =
        shard_state_account(state, (struct account_ref){shard_state_bet(state, index)->account})
            ->currency;
    return true;
}

static bool decode(struct referral_desk *desk, struct http_request *request,
                   enum referral_word word, struct currency currency)
{
    struct request_refusal refusal;
    char memory[ANSWER_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    if (referral_decode(request->body, word, currency, &desk->decoded, &refusal))
        return true;
    refusal_write(&refusal, &out);
    http_reply(request->reply_to, 400, SLICE("application/problem+json"), NO_STORE,
               buf_slice(&out));
    return false;
}

static struct referral_operation *take_operation(struct referral_desk *desk,
                                                 struct http_request *request)
{
    struct referral_operation *operation = desk->free_operation;
    if (operation == NULL) {
        metrics_count(&desk->operations_reached, 1);
        reply_unavailable(request->reply_to, "OVERLOADED");
        return NULL;
    }
    desk->free_operation = operation->next_free;
    operation->to = request->reply_to;
    return operation;
}

void referral_desk_say(struct referral_desk *desk, struct http_request *request,
                       const struct jwt_claims *claims, struct slice bet_id,
                       enum referral_word word)
{
    struct word_refusal refusal;
    struct currency currency;
    struct bet_id bet;
    if (!find_bet(desk, request, bet_id, &bet, &currency) || !decode(desk, request, word, currency))
        return;
    struct referral_request *asked = &desk->decoded.request;
    const struct desk_word who = {.actor = jwt_sub(claims), .reason = desk->decoded.reason};
    asked->bet = bet;
    struct referral_operation *operation = take_operation(desk, request);
    if (operation == NULL)
        return;
    enum request_outcome outcome = book_say_referral(
        desk->book, asked, &who, (struct book_reply){on_durable, {.owner = operation}}, &refusal);
    if (outcome == REQUEST_TAKEN)
        return;
    struct http_reply_to to = give_operation(operation);
    if (outcome == REQUEST_INVALID)
        reply_refused(to, &refusal, currency);
    else
        reply_untaken(to, outcome);
}

/* ---- what is counted ---- */

static int add_words(struct metrics *metrics, const struct book_stats *stats)
{
    static const char *const labels[REFERRAL_DECLINED + 1] = {
        [0] = "word=\"referred\"",
        [REFERRAL_ACCEPTED] = "word=\"accepted\"",
        [REFERRAL_REJECTED] = "word=\"rejected\"",
        [REFERRAL_OFFERED] = "word=\"offered\"",
        [REFERRAL_TAKEN] = "word=\"taken\"",
        [REFERRAL_DECLINED] = "word=\"declined\"",
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        TRY(metrics_add_counter(metrics,
                                (struct metrics_name){"overround_referral_words_total",
                                                      "Bets referred, and words on them", labels[i],
                                                      0},
                                (const struct metrics_counter *)&stats->referral_words[i]));
    return 0;
}

static int add_ends(struct metrics *metrics, const struct book_stats *stats)
{
    static const struct {
        const char *labels;
        unsigned outcome;
    } ends[] = {
#define END(code, number, http) {"verdict=\"" #code "\"", number},
        BET_OUTCOME_LIST(END)
#undef END
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        TRY(metrics_add_counter(
            metrics,
            (struct metrics_name){"overround_referrals_total", "What became of referred bets",
                                  ends[i].labels, 0},
            (const struct metrics_counter *)&stats->referrals_by_outcome[ends[i].outcome]));
    return 0;
}

int referral_desk_register_metrics(struct referral_desk *desk, struct metrics *metrics)
{
    static const char limits[] = "overround_limit_reached_total";
    static const char help[] = "How often a named limit was reached";
    const struct book_stats *stats = book_stats(desk->book);
    TRY(add_words(metrics, stats));
    TRY(add_ends(metrics, stats));
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_referrals_waiting",
                                                "Bets that wait for the desk", NULL, 0},
                          (const struct metrics_gauge *)&stats->referrals));
    TRY(metrics_add_counter(metrics,
                            (struct metrics_name){limits, help, "limit=\"referrals_max\"", 0},
                            (const struct metrics_counter *)&stats->referrals_reached));
    return metrics_add_counter(
        metrics, (struct metrics_name){limits, help, "limit=\"referral_operations_max\"", 0},
        &desk->operations_reached);
}
