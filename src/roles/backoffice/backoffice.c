/* backoffice.c - contract in backoffice.h. */
#include "roles/backoffice/backoffice.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"
#include "roles/backoffice/adjustment_desk.h"
#include "roles/backoffice/admin_routes.h"
#include "roles/backoffice/desk.h"
#include "roles/backoffice/grant_desk.h"
#include "roles/backoffice/key_desk.h"
#include "roles/backoffice/limit_desk.h"
#include "roles/backoffice/market_list.h"
#include "roles/backoffice/proposal_json.h"
#include "roles/backoffice/referral_decode.h"
#include "roles/backoffice/referral_desk.h"
#include "roles/backoffice/referral_list.h"
#include "roles/backoffice/result_decode.h"
#include "roles/backoffice/shard_list.h"
#include "roles/shared/demo_session.h"
#include "roles/shared/json_fields.h"

#define NO_STORE SLICE("Cache-Control: no-store\r\n")

struct backoffice {
    struct backoffice_parts parts;
    struct desk *desk;                   /* owned */
    struct grant_desk *grants;           /* owned */
    struct adjustment_desk *adjustments; /* owned */
    struct limit_desk *limits;           /* owned */
    struct referral_desk *referrals;     /* owned */
    struct feed_intake *intake;          /* owned */
    struct key_desk *keys;               /* owned; NULL: no signing keys here */
    int64_t begun_us;
    char out[METRICS_BYTES_MAX];
    char markets[MARKET_LIST_BYTES_MAX];
    char waiting[REFERRAL_LIST_BYTES_MAX];
};

int backoffice_new(const struct backoffice_parts *parts, struct backoffice **ret_backoffice)
{
    struct backoffice *backoffice = calloc(1, sizeof *backoffice);
    if (backoffice == NULL)
        return -ERR_MEMORY;
    backoffice->parts = *parts;
    backoffice->begun_us = loop_now(parts->loop).us;
    int error = desk_new(&(struct desk_parts){.book = parts->book,
                                              .store = parts->store,
                                              .policy = &parts->results,
                                              .words = parts->words},
                         &backoffice->desk);
    if (error == 0)
        error = grant_desk_new(parts->book, &backoffice->grants);
    if (error == 0)
        error = adjustment_desk_new(parts->book, &backoffice->adjustments);
    if (error == 0)
        error = limit_desk_new(parts->book, &parts->words, &backoffice->limits);
    if (error == 0)
        error = referral_desk_new(parts->book, &backoffice->referrals);
    if (error == 0)
        error = feed_intake_new(&(struct feed_intake_parts){.loop = parts->loop,
                                                            .book = parts->book,
                                                            .formats = parts->formats,
                                                            .formats_count = parts->formats_count},
                                &backoffice->intake);
    if (error == 0 && parts->tree != NULL)
        error = key_desk_new(parts->tree, &backoffice->keys);
    if (error < 0) {
        backoffice_free(backoffice);
        return error;
    }
    *ret_backoffice = backoffice;
    return 0;
}

void backoffice_free(struct backoffice *backoffice)
{
    if (backoffice == NULL)
        return;
    key_desk_free(backoffice->keys);
    feed_intake_free(backoffice->intake);
    grant_desk_free(backoffice->grants);
    adjustment_desk_free(backoffice->adjustments);
    limit_desk_free(backoffice->limits);
    referral_desk_free(backoffice->referrals);
    desk_free(backoffice->desk);
    free(backoffice);
}

/* ---- who asks ---- */

/* A request that was found in the table, as its route is served. */
struct admin_call {
    struct http_request *request;
    struct jwt_claims claims;       /* of a route that asks for a role */
    struct slice id[ROUTE_IDS_MAX]; /* decoded, 1 .. id_bytes_max of the row */
};

/* ---- metrics ---- */

/* Providers come and go, so their lines are written by hand. */
static void put_feed_ages(struct buf *out, const struct book *book)
{
    size_t count = book_providers_count(book);
    if (count > 0)
        buf_put_text(out, "# HELP overround_feed_age_seconds Since the provider's last byte\n"
                          "# TYPE overround_feed_age_seconds gauge\n");
    for (size_t i = 0; i < count; i++) {
        int64_t age_us = 0;
        struct slice provider = book_provider_at(book, i, &age_us);
        buf_put_text(out, "overround_feed_age_seconds{provider=");
        json_write_string(out, provider); /* the same escapes as far as ids go */
        buf_put_text(out, "} ");
        decimal_write(out, age_us < 0 ? 0 : age_us, 6);
        buf_put_char(out, '\n');
    }
}

