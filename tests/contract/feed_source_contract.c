/* feed_source_contract.c - contract in feed_source_contract.h. */
#include "feed_source_contract.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/ids.h"
#include "test.h"

#define RUBBISH_LINES 4000
#define RUBBISH_BYTES 200

/* ---- who is told ---- */

struct told {
    struct feed_sink sink;
    int changes; /* markets, results, removals, words of being late */
    int alive;
    char market_id[MARKET_ID_BYTES_MAX + 1];
    bool on_sale;     /* by the last word on that market or its provider */
    struct odds odds; /* of its first selection */
};

static void on_market(struct feed_sink *sink, const struct feed_market *market)
{
    struct told *told = (struct told *)sink;
    assert_in_range(market->id.bytes, 1, MARKET_ID_BYTES_MAX);
    assert_in_range(market->event_id.bytes, 1, EVENT_ID_BYTES_MAX);
    assert_true(market->provider.bytes > 0 && market->selections_count <= SELECTIONS_MAX);
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct feed_selection *selection = &market->selections[i];
        assert_in_range(selection->id.bytes, 1, SELECTION_ID_BYTES_MAX);
        assert_true(selection->status != SELECTION_ACTIVE || odds_present(selection->odds));
    }
    told->changes++;
    memcpy(told->market_id, market->id.at, market->id.bytes);
    told->market_id[market->id.bytes] = '\0';
    told->on_sale = market->status == MARKET_ACTIVE;
    if (market->selections_count > 0)
        told->odds = market->selections[0].odds;
}

static void on_result(struct feed_sink *sink, const struct feed_result *result)
{
    (void)result;
    ((struct told *)sink)->changes++;
}

static void on_removed(struct feed_sink *sink, struct slice provider, struct slice market_id)
{
    struct told *told = (struct told *)sink;
    assert_true(provider.bytes > 0 && market_id.bytes > 0);
    told->changes++;
    told->on_sale = false;
}

static void on_alive(struct feed_sink *sink, struct slice provider)
{
    assert_true(provider.bytes > 0);
    ((struct told *)sink)->alive++;
}

static void on_producer(struct feed_sink *sink, const struct feed_producer *producer)
{
    assert_true(producer->silence_us_max > 0);
    ((struct told *)sink)->alive++;
}

static void on_late(struct feed_sink *sink, struct slice provider, bool late)
{
    struct told *told = (struct told *)sink;
    assert_true(provider.bytes > 0);
    told->changes++;
    if (late)
        told->on_sale = false;
}

static const struct feed_sink_ops told_ops = {.market = on_market,
                                              .result = on_result,
                                              .removed = on_removed,
                                              .alive = on_alive,
                                              .producer = on_producer,
                                              .late = on_late};

/* ---- a conversation ---- */

struct talk {
    const struct feed_words *words;
    struct told told;
    struct feed_source *source;
};

/* In memory of its own, which is gone behind the call. */
static int say_bytes(struct talk *talk, const char *at, size_t bytes)
{
    char *line = malloc(bytes == 0 ? 1 : bytes);
    assert_non_null(line);
    for (size_t i = 0; i < bytes; i++)
        line[i] = at[i];
    int result = talk->source->ops->message(talk->source, slice_of(line, bytes));
    memset(line, '#', bytes);
    free(line);
    talk->words->check(talk->source);
    return result;
}

static int say(struct talk *talk, const char *line)
{
    return say_bytes(talk, line, strlen(line));
}

static void begin(struct talk *talk, const struct feed_words *words)
{
    *talk = (struct talk){.words = words, .told = {.sink = {&told_ops}}};
    talk->source = words->source_new(&talk->told.sink);
    assert_non_null(talk->source);
    if (words->opening != NULL)
        assert_int_equal(say(talk, words->opening), 0);
}

static void end(struct talk *talk)
{
    talk->source->ops->free(talk->source);
}

static void shows(const struct talk *talk, const char *odds)
{
    assert_string_equal(talk->told.market_id, talk->words->market_id);
    assert_true(talk->told.on_sale);
    char memory[32];
    struct buf text = buf_over(memory, sizeof memory);
    odds_write_decimal(&text, talk->told.odds);
    assert_true(slice_is(buf_slice(&text), odds));
}

/* Refused whole: nobody was told of anything. */
static void refuses(struct talk *talk, const char *at, size_t bytes)
{
    int changes = talk->told.changes;
    uint64_t messages = talk->source->counts.messages;
    uint64_t refused = talk->source->counts.malformed + talk->source->counts.limits_reached;
    int result = say_bytes(talk, at, bytes);
    if (result != -ERR_FORMAT && result != -ERR_LIMIT)
        fail_msg("%d for %.*s", result, (int)(bytes < 300 ? bytes : 300), at);
    assert_int_equal(talk->told.changes, changes);
    assert_int_equal(talk->source->counts.messages, messages);
    assert_true(talk->source->counts.malformed + talk->source->counts.limits_reached > refused);
}

