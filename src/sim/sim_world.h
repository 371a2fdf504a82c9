/* sim_world.h - what the parts of the simulator say to each other; this folder only. The machine,
 * its clients and its feeds act on one struct sim; every check ends the process (sim_broken). */
#pragma once
#include "sim/sim_types.h"

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

/* ---- sim_disks.c: what the machine is stored on ---- */
void sim_disks_new(struct sim *sim);
void sim_disks_free(struct sim *sim);
/* Operations of all disks, since the last crash. */
size_t sim_clock(const struct sim *sim);
struct disk *sim_disk_of(const struct sim *sim, enum sim_disk which); /* NULL: there is none */
struct faulty_disk *sim_disks_any(struct sim *sim);
void sim_disks_kill(struct sim *sim);
void sim_disks_crash(struct sim *sim, size_t op); /* behind operation `op` of all */
void sim_disks_heal(struct sim *sim);
void sim_disks_fail_next(struct sim *sim, bool fail); /* a write or sync of each; false: none */
void sim_disks_stop_after(struct sim *sim, size_t ops);
bool sim_disks_are_stopped(const struct sim *sim);
void sim_disks_end_hanging(struct sim *sim);

void sim_mix_draw(struct sim *sim); /* sim_mix.c */

/* ---- sim_published.c: what was published, and what a decision could see ---- */
struct book_listener sim_listener(struct sim *sim);
uint32_t sim_market_find(struct sim *sim, struct slice id); /* SIM_NONE: unknown */
uint32_t sim_market_of(struct sim *sim, struct slice id);   /* added when unknown */
bool sim_provider_alive(const struct sim *sim, const struct sim_provider *provider); /* P2 */
struct sim_view sim_view_of(const struct sim *sim, uint32_t market, struct slice selection);
void sim_published_forget(struct sim *sim); /* a restart: the store is empty */
int sim_provider_find(const struct sim *sim, struct slice name);

/* ---- sim_oracle.c: the fold of the durable records ---- */
void sim_oracle_record(struct sim *sim, const struct record_view *record);
/* A record read from any log, beside the oracle's of the same number. */
struct sim_found {
    uint64_t seq;
    bool beyond; /* the oracle has not seen so many */
    bool same;   /* it saw this very one */
};
struct sim_found sim_oracle_find(const struct sim *sim, const char *record);
/* At a start: every record of the log, known ones and those found. */
void sim_oracle_catch_up(struct sim *sim);

/* ---- sim_clients.c ---- */
struct slice sim_user_text(const struct sim_entry *entry, char memory[32]);
struct slice sim_key_text(const struct sim_entry *entry, char memory[32]);
uint32_t sim_entry_new(struct sim *sim, enum operation operation, uint32_t user);
enum request_outcome sim_ask(struct sim *sim, uint32_t entry, bool other);
void sim_see(struct sim *sim, const struct sim_entry *entry); /* what a decision sees now */
void sim_clients_step(struct sim *sim);
/* What is decided in book_end_turn sees what is published now: before it, and when leases that
 * ended or came back changed that. */
void sim_clients_before_end(struct sim *sim);
void sim_clients_end_turn(struct sim *sim); /* after book_end_turn: who was released in it */
void sim_clients_restart(struct sim *sim);  /* answers that will never come */
void sim_clients_restored(struct sim *sim); /* after book_start */
void sim_history_step(struct sim *sim);
/* Checks a record that an answer shows: it is durable, and the very one. */
void sim_record_told(struct sim *sim, const struct record_view *record);

/* ---- sim_desk.c ---- */
void sim_desk_step(struct sim *sim);
struct book_reply sim_desk_reply(struct sim *sim); /* to a word of it: checks the answer */
/* The last call met that too much is under way, or that nothing may be told. */
bool sim_desk_is_shed(const struct sim *sim);

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
void sim_machine_make_space(struct sim *sim); /* no longer full, while all goes on */

