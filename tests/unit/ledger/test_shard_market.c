/* test_shard_market.c - every reason of shard_apply_market.c to refuse a record: a good one with
 * one thing changed. Each refusal leaves the state as it was (maker_refuse looks). */
#include "test.h"

#include "maker.h"

static char long_text[NAME_BYTES_MAX + 2];

/* `bytes` letters; one text at a time. */
static struct slice text_of(size_t bytes)
{
    memset(long_text, 'x', sizeof long_text);
    assert_true(bytes <= sizeof long_text);
    return slice_of(long_text, bytes);
}

static void set_text(struct parts *p, size_t index, uint16_t *bytes, size_t length)
{
    p->texts[index] = text_of(length);
    *bytes = (uint16_t)length;
}

/* A posting where none belongs, of any account: it is never looked at. */
static void add_posting(struct parts *p)
{
    p->postings[p->draft.postings_count++] =
        (struct record_posting){1, LEDGER_AVAILABLE, GBP, 1000000};
}

static void deposit(struct maker *m, int64_t amount, const char *key)
{
    struct parts deposit = parts_deposit(m, 1, amount, key);
    maker_accept(m, &deposit);
}

/* Whoever compares two logs looks at one record of each (adapters/ship). */
TEST(shard_book, logs_that_parted_have_no_equal_record_again)
{
    struct maker a, b;
    maker_open(&a);
    maker_open(&b);
    deposit(&a, 100, "x");
    deposit(&b, 100, "y");
    for (int i = 0; i < 20; i++) {
        char key[2] = {(char)('a' + i), 0};
        deposit(&a, 5, key);
        deposit(&b, 5, key);
        assert_int_equal(a.view.head->seq, b.view.head->seq);
        assert_int_equal(a.view.head->time_us, b.view.head->time_us);
        assert_int_equal(a.view.head->bytes, b.view.head->bytes);
        assert_memory_not_equal(a.view.head, b.view.head, a.view.head->bytes);
    }
    maker_done(&a);
    maker_done(&b);
}

TEST(shard_book, numbers_are_dense_and_time_never_falls)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_account(&m, "cy");
    REFUSES(&m, good, "L1: sequence numbers are dense", p.draft.seq++);
    REFUSES(&m, good, "L1: sequence numbers are dense", p.draft.seq--);
    REFUSES(&m, good, "L1: sequence numbers are dense", p.draft.seq = 0);
    REFUSES(&m, good, "L1: record time never falls",
            p.draft.time_us = shard_state_time_us(m.state) - 1);
    good.draft.time_us = shard_state_time_us(m.state); /* the same instant is no fall */
    maker_accept(&m, &good);
    maker_done(&m);
}

TEST(shard_book, genesis_is_the_first_record_and_only_that)
{
    struct maker m;
    maker_empty(&m, &MAKER_LIMITS);
    struct parts opened = parts_opened(&m);
    maker_refuse(&m, &opened, "L1: the first record, and only it, is GENESIS");
    struct parts good = parts_genesis(&m);
    REFUSES(&m, good, "L1: record time never falls", p.draft.time_us = -1);
    REFUSES(&m, good, "L1: it was written behind another record", p.draft.before_crc = 1);
    REFUSES(&m, good, "the shard number is too high", p.body.genesis.shard = 2);
    REFUSES(&m, good, "a number of shards that no book has", p.body.genesis.shards = 1);
    REFUSES(&m, good, "a number of shards that no book has",
            p.body.genesis.shards = BET_ID_SHARDS_MAX + 1);
    good.body.genesis.shards = BET_ID_SHARDS_MAX;
    REFUSES(&m, good, "the shard number is too high", p.body.genesis.shard = BET_ID_SHARDS_MAX);
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    good.body.genesis.shard = BET_ID_SHARDS_MAX - 1;
    maker_accept(&m, &good);
    assert_int_equal(shard_state_shard(m.state), BET_ID_SHARDS_MAX - 1);
    assert_int_equal(shard_state_shards(m.state), BET_ID_SHARDS_MAX);
    struct parts again = parts_genesis(&m);
    maker_refuse(&m, &again, "L1: the first record, and only it, is GENESIS");
    maker_done(&m);
}

