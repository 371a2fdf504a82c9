/* test_any_order_sold.c - bets are sold back, whole and in part, at once and after a delay, between
 * results, corrections, rollbacks, windows of time and words that wait for a second person and for
 * their time, in every order, with duplicates and crashes between (L7; BETTING-RULES 4.8, 4.11).
 *
 * What is sold is worth what the words in force make of it at that instant, and is never revived;
 * the rest is paid by the highest words, in whatever order they came. Both are computed here once
 * more, line by line, with nothing of core or ledger; and wherever the same was paid for the same
 * parts, everything is as in every other such order. */
#include <stdio.h>
#include <string.h>

#include "book_fixture.h"
#include "test.h"

#include "base/prng.h"
#include "ledger/shard_proposals.h"

#define MARKETS 3
#define BETS    6
#define DEPOSIT 1000000
/* Under sanitizers one order in eight, by chance: they cost five times as much. */
#ifdef __SANITIZE_ADDRESS__
#define ONE_ORDER_IN 8
#else
#define ONE_ORDER_IN 1
#endif
#define WINDOW_US (60 * US_PER_SECOND) /* in which one may object */
#define DELAY_US  (2 * US_PER_SECOND)
/* The first wave of bets is before it, the second behind. */
#define BETWEEN_US (INT64_C(1795000000) * US_PER_SECOND + 5 * US_PER_SECOND)

/* ---- bets ---- */

struct pick {
    char market, selection; /* '1' .. '3', 'a' or 'b' */
};

static const struct shape {
    struct pick picks[MARKETS];
    int64_t stake;
    uint32_t sizes; /* bit k - 1: every k of them; 0: one line */
    int wave;
} shapes[BETS] = {
    {{{'1', 'a'}}, 1000, 0, 0},
    {{{'1', 'b'}}, 1001, 0, 0},
    {{{'1', 'a'}, {'2', 'a'}}, 600, 0, 0},
    {{{'1', 'b'}, {'2', 'b'}, {'3', 'a'}}, 800, 0x6, 0}, /* a Trixie */
    {{{'1', 'a'}}, 900, 0, 1},
    {{{'1', 'b'}, {'2', 'b'}}, 703, 0, 1},
};

/* When the bets are taken, in hundredths; behind that both are at evens, so that each has half a
 * chance. */
static int64_t price_of(char selection)
{
    return selection == 'a' ? 300 : 250;
}

/* ---- words ---- */

#define HEAT(n, of) ((struct leg_result){true, 0, n, of})

struct word {
    enum result_kind kind;
    char market;
    uint64_t version;
    struct leg_result a, b; /* of a RESULT_SET */
};

static const struct word first_wins = {RESULT_SET, '1', 1, LEG_WON, LEG_LOST};
static const struct word both_tie = {RESULT_SET, '1', 2, HEAT(1, 2), HEAT(1, 2)};
static const struct word rolled_back = {.kind = RESULT_ROLLBACK, .market = '1', .version = 3};
static const struct word half_lost = {RESULT_SET, '1', 4, LEG_HALF_LOST, LEG_VOID};
static const struct word cancelled = {.kind = RESULT_CANCEL, .market = '1', .version = 1};
static const struct word not_cancelled = {.kind = RESULT_UNDO_CANCEL, .market = '1', .version = 2};
static const struct word second_market = {RESULT_SET, '2', 7, LEG_VOID, LEG_HALF_WON};
static const struct word second_corrected = {RESULT_SET, '2', 8, LEG_WON, LEG_LOST};
static const struct word third_market = {RESULT_SET, '3', 1, LEG_WON, LEG_LOST};

/* ---- what is to be, in other words than the book's ---- */

/* The words in force of a market; NULL: none. */
struct in_force {
    const struct word *result, *window;
};

struct sold {
    int64_t part, value; /* of one that waits; part 0: none does */
    bool untouched;      /* nothing was said of its markets since, and no process died */
    int64_t left, paid;
    unsigned sales; /* done, or refused after a delay */
};

struct model {
    struct in_force markets[MARKETS];
    struct sold bets[BETS];
};