static void serve_metrics(struct backoffice *backoffice, struct admin_call *call)
{
    struct buf out = buf_over(backoffice->out, sizeof backoffice->out);
    metrics_write(backoffice->parts.metrics, &out);
    put_feed_ages(&out, backoffice->parts.book);
    admin_reply_metrics(call->request, &out);
}

/* ---- status ---- */

static void put_number(struct json_writer *writer, const char *key, uint64_t value)
{
    json_write_key(writer, key);
    json_write_u64(writer, value);
}

static void put_bets(struct json_writer *writer, const struct book_stats *stats)
{
    json_write_key(writer, "bets");
    json_write_object_open(writer);
#define PUT(code, number, http) put_number(writer, #code, stats->bets_by_outcome[number]);
    BET_OUTCOME_LIST(PUT)
#undef PUT
    json_write_object_close(writer);
    put_number(writer, "bets_replayed", stats->bets_replayed);
    put_number(writer, "bets_conflict", stats->bets_conflict);
    put_number(writer, "bets_shed", stats->bets_shed);
}

static void put_providers(struct json_writer *writer, const struct book *book)
{
    json_write_key(writer, "providers");
    json_write_array_open(writer);
    for (size_t i = 0; i < book_providers_count(book); i++) {
        int64_t age_us = 0;
        struct slice provider = book_provider_at(book, i, &age_us);
        json_write_object_open(writer);
        json_write_key(writer, "provider");
        json_write_text(writer, provider);
        json_write_key(writer, "age_ms");
        json_write_i64(writer, age_us / US_PER_MS);
        json_write_key(writer, "alive");
        json_write_bool(writer, book_provider_alive(book, provider));
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void put_counts(struct json_writer *writer, const struct backoffice *backoffice)
{
    const struct book_stats *stats = book_stats(backoffice->parts.book);
    put_number(writer, "prices", stats->prices);
    put_number(writer, "selections_changed", stats->selections_changed);
    put_number(writer, "groups", stats->groups);
    put_number(writer, "group_records", stats->group_records);
    put_bets(writer, stats);
    put_number(writer, "settled", stats->settled);
    put_number(writer, "reversed", stats->reversed);
    put_number(writer, "results", stats->results);
    put_number(writer, "leases_lost", stats->leases_lost);
    put_number(writer, "feed_dropped", stats->feed_dropped);
    put_number(writer, "markets_open", stats->markets_open);
    put_number(writer, "pending", stats->pending);
    put_number(writer, "settle_backlog", stats->settle_backlog);
    put_number(writer, "settle_bets", stats->settle_bets);
    put_number(writer, "settle_bets_left", stats->settle_bets_left);
}

static void serve_status(struct backoffice *backoffice, struct admin_call *call)
{
    const struct backoffice_parts *parts = &backoffice->parts;
    const struct shard_state *state = book_state(parts->book);
    uint64_t connections, websockets;
    parts->open_now(parts->open_now_owner, &connections, &websockets);
    struct buf out = buf_over(backoffice->out, sizeof backoffice->out);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    json_write_key(&writer, "version");
    json_write_text(&writer, slice_text(parts->version));
    json_write_key(&writer, "profile");
    json_write_text(&writer, slice_text(parts->profile));
    json_write_key(&writer, "taking_bets");
    json_write_bool(&writer, book_takes_bets(parts->book));
    put_number(&writer, "uptime_ms",
               (uint64_t)(loop_now(parts->loop).us - backoffice->begun_us) / (uint64_t)US_PER_MS);
    put_counts(&writer, backoffice);
    put_number(&writer, "shard", shard_state_shard(state));
    put_number(&writer, "shards", shard_state_shards(state));
    put_number(&writer, "ledger_records", shard_state_seq(state));
    put_number(&writer, "accounts", shard_state_accounts_count(state));
    put_number(&writer, "bets_known", shard_state_bets_count(state));
    put_number(&writer, "connections", connections);
    put_number(&writer, "websockets", websockets);
    put_providers(&writer, parts->book);
    json_write_object_close(&writer);
    http_reply(call->request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

/* ---- settlements under way ---- */

static void put_settlement(struct json_writer *writer, const struct book_settlement *row)
{
    json_write_object_open(writer);
    json_write_key(writer, "market_id");
    json_write_text(writer, row->market_id);
    json_write_key(writer, "event_id");
    json_write_text(writer, row->event_id);
    json_write_key(writer, "event_name");
    json_write_text(writer, row->event_name);
    put_number(writer, "bets", row->bets);
    put_number(writer, "bets_left", row->bets_left);
    json_write_object_close(writer);
}

static void serve_settlements(struct backoffice *backoffice, struct admin_call *call)
{
    const struct book_stats *stats = book_stats(backoffice->parts.book);
    struct book_settlement rows[BACKOFFICE_SETTLEMENTS_MAX];
    size_t count = book_settlements(backoffice->parts.book, rows, BACKOFFICE_SETTLEMENTS_MAX);
    struct buf out = buf_over(backoffice->out, sizeof backoffice->out);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    put_number(&writer, "markets", stats->settle_backlog);
    put_number(&writer, "bets", stats->settle_bets);
    put_number(&writer, "bets_left", stats->settle_bets_left);
    json_write_key(&writer, "under_way");
    json_write_array_open(&writer);
    for (size_t i = 0; i < count; i++)
        put_settlement(&writer, &rows[i]);
    json_write_array_close(&writer);
    json_write_object_close(&writer);
    http_reply(call->request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

/* ---- markets ---- */

/* False: 400 was answered. */
static bool read_cursor(const struct http_request *request, uint64_t *ret_cursor)
{
    struct slice text;
    *ret_cursor = 0;
    if (!http_url_query(request->query, "cursor", &text) ||
        field_positive(text, UINT32_MAX, ret_cursor))
        return true;
    http_reply_problem(request->reply_to, 400, "INVALID_PARAMETER", SLICE("cursor"));
    return false;
}

static void serve_markets(struct backoffice *backoffice, struct admin_call *call)
{
    const struct market_list_sources sources = {backoffice->parts.store,
                                                book_state(backoffice->parts.book)};
    struct http_reply_to to = call->request->reply_to;
    char text[MARKET_ID_BYTES_MAX];
    struct buf memory = buf_over(text, sizeof text);
    struct buf out = buf_over(backoffice->markets, sizeof backoffice->markets);
    struct slice id;
    uint64_t cursor;
    if (!read_cursor(call->request, &cursor))
        return;
    int named = http_url_query_text(call->request->query, "market_id", &memory, &id);
    if (named < 0 && named != -ERR_NOT_FOUND) {
        http_reply_problem(to, 400, "INVALID_PARAMETER", SLICE("market_id"));
        return;
    }
    if (named == 0)
        market_list_write_one(&out, &sources, id);
    else
        market_list_write(&out, &sources, cursor);
    ASSERT(!out.overflow); /* it ends before */
    http_reply(to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

_Static_assert(SHARD_LIST_JSON_BYTES_MAX <= MARKET_LIST_BYTES_MAX, "one memory for both");

static void serve_shards(struct backoffice *backoffice, struct admin_call *call)
{
    struct buf out = buf_over(backoffice->markets, sizeof backoffice->markets);
    shard_list_write(&out, &backoffice->parts.words);
    ASSERT(!out.overflow); /* there is room for all */
    http_reply(call->request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

/* ---- desk and feed ---- */

static void serve_suspend(struct backoffice *backoffice, struct admin_call *call)
{
    desk_hold(backoffice->desk, call->request, &call->claims, call->id[0], true);
}

static void serve_resume(struct backoffice *backoffice, struct admin_call *call)
{
    desk_hold(backoffice->desk, call->request, &call->claims, call->id[0], false);
}

static void serve_results(struct backoffice *backoffice, struct admin_call *call)
{
    desk_results(backoffice->desk, call->request, &call->claims, call->id[0]);
}

static void serve_proposals(struct backoffice *backoffice, struct admin_call *call)
{
    desk_list_proposals(backoffice->desk, call->request);
}

static void serve_approve(struct backoffice *backoffice, struct admin_call *call)
{
    desk_decide(backoffice->desk, call->request, &call->claims, call->id[0], DECISION_APPROVED);
}

static void serve_reject(struct backoffice *backoffice, struct admin_call *call)
{
    desk_decide(backoffice->desk, call->request, &call->claims, call->id[0], DECISION_REJECTED);
}

static void serve_withdraw(struct backoffice *backoffice, struct admin_call *call)
{
    desk_decide(backoffice->desk, call->request, &call->claims, call->id[0], DECISION_WITHDRAWN);
}

static void serve_grants(struct backoffice *backoffice, struct admin_call *call)
{
    if (jwt_sub_is_valid(call->id[0]))
        grant_desk_move(backoffice->grants, call->request, &call->claims, call->id[0]);
    else
        admin_reply_not_found(call->request);
}

static void serve_adjustments(struct backoffice *backoffice, struct admin_call *call)
{
    adjustment_desk_list(backoffice->adjustments, call->request);
}

static void serve_limits(struct backoffice *backoffice, struct admin_call *call)
{
    enum limit_scope scope = limit_desk_scope(call->id[0]);
    if (scope == LIMIT_OF_NONE)
        admin_reply_not_found(call->request);
    else
        limit_desk_serve(backoffice->limits, call->request, &call->claims, scope, call->id[1]);
}

/* A page of them as they are now: some may not be durable yet, and nothing hangs on that. */
static void serve_referrals(struct backoffice *backoffice, struct admin_call *call)
{
    struct buf out = buf_over(backoffice->waiting, sizeof backoffice->waiting);
    struct slice text;
    uint64_t cursor = 0;
    if (http_url_query(call->request->query, "cursor", &text) &&
        !field_positive(text, INT64_MAX, &cursor)) {
        http_reply_problem(call->request->reply_to, 400, "INVALID_PARAMETER", SLICE("cursor"));
        return;
    }
    referral_list_write(&out, book_state(backoffice->parts.book), backoffice->parts.store, cursor);
    http_reply(call->request->reply_to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

static void serve_referral_accept(struct backoffice *backoffice, struct admin_call *call)
{
    referral_desk_say(backoffice->referrals, call->request, &call->claims, call->id[0],
                      REFERRAL_ACCEPTED);
}

static void serve_referral_reject(struct backoffice *backoffice, struct admin_call *call)
{
    referral_desk_say(backoffice->referrals, call->request, &call->claims, call->id[0],
                      REFERRAL_REJECTED);
}

static void serve_referral_offer(struct backoffice *backoffice, struct admin_call *call)
{
    referral_desk_say(backoffice->referrals, call->request, &call->claims, call->id[0],
                      REFERRAL_OFFERED);
}

static void serve_keys(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->keys == NULL)
        admin_reply_not_found(call->request);
    else
        key_desk_rotate(backoffice->keys, call->request, jwt_sub(&call->claims));
}

static void serve_feed(struct backoffice *backoffice, struct admin_call *call)
{
    if (!feed_intake_serve(backoffice->intake, call->id[0], call->request))
        admin_reply_not_found(call->request);
}

/* Log shipping. */
static void serve_ship(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->parts.ship == NULL)
        admin_reply_not_found(call->request);
    else
        backoffice->parts.ship(backoffice->parts.ship_owner, call->request);
}

/* Fronts in processes of their own. */
static void serve_link(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->parts.link == NULL)
        admin_reply_not_found(call->request);
    else
        backoffice->parts.link(backoffice->parts.link_owner, call->request);
}

/* Other shards' processes, whose desk this one is. */
static void serve_desk_link(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->parts.desk_link == NULL)
        admin_reply_not_found(call->request);
    else
        backoffice->parts.desk_link(backoffice->parts.desk_link_owner, call->request);
}

/* Back-offices in processes of their own. */
static void serve_office_link(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->parts.office_link == NULL)
        admin_reply_not_found(call->request);
    else
        backoffice->parts.office_link(backoffice->parts.office_link_owner, call->request);
}

/* What the logs say, for those who follow them. */
static void serve_streams(struct backoffice *backoffice, struct admin_call *call)
{
    if (backoffice->parts.streams == NULL)
        admin_reply_not_found(call->request);
    else
        backoffice->parts.streams(backoffice->parts.streams_owner, call->request, call->id[0]);
}

static void serve_health(struct backoffice *backoffice, struct admin_call *call)
{
    (void)backoffice;
    admin_serve_health(call->request);
}

static void serve_ready(struct backoffice *backoffice, struct admin_call *call)
{
    const struct backoffice_parts *parts = &backoffice->parts;
    struct http_reply_to to = call->request->reply_to;
    struct backoffice_hindrance why;
    if (!book_takes_bets(parts->book) || http_server_is_draining(to.server))
        http_reply_problem_with(to, 503, "NOT_READY", SLICE("No bets are taken now."),
                                HTTP_RETRY_SOON);
    else if (parts->hindered != NULL && parts->hindered(parts->hindered_owner, &why))
        http_reply_problem_with(to, 503, why.code, why.sentence, HTTP_RETRY_SOON);
    else
        http_reply(to, 200, SLICE("text/plain"), NO_STORE, SLICE("ready\n"));
}

/* ---- the page ---- */

static void serve_front(struct backoffice *backoffice, struct admin_call *call)
{
    (void)backoffice;
    admin_serve_front(call->request);
}

/* Each tab of a demo's desk is somebody of its own, so that two of them are two persons. */
static void serve_demo_session(struct backoffice *backoffice, struct admin_call *call)
{
    const struct demo_sessions sessions = {.bearer = backoffice->parts.bearer,
                                           .loop = backoffice->parts.loop,
                                           .kid = backoffice->parts.demo_kid,
                                           .user_prefix = SLICE("trader-"),
                                           .roles = JWT_ROLE_BIT(JWT_TRADER)};
    if (sessions.kid.bytes == 0)
        admin_reply_not_found(call->request);
    else
        demo_session_serve(&sessions, call->request->reply_to, SLICE_NONE);
}

/* ---- the table ---- */

static void (*const serves[ADMIN_ROUTES_COUNT])(struct backoffice *, struct admin_call *) = {
    [ADMIN_FRONT] = serve_front,
    [ADMIN_FRONT_DESK] = serve_front,
    [ADMIN_HEALTH] = serve_health,
    [ADMIN_READY] = serve_ready,
    [ADMIN_METRICS] = serve_metrics,
    [ADMIN_FEED] = serve_feed,
    [ADMIN_SHIP] = serve_ship,
    [ADMIN_LINK] = serve_link,
    [ADMIN_DESK_LINK] = serve_desk_link,
    [ADMIN_OFFICE_LINK] = serve_office_link,
    [ADMIN_STATUS] = serve_status,
    [ADMIN_SETTLEMENTS] = serve_settlements,
    [ADMIN_SHARDS] = serve_shards,
    [ADMIN_MARKETS] = serve_markets,
    [ADMIN_SUSPEND] = serve_suspend,
    [ADMIN_RESUME] = serve_resume,
    [ADMIN_RESULTS] = serve_results,
    [ADMIN_PROPOSALS] = serve_proposals,
    [ADMIN_APPROVE] = serve_approve,
    [ADMIN_REJECT] = serve_reject,
    [ADMIN_WITHDRAW] = serve_withdraw,
    [ADMIN_GRANTS] = serve_grants,
    [ADMIN_ADJUSTMENTS] = serve_adjustments,
    [ADMIN_LIMITS] = serve_limits,
    [ADMIN_REFERRALS] = serve_referrals,
    [ADMIN_REFERRAL_ACCEPT] = serve_referral_accept,
    [ADMIN_REFERRAL_REJECT] = serve_referral_reject,
    [ADMIN_REFERRAL_OFFER] = serve_referral_offer,
    [ADMIN_STREAMS] = serve_streams,
    [ADMIN_KEYS] = serve_keys,
    [ADMIN_DEMO_SESSION] = serve_demo_session,
};

static bool decode_ids(const struct route_ids *ids, size_t bytes_max, struct buf *memory,
                       struct slice ret_ids[ROUTE_IDS_MAX])
{
    for (size_t i = 0; i < ROUTE_IDS_MAX && ids->id[i].at != NULL; i++)
        if (http_url_decode(ids->id[i], false, memory, &ret_ids[i]) < 0 || ret_ids[i].bytes == 0 ||
            ret_ids[i].bytes > bytes_max)
            return false;
    return true;
}

/* `checked`: whose a carried request is; NULL: it has to be asked. */
static bool admits(const struct backoffice *backoffice, const struct http_request *request,
                   uint32_t roles, const struct jwt_claims *checked, struct jwt_claims *ret_claims)
{
    if (roles == 0)
        return true;
    if (checked == NULL)
        return admin_admits(backoffice->parts.bearer,
                            loop_wall(backoffice->parts.loop).us / US_PER_SECOND, request, roles,
                            ret_claims);
    *ret_claims = *checked;
    return admin_has_role(request, checked, roles);
}

static void serve(struct backoffice *backoffice, enum admin_route_name name,
                  const struct route_ids *ids, struct admin_call *call,
                  const struct jwt_claims *checked)
{
    const struct admin_route *route = admin_route(name);
    char text[ROUTE_IDS_MAX * ADMIN_ID_BYTES_MAX];
    struct buf memory = buf_over(text, sizeof text);
    if (!decode_ids(ids, route->id_bytes_max, &memory, call->id))
        admin_reply_not_found(call->request);
    else if (route_admits(call->request, route->methods) &&
             admits(backoffice, call->request, route->roles, checked, &call->claims))
        serves[name](backoffice, call);
}

static void on_request(void *owner, struct http_request *request)
{
    struct route_ids ids;
    struct admin_call call = {.request = request};
    enum admin_route_name name = admin_routes_find(request->path, &ids);
    if (name == ADMIN_ROUTES_COUNT)
        admin_serve_file(request);
    else
        serve(owner, name, &ids, &call, NULL);
}

void backoffice_serve_carried(void *owner, struct http_request *request,
                              const struct jwt_claims *claims)
{
    struct route_ids ids;
    struct admin_call call = {.request = request};
    enum admin_route_name name = admin_routes_find(request->path, &ids);
    if (name == ADMIN_ROUTES_COUNT || admin_route(name)->where != ADMIN_DESK)
        admin_reply_not_found(request);
    else
        serve(owner, name, &ids, &call, claims);
}

struct http_handlers backoffice_handlers(struct backoffice *backoffice)
{
    return (struct http_handlers){
        .owner = backoffice, .on_head = admin_routes_on_head, .on_request = on_request};
}

/* ---- what is counted ---- */

static int add_verdicts(struct metrics *metrics, const struct book_stats *stats)
{
    static const struct {
        const char *labels;
        unsigned outcome;
    } verdicts[] = {
#define VERDICT(code, number, http) {"verdict=\"" #code "\"", number},
        BET_OUTCOME_LIST(VERDICT)
#undef VERDICT
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        TRY(metrics_add_counter(
            metrics,
            (struct metrics_name){"overround_bets_total", "Bets by verdict", verdicts[i].labels, 0},
            (const struct metrics_counter *)&stats->bets_by_outcome[verdicts[i].outcome]));
    return 0;
}

static int add_cash_outs(struct metrics *metrics, const struct book_stats *stats)
{
    static const struct {
        const char *labels;
        unsigned outcome;
    } verdicts[] = {
        {"verdict=\"DONE\"", BET_PLACED},
        {"verdict=\"PENDING\"", BET_PENDING},
        {"verdict=\"OFFER_EXPIRED\"", BET_OFFER_EXPIRED},
        {"verdict=\"CASH_OUT_CHANGED\"", BET_CASH_OUT_CHANGED},
        {"verdict=\"CASH_OUT_UNAVAILABLE\"", BET_CASH_OUT_UNAVAILABLE},
        {"verdict=\"CASH_OUT_LIMIT\"", BET_CASH_OUT_LIMIT},
        {"verdict=\"CASH_OUT_PENDING\"", BET_CASH_OUT_PENDING},
        {"verdict=\"MARKET_SUSPENDED\"", BET_MARKET_SUSPENDED},
        {"verdict=\"MARKET_CLOSED\"", BET_MARKET_CLOSED},
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        TRY(metrics_add_counter(
            metrics,
            (struct metrics_name){"overround_cash_outs_total", "Cash-outs by verdict",
                                  verdicts[i].labels, 0},
            (const struct metrics_counter *)&stats->cash_outs_by_outcome[verdicts[i].outcome]));
    return metrics_add_counter(
        metrics,
        (struct metrics_name){"overround_cash_out_offers_total", "Offers of cash-outs", NULL, 0},
        (const struct metrics_counter *)&stats->cash_outs_offered);
}

static int add_book(struct metrics *metrics, const struct book_stats *stats)
{
    static const char limits[] = "overround_limit_reached_total";
    static const char limits_help[] = "How often a named limit was reached";
    const struct metrics_row counters[] = {
        {{"overround_bets_replayed_total", "Answers given again", NULL, 0}, &stats->bets_replayed},
        {{"overround_bets_conflict_total", "Keys used for another request", NULL, 0},
         &stats->bets_conflict},
        {{"overround_bets_shed_total", "Bets refused for want of room", NULL, 0},
         &stats->bets_shed},
        {{"overround_settled_bets_total", "Settlements", NULL, 0}, &stats->settled},
        {{"overround_reversed_bets_total", "Settlements taken back", NULL, 0}, &stats->reversed},
        {{"overround_write_offs_total", "Balances below zero that the book brought to zero", NULL,
          0},
         &stats->write_offs},
        {{"overround_results_total", "Results recorded", NULL, 0}, &stats->results},
        {{"overround_prices_total", "Market images that changed", NULL, 0}, &stats->prices},
        {{"overround_selections_changed_total", "Prices that changed", NULL, 0},
         &stats->selections_changed},
        {{"overround_bets_late_total",
          "Bets that could not be written while their prices held, and were decided again", NULL,
          0},
         &stats->bets_late},
        {{"overround_releases_late_total",
          "Bets whose delay was over that could not be written while their prices held, and waited "
          "on",
          NULL, 0},
         &stats->releases_late},
        {{"overround_leases_lost_total", "Providers that fell silent", NULL, 0},
         &stats->leases_lost},
        {{"overround_feed_dropped_total", "Feed messages beyond a limit", NULL, 0},
         &stats->feed_dropped},
        {{"overround_ledger_groups_total", "Durable groups", NULL, 0}, &stats->groups},
        {{"overround_ledger_records_total", "Durable records", NULL, 0}, &stats->group_records},
        {{limits, limits_help, "limit=\"ledger_stalled\"", 0}, &stats->ledger_stalled},
        {{limits, limits_help, "limit=\"ledger_full\"", 0}, &stats->ledger_full},
        {{limits, limits_help, "limit=\"proposals_max\"", 0}, &stats->proposals_reached},
        {{"overround_proposals_impossible_total",
          "Results that waited for their time and could not take force then", NULL, 0},
         &stats->proposals_impossible},
        {{limits, limits_help, "limit=\"repeats_walk_max\"", 0}, &stats->repeats_walk_reached},
        {{limits, limits_help, "limit=\"price_lag_ms_max\"", 0}, &stats->prices_lagged},
        {{limits, limits_help, "limit=\"late_releases_max\"", 0}, &stats->late_releases_reached},
    };
    const struct {
        const char *name, *help;
        const uint64_t *value;
    } gauges[] = {
        {"overround_markets_open", "Markets that take bets", &stats->markets_open},
        {"overround_bets_pending", "Bets that wait for their delay", &stats->pending},
        {"overround_result_proposals", "Results that wait to take force", &stats->proposals},
        {"overround_settle_backlog", "Markets with settlements to do", &stats->settle_backlog},
        {"overround_settlement_bets",
         "Bets of the settlements under way, and of those before "
         "them since there was none",
         &stats->settle_bets},
        {"overround_settlement_bets_left", "Bets still to be brought to their results",
         &stats->settle_bets_left},
    };
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        TRY(metrics_add_gauge(metrics,
                              (struct metrics_name){gauges[i].name, gauges[i].help, NULL, 0},
                              (const struct metrics_gauge *)gauges[i].value));
    return 0;
}

void backoffice_end_feeds(struct backoffice *backoffice)
{
    feed_intake_end(backoffice->intake);
}

int backoffice_register_metrics(struct backoffice *backoffice, struct metrics *metrics)
{
    const struct book_stats *stats = book_stats(backoffice->parts.book);
    TRY(add_verdicts(metrics, stats));
    TRY(add_book(metrics, stats));
    TRY(add_cash_outs(metrics, stats));
    TRY(desk_register_metrics(backoffice->desk, metrics));
    TRY(grant_desk_register_metrics(backoffice->grants, metrics));
    TRY(adjustment_desk_register_metrics(backoffice->adjustments, metrics));
    TRY(limit_desk_register_metrics(backoffice->limits, metrics));
    TRY(referral_desk_register_metrics(backoffice->referrals, metrics));
    /* Without a format nothing is ever taken in. */
    return backoffice->parts.formats_count == 0
               ? 0
               : feed_intake_register_metrics(backoffice->intake, metrics);
}