TEST(shard_book, an_account_is_opened_in_its_users_shard_only)
{
    struct maker m;
    maker_empty(&m, &MAKER_LIMITS);
    struct parts genesis = parts_genesis(&m);
    genesis.body.genesis.shard = 1;
    genesis.body.genesis.shards = 2;
    maker_accept(&m, &genesis);
    struct parts elsewhere = parts_account(&m, "bob"); /* docs/LEDGER.md, "Shards" */
    maker_refuse(&m, &elsewhere, "the user is of another shard");
    struct parts here = parts_account(&m, "ann");
    maker_accept(&m, &here);
    maker_done(&m);
}

/* docs/decisions/0021: its number is the one behind those of the shards. */
TEST(shard_book, the_log_of_a_desk_apart_has_no_accounts)
{
    static const char *const users[] = {"ann", "bob", "a", "u1", "user-12345"};
    static const uint32_t shards[] = {1, 2, 3, BET_ID_SHARDS_MAX - 1};
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        struct maker m;
        maker_empty(&m, &MAKER_LIMITS);
        struct parts genesis = parts_genesis(&m);
        genesis.body.genesis.shards = shards[i] == 1 ? 0 : shards[i];
        REFUSES(&m, genesis, "the shard number is too high", p.body.genesis.shard = shards[i] + 1);
        genesis.body.genesis.shard = shards[i];
        maker_accept(&m, &genesis);
        assert_int_equal(shard_state_shard(m.state), shards[i]);
        assert_int_equal(shard_state_shards(m.state), shards[i]);
        for (size_t n = 0; n < sizeof users / sizeof *users; n++) {
            struct parts account = parts_account(&m, users[n]);
            maker_refuse(&m, &account, "the user is of another shard");
        }
        maker_done(&m);
    }
}

TEST(shard_book, writer_epochs_rise)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_opened(&m);
    good.body.opened.epoch = 9;
    REFUSES(&m, good, "L1: writer epochs rise", p.body.opened.epoch = 1);
    REFUSES(&m, good, "L1: writer epochs rise", p.body.opened.epoch = 0);
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    maker_accept(&m, &good);
    assert_int_equal(shard_state_epoch(m.state), 9);
    maker_done(&m);
}

TEST(shard_book, a_user_has_one_account)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_account(&m, "cy");
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    REFUSES(&m, good, "a user id has 1 to 64 bytes",
            set_text(&p, 0, &p.body.account.user_bytes, 0));
    REFUSES(&m, good, "a user id has 1 to 64 bytes",
            set_text(&p, 0, &p.body.account.user_bytes, USER_ID_BYTES_MAX + 1));
    struct parts known = parts_account(&m, "ada");
    maker_refuse(&m, &known, "the user has an account already");
    REFUSES(&m, good, "account refs are dense", p.draft.account = 0);
    REFUSES(&m, good, "account refs are dense", p.draft.account = 2);
    REFUSES(&m, good, "account refs are dense", p.draft.account = 4);
    set_text(&good, 0, &good.body.account.user_bytes, USER_ID_BYTES_MAX);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_find_account(m.state, text_of(USER_ID_BYTES_MAX)).n, 3);
    maker_done(&m);
}