static void take_force(struct model *m, const struct word *word)
{
    struct in_force *f = &m->markets[word->market - '1'];
    const struct word **axis = word->kind >= RESULT_CANCEL ? &f->window : &f->result;
    if (*axis == NULL || (*axis)->version < word->version)
        *axis = word;
    for (int i = 0; i < BETS; i++)
        for (int k = 0; k < MARKETS; k++)
            if (shapes[i].picks[k].market == word->market)
                m->bets[i].untouched = false;
}

/* A leg's factor in 400ths; -1: it is open. */
static int64_t factor_of(const struct model *m, const struct shape *shape, int leg)
{
    const struct pick pick = shape->picks[leg];
    const struct in_force *f = &m->markets[pick.market - '1'];
    int64_t odds = price_of(pick.selection);
    if (f->window != NULL && f->window->kind == RESULT_CANCEL && shape->wave == 0)
        return 400;
    if (f->result == NULL || f->result->kind == RESULT_ROLLBACK)
        return -1;
    struct leg_result r = pick.selection == 'a' ? f->result->a : f->result->b;
    int64_t won = r.won ? 4 * odds * r.dead_heat_numerator / r.dead_heat_denominator : 0;
    return (400 * r.void_halves + won * (2 - r.void_halves)) / 2;
}

/* The lines of a stake, each leg at its factor, an open one at its price times a half; in
 * (400^3 * lines)ths of a minor unit. */
struct sum {
    int64_t total, lines;
    bool decided; /* whatever the open legs come to */
};

static struct sum sum_of(const struct model *m, const struct shape *shape)
{
    struct sum sum = {0};
    bool all_known = true;
    uint32_t legs = 0;
    while (legs < MARKETS && shape->picks[legs].market != 0)
        legs++;
    uint32_t sizes = shape->sizes == 0 ? UINT32_C(1) << (legs - 1) : shape->sizes;
    for (uint32_t line = 1; line < UINT32_C(1) << legs; line++) {
        int64_t product = 1;
        if ((sizes >> (__builtin_popcount(line) - 1) & 1) == 0)
            continue;
        for (int i = 0; i < MARKETS; i++) {
            bool in_line = (line >> i & 1) != 0;
            int64_t factor = in_line ? factor_of(m, shape, i) : 400;
            all_known = all_known && factor >= 0;
            product *= factor < 0 ? 2 * price_of(shape->picks[i].selection) : factor;
        }
        sum.total += product;
        sum.lines++;
    }
    sum.decided = all_known || sum.total == 0;
    return sum;
}

/* What a stake of it is worth, less so many ten thousandths, rounded down once. */
static int64_t worth(const struct model *m, const struct shape *shape, int64_t stake,
                     int64_t margin)
{
    const struct sum sum = sum_of(m, shape);
    __int128 whole = (__int128)sum.total * stake * (10000 - margin);
    return (int64_t)(whole / sum.lines / (400 * 400 * 400) / 10000);
}

/* It has an offer, once the book rests and the feed has said its prices. */
static bool for_sale(const struct model *m, int bet)
{
    return m->bets[bet].left > 0 && m->bets[bet].part == 0 && !sum_of(m, &shapes[bet]).decided;
}

/* ---- the book ---- */

struct play {
    struct fixture f;
    struct model model;
    struct prng prng;
    bool restarts, duplicates, in_play;
    uint64_t bets[BETS];
    const struct word *fed[16]; /* by the feed, to be said again after a crash */
    size_t fed_count;
    struct proposed {
        const struct word *word; /* NULL: it is in force, or rejected */
        int64_t due_us;
        bool approved;
    } proposed[8];
    size_t proposed_count;
};

/* Those whose delay is over: as agreed, or not at all. */
static void look_at_waiting(struct play *p)
{
    for (int i = 0; i < BETS; i++) {
        struct sold *sold = &p->model.bets[i];
        const struct shard_bet *bet = fixture_state_of(&p->f, p->bets[i]);
        if (sold->part == 0 || bet->cash_out_waits != CASH_OUT_NONE)
            continue;
        bool done = bet->stake < sold->left;
        assert_true(done || !sold->untouched);
        assert_false(done && sum_of(&p->model, &shapes[i]).decided);
        sold->left -= done ? sold->part : 0;
        sold->paid += done ? sold->value : 0;
        sold->part = 0;
    }
}

