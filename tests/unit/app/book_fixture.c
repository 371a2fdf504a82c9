/* book_fixture.c - contract in book_fixture.h. */
#include "book_fixture.h"

#include <string.h>

#include "test.h"

#include "adapters/embedded/odds_store_memory.h"
#include "app/book_copy.h"

static struct slice text(const char *t)
{
    return slice_text(t);
}

static void on_market(void *owner, const struct odds_image *image, uint64_t before,
                      const uint16_t *changed, size_t count)
{
    struct fixture *f = owner;
    (void)changed, (void)count;
    assert_true(image->odds_version > before); /* P1 */
    f->market_changes++;
}

static void on_standing(void *owner, const struct odds_image *image)
{
    struct fixture *f = owner;
    (void)image;
    assert_non_null(f->prices); /* else each light has a version of its own */
    f->standing++;
}

static void on_removed(void *owner, const struct odds_image *image)
{
    (void)image;
    ((struct fixture *)owner)->removed++;
}

static void on_word(void *owner, const struct record_view *record)
{
    struct fixture *f = owner;
    if (f->on_word != NULL)
        f->on_word(f->word_owner, record);
}

static void on_stopped(void *owner)
{
    ((struct fixture *)owner)->stopped++;
}

static void make_book(struct fixture *f)
{
    static const uint64_t key[2] = {1, 2};
    struct book_options options = BOOK_OPTIONS_DEFAULT;
    options.limits = (struct shard_limits){.accounts_max = 1000,
                                           .markets_max = 100,
                                           .selections_max = 4000,
                                           .bets_max = 20000,
                                           .verdicts_max = 20000};
    if (f->verdicts_max != 0)
        options.limits.verdicts_max = f->verdicts_max;
    options.pending_max = 4;
    options.cash_out.on = !f->no_cash_out;
    options.settle_per_turn_max = 8;
    if (f->tune != NULL)
        f->tune(&options);
    f->log.shard = options.place.shard;
    struct book_listener listener = {.owner = f,
                                     .on_market = on_market,
                                     .on_standing = on_standing,
                                     .on_removed = on_removed,
                                     .on_word = on_word,
                                     .on_stopped = on_stopped};
    assert_int_equal(odds_store_memory_new(100, key, &f->store), 0);
    struct book_ports ports = {.log = &f->log.port,
                               .odds_log = &f->odds_log.port,
                               .store = f->store,
                               .prices = f->prices,
                               .snapshots = f->snapshots,
                               .reconcile = f->reconcile,
                               .verdicts = f->verdicts};
    const char *reason = NULL;
    assert_int_equal(book_new(&options, &ports, &listener, &f->book), 0);
    if (f->warm != NULL)
        book_adopt(f->book, &f->warm);
    int error = book_start(f->book, f->wall, f->now, &reason);
    assert_string_equal(reason, "");
    assert_int_equal(error, 0);
    for (int i = 0; i < 2; i++)
        if (f->early[i] != NULL)
            fixture_offer(f, f->early[i]);
    fixture_turn(f, 0);
}

static void begin(struct fixture *f);

void fixture_begin(struct fixture *f)
{
    fixture_begin_tuned(f, NULL);
}

void fixture_begin_tuned(struct fixture *f, void (*tune)(struct book_options *options))
{
    memset(f, 0, sizeof *f);
    f->tune = tune;
    begin(f);
}

void fixture_begin_following(struct fixture *f, struct price_source *prices,
                             void (*tune)(struct book_options *options))
{
    memset(f, 0, sizeof *f);
    f->prices = prices;
    f->tune = tune;
    begin(f);
}

static void begin(struct fixture *f)
{
    fake_log_init(&f->log);
    fake_odds_log_init(&f->odds_log);
    f->wall.us = INT64_C(1795000000) * US_PER_SECOND;
    f->now.us = 1000 * US_PER_SECOND;
    make_book(f);
}

static void drop_book(struct fixture *f)
{
    f->log.under_way = NULL;
    f->log.reads_count = 0;
    f->store->ops->free(f->store);
    book_abandon(f->book);
}

void fixture_end(struct fixture *f)
{
    drop_book(f);
    fake_log_done(&f->log);
    fake_odds_log_done(&f->odds_log);
}

void fixture_restart(struct fixture *f)
{
    drop_book(f);
    if (!f->keep_log)
        f->log.fail_next = f->log.hold = false;
    make_book(f);
}

void fixture_turn(struct fixture *f, int64_t us)
{
    f->wall.us += us;
    f->now.us += us;
    book_begin_turn(f->book, f->wall, f->now);
    book_end_turn(f->book);
    for (int i = 0; i < 8; i++)
        book_poll(f->book);
}

static struct odds hundredths(unsigned n)
{
    struct odds odds = ODDS_NONE;
    if (n != 0)
        assert_true(odds_make(n, 100, &odds));
    return odds;
}

