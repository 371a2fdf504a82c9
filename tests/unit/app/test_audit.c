/* test_audit.c - app/audit.h: a sound book passes, and each thing that is changed afterwards in
 * the ledger or in the odds log is found and named. */
#include "test.h"

#include "app/audit.h"
#include "base/error.h"
#include "base/hash.h"
#include "book_fixture.h"

static int audit(struct fixture *f, bool with_odds, struct audit_report *report)
{
    struct shard_state *state;
    struct odds_log *odds = with_odds ? &f->odds_log.port : NULL;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f->book)), &state), 0);
    int error = audit_shard(&f->log.port, odds, 0, state, report);
    shard_state_free(state);
    return error;
}

/* A book with a placed, a delayed, a refused and a settled bet. */
static void make_history(struct fixture *f)
{
    fixture_begin(f);
    fixture_market(f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(f, "ann", "d1", 10000);
    fixture_turn(f, 1000);
    fixture_bet(f, "k1", "a", 210, 1000);
    fixture_market(f, MARKET_ACTIVE, 220, 300);
    fixture_bet(f, "k2", "a", 210, 500);
    fixture_bet(f, "k3", "b", 310, 500);
    fixture_market_in_play(f, 230, 300, US_PER_SECOND);
    fixture_bet(f, "k4", "a", 230, 500);
    fixture_turn(f, 1000);
    fixture_turn(f, 2 * US_PER_SECOND);
    fixture_result(f, 1, LEG_WON, LEG_LOST);
    fixture_turn(f, 1000);
}

static struct record_head *find_record(struct fixture *f, enum record_type type, unsigned nth)
{
    for (size_t at = 0; at < f->log.size;) {
        struct record_head *head = (void *)(f->log.bytes + at);
        if (head->type == type && nth-- == 0)
            return head;
        at += head->bytes;
    }
    fail_msg("no such record");
    return NULL;
}

/* And those behind it, as each says which one it was written behind. */
static void reseal(struct fixture *f, struct record_head *head)
{
    const char *end = f->log.bytes + f->log.size;
    uint32_t before_crc = head->before_crc;
    for (char *at = (char *)head; at < end; at += head->bytes) {
        head = (void *)at;
        head->before_crc = before_crc;
        head->crc = crc32c(0, at + 8, head->bytes - 8);
        before_crc = head->crc;
    }
}

TEST(audit, a_sound_book_passes_and_every_price_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    assert_int_equal(audit(&f, true, &report), 0);
    assert_string_equal(report.reason, "");
    assert_int_equal(report.legs_checked, 4); /* three bets and a release */
    assert_int_equal(report.legs_unlogged, 0);
    assert_int_equal(report.records, f.log.tail);
    fixture_end(&f);
}

TEST(audit, a_book_without_a_bet_passes)
{
    struct fixture f;
    struct audit_report report;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(&f, "ann", "d1", 10000);
    fixture_turn(&f, 1000);
    assert_int_equal(audit(&f, true, &report), 0);
    assert_string_equal(report.reason, "");
    assert_int_equal(report.legs_checked, 0);
    assert_int_equal(report.records, f.log.tail);
    fixture_end(&f);
}

TEST(audit, a_flipped_bit_anywhere_in_the_ledger_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    for (size_t bit = 0; bit < f.log.size * 8; bit += 61) {
        f.log.bytes[bit / 8] ^= (char)(1 << bit % 8);
        if (audit(&f, false, &report) == 0)
            fail_msg("bit %zu went unseen", bit);
        assert_string_not_equal(report.reason, "");
        f.log.bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    fixture_end(&f);
}

TEST(audit, a_resealed_record_with_another_stake_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    struct record_head *head = find_record(&f, RECORD_BET, 0);
    ((struct record_bet *)(head + 1))->stake++;
    reseal(&f, head);
    assert_int_equal(audit(&f, false, &report), -ERR_CORRUPT);
    assert_int_equal(report.seq, head->seq);
    assert_memory_equal(report.reason, "L4", 2);
    fixture_end(&f);
}

/* The formats of records changed in place for a while; they have numbers of their own since. */
TEST(audit, a_log_of_an_older_record_format_is_refused_by_its_number)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    struct record_head *genesis = find_record(&f, RECORD_GENESIS, 0);
    genesis->format = 1;
    reseal(&f, genesis);
    assert_int_equal(audit(&f, false, &report), -ERR_UNSUPPORTED);
    assert_int_equal(report.seq, 1);
    assert_string_equal(report.reason, "its records are not of format 3, which is all that this "
                                       "program reads");
    fixture_end(&f);
}

TEST(audit, a_settlement_taken_out_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    struct record_head *head = find_record(&f, RECORD_SETTLE, 0);
    size_t bytes = head->bytes;
    size_t after = (size_t)((char *)head - f.log.bytes) + bytes;
    memmove(head, (char *)head + bytes, f.log.size - after);
    f.log.size -= bytes;
    assert_int_equal(audit(&f, false, &report), -ERR_CORRUPT);
    assert_memory_equal(report.reason, "L1", 2);
    fixture_end(&f);
}

TEST(audit, a_price_that_was_never_offered_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    f.odds_log.changes[0].selections[0].odds.numerator = 211;
    f.odds_log.changes[0].selections[0].odds.denominator = 100;
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the price taken was not the one offered");
    fixture_end(&f);
}

/* A bet bought back by chances that the provider gave with its newest price. */
static void make_cash_out(struct fixture *f)
{
    struct cash_out_offer offer;
    fixture_begin(f);
    fixture_market(f, MARKET_ACTIVE, 300, 300);
    fixture_deposit(f, "ann", "d1", 10000);
    fixture_turn(f, 1000);
    fixture_bet(f, "k1", "a", 300, 1000);
    fixture_turn(f, 1000);
    fixture_offer(
        f, &(struct fixture_offer){.a = 190, .b = 190, .chances = {.win = CHANCE_WHOLE / 2}});
    assert_int_equal(fixture_cash_out_offer(f, f->bet_id, &offer), BET_PLACED);
    fixture_cash_out(f, "s", &offer, (struct sale){f->bet_id, 0, offer.amount.minor});
    fixture_turn(f, 1000);
    assert_int_equal(f->type, RECORD_CASH_OUT);
    assert_int_equal(f->outcome, BET_PLACED);
}

TEST(audit, prices_and_chances_of_a_cash_out_are_looked_up_as_well)
{
    struct fixture f;
    struct audit_report report;
    make_cash_out(&f);
    assert_int_equal(audit(&f, true, &report), 0);
    assert_int_equal(report.legs_checked, 2); /* the bet and its sale */
    f.odds_log.changes[1].selections[0].chances.win--;
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the chances were not the provider's");
    f.odds_log.changes[1].selections[0].chances.win++;
    f.odds_log.changes[1].selections[0].odds.numerator++;
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the price taken was not the one offered");
    fixture_end(&f);
}

TEST(audit, a_bet_on_a_suspended_offer_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    f.odds_log.changes[1].change.status = MARKET_SUSPENDED_STATUS;
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the market was not offered as active");
    fixture_end(&f);
}

TEST(audit, another_version_at_a_position_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    f.odds_log.changes[1].change.odds_version++;
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the odds log has another version at that position");
    fixture_end(&f);
}

TEST(audit, prices_newer_than_the_odds_logs_end_are_counted_not_blamed)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    f.odds_log.position = 1; /* a crash took the rest */
    assert_int_equal(audit(&f, true, &report), 0);
    assert_int_equal(report.legs_checked, 1);
    assert_int_equal(report.legs_unlogged, 3);
    fixture_end(&f);
}

