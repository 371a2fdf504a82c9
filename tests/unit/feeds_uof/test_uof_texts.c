/* test_uof_texts.c - numbers, keys, XML and the joining of lines; what is hostile is refused. */
#include <stdlib.h>

#include "base/error.h"
#include "core/ids.h"
#include "feeds/replay/replay_join.h"
#include "feeds/uof/uof_key.h"
#include "feeds/uof/uof_number.h"
#include "test.h"
#include "uof_ear.h"

TEST(uof_number, prices_are_exact_or_none)
{
    static const struct {
        const char *text;
        uint32_t numerator, denominator;
        bool number;
    } rows[] = {
        {"2.08", 52, 25, true},
        {"1.85e1", 37, 2, true},
        {"12", 12, 1, true},
        {".5", 0, 0, true},
        {"1.0", 0, 0, true},
        {"-2", 0, 0, true},
        {"1.123456789", 1123456789, 0, true}, /* too fine: none */
        {"1E400", 0, 0, true},
        {"100000", 100000, 1, true},
        {"100000.1", 0, 0, true},
        {"NaN", 0, 0, false},
        {"", 0, 0, false},
        {"2,08", 0, 0, false},
        {"1.2.3", 0, 0, false},
        {".", 0, 0, false},
        {"1e", 0, 0, false},
        {" 2", 0, 0, false},
        {"2.080000000000000000000000", 52, 25, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct odds odds = {7, 7};
        assert_int_equal(uof_odds(slice_text(rows[i].text), &odds), rows[i].number);
        if (rows[i].denominator == 0)
            assert_false(odds_present(odds));
        else if (odds.numerator != rows[i].numerator || odds.denominator != rows[i].denominator)
            fail_msg("%s: %u/%u", rows[i].text, odds.numerator, odds.denominator);
    }
}

TEST(uof_number, chances_are_cut_to_billionths)
{
    static const struct {
        const char *text;
        uint32_t billionths;
    } rows[] = {
        {"0.450633", 450633000},
        {"3.5817409504405E-4", 358174},
        {"1", 1000000000},
        {"1.0E0", 1000000000},
        {"0.9999999999", 999999999},
        {"1.0000000001", UINT32_MAX},
        {"-0.1", UINT32_MAX},
        {"-0", 0},
        {"1E-300", 0},
        {"0.0000000000000000000000000001", 0},
        {"1E300", UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t chance = 7;
        assert_true(uof_chance(slice_text(rows[i].text), &chance));
        if (chance != rows[i].billionths)
            fail_msg("%s: %u", rows[i].text, chance);
    }
}

TEST(uof_key, sorts_the_specifiers_by_name)
{
    static const char *const rows[][2] = {
        {"", "e:1/18"},
        {"total=2.5", "e:1/18/total=2.5"},
        {"type=live|goalnr=1", "e:1/18/goalnr=1,type=live"},
        {"score=1:0|hcp=-0.25", "e:1/18/hcp=-0.25,score=1:0"},
        {"v=a,b|c=d", "e:1/18/c=d,v=a,b"},
        {"a=1|a=1", NULL},
        {"a=1=2", NULL},
        {"a", NULL},
        {"a=", NULL},
        {"=1", NULL},
        {"a=x y", NULL},
        {"a,b=1", NULL},
        {"a=1||b=2", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[256];
        struct buf buf = buf_over(memory, sizeof memory);
        bool ok = uof_key_write(&buf, SLICE("e:1"), SLICE("18"), slice_text(rows[i][0]));
        assert_int_equal(ok, rows[i][1] != NULL);
        assert_true(!ok || slice_is(buf_slice(&buf), rows[i][1]));
    }
    assert_true(slice_is(uof_key_id(SLICE("e:1/18/a=1")), "18"));
    assert_true(slice_is(uof_key_id(SLICE("e:1/18")), "18"));
}

TEST(uof_key, too_long_a_one_is_none)
{
    char memory[400], specifier[130] = "a=";
    struct buf buf = buf_over(memory, sizeof memory);
    memset(specifier + 2, 'x', 120);
    assert_false(uof_key_write(&buf, SLICE("e:1"), SLICE("18"), slice_of(specifier, 122)));
}

TEST(uof_xml, what_is_no_document_of_the_feed_has_no_effect)
{
    static const struct {
        const char *line;
        int error;
    } rows[] = {
        {"", -ERR_FORMAT},
        {"x", -ERR_FORMAT},
        {"<alive product='1' timestamp='1' subscribed='1'/>\"", -ERR_FORMAT},
        {"<alive product='1' timestamp='1' subscribed='1'>", -ERR_FORMAT},
        {"<alive product='1' product='1' timestamp='1' subscribed='1'/>", -ERR_FORMAT},
        {"<alive timestamp='1' subscribed='1'/>", -ERR_FORMAT},
        {"<alive product='0' timestamp='1' subscribed='1'/>", -ERR_FORMAT},
        {"<alive product='1' timestamp='invalid' subscribed='1'/>", -ERR_FORMAT},
        {"<alive product='1' timestamp='1' subscribed='2'/>", -ERR_FORMAT},
        {"<alive product='1' timestamp='-1' subscribed='1'/>", -ERR_FORMAT},
        {"<bet_stop product='1' timestamp='1' event_id='e'/>", -ERR_FORMAT},
        {"<bet_stop product='1' timestamp='1' event_id='a b' groups='all'/>", -ERR_FORMAT},
        {"<!DOCTYPE alive><alive product='1' timestamp='1' subscribed='1'/>", -ERR_FORMAT},
        {"<!DOCTYPE a [<!ENTITY x 'yyyy'>]><a b='&x;'/>", -ERR_FORMAT},
        {"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", -ERR_FORMAT},
        {"<a>&x;</a>", -ERR_FORMAT},
        {"<a b='\xff'/>", -ERR_FORMAT},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a>"
         "</a></a></a></a></a></a></a>",
         -ERR_LIMIT},
        {"<bet_settlement product='1' timestamp='1' event_id='e' certainty='3'/>", -ERR_FORMAT},
        {"<bet_settlement product='1' timestamp='1' event_id='e'><outcomes><market id='x'/>"
         "</outcomes></bet_settlement>",
         -ERR_FORMAT},
        {"<bet_settlement product='1' timestamp='1' event_id='e'><outcomes><market id='1'>"
         "<outcome id='1'/></market></outcomes></bet_settlement>",
         -ERR_FORMAT},
        {"<odds_change product='1' timestamp='1' event_id='e'><odds><market id='1'>"
         "<outcome id='1' odds='two'/></market></odds></odds_change>",
         -ERR_FORMAT},
        {"<odds_change product='1' timestamp='1' event_id='e'><sport_event_status status='1'/>"
         "</odds_change>",
         -ERR_FORMAT},
    };
    struct ear *ear = ear_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (ear_hear(ear, rows[i].line) != rows[i].error)
            fail_msg("%s", rows[i].line);
        assert_string_equal(ear_said(ear), "");
    }
    assert_int_equal(ear->source->counts.messages, 0);
    assert_int_equal(ear->source->counts.malformed + ear->source->counts.limits_reached,
                     sizeof rows / sizeof *rows);
    ear_free(ear);
}

TEST(uof_xml, what_it_does_not_know_is_passed_over)
{
    struct ear *ear = ear_new();
    assert_string_equal(
        ear_hears(ear,
                  "\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><!-- odds -->"
                  "<odds_change product='3' event_id='e' timestamp='1' new='1'><market id='9'/>"
                  "<odds_generation_properties expected_totals='2'/><odds><news/>"
                  "<market id='1' name='a &amp; &#98;' extended_specifiers='x=1'>"
                  "<market_metadata next_betstop='5'/><outcome id='a&amp;b' odds='2' team='1'/>"
                  "</market></odds></odds_change>"),
        "lives uof:3; market e/1 uof:3 active a&b=2.00");
    ear_free(ear);
}

TEST(replay_join, a_document_ends_with_the_line_of_its_roots_end)
{
    static const struct {
        const char *line, *document;
    } rows[] = {
        {"<?xml version='1.0'?>", NULL},
        {"<a b='>/>'", NULL},
        {"  c=\"</a>\">", NULL},
        {"<!-- <a> -- > -->", NULL},
        {"<b/><c></c>", NULL},
        {"</a>",
         "<?xml version='1.0'?> <a b='>/>'   c=\"</a>\"> <!-- <a> -- > --> <b/><c></c> </a>"},
        {"<alive/>", "<alive/>"},
        {"<a/>\"", "<a/>\""},
        {"<a>text<b x='1'/></a>", "<a>text<b x='1'/></a>"},
        {"<open>", NULL},
    };
    struct replay_join *join;
    struct slice document;
    assert_int_equal(replay_join_new(&join), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int got = replay_join_line(join, slice_text(rows[i].line), &document);
        assert_int_equal(got, rows[i].document != NULL);
        if (got > 0 && !slice_is(document, rows[i].document))
            fail_msg("%.*s", SLICE_ARG(document));
    }
    assert_true(replay_join_rest(join, &document));
    assert_true(slice_is(document, "<open>"));
    assert_false(replay_join_rest(join, &document));
    replay_join_free(join);
}
