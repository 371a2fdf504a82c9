/* test_record.c - a record's own shape: what was encoded is read back, and nothing else is
 * taken for a record (ledger/record.h, record_encode.h). */
#include "test.h"

#include "base/error.h"
#include "base/hash.h"
#include "every_type.h"

#define RECORD_BYTES 4096

/* A copy of the record made last, to be damaged. */
struct copy {
    _Alignas(8) char at[RECORD_BYTES];
    size_t bytes;
};

static struct copy copy_of(const struct maker *m)
{
    struct copy copy = {.bytes = m->view.head->bytes};
    assert_true(copy.bytes <= sizeof copy.at);
    memcpy(copy.at, m->view.head, copy.bytes);
    return copy;
}

static struct record_head *head_of(struct copy *copy)
{
    return (struct record_head *)(void *)copy->at;
}

/* What the checksum covers may be changed by one who can compute it. */
static void reseal(struct copy *copy)
{
    head_of(copy)->crc = crc32c(0, copy->at + 8, head_of(copy)->bytes - 8);
}

static int view(const struct copy *copy)
{
    struct record_view ret;
    return record_view_of(copy->at, copy->bytes, &ret);
}

/* ---- what was encoded is read back ---- */

static size_t seen[RECORD_TYPE_LAST + 1];

static void is_read_back(struct maker *m, const struct parts *parts)
{
    const struct record_draft *draft = &parts->draft;
    maker_encode(m, parts);
    const struct record_view *v = &m->view;
    size_t body = record_body_bytes(draft->type);
    size_t items = record_item_bytes(draft->type) * draft->items_count;
    assert_int_equal(v->head->type, draft->type);
    assert_int_equal(v->head->format, RECORD_FORMAT);
    assert_int_equal(v->head->seq, draft->seq);
    assert_int_equal(v->head->time_us, draft->time_us);
    assert_int_equal(v->head->account, draft->account);
    assert_int_equal(v->head->items_count, draft->items_count);
    assert_int_equal(v->head->postings_count, draft->postings_count);
    assert_int_equal(v->head->before_crc, shard_state_record_crc(m->state));
    assert_int_equal(v->head->bytes % 8, 0);
    assert_memory_equal(v->body, &parts->body, body);
    if (items > 0)
        assert_memory_equal(v->items, &parts->items, items);
    for (size_t i = 0; i < draft->postings_count; i++)
        assert_memory_equal(&v->postings[i], &parts->postings[i], sizeof parts->postings[i]);
    struct slice texts = v->texts;
    for (size_t i = 0; i < draft->texts_count; i++)
        assert_true(
            slice_equal(record_text(&texts, (uint16_t)parts->texts[i].bytes), parts->texts[i]));
    assert_true(texts.bytes < 8); /* the padding */
    for (size_t i = 0; i < texts.bytes; i++)
        assert_int_equal(texts.at[i], 0);
    seen[draft->type]++;
}

TEST(record, every_type_is_read_back_as_it_was_encoded)
{
    struct maker m;
    memset(seen, 0, sizeof seen);
    every_type(&m, is_read_back);
    for (unsigned type = RECORD_GENESIS; type <= RECORD_TYPE_LAST; type++)
        assert_int_equal(seen[type] > 0, record_body_bytes((enum record_type)type) > 0);
    assert_int_equal(shard_state_seq(m.state), EVERY_TYPE_COUNT);
    maker_done(&m);
}

/* Written out by hand from docs/LEDGER.md: a format that changes by accident shows here. */
TEST(record, an_account_record_has_these_bytes)
{
    static const unsigned char expected[] = {
        56,   0,    0,    0,    0x00, 0x00, 0x00, 0x00, /* bytes, crc (below) */
        3,    0,    0,    0,    0,    0,    0,    0,    /* seq */
        0xD0, 0x8F, 0x5F, 0xD2, 0x00, 0x5C, 0x06, 0x00, /* time_us */
        3,    0,    3,    0,    0,    0,    0,    0,    /* type, format, items, postings */
        1,    0,    0,    0,    1,    2,    3,    4,    /* account, crc of the record before */
        3,    0,    0,    0,    0,    0,    0,    0,    /* user_bytes, reserved */
        'a',  'd',  'a',  0,    0,    0,    0,    0,    /* text, padding */
    };
    struct maker m;
    maker_begin(&m);
    struct parts parts = parts_account(&m, "ada");
    parts.draft.time_us = 0x00065C00D25F8FD0;
    parts.draft.before_crc = shard_state_record_crc(m.state) ^ 0x04030201;
    maker_encode(&m, &parts);
    assert_int_equal(m.view.head->bytes, sizeof expected);
    const char *at = (const char *)m.view.head;
    assert_memory_equal(at, expected, 4);
    assert_memory_equal(at + 8, expected + 8, sizeof expected - 8);
    assert_int_equal(m.view.head->crc, crc32c_by_table(0, expected + 8, sizeof expected - 8));
    maker_done(&m);
}

