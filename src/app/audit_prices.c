/* audit_prices.c - contract in audit_prices.h.
 *
 * An odds log is checked in one pass: the legs of accepted bets are sorted by the position they
 * name, and the log is read in that order while the newest price of every selection that was bet on
 * is kept. A leg's price must be the newest one of its selection at its position. What each log
 * says of a leg is kept until all were read: a book that went on elsewhere has a log of its own
 * there, whose positions begin anew and whose epochs are higher. */
#include "app/audit_prices.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/table.h"

#define CLAIMS_FIRST 1024
#define EPOCHS_FIRST 64

/* What a log says of a claim: the later ones go before the earlier ones. */
enum word { WORD_NONE = 0, WORD_WRONG, WORD_LOST, WORD_RIGHT };

struct claim {
    uint64_t position;
    uint64_t version;
    uint64_t seq;
    struct hash128 selection; /* of market and selection ids */
    struct odds odds;
    enum claim_kind {
        CLAIM_BET,      /* the price is the one offered */
        CLAIM_RELEASE,  /* the price is kept, and was not better than the one offered */
        CLAIM_CASH_OUT, /* the price is the one offered, and the chances are the provider's */
        CLAIM_NAMED,    /* a trader's offer: there was a price, and this one is his affair */
    } kind;
    struct leg_chances chances; /* CLAIM_CASH_OUT; all 0: they follow from prices */
    struct said {
        enum word word;
        const char *reason; /* of WORD_WRONG */
    } now, best;            /* by the log that is read; by those that were */
    bool judged;            /* `best` is by a log that has its epoch */
};

struct known_price {
    struct odds odds;
    struct leg_chances chances;
    uint8_t status;
    bool offered; /* yet */
};

static const uint64_t selection_key[2] = {0x6f646473206c6f67, 0x7072696365206964};

static struct hash128 selection_hash(struct slice market, struct slice selection)
{
    char text[MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX + 1];
    struct buf buf = buf_over(text, sizeof text);
    buf_put_slice(&buf, market);
    buf_put_char(&buf, 0);
    buf_put_slice(&buf, selection);
    return siphash128(selection_key, text, buf.bytes);
}

/* ---- what the ledger claims ---- */

static int more_claims_new(struct audit_prices *prices)
{
    size_t max = prices->claims_max == 0 ? CLAIMS_FIRST : prices->claims_max * 2;
    struct claim *claims = realloc(prices->claims, max * sizeof *claims);
    if (claims == NULL)
        return -ERR_MEMORY;
    prices->claims = claims;
    prices->claims_max = max;
    return 0;
}

static int add_claim(struct audit_prices *prices, const struct claim *claim)
{
    if (prices->claims_count == prices->claims_max)
        TRY(more_claims_new(prices));
    prices->claims[prices->claims_count++] = *claim;
    return 0;
}

static struct hash128 hash_of(const struct shard_state *state, uint32_t market, uint16_t number)
{
    struct market_ref ref = {market};
    const struct shard_selection *selection = shard_state_selection(state, ref, number);
    return selection_hash(shard_state_market_id(state, ref),
                          shard_state_text(state, selection->id));
}

static int claim_legs(struct audit_prices *prices, const struct record_view *record,
                      const struct shard_state *state, enum claim_kind kind)
{
    const struct record_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        const struct claim claim = {
            .position = legs[i].odds_position,
            .version = legs[i].odds_version,
            .seq = record->head->seq,
            .selection = hash_of(state, legs[i].market, legs[i].selection),
            .odds = {legs[i].odds_numerator, legs[i].odds_denominator},
            .kind = (legs[i].flags & LEG_OFFERED) != 0 ? CLAIM_NAMED : kind,
        };
        TRY(add_claim(prices, &claim));
    }
    return 0;
}

/* What open legs of a bet that is bought back were valued by. */
static int claim_chances(struct audit_prices *prices, const struct record_view *record,
                         const struct shard_state *state)
{
    const struct record_cash_out_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        if (legs[i].settled.win.known == 1)
            continue;
        struct claim claim = {
            .position = legs[i].odds_position,
            .version = legs[i].odds_version,
            .seq = record->head->seq,
            .selection = hash_of(state, legs[i].settled.market, legs[i].settled.selection),
            .odds = {legs[i].now_numerator, legs[i].now_denominator},
            .kind = CLAIM_CASH_OUT,
        };
        if (legs[i].book == 0)
            claim.chances = legs[i].chances;
        TRY(add_claim(prices, &claim));
    }
    return 0;
}

