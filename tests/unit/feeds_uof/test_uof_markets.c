/* test_uof_markets.c - odds changes, bet stops, fixtures and producers: what the book is shown. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "test.h"
#include "uof_ear.h"

#define ALIVE(product, ms, subscribed)                                                             \
    "<alive product='" product "' timestamp='" ms "' subscribed='" subscribed "'/>"
#define ODDS(product, ms, more)                                                                    \
    "<odds_change product='" product "' event_id='sr:match:1' timestamp='" ms "'>" more            \
    "</odds_change>"
#define MARKET(attributes, outcomes) "<odds><market " attributes ">" outcomes "</market></odds>"
#define TWO                          "<outcome id='1' odds='2.08'/><outcome id='2' odds='1.75'/>"

static struct ear *begin(void)
{
    struct ear *ear = ear_new();
    assert_string_equal(ear_hears(ear, ALIVE("1", "1000", "1")), "lives uof:1; lives uof:1");
    assert_string_equal(ear_hears(ear, ODDS("1", "2000", MARKET("id='1' status='1'", TWO))),
                        "market sr:match:1/1 uof:1 active live 5000 1=2.08 2=1.75");
    return ear;
}

TEST(uof_markets, a_named_markets_outcomes_are_whole_and_others_stay)
{
    struct ear *ear = begin();
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2001", MARKET("id='2' specifiers='b=2|a=1'", TWO))),
        "market sr:match:1/2/a=1,b=2 uof:1 active live 5000 1=2.08 2=1.75");
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2002",
                            MARKET("id='1'", "<outcome id='3' odds='3'/>"
                                             "<outcome id='1' odds='2.1' active='0'/>"
                                             "<outcome id='4'/>"))),
        "market sr:match:1/1 uof:1 active live 5000 3=3.00 1=- 4=-");
    ear_free(ear);
}

TEST(uof_markets, each_status_is_shown_as_the_feed_means_it)
{
    static const char *const rows[][2] = {
        {"0", "suspended"},  {"-1", "suspended"}, {"-2", "suspended"}, {"-3", "closed"},
        {"-4", "cancelled"}, {"7", "suspended"},  {"1", "active"},
    };
    struct ear *ear = begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[512], said[256];
        bool open = strcmp(rows[i][0], "1") == 0;
        (void)snprintf(line, sizeof line,
                       ODDS("1", "2001", "<odds><market id='1' status='%s'>%s</market></odds>"),
                       rows[i][0], open ? TWO : "");
        (void)snprintf(said, sizeof said, "market sr:match:1/1 uof:1 %s live 5000 1=2.08 2=1.75",
                       rows[i][1]);
        assert_string_equal(ear_hears(ear, line), said);
    }
    ear_free(ear);
}

TEST(uof_markets, prices_and_chances_are_exact)
{
    struct ear *ear = begin();
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2001",
                            MARKET("id='1'",
                                   "<outcome id='1' odds='1.0101' probabilities='3.5817409E-4'/>"
                                   "<outcome id='2' odds='1' probabilities='0.4506330009'/>"
                                   "<outcome id='3' odds='4.2' win_probabilities='0.2' "
                                   "half_win_probabilities='0.1' refund_probabilities='.05' "
                                   "half_lose_probabilities='1E-9'/>"
                                   "<outcome id='4' odds='4.2' win_probabilities='0.9' "
                                   "refund_probabilities='0.2'/>"
                                   "<outcome id='5' odds='4.2' probabilities='1.5'/>"))),
        "market sr:match:1/1 uof:1 active live 5000 1=1.0101 (358174) 2=- (450633000) "
        "3=4.20 (200000000 100000000 50000000 1) 4=4.20 5=4.20");
    assert_int_equal(ear_counts(ear).prices_refused, 1);
    assert_int_equal(ear_counts(ear).chances_refused, 2);
    ear_free(ear);
}

TEST(uof_markets, the_events_status_is_shown_in_all_its_markets)
{
    struct ear *ear = begin();
    (void)ear_hears(ear, ODDS("1", "2001", MARKET("id='2'", TWO)));
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2002",
                            "<sport_event_status status='1' match_status='6' home_score='1.0' "
                            "away_score='0'><statistics><yellow_cards home='3' away='3'/>"
                            "<red_cards home='1' away='0'/><yellow_red_cards home='1' away='1'/>"
                            "</statistics></sport_event_status>")),
        "market sr:match:1/2 uof:1 active live 5000 1:0 red 2:1 1=2.08 2=1.75; "
        "market sr:match:1/1 uof:1 active live 5000 1:0 red 2:1 1=2.08 2=1.75");
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2003", "<sport_event_status status='1' match_status='6'/>")),
        ""); /* what it does not say stays */
    const char *said =
        ear_hears(ear, ODDS("1", "2004", "<sport_event_status status='3' match_status='100'/>"));
    assert_non_null(strstr(said, "sr:match:1/1 uof:1 suspended 1:0")); /* it is over */
    ear_free(ear);
}