static void is_moved(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    struct copy copy = copy_of(m);
    struct record_view expected, moved = record_view_moved(&m->view, copy.at);
    assert_int_equal(record_view_of(copy.at, copy.bytes, &expected), 0);
    assert_ptr_equal(moved.head, expected.head);
    assert_ptr_equal(moved.body, expected.body);
    assert_ptr_equal(moved.items, expected.items);
    assert_ptr_equal(moved.postings, expected.postings);
    assert_ptr_equal(moved.texts.at, expected.texts.at);
    assert_int_equal(moved.texts.bytes, expected.texts.bytes);
}

TEST(record, the_view_of_a_copy_is_the_copy_s_own)
{
    struct maker m;
    every_type(&m, is_moved);
    maker_done(&m);
}

/* ---- what is no record ---- */

static void no_bit_may_flip(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    struct copy copy = copy_of(m);
    assert_int_equal(view(&copy), 0);
    for (size_t bit = 0; bit < copy.bytes * 8; bit++) {
        copy.at[bit / 8] = (char)(copy.at[bit / 8] ^ 1 << bit % 8);
        if (view(&copy) != -ERR_CORRUPT)
            fail_msg("type %d, bit %zu", (int)parts->draft.type, bit);
        copy.at[bit / 8] = (char)(copy.at[bit / 8] ^ 1 << bit % 8);
    }
}

TEST(record, no_bit_of_any_type_may_flip)
{
    struct maker m;
    every_type(&m, no_bit_may_flip);
    maker_done(&m);
}

static void no_byte_may_be_missing(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    const struct copy whole = copy_of(m);
    struct copy copy = whole;
    for (copy.bytes = 0; copy.bytes < whole.bytes; copy.bytes++)
        assert_int_equal(view(&copy), -ERR_CORRUPT);
    /* Shorter, and saying so, with a right checksum. */
    for (uint32_t bytes = 0; bytes < whole.bytes; bytes++) {
        copy = whole;
        head_of(&copy)->bytes = bytes;
        if (bytes >= 8)
            reseal(&copy);
        if (view(&copy) != -ERR_CORRUPT)
            fail_msg("type %d of %zu bytes cut to %u", (int)parts->draft.type, whole.bytes, bytes);
    }
    /* Longer by a whole word of zeros. */
    copy = whole;
    head_of(&copy)->bytes += 8;
    copy.bytes += 8;
    reseal(&copy);
    assert_int_equal(view(&copy), -ERR_CORRUPT);
    copy = whole;
    copy.bytes += 8; /* but what comes after it is not its own */
    assert_int_equal(view(&copy), 0);
}

TEST(record, no_byte_of_any_type_may_be_missing_or_too_many)
{
    struct maker m;
    every_type(&m, no_byte_may_be_missing);
    maker_done(&m);
}

static void padding_is_zero(struct maker *m, const struct parts *parts)
{
    size_t padding = 0;
    maker_encode(m, parts);
    struct slice texts = m->view.texts;
    for (size_t i = 0; i < parts->draft.texts_count; i++)
        (void)record_text(&texts, (uint16_t)parts->texts[i].bytes);
    for (; padding < texts.bytes; padding++) {
        struct copy copy = copy_of(m);
        copy.at[copy.bytes - 1 - padding] = 1;
        reseal(&copy);
        assert_int_equal(view(&copy), -ERR_CORRUPT);
    }
}

TEST(record, the_padding_of_every_type_is_zero)
{
    struct maker m;
    every_type(&m, padding_is_zero);
    maker_done(&m);
}

