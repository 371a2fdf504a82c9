/* record.c - contract in record.h: the shape of a record and nothing of its meaning. */
#include "ledger/record.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/bet.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

/* The longest about a bet: each-way or not, one of 100 legs with its key, personal fields and what
 * was asked; and a settlement of as many with every deduction that there can be. */
#define ENDS_BYTES                                                                                 \
    (sizeof(struct record_head) + RECORD_POSTINGS_MAX * sizeof(struct record_posting) + 8)
#define BET_TEXTS_BYTES 1024
#define KEY_TEXT_BYTES  64
_Static_assert(ENDS_BYTES + sizeof(struct record_bet) + BET_LEGS_MAX * sizeof(struct record_leg) +
                       BET_TEXTS_BYTES <=
                   RECORD_BET_BYTES_MAX,
               "a BET fits");
_Static_assert(ENDS_BYTES + sizeof(struct record_settle) +
                       BET_LEGS_MAX * (sizeof(struct record_settled_leg) + 2 * DEDUCTIONS_MAX) <=
                   RECORD_BET_BYTES_MAX,
               "a SETTLE fits");
_Static_assert(ENDS_BYTES + sizeof(struct record_cash_out) + KEY_TEXT_BYTES +
                       BET_LEGS_MAX * (sizeof(struct record_cash_out_leg) + 2 * DEDUCTIONS_MAX) <=
                   RECORD_BET_BYTES_MAX,
               "a CASH_OUT fits");

/* Per type: the size of body and item, and where their reserved bytes are. */
#define SIZED(name) sizeof(struct name)
#define ZEROS(name)                                                                                \
    {                                                                                              \
        offsetof(struct name, reserved), sizeof(((struct name *)0)->reserved)                      \
    }

struct zeros {
    uint16_t at, bytes;
};

static const struct {
    uint16_t body, item;
    struct zeros body_zeros, item_zeros;
} sizes[] = {
    [RECORD_GENESIS] = {SIZED(record_genesis), 0, {0, 0}, {0, 0}},
    [RECORD_OPENED] = {SIZED(record_opened), 0, ZEROS(record_opened), {0, 0}},
    [RECORD_ACCOUNT] = {SIZED(record_account), 0, ZEROS(record_account), {0, 0}},
    [RECORD_MARKET] = {SIZED(record_market), SIZED(record_selection), ZEROS(record_market),
                       ZEROS(record_selection)},
    [RECORD_SELECTIONS] = {SIZED(record_selections), SIZED(record_selection),
                           ZEROS(record_selections), ZEROS(record_selection)},
    [RECORD_MONEY] = {SIZED(record_money), 0, ZEROS(record_money), {0, 0}},
    [RECORD_BET] = {SIZED(record_bet), SIZED(record_leg), {0, 0}, ZEROS(record_leg)},
    [RECORD_RELEASE] = {SIZED(record_release), SIZED(record_leg), ZEROS(record_release),
                        ZEROS(record_leg)},
    [RECORD_FENCE] = {SIZED(record_fence), SIZED(record_fenced), ZEROS(record_fence),
                      ZEROS(record_fenced)},
    [RECORD_RESULT] = {SIZED(record_result),
                       SIZED(record_selection_result),
                       ZEROS(record_result),
                       {0, 0}},
    [RECORD_SETTLE] = {SIZED(record_settle),
                       SIZED(record_settled_leg),
                       ZEROS(record_settle),
                       {0, 0}},
    [RECORD_REVERSE] = {SIZED(record_reverse), 0, ZEROS(record_reverse), {0, 0}},
    [RECORD_LIMITS] = {SIZED(record_limits), 0, ZEROS(record_limits), {0, 0}},
    [RECORD_PROPOSAL] = {SIZED(record_proposal), SIZED(record_proposed), ZEROS(record_proposal),
                         ZEROS(record_proposed)},
    [RECORD_DECISION] = {SIZED(record_decision), 0, ZEROS(record_decision), {0, 0}},
    [RECORD_CASH_OUT] = {SIZED(record_cash_out),
                         SIZED(record_cash_out_leg),
                         {0, 0},
                         ZEROS(record_cash_out_leg)},
    [RECORD_ADJUSTMENT] = {SIZED(record_adjustment), 0, ZEROS(record_adjustment), {0, 0}},
    [RECORD_REFERRAL] = {SIZED(record_referral), SIZED(record_leg), ZEROS(record_referral),
                         ZEROS(record_leg)},
    [RECORD_RELAYED] = {SIZED(record_relayed), 0, {0, 0}, {0, 0}},
};

