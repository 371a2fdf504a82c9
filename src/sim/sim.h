/* sim.h - the deterministic simulator: one whole book on one thread, virtual time, and a world
 * that tries to make it lose money (DESIGN part 5).
 *
 * Under test is the production code: app, ledger, core, and the embedded ledger store over a
 * disk in memory (adapters/faulty). Everything that happens follows from the seed: feeds,
 * clients, desk, crashes, torn and lost writes, full and stalled disks, flipped bits, clocks.
 * Checkers of L1-L7, P1, P2 and S2 run throughout; the first that finds something prints the
 * invariant, seed and step on stderr and ends the process with 1. A failed ASSERT of the book
 * is a finding too: it prints seed and step before the process aborts.
 * Thread: one run at a time in a process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SIM_TICKS_DEFAULT 3000
#define SIM_TICKS_MAX     10000000

/* X(code, name in the report, must not be zero over a whole swarm) */
#define SIM_COUNT_LIST(X)                                                                          \
    X(SIM_CRASH, "crash", true)                                                                    \
    X(SIM_CRASH_IN_APPEND, "crash_in_append", true)                                                \
    X(SIM_CRASH_IN_START, "crash_in_start", true)                                                  \
    X(SIM_KILL, "kill", true)                                                                      \
    X(SIM_KILL_IN_APPEND, "kill_in_append", true)                                                  \
    X(SIM_KILL_IN_OP, "kill_in_operation", true)                                                   \
    X(SIM_WRITE_FAILED, "write_failed", true)                                                      \
    X(SIM_SYNC_FAILED, "sync_failed", true)                                                        \
    X(SIM_DISK_FULL, "disk_full", true)                                                            \
    X(SIM_SPACE_BACK, "space_back", true)                                                          \
    X(SIM_DISK_STALLED, "disk_stalled", true)                                                      \
    X(SIM_LOG_STALLED, "log_stalled", true)                                                        \
    X(SIM_DISK_HUNG, "disk_hung", true)                                                            \
    X(SIM_CAME_BACK, "hung_disk_came_back", true)                                                  \
    X(SIM_FAILOVER, "failovers", true)                                                             \
    X(SIM_FAILOVER_FAILED, "failovers_failed", true)                                               \
    X(SIM_CRASH_IN_FAILOVER, "crash_in_failover", true)                                            \
    X(SIM_SUPERSEDED, "groups_superseded", true)                                                   \
    X(SIM_BIT_FLIPPED, "bit_flipped", true)                                                        \
    X(SIM_CLOCK_BACK, "clock_back", true)                                                          \
    X(SIM_CLOCK_FORTH, "clock_forth", true)                                                        \
    X(SIM_CLOCK_SKEWED, "clock_skewed", true)                                                      \
    X(SIM_FEED_DROPPED, "feed_dropped", true)                                                      \
    X(SIM_FEED_DUPLICATED, "feed_duplicated", true)                                                \
    X(SIM_FEED_REORDERED, "feed_reordered", true)                                                  \
    X(SIM_FEED_SILENT, "feed_silent", true)                                                        \
    X(SIM_FEED_LATE, "feed_late", true)                                                            \
    X(SIM_FEED_REMOVED, "feed_removed", true)                                                      \
    X(SIM_RESULT, "results", true)                                                                 \
    X(SIM_RESULT_HIGHER, "results_higher", true)                                                   \
    X(SIM_RESULT_NOT_HIGHER, "results_not_higher", true)                                           \
    X(SIM_RESULT_INVALID, "results_invalid", true)                                                 \
    X(SIM_ROLLBACK, "rollbacks", true)                                                             \
    X(SIM_ROLLBACK_ONE, "rollbacks_of_selections", true)                                           \
    X(SIM_WINDOW, "windows", true)                                                                 \
    X(SIM_WINDOW_UNDONE, "windows_undone", true)                                                   \
    X(SIM_TIE, "ties", true)                                                                       \
    X(SIM_WITHDRAWN, "withdrawn", true)                                                            \
    X(SIM_DESK_HOLD, "desk_holds", true)                                                           \
    X(SIM_DESK_RESULT, "desk_results", true)                                                       \
    X(SIM_CLEAN_RESTART, "clean_restart", true)                                                    \
    X(SIM_RETRY_BEFORE, "retry_before_answer", true)                                               \
    X(SIM_RETRY_AFTER, "retry_after_answer", true)                                                 \
    X(SIM_OTHER_BODY, "same_key_other_body", true)                                                 \
    X(SIM_DISCONNECT, "disconnects", true)                                                         \
    X(SIM_DEPOSIT, "deposits", true)                                                               \
    X(SIM_WITHDRAWAL, "withdrawals", true)                                                         \
    X(SIM_MONEY_REFUSED, "money_refused", true)                                                    \
    X(SIM_BET_ASKED, "bets", true)                                                                 \
    X(SIM_BET_PLACED, "bets_accepted", true)                                                       \
    X(SIM_BET_PENDING, "bets_pending", true)                                                       \
    X(SIM_BET_REFUSED, "bets_refused", true)                                                       \
    X(SIM_BET_RELEASED, "bets_released", true)                                                     \
    X(SIM_BET_NOT_ACCEPTED, "bets_not_accepted", true)                                             \
    X(SIM_MULTIPLE, "multiples_accepted", true)                                                    \
    X(SIM_SYSTEM, "systems_accepted", true)                                                        \
    X(SIM_BANKER, "systems_with_bankers_accepted", true)                                           \
    X(SIM_EACH_WAY, "each_way_accepted", true)                                                     \
    X(SIM_MULTIPLE_RELEASED, "multiples_released", true)                                           \
    X(SIM_RELATED, "refused_related", true)                                                        \
    X(SIM_NO_TERMS, "refused_without_place_terms", true)                                           \
    X(SIM_TOO_LARGE, "refused_legs_lines_or_odds", true)                                           \
    X(SIM_LIABILITY, "refused_for_liability", true)                                                \
    X(SIM_BET_SETTLED, "bets_settled", true)                                                       \
    X(SIM_MULTIPLE_SETTLED, "multiples_settled", true)                                             \
    X(SIM_LOST_EARLY, "bets_lost_before_all_results", true)                                        \
    X(SIM_CANCELLED, "legs_void_by_time", true)                                                    \
    X(SIM_RULE4, "legs_with_rule_4", true)                                                         \
    X(SIM_OFF_WINNINGS, "legs_reduced_on_winnings", true)                                          \
    X(SIM_OFF_PRICE, "legs_reduced_on_price", true)                                                \
    X(SIM_PLACED_LEG, "legs_placed", true)                                                         \
    X(SIM_SHARED_PLACE, "legs_that_share_a_place", true)                                           \
    X(SIM_NON_RUNNER, "ante_post_legs_lost", true)                                                 \
    X(SIM_BET_CORRECTED, "bets_corrected", true)                                                   \
    X(SIM_BET_REOPENED, "bets_opened_again", true)                                                 \
    X(SIM_BUSY, "limits_reached", true)                                                            \
    X(SIM_STOPPED, "refused_stopped", true)                                                        \
    X(SIM_FULL, "refused_full", true)                                                              \
    X(SIM_STALLED, "refused_stalled", true)                                                        \
    X(SIM_HISTORY, "histories", true)                                                              \
    X(SIM_REFOLD, "refolds", true)                                                                 \
    X(SIM_AUDIT, "audits", true)                                                                   \
    X(SIM_RECORD_LOST, "records_lost_unanswered", true)                                            \
    X(SIM_RECORD_FOUND, "records_found_unanswered", true)                                          \
    X(SIM_SNAPSHOT, "snapshots", true)                                                             \
    X(SIM_SNAPSHOT_FAILED, "snapshots_failed", true)                                               \
    X(SIM_SNAPSHOT_DAMAGED, "snapshots_damaged", true)                                             \
    X(SIM_SNAPSHOT_PASSED, "snapshots_passed_over", true)                                          \
    X(SIM_SNAPSHOT_START, "starts_from_snapshot", true)                                            \
    X(SIM_CRASH_IN_SNAPSHOT, "crash_in_snapshot", true)                                            \
    X(SIM_SAMPLE, "samples_compared", true)                                                        \
    X(SIM_DRIFT, "drifts_found", true)                                                             \
    X(SIM_HEAD, "heads_signed", true)                                                              \
    X(SIM_KEY_ROTATED, "signing_keys_changed", true)                                               \
    X(SIM_KEY_ROTATED_BEHIND, "signing_keys_changed_behind", true)                                 \
    X(SIM_KEY_NOT_ROTATED, "signing_keys_not_changed", true)                                       \
    X(SIM_PROOF, "proofs_checked", true)                                                           \
    X(SIM_CONSISTENCY, "consistency_checked", true)                                                \
    X(SIM_TREE_GAP, "tree_gaps", true)                                                             \
    X(SIM_TREE_STOPPED, "trees_stopped", true)                                                     \
    X(SIM_TREE_DAMAGED, "trees_damaged", true)                                                     \
    X(SIM_TREE_DAMAGE_FOUND, "tree_damage_found", true)                                            \
    X(SIM_TREE_AUDIT, "tree_audits", true)                                                         \
    X(SIM_REWRITE_FOUND, "rewrites_found", true)                                                   \
    X(SIM_CUT_FOUND, "cuts_found", true)                                                           \
    X(SIM_ODDS_SYNCED, "odds_log_syncs", true)                                                     \
    X(SIM_ODDS_STOPPED, "odds_logs_stopped", true)                                                 \
    X(SIM_ODDS_LOST, "odds_changes_lost", true)                                                    \
    X(SIM_ODDS_DELETED, "odds_logs_shortened", true)                                               \
    X(SIM_ODDS_FLIPPED, "odds_logs_damaged", true)                                                 \
    X(SIM_OPENED, "fields_opened", true)                                                           \
    X(SIM_ERASED, "users_erased", true)                                                            \
    X(SIM_KEYS_FLIPPED, "keys_damaged", true)                                                      \
    X(SIM_SEARCHED, "searches_for_plain", true)                                                    \
    X(SIM_OLD_KEY_ASKED, "old_keys_asked", true)                                                   \
    X(SIM_OLD_KEY_FOUND, "old_keys_found", true)                                                   \
    X(SIM_VERDICT_RUN, "verdict_runs_made", true)                                                  \
    X(SIM_VERDICT_MERGE, "verdict_runs_merged", true)                                              \
    X(SIM_VERDICTS_DAMAGED, "verdict_runs_damaged", true)                                          \
    X(SIM_VERDICTS_AGAIN, "verdict_runs_made_again", true)                                         \
    X(SIM_PACKED, "segments_packed", true)                                                         \
    X(SIM_ARCHIVED, "segments_archived", true)                                                     \
    X(SIM_CRASH_IN_UPKEEP, "crash_in_upkeep", true)                                                \
    X(SIM_UPKEEP_FAILED, "upkeep_failed", true)                                                    \
    X(SIM_SCRUB_ROUND, "scrub_rounds", true)                                                       \
    X(SIM_SCRUB_FOUND, "scrub_damage_found", true)                                                 \
    X(SIM_KEYS_SCRUBBED, "verdict_runs_scrubbed", true)                                            \
    X(SIM_SHIP_SESSION, "ship_sessions", true)                                                     \
    X(SIM_SHIP_CAUGHT_UP, "ship_caught_up", true)                                                  \
    X(SIM_SHIP_SAFE, "told_with_standby", true)                                                    \
    X(SIM_SHIP_AWAY, "ship_away", true)                                                            \
    X(SIM_SHIP_DEGRADED, "ship_degraded", true)                                                    \
    X(SIM_SHIP_BAD, "ship_bad_messages", true)                                                     \
    X(SIM_SHIP_DROPPED, "ship_dropped", true)                                                      \
    X(SIM_SHIP_DUPLICATED, "ship_duplicated", true)                                                \
    X(SIM_SHIP_REORDERED, "ship_reordered", true)                                                  \
    X(SIM_SHIP_GARBLED, "ship_garbled", true)                                                      \
    X(SIM_SHIP_CUT, "ship_cut", true)                                                              \
    X(SIM_STANDBY_CRASH, "standby_crash", true)                                                    \
    X(SIM_STANDBY_KILL, "standby_kill", true)                                                      \
    X(SIM_STANDBY_FAILED, "standby_failed", true)                                                  \
    X(SIM_SHIP_KEY, "keys_taken_over", true)                                                       \
    X(SIM_PROMOTED, "promotions", true)                                                            \
    X(SIM_PROMOTE_FAILED, "promotions_failed", true)                                               \
    X(SIM_FENCED, "primaries_fenced", true)                                                        \
    X(SIM_REJOINED, "primaries_rejoined", true)                                                    \
    X(SIM_PARTED, "primaries_parted", true)                                                        \
    X(SIM_RECORD, "records", true)

