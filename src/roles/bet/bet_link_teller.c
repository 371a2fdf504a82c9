/* bet_link_teller.c - contract in bet_link_teller.h. */
#include "roles/bet/bet_link_teller.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "roles/bet/bet_link_wire.h"
#include "roles/bet/bet_problem.h"

enum cookie_word { COOKIE_TAG, COOKIE_SESSION };

struct bet_link_teller {
    struct bet_port *port; /* borrowed */
    struct shard_place place;
    struct link_out out;
    bool greeted;
    bool takes_bets;  /* as it was told last */
    uint64_t session; /* of the link: answers to an earlier one are dropped */
    uint32_t places, under_way;
    uint64_t hash_key[2];
    uint64_t there[BET_LINK_CELLS / 64]; /* bits: cells of users with sockets at the front */
    struct bet_link_teller_stats stats;
};

static const struct bet_problem delayed = {503, "ANSWER_DELAYED", "Ask again with the same key.",
                                           1};

/* ---- the link ---- */

void bet_link_teller_attach(struct bet_link_teller *teller, const struct carrier *link)
{
    link_out_attach(&teller->out, link);
    teller->greeted = false;
    teller->session++;
    teller->under_way = 0;
    memset(teller->there, 0, sizeof teller->there);
}

void bet_link_teller_detached(struct bet_link_teller *teller)
{
    link_out_detach(&teller->out);
    teller->greeted = false;
}

bool bet_link_teller_is_attached(const struct bet_link_teller *teller)
{
    return teller->out.attached;
}

static bool is_open(const struct bet_link_teller *teller)
{
    return teller->greeted && link_out_is_open(&teller->out);
}

/* ---- answers ---- */

static void on_answer(const struct bet_service_answer *answer)
{
    struct bet_link_teller *teller = answer->cookie.owner;
    if (answer->cookie.words[COOKIE_SESSION] != teller->session || !is_open(teller)) {
        teller->stats.dropped++;
        return;
    }
    ASSERT(teller->under_way > 0 || answer->body.bytes > BET_LINK_ANSWER_MAX);
    if (answer->body.bytes > BET_LINK_ANSWER_MAX) {
        teller->stats.too_long++;
        bet_problem_tell(&delayed, on_answer, answer->cookie);
        return;
    }
    teller->under_way--;
    teller->stats.answers++;
    link_out_said(&teller->out, bet_link_put_answer(&teller->out.batch,
                                                    answer->cookie.words[COOKIE_TAG], answer));
}

static int take_question(struct bet_link_teller *teller, const struct bet_link_message *message)
{
    struct jwt_claims claims;
    struct bet_question question;
    if (teller->under_way >= teller->places)
        return -ERR_LIMIT;
    bet_link_question_of(message, &claims, &question);
    teller->under_way++;
    teller->stats.questions++;
    struct book_cookie cookie = {.owner = teller};
    cookie.words[COOKIE_TAG] = message->question.tag;
    cookie.words[COOKIE_SESSION] = teller->session;
    bet_port_ask(teller->port, &question, on_answer, cookie);
    return 0;
}

/* ---- what comes ---- */

static int take_hello(struct bet_link_teller *teller, const struct bet_link_hello *hello)
{
    if (teller->greeted || hello->format != BET_LINK_FORMAT || hello->places > BET_LINK_PLACES_MAX)
        return -ERR_FORMAT;
    uint16_t shards = teller->place.shards == 1 ? 0 : (uint16_t)teller->place.shards;
    teller->greeted = true;
    teller->places = hello->places;
    teller->hash_key[0] = hello->hash_key[0];
    teller->hash_key[1] = hello->hash_key[1];
    teller->stats.sessions++;
    link_out_said(&teller->out, bet_link_put(&teller->out.batch,
                                             &(struct bet_link_message){
                                                 .type = BET_LINK_WELCOME,
                                                 .welcome = {.format = BET_LINK_FORMAT,
                                                             .takes_bets = teller->takes_bets,
                                                             .shard = (uint16_t)teller->place.shard,
                                                             .shards = shards}}));
    return 0;
}

