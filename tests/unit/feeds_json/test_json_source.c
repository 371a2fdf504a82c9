/* test_json_source.c - what the JSON feed says, line by line (with ' for "), and what it refuses.
 */
#include "feeds/json_lines/json_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/market.h"
#include "json_ear.h"
#include "test.h"

static struct json_ear ear;

static struct feed_source *new_source(void)
{
    json_ear_init(&ear);
    struct feed_source *source = json_source_new(&ear.sink);
    assert_non_null(source);
    return source;
}

/* A line in which ' stands for "; what was said of it is in `ear`. */
static int feed(struct feed_source *source, const char *line)
{
    size_t bytes = strlen(line);
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    for (size_t i = 0; i <= bytes; i++)
        text[i] = line[i] == '\'' ? '"' : line[i];
    ear.said.bytes = 0;
    int result = source->ops->message(source, slice_of(text, bytes));
    free(text);
    json_source_check(source);
    return result;
}

struct row {
    const char *line, *said;
};

static void tell_all(const struct row *rows, size_t count)
{
    struct feed_source *source = new_source();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(feed(source, rows[i].line), 0);
        struct slice said = buf_slice(&ear.said);
        if (!slice_is(said, rows[i].said))
            fail_msg("%s\n  said     %.*s\n  expected %s", rows[i].line, SLICE_ARG(said),
                     rows[i].said);
    }
    assert_int_equal(source->counts.messages, count);
    assert_int_equal(source->counts.malformed, 0);
    source->ops->free(source);
}
#define TELL(rows) tell_all(rows, sizeof(rows) / sizeof(rows)[0])

#define MARKET(more) "{'op':'market','market_id':'m','event_id':'e','status':'active'," more "}"
#define PLAIN        "market m of e (e) other other 'm' "
#define NOTHING      " delay 0 version 0 at 0 start 0 winners 0 by json:"

TEST(json_feed, an_image_says_all_of_a_market)
{
    static const struct row rows[] = {
        {"{'op':'market','provider':'club','ts':'1970-01-01T00:00:01.5Z','market_id':'m1',"
         "'event_id':'e1','event_name':'Home v Away','sport':'football','name':'To win',"
         "'kind':'1x2','status':'active','in_play':true,'bet_delay_ms':3000,'version':7,"
         "'start_time':'1970-01-01T00:00:02Z','winners':1,'score':[1,0],'red_cards':[0,1],"
         "'selections':[{'id':'h','name':'Home','odds':2.10},"
         "{'id':'a','name':'Away','odds':1.62,'odds_exact':'21/13'},"
         "{'id':'d','status':'suspended','odds':3.5},{'id':'x','status':'removed'}]}",
         "alive club; market m1 of e1 (Home v Away) football 1x2 'To win' active in-play 1-0 cards "
         "0-1 delay 3000000 version 7 at 1500000 start 2000000 winners 1 by club: h(Home)=21/10 "
         "a(Away)=21/13 d(d)=suspended x(x)=removed"},
        {MARKET("'selections':[]"), "alive json; " PLAIN "active" NOTHING},
        {MARKET("'selections':[{'id':'h'}],'new':{'a':[1,null]},'name':null"),
         "alive json; " PLAIN "active" NOTHING " h(h)=suspended"},
        {MARKET("'place_terms':{'places':3,'numerator':1,'denominator':5},'each_way_only':true,"
                "'ante_post':true,'selections':[]"),
         "alive json; " PLAIN "active 3 places 1/5 only delay 0 version 0 at 0 start 0 winners 0 "
         "ante-post by json:"},
        {MARKET("'selections':[{'id':'o','odds':2,'chances':{'win':0.47,'refund':0.05}}]"),
         "alive json; " PLAIN "active" NOTHING " o(o)=2/1~470000000/0/50000000/0"},
        {MARKET("'selections':[{'id':'\\u0041\\n','name':'\\'q\\'','odds':2}]"),
         "alive json; " PLAIN "active" NOTHING " A\n(\"q\")=2/1"},
    };
    TELL(rows);
}

