/* test_feed_sources.c - the contract of feeds, in the words of each format. */
#include "feed_source_contract.h"
#include "feeds/betfair_stream/betfair_source.h"
#include "feeds/betfair_stream/mcm_message.h"
#include "feeds/json_lines/json_source.h"
#include "feeds/uof/uof_message.h"
#include "feeds/uof/uof_source.h"
#include "test.h"

/* ---- an exchange's stream ---- */

static struct feed_source *betfair_new(struct feed_sink *sink)
{
    struct betfair_options options = betfair_options_default();
    options.margin.margin_permyriad = 0;
    options.markets_max = 64;
    options.runners_max = 2048;
    options.ladder_points_max = 1u << 16;
    return betfair_source_new(&options, sink);
}

#define MCM(changes) "{\"op\":\"mcm\",\"pt\":1000,\"mc\":[" changes "]}"
#define DEFINED                                                                                    \
    "\"marketDefinition\":{\"bettingType\":\"ODDS\",\"marketType\":\"MATCH_ODDS\",\"eventId\":"    \
    "\"9\",\"eventTypeId\":\"1\",\"status\":\"OPEN\",\"version\":10,\"runners\":[{\"id\":1,"       \
    "\"sortPriority\":1,\"status\":\"ACTIVE\"},{\"id\":2,\"sortPriority\":2,\"status\":"           \
    "\"ACTIVE\"}]}"
#define LADDERS(first) "\"rc\":[{\"id\":1,\"atb\":[[" first ",5]]},{\"id\":2,\"atb\":[[3,5]]}]"

static const struct feed_words betfair = {
    .source_new = betfair_new,
    .check = betfair_source_check,
    .market = MCM("{\"id\":\"1.1\"," DEFINED "," LADDERS("2") "}"),
    .moved = MCM("{\"id\":\"1.1\",\"rc\":[{\"id\":1,\"atb\":[[2,0],[2.5,5]]}]}"),
    .known_again = MCM("{\"id\":\"1.1\"," DEFINED "," LADDERS("2") "}"),
    .half = MCM("{\"id\":\"1.1\",\"rc\":[{\"id\":1,\"atb\":[[9,9]]}]},{\"id\":\"1.1\",\"rc\":5}"),
    .alive = "{\"op\":\"mcm\",\"id\":2,\"clk\":\"x\",\"pt\":1,\"ct\":\"HEARTBEAT\"}",
    .market_id = "1.1",
    .line_bytes_max = MCM_LINE_BYTES_MAX,
};

FEED_SOURCE_CONTRACT(feed_betfair, betfair)

/* ---- lines of JSON ---- */

#define WHOLE(first)                                                                               \
    "{\"op\":\"market\",\"market_id\":\"m\",\"event_id\":\"e\",\"status\":\"active\","             \
    "\"selections\":[{\"id\":\"h\",\"odds\":" first "},{\"id\":\"a\",\"odds\":3}]}"

static const struct feed_words json = {
    .source_new = json_source_new,
    .check = json_source_check,
    .market = WHOLE("2"),
    .moved = WHOLE("2.5"),
    .known_again = WHOLE("2"),
    .half = "{\"op\":\"market\",\"market_id\":\"m\",\"event_id\":\"e\",\"status\":\"active\","
            "\"selections\":[{\"id\":\"h\",\"odds\":9},{\"id\":\"a\",\"odds\":\"x\"}]}",
    .alive = "{\"op\":\"heartbeat\"}",
    .market_id = "m",
    .tells_all = true,
    .line_bytes_max = JSON_FEED_LINE_BYTES_MAX,
};

FEED_SOURCE_CONTRACT(feed_json, json)

/* ---- the Unified Odds Feed ---- */

static struct feed_source *uof_new(struct feed_sink *sink)
{
    struct uof_options options = uof_options_default();
    options.events_max = 64;
    options.markets_max = 256;
    options.outcomes_max = 4096;
    return uof_source_new(&options, sink);
}

#define CHANGE(ms, first, more)                                                                    \
    "<odds_change product=\"1\" event_id=\"sr:match:1\" timestamp=\"" ms "\"><odds>"               \
    "<market id=\"1\" status=\"1\"><outcome id=\"1\" odds=\"" first "\"/>"                         \
    "<outcome id=\"2\" odds=\"1.75\"/></market>" more "</odds></odds_change>"

static const struct feed_words uof = {
    .source_new = uof_new,
    .check = uof_source_check,
    .opening = "<alive product=\"1\" timestamp=\"1000\" subscribed=\"1\"/>",
    .market = CHANGE("2000", "2.0", ""),
    .moved = CHANGE("2001", "2.5", ""),
    .known_again = "<snapshot_complete product=\"1\" timestamp=\"2000\" request_id=\"5\"/>",
    .half = CHANGE("2000", "9.0", "<market id=\"x\"><outcome/></market>"),
    .alive = "<alive product=\"1\" timestamp=\"2000\" subscribed=\"1\"/>",
    .market_id = "sr:match:1/1",
    .line_bytes_max = UOF_LINE_BYTES_MAX,
};

FEED_SOURCE_CONTRACT(feed_uof, uof)
