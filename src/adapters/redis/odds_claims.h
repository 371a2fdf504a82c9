/* odds_claims.h - as of when the newest price of a market is known (L6, price_lag_ms_max).
 *
 * Each connection of a writer claims, many times a second, that whatever it had to say of the slots
 * of its master up to a moment has been said (odds_message.h). Heard in order and with no message
 * missing, that makes every price of those slots as young as the claim. How long a claim was on its
 * way is told by how much later it came than the quickest one: the two clocks are never compared,
 * and the quickest is forgotten slowly, so that they may drift.
 *
 * What a connection said before it was heard of, or around a message that is missing, is in the
 * keys: it counts again once all of them were read behind one of its claims. Of a market those
 * connections count that also tell its provider's lease, and only where it was heard of behind that
 * claim, in a message or as a key: a server that has lost a key, or has another book's keys since
 * it follows another master, is told nothing of that market by whoever claims there. Pure: time
 * comes as an argument. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/redis/odds_message.h"

#define ODDS_CLAIMERS_MAX                                                                          \
    128 /* writers times masters; beyond it whoever claimed longest ago goes                       \
         */
#define ODDS_NEVER_US INT64_MIN

struct odds_claims {
    size_t count;
    struct odds_claimer {
        uint64_t session;
        uint64_t providers; /* bit n: the lease with this number is told, and holds */
        struct odds_claim claim;
        int64_t heard_us, as_of_us;
        int64_t quickest_us, quickest_at_us; /* heard less sent, at its least, and when it was so */
        int64_t since_us;                    /* first claim behind what was missing */
        bool claimed;                        /* since what was missing */
        bool whole;                          /* nothing is missing */
    } rows[ODDS_CLAIMERS_MAX];
};

/* Nothing was heard: a new subscription. */
static inline void odds_claims_begin(struct odds_claims *claims)
{
    claims->count = 0;
}

/* `lease` is the number of the provider's lease, below 64. */
void odds_claims_lease(struct odds_claims *claims, uint64_t session, unsigned lease, bool holds);
void odds_claims_hear(struct odds_claims *claims, uint64_t session, const struct odds_claim *claim,
                      int64_t now_us);
/* Something of this session is missing. */
void odds_claims_miss(struct odds_claims *claims, uint64_t session);
/* Forgets who has claimed nothing for so long. */
void odds_claims_forget(struct odds_claims *claims, int64_t silence_us, int64_t now_us);

/* A session claims, and what was before it has to be read. */
bool odds_claims_want_round(const struct odds_claims *claims);
/* All keys of those slots of which `was_read` is true were read, begun at that moment. */
void odds_claims_read(struct odds_claims *claims, int64_t begun_us,
                      bool (*was_read)(void *owner, uint16_t slot), void *owner);

/* What is asked about: a market's provider, by the number of its lease, its slot, and the epoch of
 * its newest version. One of an epoch that is over was said by nobody who claims anything now. */
struct odds_asked {
    unsigned lease;
    uint16_t slot;
    uint64_t epoch;
    uint64_t book;    /* whose prices are followed: odds_book_number(); 0: not known */
    int64_t heard_us; /* when the market was heard of last, in a message or as a key */
};
/* ODDS_NEVER_US: it is not known. */
int64_t odds_claims_as_of_us(const struct odds_claims *claims, const struct odds_asked *asked);