static struct feed_selection selection_of(const char *id, const char *name, unsigned price)
{
    return (struct feed_selection){text(id),
                                   text(name),
                                   price != 0 ? SELECTION_ACTIVE : SELECTION_SUSPENDED,
                                   hundredths(price),
                                   {.win = 0}};
}

void fixture_offer(struct fixture *f, const struct fixture_offer *offer)
{
    struct feed_selection selections[3] = {selection_of("a", "A", offer->a),
                                           selection_of("b", "B", offer->b),
                                           selection_of("c", "C", offer->c)};
    selections[0].chances = offer->chances;
    struct feed_market market = {
        .winners = offer->any_win        ? 0
                   : offer->winners != 0 ? offer->winners
                                         : 1,
        .provider = text(offer->provider != NULL ? offer->provider : "p"),
        .id = text(offer->market != NULL ? offer->market : "m1"),
        .event_id = text(offer->event != NULL ? offer->event : "e1"),
        .event_name = text("A v B"),
        .sport = text("football"),
        .name = text("Match Odds"),
        .kind = text(offer->kind != NULL ? offer->kind : "MATCH_ODDS"),
        .status = offer->status != 0 ? offer->status : MARKET_ACTIVE,
        .in_play = offer->delay_us != 0,
        .bet_delay_us = offer->delay_us,
        .score = {offer->score[0], offer->score[1]},
        .red_cards = {offer->red_cards[0], offer->red_cards[1]},
        .feed_time = f->wall,
        .selections = selections,
        .selections_count = offer->c == 0 ? 2 : 3,
    };
    book_begin_turn(f->book, f->wall, f->now);
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->alive(sink, market.provider);
    sink->ops->market(sink, &market);
}

void fixture_market(struct fixture *f, enum market_status status, unsigned a, unsigned b)
{
    fixture_offer(f, &(struct fixture_offer){.status = status, .a = a, .b = b});
}

void fixture_market_in_play(struct fixture *f, unsigned a, unsigned b, int64_t delay_us)
{
    fixture_offer(f, &(struct fixture_offer){.a = a, .b = b, .delay_us = delay_us});
}

void fixture_result(struct fixture *f, uint64_t version, struct leg_result a, struct leg_result b)
{
    struct feed_selection_result selections[2] = {{.selection_id = text("a"), .result = a},
                                                  {.selection_id = text("b"), .result = b}};
    struct feed_result result = {.provider = text("p"),
                                 .market_id = text("m1"),
                                 .kind = RESULT_SET,
                                 .result_version = version,
                                 .feed_time = f->wall,
                                 .selections = selections,
                                 .selections_count = 2};
    struct feed_sink *sink = book_sink(f->book);
    sink->ops->result(sink, &result);
}

void fixture_answer(const struct book_answer *answer)
{
    struct fixture *f = answer->cookie.owner;
    f->answers++;
    f->failed = answer->failed;
    f->replayed = answer->replayed;
    f->untaken = answer->untaken;
    if (answer->record == NULL)
        return;
    const struct record_view *r = answer->record;
    f->type = r->head->type;
    f->seq = r->head->seq;
    if (f->type == RECORD_BET) {
        const struct record_bet *b = r->body;
        f->outcome = (enum bet_outcome)b->outcome;
        f->bet_id = b->bet_id;
        f->balance = b->balance_after;
        f->stake_max = b->stake_max;
        f->stake_asked = b->stake_asked;
        f->refused_leg = b->refused_leg;
        f->limit_scope = b->limit_scope;
    } else if (f->type == RECORD_MONEY) {
        const struct record_money *m = r->body;
        f->outcome = (enum bet_outcome)m->outcome;
        f->balance = m->balance_after;
    } else if (f->type == RECORD_RELEASE) {
        const struct record_release *l = r->body;
        f->outcome = (enum bet_outcome)l->outcome;
        f->balance = l->balance_after;
    } else if (f->type == RECORD_CASH_OUT) {
        const struct record_cash_out *c = r->body;
        f->outcome = (enum bet_outcome)c->outcome;
        f->balance = c->balance_after;
    }
}

struct book_cookie fixture_cookie(struct fixture *f)
{
    return (struct book_cookie){f, {0}};
}

enum request_outcome fixture_deposit(struct fixture *f, const char *user, const char *key,
                                     int64_t minor)
{
    struct money_request request = {.user_id = text(user),
                                    .key = text(key),
                                    .kind = MONEY_DEPOSIT,
                                    .amount = {minor, {826}},
                                    .request_hash = {(uint64_t)minor, 1}};
    return book_move_money(f->book, &request, fixture_answer, fixture_cookie(f));
}

enum request_outcome fixture_bet(struct fixture *f, const char *key, const char *selection,
                                 unsigned odds_hundredths, int64_t stake)
{
    return fixture_ticket(f, &(struct fixture_ticket){.key = key,
                                                      .stake = stake,
                                                      .markets = {"m1"},
                                                      .selections = {selection},
                                                      .odds = {odds_hundredths}});
}

