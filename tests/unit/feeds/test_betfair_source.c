/* test_betfair_source.c - every trap of FORMATS part 1 as a short conversation: the lines (with '
 * for ") and what the sink was told of them. The margin is 0, so the prices are the exchange's. */
#include "feeds/betfair_stream/betfair_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "book_sink.h"
#include "feeds/betfair_stream/mcm_message.h"
#include "test.h"

#define LINES_MAX 8

struct step {
    const char *line; /* NULL: reset */
    const char *said;
};

struct story {
    const char *name;
    struct step steps[LINES_MAX];
};

#define MC(changes)      "{'op':'mcm','pt':1000,'mc':[" changes "]}"
#define SUB(id, changes) "{'op':'mcm','id':" id ",'pt':1000,'mc':[" changes "]}"
#define IMAGE(id, more, changes)                                                                   \
    "{'op':'mcm','id':" id ",'ct':'SUB_IMAGE'," more "'pt':1000,'mc':[" changes "]}"
#define DEF_OF(kind, event, status, version, more, runners)                                        \
    "'marketDefinition':{'bettingType':" kind ",'eventId':" event ",'eventTypeId':'1','status':"   \
    "'" status "','version':" version "," more "'runners':[" runners "]}"
#define DEF(status, more, runners)                                                                 \
    DEF_OF("'ODDS','marketType':'MATCH_ODDS'", "'9'", status, "10", more, runners)
#define RUN(id, priority, status) "{'id':" id ",'sortPriority':" priority ",'status':'" status "'}"
#define BOTH                      RUN("1", "1", "ACTIVE") "," RUN("2", "2", "ACTIVE")
#define WON                       RUN("1", "1", "WINNER") "," RUN("2", "2", "LOSER")
#define LOST                      RUN("1", "1", "LOSER") "," RUN("2", "2", "WINNER")
#define OPEN                      "{'id':'1.1'," DEF("OPEN", "", BOTH) "}"
#define PRICED                                                                                     \
    "{'id':'1.1'," DEF("OPEN", "", BOTH) ",'rc':[{'id':1,'atb':[[2,5]]},{'id':2,'atb':[[3,5]]}]}"
#define RC(changes) "{'id':'1.1','rc':[" changes "]}"
#define SETTLED(status, ms, runners)                                                               \
    "{'id':'1.1'," DEF(status, "'settledTime':'1970-01-01T00:00:0" ms "Z',", runners) "}"

static struct feed_source *new_source(struct book_sink *book, struct betfair_options options)
{
    struct feed_source *source = betfair_source_new(&options, &book->sink);
    assert_non_null(source);
    book->tracing = true;
    return source;
}

static struct betfair_options plain_options(void)
{
    struct betfair_options options = betfair_options_default();
    options.margin.margin_permyriad = 0;
    options.markets_max = 64;
    options.runners_max = 2048;
    options.ladder_points_max = 1u << 16;
    return options;
}

/* Feeds a line in which ' stands for ". */
static int feed(struct feed_source *source, const char *line)
{
    size_t bytes = strlen(line);
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    for (size_t i = 0; i <= bytes; i++)
        text[i] = line[i] == '\'' ? '"' : line[i];
    int result = source->ops->message(source, slice_of(text, bytes));
    free(text);
    betfair_source_check(source);
    return result;
}

static void tell(const struct story *story, struct betfair_options options)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, options);
    for (size_t i = 0; i < LINES_MAX && story->steps[i].said != NULL; i++) {
        if (story->steps[i].line == NULL)
            source->ops->reset(source);
        else
            assert_int_equal(feed(source, story->steps[i].line), 0);
        const char *said = book_sink_said(book);
        if (strcmp(said, story->steps[i].said) != 0)
            fail_msg("%s, step %zu:\n  said     %s\n  expected %s", story->name, i + 1, said,
                     story->steps[i].said);
    }
    source->ops->free(source);
    book_sink_free(book);
}

static void tell_all(const struct story *stories, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tell(&stories[i], plain_options());
}

#define TELL(stories) tell_all(stories, sizeof(stories) / sizeof((stories)[0]))

TEST(betfair_ladders, follow_the_rules_of_formats_1_4)
{
    static const struct story stories[] = {
        {"rows come in any order and the highest back price is the best",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'atb':[[1.5,2],[2.02,1],[1.01,9]]}")),
           "market 1.1 active 1=2.02 2=suspended"}}},
        {"size 0 removes the price",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[1.9,5]]}")), ""},
          {MC(RC("{'id':1,'atb':[[2,0]]}")), "market 1.1 active 1=1.90 2=3.00"},
          {MC(RC("{'id':1,'atb':[[1.90,0.0]]}")), "market 1.1 active 1=suspended 2=3.00"}}},
        {"removing what is not there does nothing",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[4,0]],'batb':[[0,0,0],[1,0,0],[9,0,0]]}")), ""}}},
        {"an absent, an empty and a null ladder are unchanged",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[],'batb':[],'atl':null},{'id':2}")), ""}}},
        {"a size below a cent is not a removal",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[2,0.001]]}")), ""}}},
        {"5 and 5.0 are one price",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1.0,'atb':[[2.0,0]]}")), "market 1.1 active 1=suspended 2=3.00"}}},
        {"level 0 is the best of a level ladder, and a level is rewritten in place",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'batb':[[1,1.9,5],[0,2,5]],'batl':[[0,2.1,5]]}")),
           "market 1.1 active 1=2.00 2=suspended"},
          {MC(RC("{'id':1,'batb':[[0,1.9,5],[1,0,0]]}")), "market 1.1 active 1=1.90 2=suspended"},
          {MC(RC("{'id':1,'batb':[[0,0,0],[1,0,0],[2,0,0]]}")),
           "market 1.1 active 1=suspended 2=suspended"}}},
        {"full depth goes before best offers and they before display offers",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'bdatb':[[0,5,1]]}")), "market 1.1 active 1=5.00 2=suspended"},
          {MC(RC("{'id':1,'batb':[[0,4,1]]}")), "market 1.1 active 1=4.00 2=suspended"},
          {MC(RC("{'id':1,'atb':[[3,1]]}")), "market 1.1 active 1=3.00 2=suspended"}}},
        {"the lay side, traded volumes and starting prices are no price",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'atl':[[2,5]],'trd':[[2,5]],'spb':[[2,5]],'spl':[[2,5]],'tv':5,"
                 "'spn':'Infinity','spf':'NaN'}")),
           ""}}},
        {"prices of starting price bets have any number of places",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'spb':[[38.387036360669896,6311.14]],'spl':[[38.387036360669896,0]]}")),
           ""}}},
        {"one runner may come several times in a message",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'atb':[[2,5]]},{'id':2,'atb':[[3,5]]},{'id':1,'atb':[[2,0],[1.8,4]]}")),
           "market 1.1 active 1=1.80 2=3.00"}}},
        {"a price below 1.01 is none",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'atb':[[1,5]]},{'id':2,'atb':[[1.01,5]]}")),
           "market 1.1 active 1=suspended 2=1.01"}}},
        {"the last traded price stands in where no offer was ever seen",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'ltp':2.5},{'id':2,'ltp':'NaN'}")),
           "market 1.1 active 1=2.50 2=suspended"},
          {MC(RC("{'id':2,'atb':[[3,5]]}")), "market 1.1 active 1=suspended 2=3.00"},
          {MC(RC("{'id':2,'atb':[[3,0]]}")), "market 1.1 active 1=suspended 2=suspended"}}},
    };
    TELL(stories);
}

