/* odds_store_contract.c - contract in odds_store_contract.h. */
#include "odds_store_contract.h"

#include <stdio.h>
#include <stdlib.h>

/* Markets of this test alone: servers are shared by all tests of a program. */
static unsigned tests_begun;

static struct slice id_of(unsigned market, char memory[static 32])
{
    int bytes = snprintf(memory, 32, "%u.%u", tests_begun, market);
    return slice_of(memory, (size_t)bytes);
}

static struct odds_image *image_new(unsigned market, uint64_t version)
{
    char memory[32];
    struct odds_image *image = calloc(1, odds_image_bytes(2));
    assert_non_null(image);
    struct slice id = id_of(market, memory);
    memcpy(image->market_id, id.at, id.bytes);
    image->market_id_bytes = (uint8_t)id.bytes;
    memcpy(image->event_id, "9", 1);
    image->event_id_bytes = 1;
    memcpy(image->provider, "feed", 4);
    image->provider_bytes = 4;
    image->odds_version = version;
    image->status = image->feed_status = MARKET_ACTIVE;
    image->updated = (struct instant){INT64_C(1790000000000000) + (int64_t)version};
    image->bet_delay_us = 5000000;
    image->selections_count = 2;
    for (int i = 0; i < 2; i++) {
        image->selections[i].id[0] = (char)('1' + i);
        image->selections[i].id_bytes = 1;
        image->selections[i].status = SELECTION_ACTIVE;
        assert_true(odds_make(100 + version % 1000 + (unsigned)i, 50, &image->selections[i].odds));
    }
    return image;
}

static enum odds_put put(struct store_subject *subject, unsigned market, uint64_t version)
{
    struct odds_image *image = image_new(market, version);
    enum odds_put outcome = subject->written->ops->put(subject->written, image);
    if (outcome == ODDS_PUT_OK && subject->on_market != NULL)
        subject->on_market(subject, image);
    free(image);
    return outcome;
}

static void take_out(struct store_subject *subject, unsigned market)
{
    char memory[32];
    struct slice id = id_of(market, memory);
    const struct odds_image *image = subject->written->ops->get(subject->written, id);
    if (subject->on_removed != NULL)
        subject->on_removed(subject, image);
    subject->written->ops->remove(subject->written, id);
}

static void settle(struct store_subject *subject)
{
    if (subject->settle != NULL)
        subject->settle(subject);
}

static const struct odds_image *get(struct store_subject *subject, unsigned market)
{
    char memory[32];
    return subject->read->ops->get(subject->read, id_of(market, memory));
}

static void expect(struct store_subject *subject, unsigned market, uint64_t version)
{
    const struct odds_image *image = get(subject, market);
    struct odds_image *same = image_new(market, version);
    assert_non_null(image);
    same->received = image->received; /* of this process */
    assert_int_equal(image->odds_version, version);
    assert_memory_equal(image, same, odds_image_bytes(2));
    free(same);
}

static void expect_held(struct store_subject *subject, unsigned market, uint64_t version, bool gone)
{
    char memory[32];
    bool removed = false;
    (void)id_of(market, memory);
    assert_int_equal(subject->held(subject, memory, &removed), version);
    assert_int_equal(removed, gone);
}

void odds_store_contract_gives_back_what_was_put(struct store_subject *subject)
{
    tests_begun++;
    assert_null(get(subject, 1));
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    settle(subject);
    expect(subject, 1, 7);
    assert_null(get(subject, 2));
}

void odds_store_contract_a_newer_version_replaces_an_older_one(struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    settle(subject);
    assert_int_equal(put(subject, 1, (UINT64_C(1) << 32) + 1), ODDS_PUT_OK);
    settle(subject);
    expect(subject, 1, (UINT64_C(1) << 32) + 1);
}

void odds_store_contract_an_older_version_is_refused(struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OLDER);
    assert_int_equal(put(subject, 1, 6), ODDS_PUT_OLDER);
    settle(subject);
    expect(subject, 1, 7);
    if (subject->held == NULL)
        return;
    struct odds_image *older = image_new(1, 6);
    subject->on_market(subject, older); /* as a writer would that is behind: it goes out */
    free(older);
    settle(subject);
    expect(subject, 1, 7);
    expect_held(subject, 1, 7, false);
}

void odds_store_contract_what_was_removed_is_gone(struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 2, 7), ODDS_PUT_OK);
    settle(subject);
    take_out(subject, 1);
    settle(subject);
    assert_null(get(subject, 1));
    expect(subject, 2, 7);
    assert_int_equal(subject->read->ops->count(subject->read), 1);
}

void odds_store_contract_what_was_removed_may_come_back_newer(struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    settle(subject);
    take_out(subject, 1);
    settle(subject);
    assert_int_equal(put(subject, 1, 8), ODDS_PUT_OK);
    settle(subject);
    expect(subject, 1, 8);
}