TEST(uof_markets, what_just_reopened_stays_shut_until_the_feed_is_sure)
{
    struct ear *ear = begin();
    assert_string_equal(
        ear_hears(ear, ODDS("1", "2001",
                            "<odds betting_status='1'><market id='2'>" TWO "</market></odds>")),
        "market sr:match:1/1 uof:1 suspended live 5000 1=2.08 2=1.75; "
        "market sr:match:1/2 uof:1 suspended live 5000 1=2.08 2=1.75");
    assert_string_equal(ear_hears(ear, ODDS("1", "2002", "<odds/>")),
                        "market sr:match:1/2 uof:1 active live 5000 1=2.08 2=1.75; "
                        "market sr:match:1/1 uof:1 active live 5000 1=2.08 2=1.75");
    ear_free(ear);
}

TEST(uof_markets, a_bet_stop_closes_what_is_open_and_an_odds_change_opens_it)
{
    struct ear *ear = begin();
    (void)ear_hears(ear, ODDS("1", "2001", MARKET("id='2' status='-3'", "")));
    assert_string_equal(ear_hears(ear, "<bet_stop product='1' event_id='sr:match:1' "
                                       "timestamp='2005' groups='10_min|180s'/>"),
                        "market sr:match:1/1 uof:1 suspended live 5000 1=2.08 2=1.75");
    assert_string_equal(ear_hears(ear, ODDS("1", "2004", MARKET("id='1'", TWO))), "");
    assert_int_equal(ear_counts(ear).old, 1); /* generated before the stop */
    assert_string_equal(ear_hears(ear, ODDS("1", "2006", MARKET("id='1'", TWO))),
                        "market sr:match:1/1 uof:1 active live 5000 1=2.08 2=1.75");
    assert_int_equal(ear_counts(ear).stopped, 1);
    ear_free(ear);
}

TEST(uof_markets, a_market_belongs_to_who_last_sent_its_odds)
{
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, ODDS("3", "2001", MARKET("id='1' status='-2'", ""))),
                        "lives uof:3");
    assert_string_equal(ear_hears(ear, "<bet_stop product='3' event_id='sr:match:1' "
                                       "timestamp='2002' groups='all'/>"),
                        "");
    assert_int_equal(ear_counts(ear).not_owned, 1);
    assert_string_equal(ear_hears(ear, ODDS("3", "1999", MARKET("id='1'", TWO))), "");
    assert_string_equal(ear_hears(ear, ODDS("3", "2003", MARKET("id='1'", TWO))),
                        "market sr:match:1/1 uof:3 active 1=2.08 2=1.75");
    assert_string_equal(ear_hears(ear, ODDS("3", "2004", MARKET("id='1' status='-2'", ""))),
                        "market sr:match:1/1 uof:3 suspended 1=2.08 2=1.75");
    ear_free(ear);
}

TEST(uof_markets, what_a_recovery_brings_is_believed_though_it_is_older)
{
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, ODDS("1", "1500", MARKET("id='1' status='-1'", ""))), "");
    assert_string_equal(
        ear_hears(ear, ODDS("1", "1500' request_id='7", MARKET("id='1' status='-1'", ""))),
        "market sr:match:1/1 uof:1 suspended live 5000 1=2.08 2=1.75");
    ear_free(ear);
}

TEST(uof_markets, a_producer_that_lost_us_is_late_until_its_recovery_is_complete)
{
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, ALIVE("1", "11000", "0")), "late uof:1; lives uof:1");
    assert_string_equal(ear_hears(ear, "<snapshot_complete product='1' timestamp='11500' "
                                       "request_id='4'/>"),
                        ""); /* its last word is still that it lost us */
    assert_string_equal(ear_hears(ear, ALIVE("1", "21000", "1")), "lives uof:1");
    assert_string_equal(
        ear_hears(ear, "<snapshot_complete product='1' timestamp='22000' request_id='5'/>"),
        "good uof:1");
    assert_string_equal(ear_hears(ear, ALIVE("1", "41001", "1")), "late uof:1; lives uof:1");
    assert_string_equal(ear_hears(ear, ALIVE("1", "30000", "0")), ""); /* overtaken */
    ear_free(ear);
}