TEST(json_feed, results_and_their_corrections)
{
    static const struct row rows[] = {
        {"{'op':'result','market_id':'m','result_version':3,'certainty':2,'score':[2,1],"
         "'selections':[{'selection_id':'h','result':'WON','reason':'2-1'},"
         "{'selection_id':'a','result':'HALF_LOST'},{'selection_id':'d','result':'VOID',"
         "'withdrawn_at':'1970-01-01T00:00:03Z'},{'selection_id':'o','result':'OPEN'},"
         "{'selection_id':'t','result':'WON','dead_heat':[1,2],'position':1,'tied':2}]}",
         "alive json; set m v3 certainty 2 by json score 2-1 h=WON (2-1) a=HALF_LOST d=VOID left "
         "3000000 o=OPEN t=DEAD_HEAT 1/2 place 1 of 2"},
        {"{'op':'rollback','market_id':'m','result_version':3}",
         "alive json; rollback m v3 certainty 0 by json"},
        {"{'op':'rollback','market_id':'m','result_version':4,'selections':[{'selection_id':'h',"
         "'result':'OPEN'}]}",
         "alive json; rollback m v4 certainty 0 by json h=OPEN"},
        {"{'op':'cancel','market_id':'m','result_version':5,'void_from':'1970-01-01T00:00:01Z',"
         "'void_until':'1970-01-01T00:00:02Z'}",
         "alive json; cancel m v5 certainty 0 by json 1000000..2000000"},
        {"{'op':'undo_cancel','market_id':'m','result_version':5,'void_from':"
         "'1970-01-01T00:00:01Z','void_until':'1970-01-01T00:00:02Z'}",
         "alive json; undo m v5 certainty 0 by json 1000000..2000000"},
    };
    TELL(rows);
}

TEST(json_feed, signs_of_life)
{
    static const struct row rows[] = {
        {"{'op':'heartbeat'}", "alive json"},
        {"{'op':'heartbeat','provider':'a'}", "alive a"},
        {"{'op':'heartbeat'}", "alive json; alive a"},
        {"{'op':'late','provider':'a','late':true}", "alive a; a late"},
        {"{'op':'late','late':false,'provider':'a'}", "alive a; a good"},
        {"{'op':'removed','market_id':'m'}", "alive json; removed m by json"},
        {"{'op':'of a later version','provider':'a','detail':7e9}", "alive a"},
    };
    TELL(rows);
}