TEST(betfair_images, replace_what_was_known)
{
    static const struct story stories[] = {
        {"img:true throws the market's prices away",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC("{'id':'1.1','img':true,'rc':[{'id':2,'atb':[[4,1]]}]}"),
           "market 1.1 active 1=suspended 2=4.00"}}},
        {"img:false is a delta",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC("{'id':'1.1','img':false,'con':true,'rc':[{'id':2,'atb':[[4,1]]}]}"),
           "market 1.1 active 1=2.00 2=4.00"}}},
        {"an image without definition is not shown until its definition comes",
         {{IMAGE("1", "", "{'id':'1.1','img':true,'rc':[{'id':2,'atb':[[4,1]]}]}"), ""},
          {SUB("1", OPEN), "market 1.1 active 1=suspended 2=4.00"}}},
        {"a market twice in one message is shown once, in order",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[2.2,5]]}") "," RC("{'id':1,'atb':[[2.2,0],[2.1,1]]}")),
           "market 1.1 active 1=2.10 2=3.00"}}},
        {"several markets in one message",
         {{MC(OPEN ",{'id':'1.2'," DEF("SUSPENDED", "", BOTH) "}"),
           "market 1.1 active 1=suspended 2=suspended; market 1.2 suspended 1=suspended "
           "2=suspended"}}},
        {"a subscription's image removes the markets that it does not name",
         {{IMAGE("1", "", PRICED ",{'id':'1.2'," DEF("OPEN", "", BOTH) "}"),
           "market 1.1 active 1=2.00 2=3.00; market 1.2 active 1=suspended 2=suspended"},
          {IMAGE("1", "", OPEN), "removed 1.2; market 1.1 active 1=suspended 2=suspended"}}},
        {"and leaves those that came without a subscription",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {IMAGE("1", "", "{'id':'1.2'," DEF("OPEN", "", BOTH) "}"),
           "market 1.2 active 1=suspended 2=suspended"},
          {MC(RC("{'id':1,'atb':[[2.2,5]]}")), "market 1.1 active 1=2.20 2=3.00"}}},
        {"a segmented image holds what it has not named yet",
         {{IMAGE("1", "", PRICED ",{'id':'1.2'," DEF("OPEN", "", BOTH) "}"),
           "market 1.1 active 1=2.00 2=3.00; market 1.2 active 1=suspended 2=suspended"},
          {IMAGE("2", "'segmentType':'SEG_START',", ""),
           "market 1.1 suspended 1=suspended 2=suspended; market 1.2 suspended 1=suspended "
           "2=suspended"},
          {IMAGE("2", "'segmentType':'SEG',", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {IMAGE("2", "'segmentType':'SEG_END',", ""), "removed 1.2"}}},
        {"messages of an old subscription are dropped",
         {{IMAGE("4", "", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {SUB("3", RC("{'id':1,'atb':[[9,9]]}")), ""},
          {SUB("4", RC("{'id':1,'atb':[[2.5,9]]}")), "market 1.1 active 1=2.50 2=3.00"}}},
        {"a later subscription whose image was missed makes every price unsure",
         {{IMAGE("4", "", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {SUB("5", ""), "market 1.1 suspended 1=2.00 2=3.00"},
          {IMAGE("5", "", "{'id':'1.1','img':true," DEF("OPEN", "", BOTH) "}"),
           "market 1.1 active 1=suspended 2=suspended"}}},
        {"a closed market stays closed while an image is under way",
         {{IMAGE("1", "", SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {IMAGE("2", "'segmentType':'SEG_START',", ""), ""},
          {IMAGE("2", "'segmentType':'SEG_END',", SETTLED("CLOSED", "7", WON)), ""}}},
    };
    TELL(stories);
}

TEST(betfair_reset, makes_prices_unsure_until_they_are_known_again)
{
    static const struct story stories[] = {
        {"an image makes its market sure",
         {{IMAGE("1", "", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {NULL, "market 1.1 suspended 1=2.00 2=3.00"},
          {SUB("1", RC("{'id':1,'atb':[[2.5,5]]}")), "market 1.1 suspended 1=2.50 2=3.00"},
          {SUB("1", "{'id':'1.1','img':true," DEF("OPEN", "", BOTH) "}"),
           "market 1.1 active 1=suspended 2=suspended"}}},
        {"a resumed subscription keeps its cache and is sure at its end",
         {{IMAGE("1", "", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {NULL, "market 1.1 suspended 1=2.00 2=3.00"},
          {"{'op':'mcm','id':7,'ct':'RESUB_DELTA','pt':5,'segmentType':'SEG_START','mc':[" RC(
               "{'id':1,'atb':[[2.5,5]]}") "]}",
           "market 1.1 suspended 1=2.50 2=3.00"},
          {"{'op':'mcm','id':7,'ct':'RESUB_DELTA','pt':5,'segmentType':'SEG_END'}",
           "market 1.1 active 1=2.50 2=3.00"}}},
        {"a recording has no images: its next definition is one",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {NULL, "market 1.1 suspended 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[2.5,5]]}")), "market 1.1 suspended 1=2.50 2=3.00"},
          {MC(OPEN), "market 1.1 active 1=suspended 2=suspended"}}},
        {"a closed market is not touched",
         {{MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {NULL, ""}}},
        {"a client may count its requests from 1 again",
         {{IMAGE("9", "", PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {NULL, "market 1.1 suspended 1=2.00 2=3.00"},
          {IMAGE("1", "", "{'id':'1.1','img':true," DEF("OPEN", "", BOTH) "}"),
           "market 1.1 active 1=suspended 2=suspended"}}},
    };
    TELL(stories);
}

TEST(betfair_definition, replaces_the_one_before_whole)
{
    static const struct story stories[] = {
        {"the order of runners is theirs by sortPriority, not by place",
         {{MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("2", "2", "ACTIVE") "," RUN("1", "1", "ACTIVE")) "}"),
           "market 1.1 active 1=suspended 2=suspended"},
          {MC(OPEN), ""}}},
        {"runners with one sortPriority keep the order in which they came",
         {{MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("8", "0", "ACTIVE") "," RUN("3", "0", "ACTIVE")) "}"),
           "market 1.1 active 8=suspended 3=suspended"},
          {MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("3", "0", "ACTIVE") "," RUN("8", "0", "ACTIVE")) "}"),
           ""}}},
        {"a runner may be added later, and one that is not named is gone",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC("{'id':'1.1'," DEF("OPEN", "", BOTH "," RUN("3", "0", "ACTIVE")) "}"),
           "market 1.1 active 3=suspended 1=2.00 2=3.00"},
          {MC("{'id':'1.1'," DEF("OPEN", "", RUN("2", "2", "ACTIVE")) "}"),
           "market 1.1 active 2=3.00"}}},
        {"prices of a runner that is not defined yet wait for it",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(RC("{'id':3,'atb':[[7,5]]}")), ""},
          {MC("{'id':'1.1'," DEF("OPEN", "", BOTH "," RUN("3", "3", "ACTIVE")) "}"),
           "market 1.1 active 1=2.00 2=3.00 3=7.00"}}},
        {"a removal can be undone",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("1", "1", "REMOVED") "," RUN("2", "2", "ACTIVE")) "}"),
           "market 1.1 active 1=removed 2=3.00"},
          {MC(OPEN), "market 1.1 active 1=2.00 2=3.00"}}},
        {"a vacant trap is a removal, a hidden runner is held",
         {{MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("1", "1", "REMOVED_VACANT") "," RUN("2", "2", "HIDDEN")) "}"),
           "market 1.1 active 1=removed 2=suspended"}}},
        {"suspended keeps the prices, and they go on changing",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC("{'id':'1.1'," DEF("SUSPENDED", "", BOTH) "}"), "market 1.1 suspended 1=2.00 2=3.00"},
          {MC(RC("{'id':1,'atb':[[2.5,5]]}")), "market 1.1 suspended 1=2.50 2=3.00"},
          {MC(OPEN), "market 1.1 active 1=2.50 2=3.00"}}},
        {"inactive and unknown words are not open",
         {{MC("{'id':'1.1'," DEF("INACTIVE", "", BOTH) "}"),
           "market 1.1 suspended 1=suspended 2=suspended"},
          {MC("{'id':'1.1'," DEF("RESTING", "", BOTH) "}"), ""}}},
        {"the same definition again says nothing, nor does a new version alone",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC(OPEN), ""},
          {MC("{'id':'1.1'," DEF_OF("'ODDS','marketType':'MATCH_ODDS'", "'9'", "OPEN", "11", "",
                                    BOTH) "}"),
           ""}}},
        {"in play is shown",
         {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
          {MC("{'id':'1.1'," DEF("OPEN", "'inPlay':true,'betDelay':5,", BOTH) "}"),
           "market 1.1 active in-play 1=suspended 2=suspended"},
          {MC(OPEN), "market 1.1 active 1=suspended 2=suspended"}}},
        {"a market may have no marketType",
         {{MC("{'id':'1.1'," DEF_OF("'ODDS'", "'9'", "OPEN", "1", "", BOTH) "}"),
           "market 1.1 active 1=suspended 2=suspended"}}},
        {"selections of a handicap are id and line, and the 0 line has none",
         {{MC("{'id':'1.1'," DEF_OF("'ASIAN_HANDICAP_DOUBLE_LINE'", "'9'", "OPEN", "1", "",
                                    "{'id':7,'hc':-0.25,'status':'ACTIVE','sortPriority':1},"
                                    "{'id':7,'status':'ACTIVE','sortPriority':2},"
                                    "{'id':7,'hc':4.0,'status':'ACTIVE','sortPriority':3}") "}"),
           "market 1.1 suspended 7@-0.25=suspended 7=suspended 7@4=suspended"},
          {MC(RC("{'id':7,'hc':0.0,'atb':[[2,1]]},{'id':7,'hc':4,'atb':[[3,1]]},"
                 "{'id':7,'hc':-0.250,'atb':[[4,1]]}")),
           "market 1.1 suspended 7@-0.25=4.00 7=2.00 7@4=3.00"}}},
    };
    TELL(stories);
}

