/* own.c - a user's own bets and balance: place_bet over the WebSocket, and what the ledger says
 * about the user, to that user's sockets only. */
#include "roles/odds/odds_calls.h"

#include "base/cycles.h"
#include "base/json_write.h"
#include "roles/shared/problem.h"

/* ---- placing ---- */

struct bet_reply {
    struct slice id;
    int status;
    bool replayed;
    int retry_after_s;
    struct slice body; /* JSON */
};

static void send_reply(struct client *client, const struct bet_reply *reply)
{
    struct odds_service *s = client->service;
    struct buf out = buf_over(s->markets, s->markets_bytes);
    buf_put_text(&out, "{\"op\":\"bet\",\"id\":");
    json_write_string(&out, reply->id);
    buf_printf(&out, ",\"code\":%d,\"replayed\":%s", reply->status,
               reply->replayed ? "true" : "false");
    if (reply->retry_after_s > 0)
        buf_printf(&out, ",\"retry_after\":%d", reply->retry_after_s);
    buf_put_text(&out, ",\"bet\":");
    buf_put_slice(&out, reply->body);
    buf_put_char(&out, '}');
    if (!out.overflow)
        client_send_text(client, buf_slice(&out));
}

struct refusal {
    int status;
    const char *code;
    int retry_after_s; /* 0: not said */
};

static void refuse_for(struct client *client, struct slice id, const struct refusal *refusal)
{
    char memory[256];
    struct buf body = buf_over(memory, sizeof memory);
    problem_write(&body, refusal->status, refusal->code, SLICE_NONE);
    ASSERT(!body.overflow);
    send_reply(client, &(struct bet_reply){.id = id,
                                           .status = refusal->status,
                                           .retry_after_s = refusal->retry_after_s,
                                           .body = buf_slice(&body)});
}

static void refuse(struct client *client, struct slice id, int status, const char *code)
{
    refuse_for(client, id, &(struct refusal){status, code, status == 503 || status == 429 ? 1 : 0});
}

/* Within a second there is room for one again: ops_per_second_max is at least 1. */
void own_refuse_rate(struct client *client, const struct stream_op *op)
{
    refuse_for(client, op->id, &(struct refusal){429, "RATE_LIMITED", 1});
}

static void on_answer(const struct bet_service_answer *answer)
{
    struct odds_service *s = answer->cookie.owner;
    uint32_t slot = (uint32_t)answer->cookie.words[0];
    struct flight *flight = &s->flights[slot];
    struct client *client = &s->clients[flight->client];
    struct bet_reply reply = {.id = slice_of(flight->id, flight->id_bytes),
                              .status = answer->status,
                              .replayed = answer->replayed,
                              .retry_after_s = answer->retry_after_s,
                              .body = answer->body};
    if (client->used && client->generation == flight->generation) {
        ASSERT(client->bets > 0);
        client->bets--;
        send_reply(client, &reply);
    } /* else it has gone, and reads the bet when it comes back */
    slot_pool_give(&s->flights_pool, slot);
}

static uint32_t take_flight(struct client *client, struct slice id)
{
    struct odds_service *s = client->service;
    uint32_t slot = slot_pool_take(&s->flights_pool);
    if (slot == SLOT_NONE)
        return SLOT_NONE;
    struct flight *flight = &s->flights[slot];
    *flight = (struct flight){.client = client_slot(client),
                              .generation = client->generation,
                              .id_bytes = (uint8_t)id.bytes};
    if (id.bytes > 0)
        memcpy(flight->id, id.at, id.bytes);
    client->bets++;
    return slot;
}

void own_ask(struct client *client, const struct stream_op *op, enum bet_call call)
{
    struct odds_service *s = client->service;
    if (!client_has_authority(client)) {
        refuse(client, op->id, 401, "UNAUTHORIZED");
        return;
    }
    if (s->sources.bets == NULL) {
        refuse(client, op->id, 503, "BETS_UNAVAILABLE");
        return;
    }
    if (client->bets >= s->options.limits.bets_per_client_max) {
        odds_limit_hit(s, ODDS_LIMIT_bets_per_client_max);
        refuse(client, op->id, 429, "TOO_MANY_BETS");
        return;
    }
    uint32_t flight = take_flight(client, op->id);
    if (flight == SLOT_NONE) {
        odds_limit_hit(s, ODDS_LIMIT_bets_in_flight_max);
        refuse(client, op->id, 503, "BETS_IN_FLIGHT");
        return;
    }
    const struct identity *identity = &s->identities[client->identity];
    struct jwt_claims claims = identity->claims; /* the answer may come at once and end it */
    char personal[PERSONAL_KEPT_MAX];
    memcpy(personal, identity->personal, identity->personal_bytes);
    const struct bet_question question = {
        .call = call,
        .transport = TRANSPORT_WEBSOCKET,
        .claims = &claims,
        .key = op->key,
        .words = call == BET_CALL_PLACE ? op->bet : op->offer,
        .personal = slice_of(personal, identity->personal_bytes),
        .bet_id = op->bet_id,
    };
    metrics_count(&s->stats.bets, 1);
    enum cycles_stage before = cycles_enter(CYCLES_DECIDE);
    bet_port_ask(s->sources.bets, &question, on_answer, (struct book_cookie){s, {flight}});
    (void)cycles_enter(before);
}

/* ---- own messages ---- */

/* Copied to each client of the user, of whom there are few: a shared frame would be memory asked
 * for with every bet. Never compressed (net/ws/ws_deflate.h). */
static void push_to(struct odds_service *s, uint32_t user, const char *op, struct slice object)
{
    struct buf text = buf_over(s->markets, s->markets_bytes);
    struct slice members = slice_skip(object, 1); /* without its brace */
    buf_put_text(&text, "{\"op\":\"");
    buf_put_text(&text, op);
    buf_put_char(&text, '"');
    if (members.at[0] != '}')
        buf_put_char(&text, ',');
    buf_put_slice(&text, members);
    ASSERT(!text.overflow); /* longer than any object that is pushed */
    for (uint32_t at = s->users[user].first; at != SLOT_NONE;) {
        struct client *client = &s->clients[s->identities[at].client];
        at = s->identities[at].next;
        if (!client_has_authority(client))
            continue;
        client_send_text(client, buf_slice(&text));
        metrics_count(&s->stats.own, 1);
    }
}

bool odds_service_has_user(struct odds_service *s, struct slice user_id)
{
    return client_find_user(s, user_id) != SLOT_NONE;
}

void odds_service_push(struct odds_service *s, struct slice user_id, const char *op,
                       struct slice object)
{
    uint32_t user = client_find_user(s, user_id);
    ASSERT(object.bytes >= 2);
    if (user != SLOT_NONE)
        push_to(s, user, op, object);
}

void odds_service_revoke(struct odds_service *s, struct slice user_id)
{
    for (;;) {
        uint32_t user = client_find_user(s, user_id);
        if (user == SLOT_NONE)
            return;
        client_end_authority(&s->clients[s->identities[s->users[user].first].client]);
    }
}
