/* sim_odds_log.h - the odds_log port in memory of the world. It keeps every change, so that the
 * audit can look bets up in it; a crash takes up to the last second, as the port allows, and
 * positions go on behind a gap. Thread: one. */
#pragma once

#include "ports/odds_log.h"

#define SIM_ODDS_GAP 1000

struct sim_odds_log {
    struct odds_log port;
    struct sim_odds_change *changes; /* owns */
    size_t count, capacity;
    char *texts; /* owns; ids and selections of the changes, one after another */
    size_t texts_bytes, texts_capacity;
    uint64_t position; /* of the newest change */
    uint32_t epoch;
    int64_t now_us;
    bool failing; /* answers 0: its writer is too far behind */
};

void sim_odds_log_init(struct sim_odds_log *log);
void sim_odds_log_done(struct sim_odds_log *log);
/* Drops the changes of the last `us` of monotonic time. */
void sim_odds_log_crash(struct sim_odds_log *log, int64_t us);
/* The change appended last; there is one. Its slices point into the log until the next append. */
struct odds_log_change sim_odds_log_newest(const struct sim_odds_log *log);