/* A program of another time wrote it, maybe of a type that is not known here. */
TEST(record, of_another_format_is_told_from_damage)
{
    struct maker m;
    maker_open(&m);
    struct parts parts = parts_bet(&m, 1, 1, "key");
    maker_encode(&m, &parts);
    static const uint16_t formats[] = {0, RECORD_FORMAT - 1, RECORD_FORMAT + 1, UINT16_MAX};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct copy copy = copy_of(&m);
        head_of(&copy)->format = formats[i];
        assert_int_equal(view(&copy), -ERR_CORRUPT); /* as its checksum says */
        reseal(&copy);
        assert_int_equal(view(&copy), -ERR_UNSUPPORTED);
        head_of(&copy)->type = UINT16_MAX;
        reseal(&copy);
        assert_int_equal(view(&copy), -ERR_UNSUPPORTED);
    }
    maker_done(&m);
}

/* One field of the head wrong at a time, with a right checksum. */
TEST(record, a_head_is_checked_field_by_field)
{
    struct maker m;
    maker_open(&m);
    struct parts parts = parts_bet(&m, 1, 1, "key");
    maker_encode(&m, &parts);
    const struct copy good = copy_of(&m);
#define MALFORMED(change)                                                                          \
    do {                                                                                           \
        struct copy copy = good;                                                                   \
        struct record_head *head = head_of(&copy);                                                 \
        change;                                                                                    \
        if (head->bytes >= 8 && head->bytes <= sizeof copy.at)                                     \
            reseal(&copy);                                                                         \
        assert_int_equal(view(&copy), -ERR_CORRUPT);                                               \
    } while (0)
    MALFORMED(head->type = 0);
    MALFORMED(head->type = RECORD_TYPE_LAST + 1);
    MALFORMED(head->type = UINT16_MAX);
    MALFORMED(head->type = RECORD_SETTLE); /* has no items */
    MALFORMED(head->items_count = 0);
    MALFORMED(head->items_count = 2);
    MALFORMED(head->items_count = UINT16_MAX);
    MALFORMED(head->postings_count = 1);
    MALFORMED(head->postings_count = RECORD_POSTINGS_MAX);
    MALFORMED(head->postings_count = RECORD_POSTINGS_MAX + 1);
    MALFORMED(head->bytes = 0);
    MALFORMED(head->bytes = sizeof *head - 8);
    MALFORMED(head->bytes = sizeof *head);
    MALFORMED(head->bytes += 4);
    MALFORMED(head->bytes = UINT32_MAX - 7);
    MALFORMED(head->bytes = RECORD_BYTES_MAX + 8);
#undef MALFORMED
    assert_int_equal(view(&good), 0);
    maker_done(&m);
}

