/* load_world_bets.c - contract in load_world_internal.h: bets of a world, which are sent again
 * under their key when there is no answer. Whoever answers one key with two bets is counted. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/error.h"
#include "load/load_process.h"
#include "load/load_world_internal.h"

#define STAKE_STEP_MINOR 10

int world_bets_new(struct world *world)
{
    uint64_t wanted = (uint64_t)world->options->users * WORLD_BETS_OF_A_USER;
    world->bets_count = wanted < WORLD_BETS_LEAST ? WORLD_BETS_LEAST : (uint32_t)wanted;
    world->bets = calloc(world->bets_count, sizeof *world->bets);
    world->order = calloc(world->bets_count, sizeof *world->order);
    if (world->bets == NULL || world->order == NULL)
        return -ERR_MEMORY;
    for (uint32_t i = 0; i < world->bets_count; i++)
        world->order[i] = i;
    return 0;
}

/* The last of those that are used takes its place. */
static void release(struct world *world, struct world_bet *bet)
{
    uint32_t index = (uint32_t)(bet - world->bets);
    uint32_t last = world->order[--world->used_count];
    world->order[bet->place] = last;
    world->bets[last].place = bet->place;
    world->order[world->used_count] = index;
}

static void end_bet(struct world *world, struct world_bet *bet)
{
    if (!bet->answered && bet->counted) {
        struct monotonic due = {world->begin_us + bet->due_us};
        load_tally_lost(&world->tallies[LOAD_ACT_BET], due, load_process_now(), SLICE("NO_ANSWER"));
        world_second(world, world_now_us(world))->failed++;
    }
    release(world, bet);
}

/* ---- what is bet on ---- */

/* How old the price is that this user sees: 0 while it is the newest. */
static int64_t stale_us(struct world *world, uint32_t user, int64_t now_us)
{
    const struct world_market *market = &world->markets[load_crowd_market(world->crowd, user)];
    uint64_t sight = world->rows[user].sight;
    if (sight == 0 || sight >= market->moves)
        return 0;
    if (market->moves - sight > WORLD_MOVES_KEPT)
        sight = market->moves - WORLD_MOVES_KEPT;
    return now_us - market->kept[sight % WORLD_MOVES_KEPT].at_us;
}

static void note_stale(struct world *world, uint32_t user, int64_t now_us)
{
    int64_t us = stale_us(world, user, now_us);
    histogram_record(&world->stale_us, us > 0 ? (uint64_t)us : 0);
    histogram_record(&world->second_stale_us, us > 0 ? (uint64_t)us : 0);
    world->counts.on_old_price += us > 0;
}

static bool write_bet(struct world *world, uint32_t user, struct world_bet *bet)
{
    const struct load_view *view = &world->rows[user].view;
    char market_text[64], odds_text[24];
    struct buf market = buf_over(market_text, sizeof market_text);
    struct buf odds = buf_over(odds_text, sizeof odds_text);
    struct buf body = buf_over(bet->body, sizeof bet->body);
    struct buf key = buf_over(bet->key, sizeof bet->key);
    uint32_t choice = load_crowd_choice(world->crowd, user, LOAD_MATCH_SELECTIONS);
    uint32_t stake = load_crowd_stake(world->crowd, user);
    if (!world->rows[user].has_view || !view->active || view->cents[choice] == 0)
        return false;
    load_feed_market(&market, world_prefix(world), load_crowd_market(world->crowd, user));
    decimal_write(&odds, view->cents[choice], 2);
    const struct load_wire_bet wire = {.market_id = buf_slice(&market),
                                       .selection_id = slice_text(load_view_selections[choice]),
                                       .odds = buf_slice(&odds),
                                       .odds_version = view->odds_version,
                                       .stake_minor = (int64_t)stake * STAKE_STEP_MINOR,
                                       .currency = world->options->currency,
                                       .price_policy = world->options->price_policy};
    load_wire_bet_body(&body, &wire);
    buf_printf(&key, "%016" PRIx64 "-%" PRIu64, world->nonce, ++world->keys);
    bet->body_bytes = (uint32_t)body.bytes;
    bet->key_bytes = (uint32_t)key.bytes;
    return !body.overflow && !key.overflow;
}

/* ---- sending ---- */

static void put_request(const struct world *world, const struct world_bet *bet, struct buf *out)
{
    const struct load_wire_request request = {.method = "POST",
                                              .path = "/v1/bets",
                                              .host = world->options->host,
                                              .token = load_users_token(&world->users, bet->user),
                                              .key = slice_of(bet->key, bet->key_bytes),
                                              .body = slice_of(bet->body, bet->body_bytes)};
    load_wire_request(out, &request);
}

static struct load_flight flight_of(const struct world *world, const struct world_bet *bet)
{
    return (struct load_flight){.due = {world->begin_us + bet->due_us},
                                .sent = load_process_now(),
                                .words = {LOAD_ACT_BET, (uint64_t)(bet - world->bets)}};
}

static bool send_first(struct world *world, const struct world_bet *bet)
{
    char text[LOAD_REQUEST_BYTES_MAX];
    struct buf out = buf_over(text, sizeof text);
    struct load_flight flight = flight_of(world, bet);
    if (!load_pool_has_room(world->pool, bet->user))
        return false;
    if (world->options->world.streams)
        load_wire_place_bet(&out, load_pool_next_id(world->pool, bet->user),
                            slice_of(bet->key, bet->key_bytes),
                            slice_of(bet->body, bet->body_bytes));
    else
        put_request(world, bet, &out);
    return !out.overflow && load_pool_send(world->pool, bet->user, buf_slice(&out), &flight);
}

