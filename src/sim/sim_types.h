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
#include "sim/sim_mix.h"
#include "sim/sim_odds_log.h"
#include "sim/sim_oracle.h"
#include "sim/sim_shadow.h"
#include "sim/sim_ship.h"
#include "sim/sim_tree.h"
#include "sim/sim_upkeep.h"
#include "sim/sim_vault.h"
#include "sim/sim_verdicts.h"

#define SIM_SLOTS_MAX      24 /* markets of our own feed at a time */
#define SIM_PROVIDERS      4  /* three of our own feed, and the match simulator */
#define SIM_SELECTIONS_MAX 32
#define SIM_ID_BYTES       48
#define SIM_MESSAGES_MAX   512
#define SIM_NONE           UINT32_MAX
enum sim_disk { SIM_DISK_FIRST = 0, SIM_DISK_SECOND, SIM_DISK_ARCHIVE, SIM_DISKS };

/* A market as last published through the listener, and as the ledger's records tell it. */
struct sim_selection {
    char id[SIM_ID_BYTES];
    uint8_t id_bytes;
    uint8_t status;
    struct odds odds;
    struct odds logged; /* as the odds log has it since the market was last new */
};

struct sim_market {
    char id[SIM_ID_BYTES * 2];
    uint8_t id_bytes;
    uint8_t provider; /* index */
    bool present;
    uint8_t status;
    bool in_play;
    uint8_t feed_status, holds, flags;
    int64_t bet_delay_us;
    int64_t ended_us;      /* since when it is closed, settled or cancelled; 0: it is not */
    uint64_t version;      /* the last ever published, over restarts (P1) */
    uint64_t removed_turn; /* in whose book_end_turn it left the store last; 0: in none */
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
        struct record_leg_result result;
    } named[SIM_SELECTIONS_MAX];
    uint64_t result_seq, result_version, stopped_seq; /* the newest that left it not open to bets */
};

/* What a decision could see: taken from the above at the moment of the call. */
struct sim_view {
    bool known, alive, selection_known, in_play;
    uint8_t status, selection_status;
    struct odds odds;
    uint64_t version, position;
    int64_t delay_us, breaks, back; /* of leases so far; which was its provider's last */
};

/* One request of a client under one key: a bet, a deposit or a withdrawal. */
struct sim_entry {
    uint8_t operation; /* enum operation */
    uint8_t policy;
    bool single, told, released, looking;
    uint16_t user;
    uint16_t currency;
    uint32_t number; /* the key is "k<number / 2>", so that two users share each */
    uint32_t market; /* SIM_NONE: one that nobody offers */
    char selection[SIM_ID_BYTES];
    uint8_t selection_bytes;
    uint16_t waiting; /* answers still to come */
    int64_t amount;
    struct odds odds;
    uint64_t odds_version;
    uint64_t hash[2];
    uint32_t looked_in;  /* incarnation in which its key was taken for an old one; 0: none */
    uint32_t fresh_in;   /* in which it was answered as a new one */
    uint32_t decided_in; /* incarnation of the last decision; 0: none */
    int64_t decided_us;  /* monotonic */
    struct sim_view view;
    struct sim_view release_view;
    uint64_t seq;       /* of its durable BET or MONEY record; 0: none */
    uint64_t seq_final; /* of the RELEASE */
    uint64_t seq_told;  /* the newest record that an answer named */
    uint32_t bet;       /* index, or SIM_NONE */
};

enum sim_message_kind { SIM_MESSAGE_MARKET = 1, SIM_MESSAGE_RESULT, SIM_MESSAGE_REMOVED };

#define SIM_OWN_SELECTIONS 6

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
    struct leg_result results[SIM_OWN_SELECTIONS];
    bool known[SIM_OWN_SELECTIONS];
};

struct sim_message {
    enum sim_message_kind kind;
    int64_t due_us;
    struct sim_slot slot;
    bool invalid; /* RESULT: names a selection that never was */
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
