/* book_sink.c - contract in book_sink.h. It checks on every call what a book relies on. */
#include "book_sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static struct book_sink *self(struct feed_sink *sink)
{
    return (struct book_sink *)sink;
}

static void copy(char *to, size_t bytes, struct slice from)
{
    ASSERT(from.bytes < bytes);
    if (from.bytes > 0)
        memcpy(to, from.at, from.bytes);
    to[from.bytes] = '\0';
}

static void put(struct book_sink *book, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct book_sink *book, const char *format, ...)
{
    va_list arguments;
    if (!book->tracing)
        return;
    size_t left = sizeof book->trace - book->trace_bytes;
    va_start(arguments, format);
    int bytes = vsnprintf(book->trace + book->trace_bytes, left, format, arguments);
    va_end(arguments);
    ASSERT(bytes >= 0);
    ASSERT((size_t)bytes < left);
    book->trace_bytes += (size_t)bytes;
}

static void begin(struct book_sink *book)
{
    book->calls++;
    if (book->trace_bytes > 0)
        put(book, "; ");
}

struct book_market *book_sink_market(struct book_sink *book, const char *id)
{
    for (size_t i = 0; i < book->markets_count; i++)
        if (strcmp(book->markets[i].id, id) == 0)
            return &book->markets[i];
    return NULL;
}

static struct book_market *find_or_add(struct book_sink *book, struct slice id)
{
    char text[64];
    copy(text, sizeof text, id);
    struct book_market *market = book_sink_market(book, text);
    if (market != NULL)
        return market;
    ASSERT(book->markets_count < BOOK_MARKETS_MAX);
    market = &book->markets[book->markets_count++];
    copy(market->id, sizeof market->id, id);
    market->selections = calloc(SELECTIONS_MAX, sizeof *market->selections);
    ASSERT(market->selections != NULL);
    return market;
}

struct book_selection *book_sink_selection(struct book_market *market, const char *id)
{
    for (size_t i = 0; i < market->selections_count; i++)
        if (strcmp(market->selections[i].id, id) == 0)
            return &market->selections[i];
    return NULL;
}

static void check_odds(const struct feed_selection *selection)
{
    ASSERT((selection->status == SELECTION_ACTIVE) == odds_present(selection->odds));
    if (!odds_present(selection->odds))
        return;
    ASSERT(selection->odds.numerator > selection->odds.denominator);
    ASSERT(100 % selection->odds.denominator == 0); /* whole cents */
}

static void keep_selections(struct book_market *market, const struct feed_market *image)
{
    struct book_selection *old = market->selections;
    size_t old_count = market->selections_count;
    market->selections = calloc(SELECTIONS_MAX, sizeof *market->selections);
    ASSERT(market->selections != NULL);
    market->selections_count = image->selections_count;
    for (size_t i = 0; i < image->selections_count; i++) {
        struct book_selection *to = &market->selections[i];
        const struct feed_selection *from = &image->selections[i];
        char id[64];
        copy(id, sizeof id, from->id);
        for (size_t j = 0; j < old_count; j++)
            if (strcmp(old[j].id, id) == 0)
                *to = old[j];
        to->removed += to->status != SELECTION_REMOVED && from->status == SELECTION_REMOVED ? 1 : 0;
        to->returned +=
            to->status == SELECTION_REMOVED && from->status != SELECTION_REMOVED ? 1 : 0;
        copy(to->id, sizeof to->id, from->id);
        copy(to->name, sizeof to->name, from->name);
        to->status = from->status;
        to->odds = from->odds;
    }
    free(old);
}

static void trace_market(struct book_sink *book, const struct feed_market *image)
{
    put(book, "market %.*s %s%s", SLICE_ARG(image->id), market_status_text(image->status),
        image->in_play ? " in-play" : "");
    if (image->place_terms.places > 0)
        put(book, " %u places %u/%u", image->place_terms.places, image->place_terms.numerator,
            image->place_terms.denominator);
    if (image->each_way_only)
        put(book, " each-way only");
    if (image->winners > 1)
        put(book, " %u win", image->winners);
    for (size_t i = 0; i < image->selections_count; i++) {
        const struct feed_selection *selection = &image->selections[i];
        char text[32];
        struct buf buf = buf_over(text, sizeof text);
        if (odds_present(selection->odds))
            odds_write_decimal(&buf, selection->odds);
        else
            buf_put_text(&buf, selection_status_text(selection->status));
        put(book, " %.*s=%.*s", SLICE_ARG(selection->id), (int)buf.bytes, text);
    }
}