size_t record_body_bytes(enum record_type type)
{
    return (size_t)type < sizeof sizes / sizeof sizes[0] ? sizes[type].body : 0;
}

size_t record_item_bytes(enum record_type type)
{
    return (size_t)type < sizeof sizes / sizeof sizes[0] ? sizes[type].item : 0;
}

static size_t selection_texts_bytes(const struct record_selection *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += (size_t)items[i].id_bytes + items[i].name_bytes;
    return bytes;
}

static size_t proposed_reasons_bytes(const struct record_proposed *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].result.reason_bytes;
    return bytes;
}

/* What settled legs deduct stands behind them, a number of two bytes each. */
static size_t deductions_bytes(const struct record_settled_leg *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].deductions_count * sizeof(uint16_t);
    return bytes;
}

static size_t reasons_bytes(const struct record_selection_result *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].reason_bytes;
    return bytes;
}

static size_t cash_out_texts_bytes(const struct record_cash_out *cash_out,
                                   const struct record_cash_out_leg *items, size_t count)
{
    size_t bytes = cash_out->key_bytes;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].settled.deductions_count * sizeof(uint16_t);
    return bytes;
}

static size_t market_texts_bytes(const struct record_market *m)
{
    return (size_t)m->market_bytes + m->event_bytes + m->provider_bytes + m->sport_bytes +
           m->event_name_bytes + m->name_bytes + m->kind_bytes;
}

/* What the body says its texts take together. */
static size_t texts_bytes(const struct record_view *view)
{
    const void *body = view->body;
    size_t count = view->head->items_count;
    switch ((enum record_type)view->head->type) {
    case RECORD_OPENED:
        return ((const struct record_opened *)body)->version_bytes;
    case RECORD_ACCOUNT:
        return ((const struct record_account *)body)->user_bytes;
    case RECORD_MARKET:
        return market_texts_bytes(body) + selection_texts_bytes(view->items, count);
    case RECORD_SELECTIONS:
        return selection_texts_bytes(view->items, count);
    case RECORD_MONEY: {
        const struct record_money *money = body;
        return (size_t)money->key_bytes + money->actor_bytes + money->reason_bytes;
    }
    case RECORD_BET: {
        const struct record_bet *bet = body;
        return (size_t)bet->key_bytes + bet->personal_bytes + bet->asked_bytes;
    }
    case RECORD_FENCE: {
        const struct record_fence *fence = body;
        return (size_t)fence->actor_bytes + fence->reason_bytes;
    }
    case RECORD_RESULT: {
        const struct record_result *result = body;
        return (size_t)result->actor_bytes + result->reason_bytes + result->approver_bytes +
               reasons_bytes(view->items, count);
    }
    case RECORD_SETTLE:
        return deductions_bytes(view->items, count);
    case RECORD_LIMITS: {
        const struct record_limits *limits = body;
        return (size_t)limits->id_bytes + limits->actor_bytes + limits->reason_bytes;
    }
    case RECORD_PROPOSAL: {
        const struct record_result *result = &((const struct record_proposal *)body)->result;
        return (size_t)result->actor_bytes + result->reason_bytes + result->approver_bytes +
               proposed_reasons_bytes(view->items, count);
    }
    case RECORD_DECISION: {
        const struct record_decision *decision = body;
        return (size_t)decision->actor_bytes + decision->reason_bytes;
    }
    case RECORD_REFERRAL: {
        const struct record_referral *referral = body;
        return (size_t)referral->actor_bytes + referral->reason_bytes;
    }
    case RECORD_CASH_OUT:
        return cash_out_texts_bytes(body, view->items, count);
    case RECORD_GENESIS:
    case RECORD_RELEASE:
    case RECORD_REVERSE:
    case RECORD_ADJUSTMENT:
    case RECORD_RELAYED:
        return 0;
    }
    return 0;
}

static bool all_zero(const char *at, struct zeros zeros)
{
    for (size_t i = 0; i < zeros.bytes; i++)
        if (at[zeros.at + i] != 0)
            return false;
    return true;
}

/* What a later format may say there, this one must not take for nothing. */
static bool reserved_zero(const struct record_view *view)
{
    unsigned type = view->head->type;
    const char *item = view->items;
    if (!all_zero(view->body, sizes[type].body_zeros))
        return false;
    for (size_t i = 0; i < view->head->items_count && sizes[type].item_zeros.bytes > 0; i++)
        if (!all_zero(item + i * sizes[type].item, sizes[type].item_zeros))
            return false;
    return true;
}

