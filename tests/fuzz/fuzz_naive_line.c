/* fuzz_naive_line.c - lines of the naive book's feed, one an input. What is taken goes to the
 * database as it is, so its texts have no zero and keep their bounds, and the selections are one
 * JSON array that has at most SELECTIONS_MAX and prices above 1; a result names whom it knows; and
 * reading twice gives the same. */
#include <string.h>

#include "base/assert.h"
#include "base/json_read.h"
#include "naive/odds_feed.h"

#define SELECTIONS_BYTES (64 * 1024)

static char first[SELECTIONS_BYTES], second[SELECTIONS_BYTES];
static struct settlement_order orders[2];

static void check_selection(struct json_reader *reader)
{
    struct slice key, id = SLICE_NONE, status = SLICE_NONE, number = SLICE_NONE, name = SLICE_NONE;
    ASSERT(json_object_begin(reader));
    while (json_object_next(reader, &key)) {
        if (slice_is(key, "id"))
            ASSERT(json_string(reader, &id));
        else if (slice_is(key, "status"))
            ASSERT(json_string(reader, &status));
        else if (slice_is(key, "name"))
            ASSERT(json_string(reader, &name));
        else if (json_peek(reader) == JSON_NUMBER)
            ASSERT(json_number(reader, &number));
        else
            ASSERT(json_skip(reader));
    }
    struct odds odds = {0};
    ASSERT(id.bytes > 0 && id.bytes <= SELECTION_ID_BYTES_MAX);
    ASSERT(status.bytes > 0);
    ASSERT(name.bytes <= NAME_BYTES_MAX);
    ASSERT(name.bytes == 0 || memchr(name.at, '\0', name.bytes) == NULL);
    ASSERT(number.bytes == 0 || odds_parse_decimal(number, &odds) == 0);
}

static void check_market(const struct odds_line *line, const struct buf *selections)
{
    char scratch[4 * NAME_BYTES_MAX + 4 * SELECTION_ID_BYTES_MAX];
    struct json_reader reader;
    size_t count = 0;
    ASSERT(!selections->overflow);
    ASSERT(selections->bytes > 0 && selections->at[selections->bytes - 1] == '\0');
    ASSERT(strlen(selections->at) + 1 == selections->bytes);
    ASSERT(line->status[0] != '\0');
    json_begin(&reader, slice_text(selections->at), scratch, sizeof scratch);
    ASSERT(json_array_begin(&reader));
    for (; json_array_next(&reader); count++)
        check_selection(&reader);
    ASSERT(json_end(&reader) == 0);
    ASSERT(count <= SELECTIONS_MAX);
}

static void check_result(const struct settlement_order *order)
{
    ASSERT(order->market[0] != '\0');
    ASSERT(strlen(order->market) <= MARKET_ID_BYTES_MAX);
    ASSERT(order->count >= 0 && order->count <= SELECTIONS_MAX);
    for (int i = 0; i < order->count; i++) {
        ASSERT(order->rows[i].selection[0] != '\0');
        ASSERT(strlen(order->rows[i].selection) <= SELECTION_ID_BYTES_MAX);
        ASSERT(slip_result_text(order->rows[i].result) != NULL);
    }
}

static void check_line(const struct odds_line *line, const struct buf *selections)
{
    ASSERT(strlen(line->market) <= MARKET_ID_BYTES_MAX);
    ASSERT(strlen(line->status) < sizeof line->status);
    switch (line->kind) {
    case ODDS_LINE_MARKET:
        ASSERT(line->market[0] != '\0');
        check_market(line, selections);
        return;
    case ODDS_LINE_REMOVED:
        ASSERT(line->market[0] != '\0');
        ASSERT(strcmp(line->status, "closed") == 0);
        return;
    case ODDS_LINE_RESULT:
        check_result(&orders[0]);
        return;
    case ODDS_LINE_OTHER:
        return;
    }
    ASSERT(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct buf selections = buf_over(first, sizeof first), same = buf_over(second, sizeof second);
    struct odds_line line = {.kind = ODDS_LINE_OTHER}, again = {.kind = ODDS_LINE_OTHER};
    memset(orders, 0, sizeof orders);
    bool taken = odds_line_read(slice_of(at, bytes), &selections, &orders[0], &line);
    ASSERT(odds_line_read(slice_of(at, bytes), &same, &orders[1], &again) == taken);
    if (!taken)
        return 0;
    check_line(&line, &selections);
    ASSERT(line.kind == again.kind && strcmp(line.market, again.market) == 0);
    ASSERT(strcmp(line.status, again.status) == 0);
    ASSERT(slice_equal(buf_slice(&selections), buf_slice(&same)));
    ASSERT(memcmp(&orders[0], &orders[1], sizeof orders[0]) == 0);
    return 0;
}