/* A length that the texts do not have, in every body that states one. */
TEST(record, texts_have_the_lengths_that_are_stated)
{
    static const struct {
        enum record_type type;
        size_t at; /* of the length, in the record */
    } lengths[] = {
#define IN_BODY(type, name, field) {type, sizeof(struct record_head) + offsetof(struct name, field)}
        IN_BODY(RECORD_OPENED, record_opened, version_bytes),
        IN_BODY(RECORD_ACCOUNT, record_account, user_bytes),
        IN_BODY(RECORD_MARKET, record_market, market_bytes),
        IN_BODY(RECORD_MARKET, record_market, event_bytes),
        IN_BODY(RECORD_MARKET, record_market, provider_bytes),
        IN_BODY(RECORD_MARKET, record_market, sport_bytes),
        IN_BODY(RECORD_MARKET, record_market, event_name_bytes),
        IN_BODY(RECORD_MARKET, record_market, name_bytes),
        IN_BODY(RECORD_MARKET, record_market, kind_bytes),
        IN_BODY(RECORD_MONEY, record_money, key_bytes),
        IN_BODY(RECORD_MONEY, record_money, actor_bytes),
        IN_BODY(RECORD_MONEY, record_money, reason_bytes),
        IN_BODY(RECORD_BET, record_bet, key_bytes),
        IN_BODY(RECORD_BET, record_bet, personal_bytes),
        IN_BODY(RECORD_BET, record_bet, asked_bytes),
        IN_BODY(RECORD_FENCE, record_fence, actor_bytes),
        IN_BODY(RECORD_FENCE, record_fence, reason_bytes),
        IN_BODY(RECORD_LIMITS, record_limits, id_bytes),
        IN_BODY(RECORD_LIMITS, record_limits, actor_bytes),
        IN_BODY(RECORD_LIMITS, record_limits, reason_bytes),
        IN_BODY(RECORD_RESULT, record_result, actor_bytes),
        IN_BODY(RECORD_RESULT, record_result, reason_bytes),
        IN_BODY(RECORD_CASH_OUT, record_cash_out, key_bytes),
        IN_BODY(RECORD_REFERRAL, record_referral, actor_bytes),
        IN_BODY(RECORD_REFERRAL, record_referral, reason_bytes),
#undef IN_BODY
        {RECORD_MARKET, sizeof(struct record_head) + sizeof(struct record_market)},
        {RECORD_MARKET, sizeof(struct record_head) + sizeof(struct record_market) + 2},
        {RECORD_SELECTIONS, sizeof(struct record_head) + sizeof(struct record_selections)},
    };
    struct maker m;
    maker_open(&m);
    struct parts parts[RECORD_TYPE_LAST + 1] = {
        [RECORD_OPENED] = parts_opened(&m),
        [RECORD_ACCOUNT] = parts_account(&m, "cy"),
        [RECORD_MARKET] = parts_market(&m, "1.25", 2),
        [RECORD_SELECTIONS] = parts_selections(&m, 1, 1),
        [RECORD_MONEY] = parts_deposit(&m, 1, 5, "k"),
        [RECORD_BET] = parts_bet(&m, 1, 1, "k"),
        [RECORD_FENCE] = parts_fence(&m, 1, MARKET_ACTIVE),
        [RECORD_RESULT] = parts_result(&m, 1, LEG_WON),
        [RECORD_LIMITS] = parts_limits(&m, LIMIT_OF_SPORT, 0, "tennis"),
    };
    maker_accept(&m, &parts[RECORD_BET]);
    parts[RECORD_CASH_OUT] = parts_cash_out(&m, 0, 100, "k");
    struct parts referred = parts_referred(&m, 2, 1, "r");
    maker_accept(&m, &referred);
    parts[RECORD_REFERRAL] = parts_referral(&m, 1, REFERRAL_ACCEPTED);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        maker_encode(&m, &parts[lengths[i].type]);
        for (int step = -8; step <= 65000; step += step < 8 ? 16 : 64984) { /* -8, +8, huge */
            struct copy copy = copy_of(&m);
            uint16_t length;
            memcpy(&length, copy.at + lengths[i].at, sizeof length);
            length = (uint16_t)(length + step);
            memcpy(copy.at + lengths[i].at, &length, sizeof length);
            reseal(&copy);
            if (view(&copy) != -ERR_CORRUPT)
                fail_msg("length %zu, step %d", i, step);
        }
    }
    maker_done(&m);
}

/* What a later program may put there, this one must not take for nothing. */
static void reserved_is_zero(struct maker *m, const struct parts *parts)
{
#define RESERVED(type, name, field)                                                                \
    {                                                                                              \
        type, offsetof(struct name, field), sizeof(((struct name *)0)->field)                      \
    }
    static const struct {
        enum record_type type;
        size_t at, bytes;
    } bodies[] =
        {
            RESERVED(RECORD_OPENED, record_opened, reserved),
            RESERVED(RECORD_ACCOUNT, record_account, reserved),
            RESERVED(RECORD_MARKET, record_market, reserved),
            RESERVED(RECORD_SELECTIONS, record_selections, reserved),
            RESERVED(RECORD_RELEASE, record_release, reserved),
            RESERVED(RECORD_FENCE, record_fence, reserved),
            RESERVED(RECORD_RESULT, record_result, reserved),
            RESERVED(RECORD_SETTLE, record_settle, reserved),
            RESERVED(RECORD_REVERSE, record_reverse, reserved),
            RESERVED(RECORD_LIMITS, record_limits, reserved),
            RESERVED(RECORD_ADJUSTMENT, record_adjustment, reserved),
            RESERVED(RECORD_REFERRAL, record_referral, reserved),
        },
      items[] = {
          RESERVED(RECORD_MARKET, record_selection, reserved),
          RESERVED(RECORD_SELECTIONS, record_selection, reserved),
          RESERVED(RECORD_FENCE, record_fenced, reserved),
          RESERVED(RECORD_BET, record_leg, reserved),
          RESERVED(RECORD_RELEASE, record_leg, reserved),
          RESERVED(RECORD_CASH_OUT, record_cash_out_leg, reserved),
          RESERVED(RECORD_REFERRAL, record_leg, reserved),
      };
#undef RESERVED
    maker_encode(m, parts);
    const struct copy good = copy_of(m);
    size_t body = sizeof(struct record_head), item = body + record_body_bytes(parts->draft.type);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t byte = 0; byte < bodies[i].bytes && bodies[i].type == parts->draft.type;
             byte++) {
            struct copy copy = good;
            copy.at[body + bodies[i].at + byte] = 1;
            reseal(&copy);
            if (view(&copy) != -ERR_CORRUPT)
                fail_msg("type %d: reserved byte %zu", (int)parts->draft.type, byte);
        }
    if (parts->draft.items_count == 0)
        return;
    item += record_item_bytes(parts->draft.type) * (parts->draft.items_count - 1); /* the last */
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        for (size_t byte = 0; byte < items[i].bytes && items[i].type == parts->draft.type; byte++) {
            struct copy copy = good;
            copy.at[item + items[i].at + byte] = 1;
            reseal(&copy);
            if (view(&copy) != -ERR_CORRUPT)
                fail_msg("type %d: reserved byte %zu of an item", (int)parts->draft.type, byte);
        }
}