/* ---- the sentences ---- */

void feed_source_contract_what_is_said_is_shown_and_counted(const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    struct feed_counts before = talk.source->counts;
    assert_int_equal(say(&talk, words->market), 0);
    shows(&talk, "2.00");
    assert_int_equal(say(&talk, words->moved), 0);
    shows(&talk, "2.50");
    assert_int_equal(talk.source->counts.messages, before.messages + 2);
    assert_int_equal(talk.source->counts.bytes,
                     before.bytes + strlen(words->market) + strlen(words->moved));
    assert_int_equal(talk.source->counts.malformed, 0);
    end(&talk);
}

void feed_source_contract_each_message_is_a_sign_of_life(const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    const char *const lines[] = {words->alive, words->market, words->moved, words->alive};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int before = talk.told.alive;
        assert_int_equal(say(&talk, lines[i]), 0);
        assert_true(talk.told.alive > before);
    }
    end(&talk);
}

void feed_source_contract_nothing_of_a_line_is_kept(const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    assert_int_equal(say(&talk, words->market), 0);
    memset(talk.told.market_id, 0, sizeof talk.told.market_id);
    assert_int_equal(say(&talk, words->moved), 0);
    shows(&talk, "2.50");
    end(&talk);
}

void feed_source_contract_a_message_that_is_cut_short_is_refused_whole(
    const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    for (size_t bytes = 0; bytes < strlen(words->market); bytes++)
        refuses(&talk, words->market, bytes);
    assert_int_equal(say(&talk, words->market), 0);
    shows(&talk, "2.00");
    for (size_t bytes = 0; bytes < strlen(words->moved); bytes++)
        refuses(&talk, words->moved, bytes);
    assert_int_equal(say(&talk, words->moved), 0);
    shows(&talk, "2.50");
    end(&talk);
}

void feed_source_contract_a_message_that_is_half_wrong_is_refused_whole(
    const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    assert_int_equal(say(&talk, words->market), 0);
    refuses(&talk, words->half, strlen(words->half));
    shows(&talk, "2.00");
    assert_int_equal(say(&talk, words->moved), 0);
    shows(&talk, "2.50");
    end(&talk);
}

void feed_source_contract_a_line_beyond_its_bound_is_refused_whole(const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    size_t used = strlen(words->market), bytes = words->line_bytes_max + 1;
    char *line = malloc(bytes);
    assert_non_null(line);
    memset(line, ' ', bytes);
    for (size_t i = 0; i < used; i++) /* it would be sound but for its length */
        line[i] = words->market[i];
    refuses(&talk, line, bytes);
    free(line);
    assert_int_equal(say(&talk, words->market), 0);
    shows(&talk, "2.00");
    end(&talk);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

void feed_source_contract_any_bytes_are_answered_and_change_no_rule(const struct feed_words *words)
{
    struct talk talk;
    uint32_t random = 7;
    uint64_t taken = 0;
    begin(&talk, words);
    struct feed_counts before = talk.source->counts;
    for (int i = 0; i < RUBBISH_LINES; i++) {
        char line[1024];
        const char *sound = i % 2 == 0 ? words->market : words->moved;
        size_t bytes = strlen(sound);
        assert_true(bytes < sizeof line);
        memcpy(line, sound, bytes);
        if (i % 3 == 0) /* nothing of it is sound */
            for (bytes = 0; bytes < RUBBISH_BYTES; bytes++)
                line[bytes] = (char)next_random(&random);
        else
            line[next_random(&random) % bytes] = (char)next_random(&random);
        int result = say_bytes(&talk, line, bytes);
        assert_true(result == 0 || result == -ERR_FORMAT || result == -ERR_LIMIT);
        taken += result == 0;
    }
    assert_int_equal(talk.source->counts.messages, before.messages + taken);
    assert_true(talk.source->counts.malformed >= RUBBISH_LINES / 3);
    end(&talk);
}

void feed_source_contract_after_a_reset_nothing_is_on_sale_until_it_is_known_again(
    const struct feed_words *words)
{
    struct talk talk;
    begin(&talk, words);
    assert_int_equal(say(&talk, words->market), 0);
    shows(&talk, "2.00");
    talk.source->ops->reset(talk.source);
    words->check(talk.source);
    assert_int_equal(talk.told.on_sale, words->tells_all);
    assert_int_equal(say(&talk, words->known_again), 0);
    assert_int_equal(say(&talk, words->moved), 0);
    shows(&talk, "2.50");
    end(&talk);
}

void feed_source_contract_two_sources_know_nothing_of_each_other(const struct feed_words *words)
{
    struct talk one, other;
    begin(&one, words);
    begin(&other, words);
    assert_int_equal(say(&one, words->market), 0);
    assert_int_equal(other.told.changes, 0);
    assert_int_equal(other.source->counts.market_changes, 0);
    one.source->ops->reset(one.source);
    assert_int_equal(say(&other, words->market), 0);
    shows(&other, "2.00");
    end(&one);
    end(&other);
}