void odds_store_contract_a_walk_meets_every_market_once(struct store_subject *subject)
{
    bool met[20] = {false};
    tests_begun++;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(put(subject, i, 7 + i), ODDS_PUT_OK);
    take_out(subject, 5);
    settle(subject);
    assert_int_equal(subject->read->ops->count(subject->read), 19);
    for (size_t slot = 0; slot < subject->read->ops->slots(subject->read); slot++) {
        const struct odds_image *image = subject->read->ops->at(subject->read, slot);
        if (image == NULL)
            continue;
        assert_in_range(image->odds_version, 7, 26);
        assert_false(met[image->odds_version - 7]);
        met[image->odds_version - 7] = true;
    }
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(met[i], i != 5);
}

void odds_store_contract_the_newest_of_many_versions_is_read(struct store_subject *subject)
{
    tests_begun++;
    for (uint64_t version = 1; version <= 2000; version++)
        assert_int_equal(put(subject, (unsigned)(version % 3), version), ODDS_PUT_OK);
    settle(subject);
    for (uint64_t version = 1998; version <= 2000; version++)
        expect(subject, (unsigned)(version % 3), version);
}

void odds_store_contract_it_holds_so_many_markets_and_no_more(struct store_subject *subject)
{
    tests_begun++;
    for (unsigned i = 0; i < STORE_MARKETS_MAX; i++)
        assert_int_equal(put(subject, i, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, STORE_MARKETS_MAX, 7), ODDS_PUT_FULL);
    settle(subject);
    assert_int_equal(subject->read->ops->count(subject->read), STORE_MARKETS_MAX);
    for (unsigned i = 0; i < STORE_MARKETS_MAX; i++)
        expect(subject, i, 7);
}

void odds_store_contract_what_was_removed_stays_gone_in_an_older_copy(struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 2, 7), ODDS_PUT_OK);
    settle(subject);
    subject->remember(subject);
    assert_int_equal(put(subject, 1, 8), ODDS_PUT_OK);
    take_out(subject, 1);
    settle(subject);
    subject->fall_back(subject, false);
    settle(subject);
    expect_held(subject, 1, 8, true);
    assert_null(get(subject, 1));
    expect(subject, 2, 7);
}

void odds_store_contract_what_was_removed_is_remembered_over_several_copies(
    struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 2, 7), ODDS_PUT_OK);
    settle(subject);
    subject->remember(subject);
    take_out(subject, 1);
    settle(subject);
    for (int i = 0; i < 3; i++) {
        subject->fall_back(subject, false);
        settle(subject);
        expect_held(subject, 1, 7, true);
        assert_null(get(subject, 1));
    }
    assert_int_equal(put(subject, 1, 8), ODDS_PUT_OK);
    settle(subject);
    expect_held(subject, 1, 8, false);
    expect(subject, 1, 8);
}

void odds_store_contract_what_is_read_late_does_not_bring_back_what_was_removed(
    struct store_subject *subject)
{
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 2, 7), ODDS_PUT_OK);
    settle(subject);
    subject->remember(subject);
    take_out(subject, 1);
    settle(subject);
    subject->fall_back(subject, true);
    expect_held(subject, 1, 7, false);
    assert_null(get(subject, 1));
    expect(subject, 2, 7);
}

void odds_store_contract_what_moves_is_said_where_it_goes(struct store_subject *subject)
{
    char memory[32];
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    assert_int_equal(put(subject, 2, 7), ODDS_PUT_OK);
    take_out(subject, 2);
    settle(subject);
    for (unsigned market = 1; market <= 2; market++) {
        (void)id_of(market, memory);
        subject->begin_move(subject, memory);
        subject->end_move(subject, memory);
        expect_held(subject, market, 7, market == 2);
    }
}

void odds_store_contract_what_is_removed_on_its_way_is_taken(struct store_subject *subject)
{
    char memory[32];
    tests_begun++;
    assert_int_equal(put(subject, 1, 7), ODDS_PUT_OK);
    settle(subject);
    (void)id_of(1, memory);
    subject->begin_move(subject, memory);
    take_out(subject, 1);
    settle(subject);
    assert_null(get(subject, 1));
    subject->end_move(subject, memory);
    expect_held(subject, 1, 7, true);
}

/* Three times, with changes before, in and after the fault. */
static void go_through(struct store_subject *subject, enum wire_fault fault)
{
    uint64_t version = 10;
    tests_begun++;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(put(subject, i, version), ODDS_PUT_OK);
    settle(subject);
    for (int round = 0; round < 3; round++) {
        version += 10;
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(put(subject, i, version + i % 2), ODDS_PUT_OK);
        subject->disturb(subject, fault);
        assert_int_equal(put(subject, 3, version + 5), ODDS_PUT_OK);
        subject->disturb(subject, WIRE_WORKS);
        settle(subject);
        for (unsigned i = 0; i < 10; i++)
            expect(subject, i, i == 3 ? version + 5 : version + i % 2);
    }
}

void odds_store_contract_is_level_after_a_lost_request(struct store_subject *subject)
{
    go_through(subject, WIRE_LOSES_REQUEST);
}

void odds_store_contract_is_level_after_a_lost_answer(struct store_subject *subject)
{
    go_through(subject, WIRE_LOSES_ANSWER);
}

void odds_store_contract_is_level_after_a_silence(struct store_subject *subject)
{
    go_through(subject, WIRE_IS_SILENT);
}

void odds_store_contract_is_level_after_refusals(struct store_subject *subject)
{
    go_through(subject, WIRE_REFUSES);
}
