/* test_shards.c - a book of one shard of several takes what is its users' and nothing else
 * (core/user_shard.h). Of two shards "ann" is of the second and "bob" of the first. */
#include "test.h"

#include "book_fixture.h"

#include "base/error.h"

static void second_of_two(struct book_options *options)
{
    options->place = (struct shard_place){1, 2};
}

TEST(shards, a_user_of_another_shard_gets_no_wallet_here)
{
    struct fixture f;
    fixture_begin_tuned(&f, second_of_two);
    uint64_t seq = shard_state_seq(book_state(f.book));
    assert_int_equal(shard_state_shard(book_state(f.book)), 1);
    assert_int_equal(shard_state_shards(book_state(f.book)), 2);
    assert_int_equal(fixture_deposit(&f, "bob", "d1", 1000), REQUEST_ELSEWHERE);
    fixture_turn(&f, 1000);
    assert_int_equal(shard_state_seq(book_state(f.book)), seq);
    assert_int_equal(fixture_deposit(&f, "ann", "d1", 1000), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_available(&f, "ann"), 1000);
    fixture_check(&f);
    fixture_end(&f);
}

TEST(shards, bets_name_their_shard_and_come_back_after_a_start)
{
    struct fixture f;
    fixture_begin_tuned(&f, second_of_two);
    fixture_market(&f, MARKET_ACTIVE, 210, 180);
    fixture_deposit(&f, "ann", "d1", 1000);
    fixture_turn(&f, 1000);
    assert_int_equal(fixture_bet(&f, "k1", "a", 210, 100), REQUEST_TAKEN);
    fixture_turn(&f, 1000);
    assert_int_equal(bet_id_shard((struct bet_id){f.bet_id}), 1);
    fixture_restart(&f);
    assert_int_equal(fixture_available(&f, "ann"), 900);
    fixture_end(&f);
}

/* How many shards there are is said once, in the first record. */
TEST(shards, a_log_of_another_number_of_shards_is_refused_by_name)
{
    static const struct shard_place others[] = {{0, 1}, {0, 2}, {1, 3}};
    struct fixture f;
    fixture_begin_tuned(&f, second_of_two);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct book_options options = BOOK_OPTIONS_DEFAULT;
        const struct book_listener nobody = {.owner = NULL};
        const struct book_ports ports = {
            .log = &f.log.port, .odds_log = &f.odds_log.port, .store = f.store};
        const char *reason = NULL;
        struct book *book = NULL;
        options.limits = *shard_state_limits(book_state(f.book));
        options.place = others[i];
        f.log.shard = others[i].shard; /* files of another shard's name would not be opened */
        assert_int_equal(book_new(&options, &ports, &nobody, &book), 0);
        assert_int_equal(book_start(book, f.wall, f.now, &reason), -ERR_CONFIG);
        assert_non_null(strstr(reason, "--shards"));
        book_free(book);
    }
    fixture_end(&f);
}
