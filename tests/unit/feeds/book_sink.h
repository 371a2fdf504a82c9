/* book_sink.h - a feed sink that keeps what it was told, as text and as a little book. */
#pragma once

#include "core/ids.h"
#include "ports/feed_sink.h"

#define BOOK_MARKETS_MAX 256
#define BOOK_TRACE_BYTES 65536

struct book_selection {
    char id[64];
    char name[NAME_BYTES_MAX + 1];
    enum selection_status status;
    struct odds odds;
    bool has_result;
    struct leg_result result;
    unsigned removed, returned; /* times it became REMOVED, and came back from it */
};

struct book_market {
    char id[64];
    char event_id[EVENT_ID_BYTES_MAX + 1];
    char event_name[NAME_BYTES_MAX + 1];
    char sport[32];
    char name[NAME_BYTES_MAX + 1];
    char kind[NAME_BYTES_MAX + 1];
    enum market_status status;
    bool in_play;
    int64_t bet_delay_us;
    struct instant feed_time, start_time;
    uint64_t provider_version;
    unsigned images, results, removals;
    uint64_t result_version;
    size_t selections_count;
    struct book_selection *selections; /* owned, SELECTIONS_MAX */
};

struct book_sink {
    struct feed_sink sink;
    struct book_market *markets; /* owned, BOOK_MARKETS_MAX */
    size_t markets_count;
    uint64_t alive, calls;
    bool late;
    bool tracing;
    size_t trace_bytes;
    char trace[BOOK_TRACE_BYTES];
};

struct book_sink *book_sink_new(void);
void book_sink_free(struct book_sink *book);
/* NULL when the book was never told of it. */
struct book_market *book_sink_market(struct book_sink *book, const char *id);
struct book_selection *book_sink_selection(struct book_market *market, const char *id);
/* What was said since the last call, one call after another (all but `alive`):
 * "market 1.1 active 1=2.00 2=- removed; result 1.1 v7 1=WON 2=LOST; removed 1.1; late; good" */
const char *book_sink_said(struct book_sink *book);
