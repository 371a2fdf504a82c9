/* test_uof_results.c - settlements, rollbacks and cancels: what the book is told. */
#include "test.h"
#include "uof_ear.h"

#define ROOT(kind, attributes, ms)                                                                 \
    "<" kind " product='1' event_id='sr:match:1' timestamp='" ms "' " attributes ">"
#define SETTLEMENT(attributes, ms, markets)                                                        \
    ROOT("bet_settlement", attributes, ms) "<outcomes>" markets "</outcomes></bet_settlement>"
#define STATUS(ms, attributes)                                                                     \
    ROOT("odds_change", "", ms) "<sport_event_status " attributes "/></odds_change>"

static struct ear *begin(void)
{
    struct ear *ear = ear_new();
    (void)ear_hears(ear, "<alive product='1' timestamp='1' subscribed='1'/>");
    return ear;
}

TEST(uof_results, every_pair_of_factors_is_a_result)
{
    struct ear *ear = begin();
    assert_string_equal(
        ear_hears(ear,
                  SETTLEMENT("certainty='2'", "100",
                             "<market id='7' void_reason='12'>"
                             "<outcome id='a' result='0' void_factor='0.0'/>"
                             "<outcome id='b' result='1' dead_heat_factor='1.0'/>"
                             "<outcome id='c' result='0' void_factor='1'/>"
                             "<outcome id='d' result='1' void_factor='1.0'/>"
                             "<outcome id='e' result='1' void_factor='0.5'/>"
                             "<outcome id='f' result='0' void_factor='.5'/>"
                             "<outcome id='g' result='1' dead_heat_factor='0.5'/>"
                             "<outcome id='h' result='1' dead_heat_factor='0.3333333333333333'/>"
                             "<outcome id='i' result='-1'/></market>")),
        "result sr:match:1/7 v403 c2 a=LOST (void reason 12) b=WON (void reason 12) "
        "c=VOID (void reason 12) d=VOID (void reason 12) e=HALF_WON (void reason 12) "
        "f=HALF_LOST (void reason 12) g=DEAD_HEAT 1/2 (void reason 12) "
        "h=DEAD_HEAT 1/3 (void reason 12) i=OPEN");
    ear_free(ear);
}

TEST(uof_results, versions_follow_the_providers_clock_and_a_repeat_has_the_same)
{
    static const char *const settled =
        SETTLEMENT("certainty='2'", "100", "<market id='7'><outcome id='1' result='1'/></market>");
    struct ear *ear = begin();
    assert_string_equal(ear_hears(ear, SETTLEMENT("", "100",
                                                  "<market id='7'><outcome id='1' result='0'/>"
                                                  "</market>")),
                        "result sr:match:1/7 v402 c1 1=LOST"); /* no certainty is 1 */
    for (int i = 0; i < 2; i++)
        assert_string_equal(ear_hears(ear, settled), "result sr:match:1/7 v403 c2 1=WON");
    assert_string_equal(ear_hears(ear, ROOT("rollback_bet_settlement", "",
                                            "100") "<market id='7'/></rollback_bet_settlement>"),
                        "rollback sr:match:1/7 v404");
    assert_string_equal(ear_hears(ear, ROOT("rollback_bet_settlement", "",
                                            "101") "<market id='7'><outcome id='1'/></market>"
                                                   "</rollback_bet_settlement>"),
                        "rollback sr:match:1/7 v408 1=OPEN");
    ear_free(ear);
}

TEST(uof_results, what_no_leg_can_have_is_refused_with_its_market_alone)
{
    struct ear *ear = begin();
    assert_string_equal(
        ear_hears(ear, SETTLEMENT("", "100",
                                  "<market id='1'><outcome id='1' result='1' void_factor='.25'/>"
                                  "</market><market id='2'><outcome id='1' result='1' "
                                  "dead_heat_factor='0'/></market><market id='3'/>"
                                  "<market id='4'><outcome id='1' result='1'/>"
                                  "<outcome id='1' result='0'/></market>"
                                  "<market id='5'><outcome id='1' result='1'/></market>")),
        "result sr:match:1/5 v402 c1 1=WON");
    assert_int_equal(ear_counts(ear).results_refused, 4);
    ear_free(ear);
}