/* Nobody objected: what was approved takes force in its time, and what was overtaken does not. */
static void look_at_proposed(struct play *p)
{
    for (size_t i = 0; i < p->proposed_count; i++) {
        struct proposed *proposed = &p->proposed[i];
        if (proposed->word == NULL || !proposed->approved || proposed->due_us > p->f.wall.us)
            continue;
        take_force(&p->model, proposed->word);
        proposed->word = NULL;
    }
}

static void turn(struct play *p, int64_t us)
{
    fixture_turn(&p->f, us);
    look_at_proposed(p);
    look_at_waiting(p);
}

static void rest(struct play *p)
{
    for (int i = 0; i < 8; i++)
        turn(p, 100);
}

/* "m1" .. "m3", of an event each. */
static void show(struct play *p, bool at_first)
{
    char id[] = "m0", event[] = "e0";
    for (int i = 1; i <= MARKETS; i++) {
        id[1] = event[1] = (char)('0' + i);
        fixture_offer(&p->f, &(struct fixture_offer){
                                 .market = id,
                                 .event = event,
                                 .a = at_first ? (unsigned)price_of('a') : 200,
                                 .b = at_first ? (unsigned)price_of('b') : 200,
                                 .delay_us = !at_first && p->in_play && i == 2 ? DELAY_US : 0,
                             });
    }
}

static uint64_t place(struct fixture *f, const struct shape *shape, int number)
{
    struct ticket_leg legs[MARKETS] = {0};
    struct leg_names names[MARKETS];
    char ids[MARKETS][2], key[8];
    uint32_t count = 0;
    for (; count < MARKETS && shape->picks[count].market != 0; count++) {
        ids[count][0] = 'm';
        ids[count][1] = shape->picks[count].market;
        legs[count].banker = shape->sizes == 0;
        names[count] = (struct leg_names){slice_of(ids[count], 2),
                                          slice_of(&shape->picks[count].selection, 1)};
    }
    const struct bet_request request = {
        .user_id = SLICE("ann"),
        .key = slice_of(key, (size_t)snprintf(key, sizeof key, "k%d", number)),
        .ticket = {.stake = {shape->stake, {826}},
                   .policy = PRICE_ANY,
                   .legs = legs,
                   .legs_count = count,
                   .sizes = {shape->sizes},
                   .stake_kind = STAKE_CASH},
        .names = names,
        .request_hash = {(uint64_t)number, 1},
        .transport = TRANSPORT_HTTP,
    };
    assert_int_equal(book_place_bet(f->book, &request, fixture_answer, fixture_cookie(f)),
                     REQUEST_TAKEN);
    fixture_turn(f, 1000);
    assert_int_equal(f->outcome, BET_PLACED);
    return f->bet_id;
}

static void policies(struct book_options *options)
{
    options->results_second_person = true;
    options->results_objection_us = WINDOW_US;
}

static void begin(struct play *p)
{
    fixture_begin_tuned(&p->f, policies);
    assert_int_equal(fixture_deposit(&p->f, "ann", "d", DEPOSIT), REQUEST_TAKEN);
    fixture_turn(&p->f, 1000);
    memset(&p->model, 0, sizeof p->model);
    p->fed_count = p->proposed_count = 0;
    for (int wave = 0; wave < 2; wave++) {
        show(p, true);
        for (int i = 0; i < BETS; i++)
            if (shapes[i].wave == wave) {
                p->bets[i] = place(&p->f, &shapes[i], i);
                p->model.bets[i].left = shapes[i].stake;
            }
        assert_int_equal(p->f.wall.us < BETWEEN_US, wave == 0);
        if (wave == 0)
            fixture_turn(&p->f, BETWEEN_US + 1 - p->f.wall.us);
    }
}

/* ---- sales ---- */

/* Or lives without its feed for long: no sale that waits need be done. */
static void expect_no_sale(struct play *p)
{
    for (int i = 0; i < BETS; i++)
        p->model.bets[i].untouched = false;
}

static int64_t sold_for(struct fixture *f, uint64_t bet)
{
    return fixture_state_of(f, bet)->cashed_out;
}