/* ---- sim_shadow.c: the second fold, snapshots, drift ---- */
int sim_shadow_open(struct sim *sim);  /* before the book */
int sim_shadow_start(struct sim *sim); /* after it; checks what it started from */
void sim_shadow_done(struct sim *sim);
void sim_shadow_step(struct sim *sim);
void sim_shadow_crashed(struct sim *sim, size_t op);
void sim_shadow_damage(struct sim *sim); /* the machine is down */
void sim_shadow_drift(struct sim *sim);  /* it is up and rests; then it is down */

/* ---- sim_verdicts.c: old keys ---- */
int sim_verdicts_start(struct sim *sim, const char **ret_reason); /* before the book */
void sim_verdicts_done(struct sim *sim);
void sim_verdicts_step(struct sim *sim);
void sim_verdicts_look(struct sim *sim, uint32_t index);
void sim_verdicts_end_turn(struct sim *sim);
void sim_verdicts_damage(struct sim *sim); /* the machine is down */
/* Any finished file of old keys; false: none was met. */
bool sim_verdicts_choose(struct sim *sim, char ret_name[DISK_NAME_BYTES_MAX + 1],
                         uint64_t *ret_bytes);

/* ---- sim_vault.c: personal fields ---- */
#define SIM_PERSONAL_BYTES 80
/* What the customer says of himself with this bet, in plain; or nothing. */
struct slice sim_personal(const struct sim *sim, const struct sim_entry *entry,
                          char memory[SIM_PERSONAL_BYTES]);
void sim_vault_record(struct sim *sim, const struct record_view *record,
                      const struct sim_entry *entry);
int sim_vault_start(struct sim *sim); /* before the book; the log is open */
void sim_vault_step(struct sim *sim);
void sim_vault_stop(struct sim *sim);
void sim_vault_drop(struct sim *sim);
void sim_vault_flip(struct sim *sim); /* the book is down, its log is open */
void sim_vault_check_standby(struct sim *sim, struct faulty_disk *disk, uint64_t last);
void sim_vault_search(struct sim *sim); /* for anything personal in plain */

/* ---- sim_odds.c: the odds log ---- */
int sim_odds_start(struct sim *sim, const char **ret_reason); /* before the book */
void sim_odds_step(struct sim *sim);
void sim_odds_flush(struct sim *sim); /* all that was appended, at once */
void sim_odds_stop(struct sim *sim);  /* cleanly; the book is gone */
void sim_odds_drop(struct sim *sim);  /* as a crash does */
void sim_odds_flip(struct sim *sim);  /* the machine is down */

/* ---- sim_tree.c, sim_forge.c: the tree, and who tries to betray it ---- */
int sim_tree_new(struct sim *sim);
void sim_tree_free(struct sim *sim);
int sim_tree_start(struct sim *sim, const char **ret_reason); /* before the book */
void sim_tree_stop(struct sim *sim);                          /* cleanly */
void sim_tree_drop(struct sim *sim);                          /* as a crash does */
void sim_tree_crashed(struct sim *sim);
void sim_tree_step(struct sim *sim);
void sim_tree_settle(struct sim *sim);
void sim_tree_damage(struct sim *sim); /* the machine is down */
void sim_tree_check_held(struct sim *sim);
int sim_tree_keeper_new(struct sim *sim, struct tree_keeper **ret_keeper);
struct tree_log sim_tree_log(struct ledger_store *store);
void sim_forge(struct sim *sim); /* the book is down, its log is open */

/* ---- sim_check.c ---- */
void sim_check_rows(struct sim *sim, const struct shard_state *state); /* against the oracle's */
void sim_check_state(struct sim *sim);  /* live, idle: oracle and book agree */
void sim_check_refold(struct sim *sim); /* L5 */
void sim_check_audit(struct sim *sim);

/* ---- sim.c ---- */
void sim_turn(struct sim *sim); /* one tick of the machine, when it is up */
/* Turns without anything new, until all is done; false when the book stopped meanwhile. */
bool sim_settle_down(struct sim *sim);