#define SIM_COUNT_ENUM(code, name, needed) code,
enum sim_count { SIM_COUNT_LIST(SIM_COUNT_ENUM) };
#undef SIM_COUNT_ENUM
#define SIM_COUNTS (SIM_RECORD + 1)

struct sim_options {
    uint64_t seed;
    uint64_t ticks;
    bool trace; /* every event that is counted goes to stderr, with its step */
};

struct sim_report {
    uint64_t seed, ticks;
    int64_t virtual_us;
    uint64_t counts[SIM_COUNTS];
    uint8_t state_hash[32]; /* of state, records and counts: equal for equal seeds */
};

/* Runs one seed to its end. 0 or -ERR_MEMORY; a broken invariant ends the process (above). */
int sim_run(const struct sim_options *options, struct sim_report *ret);
/* One line of JSON. */
void sim_report_write(const struct sim_report *report, FILE *out);
/* The same of many seeds together; its hash is that of all of them. */
void sim_report_write_sum(const struct sim_report *sum, uint64_t seeds, FILE *out);
void sim_report_add(struct sim_report *sum, const struct sim_report *report);
/* "crash", "bets_accepted", ... */
const char *sim_count_name(enum sim_count count);
/* The name of the first count that is zero and must not be, over a swarm; NULL: none. */
const char *sim_report_missing(const struct sim_report *sum);
