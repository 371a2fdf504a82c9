/* event_stream.h - streams of events for other programs (docs/PROTOCOL.md, "Streams"): what is told
 * of a log, by whom it is told on, and by whom it is read.
 *
 * The log is the outbox (DESIGN 6.4): a source makes events of its records, in their order, from
 * any position; a writer puts them into a topic together with the position that it has reached;
 * a reader is one of a group whose members share a topic. What may come twice is marked: `seq` and
 * the key are those of the first time. Nothing here is in the path of a bet (V1-97).
 *
 * Calls block, so a thread of its own hosts them. Thread: one user each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define EVENT_KEY_BYTES_MAX   128          /* of market and event ids */
#define EVENT_VALUE_BYTES_MAX (512 * 1024) /* JSON of the longest record, and more */
#define EVENT_SEQ_BYTES_MAX   40
#define EVENT_GROUP_BYTES_MAX 64

/* One message. All texts are borrowed for the call. */
struct event {
    struct slice key;   /* events of one key are read in the order in which they were written */
    struct slice value; /* JSON */
    struct slice seq;   /* of the record; (seq, key) says what a repeat is */
    uint64_t position;  /* in the log, of the record */
    int64_t time_us;    /* of the record, since 1970 */
    int32_t partition;  /* read: the part of the topic that it stands in; written: not looked at */
};

/* 0, or a negative answer that ends the call which visits. */
typedef int (*event_visit)(void *owner, const struct event *event);

/* ---- a log, as events ---- */

struct event_source;

struct event_source_ops {
    /* The next events are of records behind this position; 0: of all. Blocks for reading what has
     * to be known before. 0 or an error of reading. */
    int (*seek)(struct event_source *source, uint64_t position);
    /* Visits the events of the next records, after about bytes_max bytes of log no more, and always
     * all events of a record. 1: there is more; 0: there is not, now; the visitor's negative answer
     * or an error of reading: then seek again. *ret_position: up to where all was visited; written
     * on success. */
    int (*step)(struct event_source *source, size_t bytes_max, event_visit visit, void *owner,
                uint64_t *ret_position);
    /* How many records (of the odds log: bytes) there are now that were not visited. */
    uint64_t (*lag)(const struct event_source *source);
    void (*free)(struct event_source *source);
};

struct event_source {
    const struct event_source_ops *ops;
};

/* ---- a topic, written ---- */

struct event_writer;

struct event_writer_ops {
    /* Begins, also anew after a failure: whoever wrote before under the same name writes no
     * more, and what was put but not committed is not there, or will come again as a repeat. 0
     * and the position last committed (0: none); -ERR_ABSENT: nobody answers, or not all that
     * are needed: try again; -ERR_CONFIG: it will never do, or the topic has another book's
     * events; -ERR_MEMORY. */
    int (*begin)(struct event_writer *writer, uint64_t *ret_position);
    /* Copies the event. 0, or -ERR_ABSENT as of commit. */
    int (*put)(struct event_writer *writer, const struct event *event);
    /* All that was put since the last commit, and the position, durably: 0. -ERR_ABSENT: what
     * became of it is not known, or another writer has begun under the same name; begin()
     * tells. */
    int (*commit)(struct event_writer *writer, uint64_t position);
    /* A sentence about the last failure, or "". */
    const char *(*problem)(const struct event_writer *writer);
    void (*free)(struct event_writer *writer);
};

struct event_writer {
    const struct event_writer_ops *ops;
};

/* ---- a topic, read by a group ---- */

struct event_reader;

struct event_reader_ops {
    /* Visits the events that are there for this member of the group, at most about events_max,
     * waiting up to wait_ms for the first. The number visited; the visitor's negative answer,
     * and then that event comes again; -ERR_ABSENT: nobody answers; -ERR_CONFIG; -ERR_CORRUPT.
     */
    int (*read)(struct event_reader *reader, int events_max, int wait_ms, event_visit visit,
                void *owner);
    /* Changes whenever this member's share of the topic may have changed: what it remembers of
     * partitions is then to be forgotten, for others may have gone on with them meanwhile. */
    uint64_t (*generation)(const struct event_reader *reader);
    /* All that was visited is done with: whoever of the group reads next goes on behind it.
     * Without it, it comes again. 0; -ERR_ABSENT: not known, some of it may come again. */
    int (*commit)(struct event_reader *reader);
    /* Waits for wait_ms without reading, and stays a member of the group: for who needs long with
     * what was visited. 0, or an error as of read(). */
    int (*stay)(struct event_reader *reader, int wait_ms);
    /* How many events (of a log: records; of the odds log: changes) of this member's share are
     * there that it has not visited, as far as is known. */
    uint64_t (*lag)(struct event_reader *reader);
    const char *(*problem)(const struct event_reader *reader);
    void (*free)(struct event_reader *reader); /* leaves the group, without a commit */
};

struct event_reader {
    const struct event_reader_ops *ops;
};