TEST(shard_market, a_market_record_is_checked_before_anything_is_kept)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_market(&m, "1.25", 2);
    struct record_selection *items = good.items.selections;
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    REFUSES(&m, good, "a market id has 1 to 120 bytes",
            set_text(&p, 0, &p.body.market.market_bytes, 0));
    struct parts known = parts_market(&m, "1.23", 2);
    maker_refuse(&m, &known, "the market has a ref already");
    REFUSES(&m, good, "market refs are dense", p.body.market.market = 2);
    REFUSES(&m, good, "market refs are dense", p.body.market.market = 4);
    REFUSES(&m, good, "no such market status", p.body.market.status = 0);
    REFUSES(&m, good, "no such market status", p.body.market.status = MARKET_CANCELLED + 1);
    REFUSES(&m, good, "a selection's texts have their limits",
            set_text(&p, 7, &p.items.selections[0].id_bytes, 0));
    REFUSES(&m, good, "a selection's texts have their limits",
            set_text(&p, 9, &p.items.selections[1].id_bytes, SELECTION_ID_BYTES_MAX + 1));
    REFUSES(&m, good, "a selection's texts have their limits",
            set_text(&p, 8, &p.items.selections[0].name_bytes, NAME_BYTES_MAX + 1));
    set_text(&good, 8, &items[0].name_bytes, 0);          /* a selection need not have a name */
    set_text(&good, 3, &good.body.market.sport_bytes, 0); /* nor a market a sport */
    maker_accept(&m, &good);
    assert_int_equal(shard_state_market(m.state, (struct market_ref){3})->sport, 0);
    assert_int_equal(shard_state_find_market(m.state, SLICE("1.25")).n, 3);
    maker_done(&m);
}

TEST(shard_market, a_market_id_has_at_most_120_bytes)
{
    struct maker m;
    char id[MARKET_ID_BYTES_MAX + 2] = {0};
    maker_open(&m);
    memset(id, 'm', sizeof id - 1);
    struct parts too_long = parts_market(&m, id, 2);
    maker_refuse(&m, &too_long, "a market id has 1 to 120 bytes");
    id[MARKET_ID_BYTES_MAX] = 0;
    struct parts good = parts_market(&m, id, 2);
    maker_accept(&m, &good);
    assert_int_equal(shard_state_find_market(m.state, slice_text(id)).n, 3);
    maker_done(&m);
}

TEST(shard_market, a_market_has_at_most_512_selections)
{
    struct maker m;
    maker_open(&m);
    struct parts many = parts_market(&m, "1.25", SELECTIONS_MAX + 1);
    maker_refuse(&m, &many, "too many selections");
    struct parts good = parts_market(&m, "1.25", SELECTIONS_MAX);
    maker_accept(&m, &good);
    struct parts more = parts_selections(&m, 3, 1);
    maker_refuse(&m, &more, "too many selections");
    maker_done(&m);
}

TEST(shard_market, more_selections_continue_the_numbers)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_selections(&m, 1, 2);
    REFUSES(&m, good, "the market is unknown", p.body.selections.market = 0);
    REFUSES(&m, good, "the market is unknown", p.body.selections.market = 3);
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    REFUSES(&m, good, "selection numbers are dense", p.body.selections.first = 2);
    REFUSES(&m, good, "selection numbers are dense", p.body.selections.first = 4);
    REFUSES(&m, good, "a selection's texts have their limits",
            set_text(&p, 2, &p.items.selections[1].id_bytes, 0));
    maker_accept(&m, &good);
    assert_int_equal(shard_state_find_selection(m.state, (struct market_ref){1}, SLICE("s4")), 4);
    assert_int_equal(shard_state_find_selection(m.state, (struct market_ref){1}, SLICE("s0")), 0);
    maker_done(&m);
}

TEST(shard_market, texts_of_a_market_have_their_limits)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_market(&m, "1.25", 2);
    uint16_t *bytes[] = {&good.body.market.event_bytes, &good.body.market.provider_bytes,
                         &good.body.market.sport_bytes, &good.body.market.event_name_bytes,
                         &good.body.market.name_bytes,  &good.body.market.kind_bytes};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct slice text = good.texts[1 + i];
        set_text(&good, 1 + i, bytes[i], NAME_BYTES_MAX + 1);
        maker_refuse(&m, &good, "a market's texts have their limits");
        good.texts[1 + i] = text;
        *bytes[i] = (uint16_t)text.bytes;
    }
    maker_accept(&m, &good);
    maker_done(&m);
}

