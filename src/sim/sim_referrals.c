/* sim_referrals.c - the desk's traders accept, reject and offer again, letting pass what they like;
 * customers take offers, decline them, or let them run out. All of them also speak too late, twice,
 * of others' bets and of offers that hold no more. */
#include "sim/sim_referrals.h"

#include "base/assert.h"
#include "sim/sim_proposals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

/* ---- of which bet ---- */

/* A bet that waits, or waited; row NULL: it does not wait (any more). */
struct target {
    uint64_t bet_id;
    uint32_t entry;
    uint32_t index; /* in the live state; BET_NONE: a crash took it */
    const struct shard_bet *bet;
    const struct shard_referral *row;
};

static struct target target_of(const struct sim *sim, uint64_t bet_id, uint32_t entry)
{
    const struct shard_state *state = book_state(sim->book);
    struct target t = {.bet_id = bet_id, .entry = entry};
    t.index = shard_state_find_bet(state, (struct bet_id){bet_id});
    if (t.index == BET_NONE)
        return t;
    uint32_t row = shard_state_find_referral(state, t.index);
    t.bet = shard_state_bet(state, t.index);
    t.row = row == REFERRAL_NONE ? NULL : shard_state_referral(state, row);
    return t;
}

static uint32_t entry_of(const struct sim *sim, uint32_t bet)
{
    for (uint32_t i = 0; i < sim->pending_count; i++)
        if (sim->pending[i].bet == bet)
            return sim->pending[i].entry;
    sim_broken(sim, "L7", "a bet waits for the desk that nobody asked for");
}

/* One at this stage if there is any, else any; now and then one that somebody spoke of. */
static bool choose(struct sim *sim, enum referral_stage stage, struct target *ret)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t count = shard_state_referrals_count(state);
    if (sim->words_count == sim->words_max)
        return false;
    if (sim->words_count > 0 && sim_chance(sim, count == 0 ? 20 : 80)) {
        uint64_t back = 1 + sim_below(sim, sim->words_count < 20 ? sim->words_count : 20);
        const struct sim_spoken *word = &sim->words[sim->words_count - back];
        *ret = target_of(sim, word->bet_id, word->entry);
        if (ret->row != NULL) /* after a crash the number may be another bet's */
            ret->entry = entry_of(sim, ret->index);
        return true;
    }
    if (count == 0)
        return false;
    uint32_t first = (uint32_t)sim_below(sim, count), at = first;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = (first + i) % count;
        if (shard_state_referral(state, row)->stage == stage) {
            at = row;
            break;
        }
    }
    uint32_t bet = shard_state_referral(state, at)->bet;
    *ret = target_of(sim, shard_state_bet(state, bet)->bet_id, entry_of(sim, bet));
    return true;
}

static struct sim_spoken *word_new(struct sim *sim, const struct target *t, enum referral_word kind)
{
    struct sim_spoken *word = &sim->words[sim->words_count++];
    const struct sim_entry *entry = &sim->entries[t->entry];
    *word = (struct sim_spoken){.bet_id = t->bet_id,
                                .entry = t->entry,
                                .said_in = sim->incarnation,
                                .said_us = sim->now_us,
                                .word = (uint8_t)kind};
    for (uint32_t i = 0; i < entry->legs_count; i++)
        word->views[i] = sim_leg_view(sim, &sim->legs[entry->legs_first + i]);
    return word;
}

static int64_t record_time(const struct sim *sim)
{
    int64_t wall_us = sim_wall(sim).us, last_us = shard_state_time_us(book_state(sim->book));
    return wall_us > last_us ? wall_us : last_us;
}

/* What a word is answered. */
struct expected {
    enum request_outcome outcome;
    bool unsure;             /* or INVALID: the oracle is not where the book is, and looks later */
    enum bet_outcome broken; /* INVALID: by what the bet breaks */
};

static struct expected expect_look(const struct sim *sim, const struct target *t,
                                   const struct sim_spoken *word)
{
    if (shard_state_seq(book_state(sim->book)) != sim->oracle.seq)
        return (struct expected){REQUEST_TAKEN, true, BET_PLACED};
    enum bet_outcome outcome =
        sim_expect_said(sim, &sim->oracle.bets[t->index], word, record_time(sim));
    return (struct expected){outcome == BET_PLACED ? REQUEST_TAKEN : REQUEST_INVALID, false,
                             outcome};
}

/* It is taken, and is the bet's newest record now; or it is refused, and nothing is. */
static void check_answer(struct sim *sim, struct sim_spoken *word, const struct expected *expected,
                         enum request_outcome outcome, enum bet_outcome broken)
{
    bool possible =
        outcome == expected->outcome || (outcome == REQUEST_INVALID && expected->unsure);
    SIM_CHECK(possible, "L7", "the word %u on bet %llu is answered %d, not %d (%s)", word->word,
              (unsigned long long)word->bet_id, outcome, expected->outcome,
              bet_outcome_text(expected->broken));
    SIM_CHECK(outcome != REQUEST_INVALID || expected->unsure || broken == expected->broken, "L7",
              "a word on bet %llu breaks %s, the oracle says %s", (unsigned long long)word->bet_id,
              bet_outcome_text(broken), bet_outcome_text(expected->broken));
}

