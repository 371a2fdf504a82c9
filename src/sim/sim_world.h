/* sim_world.h - the memory of one simulated run, shared by the files of this folder only. */
#pragma once

#include "adapters/embedded/ledger_store.h"
#include "adapters/faulty/faulty_disk.h"
#include "app/book.h"
#include "base/prng.h"
#include "base/table.h"
#include "feeds/synthetic/synthetic_feed.h"
#include "sim/sim.h"
#include "sim/sim_ledger_log.h"
#include "sim/sim_odds_log.h"

#define SIM_USERS_MAX      48
#define SIM_SLOTS_MAX      24 /* markets of our own feed at a time */
#define SIM_PROVIDERS      4  /* three of our own feed, and the match simulator */
#define SIM_SELECTIONS_MAX 32
#define SIM_ID_BYTES       48
#define SIM_MARKETS_MAX    8192
#define SIM_MESSAGES_MAX   512
#define SIM_NONE           UINT32_MAX

/* What the seed decides once. Chances are in permille of a tick, or of a thing. */
struct sim_mix {
    uint32_t users, slots, bets_per_tick_max;
    uint32_t faults; /* permille: weight of everything that breaks the machine */
    uint32_t feed_drop, feed_duplicate, feed_reorder;
    uint32_t retry, other_body, disconnect;
    int64_t tick_us_max;
    int64_t delay_us_max, stall_us_max;
    bool synthetic, tiny, newest_only, burst;
    uint64_t segment_bytes;
    struct book_options book;
};

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
    int64_t bet_delay_us;
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
    uint64_t result_seq, result_version;
};

/* What a decision could see: taken from the above at the moment of the call. */
struct sim_view {
    bool known, alive, selection_known, in_play;
    uint8_t status, selection_status;
    struct odds odds;
    uint64_t version, position;
    int64_t delay_us;
};

/* One request of a client under one key: a bet, a deposit or a withdrawal. */
struct sim_entry {
    uint8_t operation; /* enum operation */
    uint8_t policy;
    bool single, told, released;
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
    uint32_t decided_in; /* incarnation of the last decision; 0: none */
    int64_t decided_us;  /* monotonic */
    struct sim_view view;
    struct sim_view release_view;
    uint64_t seq;       /* of its durable BET or MONEY record; 0: none */
    uint64_t seq_final; /* of the RELEASE */
    uint64_t seq_told;  /* the newest record that an answer named */
    uint32_t bet;       /* index, or SIM_NONE */
};

struct sim_account {
    uint16_t user, currency;
    int64_t available, held;
};

struct sim_bet {
    uint64_t bet_id, seq_last, seq_settled, result_seq;
    uint32_t entry, account, market;
    uint16_t selection, settlements;
    uint8_t state; /* enum bet_state */
    int64_t stake, payout;
    struct odds odds;
    struct record_leg_result factors;
};

#define SIM_CURRENCIES 4
struct sim_house {
    uint16_t currency;
    int64_t cash, stakes, result, customers;
};

/* The oracle: an own fold of the durable records, simple and in other words than the ledger's. */
struct sim_oracle {
    uint64_t seq, epoch;
    int64_t time_us;
    uint32_t *crcs; /* owns; [seq], of every durable record ever seen */
    size_t crcs_max;
    struct sim_account accounts[SIM_USERS_MAX + 1]; /* [ref] */
    uint32_t accounts_count;
    uint32_t markets[SIM_MARKETS_MAX + 1]; /* [ref] -> index of sim.markets */
    uint32_t markets_count;
    struct sim_bet *bets; /* owns */
    uint32_t bets_count, bets_max, pending;
    struct table *bets_by_id; /* owns */
    struct sim_house houses[SIM_CURRENCIES];
    size_t houses_count;
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
    int64_t last_byte_us;
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
    int64_t now_us, wall_offset_us, skew_ppm;
    bool quiet; /* nobody asks for anything new */
    uint32_t incarnation;

    /* the machine */
    struct faulty_disk *disk; /* owns */
    struct ledger_store *store;
    struct sim_ledger_log log;
    struct sim_odds_log odds_log;
    struct odds_store *odds_store; /* owns, while up */
    struct book *book;             /* owns; NULL: down */
    int64_t down_until_us;
    bool disk_full, disk_failing, in_end_turn, releasing, stopped_told, crash_in_start, burst_done;
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

    struct sim_oracle oracle;
};

/* ---- sim_fail.c ---- */

/* Ends the process with 1 after printing invariant, seed and step. */
_Noreturn void sim_broken(const struct sim *sim, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line on stderr for each event that a report counts. */
void sim_trace(const struct sim *sim, enum sim_count count);
/* The run that a signal handler names; NULL: none. */
void sim_fail_watch(const struct sim *sim);

#define SIM_CHECK(condition, invariant, ...)                                                       \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            sim_broken(sim, invariant, __VA_ARGS__);                                               \
    } while (0)

