/* test_event_stream_log.c - the contract of streams on the log itself, read by bookmarks in files
 * (app/log_reader.h, adapters/embedded/bookmark_file.h). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapters/embedded/bookmark_file.h"
#include "app/log_reader.h"
#include "app/source_pages.h"
#include "event_stream_contract.h"

#define READERS_MAX 8

struct log_subject {
    struct stream_subject subject;
    struct disk *places; /* what members of all groups share */
    char folder[64];
    struct stream_source sources[READERS_MAX]; /* of each reader; the subject's */
    size_t count;
};

static void rest(void *owner, int ms)
{
    (void)owner;
    usleep((useconds_t)ms * 1000);
}

static struct event_reader *reader_new(struct stream_subject *subject, const char *group)
{
    struct log_subject *log = (struct log_subject *)subject;
    struct log_reader_ports ports = {.rest = rest, .rest_ms = 5};
    struct event_reader *reader = NULL;
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    assert_true(log->count < READERS_MAX);
    struct stream_source *held = &log->sources[log->count++];
    stream_source_open(subject, held);
    assert_int_equal(source_pages_new(held->source, NULL, &ports.pages), 0);
    assert_int_equal(bookmark_file_new(log->places, slice_text(group), &ports.bookmark, &why), 0);
    assert_int_equal(log_reader_new(&ports, &reader), 0);
    return reader;
}

static int unlink_one(void *owner, const char *name)
{
    struct disk *from = owner;
    return from->ops->unlink(from, name);
}

static void subject_free(struct stream_subject *subject)
{
    struct log_subject *log = (struct log_subject *)subject;
    for (size_t i = 0; i < log->count; i++)
        stream_source_close(&log->sources[i]);
    assert_int_equal(log->places->ops->list(log->places, unlink_one, log->places), 0);
    disk_free(log->places);
    assert_int_equal(rmdir(log->folder), 0);
    stream_subject_close(subject);
    free(log);
}

static struct stream_subject *subject_new(void)
{
    struct log_subject *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->subject = (struct stream_subject){.reader_new = reader_new, .free = subject_free};
    stream_subject_open(&log->subject);
    (void)snprintf(log->folder, sizeof log->folder, "/tmp/overround-places-XXXXXX");
    assert_non_null(mkdtemp(log->folder));
    assert_int_equal(disk_open_directory(log->folder, &log->places), 0);
    return &log->subject;
}

EVENT_STREAM_CONTRACT(event_stream_log, subject_new)
