/* test_recordings.c - every recording and sample message that the project has, through the real
 * reader and the real decoder. They are not part of this repository: OVERROUND_FEEDS names their
 * folder, and without it these tests are skipped and say so. Numbers: the recordings' README. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "book_sink.h"
#include "feeds/betfair_stream/betfair_source.h"
#include "feeds/replay/replay_file.h"
#include "test.h"

#ifndef FEEDS_FOLDER
#error "the build says where the recordings are by default"
#endif

static const char *folder(void)
{
    static char path[512];
    const char *from_env = getenv("OVERROUND_FEEDS");
    (void)snprintf(path, sizeof path, "%s/betfair", from_env != NULL ? from_env : FEEDS_FOLDER);
    if (access(path, R_OK) == 0)
        return path;
    print_message("no recordings at %s: set OVERROUND_FEEDS\n", path);
    return NULL;
}

struct recording {
    const char *file;
    uint64_t messages, market_changes, runner_changes;
    uint64_t markets, closed, unsettled; /* unsettled: Asian lines, closed without a result */
    uint64_t won, lost, voided;          /* of the markets that are settled, at the end */
    const char *winners;                 /* of single markets */
    bool whole_book;                     /* one market with all its messages: never crossed */
};

/* Counted by tools/feedstat.py and from the definitions; the sums are in the README. */
static const struct recording recordings[] = {
    {"1-166811431.bz2", 11357, 11357, 17813, 1, 1, 0, 1, 1, 0, "Cleveland Cavaliers", true},
    {"1-206064380.bz2", 18793, 18793, 51603, 1, 1, 0, 1, 11, 1, "9. Isolating", true},
    {"1.127236622.bz2", 16096, 16096, 66333, 1, 1, 0, 1, 12, 0, "2. Hauraki", true},
    {"1.145405534.bz2", 681, 681, 1083, 1, 1, 0, 1, 1, 0, "Yes", true},
    {"1.185781277.bz2", 7600, 7600, 27454, 1, 1, 0, 1, 13, 3, "40364042", true},
    {"1.197931750.gz", 166, 166, 989, 1, 1, 0, 1, 5, 0, "2. Sandwood Jet", true},
    {"1.197931751.gz", 166, 166, 973, 1, 1, 0, 2, 4, 0, "2. Sandwood Jet; 6. Coolavanny Galiv",
     true},
    {"1.200806927.gz", 18529, 18529, 21895, 1, 1, 0, 1, 1, 0, "228749", true},
    {"1.223716976.bz2", 362, 362, 534, 1, 1, 0, 1, 1, 0, "Cameron Norrie", true},
    {"1.230478683.bz2", 396, 396, 205, 1, 1, 0, 5, 49, 1,
     "Anirban Lahiri; Tyrrell Hatton; Patrick Reed; Sergio Garcia; Louis Oosthuizen", true},
    {"1.242971311.bz2", 1736, 2821, 6672, 200, 0, 0, 0, 0, 0, NULL, false},
    {"BASIC-1.132153978.gz", 480, 480, 1208, 1, 1, 0, 1, 11, 2, "Brother Mcgonagall", true},
    {"football-basic-sample.bz2", 1096, 4170, 5628, 77, 77, 4, 85, 722, 123, NULL, false},
};

struct played {
    struct book_sink *book;
    struct feed_source *source;
    struct betfair_counts counts;
};

static struct played play(const char *path)
{
    struct played played = {.book = book_sink_new()};
    struct betfair_options options = betfair_options_default();
    struct replay_file *file;
    struct slice line;
    int result;
    played.source = betfair_source_new(&options, &played.book->sink);
    assert_non_null(played.source);
    assert_int_equal(replay_file_open(path, &file), 0);
    while ((result = replay_file_next(file, &line)) == 1)
        assert_int_equal(played.source->ops->message(played.source, line), 0);
    if (result < 0)
        fail_msg("%s", replay_file_error(file));
    replay_file_close(file);
    betfair_source_check(played.source);
    betfair_source_counts(played.source, &played.counts);
    return played;
}