/* A crash takes it, and the offer; who sells asks again with the same key. */
static void lose_sale(struct play *p, const char *key, struct cash_out_offer *offer,
                      struct sale sale)
{
    int64_t before = sold_for(&p->f, sale.bet_id);
    p->f.log.hold = true;
    assert_int_equal(fixture_cash_out(&p->f, key, offer, sale), REQUEST_TAKEN);
    fixture_restart(&p->f);
    expect_no_sale(p);
    show(p, false);
    assert_int_equal(sold_for(&p->f, sale.bet_id), before);
    assert_int_equal(fixture_cash_out_offer(&p->f, sale.bet_id, offer), BET_PLACED);
}

/* A part of a bet, or all that is left of it (0). */
static void sell(struct play *p, int bet, int64_t part)
{
    struct cash_out_offer offer;
    struct sold *sold = &p->model.bets[bet];
    const struct shape *shape = &shapes[bet];
    char key[16];
    rest(p);
    show(p, false);
    if (part == 0 || part > sold->left)
        part = sold->left;
    bool sells = for_sale(&p->model, bet) && worth(&p->model, shape, part, 500) > 0;
    assert_int_equal(fixture_cash_out_offer(&p->f, p->bets[bet], &offer) == BET_PLACED, sells);
    if (!sells)
        return;
    int64_t value = worth(&p->model, shape, part, 500), before = sold_for(&p->f, p->bets[bet]);
    const struct sale sale = {p->bets[bet], part, value};
    assert_int_equal(offer.amount.minor, worth(&p->model, shape, sold->left, 500));
    (void)snprintf(key, sizeof key, "s%d-%u", bet, sold->sales++);
    if (p->restarts && prng_below(&p->prng, 8) == 0)
        lose_sale(p, key, &offer, sale);
    assert_int_equal(fixture_cash_out(&p->f, key, &offer, sale), REQUEST_TAKEN);
    fixture_turn(&p->f, 100);
    assert_int_equal(p->f.type, RECORD_CASH_OUT);
    assert_int_equal(p->f.outcome, offer.delay_us == 0 ? BET_PLACED : BET_PENDING);
    if (p->f.outcome == BET_PENDING) {
        sold->part = part;
        sold->value = value;
        sold->untouched = true;
        return;
    }
    assert_int_equal(sold_for(&p->f, p->bets[bet]) - before, value);
    sold->left -= part;
    sold->paid += value;
    if (!p->duplicates)
        return;
    assert_int_equal(fixture_cash_out(&p->f, key, &offer, sale), REQUEST_TAKEN);
    fixture_turn(&p->f, 100);
    assert_true(p->f.replayed);
    assert_int_equal(sold_for(&p->f, p->bets[bet]) - before, value);
}

/* ---- words that are said ---- */

static enum request_outcome send(struct fixture *f, const struct word *word, const char *actor)
{
    bool window = word->kind >= RESULT_CANCEL;
    char id[2] = {'m', word->market};
    const struct feed_selection_result selections[2] = {
        {.selection_id = SLICE("a"), .result = word->a},
        {.selection_id = SLICE("b"), .result = word->b}};
    const struct feed_result result = {
        .provider = SLICE("p"),
        .market_id = slice_of(id, 2),
        .kind = word->kind,
        .result_version = word->version,
        .feed_time = f->wall,
        .void_from = {window ? 1 : 0},
        .void_until = {window ? BETWEEN_US : 0},
        .selections = selections,
        .selections_count = word->kind == RESULT_SET ? 2 : 0,
    };
    struct feed_sink *sink = book_sink(f->book);
    if (actor != NULL)
        return book_post_result(
            f->book, &result,
            &(struct desk_word){.actor = slice_text(actor), .reason = SLICE("seen")},
            (struct book_reply){fixture_answer, fixture_cookie(f)});
    sink->ops->alive(sink, result.provider);
    sink->ops->result(sink, &result);
    return REQUEST_TAKEN;
}

static void feed(struct play *p, const struct word *word)
{
    (void)send(&p->f, word, NULL);
    p->fed[p->fed_count++] = word;
    take_force(&p->model, word);
    if (p->duplicates && prng_below(&p->prng, 2) == 0)
        (void)send(&p->f, p->fed[prng_below(&p->prng, p->fed_count)], NULL);
}

/* One who proposes one word alone. */
static const char *actor_of(const struct word *word, char memory[8])
{
    (void)snprintf(memory, 8, "tom%c%d", word->kind >= RESULT_CANCEL ? 'w' : 'r',
                   (int)word->version);
    return memory;
}