/* ---- chance ---- */

static inline uint64_t sim_below(struct sim *sim, uint64_t bound)
{
    return prng_below(&sim->prng, bound);
}
static inline bool sim_chance(struct sim *sim, uint32_t permille)
{
    return prng_below(&sim->prng, 1000) < permille;
}
static inline void sim_count(struct sim *sim, enum sim_count count)
{
    sim->report.counts[count]++;
    if (sim->options.trace)
        sim_trace(sim, count);
}
static inline struct instant sim_wall(const struct sim *sim)
{
    return (struct instant){sim->now_us + sim->wall_offset_us +
                            sim->now_us / 1000000 * sim->skew_ppm};
}

/* ---- sim_mix.c ---- */
void sim_mix_draw(struct sim *sim);

/* ---- sim_published.c: what was published, and what a decision could see ---- */
struct book_listener sim_listener(struct sim *sim);
uint32_t sim_market_find(struct sim *sim, struct slice id); /* SIM_NONE: unknown */
uint32_t sim_market_of(struct sim *sim, struct slice id);   /* added when unknown */
struct sim_view sim_view_of(const struct sim *sim, uint32_t market, struct slice selection);
void sim_published_forget(struct sim *sim); /* a restart: the store is empty */
int sim_provider_find(const struct sim *sim, struct slice name);

/* ---- sim_expect.c: the rules once more, in other words ---- */
enum bet_outcome sim_expect_bet(const struct sim *sim, const struct sim_entry *entry,
                                const struct sim_account *account);
enum bet_outcome sim_expect_release(const struct sim *sim, const struct sim_entry *entry,
                                    struct odds bound);
enum bet_outcome sim_expect_money(const struct sim *sim, const struct sim_entry *entry,
                                  const struct sim_account *account);
int64_t sim_payout(int64_t stake, struct odds odds, struct record_leg_result factors,
                   enum rounding rounding);

/* ---- sim_oracle.c, sim_oracle_bets.c: the fold of the durable records ---- */
void sim_oracle_record(struct sim *sim, const struct record_view *record);
/* At a start: every record of the log, known ones and those found. */
void sim_oracle_catch_up(struct sim *sim);
void sim_oracle_bet(struct sim *sim, const struct record_view *record);
void sim_oracle_release(struct sim *sim, const struct record_view *record);
void sim_oracle_settle(struct sim *sim, const struct record_view *record);
void sim_oracle_reverse(struct sim *sim, const struct record_view *record);
struct sim_house *sim_house_of(struct sim *sim, uint16_t currency);
struct sim_entry *sim_entry_of_key(struct sim *sim, enum operation operation, uint32_t account,
                                   struct slice key);

/* ---- sim_clients.c ---- */
void sim_clients_step(struct sim *sim);
void sim_clients_end_turn(struct sim *sim); /* after book_end_turn: who was released in it */
void sim_clients_restart(struct sim *sim);  /* answers that will never come */
void sim_clients_restored(struct sim *sim); /* after book_start */
void sim_history_step(struct sim *sim);
/* Checks a record that an answer shows: it is durable, and the very one. */
void sim_record_told(struct sim *sim, const struct record_view *record);

/* ---- sim_feed.c, sim_feed_send.c ---- */
int sim_feed_new(struct sim *sim);
void sim_feed_step(struct sim *sim);
void sim_feed_deliver(struct sim *sim);
void sim_feed_send(struct sim *sim, const struct sim_slot *slot, enum sim_message_kind kind);
void sim_feed_reconnect(struct sim *sim); /* whole images and results, as after any login */
const struct feed_sink_ops *sim_sink_ops(void);
/* Gives a result to `give` and checks that it did what L7 says. */
void sim_result_give(struct sim *sim, const struct feed_result *result, bool desk);

/* ---- sim_desk.c ---- */
void sim_desk_step(struct sim *sim);

/* ---- sim_faults.c: the machine breaks, and comes up again ---- */
void sim_faults_step(struct sim *sim);
void sim_machine_start(struct sim *sim);
void sim_machine_stop(struct sim *sim); /* cleanly */
void sim_machine_crash(struct sim *sim, size_t op);
void sim_machine_kill(struct sim *sim);
/* After each turn: what a fate that was armed did, and a book that stopped. */
void sim_machine_after_turn(struct sim *sim);
/* No fault is armed any more; the disk is as large as needed. */
void sim_machine_heal(struct sim *sim);

/* ---- sim_check.c ---- */
void sim_check_state(struct sim *sim);  /* live, idle: oracle and book agree */
void sim_check_refold(struct sim *sim); /* L5 */
void sim_check_audit(struct sim *sim);
void sim_check_end(struct sim *sim);

/* ---- sim.c ---- */
void sim_turn(struct sim *sim); /* one tick of the machine, when it is up */
/* Turns without anything new, until all is done; false when the book stopped meanwhile. */
bool sim_settle_down(struct sim *sim);