#define MOVED(event, version, price)                                                               \
    "{'id':'1.1','img':true," DEF_OF("'ODDS'", event, "OPEN", version, "",                         \
                                     BOTH) ",'rc':[{'id':1,'atb':[[" price ",1]]}]}"

TEST(betfair_definition, of_a_moved_market_is_the_one_with_the_greater_version)
{
    static const struct story stories[] = {
        {"the newer copy comes second",
         {{IMAGE("1", "", MOVED("'9'", "10", "5") "," MOVED("'8'", "11", "6")),
           "market 1.1 active 1=6.00 2=suspended"}}},
        {"the newer copy comes first",
         {{IMAGE("1", "", MOVED("'8'", "11", "6") "," MOVED("'9'", "10", "5")),
           "market 1.1 active 1=6.00 2=suspended"}}},
        {"a lower version of the same event is no copy: lines apply in order",
         {{MC(MOVED("'9'", "11", "5")), "market 1.1 active 1=5.00 2=suspended"},
          {MC(MOVED("'9'", "10", "6")), "market 1.1 active 1=6.00 2=suspended"}}},
    };
    TELL(stories);
}

TEST(betfair_results, come_from_the_runners_of_a_closed_market)
{
    static const struct story stories[] = {
        {"open to closed without a suspension, and closed again unchanged",
         {{MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
          {MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {MC(SETTLED("CLOSED", "7", WON)), ""},
          {MC(SETTLED("CLOSED", "9", WON)), ""}}},
        {"another result later is a correction",
         {{MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {MC(SETTLED("CLOSED", "8", LOST)),
           "market 1.1 closed 1=lost 2=won; result 1.1 v8000 1=LOST 2=WON"}}},
        {"its version rises when settledTime does not",
         {{MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {MC(SETTLED("CLOSED", "7", LOST)),
           "market 1.1 closed 1=lost 2=won; result 1.1 v7001 1=LOST 2=WON"},
          {MC("{'id':'1.1'," DEF_OF("'ODDS','marketType':'MATCH_ODDS'", "'9'", "CLOSED", "9000", "",
                                    WON) "}"),
           "market 1.1 closed 1=won 2=lost; result 1.1 v9000 1=WON 2=LOST"}}},
        {"without settledTime the version of the definition counts",
         {{MC("{'id':'1.1'," DEF("CLOSED", "'settledTime':'soon',", WON) "}"),
           "market 1.1 closed 1=won 2=lost; result 1.1 v10 1=WON 2=LOST"}}},
        {"a removed runner is void, and all of them may be",
         {{MC("{'id':'1.1'," DEF("CLOSED", "",
                                 RUN("1", "1", "REMOVED") "," RUN("2", "2", "REMOVED_VACANT")) "}"),
           "market 1.1 closed 1=void 2=void; result 1.1 v10 1=VOID 2=VOID"}}},
        {"winners are not counted",
         {{MC("{'id':'1.1'," DEF("CLOSED", "'numberOfWinners':0,",
                                 RUN("1", "1", "WINNER") "," RUN("2", "2", "WINNER")) "}"),
           "market 1.1 closed 1=won 2=won; result 1.1 v10 1=WON 2=WON"}}},
        {"a runner that is still active: not yet",
         {{MC("{'id':'1.1'," DEF("CLOSED", "",
                                 RUN("1", "1", "WINNER") "," RUN("2", "2", "ACTIVE")) "}"),
           "market 1.1 closed 1=suspended 2=suspended"},
          {MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"}}},
        {"placed and hidden runners are refused",
         {{MC("{'id':'1.1'," DEF("CLOSED", "",
                                 RUN("1", "1", "WINNER") "," RUN("2", "2", "PLACED")) "}"),
           "market 1.1 closed 1=suspended 2=suspended"},
          {MC("{'id':'1.1'," DEF("CLOSED", "",
                                 RUN("1", "1", "HIDDEN") "," RUN("2", "2", "LOSER")) "}"),
           ""}}},
        {"a removal before the close is no result",
         {{MC("{'id':'1.1'," DEF("OPEN", "",
                                 RUN("1", "1", "REMOVED") "," RUN("2", "2", "REMOVED")) "}"),
           "market 1.1 active 1=removed 2=removed"}}},
        {"prices of a stranger after the close do not undo it",
         {{MC(SETTLED("CLOSED", "7", WON)),
           "market 1.1 closed 1=won 2=lost; result 1.1 v7000 1=WON 2=LOST"},
          {MC(RC("{'id':99,'atb':[[2,1]]}")), ""}}},
    };
    TELL(stories);
}

#define MC_AT(ms, changes) "{'op':'mcm','pt':" ms ",'mc':[" changes "]}"
#define RACE(kind, status, more, runners)                                                          \
    "{'id':'1.1','marketDefinition':{'bettingType':'ODDS','marketType':'" kind                     \
    "','eventId':'9','eventTypeId':'7','status':'" status "','version':10," more                   \
    "'runners':[" runners "]}}"
#define LEFT(id, priority, percent)                                                                \
    "{'id':" id ",'sortPriority':" priority ",'status':'REMOVED','adjustmentFactor':" percent      \
    ",'removalDate':'1970-01-01T00:00:00.000Z'}"

TEST(betfair_results, of_races_say_what_removed_runners_take_off)
{
    static const struct story stories[] = {
        {"off the price, from the message in which it left",
         {{MC_AT("1000",
                 RACE("WIN", "OPEN", "", RUN("1", "1", "ACTIVE") "," RUN("2", "2", "ACTIVE"))),
           "market 1.1 active 1=suspended 2=suspended"},
          {MC_AT("2000",
                 RACE("WIN", "SUSPENDED", "", RUN("1", "1", "ACTIVE") "," LEFT("2", "2", "30.01"))),
           "market 1.1 suspended 1=suspended 2=removed"},
          {MC_AT("3000",
                 RACE("WIN", "CLOSED", "", RUN("1", "1", "WINNER") "," LEFT("2", "2", "30.01"))),
           "market 1.1 closed 1=won 2=void; "
           "result 1.1 v10 1=WON 2=VOID left 2000000 -30.01 model 3"},
          {MC_AT("4000",
                 RACE("WIN", "CLOSED", "", RUN("1", "1", "WINNER") "," LEFT("2", "2", "30.00"))),
           "result 1.1 v11 1=WON 2=VOID left 2000000 -30.00 model 3"}}},
        {"off the winnings of place markets",
         {{MC_AT("3000",
                 RACE("PLACE", "CLOSED", "", RUN("1", "1", "WINNER") "," LEFT("2", "2", "16.2"))),
           "market 1.1 closed 1=won 2=void; "
           "result 1.1 v10 1=WON 2=VOID left 3000000 -16.20 model 2"}}},
        {"who came back has not left",
         {{MC_AT("1000", RACE("WIN", "OPEN", "", LEFT("1", "1", "30") "," RUN("2", "2", "ACTIVE"))),
           "market 1.1 active 1=removed 2=suspended"},
          {MC_AT("2000",
                 RACE("WIN", "OPEN", "", RUN("1", "1", "ACTIVE") "," RUN("2", "2", "ACTIVE"))),
           "market 1.1 active 1=suspended 2=suspended"},
          {MC_AT("3000",
                 RACE("WIN", "CLOSED", "", LEFT("1", "1", "20") "," RUN("2", "2", "WINNER"))),
           "market 1.1 closed 1=void 2=won; "
           "result 1.1 v10 1=VOID left 3000000 -20.00 2=WON model 3"}}},
        {"in other sports nothing is taken off",
         {{MC("{'id':'1.1'," DEF("CLOSED", "",
                                 LEFT("1", "1", "20") "," RUN("2", "2", "WINNER")) "}"),
           "market 1.1 closed 1=void 2=won; result 1.1 v10 1=VOID 2=WON"}}},
        {"more winners than places is a dead heat",
         {{MC_AT("3000", RACE("WIN", "CLOSED", "'numberOfWinners':1,",
                              RUN("1", "1", "WINNER") "," RUN("2", "2", "WINNER"))),
           "market 1.1 closed 1=won 2=won; result 1.1 v10 1=DEAD_HEAT 1/2 2=DEAD_HEAT 1/2"}}},
    };
    TELL(stories);
}

TEST(betfair_results, of_each_way_markets_have_places)
{
    static const struct story stories[] = {
        {"terms and places",
         {{MC(RACE("EACH_WAY", "OPEN", "'eachWayDivisor':5,'numberOfWinners':3,", BOTH)),
           "market 1.1 active 3 places 1/5 each-way only 3 win 1=suspended 2=suspended"},
          {MC(RACE("EACH_WAY", "CLOSED", "'eachWayDivisor':5,'numberOfWinners':3,",
                   RUN("1", "1", "WINNER") "," RUN("2", "2", "PLACED"))),
           "market 1.1 closed 3 places 1/5 each-way only 3 win 1=won 2=lost; result 1.1 v10 1=WON "
           "2=LOST place 3"}}},
        {"a divisor that is no whole number",
         {{MC(RACE("EACH_WAY", "OPEN", "'eachWayDivisor':2.5,'numberOfWinners':2,", BOTH)),
           "market 1.1 active 2 places 2/5 each-way only 2 win 1=suspended 2=suspended"}}},
        {"without terms it is not offered",
         {{MC(RACE("EACH_WAY", "OPEN", "'eachWayDivisor':0.5,'numberOfWinners':2,", BOTH)),
           "market 1.1 suspended 2 win 1=suspended 2=suspended"}}},
    };
    TELL(stories);
}

TEST(betfair_results, are_not_made_for_markets_that_flags_do_not_settle)
{
    static const char *const kinds[] = {
        "'ASIAN_HANDICAP_DOUBLE_LINE'",
        "'ASIAN_HANDICAP_SINGLE_LINE'",
        "'ODDS','marketType':'EACH_WAY'",
        "'ODDS','eachWayDivisor':4",
    };
    char opened[1024];
    char closed[1024];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)snprintf(opened, sizeof opened,
                       MC("{'id':'1.1'," DEF_OF("%s", "'9'", "OPEN", "1", "",
                                                BOTH) ","
                                                      "'rc':[{'id':1,'atb':[[2,1]]}]}"),
                       kinds[i]);
        (void)snprintf(closed, sizeof closed,
                       MC("{'id':'1.1'," DEF_OF("%s", "'9'", "CLOSED", "2", "", WON) "}"),
                       kinds[i]);
        struct story story = {kinds[i],
                              {{opened, "market 1.1 suspended 1=2.00 2=suspended"},
                               {closed, "market 1.1 closed 1=suspended 2=suspended; removed 1.1"},
                               {closed, ""},
                               {opened, "market 1.1 suspended 1=2.00 2=suspended"}}};
        tell(&story, plain_options());
    }
}

TEST(betfair_results, lines_and_ranges_show_no_price)
{
    static const struct story stories[] = {
        {"line",
         {{MC("{'id':'1.1'," DEF_OF("'LINE'", "'9'", "OPEN", "1", "",
                                    BOTH) ","
                                          "'rc':[{'id':1,'atb':[[172.5,1]]}]}"),
           "market 1.1 suspended 1=suspended 2=suspended"}}},
        {"range",
         {{MC("{'id':'1.1'," DEF_OF("'RANGE'", "'9'", "OPEN", "1", "",
                                    BOTH) ","
                                          "'rc':[{'id':1,'atb':[[-3.5,1]]}]}"),
           "market 1.1 suspended 1=suspended 2=suspended"}}},
    };
    TELL(stories);
}

TEST(betfair_stream, tells_when_prices_are_late)
{
    static const struct story stories[] = {
        {"503 has neither pt nor clk and holds until a message without it",
         {{"{'op':'mcm','id':2,'status':503}", "late"},
          {"{'op':'mcm','id':2,'status':503,'ct':'HEARTBEAT','clk':null}", ""},
          {"{'op':'status','statusCode':'SUCCESS'}", ""},
          {"{'op':'heartbeat'}", ""},
          {"{'op':'mcm','id':2,'ct':'HEARTBEAT','pt':7}", "good"}}},
        {"late comes before the prices that are, and ends after those that are not",
         {{"{'op':'mcm','status':503,'pt':1,'mc':[" PRICED "]}",
           "late; market 1.1 active 1=2.00 2=3.00"},
          {"{'op':'mcm','status':null,'pt':1,'mc':[" RC("{'id':1,'atb':[[4,1]]}") "]}",
           "market 1.1 active 1=4.00 2=3.00; good"}}},
        {"a heartbeat, an empty and a null mc say nothing",
         {{"{'op':'mcm','id':2,'clk':'x','pt':1,'ct':'HEARTBEAT'}", ""},
          {"{'op':'mcm','clk':'x','pt':1,'mc':[]}", ""},
          {"{'op':'mcm','clk':null,'pt':1,'mc':null,'unknown':{'a':[1,'b']}}", ""}}},
    };
    TELL(stories);
}

TEST(betfair_stream, counts_and_survives_other_operations)
{
    static const char *const lines[] = {
        "{'op':'connection','connectionId':'002-1'}",
        "{'op':'status','id':1,'statusCode':'FAILURE','status':'odd','errorCode':'TIMEOUT'}",
        "{'op':'ocm','id':2,'clk':'x','pt':1,'oc':[]}",
        "{'op':'ccm','pt':1,'cc':[{'eventId':'1'}]}",
        "{'op':'heartbeat'}",
        "{'op':'tomorrow','pt':'soon'}",
    };
    size_t count = sizeof lines / sizeof lines[0];
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    for (size_t i = 0; i < count; i++)
        assert_int_equal(feed(source, lines[i]), 0);
    struct betfair_counts counts;
    betfair_source_counts(source, &counts);
    assert_int_equal(counts.other_ops, count);
    assert_int_equal(source->counts.messages, count);
    assert_int_equal(book->alive, count);
    assert_int_equal(book->calls, 0);
    source->ops->free(source);
    book_sink_free(book);
}

static const char *const malformed[] = {
    "",
    "x",
    "{}",
    "[]",
    "{'op':5}",
    "{'op':'mcm'",
    "{'op':'mcm'} x",
    "{'mc':[]}",
    "{'op':'mcm','pt':-1}",
    "{'op':'mcm','pt':253402300800000}",
    "{'op':'mcm','pt':'1'}",
    "{'op':'mcm','mc':{}}",
    "{'op':'mcm','mc':[5]}",
    "{'op':'mcm','segmentType':'SEG_MAYBE'}",
    MC("{'rc':[]}"),
    MC("{'id':''}"),
    MC("{'id':'123456789012345678901234567890123'}"),
    MC("{'id':1.1}"),
    MC("{'id':'1.1','img':1}"),
    MC("{'id':'1.1','rc':[{'atb':[[9,9]]}]}"),
    MC("{'id':'1.1','rc':[{'id':'1'}]}"),
    MC("{'id':'1.1','rc':[{'id':1.5}]}"),
    MC(RC("{'id':1,'atb':[[9]]}")),
    MC(RC("{'id':1,'atb':[[9,9,9]]}")),
    MC(RC("{'id':1,'atb':[9,9]}")),
    MC(RC("{'id':1,'atb':[['9',9]]}")),
    MC(RC("{'id':1,'atb':[['NaN',9]]}")),
    MC(RC("{'id':1,'atb':[[NaN,9]]}")),
    MC(RC("{'id':1,'atb':[[9,-1]]}")),
    MC(RC("{'id':1,'atb':[[9.0001,1]]}")),
    MC(RC("{'id':1,'atb':[[9e30,1]]}")),
    MC(RC("{'id':1,'batb':[[0,9]]}")),
    MC(RC("{'id':1,'batb':[[16,9,9]]}")),
    MC(RC("{'id':1,'batb':[[-1,9,9]]}")),
    MC(RC("{'id':1,'trd':[[9]]}")),
    MC(RC("{'id':1,'ltp':true}")),
    MC(RC("{'id':1,'hc':0.0001}")),
    /* The first change is sound: it must not be applied because the second is not. */
    MC(RC("{'id':1,'atb':[[9,9]]}") "," RC("{'id':1,'atb':[[9]]}")),
    MC("{'id':'1.1'," DEF("SUSPENDED", "", BOTH) "},{'id':'1.1','marketDefinition':5}"),
    MC("{'id':'1.1','marketDefinition':{'status':'SUSPENDED'}}"),
    MC("{'id':'1.1','marketDefinition':{'runners':[]}}"),
    MC("{'id':'1.1'," DEF("SUSPENDED", "", "{'id':1}") "}"),
    MC("{'id':'1.1'," DEF("SUSPENDED", "", "{'status':'ACTIVE'}") "}"),
    MC("{'id':'1.1'," DEF("SUSPENDED", "'betDelay':-1,", BOTH) "}"),
    MC("{'id':'1.1'," DEF("SUSPENDED", "'betDelay':1e9,", BOTH) "}"),
    MC("{'id':'1.1'," DEF_OF("'ODDS'", "'9'", "SUSPENDED", "-1", "", BOTH) "}"),
    MC("{'id':'1.1'," DEF_OF("'ODDS'", "9", "SUSPENDED", "1", "", BOTH) "}"),
    "{'op':'mcm','status':503,'mc':[5]}",
    "{'op':'mcm','id':9,'ct':'SUB_IMAGE','mc':[" RC("{'id':1,'atb':[[9]]}") "]}",
};

TEST(betfair_stream, refuses_malformed_messages_whole)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    assert_int_equal(feed(source, IMAGE("1", "", PRICED)), 0);
    (void)book_sink_said(book);
    size_t count = sizeof malformed / sizeof malformed[0];
    for (size_t i = 0; i < count; i++) {
        int result = feed(source, malformed[i]);
        const char *said = book_sink_said(book);
        if (result != -ERR_FORMAT || said[0] != '\0')
            fail_msg("%s: answered %d, said %s", malformed[i], result, said);
    }
    assert_int_equal(source->counts.malformed, count);
    assert_int_equal(source->counts.messages, 1);
    assert_int_equal(book->alive, 1);
    /* Nothing of them stayed: the next price shows the market as it was. */
    assert_int_equal(feed(source, SUB("1", RC("{'id':2,'atb':[[3.5,1]]}"))), 0);
    assert_string_equal(book_sink_said(book), "market 1.1 active 1=2.00 2=3.50");
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_stream, shows_what_the_definition_says)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    assert_int_equal(
        feed(source,
             "{'op':'mcm','pt':1667711593760,'mc':[{'id':'1.5','marketDefinition':{'bettingType':"
             "'ODDS','marketType':'WIN','eventId':'31','eventTypeId':'7','name':'R1 1200m',"
             "'eventName':'Caf\\u00e9','status':'OPEN','inPlay':true,'betDelay':1.0,"
             "'marketTime':'2022-11-07T04:30:00.000Z','version':4896820847,"
             "'runners':[{'id':5,'name':'1. Kahuka','status':'ACTIVE'},"
             "{'id':6,'status':'ACTIVE'}]}}]}"),
        0);
    struct book_market *market = book_sink_market(book, "1.5");
    assert_non_null(market);
    assert_string_equal(market->event_id, "31");
    assert_string_equal(market->event_name, "Caf\xC3\xA9");
    assert_string_equal(market->sport, "horse_racing");
    assert_string_equal(market->name, "R1 1200m");
    assert_string_equal(market->kind, "WIN");
    assert_int_equal(market->bet_delay_us, 1000000);
    assert_int_equal(market->feed_time.us, INT64_C(1667711593760000));
    assert_int_equal(market->start_time.us, INT64_C(1667795400000000));
    assert_int_equal(market->provider_version, INT64_C(4896820847));
    assert_string_equal(market->selections[0].name, "1. Kahuka");
    assert_string_equal(market->selections[1].name, "6"); /* live data have no names */
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_stream, a_market_without_an_event_is_its_own)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    assert_int_equal(
        feed(source, MC("{'id':'1.1','marketDefinition':{'bettingType':'ODDS','status':'OPEN',"
                        "'version':1,'runners':[" BOTH "]}}")),
        0);
    assert_string_equal(book_sink_market(book, "1.1")->event_id, "1.1");
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_stream, a_bet_delay_counts_in_play_only)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    assert_int_equal(feed(source, MC("{'id':'1.1'," DEF("OPEN", "'betDelay':5,", BOTH) "}")), 0);
    assert_int_equal(book_sink_market(book, "1.1")->bet_delay_us, 0);
    assert_int_equal(
        feed(source, MC("{'id':'1.1'," DEF("OPEN", "'inPlay':true,'betDelay':5,", BOTH) "}")), 0);
    assert_int_equal(book_sink_market(book, "1.1")->bet_delay_us, 5000000);
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_stream, keeps_the_tokens_with_which_it_resumes)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    struct slice initial_clk;
    struct slice clk;
    assert_int_equal(feed(source, "{'op':'mcm','initialClk':'a','clk':'b','ct':'SUB_IMAGE'}"), 0);
    assert_int_equal(feed(source, "{'op':'mcm','clk':null}"), 0);
    assert_int_equal(feed(source, "{'op':'mcm','clk':'no','segmentType':'SEG'}"), 0);
    betfair_source_resume(source, &initial_clk, &clk);
    assert_true(slice_is(initial_clk, "a"));
    assert_true(slice_is(clk, "b"));
    assert_int_equal(feed(source, "{'op':'mcm','clk':'c','ct':'HEARTBEAT'}"), 0);
    betfair_source_resume(source, &initial_clk, &clk);
    assert_true(slice_is(initial_clk, "a"));
    assert_true(slice_is(clk, "c"));
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_prices, last_traded_prices_are_an_option)
{
    struct betfair_options options = plain_options();
    static const struct story never = {
        "never",
        {{MC(OPEN "," RC("{'id':1,'ltp':2.5}")), "market 1.1 active 1=suspended 2=suspended"}}};
    static const struct story always = {
        "always",
        {{MC(PRICED "," RC("{'id':1,'ltp':2.5}")), "market 1.1 active 1=2.00 2=3.00"},
         {MC(RC("{'id':1,'atb':[[2,0]]}")), "market 1.1 active 1=2.50 2=3.00"}}};
    options.ltp_prices = BETFAIR_LTP_NEVER;
    tell(&never, options);
    options.ltp_prices = BETFAIR_LTP_ALWAYS;
    tell(&always, options);
}