static uint64_t proposal_of(struct fixture *f, const struct word *word)
{
    char memory[8];
    const struct slice actor = slice_text(actor_of(word, memory));
    const struct shard_state *state = book_state(f->book);
    for (uint32_t i = 0; i < shard_state_proposals_count(state); i++) {
        const struct shard_proposal *proposal = shard_state_proposal(state, i);
        if (slice_equal(slice_of(proposal->actor, proposal->actor_bytes), actor))
            return proposal->seq;
    }
    return 0;
}

static bool is_overtaken(const struct model *m, const struct word *word)
{
    const struct in_force *f = &m->markets[word->market - '1'];
    const struct word *now = word->kind >= RESULT_CANCEL ? f->window : f->result;
    return now != NULL && now->version > word->version;
}

static void propose(struct play *p, const struct word *word)
{
    char memory[8];
    enum request_outcome outcome = send(&p->f, word, actor_of(word, memory));
    assert_int_equal(outcome, is_overtaken(&p->model, word) ? REQUEST_OLD_VERSION : REQUEST_TAKEN);
    if (outcome == REQUEST_TAKEN)
        p->proposed[p->proposed_count++] =
            (struct proposed){.word = word, .due_us = p->f.wall.us + WINDOW_US};
    turn(p, 100);
    if (p->duplicates && outcome == REQUEST_TAKEN)
        assert_int_equal(send(&p->f, word, actor_of(word, memory)), REQUEST_NO_CHANGE);
}

/* By somebody else; who proposed it cannot. */
static void decide(struct play *p, const struct word *word, enum decision_kind decision)
{
    struct desk_word by = {.actor = SLICE("eve"), .reason = SLICE("seen too")};
    const struct book_reply reply = {fixture_answer, fixture_cookie(&p->f)};
    uint64_t seq = proposal_of(&p->f, word);
    assert_int_equal(seq == 0, is_overtaken(&p->model, word));
    if (seq == 0)
        return;
    assert_int_equal(book_decide_proposal(p->f.book, seq, decision, &by, reply), REQUEST_TAKEN);
    for (size_t i = 0; i < p->proposed_count; i++)
        if (p->proposed[i].word == word) {
            p->proposed[i].approved = decision == DECISION_APPROVED;
            p->proposed[i].word = p->proposed[i].approved ? word : NULL;
        }
    turn(p, 100);
}

/* The feed is silent meanwhile: no sale that waits is done. */
static void let_time_pass(struct play *p)
{
    rest(p);
    expect_no_sale(p);
    turn(p, WINDOW_US + 1);
    turn(p, 100);
}

static void restart(struct play *p)
{
    fixture_restart(&p->f);
    expect_no_sale(p);
    for (size_t i = 0; i < p->fed_count; i++) /* a crash loses what was not durable */
        (void)send(&p->f, p->fed[i], NULL);
    turn(p, 100);
}

/* ---- steps ---- */

struct step {
    enum { FEED, PROPOSE, APPROVE, REJECT, TIME, SELL } what;
    const struct word *word;
    int bet;
    int64_t part;
};

static bool comes_first(const struct step *steps, size_t at, const struct word *word)
{
    for (size_t i = 0; i < at; i++)
        if (steps[i].what == PROPOSE && steps[i].word == word)
            return true;
    return false;
}

/* What is decided was proposed before. */
static bool makes_sense(const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((steps[i].what == APPROVE || steps[i].what == REJECT) &&
            !comes_first(steps, i, steps[i].word))
            return false;
    return true;
}

static void take(struct play *p, const struct step *step)
{
    switch (step->what) {
    case FEED:
        feed(p, step->word);
        break;
    case PROPOSE:
        propose(p, step->word);
        break;
    case APPROVE:
        decide(p, step->word, DECISION_APPROVED);
        break;
    case REJECT:
        decide(p, step->word, DECISION_REJECTED);
        break;
    case TIME:
        let_time_pass(p);
        break;
    case SELL:
        sell(p, step->bet, step->part);
        break;
    }
}

/* ---- what is left in the end ---- */

struct ending {
    int64_t paid[BETS]; /* for what was sold: the order may matter for that alone */
    int64_t available, held, stakes, result, cash;
    struct {
        int64_t stake, payout, state; /* no padding: it is compared */
    } bets[BETS];
};