TEST(shard_fence, a_fence_names_known_markets_and_statuses)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_fence(&m, 1, MARKET_SUSPENDED_STATUS);
    good.items.fenced[1] = (struct record_fenced){2, MARKET_ACTIVE, HOLD_TRADER, 0};
    good.draft.items_count = 2;
    REFUSES(&m, good, "L4: no money moves here", add_posting(&p));
    REFUSES(&m, good, "the fenced market is unknown", p.items.fenced[1].market = 0);
    REFUSES(&m, good, "the fenced market is unknown", p.items.fenced[1].market = 3);
    REFUSES(&m, good, "no such market status", p.items.fenced[1].status = 0);
    REFUSES(&m, good, "no such market status", p.items.fenced[1].status = 6);
    maker_accept(&m, &good);
    const struct shard_market *one = shard_state_market(m.state, (struct market_ref){1});
    const struct shard_market *two = shard_state_market(m.state, (struct market_ref){2});
    assert_int_equal(shard_market_effective(one), MARKET_SUSPENDED_STATUS);
    assert_int_equal(two->status, MARKET_ACTIVE);
    assert_int_equal(shard_market_effective(two), MARKET_SUSPENDED_STATUS); /* held */
    maker_done(&m);
}

TEST(shard_fence, a_market_with_a_result_does_not_reopen)
{
    struct maker m;
    maker_open(&m);
    struct parts result = parts_result(&m, 1, LEG_WON);
    maker_accept(&m, &result);
    static const uint8_t statuses[] = {MARKET_ACTIVE, MARKET_SUSPENDED_STATUS, MARKET_CLOSED_STATUS,
                                       MARKET_CANCELLED};
    for (size_t i = 0; i < sizeof statuses; i++) {
        struct parts fence = parts_fence(&m, 1, (enum market_status)statuses[i]);
        maker_refuse(&m, &fence, "L7: a market with a result does not reopen");
    }
    struct parts same = parts_fence(&m, 1, MARKET_SETTLED); /* a hold may still come and go */
    maker_accept(&m, &same);
    maker_done(&m);
}

TEST(shard_result, a_result_is_of_a_known_market_and_corrects_the_one_before)
{
    struct maker m;
    maker_open(&m);
    struct parts first = parts_result(&m, 1, LEG_WON);
    REFUSES(&m, first, "the market is unknown", p.body.result.market = 0);
    REFUSES(&m, first, "the market is unknown", p.body.result.market = 3);
    REFUSES(&m, first, "L4: no money moves here", add_posting(&p));
    REFUSES(&m, first, "L7: a result names the one before it", p.body.result.previous_seq = 1);
    first.body.result.result_version = 7;
    maker_accept(&m, &first);
    struct parts second = parts_result(&m, 1, LEG_LOST);
    REFUSES(&m, second, "L7: a result names the one before it", p.body.result.previous_seq = 0);
    REFUSES(&m, second, "L7: result versions rise", p.body.result.result_version = 7);
    REFUSES(&m, second, "L7: result versions rise", p.body.result.result_version = 6);
    maker_accept(&m, &second);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(market->seq_result, second.draft.seq);
    assert_int_equal(market->result_version, 8);
    assert_int_equal(market->status, MARKET_SETTLED);
    maker_done(&m);
}

TEST(shard_result, a_result_speaks_of_every_selection_with_possible_factors)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_result(&m, 1, LEG_WON);
    REFUSES(&m, good, "a result speaks of every selection", p.draft.items_count = 2);
    REFUSES(&m, good, "a result speaks of every selection", p.draft.items_count = 4);
    REFUSES(&m, good, "a result speaks of every selection", p.draft.items_count = 0);
    REFUSES(&m, good, "the factors are impossible", p.items.results[2].win.known = 2);
    REFUSES(&m, good, "the factors are impossible", p.items.results[2].win.won = 2);
    REFUSES(&m, good, "the factors are impossible", p.items.results[2].win.void_halves = 3);
    REFUSES(&m, good, "the factors are impossible", p.items.results[2].win.dead_heat_numerator = 0);
    REFUSES(&m, good, "the factors are impossible", p.items.results[2].win.dead_heat_numerator = 2);
    REFUSES(&m, good, "the factors are impossible",
            p.items.results[2].win.dead_heat_denominator = DEAD_HEAT_TERM_MAX + 1);
    good.items.results[2] = (struct record_selection_result){0}; /* not said yet */
    maker_accept(&m, &good);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 2)->result.win.known,
                     0);
    maker_done(&m);
}