enum request_outcome fixture_ticket(struct fixture *f, const struct fixture_ticket *ticket)
{
    struct ticket_leg legs[4];
    struct leg_names names[4];
    uint32_t count = 0;
    for (; count < 4 && ticket->markets[count] != NULL; count++) {
        legs[count] = (struct ticket_leg){.odds = hundredths(ticket->odds[count]), .banker = true};
        names[count] =
            (struct leg_names){text(ticket->markets[count]), text(ticket->selections[count])};
    }
    struct bet_request request = {
        .user_id = text(ticket->user != NULL ? ticket->user : "ann"),
        .key = text(ticket->key),
        .ticket = {.stake = {ticket->stake, {826}},
                   .policy = ticket->policy != 0 ? ticket->policy : PRICE_BETTER,
                   .legs = legs,
                   .legs_count = count,
                   .stake_kind = ticket->stake_kind},
        .names = names,
        .accept_alternative = ticket->accept_alternative,
        .request_hash = {(uint64_t)ticket->stake, ticket->odds[0]},
        .transport = TRANSPORT_HTTP,
    };
    return book_place_bet(f->book, &request, fixture_answer, fixture_cookie(f));
}

enum bet_outcome fixture_cash_out_offer(struct fixture *f, uint64_t bet_id,
                                        struct cash_out_offer *ret)
{
    return book_offer_cash_out(f->book, (struct bet_id){bet_id}, ret);
}

enum request_outcome fixture_cash_out(struct fixture *f, const char *key,
                                      const struct cash_out_offer *offer, struct sale sale)
{
    struct cash_out_request request = {
        .user_id = text("ann"),
        .key = text(key),
        .bet = {sale.bet_id},
        .offer = slice_of(offer->id, sizeof offer->id),
        .accepted = sale.minor,
        .stake = sale.stake,
        .fraction = 10000,
        .tolerance = f->tolerance,
        .request_hash = {(uint64_t)sale.stake, (uint64_t)sale.minor},
        .transport = TRANSPORT_HTTP,
    };
    return book_cash_out(f->book, &request, fixture_answer, fixture_cookie(f));
}

const struct shard_bet *fixture_state_of(struct fixture *f, uint64_t bet_id)
{
    const struct shard_state *state = book_state(f->book);
    uint32_t index = shard_state_find_bet(state, (struct bet_id){bet_id});
    assert_true(index != BET_NONE);
    return shard_state_bet(state, index);
}

enum request_outcome fixture_hold(struct fixture *f, bool hold)
{
    struct desk_word word = {.actor = text("tom"), .reason = text("injury")};
    struct book_reply reply = {fixture_answer, fixture_cookie(f)};
    return book_hold_market(f->book, text("m1"), hold, &word, reply);
}

static const struct shard_account *account_of(struct fixture *f, const char *user)
{
    const struct shard_state *state = book_state(f->book);
    const struct shard_account *account =
        shard_state_account(state, shard_state_find_account(state, text(user)));
    assert_non_null(account);
    return account;
}

int64_t fixture_available(struct fixture *f, const char *user)
{
    return account_of(f, user)->available;
}

int64_t fixture_held(struct fixture *f, const char *user)
{
    return account_of(f, user)->held;
}

static int refold_record(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct record_view view;
    (void)shard;
    assert_int_equal(record_view_of(record, bytes, &view), 0);
    int error = shard_state_apply(owner, &view);
    assert_string_equal(shard_state_reason(owner), "");
    return error;
}

void fixture_check(struct fixture *f)
{
    struct shard_state *again;
    struct shard_state *live = (struct shard_state *)book_state(f->book);
    uint8_t one[32], other[32];
    assert_int_equal(shard_state_check(live), 0);
    struct shard_limits limits = *shard_state_limits(live);
    limits.verdicts_max = 20000; /* nothing is forgotten here */
    assert_int_equal(shard_state_new(&limits, &again), 0);
    assert_int_equal(f->log.port.ops->replay(&f->log.port, f->log.shard, 1, refold_record, again),
                     0);
    assert_int_equal(shard_state_check(again), 0);
    assert_int_equal(shard_state_hash(live, one), 0);
    assert_int_equal(shard_state_hash(again, other), 0);
    assert_memory_equal(one, other, sizeof one);
    shard_state_free(again);
}

static void on_history(struct book_cookie cookie, const struct record_view *records, size_t count)
{
    struct fixture *f = cookie.owner;
    f->history_count = count;
    for (size_t i = 0; i < count; i++)
        f->history_types[i] = records[i].head->type;
    if (count > 0 && records[count - 1].head->type == RECORD_RELEASE)
        f->history_outcome =
            (enum bet_outcome)((const struct record_release *)records[count - 1].body)->outcome;
}

enum request_outcome fixture_history(struct fixture *f, uint64_t bet_id)
{
    return book_bet_history(f->book, (struct bet_id){bet_id}, on_history, fixture_cookie(f));
}
