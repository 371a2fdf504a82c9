/* test_bet_decide_order.c - each refusal wins over all later ones (core/bet_decide.h, the list
 * at its head; docs/PROTOCOL.md, "Order of refusals").
 *
 * Every fault below spoils the accepted bet in one way. All combinations of faults that can
 * stand together are tried: the answer is the refusal of the fault that comes first. */
#include "test.h"

#include "scene.h"

static void closed(struct scene *scene)
{
    scene->market.status = MARKET_CLOSED_STATUS;
}

static void settled(struct scene *scene)
{
    scene->market.status = MARKET_SETTLED;
}

static void cancelled(struct scene *scene)
{
    scene->market.status = MARKET_CANCELLED;
}

static void suspended(struct scene *scene)
{
    scene->market.status = MARKET_SUSPENDED_STATUS;
}

static void provider_silent(struct scene *scene)
{
    scene->market.provider_alive = false;
}

static void unknown(struct scene *scene)
{
    scene->market.selection_known = false;
}

static void won(struct scene *scene)
{
    scene->market.selection_status = SELECTION_WON;
}

static void lost(struct scene *scene)
{
    scene->market.selection_status = SELECTION_LOST;
}

static void voided(struct scene *scene)
{
    scene->market.selection_status = SELECTION_VOID;
}

static void withheld(struct scene *scene)
{
    scene->market.selection_status = SELECTION_SUSPENDED;
}

static void removed(struct scene *scene)
{
    scene->market.selection_status = SELECTION_REMOVED;
}

static void priceless(struct scene *scene)
{
    scene->market.odds = ODDS_NONE;
}

static void version_ahead(struct scene *scene)
{
    scene->slip.odds_version = scene->market.odds_version + 1;
}

static void fallen(struct scene *scene)
{
    scene->slip.odds = (struct odds){22, 10};
}

static void not_equal(struct scene *scene)
{
    scene->slip.policy = PRICE_EXACT;
    scene->slip.odds = (struct odds){2, 1};
}

static void not_the_version(struct scene *scene)
{
    scene->slip.policy = PRICE_EXACT;
    scene->slip.odds_version = scene->market.odds_version - 1;
}

static void beyond_tolerance(struct scene *scene)
{
    scene->slip.policy = PRICE_WITHIN;
    scene->slip.odds = (struct odds){3, 1};
}

static void other_currency(struct scene *scene)
{
    scene->available.currency = EUR;
}

static void no_account(struct scene *scene)
{
    scene->available.currency = CURRENCY_NONE;
}

static void stake_low(struct scene *scene)
{
    scene->limits.stake_minor_min = 5001;
}

static void stake_high(struct scene *scene)
{
    scene->limits.stake_minor_max = 4999;
}

static void payout_high(struct scene *scene)
{
    scene->limits.payout_minor_max = 10499;
}

static void poor(struct scene *scene)
{
    scene->available.minor = 4999;
}

/* In the order of the contract. Faults of one group exclude each other. */
static const struct fault {
    const char *name;
    int group;
    enum bet_outcome outcome;
    void (*spoil)(struct scene *scene);
} faults[] = {
    {"closed", 0, BET_MARKET_CLOSED, closed},
    {"settled", 0, BET_MARKET_CLOSED, settled},
    {"cancelled", 0, BET_MARKET_CLOSED, cancelled},
    {"suspended", 0, BET_MARKET_SUSPENDED, suspended},
    {"provider silent", 1, BET_MARKET_SUSPENDED, provider_silent},
    {"unknown selection", 2, BET_UNKNOWN_SELECTION, unknown},
    {"selection won", 3, BET_MARKET_CLOSED, won},
    {"selection lost", 3, BET_MARKET_CLOSED, lost},
    {"selection void", 3, BET_MARKET_CLOSED, voided},
    {"selection suspended", 3, BET_MARKET_SUSPENDED, withheld},
    {"selection removed", 3, BET_MARKET_SUSPENDED, removed},
    {"no price", 4, BET_MARKET_SUSPENDED, priceless},
    {"version ahead", 5, BET_ODDS_CHANGED, version_ahead},
    {"price fallen", 6, BET_ODDS_CHANGED, fallen},
    {"price not equal", 6, BET_ODDS_CHANGED, not_equal},
    {"version not equal", 6, BET_ODDS_CHANGED, not_the_version},
    {"beyond the tolerance", 6, BET_ODDS_CHANGED, beyond_tolerance},
    {"other currency", 7, BET_CURRENCY_MISMATCH, other_currency},
    {"stake too low", 8, BET_STAKE_LIMIT, stake_low},
    {"stake too high", 8, BET_STAKE_LIMIT, stake_high},
    {"payout too high", 8, BET_STAKE_LIMIT, payout_high},
    {"no account yet", 7, BET_INSUFFICIENT_BALANCE, no_account},
    {"too poor", 9, BET_INSUFFICIENT_BALANCE, poor},
};