TEST(betfair_prices, small_offers_can_be_left_out)
{
    struct betfair_options options = plain_options();
    static const struct story story = {
        "at least 10.00",
        {{MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
         {MC(RC("{'id':1,'atb':[[1000,2],[2.1,9.99],[2,10]]},{'id':2,'batb':[[0,9,1],[1,8,10]]}")),
          "market 1.1 active 1=2.00 2=8.00"},
         {MC(RC("{'id':1,'atb':[[2.1,10.00]]},{'id':2,'batb':[[1,8,1]]}")),
          "market 1.1 active 1=2.10 2=suspended"}}};
    options.margin.offer_cents_min = 1000;
    tell(&story, options);
}

TEST(betfair_prices, carry_the_margin_on_the_profit)
{
    struct betfair_options options = plain_options();
    static const struct story story = {"5 %", {{MC(PRICED), "market 1.1 active 1=1.95 2=2.90"}}};
    options.margin.margin_permyriad = 500;
    tell(&story, options);
}

TEST(betfair_limits, the_market_closed_longest_ago_makes_room)
{
    struct betfair_options options = plain_options();
    static const struct story story = {
        "two markets",
        {{MC("{'id':'1.7'," DEF("CLOSED", "", WON) "}"),
          "market 1.7 closed 1=won 2=lost; result 1.7 v10 1=WON 2=LOST"},
         {MC("{'id':'1.8'," DEF("CLOSED", "", WON) "}"),
          "market 1.8 closed 1=won 2=lost; result 1.8 v10 1=WON 2=LOST"},
         {MC(PRICED), "market 1.1 active 1=2.00 2=3.00"},
         {MC("{'id':'1.8'," DEF("CLOSED", "", WON) "}"), ""}, /* still known */
         {MC("{'id':'1.2'," DEF("OPEN", "", BOTH) "}"),
          "market 1.2 active 1=suspended 2=suspended"},
         {MC("{'id':'1.3'," DEF("OPEN", "", BOTH) "}"), ""}, /* no room */
         {MC(RC("{'id':1,'atb':[[2.5,1]]}")), "market 1.1 active 1=2.50 2=3.00"}}};
    options.markets_max = 2;
    options.runners_max = 4;
    tell(&story, options);
}

TEST(betfair_limits, a_market_with_too_many_runners_is_suspended)
{
    struct betfair_options options = plain_options();
    static const struct story story = {
        "two runners",
        {{MC("{'id':'1.1'," DEF("OPEN", "", BOTH "," RUN("3", "3", "ACTIVE")) "}"),
          "market 1.1 suspended 1=suspended 2=suspended"},
         {MC(OPEN), "market 1.1 active 1=suspended 2=suspended"},
         {MC("{'id':'1.1'," DEF("OPEN", "", RUN("1", "1", "ACTIVE") "," RUN("3", "2", "ACTIVE")) //
             "}"),
          "market 1.1 active 1=suspended 3=suspended"},
         {MC("{'id':'1.1'," DEF("CLOSED", "", WON "," RUN("3", "3", "LOSER")) "}"),
          "market 1.1 closed 1=suspended 3=suspended"}}};
    options.runners_max = 2;
    tell(&story, options);
}

TEST(betfair_limits, a_market_has_at_most_selections_max_runners)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    static char line[65536];
    struct buf buf = buf_over(line, sizeof line - 1);
    buf_put_text(&buf, "{'op':'mcm','mc':[{'id':'1.1','marketDefinition':{'status':'OPEN',"
                       "'bettingType':'ODDS','runners':[");
    for (int i = 0; i <= SELECTIONS_MAX; i++)
        buf_printf(&buf, "%s{'id':%d,'status':'ACTIVE'}", i > 0 ? "," : "", i);
    buf_put_text(&buf, "]}}]}");
    assert_false(buf.overflow);
    assert_int_equal(feed(source, line), 0);
    struct book_market *market = book_sink_market(book, "1.1");
    assert_int_equal(market->selections_count, SELECTIONS_MAX);
    assert_int_equal(market->status, MARKET_SUSPENDED_STATUS);
    assert_true(source->counts.limits_reached > 0);
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_limits, long_names_are_cut_between_characters)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    char name[NAME_BYTES_MAX + 2];
    char line[1024];
    memset(name, 'a', NAME_BYTES_MAX - 1);
    memcpy(name + NAME_BYTES_MAX - 1, "\xC3\xA9", 3);
    (void)snprintf(line, sizeof line, MC("{'id':'1.1'," DEF("OPEN", "'name':'%s',", BOTH) "}"),
                   name);
    assert_int_equal(feed(source, line), 0);
    assert_int_equal(strlen(book_sink_market(book, "1.1")->name), NAME_BYTES_MAX - 1);
    assert_int_equal(source->counts.limits_reached, 1);
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_limits, a_message_beyond_them_is_refused_whole)
{
    struct book_sink *book = book_sink_new();
    struct feed_source *source = new_source(book, plain_options());
    assert_int_equal(feed(source, MC(PRICED)), 0);
    (void)book_sink_said(book);
    size_t capacity = MCM_LINE_BYTES_MAX + 2;
    char *line = malloc(capacity);
    assert_non_null(line);
    struct buf buf = buf_over(line, capacity);
    buf_put_text(&buf, "{\"op\":\"mcm\",\"mc\":[{\"id\":\"1.1\",\"rc\":[{\"id\":1,\"atb\":[[9,9]");
    for (size_t i = 0; i < MCM_ROWS_MAX; i++)
        buf_put_text(&buf, ",[9,9]");
    buf_put_text(&buf, "]}]}]}");
    assert_false(buf.overflow);
    assert_int_equal(source->ops->message(source, buf_slice(&buf)), -ERR_LIMIT);
    memset(line, ' ', capacity);
    assert_int_equal(source->ops->message(source, slice_of(line, MCM_LINE_BYTES_MAX + 1)),
                     -ERR_LIMIT);
    assert_int_equal(source->counts.limits_reached, 2);
    assert_string_equal(book_sink_said(book), "");
    free(line);
    source->ops->free(source);
    book_sink_free(book);
}

TEST(betfair_limits, options_out_of_range_make_no_source)
{
    struct book_sink *book = book_sink_new();
    struct betfair_options options = plain_options();
    options.margin.margin_permyriad = 10000;
    assert_null(betfair_source_new(&options, &book->sink));
    options = plain_options();
    options.margin.price_cents_min = 100;
    assert_null(betfair_source_new(&options, &book->sink));
    options = plain_options();
    options.markets_max = 0;
    assert_null(betfair_source_new(&options, &book->sink));
    options = plain_options();
    options.runners_max = BETFAIR_RUNNERS_LIMIT + 1;
    assert_null(betfair_source_new(&options, &book->sink));
    book_sink_free(book);
}