/* As the book has it, which must be what the independent sum says. */
static struct ending end(struct play *p)
{
    struct ending e;
    int64_t available = DEPOSIT;
    let_time_pass(p);
    rest(p);
    const struct shard_house *house = shard_state_house(book_state(p->f.book), 0);
    memset(&e, 0, sizeof e);
    for (int i = 0; i < BETS; i++) {
        const struct shard_bet *bet = fixture_state_of(&p->f, p->bets[i]);
        const struct sold *sold = &p->model.bets[i];
        bool decided = sold->left > 0 && sum_of(&p->model, &shapes[i]).decided;
        int64_t pays = decided ? worth(&p->model, &shapes[i], sold->left, 0) : 0;
        assert_int_equal(bet->cash_out_waits, CASH_OUT_NONE);
        assert_int_equal(bet->stake, sold->left);
        assert_int_equal(bet->cashed_out, sold->paid);
        assert_int_equal(bet->state == BET_STATE_SETTLED, decided);
        assert_int_equal(decided ? bet->payout : 0, pays);
        available += sold->paid + pays - shapes[i].stake;
        e.paid[i] = sold->paid;
        e.bets[i].stake = bet->stake, e.bets[i].payout = pays, e.bets[i].state = bet->state;
    }
    e.available = fixture_available(&p->f, "ann"), e.held = fixture_held(&p->f, "ann");
    e.stakes = house->stakes, e.result = house->result, e.cash = house->cash;
    assert_int_equal(e.available, available);
    assert_int_equal(e.held, 0);
    assert_int_equal(e.available + e.stakes + e.result + e.cash, 0); /* L4 */
    fixture_check(&p->f);
    fixture_end(&p->f);
    return e;
}

/* ---- orders ---- */

#define ENDINGS_MAX 512

/* Every ending, by what was paid for what was sold. */
struct orders {
    struct play play; /* how they are played */
    size_t count, alike, endings_count;
    struct ending endings[ENDINGS_MAX];
};

static void keep(struct orders *o, const struct ending *e)
{
    o->count++;
    for (size_t i = 0; i < o->endings_count; i++)
        if (memcmp(o->endings[i].paid, e->paid, sizeof e->paid) == 0) {
            assert_memory_equal(&o->endings[i], e, sizeof *e);
            o->alike++;
            return;
        }
    assert_true(o->endings_count < ENDINGS_MAX);
    o->endings[o->endings_count++] = *e;
}

static void play(struct orders *o, const struct step *steps, size_t count)
{
    struct play *p = &o->play;
    begin(p);
    for (size_t i = 0; i < count; i++) {
        take(p, &steps[i]);
        for (uint64_t turns = prng_below(&p->prng, 4); turns > 0; turns--) {
            if (p->in_play)
                show(p, false);
            turn(p, p->in_play ? DELAY_US / 2 : 1000);
        }
        if (p->restarts && prng_below(&p->prng, 4) == 0)
            restart(p);
    }
    const struct ending e = end(p);
    keep(o, &e);
}

static void swap(struct step *a, struct step *b)
{
    struct step t = *a;
    *a = *b;
    *b = t;
}

static void every_order(struct orders *o, struct step *steps, size_t at, size_t count)
{
    if (at == count) {
        if (makes_sense(steps, count) && prng_below(&o->play.prng, ONE_ORDER_IN) == 0)
            play(o, steps, count);
        return;
    }
    for (size_t i = at; i < count; i++) {
        swap(&steps[at], &steps[i]);
        every_order(o, steps, at + 1, count);
        swap(&steps[at], &steps[i]);
    }
}

#define COUNT_OF(steps) (sizeof(steps) / sizeof *(steps))

static struct orders orders;

static struct orders *begin_orders(uint64_t seed)
{
    memset(&orders, 0, sizeof orders);
    prng_seed(&orders.play.prng, seed);
    return &orders;
}