static void keep(struct sim *sim, struct sim_spoken *word, enum request_outcome outcome,
                 uint64_t seq_before)
{
    const struct shard_state *state = book_state(sim->book);
    bool taken = outcome == REQUEST_TAKEN;
    SIM_CHECK(shard_state_seq(state) == seq_before + taken, "L7", "a word makes %llu records",
              (unsigned long long)(shard_state_seq(state) - seq_before));
    if (taken)
        word->seq = seq_before + 1;
    else
        sim->waiting--;
    if (outcome == REQUEST_INVALID)
        sim_count(sim, SIM_REFERRAL_BREAKS);
    if (outcome == REQUEST_UNKNOWN || outcome == REQUEST_CONFLICT)
        sim_count(sim, SIM_REFERRAL_AGAIN);
}

/* ---- the desk ---- */

static void choose_prices(struct sim *sim, const struct sim_entry *entry, struct sim_spoken *word)
{
    word->prices_count = (uint32_t)sim_below(sim, (uint64_t)entry->legs_count + 1);
    if (sim_chance(sim, 20))
        word->prices_count = entry->legs_count + 1u;
    for (uint32_t i = 0; i < word->prices_count; i++) {
        struct odds now = i < entry->legs_count ? word->views[i].odds : ODDS_NONE;
        uint64_t percent = 85 + sim_below(sim, 30);
        word->prices[i] = ODDS_NONE;
        if (!sim_chance(sim, 300) && odds_present(now) &&
            !odds_make(now.numerator * percent, (uint64_t)now.denominator * 100, &word->prices[i]))
            word->prices[i] = ODDS_NONE;
    }
}

static void choose_offer(struct sim *sim, const struct target *t, struct sim_spoken *word)
{
    const struct sim_entry *entry = &sim->entries[t->entry];
    int64_t step = sim_expect_step(sim, entry), held = t->bet == NULL ? 100 : t->bet->stake;
    if (sim_chance(sim, 700) && held >= step)
        word->stake = step * (1 + (int64_t)sim_below(sim, (uint64_t)(held / step)));
    if (sim_chance(sim, 40)) /* none that fits */
        word->stake = 1 + (int64_t)sim_below(sim, 2 * (uint64_t)held);
    if (sim_chance(sim, 300))
        word->valid_us = 1 + (int64_t)sim_below(sim, 3 * US_PER_SECOND);
    if (sim_chance(sim, 600))
        choose_prices(sim, entry, word);
}

static struct sim_spoken *desk_word(struct sim *sim, const struct target *t)
{
    uint64_t kind = sim_below(sim, 100);
    struct sim_spoken *word = word_new(sim, t,
                                       kind < 35   ? REFERRAL_ACCEPTED
                                       : kind < 45 ? REFERRAL_REJECTED
                                                   : REFERRAL_OFFERED);
    word->actor = sim_somebody(sim).at;
    word->lifts = sim_chance(sim, 500);
    if (word->lifts)
        word->lifted = sim_chance(sim, 500) ? REFERRAL_LIFTS_ALL : (uint8_t)sim_below(sim, 4);
    if (word->word == REFERRAL_OFFERED)
        choose_offer(sim, t, word);
    return word;
}

static struct expected expect_desk(const struct sim *sim, const struct target *t,
                                   const struct sim_spoken *word)
{
    if (book_stopped(sim->book))
        return (struct expected){.outcome = REQUEST_STOPPED};
    if (t->row == NULL)
        return (struct expected){.outcome = REQUEST_UNKNOWN};
    bool waits = t->row->stage == REFERRAL_WAITS, offered = t->row->stage == REFERRAL_IS_OFFERED;
    bool offers = word->word == REFERRAL_OFFERED;
    bool turn = waits || (offered && word->word != REFERRAL_ACCEPTED);
    if (!turn || (offers && t->row->offers == 4))
        return (struct expected){.outcome = REQUEST_CONFLICT};
    if (offers && word->prices_count > t->bet->legs_count)
        return (struct expected){REQUEST_INVALID, false, BET_UNKNOWN_SELECTION};
    if (offers && word->stake > t->bet->stake)
        return (struct expected){REQUEST_INVALID, false, BET_STAKE_LIMIT};
    return expect_look(sim, t, word);
}

