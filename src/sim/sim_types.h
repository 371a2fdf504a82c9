/* sim_types.h - the memory of one simulated run, shared by the files of this folder only. */
#pragma once

#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/book.h"
#include "base/prng.h"
#include "base/table.h"
#include "feeds/synthetic/synthetic_feed.h"
#include "sim/sim.h"
#include "sim/sim_feed.h"
#include "sim/sim_ledger_log.h"
#include "sim/sim_market.h"
#include "sim/sim_mix.h"
#include "sim/sim_odds_log.h"
#include "sim/sim_oracle.h"
#include "sim/sim_shadow.h"
#include "sim/sim_ship.h"
#include "sim/sim_tree.h"
#include "sim/sim_upkeep.h"
#include "sim/sim_vault.h"
#include "sim/sim_verdicts.h"

#define SIM_LEGS_MAX     5 /* of a ticket */
#define SIM_NONE         UINT32_MAX
#define SIM_OPERATIONS   (OPERATION_PROMOTION + 1)
#define SIM_THINKING_MAX 16
enum sim_disk { SIM_DISK_FIRST = 0, SIM_DISK_SECOND, SIM_DISK_ARCHIVE, SIM_DISKS };

/* A leg of a ticket, as asked for. */
struct sim_leg {
    uint32_t market; /* SIM_NONE: one that nobody offers */
    char selection[SIM_ID_BYTES];
    uint8_t selection_bytes;
    bool banker;
    struct odds odds;
    uint64_t odds_version;
    struct sim_view view;
    struct sim_view release_view;
};

/* One request of a client under one key: a bet, a movement of money, a cash-out. */
struct sim_entry {
    uint8_t operation; /* enum operation */
    uint8_t policy;
    bool told, released, looking, each_way, accept_alternative;
    uint16_t user;
    uint16_t currency;
    uint32_t number;            /* the key is "k<number / 2>", so that two users share each */
    uint32_t legs_first, sizes; /* of a bet */
    uint8_t legs_count;
    uint8_t stake_kind;
    uint8_t money_kind; /* enum money_kind, of a movement */
    uint16_t waiting;   /* answers still to come */
    int64_t amount;
    uint64_t hash[2];
    uint32_t looked_in;   /* incarnation in which its key was taken for an old one; 0: none */
    uint32_t fresh_in;    /* in which it was answered as a new one */
    uint32_t decided_in;  /* incarnation of the last decision; 0: none */
    int64_t decided_us;   /* monotonic */
    int64_t delay_us;     /* of a bet that waits */
    uint32_t released_in; /* incarnation */
    int64_t released_us;
    uint64_t seq;       /* of its durable BET or MONEY record; 0: none */
    uint64_t seq_final; /* of the RELEASE */
    uint64_t seq_told;  /* the newest record that an answer named */
    uint32_t bet;       /* index, or SIM_NONE */
    uint32_t sale;      /* of a cash-out: index */
};

struct sim_pending {
    uint32_t bet; /* index in the book's state */
    uint32_t entry;
};

struct sim_selling {
    uint32_t cash_out; /* index in the book's state */
    uint32_t entry;
};

struct sim {
    struct sim_options options;
    struct sim_report report;
    struct prng prng;
    struct sim_mix mix;
    uint64_t tick;
    int64_t now_us, wall_offset_us, skew_ppm, breaks; /* breaks: leases that held again */
    bool quiet;                                       /* nobody asks for anything new */
    uint32_t incarnation;

    /* the machine */
    struct faulty_disk *disk;             /* the first of: */
    struct faulty_disk *disks[SIM_DISKS]; /* owns; those that this run has */
    struct ledger_store *store;
    struct sim_ledger_log log;
    struct sim_log_counts log_told; /* counted already */
    struct sim_odds_log odds_log;
    struct odds_store *odds_store; /* owns, while up */
    struct book *book;             /* owns; NULL: down */
    int64_t down_until_us;
    bool disk_full, disk_failing, stopped_told, crash_in_start, burst_done;
    bool hang_done;      /* what hangs when the machine ends is done after all */
    bool ending;         /* within book_end_turn: leases are looked at first, then bets decided, */
    uint64_t ending_seq; /* and then results take force that waited; the newest record before */
    uint64_t turn;
    uint32_t turns_left;   /* until a machine that has just started dies; 0: it lives */
    size_t ops_safe;       /* operations of the disk that a crash must leave */
    struct feed_sink sink; /* between every feed and the book: keeps the model of P2 */

    /* clients */
    struct sim_entry *entries; /* owns */
    uint32_t entries_count, entries_max;
    struct sim_leg *legs; /* owns; of the bets asked for */
    uint32_t legs_count, legs_max;
    uint32_t numbers[SIM_OPERATIONS];    /* by operation: the next key */
    uint32_t *by_number[SIM_OPERATIONS]; /* owns; [number] -> entry */
    uint32_t waiting;                    /* answers still to come in this incarnation */
    struct sim_pending *pending;         /* owns */
    uint32_t pending_count, pending_max;
    struct sim_sale *sales; /* owns; requests to sell bets back */
    uint32_t sales_count, sales_max;
    struct sim_selling *selling; /* owns; those that wait for a delay */
    uint32_t selling_count;
    uint32_t thinking[SIM_THINKING_MAX]; /* entries of customers who have an offer, and wait */
    uint32_t thinking_count;
    struct sim_limits limits_asked[SIM_LIMITS_MAX]; /* by the desk, the newest */
    uint64_t limits_asked_count;
    uint64_t decided_last;    /* the proposal that somebody decided last */
    struct sim_spoken *words; /* owns; said of bets that waited for the desk */
    uint32_t words_count, words_max;

    /* feeds */
    struct sim_market *markets; /* owns */
    uint32_t markets_count;
    struct table *markets_by_id; /* owns */
    struct sim_slot slots[SIM_SLOTS_MAX];
    uint32_t slots_next;
    struct sim_message messages[SIM_MESSAGES_MAX];
    size_t messages_count;
    struct sim_provider providers[SIM_PROVIDERS];
    struct synthetic_feed *synthetic; /* owns */

    struct sim_shadow shadow;
    struct sim_upkeep upkeep;
    struct sim_ship ship;
    struct sim_tree tree;
    struct sim_vault vault;
    struct sim_verdicts verdicts;
    struct sim_oracle oracle;
};
