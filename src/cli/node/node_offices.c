/* node_offices.c - contract in node_offices.h. */
#include "cli/node/node_offices.h"

#include "base/error.h"
#include "base/log.h"
#include "cli/node/node_links.h"
#include "cli/node/node_pages.h"
#include "cli/node/ws_carrier.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"
#include "roles/backoffice/result_decode.h"

_Static_assert(NODE_LINK_MESSAGE_BYTES_MAX >= OFFICE_QUESTION_BATCH_MAX, "the longest batch");
_Static_assert(OFFICE_ANSWER_BODY_MAX >= NODE_PAGE_BYTES_MAX, "the longest page");
_Static_assert(OFFICE_BODY_MAX >= RESULT_BODY_BYTES_MAX, "the longest body of the desk's routes");

/* ---- the WebSocket ---- */

static void on_binary(void *owner, struct ws_handle ws, struct slice bytes)
{
    const struct node_office *office = owner;
    (void)ws;
    office_teller_batch(office->teller, bytes);
}

static void on_text(void *owner, struct ws_handle ws, struct slice text)
{
    (void)text;
    on_binary(owner, ws, SLICE_NONE); /* no batch: the link is closed, and counted */
}

static void on_closed(void *owner, struct ws_handle ws, uint16_t code)
{
    struct node_office *office = owner;
    (void)ws;
    log_warn("office", "a back-office is gone", LOG_I64("place", office - office->offices->places),
             LOG_I64("code", code));
    office->open = false;
    office_teller_detached(office->teller);
}

static const struct ws_callbacks ws_callbacks = {
    .on_text = on_text, .on_closed = on_closed, .on_binary = on_binary};

/* ---- who comes ---- */

/* NULL: all are taken, or there is no memory for another one. */
static struct node_office *free_place(struct node_offices *offices)
{
    for (uint32_t i = 0; i < offices->used; i++)
        if (!offices->places[i].open)
            return &offices->places[i];
    if (offices->used == NODE_OFFICES_MAX)
        return NULL;
    struct node_office *office = &offices->places[offices->used];
    if (office_teller_new(&offices->desk, &offices->stats, &office->teller) < 0)
        return NULL;
    office->offices = offices;
    offices->used++;
    return office;
}

static void attach(struct node_office *office)
{
    const struct carrier carrier = ws_carrier(&office->ws);
    office->open = true;
    office_teller_attach(office->teller, &carrier);
    log_info("office", "a back-office has come",
             LOG_I64("place", office - office->offices->places));
}

void node_offices_serve(void *owner, struct http_request *request)
{
    struct node_offices *offices = owner;
    if (!http_upgrade_is_asked(request) ||
        !http_upgrade_offers(request, SLICE(OFFICE_SUBPROTOCOL))) {
        http_reply_problem(request->reply_to, 400, "LINK_PROTOCOL",
                           SLICE("A WebSocket with subprotocol " OFFICE_SUBPROTOCOL " is served."));
        return;
    }
    struct node_office *office = free_place(offices);
    if (office == NULL) {
        metrics_count(&offices->places_reached, 1);
        http_reply_problem_with(request->reply_to, 503, "OVERLOADED",
                                SLICE("So many back-offices are attached."), HTTP_RETRY_SOON);
        return;
    }
    if (http_upgrade_websocket(request, SLICE(OFFICE_SUBPROTOCOL), &ws_callbacks, office,
                               &office->ws) == HTTP_UPGRADE_DONE)
        attach(office);
}

/* ---- life ---- */

void node_offices_open(struct node_offices *offices, const struct office_desk *desk)
{
    offices->desk = *desk;
}

void node_offices_turn_end(struct node_offices *offices)
{
    for (uint32_t i = 0; i < offices->used; i++)
        office_teller_turn_end(offices->places[i].teller);
}

void node_offices_close(struct node_offices *offices)
{
    for (uint32_t i = 0; i < offices->used; i++)
        office_teller_free(offices->places[i].teller);
    *offices = (struct node_offices){.used = 0};
}

/* ---- what is counted ---- */

int node_offices_register_metrics(struct node_offices *offices, struct metrics *metrics)
{
    static const char limit[] = "overround_limit_reached_total";
    static const char limit_help[] = "How often a limit was reached";
    const struct office_teller_stats *stats = &offices->stats;
    const struct metrics_row rows[] = {
        {{"overround_offices_sessions_total", "Times that a back-office joined", NULL, 0},
         &stats->sessions.value},
        {{"overround_offices_questions_total", "Questions of back-offices", NULL, 0},
         &stats->questions.value},
        {{"overround_offices_answers_total", "Answers that went to back-offices", NULL, 0},
         &stats->answers.value},
        {{"overround_offices_bad_batches_total", "Links closed for what they brought", NULL, 0},
         &stats->bad_batches.value},
        {{"overround_offices_dropped_total", "Answers whose back-office had gone", NULL, 0},
         &stats->dropped.value},
        {{limit, limit_help, "limit=\"offices_max\"", 0}, &offices->places_reached.value},
        {{limit, limit_help, "limit=\"office_queued_bytes\"", 0}, &stats->too_slow.value},
        {{limit, limit_help, "limit=\"office_answer\"", 0}, &stats->unfit.value},
    };
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_offices_attached",
                                                "Back-offices that are attached", NULL, 0},
                          &stats->attached));
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}