TEST(uof_markets, a_lost_link_takes_all_producers_down)
{
    struct ear *ear = begin();
    (void)ear_hears(ear, ALIVE("3", "1000", "1"));
    ear->source->ops->reset(ear->source);
    assert_string_equal(ear_said(ear), "late uof:1; late uof:3");
    ear_free(ear);
}

TEST(uof_markets, heartbeats_are_of_who_brings_the_messages)
{
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, "<heartbeat/>"), "");
    assert_string_equal(ear_hears(ear, "<heartbeat replay='1'/>"), "lives uof:1");
    assert_string_equal(ear_hears(ear, "<product_down product='1'/>"), "");
    assert_int_equal(ear_counts(ear).heartbeats, 2);
    assert_int_equal(ear_counts(ear).others, 1);
    ear_free(ear);
}

TEST(uof_markets, a_fixture_change_moves_the_start)
{
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, "<fixture_change product='1' event_id='sr:match:1' "
                                       "timestamp='2001' start_time='99000' change_type='2'/>"),
                        "market sr:match:1/1 uof:1 active live 5000 from 99000 1=2.08 2=1.75");
    assert_string_equal(ear_hears(ear, "<fixture_change product='1' event_id='sr:match:1' "
                                       "timestamp='2001' change_type='5'/>"),
                        "");
    ear_free(ear);
}

TEST(uof_markets, a_market_with_more_outcomes_than_are_known_is_suspended)
{
    struct ear *ear = begin();
    char *line = malloc(1 << 16);
    struct buf text = buf_over(line, 1 << 16);
    buf_put_text(&text, "<odds_change product='1' event_id='sr:match:1' timestamp='3000'><odds>"
                        "<market id='9'>");
    for (int i = 0; i < 513; i++)
        buf_printf(&text, "<outcome id='%d' odds='2'/>", i);
    buf_put_text(&text, "</market></odds></odds_change>");
    buf_put_char(&text, '\0');
    const char *said = ear_hears(ear, line);
    assert_non_null(strstr(said, "market sr:match:1/9 uof:1 suspended live 5000 0=2.00"));
    assert_null(strstr(said, " 512="));
    assert_int_equal(ear->source->counts.limits_reached, 1);
    free(line);
    ear_free(ear);
}

TEST(uof_markets, the_event_heard_of_longest_ago_gives_way_unless_it_is_open)
{
    struct ear *ear = begin(); /* event 1 is open */
    char line[512];
    for (int event = 2; event <= 5; event++) {
        (void)snprintf(line, sizeof line,
                       "<odds_change product='1' event_id='sr:match:%d' timestamp='2000'>"
                       "<odds><market id='1' status='-1'>" TWO "</market></odds></odds_change>",
                       event);
        const char *said = ear_hears(ear, line);
        assert_int_equal(strstr(said, "removed") != NULL, event > 3);
        if (event == 4)
            assert_non_null(strstr(said, "removed sr:match:2/1 uof:1; market sr:match:4/1"));
    }
    assert_int_equal(ear_counts(ear).markets_evicted, 2);
    ear_free(ear);
}

TEST(uof_markets, what_there_is_no_room_for_is_counted)
{
    struct ear *ear = begin();
    char line[512];
    for (int market = 2; market <= EAR_MARKETS_MAX + 1; market++) {
        (void)snprintf(line, sizeof line,
                       ODDS("1", "2001", "<odds><market id='%d'>" TWO "</market></odds>"), market);
        assert_int_equal(ear_hear(ear, line), 0);
    }
    assert_int_equal(ear_counts(ear).markets, EAR_MARKETS_MAX);
    assert_int_equal(ear->source->counts.limits_reached, 1);
    for (int product = 2; product <= 33; product++) {
        (void)snprintf(line, sizeof line, "<alive product='%d' timestamp='1' subscribed='1'/>",
                       product);
        assert_int_equal(ear_hear(ear, line), product <= 32 ? 0 : -ERR_LIMIT);
    }
    ear_free(ear);
}