static void take_users(struct bet_link_teller *teller, const struct bet_link_users *users)
{
    uint64_t bit = UINT64_C(1) << (users->cell % 64);
    if (users->there != 0)
        teller->there[users->cell / 64] |= bit;
    else
        teller->there[users->cell / 64] &= ~bit;
}

static int take_message(struct bet_link_teller *teller, const struct bet_link_message *message)
{
    if (message->type == BET_LINK_HELLO)
        return take_hello(teller, &message->hello);
    if (!teller->greeted)
        return -ERR_FORMAT;
    switch (message->type) {
    case BET_LINK_QUESTION:
        return take_question(teller, message);
    case BET_LINK_USERS:
        take_users(teller, &message->users);
        return 0;
    case BET_LINK_HELLO:
    case BET_LINK_WELCOME:
    case BET_LINK_STATE:
    case BET_LINK_ANSWER:
    case BET_LINK_OWN:
        break;
    }
    return -ERR_FORMAT;
}

/* A port may answer at once, and its answer end the link. */
static int take_batch(struct bet_link_teller *teller, struct slice batch)
{
    struct bet_link_message message;
    int more = -ERR_FORMAT;
    if (batch.bytes == 0)
        return -ERR_FORMAT;
    while (!teller->out.broken && (more = bet_link_next(&batch, &message)) > 0)
        TRY(take_message(teller, &message));
    return teller->out.broken ? 0 : more;
}

void bet_link_teller_batch(struct bet_link_teller *teller, struct slice batch)
{
    if (!link_out_is_open(&teller->out) || take_batch(teller, batch) == 0)
        return;
    teller->stats.bad_batches++;
    link_out_fail(&teller->out);
}

/* ---- own messages ---- */

bool bet_link_teller_wants(const struct bet_link_teller *teller, struct slice user_id)
{
    if (!is_open(teller))
        return false;
    struct hash128 hash = siphash128(teller->hash_key, user_id.at, user_id.bytes);
    uint32_t cell = (uint32_t)(hash.low % BET_LINK_CELLS);
    return (teller->there[cell / 64] >> (cell % 64) & 1) != 0;
}

void bet_link_teller_push(struct bet_link_teller *teller, struct slice user_id, const char *op,
                          struct slice object)
{
    if (!is_open(teller))
        return;
    teller->stats.own++;
    link_out_said(&teller->out,
                  bet_link_put_own(&teller->out.batch, user_id, slice_text(op), object));
}

/* ---- turns, life ---- */

void bet_link_teller_turn_end(struct bet_link_teller *teller, bool takes_bets)
{
    bool news = takes_bets != teller->takes_bets;
    teller->takes_bets = takes_bets;
    if (!is_open(teller))
        return;
    if (news)
        link_out_said(&teller->out,
                      bet_link_put(&teller->out.batch,
                                   &(struct bet_link_message){.type = BET_LINK_STATE,
                                                              .state = {takes_bets, {0}}}));
    link_out_flush(&teller->out);
}

int bet_link_teller_new(struct bet_port *port, struct shard_place place,
                        struct bet_link_teller **ret_teller)
{
    struct bet_link_teller *teller = calloc(1, sizeof *teller);
    if (teller == NULL ||
        link_out_new(&teller->out, BET_LINK_BATCH_BYTES, BET_LINK_MESSAGE_MAX) < 0) {
        free(teller);
        return -ERR_MEMORY;
    }
    teller->port = port;
    teller->place = place;
    *ret_teller = teller;
    return 0;
}

void bet_link_teller_free(struct bet_link_teller *teller)
{
    if (teller == NULL)
        return;
    link_out_free(&teller->out);
    free(teller);
}

const struct bet_link_teller_stats *bet_link_teller_stats(const struct bet_link_teller *teller)
{
    return &teller->stats;
}