static void done(struct played *played)
{
    played->source->ops->free(played->source);
    book_sink_free(played->book);
}

static struct played play_named(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder(), name);
    return play(path);
}

static void check_counts(const struct recording *recording, const struct played *played)
{
    const struct feed_counts *counts = &played->source->counts;
    assert_int_equal(counts->messages, recording->messages);
    assert_int_equal(counts->market_changes, recording->market_changes);
    assert_int_equal(counts->runner_changes, recording->runner_changes);
    assert_int_equal(counts->malformed, 0);
    assert_int_equal(counts->limits_reached, 0);
    assert_int_equal(played->book->alive, recording->messages);
    assert_int_equal(played->book->markets_count, recording->markets);
    assert_int_equal(played->counts.unsettled_closed, recording->unsettled);
    assert_int_equal(played->counts.results_refused, 0);
    assert_int_equal(played->counts.stale_copies, 0);
    if (recording->whole_book)
        assert_int_equal(played->counts.crossed, 0);
    if (recording->closed == recording->markets)
        assert_int_equal(played->counts.ladder_points, 0);
}

struct tally {
    uint64_t closed, won, lost, voided, results;
    struct buf winners;
};

static void tally_market(struct tally *tally, const struct book_market *market)
{
    tally->closed += market->status == MARKET_CLOSED_STATUS;
    tally->results += market->results;
    if (market->results == 0)
        return;
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct book_selection *selection = &market->selections[i];
        assert_true(selection->has_result);
        switch ((int)leg_result_outcome(selection->result)) {
        case LEG_OUTCOME_WON:
            assert_int_equal(selection->status, SELECTION_WON);
            if (tally->won++ > 0)
                buf_put_text(&tally->winners, "; ");
            buf_put_text(&tally->winners, selection->name);
            break;
        case LEG_OUTCOME_LOST:
            assert_int_equal(selection->status, SELECTION_LOST);
            tally->lost++;
            break;
        case LEG_OUTCOME_VOID:
            assert_int_equal(selection->status, SELECTION_VOID);
            tally->voided++;
            break;
        default:
            fail_msg("a runner flag cannot say this");
        }
    }
}

static void check_end(const struct recording *recording, const struct played *played)
{
    char winners[4096];
    struct tally tally = {.winners = buf_over(winners, sizeof winners)};
    for (size_t i = 0; i < played->book->markets_count; i++) {
        const struct book_market *market = &played->book->markets[i];
        bool resettled = strcmp(market->id, "1.131162830") == 0;
        tally_market(&tally, market);
        if (market->status == MARKET_CLOSED_STATUS && market->removals == 0)
            assert_int_equal(market->results, resettled ? 2 : 1);
    }
    assert_int_equal(tally.closed, recording->closed);
    assert_int_equal(tally.won, recording->won);
    assert_int_equal(tally.lost, recording->lost);
    assert_int_equal(tally.voided, recording->voided);
    assert_int_equal(tally.results, played->source->counts.results);
    if (recording->winners != NULL)
        assert_true(slice_is(buf_slice(&tally.winners), recording->winners));
}

TEST(recordings, end_as_their_readme_says)
{
    if (folder() == NULL)
        skip();
    for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
        print_message("%s\n", recordings[i].file);
        struct played played = play_named(recordings[i].file);
        check_counts(&recordings[i], &played);
        check_end(&recordings[i], &played);
        done(&played);
    }
}

TEST(recordings, a_resettlement_is_two_results)
{
    if (folder() == NULL)
        skip();
    struct played played = play_named("football-basic-sample.bz2");
    struct book_market *market = book_sink_market(played.book, "1.131162830");
    assert_non_null(market);
    assert_int_equal(market->results, 2);
    assert_int_equal(market->result_version, INT64_C(1493566768000)); /* settledTime 15:39:28 */
    for (size_t i = 0; i < market->selections_count; i++) {
        const struct book_selection *selection = &market->selections[i];
        bool city = strcmp(selection->name, "Man City") == 0;
        assert_int_equal(leg_result_equal(selection->result, LEG_WON), city);
    }
    done(&played);
}

