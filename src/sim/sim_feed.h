/* sim_feed.h - the providers of the simulator: what is true there, and what they send; this folder
 * only. */
#pragma once

#include "core/each_way.h"
#include "core/leg_chances.h"
#include "core/settle.h"
#include "ports/feed_sink.h"

#define SIM_SLOTS_MAX    24 /* markets of our own feed at a time */
#define SIM_PROVIDERS    4  /* three of our own feed, and the match simulator */
#define SIM_MESSAGES_MAX 512

struct sim;

enum sim_message_kind { SIM_MESSAGE_MARKET = 1, SIM_MESSAGE_RESULT, SIM_MESSAGE_REMOVED };

#define SIM_OWN_SELECTIONS 6
#define SIM_KINDS          4
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
    bool ante_post, each_way_only;
    struct sim_outcome {
        bool known;
        struct leg_result result;
        uint8_t position, tied;
        uint16_t deduction;
        int64_t withdrawn_us; /* in the provider's clock; 0: it ran */
    } outcomes[SIM_OWN_SELECTIONS];
    uint8_t model, cap_pence, waive_pence;
    uint8_t kind;      /* of which words its market is */
    bool says_chances; /* of its selections */
    struct leg_chances chances[SIM_OWN_SELECTIONS];
    bool rolled_back;  /* the provider's last word on results */
    uint8_t certainty; /* of it */
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

/* ---- sim_feed.c, sim_feed_send.c ---- */
int sim_feed_new(struct sim *sim);
void sim_feed_step(struct sim *sim);
void sim_feed_deliver(struct sim *sim);
void sim_feed_send(struct sim *sim, const struct sim_slot *slot, enum sim_message_kind kind);
void sim_feed_say(struct sim *sim, const struct sim_slot *slot, struct sim_word word);

/* ---- sim_feed_results.c: what the providers say of results ---- */
void sim_feed_give_result(struct sim *sim, struct sim_slot *slot);
void sim_feed_correct(struct sim *sim, struct sim_slot *slot);
void sim_feed_window(struct sim *sim, struct sim_slot *slot);
void sim_feed_repeat_results(struct sim *sim, const struct sim_slot *slot);
void sim_feed_reconnect(struct sim *sim); /* whole images and results, as after any login */
const struct feed_sink_ops *sim_sink_ops(void);
/* Gives a result to `give` and checks that it did what L7 says. */
void sim_result_give(struct sim *sim, const struct feed_result *result, bool desk);
