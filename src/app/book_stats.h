/* book_stats.h - what a book counts, and what its start was made of. Thread: written by the book's
 * loop; gauges are set when book_stats() is called. */
#pragma once

#include <stdint.h>

#include "ledger/record_referral.h"
#include "ports/snapshot_store.h"

#define BOOK_STATS_OUTCOMES 64

/* Counted since start, for /metrics and the status line. */
struct book_stats {
    uint64_t prices; /* market images that changed */
    uint64_t selections_changed;
    uint64_t groups; /* durable */
    uint64_t group_records;
    uint64_t bets_by_outcome[BOOK_STATS_OUTCOMES];      /* index: enum bet_outcome */
    uint64_t cash_outs_by_outcome[BOOK_STATS_OUTCOMES]; /* the same of cash-outs */
    uint64_t cash_outs_offered;
    uint64_t
        referral_words[REFERRAL_DECLINED + 1]; /* index: enum referral_word; 0: bets referred */
    uint64_t referrals_by_outcome[BOOK_STATS_OUTCOMES]; /* what became of them: enum bet_outcome */
    uint64_t referrals_reached; /* referrals_max or pending_max: a limit's refusal stood */
    uint64_t referrals;         /* that wait */
    uint64_t bets_replayed, bets_conflict, bets_shed, ledger_stalled, ledger_full;
    uint64_t old_keys_reached;                /* VERDICT_ASKS_MAX: shed */
    uint64_t old_keys_failed;                 /* not to be known: 503 */
    uint64_t verdicts_memory, verdicts_total; /* keys in memory; ever */
    uint64_t old_keys_waiting;
    uint64_t settled, reversed, results;
    uint64_t write_offs;           /* balances below zero that the book brought back to zero */
    uint64_t proposals_reached;    /* proposals_max: a result was not taken */
    uint64_t proposals;            /* that wait */
    uint64_t proposals_impossible; /* their time came, and they could not take force */
    uint64_t prices_lagged; /* price_lag_us_max: decisions that met a price which is too old */
    uint64_t bets_late;     /* not written while their prices held: decided again */
    uint64_t releases_late; /* the same of those whose wait was over */
    uint64_t late_releases_reached;  /* LATE_RELEASES_MAX: what was due waited a turn */
    uint64_t relayed, relay_refused; /* words of the desk, with or without a change here */
    uint64_t desk_away;              /* bets that were not taken: no grant of the desk holds */
    uint64_t leases_lost;
    uint64_t repeats_walk_reached; /* REPEATS_WALK_MAX: older bets were not looked at */
    uint64_t feed_dropped;         /* what broke a limit of ours */
    uint64_t markets_open, pending;
    uint64_t settle_backlog; /* markets with settlements to do */
    /* Bets that were to be brought to a result since there was none, and those still to be. */
    uint64_t settle_bets, settle_bets_left;
};

/* What a start was made of. */
struct book_restart {
    uint64_t snapshot_seq;          /* of the snapshot used; 0: none */
    uint32_t snapshots_passed;      /* newer ones that were damaged, or not of this log */
    char text[SNAPSHOT_TEXT_BYTES]; /* which one and why, of the last of these; or "" */
};