TEST(recordings, a_draw_gives_stakes_back_and_a_push_is_not_settled)
{
    if (folder() == NULL)
        skip();
    struct played played = play_named("football-basic-sample.bz2");
    struct book_market *market = book_sink_market(played.book, "1.131162792");
    assert_non_null(market); /* DRAW_NO_BET: both REMOVED */
    assert_int_equal(market->selections_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(leg_result_equal(market->selections[i].result, LEG_VOID));
    market = book_sink_market(played.book, "1.131162758");
    assert_non_null(market); /* ASIAN_HANDICAP: both hc 0 LOSER after 2 - 2 */
    assert_int_equal(market->results, 0);
    assert_int_equal(market->removals, 1);
    assert_int_equal(market->selections_count, 66);
    done(&played);
}

TEST(recordings, a_removal_by_mistake_is_undone)
{
    if (folder() == NULL)
        skip();
    struct played played = play_named("1.230478683.bz2");
    struct book_market *market = book_sink_market(played.book, "1.230478683");
    assert_non_null(market);
    struct book_selection *selection = book_sink_selection(market, "16378930");
    assert_non_null(selection);
    assert_int_equal(selection->removed, 1);
    assert_int_equal(selection->returned, 1);
    assert_true(leg_result_equal(selection->result, LEG_LOST));
    assert_non_null(book_sink_selection(market, "13694060")); /* added in message 3 */
    done(&played);
}

TEST(recordings, cricket_scores_are_counted_and_nothing_else)
{
    if (folder() == NULL)
        skip();
    struct played played = play_named("sportsdata/1.200806927.gz");
    assert_int_equal(played.counts.other_ops, 2170);
    assert_int_equal(played.book->alive, 2170);
    assert_int_equal(played.book->calls, 0);
    done(&played);
}

TEST(recordings, played_again_from_the_middle_give_the_same_end)
{
    if (folder() == NULL)
        skip();
    char path[1024];
    struct book_sink *book = book_sink_new();
    struct betfair_options options = betfair_options_default();
    struct feed_source *source = betfair_source_new(&options, &book->sink);
    assert_non_null(source);
    (void)snprintf(path, sizeof path, "%s/1-206064380.bz2", folder());
    for (int turn = 0; turn < 2; turn++) {
        struct replay_file *file;
        struct slice line;
        assert_int_equal(replay_file_open(path, &file), 0);
        while (replay_file_next(file, &line) == 1) {
            if (turn == 0 && replay_file_line(file) == 9000)
                break;
            assert_int_equal(source->ops->message(source, line), 0);
        }
        replay_file_close(file);
        source->ops->reset(source);
    }
    struct book_market *market = book_sink_market(book, "1.206064380");
    assert_int_equal(market->status, MARKET_CLOSED_STATUS);
    assert_int_equal(market->results, 1);
    source->ops->free(source);
    book_sink_free(book);
}

/* --- single messages --- */

/* Feeds each element of an array, or each of the values that stand one after another. */
static size_t feed_values(struct feed_source *source, struct slice text)
{
    struct json_reader json;
    struct slice value;
    size_t count = 0;
    json_begin(&json, text, NULL, 0);
    if (json_peek(&json) != JSON_ARRAY) {
        assert_int_equal(source->ops->message(source, text), 0);
        return 1;
    }
    json_array_begin(&json);
    while (json_array_next(&json)) {
        assert_true(json_raw(&json, &value));
        assert_int_equal(source->ops->message(source, value), 0);
        count++;
    }
    assert_int_equal(json_end(&json), 0);
    return count;
}

static size_t feed_sample(struct feed_source *source, const char *path)
{
    static char text[1u << 20];
    size_t bytes = strlen(path);
    if (bytes > 7 && strcmp(path + bytes - 7, ".ndjson") == 0) {
        struct replay_file *file;
        struct slice line;
        size_t count = 0;
        assert_int_equal(replay_file_open(path, &file), 0);
        for (; replay_file_next(file, &line) == 1; count++)
            assert_int_equal(source->ops->message(source, line), 0);
        replay_file_close(file);
        return count;
    }
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    bytes = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    return feed_values(source, slice_of(text, bytes));
}

struct sample {
    const char *file;
    size_t messages;
    size_t shown;       /* markets that the book was told of */
    const char *market; /* one of them */
    enum market_status status;
};

static const struct sample samples[] = {
    {"mcm_bsp.json", 210, 1, "1.185781465", MARKET_ACTIVE},
    {"mcm_con_true.json", 1, 0, NULL, 0},
    {"mcm_live_image.json", 1, 0, NULL, 0},
    {"mcm_live_update.json", 1, 0, NULL, 0},
    {"mcm_market_definition_bet_delay_models.json", 1, 105, "1.253167154", MARKET_ACTIVE},
    {"mcm_market_definition_each_way.json", 1, 1, "1.199318717", MARKET_ACTIVE},
    {"mcm_market_definition_runner_removed.json", 1, 1, "1.185781457", MARKET_ACTIVE},
    {"mcm_samples.ndjson", 20, 0, NULL, 0},
    {"ocm_runner_removed.json", 1, 0, NULL, 0},
    {"status_error.json", 1, 0, NULL, 0},
    {"status_error_alt.json", 1, 0, NULL, 0},
    {"status_no_id.json", 1, 0, NULL, 0},
    {"streaming_503.json", 1, 0, NULL, 0},
    {"streaming_connection.json", 1, 0, NULL, 0},
    {"streaming_mcm_HEARTBEAT.json", 1, 0, NULL, 0},
    {"streaming_mcm_RESUB_DELTA.json", 1, 2, NULL, 0},
    {"streaming_mcm_SUB_IMAGE.json", 1, 1, NULL, 0},
    {"streaming_mcm_UPDATE_md.json", 1, 1, NULL, 0},
    {"streaming_mcm_UPDATE_tv.json", 1, 0, NULL, 0},
    {"streaming_mcm_update.json", 1, 0, NULL, 0},
    {"streaming_ocm_FULL_IMAGE.json", 1, 0, NULL, 0},
    {"streaming_ocm_UPDATE.json", 1, 0, NULL, 0},
    {"streaming_status.json", 1, 0, NULL, 0},
};

static void check_sample(const struct sample *sample, const char *in)
{
    char path[1024];
    struct book_sink *book = book_sink_new();
    struct betfair_options options = betfair_options_default();
    struct feed_source *source = betfair_source_new(&options, &book->sink);
    assert_non_null(source);
    (void)snprintf(path, sizeof path, "%s/messages/%s", in, sample->file);
    print_message("%s\n", sample->file);
    assert_int_equal(feed_sample(source, path), sample->messages);
    betfair_source_check(source);
    assert_int_equal(source->counts.messages, sample->messages);
    assert_int_equal(source->counts.malformed, 0);
    assert_int_equal(book->markets_count, sample->shown);
    assert_int_equal(book->late, strcmp(sample->file, "streaming_503.json") == 0);
    if (sample->market != NULL) {
        struct book_market *market = book_sink_market(book, sample->market);
        assert_non_null(market);
        assert_int_equal(market->status, sample->status);
    }
    source->ops->free(source);
    book_sink_free(book);
}

TEST(recordings, every_sample_message_is_understood)
{
    const char *in = folder();
    if (in == NULL)
        skip();
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        check_sample(&samples[i], in);
}

TEST(recordings, no_sample_message_is_forgotten)
{
    if (folder() == NULL)
        skip();
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/messages", folder());
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    assert_int_equal(count, sizeof samples / sizeof samples[0]);
}