/* An odds log of which some positions were lost. */
struct holed_log {
    struct odds_log port;
    struct odds_log *inner;
    uint64_t first, last;
    odds_log_visit visit;
    void *owner;
    uint64_t kept_from;
};

static int visit_outside(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct holed_log *holed = owner;
    if (position >= holed->first && position <= holed->last)
        return 0;
    return holed->visit(holed->owner, position, change);
}

static int holed_replay(struct odds_log *log, odds_log_visit visit, void *owner)
{
    struct holed_log *holed = (struct holed_log *)log;
    holed->visit = visit;
    holed->owner = owner;
    return holed->inner->ops->replay(holed->inner, visit_outside, holed);
}

static int holed_kept_from(struct odds_log *log, uint64_t *ret_position)
{
    *ret_position = ((struct holed_log *)log)->kept_from;
    return 0;
}

static int audit_log(struct fixture *f, struct holed_log holed, struct audit_report *ret)
{
    static const struct odds_log_ops ops = {.replay = holed_replay, .kept_from = holed_kept_from};
    struct shard_state *state;
    holed.port.ops = &ops;
    holed.inner = &f->odds_log.port;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f->book)), &state), 0);
    int error = audit_shard(&f->log.port, &holed.port, 0, state, ret);
    shard_state_free(state);
    return error;
}

static int audit_holed(struct fixture *f, uint64_t first, uint64_t last, struct audit_report *ret)
{
    return audit_log(f, (struct holed_log){.first = first, .last = last}, ret);
}

/* Everything before this position was deleted to bound the log. */
static int audit_bounded(struct fixture *f, uint64_t kept_from, struct audit_report *ret)
{
    const struct holed_log holed = {.first = 1, .last = kept_from - 1, .kept_from = kept_from};
    return audit_log(f, holed, ret);
}