static bool texts_fit(struct record_view *view)
{
    size_t used = texts_bytes(view);
    if (used > view->texts.bytes || view->texts.bytes - used >= 8)
        return false;
    for (size_t i = used; i < view->texts.bytes; i++)
        if (view->texts.at[i] != 0) /* padding is zero, so that a record has one encoding */
            return false;
    return true;
}

static bool is_sealed(const struct record_head *head)
{
    return head->crc == crc32c(0, (const char *)head + 8, head->bytes - 8);
}

int record_view_of(const void *at, size_t bytes, struct record_view *ret)
{
    ASSERT(((uintptr_t)at & 7) == 0);
    const struct record_head *head = at;
    if (bytes < sizeof *head || head->bytes > bytes || head->bytes < sizeof *head ||
        head->bytes % 8 != 0 || head->bytes > RECORD_BYTES_MAX)
        return -ERR_CORRUPT;
    if (head->format != RECORD_FORMAT)
        return is_sealed(head) ? -ERR_UNSUPPORTED : -ERR_CORRUPT;
    size_t body = record_body_bytes(head->type), item = record_item_bytes(head->type);
    if (body == 0 || head->postings_count > RECORD_POSTINGS_MAX ||
        (item == 0 && head->items_count != 0))
        return -ERR_CORRUPT;
    size_t fixed = sizeof *head + body + item * head->items_count +
                   sizeof(struct record_posting) * head->postings_count;
    if (fixed > head->bytes)
        return -ERR_CORRUPT;
    if (!is_sealed(head))
        return -ERR_CORRUPT;
    const char *body_at = (const char *)at + sizeof *head;
    struct record_view view = {
        .head = head,
        .body = body_at,
        .items = body_at + body,
        .postings = (const struct record_posting *)(const void *)(body_at + body +
                                                                  item * head->items_count),
        .texts = {(const char *)at + fixed, head->bytes - fixed},
    };
    if (!texts_fit(&view) || !reserved_zero(&view))
        return -ERR_CORRUPT;
    *ret = view;
    return 0;
}

struct record_view record_view_moved(const struct record_view *view, const void *to)
{
    const char *from = (const char *)view->head, *at = to;
    return (struct record_view){
        .head = to,
        .body = at + ((const char *)view->body - from),
        .items = at + ((const char *)view->items - from),
        .postings = (const void *)(at + ((const char *)view->postings - from)),
        .texts = {at + (view->texts.at - from), view->texts.bytes},
    };
}

struct slice record_text(struct slice *texts, uint16_t bytes)
{
    ASSERT(bytes <= texts->bytes);
    struct slice text = {texts->at, bytes};
    *texts = slice_skip(*texts, bytes);
    return text;
}

struct leg_result record_factors(struct record_leg_result f)
{
    return (struct leg_result){f.won != 0, f.void_halves, f.dead_heat_numerator,
                               f.dead_heat_denominator};
}

struct record_leg_result record_factors_of(struct leg_result r)
{
    return (struct record_leg_result){
        1, r.won, r.void_halves, 0, r.dead_heat_numerator, r.dead_heat_denominator};
}

uint64_t record_bet_id(const struct record_view *record)
{
    const struct record_cash_out *cash_out = record->body;
    switch ((enum record_type)record->head->type) {
    case RECORD_BET:
        return ((const struct record_bet *)record->body)->bet_id;
    case RECORD_RELEASE:
        return ((const struct record_release *)record->body)->bet_id;
    case RECORD_SETTLE:
        return ((const struct record_settle *)record->body)->bet_id;
    case RECORD_REVERSE:
        return ((const struct record_reverse *)record->body)->bet_id;
    case RECORD_CASH_OUT:
        return cash_out->previous_seq == 0 ? 0 : cash_out->bet_id;
    case RECORD_REFERRAL:
        return ((const struct record_referral *)record->body)->bet_id;
    case RECORD_GENESIS:
    case RECORD_OPENED:
    case RECORD_ACCOUNT:
    case RECORD_MARKET:
    case RECORD_SELECTIONS:
    case RECORD_MONEY:
    case RECORD_FENCE:
    case RECORD_RESULT:
    case RECORD_LIMITS:
    case RECORD_ADJUSTMENT:
    case RECORD_PROPOSAL:
    case RECORD_DECISION:
    case RECORD_RELAYED:
        break;
    }
    return 0;
}
