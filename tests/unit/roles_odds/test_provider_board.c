/* test_provider_board.c - roles/odds/provider_board.h. */
#include "test.h"

#include "roles/odds/odds_service.h"
#include "roles/odds/provider_board.h"

#define LIMIT_US 1000

#define ENDED INT64_MIN

static struct provider_board board_of_one(int64_t heard_us, int64_t holds_till_us)
{
    struct provider_board board = {.count = 0};
    provider_board_show(&board, SLICE("betfair"), heard_us, holds_till_us);
    return board;
}

TEST(provider_board, knows_no_provider_that_was_not_shown)
{
    struct provider_board board = board_of_one(100, 100 + LIMIT_US);
    assert_int_equal(provider_board_silence_us(&board, SLICE("other"), 100), ODDS_PROVIDER_UNKNOWN);
}

TEST(provider_board, a_lease_holds_up_to_the_limit_and_not_beyond)
{
    struct provider_board board = board_of_one(100, 100 + LIMIT_US);
    assert_int_equal(provider_board_silence_us(&board, SLICE("betfair"), 100 + LIMIT_US),
                     ODDS_PROVIDER_ALIVE);
    assert_int_equal(provider_board_silence_us(&board, SLICE("betfair"), 101 + LIMIT_US),
                     LIMIT_US + 1);
    provider_board_show(&board, SLICE("betfair"), 5000, 5000 + LIMIT_US);
    assert_int_equal(provider_board_silence_us(&board, SLICE("betfair"), 5001),
                     ODDS_PROVIDER_ALIVE);
}

/* Its own word, or that another process takes over; and clocks of two loops are a turn apart. */
TEST(provider_board, a_lease_that_was_shown_as_ended_does_not_hold)
{
    struct provider_board board = board_of_one(100, ENDED);
    assert_int_equal(provider_board_silence_us(&board, SLICE("betfair"), 150), 50);
    assert_int_equal(provider_board_silence_us(&board, SLICE("betfair"), 90), 0);
}

TEST(provider_board, has_room_for_as_many_as_there_are_leases)
{
    struct provider_board board = {.count = 0};
    char name[2] = "!";
    for (int i = 0; i < PROVIDER_BOARD_ROWS + 1; i++, name[0]++)
        provider_board_show(&board, slice_text(name), 100, 100 + LIMIT_US);
    name[0]--;
    assert_int_equal(provider_board_silence_us(&board, slice_text(name), 100),
                     ODDS_PROVIDER_UNKNOWN);
    name[0]--;
    assert_int_equal(provider_board_silence_us(&board, slice_text(name), 100), ODDS_PROVIDER_ALIVE);
}