TEST(audit, the_end_of_an_epoch_that_a_crash_took_is_counted_also_when_another_follows)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    uint64_t last = f.odds_log.position;
    fixture_restart(&f);
    fixture_market(&f, MARKET_SUSPENDED_STATUS, 210, 300);
    fixture_turn(&f, 1000);
    assert_true(f.odds_log.position > last);
    assert_int_equal(audit_holed(&f, 2, last, &report), 0);
    assert_int_equal(report.legs_checked, 1);
    assert_int_equal(report.legs_unlogged, 3);
    fixture_end(&f);
}

TEST(audit, a_change_missing_in_the_middle_of_an_epoch_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    assert_int_equal(audit_holed(&f, 2, 2, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the odds log has no change at that position");
    fixture_end(&f);
}

TEST(audit, a_position_that_a_later_epoch_used_again_is_no_contradiction)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    uint64_t last = f.odds_log.position;
    fixture_restart(&f);
    for (uint64_t i = 1; i < last; i++) /* the log was cut behind the first change */
        f.odds_log.changes[i].change.odds_version += UINT64_C(1) << 32;
    assert_int_equal(audit(&f, true, &report), 0);
    assert_int_equal(report.legs_checked, 1);
    assert_int_equal(report.legs_unlogged, 3);
    fixture_end(&f);
}

TEST(audit, prices_deleted_to_bound_the_odds_log_are_counted_not_blamed)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    uint64_t last = f.odds_log.position;
    for (uint64_t from = 2; from <= last + 1; from++) {
        assert_int_equal(audit_bounded(&f, from, &report), 0);
        assert_int_equal(report.legs_checked + report.legs_unlogged, 4);
        assert_true(report.legs_unlogged > 0);
        assert_int_equal(report.odds_kept_from, from);
    }
    assert_int_equal(report.legs_unlogged, 4);
    assert_int_equal(audit_bounded(&f, 2, &report), 0);
    assert_int_equal(report.legs_checked, 3);
    assert_int_equal(audit_holed(&f, 1, 1, &report), -ERR_CORRUPT); /* lost, but not deleted */
    fixture_end(&f);
}

/* A change tells the selections that changed: a price may be older than what was kept, and the
 * offer that repeated it with it. */
TEST(audit, a_price_that_did_not_change_since_what_was_deleted_is_counted)
{
    struct fixture f;
    struct audit_report report;
    fixture_begin(&f);
    fixture_market(&f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(&f, "ann", "d1", 10000);
    fixture_turn(&f, 1000);
    fixture_market(&f, MARKET_ACTIVE, 220, 300);
    fixture_bet(&f, "k1", "b", 300, 500);
    fixture_turn(&f, 1000);
    assert_int_equal(f.odds_log.position, 2);
    assert_int_equal(audit(&f, true, &report), 0);
    assert_int_equal(report.legs_checked, 1);
    assert_int_equal(audit_bounded(&f, 2, &report), 0);
    assert_int_equal(report.legs_checked, 0);
    assert_int_equal(report.legs_unlogged, 1);
    assert_int_equal(audit_holed(&f, 1, 1, &report), -ERR_CORRUPT); /* lost, but not deleted */
    assert_string_equal(report.reason, "L6: no price of the selection was ever offered");
    fixture_end(&f);
}

TEST(audit, what_is_kept_of_a_bounded_odds_log_is_still_held_against_the_bets)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    f.odds_log.changes[2].selections[0].odds.numerator++;
    assert_int_equal(audit_bounded(&f, 2, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the price taken was not the one offered");
    fixture_end(&f);
}

/* ---- a book that went on elsewhere ---- */

struct two_places {
    struct fixture f;           /* with the odds log of the second place */
    struct fake_odds_log first; /* of the first one */
};

static void bet_at_both(struct two_places *places)
{
    struct fixture *f = &places->f;
    fixture_begin(f);
    fixture_market(f, MARKET_ACTIVE, 210, 300);
    fixture_deposit(f, "ann", "d1", 10000);
    fixture_turn(f, 1000);
    fixture_bet(f, "k1", "a", 210, 1000);
    fixture_market(f, MARKET_ACTIVE, 220, 300);
    fixture_bet(f, "k2", "a", 220, 500);
    fixture_turn(f, 1000);
    places->first = f->odds_log;
    fake_odds_log_init(&f->odds_log);
    fixture_restart(f);
    fixture_market(f, MARKET_ACTIVE, 230, 310);
    fixture_bet(f, "k3", "a", 230, 500);
    fixture_market(f, MARKET_ACTIVE, 240, 310);
    fixture_bet(f, "k4", "b", 310, 500);
    fixture_turn(f, 1000);
    assert_int_equal(places->first.position, 2);
    assert_int_equal(f->odds_log.position, 2);
}

static int audit_places(struct two_places *places, struct odds_log *one, struct odds_log *other,
                        struct audit_report *ret)
{
    struct odds_log *const logs[] = {one, other};
    const struct audit_source source = {
        .log = &places->f.log.port, .odds = logs, .odds_count = other == NULL ? 1 : 2};
    struct shard_state *state;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(places->f.book)), &state), 0);
    int error = audit_marked(&source, state, ret);
    shard_state_free(state);
    return error;
}

