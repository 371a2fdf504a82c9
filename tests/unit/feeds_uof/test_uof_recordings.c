/* test_uof_recordings.c - the recorded messages, one file after another: which are taken. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "feeds/replay/replay_file.h"
#include "feeds/replay/replay_join.h"
#include "test.h"
#include "uof_ear.h"

static void play(struct ear *ear, struct replay_join *join, const char *path)
{
    struct replay_file *file;
    struct slice line, document;
    assert_int_equal(replay_file_open(path, &file), 0);
    while (replay_file_next(file, &line) == 1)
        if (replay_join_line(join, line, &document) == 1)
            (void)ear->source->ops->message(ear->source, document);
    if (replay_join_rest(join, &document))
        (void)ear->source->ops->message(ear->source, document);
    replay_file_close(file);
    uof_source_check(ear->source);
}

/* What the names of the files say: "-malformed" is, and so are those without a required attribute.
 */
static bool is_malformed(const char *path)
{
    return strstr(path, "malformed") != NULL || strstr(path, "go-parsing-fixture") != NULL ||
           strstr(path, "feed/rollback_bet_cancel") != NULL;
}

TEST(uof_recordings, each_message_is_taken_but_the_malformed)
{
    glob_t files;
    struct replay_join *join;
    if (glob(FEEDS_FOLDER "/uof/feed*/*.xml", 0, NULL, &files) != 0)
        skip();
    struct ear *ear = ear_new();
    assert_int_equal(replay_join_new(&join), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct feed_counts before = ear->source->counts;
        play(ear, join, files.gl_pathv[i]);
        uint64_t malformed = ear->source->counts.malformed - before.malformed;
        uint64_t taken = ear->source->counts.messages - before.messages;
        if (malformed != is_malformed(files.gl_pathv[i]) || taken + malformed != 1)
            fail_msg("%s: %d taken, %d malformed", files.gl_pathv[i], (int)taken, (int)malformed);
    }
    assert_true(ear->source->counts.results > 0);
    replay_join_free(join);
    globfree(&files);
    ear_free(ear);
}