static bool send_again(struct world *world, const struct world_bet *bet)
{
    char text[LOAD_REQUEST_BYTES_MAX];
    struct buf out = buf_over(text, sizeof text);
    struct load_flight flight = flight_of(world, bet);
    uint32_t connection = 0;
    if (!load_pool_take(world->again, &connection))
        return false;
    put_request(world, bet, &out);
    return !out.overflow && load_pool_send(world->again, connection, buf_slice(&out), &flight);
}

static void count_unsent(struct world *world, int64_t due_us)
{
    struct monotonic due = {world->begin_us + due_us};
    if (world_counts(world, due_us))
        load_tally_lost(&world->tallies[LOAD_ACT_BET], due, load_process_now(), SLICE("NOT_SENT"));
    world_second(world, world_now_us(world))->failed++;
}

void world_bet(struct world *world, uint32_t user, int64_t due_us)
{
    bool counted = world_counts(world, due_us);
    int64_t now_us = world_now_us(world);
    if (world->used_count == world->bets_count) {
        world->counts.beyond++;
        count_unsent(world, due_us);
        return;
    }
    uint32_t place = world->used_count++;
    struct world_bet *bet = &world->bets[world->order[place]];
    *bet = (struct world_bet){
        .place = place, .user = user, .due_us = due_us, .sent_us = now_us, .counted = counted};
    if (!write_bet(world, user, bet)) {
        world->counts.not_offered += counted;
        release(world, bet);
        return;
    }
    if (counted)
        note_stale(world, user, now_us);
    world_second(world, now_us)->bets++;
    if (!send_first(world, bet)) {
        count_unsent(world, due_us);
        release(world, bet);
        return;
    }
    bet->tries = bet->flights = 1;
    if (counted)
        load_tally_sent(&world->tallies[LOAD_ACT_BET], (struct monotonic){world->begin_us + due_us},
                        load_process_now());
}

/* ---- answers ---- */

/* A bet's id is a text, or a number where a program has it so. */
static struct slice find_id(struct slice body)
{
    static const struct slice name = {"\"bet_id\":", 9};
    const char *at = memmem(body.at, body.bytes, name.at, name.bytes);
    if (at == NULL)
        return SLICE_NONE;
    struct slice rest = slice_skip(body, (size_t)(at - body.at) + name.bytes);
    while (rest.bytes > 0 && (rest.at[0] == ' ' || rest.at[0] == '"'))
        rest = slice_skip(rest, 1);
    size_t bytes = 0;
    while (bytes < rest.bytes && bytes < WORLD_BET_ID_BYTES && rest.at[bytes] != '"' &&
           rest.at[bytes] != ',' && rest.at[bytes] != '}')
        bytes++;
    return slice_of(rest.at, bytes);
}

static void compare_id(struct world *world, struct world_bet *bet, struct slice id)
{
    if (bet->id_bytes == 0 && id.bytes > 0) {
        memcpy(bet->id, id.at, id.bytes);
        bet->id_bytes = (uint32_t)id.bytes;
        return;
    }
    world->counts.duplicates += !slice_equal(slice_of(bet->id, bet->id_bytes), id);
}

static void count_answer(struct world *world, struct world_bet *bet,
                         const struct load_pool_answer *answer, bool good)
{
    struct world_second *second = world_second(world, world_now_us(world));
    struct monotonic now = load_process_now(), due = {world->begin_us + bet->due_us};
    second->accepted += good;
    second->refused += !good && answer->status < 500 && answer->status != 429;
    second->failed += answer->status >= 500 || answer->status == 429;
    if (!bet->counted)
        return;
    histogram_record(&world->second_us, now.us > due.us ? (uint64_t)(now.us - due.us) : 0);
    load_tally_answer(&world->tallies[LOAD_ACT_BET], due, answer->flight.sent, now);
    load_tally_code(&world->tallies[LOAD_ACT_BET], answer->status,
                    good ? SLICE_NONE : load_frame_find_text(answer->body, SLICE("\"code\"")));
}

static bool may_be_sent_again(const struct world *world, const struct world_bet *bet)
{
    return !bet->answered && bet->tries <= world->options->world.retries;
}

void world_bet_answer(struct world *world, uint32_t index, const struct load_pool_answer *answer)
{
    struct world_bet *bet = &world->bets[index];
    bool good = answer->status >= 200 && answer->status < 300;
    bet->flights--;
    world->counts.replayed += answer->replayed;
    if (good)
        compare_id(world, bet, find_id(answer->body));
    if (!bet->answered)
        count_answer(world, bet, answer, good);
    bet->answered = true;
    if (bet->flights == 0)
        end_bet(world, bet);
}

void world_bet_lost(struct world *world, uint32_t index)
{
    struct world_bet *bet = &world->bets[index];
    bet->flights--;
    if (bet->flights == 0 && !may_be_sent_again(world, bet))
        end_bet(world, bet);
}

static void try_again(struct world *world, struct world_bet *bet, int64_t now_us)
{
    if (!send_again(world, bet))
        return; /* at the next look */
    bet->tries++;
    bet->flights++;
    bet->sent_us = now_us;
    world->counts.retries++;
}

/* Who had a broken connection tries at once, who waits does so when the time is over. From the last
 * to the first: whoever ends meanwhile is replaced by one that was looked at. */
void world_bets_sweep(struct world *world, int64_t now_us)
{
    int64_t timeout_us = world->options->world.timeout_ms * US_PER_MS;
    for (uint32_t i = world->used_count; i-- > 0;) {
        struct world_bet *bet = &world->bets[world->order[i]];
        if (!may_be_sent_again(world, bet))
            continue;
        if (bet->flights == 0 || now_us - bet->sent_us >= timeout_us)
            try_again(world, bet, now_us);
    }
}

void world_bets_end(struct world *world)
{
    while (world->used_count > 0)
        end_bet(world, &world->bets[world->order[world->used_count - 1]]);
}
