/* bet_crossing.c - contract in bet_crossing.h. */
#include "roles/bet/bet_crossing.h"

#include <stdlib.h>

#include "base/error.h"
#include "roles/bet/bet_problem.h"

#define NO_PLACE    UINT32_MAX
#define SHORT_BYTES ((size_t)160)

/* Behind it: key, words, personal and bet id, one after the other. */
struct question_record {
    uint32_t kind;
    uint32_t place;
    uint32_t call, transport;
    uint32_t key_bytes, words_bytes, personal_bytes, bet_id_bytes;
    uint32_t has_claims, reserved;
    struct jwt_claims claims;
};

/* Behind it: the body. */
struct answer_record {
    uint32_t kind;
    uint32_t place;
    int32_t status, retry_after_s;
    uint32_t replayed;
    uint32_t body_bytes;
};

_Static_assert(2 * (sizeof(struct answer_record) + SHORT_BYTES + sizeof(uint64_t)) <=
                   BET_CROSSING_OWED,
               "a short answer fits, skipped bytes included");

/* ---- on the network loop ---- */

struct place {
    bet_service_answer_fn answer; /* NULL: free */
    struct book_cookie cookie;
    uint32_t next_free;
};

struct bet_asker {
    struct bet_port port;
    struct ring *up;
    struct place *places; /* owned */
    uint32_t count, free_first, under_way;
    struct bet_asker_stats stats;
};

static const struct bet_problem overloaded = {503, "OVERLOADED",
                                              "Too many requests wait for the book.", 1};

static char *put(char *at, struct slice text)
{
    if (text.bytes > 0)
        memcpy(at, text.at, text.bytes);
    return at + text.bytes;
}

static void put_question(char *at, uint32_t place, const struct bet_question *question)
{
    struct question_record head = {
        .kind = CROSSING_QUESTION,
        .place = place,
        .call = question->call,
        .transport = question->transport,
        .key_bytes = (uint32_t)question->key.bytes,
        .words_bytes = (uint32_t)question->words.bytes,
        .personal_bytes = (uint32_t)question->personal.bytes,
        .bet_id_bytes = (uint32_t)question->bet_id.bytes,
        .has_claims = question->claims != NULL,
    };
    if (question->claims != NULL)
        head.claims = *question->claims;
    at = put(at, slice_of(&head, sizeof head));
    at = put(at, question->key);
    at = put(at, question->words);
    at = put(at, question->personal);
    (void)put(at, question->bet_id);
}

static void *make_room(struct bet_asker *asker, size_t bytes)
{
    return bytes <= ring_record_bytes_max(asker->up) ? ring_begin(asker->up, bytes) : NULL;
}

static void ask(struct bet_port *port, const struct bet_question *question,
                bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct bet_asker *asker = (struct bet_asker *)port;
    uint32_t at = asker->free_first;
    size_t bytes = sizeof(struct question_record) + question->key.bytes + question->words.bytes +
                   question->personal.bytes + question->bet_id.bytes;
    char *room = at == NO_PLACE ? NULL : make_room(asker, bytes);
    if (room == NULL) {
        if (at == NO_PLACE)
            metrics_count(&asker->stats.places_reached, 1);
        else
            metrics_count(&asker->stats.room_reached, 1);
        bet_problem_tell(&overloaded, answer, cookie);
        return;
    }
    put_question(room, at, question);
    ring_end(asker->up, bytes);
    struct place *place = &asker->places[at];
    asker->free_first = place->next_free;
    *place = (struct place){.answer = answer, .cookie = cookie};
    asker->under_way++;
    metrics_count(&asker->stats.asked, 1);
}

int bet_asker_new(uint32_t places, struct ring *up, struct bet_asker **ret_asker)
{
    struct bet_asker *asker = calloc(1, sizeof *asker);
    struct place *memory = calloc(places, sizeof *memory);
    if (asker == NULL || memory == NULL) {
        free(asker);
        free(memory);
        return -ERR_MEMORY;
    }
    *asker = (struct bet_asker){.port = {ask}, .up = up, .places = memory, .count = places};
    for (uint32_t i = 0; i < places; i++)
        memory[i].next_free = i + 1 < places ? i + 1 : NO_PLACE;
    *ret_asker = asker;
    return 0;
}

void bet_asker_free(struct bet_asker *asker)
{
    if (asker == NULL)
        return;
    free(asker->places);
    free(asker);
}

struct bet_port *bet_asker_port(struct bet_asker *asker)
{
    return &asker->port;
}

uint32_t bet_asker_under_way(const struct bet_asker *asker)
{
    return asker->under_way;
}

const struct bet_asker_stats *bet_asker_stats(const struct bet_asker *asker)
{
    return &asker->stats;
}