static void say(struct sim *sim, const struct target *t, struct sim_spoken *word)
{
    struct word_refusal refusal = {BET_PLACED, 0};
    const struct desk_word by = {.actor = slice_text(word->actor), .reason = SLICE("as I see it")};
    const struct referral_request request = {.bet = {t->bet_id},
                                             .word = (enum referral_word)word->word,
                                             .lifts = word->lifts,
                                             .lifted = word->lifted,
                                             .stake = word->stake,
                                             .valid_us = word->valid_us,
                                             .prices_count = word->prices_count,
                                             .prices = word->prices};
    const struct expected expected = expect_desk(sim, t, word);
    uint64_t seq = shard_state_seq(book_state(sim->book));
    sim->waiting++;
    enum request_outcome outcome =
        book_say_referral(sim->book, &request, &by, sim_desk_reply(sim), &refusal);
    keep(sim, word, outcome, seq);
    if (outcome != REQUEST_BUSY || !sim_desk_is_shed(sim))
        check_answer(sim, word, &expected, outcome, refusal.outcome);
}

/* Now and then twice, by two who do not see each other. */
static void speak(struct sim *sim)
{
    struct target t;
    if (!choose(sim, REFERRAL_WAITS, &t))
        return;
    say(sim, &t, desk_word(sim, &t));
    if (sim->words_count == sim->words_max || !sim_chance(sim, 100))
        return;
    struct sim_spoken *again = &sim->words[sim->words_count++];
    *again = again[-1];
    again->seq = 0;
    t = target_of(sim, t.bet_id, t.entry);
    say(sim, &t, again);
}

/* ---- the customer ---- */

static struct expected expect_customer(const struct sim *sim, const struct target *t,
                                       const struct sim_spoken *word, bool own)
{
    if (!own)
        return (struct expected){.outcome = REQUEST_UNKNOWN};
    if (t->row == NULL || t->row->stage != REFERRAL_IS_OFFERED ||
        t->row->seq_bound != word->offer_seq || record_time(sim) > t->row->until_us)
        return (struct expected){.outcome = REQUEST_CONFLICT};
    return expect_look(sim, t, word);
}

/* It is not even looked at: the machine is not well. No table is too full for an answer. */
static bool is_put_off(const struct sim *sim, enum request_outcome outcome)
{
    if (outcome == REQUEST_STOPPED)
        return book_stopped(sim->book);
    if (outcome == REQUEST_STALLED || outcome == REQUEST_FULL)
        return !book_takes_bets(sim->book);
    return outcome == REQUEST_BUSY && sim_desk_is_shed(sim);
}

static void reply(struct sim *sim, const struct target *t, struct sim_spoken *word)
{
    char memory[32];
    struct word_refusal refusal = {BET_PLACED, 0};
    struct sim_entry who = sim->entries[t->entry];
    if (sim_chance(sim, 40))
        who.user = (uint16_t)((who.user + 1) % sim->mix.users);
    struct slice user = sim_user_text(&who, memory);
    struct account_ref account = shard_state_find_account(book_state(sim->book), user);
    bool own = t->bet != NULL && t->bet->account == account.n;
    const struct offer_answer answer = {.user_id = user,
                                        .bet = {t->bet_id},
                                        .offer_seq = word->offer_seq,
                                        .takes = word->word == REFERRAL_TAKEN,
                                        .transport = TRANSPORT_WEBSOCKET};
    const struct expected expected = expect_customer(sim, t, word, own);
    uint64_t seq = shard_state_seq(book_state(sim->book));
    sim->waiting++;
    enum request_outcome outcome =
        book_answer_offer(sim->book, &answer, sim_desk_reply(sim), &refusal);
    keep(sim, word, outcome, seq);
    if (expected.outcome == REQUEST_UNKNOWN || expected.outcome == REQUEST_CONFLICT ||
        !is_put_off(sim, outcome))
        check_answer(sim, word, &expected, outcome, refusal.outcome);
}

/* Of the offer that holds, seldom of another one; and some send it again at once. */
static void answer(struct sim *sim)
{
    struct target t;
    if (!choose(sim, REFERRAL_IS_OFFERED, &t))
        return;
    struct sim_spoken *word =
        word_new(sim, &t, sim_chance(sim, 700) ? REFERRAL_TAKEN : REFERRAL_DECLINED);
    word->offer_seq = t.row == NULL ? 1 + sim_below(sim, sim->oracle.seq + 1) : t.row->seq_bound;
    if (sim_chance(sim, 30))
        word->offer_seq--;
    reply(sim, &t, word);
    if (sim->words_count == sim->words_max || !sim_chance(sim, 100))
        return;
    struct sim_spoken *again = &sim->words[sim->words_count++];
    *again = again[-1];
    again->seq = 0;
    t = target_of(sim, t.bet_id, t.entry);
    reply(sim, &t, again);
}

void sim_referrals_step(struct sim *sim)
{
    if (sim_chance(sim, sim->mix.referrals))
        speak(sim);
    if (sim_chance(sim, sim->mix.referrals / 3)) /* customers think for longer */
        answer(sim);
}