/* Nobody is told anything, and the next line is taken. */
TEST(json_feed, a_line_that_is_wrong_has_no_effect)
{
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "{'op':'heartbeat'} {}",
        "{'op':'heartbeat'",
        "{'op':7}",
        "{'op':'heartbeat','op':'heartbeat'}",
        "{'op':'heartbeat','provider':''}",
        "{'op':'heartbeat','provider':'123456789012345678901234567890123'}",
        "{'op':'late'}",
        "{'op':'late','late':1}",
        "{'op':'removed'}",
        "{'op':'removed','market_id':''}",
        "{'op':'market','market_id':'m','status':'active','selections':[]}",
        "{'op':'market','market_id':'m','event_id':'e','selections':[]}",
        "{'op':'market','market_id':'m','event_id':'e','status':'active'}",
        "{'op':'market','market_id':'m','event_id':'e','status':'settled','selections':[]}",
        "{'op':'market','market_id':'m','event_id':'e','status':'open','selections':[]}",
        MARKET("'selections':[{}]"),
        MARKET("'selections':[7]"),
        MARKET("'selections':[{'id':''}]"),
        MARKET("'selections':[{'id':'h','odds':1}]"),
        MARKET("'selections':[{'id':'h','odds':'2.0'}]"),
        MARKET("'selections':[{'id':'h','odds':2.00001}]"),
        MARKET("'selections':[{'id':'h','odds_exact':'13/21'}]"),
        MARKET("'selections':[{'id':'h','status':'active'}]"),
        MARKET("'selections':[{'id':'h','status':'won'}]"),
        MARKET("'selections':[{'id':'h'},{'id':'h'}]"),
        MARKET("'selections':[{'id':'h','chances':{'win':0.6,'refund':0.5}}]"),
        MARKET("'selections':[{'id':'h','chances':{'win':-0.1}}]"),
        MARKET("'selections':[{'id':'h','chances':{'win':0.1234567891}}]"),
        MARKET("'selections':[],'bet_delay_ms':-1"),
        MARKET("'selections':[],'bet_delay_ms':60001"),
        MARKET("'selections':[],'version':1.5"),
        MARKET("'selections':[],'winners':256"),
        MARKET("'selections':[],'score':[1]"),
        MARKET("'selections':[],'score':[1,2,3]"),
        MARKET("'selections':[],'score':[1,-2]"),
        MARKET("'selections':[],'ts':'yesterday'"),
        MARKET("'selections':[],'place_terms':{'places':3}"),
        MARKET("'selections':[],'each_way_only':true"),
        "{'op':'result','market_id':'m','selections':[{'selection_id':'h','result':'WON'}]}",
        "{'op':'result','market_id':'m','result_version':0,'selections':[{'selection_id':'h',"
        "'result':'WON'}]}",
        "{'op':'result','market_id':'m','result_version':1}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h'}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'won'}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'WON','dead_heat':[3,2]}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'WON','dead_heat':[0,2]}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'WON','tied':2}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'LOST','withdrawn_at':'1970-01-01T00:00:03Z'}]}",
        "{'op':'result','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'WON'},{'selection_id':'h','result':'LOST'}]}",
        "{'op':'result','market_id':'m','result_version':1,'certainty':3,'selections':"
        "[{'selection_id':'h','result':'WON'}]}",
        "{'op':'rollback','market_id':'m','result_version':1,'selections':[{'selection_id':'h',"
        "'result':'WON'}]}",
        "{'op':'cancel','market_id':'m','result_version':1}",
        "{'op':'cancel','market_id':'m','result_version':1,'void_from':'1970-01-01T00:00:02Z',"
        "'void_until':'1970-01-01T00:00:02Z'}",
    };
    struct feed_source *source = new_source();
    const size_t count = sizeof lines / sizeof *lines;
    for (size_t i = 0; i < count; i++) {
        int error = feed(source, lines[i]);
        if (error != -ERR_FORMAT || ear.said.bytes > 0)
            fail_msg("%s: %d, said %.*s", lines[i], error, SLICE_ARG(buf_slice(&ear.said)));
    }
    assert_int_equal(source->counts.malformed, count);
    assert_int_equal(source->counts.messages, 0);
    assert_int_equal(feed(source, "{'op':'heartbeat'}"), 0);
    source->ops->free(source);
}

static void put_selections(struct buf *out, int count)
{
    buf_put_text(out, "{'op':'market','market_id':'m','event_id':'e','status':'active',"
                      "'selections':[");
    for (int i = 0; i < count; i++)
        buf_printf(out, "%s{'id':'%d','odds':2}", i == 0 ? "" : ",", i);
    buf_put_text(out, "]}");
    buf_put_slice(out, slice_of("", 1));
}

TEST(json_feed, has_its_limits)
{
    static char memory[64 * 1024];
    struct feed_source *source = new_source();
    struct buf line = buf_over(memory, sizeof memory);
    put_selections(&line, SELECTIONS_MAX);
    ear.said = buf_over(NULL, 0); /* not looked at */
    assert_int_equal(feed(source, memory), 0);
    line.bytes = 0;
    put_selections(&line, SELECTIONS_MAX + 1);
    assert_int_equal(feed(source, memory), -ERR_LIMIT);
    json_ear_init(&ear);
    for (int i = 1; i < JSON_FEED_PROVIDERS_MAX; i++) { /* "json" was met */
        (void)snprintf(memory, sizeof memory, "{'op':'heartbeat','provider':'p%d'}", i);
        assert_int_equal(feed(source, memory), 0);
    }
    assert_int_equal(feed(source, "{'op':'heartbeat','provider':'one more'}"), -ERR_LIMIT);
    assert_int_equal(feed(source, "{'op':'heartbeat','provider':'p3'}"), 0);
    assert_int_equal(source->counts.limits_reached, 2);
    source->ops->free(source);
}

TEST(json_feed, a_line_that_is_too_long_is_not_read)
{
    struct feed_source *source = new_source();
    size_t bytes = JSON_FEED_LINE_BYTES_MAX + 1;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, ' ', bytes);
    assert_int_equal(source->ops->message(source, slice_of(text, bytes)), -ERR_LIMIT);
    free(text);
    source->ops->reset(source); /* changes nothing */
    assert_int_equal(ear.said.bytes, 0);
    source->ops->free(source);
}