#define FAULTS_COUNT (sizeof faults / sizeof *faults)
#define GROUPS_COUNT 10

TEST(bet_decide_order, every_fault_alone_is_refused_by_its_name)
{
    for (size_t i = 0; i < FAULTS_COUNT; i++) {
        struct scene scene = scene_accepted();
        assert_int_equal(scene_decide(&scene).outcome, BET_PLACED);
        faults[i].spoil(&scene);
        enum bet_outcome outcome = scene_decide(&scene).outcome;
        if (outcome != faults[i].outcome)
            fail_msg("%s: %s", faults[i].name, bet_outcome_text(outcome));
    }
}

/* choice[group]: the fault chosen in it, or FAULTS_COUNT for none. */
static void check_choice(const size_t *choice)
{
    struct scene scene = scene_accepted();
    size_t first = FAULTS_COUNT;
    for (int group = 0; group < GROUPS_COUNT; group++) {
        if (choice[group] == FAULTS_COUNT)
            continue;
        faults[choice[group]].spoil(&scene);
        if (choice[group] < first)
            first = choice[group];
    }
    struct bet_verdict verdict = scene_decide(&scene);
    enum bet_outcome expected = first < FAULTS_COUNT ? faults[first].outcome : BET_PLACED;
    if (verdict.outcome != expected)
        fail_msg("%s first: %s", first < FAULTS_COUNT ? faults[first].name : "nothing",
                 bet_outcome_text(verdict.outcome));

    bool known = scene.market.selection_known;
    assert_true(odds_equal(verdict.odds, known ? scene.market.odds : ODDS_NONE));
    assert_int_equal(verdict.potential_return.minor, expected == BET_PLACED ? 10500 : 0);
    assert_int_equal(verdict.potential_return.currency.iso, GBP.iso);
    bool limit = expected == BET_STAKE_LIMIT;
    assert_int_equal(verdict.stake_minor_max > 0, limit);
    assert_int_equal(verdict.stake_minor_min > 0, limit);
}

/* The next choice of a fault in `group`, wrapping round to none. */
static size_t next_in_group(size_t now, int group)
{
    for (size_t i = now == FAULTS_COUNT ? 0 : now + 1; i < FAULTS_COUNT; i++)
        if (faults[i].group == group)
            return i;
    return FAULTS_COUNT;
}

TEST(bet_decide_order, of_any_faults_together_the_first_is_answered)
{
    size_t choice[GROUPS_COUNT];
    for (int group = 0; group < GROUPS_COUNT; group++)
        choice[group] = FAULTS_COUNT;
    int tried = 0;
    int group;
    do { /* an odometer with one wheel per group */
        check_choice(choice);
        tried++;
        for (group = 0; group < GROUPS_COUNT; group++) {
            choice[group] = next_in_group(choice[group], group);
            if (choice[group] != FAULTS_COUNT)
                break;
        }
    } while (group < GROUPS_COUNT);
    assert_int_equal(tried, 5 * 2 * 2 * 6 * 2 * 2 * 5 * 3 * 4 * 2);
}
