/* sim_counts.h - what a run of the simulator counts. Part of sim.h. Thread: any. */
#pragma once

#include "sim/sim_counts_book.h"

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
    SIM_COUNT_LIST_BOOK(X)                                                                         \
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
