/* sim_odds_log.h - the odds log in the simulated machine: the production log over the same disk,
 * stepped once a virtual second, and beside it what the world remembers of every change. A crash
 * may take what was not synced; nothing else may be missing, and nothing may be another. Thread:
 * one. */
#pragma once

#include "adapters/embedded/odds_log_file.h"
#include "adapters/faulty/faulty_disk.h"

struct sim_odds_change {
    uint64_t position;
    uint64_t hash;
    size_t sure; /* operations of the disk when it was synced; SIZE_MAX: not yet */
};

struct sim_odds_log {
    struct odds_log port;
    struct odds_log *file;           /* owns, while up: the log under test */
    struct faulty_disk *disk;        /* borrowed, while up */
    struct sim_odds_change *changes; /* owns; all that must or may be there */
    size_t count, capacity;
    size_t synced;  /* of them */
    int64_t due_us; /* of the next step */
    int64_t now_us;
    uint32_t epoch;       /* taken last */
    uint32_t epoch_shown; /* the highest of which prices were published */
    bool stopped;         /* a write or sync of it failed: nothing is logged until a restart */
    bool failing;         /* answers 0: its writer is too far behind */
    /* The change appended last. */
    struct odds_log_change newest;
    struct odds_log_selection *selections; /* owns */
    char *texts;                           /* owns */
    size_t selections_capacity, texts_capacity, texts_bytes;
};

void sim_odds_log_init(struct sim_odds_log *log);
void sim_odds_log_done(struct sim_odds_log *log);
/* Power failed behind this operation of the disk. */
void sim_odds_log_crashed(struct sim_odds_log *log, size_t op);
/* Over all that a change says. */
uint64_t sim_odds_hash(const struct odds_log_change *change);
/* The change appended last; there is one. */
const struct odds_log_change *sim_odds_log_newest(const struct sim_odds_log *log);