int audit_prices_take(struct audit_prices *prices, const struct record_view *record,
                      const struct shard_state *state)
{
    bool bet =
        record->head->type == RECORD_BET && ((const struct record_bet *)record->body)->bet_id != 0;
    bool release = record->head->type == RECORD_RELEASE &&
                   ((const struct record_release *)record->body)->outcome == BET_PLACED;
    if (record->head->type == RECORD_CASH_OUT)
        return claim_chances(prices, record, state);
    if (record->head->type == RECORD_REFERRAL) /* the other legs of an offer stay as bound */
        return claim_legs(prices, record, state, CLAIM_NAMED);
    if (!bet && !release)
        return 0;
    return claim_legs(prices, record, state, release ? CLAIM_RELEASE : CLAIM_BET);
}

static int by_position(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* As large as the bets ask for, however many selections an odds log may name. */
static int known_prices_new(struct audit_prices *prices)
{
    uint32_t count = 0, index;
    size_t most = prices->claims_count > 0 ? prices->claims_count : 1;
    prices->known = calloc(most, sizeof *prices->known);
    if (prices->known == NULL)
        return -ERR_MEMORY;
    TRY(table_new(most, &prices->selections));
    for (size_t i = 0; i < prices->claims_count; i++)
        if (!table_find(prices->selections, prices->claims[i].selection, &index) &&
            table_insert(prices->selections, prices->claims[i].selection, count++) != TABLE_OK)
            return -ERR_LIMIT;
    prices->known_count = count;
    return 0;
}

/* ---- what one odds log says ---- */

static struct said wrong(const char *reason)
{
    return (struct said){WORD_WRONG, reason};
}

static void note_price(struct audit_prices *prices, struct slice market,
                       const struct odds_log_selection *selection)
{
    struct hash128 key = selection_hash(market, selection->id);
    uint32_t index;
    if (!table_find(prices->selections, key, &index))
        return; /* nobody bet on it */
    prices->known[index] = (struct known_price){.odds = selection->odds,
                                                .chances = selection->chances,
                                                .status = (uint8_t)selection->status,
                                                .offered = true};
}

/* A crash may take the last second of a log, which is the end of a version epoch, and the next
 * epoch then uses its positions again; within an epoch nothing can be missing. */
static bool lost_before(const struct claim *claim, const struct odds_log_change *change)
{
    return claim->version >> 32 < change->odds_version >> 32;
}

static struct said check_price(const struct claim *claim, const struct known_price *known)
{
    bool right = claim->kind == CLAIM_NAMED ||
                 (claim->kind == CLAIM_RELEASE ? odds_compare(claim->odds, known->odds) <= 0
                                               : odds_equal(claim->odds, known->odds));
    if (known->status != SELECTION_ACTIVE || !right)
        return wrong("L6: the price taken was not the one offered");
    if (claim->kind == CLAIM_CASH_OUT && !leg_chances_equal(claim->chances, known->chances))
        return wrong("L6: the chances were not the provider's");
    return (struct said){.word = WORD_RIGHT};
}

static struct said check_claim(const struct audit_prices *prices, const struct claim *claim,
                               const struct odds_log_change *change)
{
    const struct said lost = {.word = WORD_LOST};
    uint32_t index;
    if (lost_before(claim, change))
        return lost;
    if (claim->version != change->odds_version)
        return wrong("L6: the odds log has another version at that position");
    if (change->status != MARKET_ACTIVE)
        return wrong("L6: the market was not offered as active");
    bool found =
        table_find(prices->selections, claim->selection, &index) && prices->known[index].offered;
    if (!found && prices->kept_from > 0) /* it did not change since it was deleted */
        return lost;
    return found ? check_price(claim, &prices->known[index])
                 : wrong("L6: no price of the selection was ever offered");
}

/* Claims before this change that found none of their own. */
static void pass_lost(struct audit_prices *prices, uint64_t position,
                      const struct odds_log_change *change)
{
    for (; prices->next < prices->claims_count; prices->next++) {
        struct claim *claim = &prices->claims[prices->next];
        if (claim->position >= position)
            return;
        claim->now = claim->position >= prices->kept_from && !lost_before(claim, change)
                         ? wrong("L6: the odds log has no change at that position")
                         : (struct said){.word = WORD_LOST};
    }
}

static int more_epochs_new(struct audit_prices *prices)
{
    size_t max = prices->epochs_max == 0 ? EPOCHS_FIRST : prices->epochs_max * 2;
    uint32_t *epochs = realloc(prices->epochs, max * sizeof *epochs);
    if (epochs == NULL)
        return -ERR_MEMORY;
    prices->epochs = epochs;
    prices->epochs_max = max;
    return 0;
}

static int note_epoch(struct audit_prices *prices, uint32_t epoch)
{
    if (prices->epochs_count > 0 && prices->epochs[prices->epochs_count - 1] == epoch)
        return 0;
    if (prices->epochs_count == prices->epochs_max)
        TRY(more_epochs_new(prices));
    prices->epochs[prices->epochs_count++] = epoch;
    return 0;
}

static int visit_change(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct audit_prices *prices = owner;
    prices->changes++;
    TRY(note_epoch(prices, (uint32_t)(change->odds_version >> 32)));
    pass_lost(prices, position, change);
    for (size_t i = 0; i < change->selections_count; i++)
        note_price(prices, change->market_id, &change->selections[i]);
    for (; prices->next < prices->claims_count; prices->next++) {
        struct claim *claim = &prices->claims[prices->next];
        if (claim->position != position)
            break;
        claim->now = check_claim(prices, claim, change);
    }
    return 0;
}

/* ---- and all of them ---- */

static int by_epoch(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool has_epoch(const struct audit_prices *prices, uint64_t version)
{
    uint32_t epoch = (uint32_t)(version >> 32);
    return prices->epochs_count > 0 &&
           bsearch(&epoch, prices->epochs, prices->epochs_count, sizeof epoch, by_epoch) != NULL;
}

/* A log that has the claim's epoch goes before all that have not, whatever those say: to them it is
 * a price of somebody else. */
static void weigh(const struct audit_prices *prices, struct claim *claim)
{
    bool judges = has_epoch(prices, claim->version);
    if (judges < claim->judged)
        return;
    if (judges > claim->judged || claim->now.word > claim->best.word)
        claim->best = claim->now;
    claim->judged = judges;
}

static int read_log(struct audit_prices *prices, struct odds_log *log)
{
    memset(prices->known, 0, prices->known_count * sizeof *prices->known);
    prices->next = prices->epochs_count = 0;
    prices->kept_from = 0;
    if (log->ops->kept_from != NULL)
        TRY(log->ops->kept_from(log, &prices->kept_from));
    TRY(log->ops->replay(log, visit_change, prices));
    for (; prices->next < prices->claims_count; prices->next++)
        prices->claims[prices->next].now = (struct said){.word = WORD_LOST};
    if (prices->epochs_count > 1)
        qsort(prices->epochs, prices->epochs_count, sizeof *prices->epochs, by_epoch);
    for (size_t i = 0; i < prices->claims_count; i++)
        weigh(prices, &prices->claims[i]);
    if (prices->kept_from > prices->kept_from_most)
        prices->kept_from_most = prices->kept_from;
    return 0;
}

static int contradicts(const struct claim *claim, const char *reason, struct audit_report *report)
{
    report->reason = reason;
    report->seq = claim->seq;
    return -ERR_CORRUPT;
}

static int sum_up(const struct audit_prices *prices, struct audit_report *report)
{
    report->odds_changes = prices->changes;
    report->odds_kept_from = prices->kept_from_most;
    for (size_t i = 0; i < prices->claims_count; i++) {
        const struct claim *claim = &prices->claims[i];
        ASSERT(claim->best.word != WORD_NONE); /* each log says something of each */
        if (claim->best.word == WORD_WRONG)
            return contradicts(claim, claim->best.reason, report);
        report->legs_checked += claim->best.word == WORD_RIGHT;
        report->legs_unlogged += claim->best.word == WORD_LOST;
    }
    return 0;
}

int audit_prices_check(struct audit_prices *prices, struct odds_log *const *logs, size_t count,
                       struct audit_report *report)
{
    ASSERT(count > 0);
    report->reason = "the odds log could not be read";
    TRY(known_prices_new(prices));
    if (prices->claims != NULL)
        qsort(prices->claims, prices->claims_count, sizeof *prices->claims, by_position);
    /* Positions rise from 1; nobody can have lost a 0. */
    if (prices->claims_count > 0 && prices->claims[0].position == 0)
        return contradicts(&prices->claims[0], "L6: the price taken was never logged", report);
    for (size_t i = 0; i < count; i++)
        TRY(read_log(prices, logs[i]));
    report->reason = "";
    return sum_up(prices, report);
}

void audit_prices_done(struct audit_prices *prices)
{
    table_free(prices->selections);
    free(prices->claims);
    free(prices->known);
    free(prices->epochs);
}