static void leave_both(struct two_places *places)
{
    fake_odds_log_done(&places->first);
    fixture_end(&places->f);
}

TEST(audit, a_price_is_held_against_the_odds_log_that_has_its_epoch)
{
    struct two_places places;
    struct audit_report report;
    bet_at_both(&places);
    struct odds_log *first = &places.first.port, *second = &places.f.odds_log.port;
    assert_int_equal(audit_places(&places, first, second, &report), 0);
    assert_int_equal(report.legs_checked, 4);
    assert_int_equal(report.legs_unlogged, 0);
    assert_int_equal(report.odds_changes, 4);
    assert_int_equal(audit_places(&places, second, first, &report), 0);
    assert_int_equal(report.legs_checked, 4);
    assert_int_equal(audit_places(&places, first, NULL, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the odds log has another version at that position");
    leave_both(&places);
}

TEST(audit, no_odds_log_excuses_what_another_one_contradicts)
{
    struct two_places places;
    struct audit_report report;
    bet_at_both(&places);
    struct odds_log *first = &places.first.port, *second = &places.f.odds_log.port;
    struct fake_odds_change *const changes[] = {&places.first.changes[1],
                                                &places.f.odds_log.changes[0]};
    for (size_t i = 0; i < 2; i++) {
        changes[i]->selections[0].odds.numerator++;
        assert_int_equal(audit_places(&places, first, second, &report), -ERR_CORRUPT);
        assert_string_equal(report.reason, "L6: the price taken was not the one offered");
        assert_int_equal(audit_places(&places, second, first, &report), -ERR_CORRUPT);
        changes[i]->selections[0].odds.numerator--;
    }
    assert_int_equal(audit_places(&places, first, second, &report), 0);
    leave_both(&places);
}

TEST(audit, an_epoch_that_a_crash_took_from_its_log_is_counted_beside_others)
{
    struct two_places places;
    struct audit_report report;
    bet_at_both(&places);
    struct odds_log *first = &places.first.port, *second = &places.f.odds_log.port;
    places.f.odds_log.position = 0;
    assert_int_equal(audit_places(&places, first, second, &report), 0);
    assert_int_equal(report.legs_checked, 2);
    assert_int_equal(report.legs_unlogged, 2);
    leave_both(&places);
}

TEST(audit, a_price_that_was_never_logged_is_a_contradiction_and_no_loss)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    struct record_head *head = find_record(&f, RECORD_BET, 0);
    ((struct record_leg *)((struct record_bet *)(head + 1) + 1))->odds_position = 0;
    reseal(&f, head);
    assert_int_equal(audit(&f, false, &report), 0);
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_string_equal(report.reason, "L6: the price taken was never logged");
    assert_int_equal(report.seq, head->seq);
    f.odds_log.position = 0; /* also when nothing at all is left of the odds log */
    assert_int_equal(audit(&f, true, &report), -ERR_CORRUPT);
    assert_int_equal(audit_bounded(&f, 2, &report), -ERR_CORRUPT);
    fixture_end(&f);
}

TEST(audit, a_snapshot_that_is_not_the_state_of_its_log_is_found)
{
    struct fixture f;
    struct audit_report report;
    make_history(&f);
    assert_int_equal(audit(&f, true, &report), 0);
    struct audit_mark marks[2] = {{.seq = 5}, {.seq = f.log.tail}};
    memcpy(marks[1].state_hash, report.state_hash, sizeof marks[1].state_hash);
    struct audit_source source = {.log = &f.log.port, .marks = &marks[1], .marks_count = 1};
    struct shard_state *again;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f.book)), &again), 0);
    assert_int_equal(audit_marked(&source, again, &report), 0);
    assert_int_equal(report.marks_checked, 1);
    shard_state_free(again);
    source.marks = marks;
    source.marks_count = 2;
    assert_int_equal(shard_state_new(shard_state_limits(book_state(f.book)), &again), 0);
    assert_int_equal(audit_marked(&source, again, &report), -ERR_CORRUPT);
    assert_int_equal(report.seq, 5);
    assert_string_equal(report.reason, "L5: a snapshot is not the state of its log");
    shard_state_free(again);
    fixture_end(&f);
}
