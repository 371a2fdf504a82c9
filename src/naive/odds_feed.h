/* odds_feed.h - POST /v1/feed/json: what drives the odds table. The lines are those of the book's
 * own feed (docs/PROTOCOL.md, "A feed of your own"), so that one sender feeds both; V0 takes of a
 * `market` its id, status and selections, of a `result` who won, and `removed`; it has no leases,
 * so heartbeats say nothing to it, and prices of a feed that died stand for ever.
 *
 * A body is streamed. Lines go to the database in their order, DB_BATCH_MAX a round trip; meanwhile
 * the body waits and TCP tells the sender. Limits (S2): ODDS_FEED_INTAKES_MAX bodies at once (503),
 * ODDS_FEED_LINE_BYTES_MAX a line (413). Thread: the loop's. */
#pragma once

#include "base/metrics.h"
#include "naive/db_pool.h"
#include "naive/settlement.h"
#include "net/http/http_request.h"

#define ODDS_FEED_INTAKES_MAX    4
#define ODDS_FEED_LINE_BYTES_MAX (256 * 1024)

struct odds_feed;

struct odds_feed_stats {
    struct metrics_counter messages, malformed, changes, results;
    struct metrics_counter failed; /* lines that the database did not take */
    struct metrics_counter intakes_reached, line_reached;
};

/* All borrowed. 0, -ERR_MEMORY. */
int odds_feed_new(struct loop *loop, struct db_pool *pool, struct settlement *settlement,
                  struct odds_feed **ret);
/* Before the pool is ended: nothing more is sent to it. */
void odds_feed_end(struct odds_feed *feed);
/* After the HTTP server and the pool. Accepts NULL. */
void odds_feed_free(struct odds_feed *feed);

/* Takes the body of a request whose plan was HTTP_BODY_STREAM. */
void odds_feed_serve(struct odds_feed *feed, struct http_request *request);
struct odds_feed_stats *odds_feed_stats(struct odds_feed *feed);

/* ---- a line ---- */

enum odds_line_kind {
    ODDS_LINE_OTHER = 0, /* says nothing to V0 */
    ODDS_LINE_MARKET,
    ODDS_LINE_REMOVED,
    ODDS_LINE_RESULT,
};

struct odds_line {
    enum odds_line_kind kind;
    char market[MARKET_ID_BYTES_MAX + 1];
    char status[16];
};

/* Of a market, its selections go to `selections` as the column holds them, ended by a zero. Of a
 * result, *ret_order. False: malformed. Pure. */
bool odds_line_read(struct slice line, struct buf *selections, struct settlement_order *ret_order,
                    struct odds_line *ret);
