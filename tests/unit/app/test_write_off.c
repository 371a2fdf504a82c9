/* test_write_off.c - what a correction takes below zero: owed, written off, or forgiven
 * (docs/decisions/0009). */
#include "book_fixture.h"
#include "test.h"

static void up_to_ten_pounds(struct book_options *options)
{
    options->write_off_minor_max = 1000;
}

static enum request_outcome withdraw(struct fixture *f, const char *key, int64_t minor)
{
    const struct money_request request = {.user_id = SLICE("ann"),
                                          .key = slice_text(key),
                                          .kind = MONEY_WITHDRAWAL,
                                          .amount = {minor, {826}},
                                          .request_hash = {(uint64_t)minor, 3}};
    enum request_outcome outcome =
        book_move_money(f->book, &request, fixture_answer, fixture_cookie(f));
    fixture_turn(f, 1000);
    return outcome;
}

/* Ann has won 20 pounds, and all that she had is gone, when it is said that she has lost. */
static void owe_twenty_pounds(struct fixture *f)
{
    assert_int_equal(fixture_deposit(f, "ann", "d", 1000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    fixture_market(f, MARKET_ACTIVE, 200, 400);
    assert_int_equal(fixture_bet(f, "k", "a", 200, 1000), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    fixture_result(f, 1, LEG_WON, LEG_LOST);
    fixture_turn(f, 1000);
    fixture_turn(f, 1000);
    assert_int_equal(withdraw(f, "w", 2000), REQUEST_TAKEN);
    assert_int_equal(f->outcome, BET_PLACED);
    fixture_result(f, 2, LEG_LOST, LEG_WON);
    for (int i = 0; i < 3; i++)
        fixture_turn(f, 1000);
}

TEST(write_off, what_is_owed_is_filled_before_anything_is_staked_or_withdrawn)
{
    struct fixture f;
    fixture_begin(&f);
    owe_twenty_pounds(&f);
    assert_int_equal(fixture_available(&f, "ann"), -2000);
    assert_int_equal(withdraw(&f, "w2", 1), REQUEST_TAKEN);
    assert_int_equal(f.outcome, BET_INSUFFICIENT_BALANCE);
    fixture_offer(&f, &(struct fixture_offer){.market = "m2", .event = "e2", .a = 200, .b = 200});
    const struct fixture_ticket ticket = {
        .key = "k2", .stake = 100, .markets = {"m2"}, .selections = {"a"}, .odds = {200}};
    assert_int_equal(fixture_ticket(&f, &ticket), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_INSUFFICIENT_BALANCE);
    assert_int_equal(fixture_deposit(&f, "ann", "d2", 2050), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(withdraw(&f, "w3", 51), REQUEST_TAKEN);
    assert_int_equal(f.outcome, BET_INSUFFICIENT_BALANCE);
    assert_int_equal(withdraw(&f, "w4", 50), REQUEST_TAKEN);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_int_equal(book_stats(f.book)->write_offs, 0);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(write_off, the_policy_forgives_what_is_not_above_its_bound)
{
    struct fixture f;
    fixture_begin_tuned(&f, up_to_ten_pounds);
    owe_twenty_pounds(&f);
    assert_int_equal(fixture_available(&f, "ann"), -2000);
    assert_int_equal(fixture_deposit(&f, "ann", "d2", 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    fixture_turn(&f, 1000);
    /* No correction brought it there, and yet ten pounds are within the bound. */
    assert_int_equal(fixture_available(&f, "ann"), 0);
    assert_int_equal(book_stats(f.book)->write_offs, 1);
    fixture_restart(&f); /* it looks again, and there is nothing more */
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    assert_int_equal(book_stats(f.book)->write_offs, 0);
    assert_int_equal(shard_state_house(book_state(f.book), 0)->result,
                     0 /* a stake that was lost, less what was forgiven */);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(write_off, a_trader_forgives_no_more_than_what_is_owed)
{
    struct fixture f;
    fixture_begin(&f);
    owe_twenty_pounds(&f);
    struct money_request request = {.user_id = SLICE("ann"),
                                    .key = SLICE("off"),
                                    .kind = MONEY_WRITE_OFF,
                                    .amount = {2001, {826}},
                                    .actor = SLICE("tom"),
                                    .reason = SLICE("our mistake"),
                                    .request_hash = {2001, 4}};
    assert_int_equal(book_move_money(f.book, &request, fixture_answer, fixture_cookie(&f)),
                     REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_AMOUNT_LIMIT);
    request.key = SLICE("off2");
    request.amount.minor = 2000;
    assert_int_equal(book_move_money(f.book, &request, fixture_answer, fixture_cookie(&f)),
                     REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(f.outcome, BET_PLACED);
    assert_int_equal(fixture_available(&f, "ann"), 0);
    fixture_check(&f);
    fixture_end(&f);
}

/* ---- promotional money ---- */

static void move(struct fixture *f, const char *key, enum money_kind kind, int64_t minor)
{
    const struct money_request request = {.user_id = SLICE("ann"),
                                          .key = slice_text(key),
                                          .kind = kind,
                                          .amount = {minor, {826}},
                                          .actor = SLICE("tom"),
                                          .reason = SLICE("terms"),
                                          .request_hash = {(uint64_t)kind, 5}};
    assert_int_equal(book_move_money(f->book, &request, fixture_answer, fixture_cookie(f)),
                     REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PLACED);
}

/* What a bet of promotional money gave back is taken away, and then the bet has lost after all. */
static void owe_promotional_money(struct fixture *f, enum stake_kind kind)
{
    bool token = kind == STAKE_FREE;
    move(f, "grant", token ? MONEY_GRANT_FREE : MONEY_GRANT_BONUS, 1000);
    fixture_market(f, MARKET_ACTIVE, 200, 400);
    const struct fixture_ticket ticket = {.key = "k",
                                          .stake = 1000,
                                          .markets = {"m1"},
                                          .selections = {"a"},
                                          .odds = {200},
                                          .stake_kind = kind};
    assert_int_equal(fixture_ticket(f, &ticket), REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PLACED);
    fixture_result(f, 1, token ? LEG_VOID : LEG_WON, LEG_LOST); /* the token, or 20 pounds */
    fixture_turn(f, 1000);
    fixture_turn(f, 1000);
    move(f, "forfeit", token ? MONEY_FORFEIT_FREE : MONEY_FORFEIT_BONUS, token ? 1000 : 2000);
    fixture_result(f, 2, LEG_LOST, LEG_WON);
    for (int i = 0; i < 3; i++)
        fixture_turn(f, 1000);
}

static void promotional_money_is_never_owed(enum stake_kind kind)
{
    struct fixture f;
    fixture_begin(&f); /* nothing of what is owed in cash is written off */
    owe_promotional_money(&f, kind);
    const struct shard_state *state = book_state(f.book);
    const struct shard_account *ann =
        shard_state_account(state, shard_state_find_account(state, SLICE("ann")));
    assert_int_equal(ann->available, 0);
    assert_int_equal(ann->free, 0);
    assert_int_equal(ann->bonus, 0);
    assert_int_equal(book_stats(f.book)->write_offs, 1);
    int64_t staked = kind == STAKE_FREE ? 0 : 1000; /* a token was never anybody's money */
    assert_int_equal(shard_state_house(state, 0)->result, staked);
    assert_int_equal(shard_state_house(state, 0)->promo, -staked);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(write_off, free_bets_are_never_owed)
{
    promotional_money_is_never_owed(STAKE_FREE);
}

TEST(write_off, bonus_money_is_never_owed)
{
    promotional_money_is_never_owed(STAKE_BONUS);
}