static void on_market(struct feed_sink *sink, const struct feed_market *image)
{
    struct book_sink *book = self(sink);
    begin(book);
    ASSERT(slice_is(image->provider, "betfair"));
    ASSERT(image->selections_count <= SELECTIONS_MAX);
    ASSERT(image->bet_delay_us >= 0);
    for (size_t i = 0; i < image->selections_count; i++) {
        check_odds(&image->selections[i]);
        ASSERT(image->selections[i].id.bytes > 0);
        ASSERT(image->selections[i].name.bytes > 0);
    }
    trace_market(book, image);
    struct book_market *market = find_or_add(book, image->id);
    market->images++;
    copy(market->event_id, sizeof market->event_id, image->event_id);
    copy(market->event_name, sizeof market->event_name, image->event_name);
    copy(market->sport, sizeof market->sport, image->sport);
    copy(market->name, sizeof market->name, image->name);
    copy(market->kind, sizeof market->kind, image->kind);
    market->status = image->status;
    market->in_play = image->in_play;
    market->bet_delay_us = image->bet_delay_us;
    market->feed_time = image->feed_time;
    market->start_time = image->start_time;
    market->provider_version = image->provider_version;
    keep_selections(market, image);
}

/* " 1/2" of a dead heat, " place 3", " left 1000000 -30.01" of one that takes something off. */
static void trace_more(struct book_sink *book, const struct feed_selection_result *result)
{
    if (leg_result_outcome(result->result) == LEG_OUTCOME_DEAD_HEAT)
        put(book, " %u/%u", result->result.dead_heat_numerator,
            result->result.dead_heat_denominator);
    if (result->position != 0)
        put(book, " place %u", result->position);
    if (result->deduction != 0)
        put(book, " left %lld -%u.%02u", (long long)result->withdrawn_at.us,
            result->deduction / 100, result->deduction % 100);
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    struct book_sink *book = self(sink);
    begin(book);
    struct book_market *market = find_or_add(book, result->market_id);
    put(book, "result %s v%llu", market->id, (unsigned long long)result->result_version);
    ASSERT(market->status == MARKET_CLOSED_STATUS);
    ASSERT(result->result_version > market->result_version);
    ASSERT(result->selections_count == market->selections_count);
    market->results++;
    market->result_version = result->result_version;
    for (size_t i = 0; i < result->selections_count; i++) {
        char id[64];
        copy(id, sizeof id, result->selections[i].selection_id);
        struct book_selection *selection = book_sink_selection(market, id);
        ASSERT(selection != NULL);
        ASSERT(leg_result_valid(result->selections[i].result));
        selection->has_result = true;
        selection->result = result->selections[i].result;
        put(book, " %s=%s", id, leg_outcome_text(leg_result_outcome(selection->result)));
        trace_more(book, &result->selections[i]);
    }
    if (result->deduction_model != 0)
        put(book, " model %d", (int)result->deduction_model);
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    struct book_sink *book = self(sink);
    begin(book);
    ASSERT(slice_is(provider, "betfair"));
    struct book_market *market = find_or_add(book, market_id);
    ASSERT(market->images > 0);
    market->removals++;
    put(book, "removed %s", market->id);
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    ASSERT(slice_is(provider, "betfair"));
    self(sink)->alive++;
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    struct book_sink *book = self(sink);
    begin(book);
    ASSERT(slice_is(provider, "betfair"));
    ASSERT(book->late != late);
    book->late = late;
    put(book, "%s", late ? "late" : "good");
}

static const struct feed_sink_ops ops = {
    .market = on_market,
    .result = on_result,
    .removed = on_removed,
    .alive = on_alive,
    .late = on_late,
};

struct book_sink *book_sink_new(void)
{
    struct book_sink *book = calloc(1, sizeof *book);
    ASSERT(book != NULL);
    book->sink.ops = &ops;
    book->markets = calloc(BOOK_MARKETS_MAX, sizeof *book->markets);
    ASSERT(book->markets != NULL);
    return book;
}

void book_sink_free(struct book_sink *book)
{
    for (size_t i = 0; i < book->markets_count; i++)
        free(book->markets[i].selections);
    free(book->markets);
    free(book);
}

const char *book_sink_said(struct book_sink *book)
{
    static char said[BOOK_TRACE_BYTES];
    memcpy(said, book->trace, book->trace_bytes);
    said[book->trace_bytes] = '\0';
    book->trace_bytes = 0;
    return said;
}