TEST(shard_result, what_is_not_known_has_no_factors)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_result(&m, 1, LEG_WON);
    good.items.results[0] = (struct record_selection_result){0};
    REFUSES(&m, good, "the factors are impossible", p.items.results[0].win.won = 1);
    REFUSES(&m, good, "the factors are impossible", p.items.results[0].win.void_halves = 1);
    REFUSES(&m, good, "the factors are impossible", p.items.results[0].win.dead_heat_numerator = 1);
    REFUSES(&m, good, "the factors are impossible",
            p.items.results[0].win.dead_heat_denominator = 1);
    maker_accept(&m, &good);
    maker_done(&m);
}

static void leave_out(struct parts *parts, size_t selection)
{
    parts->items.results[selection] = (struct record_selection_result){.win.known = RESULT_KEPT};
}

TEST(shard_result, each_selection_keeps_the_word_of_its_highest_version)
{
    struct maker m;
    maker_open(&m);
    struct parts high = parts_result(&m, 1, LEG_WON);
    high.body.result.result_version = 9;
    leave_out(&high, 1);
    leave_out(&high, 2);
    maker_accept(&m, &high);
    struct parts low = parts_result(&m, 1, LEG_LOST);
    low.body.result.result_version = 3;
    REFUSES(&m, low, "L7: result versions rise", );
    leave_out(&low, 0);
    REFUSES(&m, low, "the factors are impossible", p.items.results[0].position = 1);
    REFUSES(&m, low, "L7: result versions rise", leave_out(&p, 1); leave_out(&p, 2));
    maker_accept(&m, &low);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(market->result_version, 9);
    assert_int_equal(market->newest_version, 3);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 0)->result.win.won, 1);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 1)->result_version, 3);
    struct parts all = parts_result(&m, 1, LEG_WON);
    all.body.result.kind = RESULT_ROLLBACK;
    all.body.result.result_version = 5;
    REFUSES(&m, all, "a rollback opens, and nothing else", );
    all.draft.items_count = 0;
    maker_accept(&m, &all);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 0)->result.win.won, 1);
    assert_int_equal(shard_state_selection(m.state, (struct market_ref){1}, 1)->result.win.known,
                     0);
    all.draft.seq++;
    all.body.result.previous_seq = market->seq_result;
    REFUSES(&m, all, "L7: result versions rise", );
    maker_done(&m);
}

TEST(shard_result, who_is_withdrawn_settles_no_market_and_takes_no_bet)
{
    struct maker m;
    maker_open(&m);
    struct parts gone = parts_result(&m, 1, LEG_VOID);
    gone.items.results[1].withdrawn_at_us = m.time_us;
    leave_out(&gone, 0);
    leave_out(&gone, 2);
    maker_accept(&m, &gone);
    const struct shard_market *market = shard_state_market(m.state, (struct market_ref){1});
    assert_int_equal(market->has_result, 0);
    assert_int_equal(market->status, MARKET_SUSPENDED_STATUS);
    struct parts fence = parts_fence(&m, 1, MARKET_ACTIVE);
    maker_accept(&m, &fence);
    struct parts bet = parts_bet(&m, 1, 1, "b"); /* on selection 1 */
    maker_refuse(&m, &bet, "L6: no bet stands on a selection that has a result");
    bet.items.legs[0].selection = 0;
    maker_accept(&m, &bet);
    maker_done(&m);
}
