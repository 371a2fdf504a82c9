/* sim_types.h - the memory of one simulated run, shared by the files of this folder only. */
#pragma once

#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/book.h"
#include "base/prng.h"
#include "base/table.h"
#include "feeds/synthetic/synthetic_feed.h"
#include "sim/sim.h"
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

#define SIM_SLOTS_MAX    24 /* markets of our own feed at a time */
#define SIM_PROVIDERS    4  /* three of our own feed, and the match simulator */
#define SIM_MESSAGES_MAX 512
#define SIM_LEGS_MAX     5 /* of a ticket */
#define SIM_NONE         UINT32_MAX
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

/* One request of a client under one key: a bet, a deposit or a withdrawal. */
struct sim_entry {
    uint8_t operation; /* enum operation */
    uint8_t policy;
    bool told, released, looking, each_way;
    uint16_t user;
    uint16_t currency;
    uint32_t number;            /* the key is "k<number / 2>", so that two users share each */
    uint32_t legs_first, sizes; /* of a bet */
    uint8_t legs_count;
    uint8_t stake_kind;
    uint16_t waiting; /* answers still to come */
    int64_t amount;
    uint64_t hash[2];
    uint32_t looked_in;  /* incarnation in which its key was taken for an old one; 0: none */
    uint32_t fresh_in;   /* in which it was answered as a new one */
    uint32_t decided_in; /* incarnation of the last decision; 0: none */
    int64_t decided_us;  /* monotonic */
    uint64_t seq;        /* of its durable BET or MONEY record; 0: none */
    uint64_t seq_final;  /* of the RELEASE */
    uint64_t seq_told;   /* the newest record that an answer named */
    uint32_t bet;        /* index, or SIM_NONE */
};

enum sim_message_kind { SIM_MESSAGE_MARKET = 1, SIM_MESSAGE_RESULT, SIM_MESSAGE_REMOVED };

#define SIM_OWN_SELECTIONS 6
#define SIM_OWN_WINDOWS    3

/* A market of our own feed: what is true at the provider. */
struct sim_slot {
    uint32_t number; /* of the market: "m<number>" */
    uint8_t provider;
    uint8_t status; /* enum market_status */
    bool in_play, removed, resulted, partial;
    uint8_t selections_count;
    int64_t bet_delay_us;
    uint64_t version; /* provider_version */
    uint64_t result_version;
    uint8_t corrections_left;
    uint8_t selection_status[SIM_OWN_SELECTIONS];
    uint16_t price[SIM_OWN_SELECTIONS]; /* hundredths */
    struct place_terms terms;
    bool ante_post;
    struct sim_outcome {
        bool known;
        struct leg_result result;
        uint8_t position, tied;
        uint16_t deduction;
        int64_t withdrawn_us; /* in the provider's clock; 0: it ran */
    } outcomes[SIM_OWN_SELECTIONS];
    uint8_t model, cap_pence, waive_pence;
    bool rolled_back; /* the provider's last word on results */
    struct sim_said_window {
        int64_t from_us, until_us;
        uint64_t version;
        bool cancelled;
    } windows[SIM_OWN_WINDOWS];
    uint8_t windows_count;
};

/* What a message of the kind RESULT says. */
struct sim_word {
    enum result_kind kind;
    uint8_t window; /* of the slot's */
    bool one;       /* a rollback of those that are not known, not of all */
};

struct sim_message {
    enum sim_message_kind kind;
    int64_t due_us;
    struct sim_slot slot;
    struct sim_word word; /* RESULT */
    bool invalid;         /* RESULT: names a selection that never was */
};

struct sim_provider {
    char name[8];
    int64_t silent_until_us;
    int64_t heartbeat_us;
    int64_t queue_us; /* due time of its last message in order */
    /* the model of P2 */
    bool known, late;
    int64_t last_byte_us, back; /* its number among the breaks; 0: it never was lost */
};

struct sim_pending {
    uint32_t bet; /* index in the book's state */
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
    bool disk_full, disk_failing, in_end_turn, releasing, stopped_told, crash_in_start, burst_done;
    bool hang_done; /* what hangs when the machine ends is done after all */
    uint64_t turn;
    uint32_t turns_left;   /* until a machine that has just started dies; 0: it lives */
    size_t ops_safe;       /* operations of the disk that a crash must leave */
    struct feed_sink sink; /* between every feed and the book: keeps the model of P2 */

    /* clients */
    struct sim_entry *entries; /* owns */
    uint32_t entries_count, entries_max;
    struct sim_leg *legs; /* owns; of the bets asked for */
    uint32_t legs_count, legs_max;
    uint32_t numbers[4];         /* by operation: the next key */
    uint32_t *by_number[4];      /* owns; [number] -> entry */
    uint32_t waiting;            /* answers still to come in this incarnation */
    struct sim_pending *pending; /* owns */
    uint32_t pending_count, pending_max;

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