int bet_asker_register_metrics(const struct bet_asker *asker, struct metrics *metrics)
{
    const char *limits = "overround_limit_reached_total", *help = "How often a limit was reached";
    TRY(metrics_add_counter(metrics,
                            (struct metrics_name){"overround_loops_questions_total",
                                                  "Questions about bets that crossed to the book",
                                                  NULL, 0},
                            &asker->stats.asked));
    TRY(metrics_add_counter(metrics,
                            (struct metrics_name){limits, help, "limit=\"loop_questions\"", 0},
                            &asker->stats.places_reached));
    return metrics_add_counter(metrics,
                               (struct metrics_name){limits, help, "limit=\"loop_ring_bytes\"", 0},
                               &asker->stats.room_reached);
}

/* The place is free before the transport is told: it may ask again at once. */
void bet_asker_take(struct bet_asker *asker, struct slice record)
{
    struct answer_record head;
    ASSERT(record.bytes >= sizeof head);
    memcpy(&head, record.at, sizeof head);
    ASSERT(head.kind == CROSSING_ANSWER);
    ASSERT(head.place < asker->count);
    ASSERT(record.bytes == sizeof head + head.body_bytes);
    struct place *place = &asker->places[head.place];
    struct place asked = *place;
    ASSERT(asked.answer != NULL); /* each is answered once */
    *place = (struct place){.next_free = asker->free_first};
    asker->free_first = head.place;
    asker->under_way--;
    asked.answer(&(struct bet_service_answer){
        .cookie = asked.cookie,
        .status = head.status,
        .replayed = head.replayed != 0,
        .retry_after_s = head.retry_after_s,
        .body = slice_of(record.at + sizeof head, head.body_bytes),
    });
}

/* ---- on the book's loop ---- */

static void put_answer(char *at, const struct bet_service_answer *answer)
{
    const struct answer_record head = {
        .kind = CROSSING_ANSWER,
        .place = (uint32_t)answer->cookie.words[0],
        .status = answer->status,
        .retry_after_s = answer->retry_after_s,
        .replayed = answer->replayed,
        .body_bytes = (uint32_t)answer->body.bytes,
    };
    at = put(at, slice_of(&head, sizeof head));
    (void)put(at, answer->body);
}

static bool try_answer(struct bet_teller *teller, const struct bet_service_answer *answer)
{
    size_t bytes = sizeof(struct answer_record) + answer->body.bytes;
    if (bytes > ring_record_bytes_max(teller->down->ring))
        return false;
    char *room = crossing_begin(teller->down, bytes);
    if (room == NULL)
        return false;
    put_answer(room, answer);
    ring_end(teller->down->ring, bytes);
    return true;
}

static void on_short_answer(const struct bet_service_answer *answer)
{
    ASSERT(answer->body.bytes <= SHORT_BYTES);
    bool done = try_answer(answer->cookie.owner, answer);
    ASSERT(done); /* BET_CROSSING_OWED was kept free for it */
}

static const struct bet_problem delayed = {503, "ANSWER_DELAYED", "Ask again with the same key.",
                                           1};

static void on_answer(const struct bet_service_answer *answer)
{
    struct bet_teller *teller = answer->cookie.owner;
    ASSERT(teller->under_way > 0);
    ASSERT(teller->down->owed >= BET_CROSSING_OWED);
    teller->under_way--;
    teller->down->owed -= BET_CROSSING_OWED;
    if (try_answer(teller, answer))
        return;
    teller->delayed++;
    bet_problem_tell(&delayed, on_short_answer, answer->cookie);
}

bool bet_teller_may_take(struct bet_teller *teller)
{
    return ring_has_room(teller->down->ring, 0, teller->down->owed + BET_CROSSING_OWED);
}

void bet_teller_take(struct bet_teller *teller, struct slice record)
{
    struct question_record head;
    ASSERT(record.bytes >= sizeof head);
    memcpy(&head, record.at, sizeof head);
    ASSERT(head.kind == CROSSING_QUESTION);
    ASSERT(head.call < BET_CALLS_COUNT);
    struct slice rest = slice_skip(record, sizeof head);
    ASSERT(rest.bytes ==
           (size_t)head.key_bytes + head.words_bytes + head.personal_bytes + head.bet_id_bytes);
    const struct bet_question question = {
        .call = (enum bet_call)head.call,
        .transport = (enum record_transport)head.transport,
        .claims = head.has_claims != 0 ? &head.claims : NULL,
        .key = slice_of(rest.at, head.key_bytes),
        .words = slice_of(rest.at + head.key_bytes, head.words_bytes),
        .personal = slice_of(rest.at + head.key_bytes + head.words_bytes, head.personal_bytes),
        .bet_id = slice_of(rest.at + rest.bytes - head.bet_id_bytes, head.bet_id_bytes),
    };
    teller->under_way++;
    teller->down->owed += BET_CROSSING_OWED;
    bet_port_ask(teller->port, &question, on_answer, (struct book_cookie){teller, {head.place}});
}