TEST(any_order_sold, corrections_before_and_behind_sales_of_a_part_and_of_all)
{
    struct step steps[] = {{FEED, &first_wins, 0, 0},  {FEED, &both_tie, 0, 0},
                           {FEED, &rolled_back, 0, 0}, {FEED, &cancelled, 0, 0},
                           {SELL, NULL, 0, 400},       {SELL, NULL, 1, 0}};
    struct orders *o = begin_orders(1);
    o->play.restarts = o->play.duplicates = true;
    every_order(o, steps, 0, COUNT_OF(steps));
    assert_true(o->endings_count > 3); /* sold, or not any more */
    assert_true(o->alike > o->endings_count);
}

/* A running one is sold at what its settled leg says then. */
TEST(any_order_sold, multiples_are_sold_between_the_results_of_their_legs)
{
    struct step steps[] = {{FEED, &first_wins, 0, 0},    {FEED, &half_lost, 0, 0},
                           {FEED, &second_market, 0, 0}, {SELL, NULL, 2, 250},
                           {SELL, NULL, 3, 300},         {SELL, NULL, 5, 0}};
    struct orders *o = begin_orders(2);
    o->play.restarts = o->play.duplicates = true;
    every_order(o, steps, 0, COUNT_OF(steps));
    assert_true(o->endings_count > 10);
    assert_true(o->alike > 0);
}

TEST(any_order_sold, words_that_wait_for_a_second_person_and_their_time)
{
    struct step steps[] = {{FEED, &third_market, 0, 0}, {PROPOSE, &both_tie, 0, 0},
                           {APPROVE, &both_tie, 0, 0},  {PROPOSE, &cancelled, 0, 0},
                           {REJECT, &cancelled, 0, 0},  {TIME, NULL, 0, 0},
                           {FEED, &first_wins, 0, 0},   {SELL, NULL, 4, 300}};
    struct orders *o = begin_orders(3);
    o->play.restarts = o->play.duplicates = true;
    every_order(o, steps, 1, COUNT_OF(steps));
    assert_true(o->endings_count > 1);
    assert_true(o->alike > o->endings_count);
}

/* ---- all of it, by chance ---- */

static void by_chance(struct orders *o, struct step *steps, size_t count, unsigned times)
{
    for (unsigned i = 0; i < times / ONE_ORDER_IN; i++) {
        do {
            for (size_t k = count - 1; k > 0; k--)
                swap(&steps[k], &steps[prng_below(&o->play.prng, k + 1)]);
        } while (!makes_sense(steps, count));
        play(o, steps, count);
    }
}

static const struct step everything[] = {{FEED, &first_wins, 0, 0},
                                         {FEED, &rolled_back, 0, 0},
                                         {FEED, &half_lost, 0, 0},
                                         {FEED, &not_cancelled, 0, 0},
                                         {FEED, &second_market, 0, 0},
                                         {FEED, &third_market, 0, 0},
                                         {PROPOSE, &both_tie, 0, 0},
                                         {APPROVE, &both_tie, 0, 0},
                                         {PROPOSE, &cancelled, 0, 0},
                                         {APPROVE, &cancelled, 0, 0},
                                         {PROPOSE, &second_corrected, 0, 0},
                                         {REJECT, &second_corrected, 0, 0},
                                         {TIME, NULL, 0, 0},
                                         {TIME, NULL, 0, 0},
                                         {SELL, NULL, 0, 400},
                                         {SELL, NULL, 0, 0},
                                         {SELL, NULL, 1, 333},
                                         {SELL, NULL, 2, 250},
                                         {SELL, NULL, 2, 100},
                                         {SELL, NULL, 3, 300},
                                         {SELL, NULL, 4, 0},
                                         {SELL, NULL, 5, 203},
                                         {SELL, NULL, 5, 0}};

TEST(any_order_sold, many_sales_and_words_by_chance)
{
    struct step steps[COUNT_OF(everything)];
    struct orders *o = begin_orders(4);
    memcpy(steps, everything, sizeof steps);
    o->play.restarts = o->play.duplicates = true;
    by_chance(o, steps, COUNT_OF(steps), 400);
    assert_true(o->endings_count > 20);
}

TEST(any_order_sold, sales_that_wait_for_a_delay_while_words_come)
{
    struct step steps[COUNT_OF(everything)];
    struct orders *o = begin_orders(5);
    memcpy(steps, everything, sizeof steps);
    o->play.restarts = o->play.in_play = true;
    by_chance(o, steps, COUNT_OF(steps), 400);
    assert_true(o->endings_count > 20);
}