TEST(uof_results, a_line_follows_from_the_final_score)
{
    static const char *const two_all = SETTLEMENT(
        "certainty='2'", "200",
        "<market id='18' specifiers='total=4'><outcome id='12' result='0' void_factor='1'/>"
        "<outcome id='13' result='0' void_factor='1'/></market>"
        "<market id='16' specifiers='hcp=-0.25'><outcome id='1714' result='0' void_factor='0.5'/>"
        "<outcome id='1715' result='1' void_factor='0.5'/></market>"
        "<market id='18' specifiers='total=3.5'><outcome id='12' result='0'/></market>");
    struct ear *ear = begin();
    const char *said = ear_hears(ear, two_all); /* no score is known: as it is said */
    assert_non_null(strstr(said, "total=3.5 v803 c2 12=LOST"));
    (void)ear_hears(ear,
                    STATUS("150", "status='3' match_status='100' home_score='2' away_score='2'"));
    assert_string_equal(ear_hears(ear, two_all),
                        "result sr:match:1/18/total=4 v803 c2 2:2 12=VOID 13=VOID; "
                        "result sr:match:1/16/hcp=-0.25 v803 c2 2:2 1714=HALF_LOST 1715=HALF_WON");
    assert_int_equal(ear_counts(ear).against_score, 1);
    assert_string_equal(
        ear_hears(ear, SETTLEMENT("certainty='2'", "201",
                                  "<market id='18' specifiers='total=3.5' void_reason='3'>"
                                  "<outcome id='12' result='0' void_factor='1'/></market>")),
        "result sr:match:1/18/total=3.5 v807 c2 12=VOID (void reason 3)");
    ear_free(ear);
}

TEST(uof_results, a_score_after_extra_time_settles_no_line)
{
    struct ear *ear = begin();
    (void)ear_hears(ear,
                    STATUS("150", "status='3' match_status='110' home_score='3' away_score='2'"));
    assert_string_equal(ear_hears(ear, SETTLEMENT("certainty='2'", "200",
                                                  "<market id='18' specifiers='total=4.5'>"
                                                  "<outcome id='12' result='0'/></market>")),
                        "result sr:match:1/18/total=4.5 v803 c2 12=LOST");
    ear_free(ear);
}

TEST(uof_results, a_cancels_window_includes_both_of_its_ends)
{
    static const struct {
        const char *line, *said;
    } rows[] = {
        {ROOT("bet_cancel", "start_time='5' end_time='7'", "100") "<market id='1'/></bet_cancel>",
         "cancel sr:match:1/1 v401 5000..8000"},
        {ROOT("bet_cancel", "start_time='5'", "100") "<market id='1'/></bet_cancel>",
         "cancel sr:match:1/1 v401 5000..253402300799999999"},
        {ROOT("bet_cancel", "end_time='7'", "100") "<market id='1'/></bet_cancel>",
         "cancel sr:match:1/1 v401 0..8000"},
        {ROOT("bet_cancel", "superceded_by='sr:season:2'", "100") "<market id='1'/></bet_cancel>",
         "cancel sr:match:1/1 v401 0..253402300799999999"},
        {ROOT("rollback_bet_cancel", "start_time='5' end_time='7'",
              "100") "<market id='1'/></rollback_bet_cancel>",
         "uncancel sr:match:1/1 v404 5000..8000"},
        {ROOT("bet_cancel", "start_time='8' end_time='7'", "100") "<market id='1'/></bet_cancel>",
         ""},
        {ROOT("bet_cancel", "", "100") "</bet_cancel>", ""}, /* never all markets */
        {ROOT("bet_cancel", "", "100") "<market id='1'><outcome id='4'/></market></bet_cancel>",
         ""},
    };
    struct ear *ear = begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(ear_hears(ear, rows[i].line), rows[i].said);
    assert_int_equal(ear_counts(ear).empty_words, 1);
    assert_int_equal(ear_counts(ear).outcome_cancels, 1);
    assert_int_equal(ear_counts(ear).results_refused, 1);
    ear_free(ear);
}
