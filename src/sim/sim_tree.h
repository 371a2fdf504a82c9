/* sim_tree.h - the memory of the tree in the simulated machine, and of those outside who hold its
 * signed heads; this folder only. */
#pragma once

#include "adapters/embedded/tree_keeper.h"
#include "sim/sim_history.h"

#define SIM_HEADS_MAX        1024
#define SIM_ASKS_MAX         4
#define SIM_ASK_ENTRIES_MAX  3
#define SIM_ASK_RECORD_BYTES 4096

/* Somebody asks for proofs. */
struct sim_ask {
    struct tree_ask ask;
    struct sim *sim;
    bool used;
    uint32_t incarnation;
    struct tree_entry entries[SIM_ASK_ENTRIES_MAX];
    struct merkle_proof paths[SIM_ASK_ENTRIES_MAX];
    char records[SIM_ASK_ENTRIES_MAX][SIM_ASK_RECORD_BYTES] __attribute__((aligned(8)));
};

struct sim_tree {
    struct tree_keeper *keeper; /* owns, while up; NULL: this run has none */
    struct sign_key *key;       /* owns: that of this start, of this number: */
    uint32_t key_number;
    struct tree_chain chain; /* of the links, as they were at this start */
    uint32_t key_shown;      /* the highest number of a key whose head was shown */
    struct tree_rotate rotate;
    bool rotating;
    unsigned char publics[TREE_LINKS_MAX + 1][SIGN_PUBLIC_BYTES]; /* by number, so many: */
    uint32_t publics_count;
    int64_t time_shown;                   /* the latest of a head that was shown */
    struct sim_history history;           /* of every durable record */
    bool head_new;                        /* the keeper said so */
    unsigned char sound[TREE_HEAD_BYTES]; /* a head whose signature was checked; none yet: */
    bool sound_known;
    uint64_t size_last; /* of the newest head seen in this incarnation */
    int64_t time_last;
    uint64_t gaps; /* of this incarnation, counted already */
    bool stopped;  /* counted already */
    bool damaged;  /* bits of its files fell over, and nobody has noticed yet */
    bool noticed;  /* the keeper has: at the next start it must be whole again */
    /* What the world holds: every head that was ever shown, by rising size. */
    struct tree_head heads[SIM_HEADS_MAX];
    size_t heads_count;
    struct sim_ask asks[SIM_ASKS_MAX];
};

struct sim;

/* sim_tree_keys.c: who signs. */
int sim_key_new(uint32_t number, struct sign_key **ret_key);
uint32_t sim_links_count(struct disk *disk, struct tree_chain *ret_chain);
int sim_tree_key_open(struct sim *sim);
void sim_tree_key_options(struct sim *sim, struct tree_keeper_options *options);
uint32_t sim_key_number(struct sim *sim, const uint8_t public[SIGN_PUBLIC_BYTES]);
void sim_tree_rotate(struct sim *sim);