TEST(record, reserved_bytes_of_every_type_are_zero)
{
    struct maker m;
    every_type(&m, reserved_is_zero);
    maker_done(&m);
}

TEST(record, sizes_of_unknown_types_are_zero)
{
    assert_int_equal(record_body_bytes((enum record_type)0), 0);
    assert_int_equal(record_body_bytes((enum record_type)(RECORD_TYPE_LAST + 1)), 0);
    assert_int_equal(record_item_bytes((enum record_type)0), 0);
    assert_int_equal(record_item_bytes((enum record_type)(RECORD_TYPE_LAST + 1)), 0);
    assert_int_equal(record_item_bytes(RECORD_SETTLE), sizeof(struct record_settled_leg));
    assert_int_equal(record_item_bytes(RECORD_REVERSE), 0);
    assert_int_equal(record_item_bytes(RECORD_BET), sizeof(struct record_leg));
}

TEST(record, factors_are_the_same_both_ways)
{
    static const struct leg_result results[] = {LEG_WON,      LEG_LOST,      LEG_VOID,
                                                LEG_HALF_WON, LEG_HALF_LOST, {true, 1, 2, 7}};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        struct record_leg_result factors = record_factors_of(results[i]);
        struct leg_result back = record_factors(factors);
        assert_int_equal(factors.known, 1);
        assert_true(back.won == results[i].won && back.void_halves == results[i].void_halves &&
                    back.dead_heat_numerator == results[i].dead_heat_numerator &&
                    back.dead_heat_denominator == results[i].dead_heat_denominator);
    }
}

/* ---- encoding ---- */

TEST(record_encode, what_does_not_fit_changes_nothing)
{
    static _Alignas(8) char memory[256];
    struct maker m;
    maker_begin(&m);
    struct parts parts = parts_account(&m, "ada");
    struct record_draft draft = parts.draft;
    draft.body = &parts.body;
    draft.texts = parts.texts;
    struct buf out = buf_over(memory, 8 + 56 - 1);
    buf_put_u64(&out, 12345678);
    assert_null(record_encode(&out, &draft));
    assert_int_equal(out.bytes, 8);
    assert_false(out.overflow);
    out.capacity++;
    const struct record_head *head = record_encode(&out, &draft);
    assert_ptr_equal(head, memory + 8);
    assert_int_equal(out.bytes, 8 + 56);
    out.overflow = true; /* somebody's before */
    out.capacity = sizeof memory;
    assert_null(record_encode(&out, &draft));
    maker_done(&m);
}

TEST(record_encode, mistakes_of_ours_stop_the_program)
{
    static _Alignas(8) char memory[1024];
    struct maker m;
    maker_begin(&m);
    struct parts parts = parts_account(&m, "ada");
    struct record_draft draft = parts.draft;
    draft.body = &parts.body;
    draft.texts = parts.texts;
    struct buf out = buf_over(memory, sizeof memory);
    struct record_draft bad = draft;
    bad.type = (enum record_type)(RECORD_TYPE_LAST + 1);
    expect_assert_failure(record_encode(&out, &bad));
    bad = draft;
    bad.items_count = UINT16_MAX + 1;
    expect_assert_failure(record_encode(&out, &bad));
    bad = draft;
    bad.postings_count = RECORD_POSTINGS_MAX + 1;
    expect_assert_failure(record_encode(&out, &bad));
    struct slice huge = {memory, RECORD_BYTES_MAX};
    bad = draft;
    bad.texts = &huge;
    expect_assert_failure(record_encode(&out, &bad));
    buf_put_char(&out, 'x');
    expect_assert_failure(record_encode(&out, &draft));
    expect_assert_failure(record_view_of(memory + 1, 100, &m.view));
    struct slice text = SLICE("abc");
    expect_assert_failure(record_text(&text, 4));
    maker_done(&m);
}
