/* sim_market.h - a market as the simulator's world and its oracle know it; this folder only. */
#pragma once

#include "core/each_way.h"
#include "core/leg_chances.h"
#include "ledger/shard_types.h"

#define SIM_SELECTIONS_MAX 32
#define SIM_ID_BYTES       48

/* A market as last published through the listener, and as the ledger's records tell it. */
struct sim_selection {
    char id[SIM_ID_BYTES];
    uint8_t id_bytes;
    uint8_t status;
    struct odds odds;
    struct odds logged; /* as the odds log has it since the market was last new */
    struct leg_chances chances, chances_logged;
};

/* A window of time in which bets are void. */
struct sim_window {
    int64_t from_us, until_us, skew_us;
    uint64_t version;
    bool in_force;
};

struct sim_market {
    char id[SIM_ID_BYTES * 2];
    uint8_t id_bytes;
    uint8_t provider; /* index */
    bool present;
    uint8_t status;
    bool in_play;
    uint8_t feed_status, holds, flags;
    bool returning; /* of a kind whose stakes may come back: its prices say no chances */
    char event[SIM_ID_BYTES];
    uint8_t event_bytes;
    char sport[32];
    struct place_terms terms;
    int64_t bet_delay_us;
    int64_t ended_us; /* since when it is closed, settled or cancelled; 0: it is not */
    uint64_t version; /* the last ever published, over restarts (P1) */
    uint64_t position;
    uint16_t selections_count;
    struct sim_selection selections[SIM_SELECTIONS_MAX];
    /* the fold of the records */
    uint8_t fence_status, fence_holds;
    bool in_ledger;
    uint16_t named_count;
    struct sim_named {
        char id[SIM_ID_BYTES];
        uint8_t id_bytes;
        struct record_selection_result result;
        uint64_t version; /* of the word on it */
        uint8_t model;    /* that its deduction is of */
        int64_t costs;    /* of open and pending bets on it, if it wins */
    } named[SIM_SELECTIONS_MAX];
    uint64_t result_seq;     /* the newest RESULT of any kind */
    uint64_t stopped_seq;    /* the newest record that left it not open to bets */
    uint64_t newest_version; /* that it names */
    uint64_t opened_version; /* of the rollback of everything */
    uint64_t model_version;
    bool has_result; /* of one that was not withdrawn */
    uint8_t model, cap_pence, waive_pence;
    struct sim_window windows[WINDOWS_OF_MARKET_MAX];
    uint32_t windows_count;
    int64_t stakes_single; /* of open and pending single bets to win */
};

/* What a decision could see: taken from the above at the moment of the call. */
struct sim_view {
    bool known, alive, selection_known, in_play, ante_post, each_way_only;
    uint8_t status, selection_status;
    struct odds odds;
    uint64_t version, position;
    int64_t delay_us, breaks, back; /* of leases so far; which was its provider's last */
    struct place_terms terms;
};
