/* test_office_link.c - a back-office in a process of its own and the process that has the desk, on
 * one thread and stepped by hand: links that carry, lose and end. */
#include "roles/backoffice/office_asker.h"
#include "roles/backoffice/office_teller.h"
#include "roles/backoffice/office_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/http/http_reply.h"
#include "test.h"

#define PLACES    4
#define QUEUE_MAX 64
#define ASKED_MAX 128
#define ANSWER_US 1000000

struct batch {
    char *at; /* owned */
    size_t bytes;
};

/* One way of a link. */
struct way {
    struct batch queue[QUEUE_MAX];
    size_t count;
    size_t queued; /* what the carrier says of itself */
    bool closed;   /* its sender wants the end */
};

/* Whoever asked at the back-office's listener. */
struct asked {
    int answers, status;
    char type[64], headers[128], body[256];
    size_t body_bytes;
};

/* A request that the desk has not answered yet. */
struct waiting {
    struct http_reply_to to;
};

struct scene {
    struct office_asker *asker;
    struct office_teller *teller;
    struct office_teller_stats stats;
    struct way up, down;
    bool open;
    struct monotonic now;
    struct http_carried listener; /* takes the answers of the back-office */
    struct asked asked[ASKED_MAX];
    uint32_t count;
    struct waiting waiting[ASKED_MAX];
    uint32_t waits;
    bool later; /* the desk answers when it is told to */
    struct slice long_body;
    struct office_question seen; /* the last one, as the desk saw it */
    char seen_text[1024];
};

static struct scene scene;
static char long_text[OFFICE_ANSWER_BODY_MAX + 1];

/* ---- the link ---- */

static bool way_send(void *owner, struct slice batch)
{
    struct way *way = owner;
    if (way->count == QUEUE_MAX)
        return false;
    char *at = malloc(batch.bytes); /* so that a sanitizer sees who reads behind it */
    assert_non_null(at);
    memcpy(at, batch.at, batch.bytes);
    way->queue[way->count++] = (struct batch){at, batch.bytes};
    return true;
}

static void way_close(void *owner)
{
    ((struct way *)owner)->closed = true;
}

static size_t way_queued(void *owner)
{
    return ((struct way *)owner)->queued;
}

static void way_clear(struct way *way)
{
    for (size_t i = 0; i < way->count; i++)
        free(way->queue[i].at);
    *way = (struct way){.queued = way->queued};
}

static void carry(struct scene *s, struct way *way, bool up)
{
    struct way now = *way;
    way->count = 0;
    for (size_t i = 0; i < now.count; i++) {
        struct slice batch = slice_of(now.queue[i].at, now.queue[i].bytes);
        if (up)
            office_teller_batch(s->teller, batch);
        else
            office_asker_batch(s->asker, batch);
        free(now.queue[i].at);
    }
}

static void open_link(struct scene *s)
{
    const struct carrier up = {&s->up, way_send, way_close, way_queued};
    const struct carrier down = {&s->down, way_send, way_close, way_queued};
    s->open = true;
    office_teller_attach(s->teller, &down);
    office_asker_attach(s->asker, &up);
}

/* What is on its way is lost. */
static void cut(struct scene *s)
{
    way_clear(&s->up);
    way_clear(&s->down);
    s->open = false;
    office_asker_detached(s->asker);
    office_teller_detached(s->teller);
}

static void turn(struct scene *s)
{
    office_asker_turn_begin(s->asker, s->now);
    office_asker_turn_end(s->asker);
    carry(s, &s->up, true);
    office_teller_turn_end(s->teller);
    carry(s, &s->down, false);
    if (s->open && (s->up.closed || s->down.closed))
        cut(s);
}

/* ---- the desk, and the listener ---- */

static void remember(struct scene *s, const struct http_request *request,
                     const struct jwt_claims *claims)
{
    struct buf text = buf_over(s->seen_text, sizeof s->seen_text - 1);
    struct slice key = http_request_header(request, "idempotency-key");
    buf_printf(&text, "%d %.*s?%.*s %.*s/%x [%.*s] ", (int)request->method,
               SLICE_ARG(request->path), SLICE_ARG(request->query), SLICE_ARG(jwt_sub(claims)),
               claims->roles, (int)key.bytes, key.bytes > 0 ? key.at : "");
    if (request->body.bytes < 256)
        buf_put_slice(&text, request->body);
    s->seen_text[text.bytes] = 0;
}

static void desk_serve(void *owner, struct http_request *request, const struct jwt_claims *claims)
{
    struct scene *s = owner;
    remember(s, request, claims);
    if (s->later) {
        assert_true(s->waits < ASKED_MAX);
        s->waiting[s->waits++] = (struct waiting){request->reply_to};
    } else if (s->long_body.bytes > 0) {
        http_reply(request->reply_to, 200, SLICE("text/plain"), SLICE_NONE, s->long_body);
    } else {
        http_reply(request->reply_to, 201, SLICE("application/json"),
                   SLICE("Cache-Control: no-store\r\n"), SLICE("{\"done\":1}"));
    }
}

static void answer_all(struct scene *s)
{
    for (uint32_t i = 0; i < s->waits; i++)
        http_reply(s->waiting[i].to, 200, SLICE("text/plain"), SLICE_NONE, SLICE("late"));
    s->waits = 0;
}

static void put_text(char *to, size_t capacity, struct slice text)
{
    size_t bytes = text.bytes < capacity - 1 ? text.bytes : capacity - 1;
    if (bytes > 0)
        memcpy(to, text.at, bytes);
    to[bytes] = 0;
}

static void on_answer(struct http_carried *carried, struct http_reply_to to,
                      const struct http_carried_answer *answer)
{
    struct asked *asked = &scene.asked[to.request_no];
    (void)carried;
    asked->answers++;
    asked->status = answer->status;
    asked->body_bytes = answer->body.bytes;
    put_text(asked->type, sizeof asked->type, answer->content_type);
    put_text(asked->headers, sizeof asked->headers, answer->headers);
    put_text(asked->body, sizeof asked->body, answer->body);
}

static struct office_question question_of(enum http_method method, const char *path,
                                          struct slice body)
{
    struct office_question question = {
        .method = method,
        .path = slice_text(path),
        .query = SLICE("cursor=7"),
        .key = SLICE("k 1"),
        .body = body,
        .claims = {.exp_s = 99, .roles = JWT_ROLE_BIT(JWT_TRADER), .sub_bytes = 3, .sub = "tom"}};
    return question;
}

static struct asked *ask_as(struct scene *s, const struct office_question *question)
{
    assert_true(s->count < ASKED_MAX && office_question_fits(question));
    office_asker_ask(s->asker, question,
                     (struct http_reply_to){.request_no = s->count, .carried = &s->listener});
    return &s->asked[s->count++];
}

static struct asked *ask(struct scene *s, enum http_method method, struct slice body)
{
    const struct office_question question = question_of(method, "/v1/admin/markets", body);
    return ask_as(s, &question);
}

static void expect(const struct asked *asked, int status, const char *text)
{
    assert_int_equal(asked->answers, 1);
    if (asked->status != status || strstr(asked->body, text) == NULL)
        fail_msg("%d %s: not %d with %s", asked->status, asked->body, status, text);
}

/* ---- the scene ---- */

static struct scene *begin(void)
{
    struct scene *s = &scene;
    const struct office_desk desk = {s, desk_serve};
    const struct office_asker_options options = {
        .places = PLACES, .bytes_max = OFFICE_QUESTION_MAX + 1024, .answer_us_max = ANSWER_US};
    memset(s, 0, sizeof *s);
    s->listener.reply = on_answer;
    s->now = (struct monotonic){1};
    assert_int_equal(office_asker_new(&options, &s->asker), 0);
    assert_int_equal(office_teller_new(&desk, &s->stats, &s->teller), 0);
    return s;
}

static struct scene *begin_linked(void)
{
    struct scene *s = begin();
    open_link(s);
    turn(s);
    assert_true(office_asker_is_welcome(s->asker));
    return s;
}

static void end(struct scene *s)
{
    way_clear(&s->up);
    way_clear(&s->down);
    office_asker_free(s->asker);
    office_teller_free(s->teller);
}

/* ---- what is carried ---- */

TEST(office_link, a_request_reaches_the_desk_as_it_came_and_its_answer_as_it_was_given)
{
    struct scene *s = begin_linked();
    struct asked *asked = ask(s, HTTP_POST, SLICE("{\"reason\":\"x\"}"));
    assert_int_equal(asked->answers, 0);
    turn(s);
    expect(asked, 201, "{\"done\":1}");
    assert_string_equal(asked->type, "application/json");
    assert_string_equal(asked->headers, "Cache-Control: no-store\r\n");
    assert_string_equal(s->seen_text,
                        "3 /v1/admin/markets?cursor=7 tom/2 [k 1] {\"reason\":\"x\"}");
    struct office_question bare = question_of(HTTP_GET, "/v1/admin/status", SLICE_NONE);
    bare.key = bare.query = SLICE_NONE;
    asked = ask_as(s, &bare);
    turn(s);
    expect(asked, 201, "");
    assert_string_equal(s->seen_text, "1 /v1/admin/status? tom/2 [] ");
    end(s);
}

TEST(office_link, the_longest_of_both_ways_are_carried)
{
    struct scene *s = begin_linked();
    memset(long_text, 'x', sizeof long_text);
    s->long_body = slice_of(long_text, OFFICE_ANSWER_BODY_MAX);
    struct asked *asked = ask(s, HTTP_POST, slice_of(long_text, OFFICE_BODY_MAX));
    turn(s);
    assert_int_equal(asked->answers, 1);
    assert_int_equal(asked->status, 200);
    assert_int_equal(asked->body_bytes, OFFICE_ANSWER_BODY_MAX);
    end(s);
}

TEST(office_link, an_answer_that_is_longer_is_none)
{
    struct scene *s = begin_linked();
    s->long_body = slice_of(long_text, sizeof long_text);
    struct asked *asked = ask(s, HTTP_GET, SLICE_NONE);
    turn(s);
    expect(asked, 500, "REPLY_TOO_LARGE");
    assert_int_equal(s->stats.unfit.value, 1);
    end(s);
}

/* ---- what is not known is not said ---- */

TEST(office_link, asks_nothing_without_a_desk_that_has_welcomed_it)
{
    struct scene *s = begin();
    expect(ask(s, HTTP_POST, SLICE_NONE), 503, "BOOK_AWAY");
    open_link(s);
    expect(ask(s, HTTP_POST, SLICE_NONE), 503, "BOOK_AWAY");
    assert_string_equal(s->asked[1].headers, "Retry-After: 1\r\n");
    turn(s);
    struct asked *asked = ask(s, HTTP_POST, SLICE_NONE);
    turn(s);
    expect(asked, 201, "");
    assert_int_equal(office_asker_stats(s->asker)->away.value, 2);
    assert_int_equal(s->stats.questions.value, 1);
    end(s);
}

TEST(office_link, what_is_under_way_when_the_link_ends_is_not_known)
{
    struct scene *s = begin_linked();
    s->later = true;
    struct asked *asked = ask(s, HTTP_POST, SLICE_NONE);
    turn(s);
    struct asked *lost = ask(s, HTTP_POST, SLICE_NONE);
    cut(s);
    expect(asked, 503, "ANSWER_DELAYED");
    expect(lost, 503, "ANSWER_DELAYED");
    /* The desk answers into a link that came after: nobody hears it. */
    open_link(s);
    turn(s);
    struct asked *next = ask(s, HTTP_POST, SLICE_NONE);
    turn(s);
    struct waiting of_next = s->waiting[1];
    s->waits = 1;
    answer_all(s);
    turn(s);
    assert_int_equal(s->stats.dropped.value, 1);
    assert_int_equal(next->answers, 0);
    s->waiting[0] = of_next;
    s->waits = 1;
    answer_all(s);
    turn(s);
    expect(next, 200, "late");
    assert_int_equal(asked->answers, 1);
    assert_int_equal(office_asker_stats(s->asker)->given_up.value, 2);
    end(s);
}

TEST(office_link, an_answer_that_is_late_is_not_waited_for_and_not_given_to_another)
{
    struct scene *s = begin_linked();
    s->later = true;
    struct asked *asked = ask(s, HTTP_GET, SLICE_NONE);
    turn(s);
    assert_int_equal(office_asker_due_us(s->asker), ANSWER_US);
    s->now.us += ANSWER_US;
    turn(s);
    expect(asked, 503, "ANSWER_DELAYED");
    assert_int_equal(office_asker_due_us(s->asker), -1);
    struct asked *next = ask(s, HTTP_GET, SLICE_NONE); /* at the same place */
    answer_all(s);
    turn(s);
    assert_int_equal(next->answers, 0);
    answer_all(s);
    turn(s);
    expect(next, 200, "late");
    assert_int_equal(office_asker_stats(s->asker)->late.value, 1);
    end(s);
}

/* ---- limits ---- */

TEST(office_link, so_many_questions_are_under_way_and_no_more)
{
    struct scene *s = begin_linked();
    s->later = true;
    for (int i = 0; i < PLACES; i++)
        (void)ask(s, HTTP_GET, SLICE_NONE);
    expect(ask(s, HTTP_GET, SLICE_NONE), 503, "OVERLOADED");
    assert_int_equal(office_asker_stats(s->asker)->places_reached.value, 1);
    assert_int_equal(office_asker_stats(s->asker)->under_way.value, PLACES);
    turn(s);
    answer_all(s);
    turn(s);
    for (int i = 0; i < PLACES; i++)
        expect(&s->asked[i], 200, "late");
    (void)ask(s, HTTP_GET, SLICE_NONE);
    assert_int_equal(office_asker_stats(s->asker)->places_reached.value, 1);
    end(s);
}

TEST(office_link, so_many_bytes_are_under_way_and_no_more)
{
    struct scene *s = begin_linked();
    s->later = true;
    (void)ask(s, HTTP_POST, slice_of(long_text, OFFICE_BODY_MAX));
    expect(ask(s, HTTP_POST, slice_of(long_text, 16 * 1024)), 503, "OVERLOADED");
    assert_int_equal(office_asker_stats(s->asker)->bytes_reached.value, 1);
    turn(s);
    answer_all(s);
    turn(s);
    (void)ask(s, HTTP_POST, slice_of(long_text, 16 * 1024));
    turn(s);
    struct asked *last = ask(s, HTTP_POST, slice_of(long_text, 16 * 1024));
    turn(s);
    assert_int_equal(last->answers, 0);
    assert_int_equal(office_asker_stats(s->asker)->bytes_reached.value, 1);
    end(s);
}

/* P3: it costs the desk a bounded queue, and no word is lost for it. */
TEST(office_link, an_office_that_takes_no_answers_reads_nothing_more)
{
    struct scene *s = begin_linked();
    s->down.queued = OFFICE_QUEUED_BYTES_MAX + 1;
    struct asked *read = ask(s, HTTP_GET, SLICE_NONE);
    struct asked *word = ask(s, HTTP_POST, SLICE_NONE);
    turn(s);
    expect(read, 503, "OVERLOADED");
    expect(word, 201, "");
    /* A page that is ready only then is not said either; what is short is. */
    s->down.queued = 0;
    s->later = true;
    struct asked *pages[2] = {ask(s, HTTP_GET, SLICE_NONE), ask(s, HTTP_GET, SLICE_NONE)};
    turn(s);
    s->down.queued = OFFICE_QUEUED_BYTES_MAX + 1;
    http_reply(s->waiting[0].to, 200, SLICE("text/plain"), SLICE_NONE,
               slice_of(long_text, OFFICE_BATCH_BYTES + 1));
    http_reply(s->waiting[1].to, 200, SLICE("text/plain"), SLICE_NONE, SLICE("short"));
    turn(s);
    expect(pages[0], 503, "OVERLOADED");
    expect(pages[1], 200, "short");
    assert_int_equal(s->stats.too_slow.value, 2);
    end(s);
}

/* ---- what is not of the format ---- */

static void expect_closed(struct scene *s, struct slice batch)
{
    uint64_t before = s->stats.bad_batches.value;
    office_teller_batch(s->teller, batch);
    assert_true(s->down.closed);
    assert_int_equal(s->stats.bad_batches.value, before + 1);
    cut(s);
    s->down.closed = false;
    open_link(s);
    turn(s);
}

static struct slice hello_of(struct buf *out, uint16_t format, uint32_t places)
{
    out->bytes = 0;
    (void)office_wire_put(
        out, &(struct office_message){.type = OFFICE_HELLO, .hello = {format, 0, places}});
    return buf_slice(out);
}

TEST(office_link, who_does_not_keep_to_the_format_loses_the_link)
{
    struct scene *s = begin_linked();
    char memory[1024];
    struct buf out = buf_over(memory, sizeof memory);
    expect_closed(s, SLICE_NONE);
    expect_closed(s, SLICE("x"));
    expect_closed(s, hello_of(&out, OFFICE_FORMAT, PLACES)); /* once more */
    out.bytes = 0;
    (void)office_wire_put(&out, &(struct office_message){.type = OFFICE_WELCOME,
                                                         .welcome = {.format = OFFICE_FORMAT}});
    expect_closed(s, buf_slice(&out));
    /* More questions than HELLO has said. */
    const struct office_question question = question_of(HTTP_GET, "/x", SLICE_NONE);
    s->later = true;
    out.bytes = 0;
    for (uint64_t i = 0; i <= PLACES; i++)
        assert_true(office_wire_put_question(&out, i, &question));
    expect_closed(s, buf_slice(&out));
    end(s);
}

TEST(office_link, a_hello_of_another_format_or_of_more_places_is_none)
{
    static const struct {
        uint16_t format;
        uint32_t places;
    } bad[] = {{OFFICE_FORMAT + 1, 1}, {OFFICE_FORMAT, OFFICE_PLACES_MAX + 1}, {OFFICE_FORMAT, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct scene *s = begin();
        char memory[64];
        struct buf out = buf_over(memory, sizeof memory);
        const struct carrier down = {&s->down, way_send, way_close, way_queued};
        office_teller_attach(s->teller, &down);
        office_teller_batch(s->teller, hello_of(&out, bad[i].format, bad[i].places));
        assert_true(s->down.closed);
        assert_int_equal(s->stats.sessions.value, 0);
        end(s);
    }
}

static bool carries(const struct office_question *question)
{
    return office_question_fits(question);
}

/* Nothing may end a line of HTTP, or be more than its place takes. */
TEST(office_link, texts_that_http_has_not_are_refused)
{
    const struct office_question good = question_of(HTTP_GET, "/v1/x", SLICE_NONE);
    struct office_question question = good;
    assert_true(carries(&good));
    for (const char *const *path =
             (const char *const[]){"", "x", "/a b", "/a\r\n", "/a?b", "/\x80", NULL};
         *path != NULL; path++) {
        question.path = slice_text(*path);
        assert_false(carries(&question));
    }
    question = good;
    question.query = SLICE("a\nb");
    assert_false(carries(&question));
    question.query = slice_of(long_text, HTTP_TARGET_BYTES_MAX);
    assert_false(carries(&question));
    question = good;
    question.key = SLICE("a\r\nX: y");
    assert_false(carries(&question));
    question.key = slice_of(long_text, OFFICE_KEY_MAX + 1);
    assert_false(carries(&question));
    question = good;
    question.method = HTTP_PATCH;
    assert_false(carries(&question));
    question = good;
    question.claims.sub_bytes = 0;
    assert_false(carries(&question));
    question = good;
    question.body = slice_of(long_text, OFFICE_BODY_MAX + 1);
    assert_false(carries(&question));
}

TEST(office_link, header_lines_that_are_none_are_refused)
{
    struct http_carried_answer answer = {200, SLICE("text/plain"), SLICE("A: b\r\nC: d\r\n"),
                                         SLICE_NONE};
    assert_true(office_answer_fits(&answer));
    for (const char *const *lines =
             (const char *const[]){"A: b", "A: b\r", "A: b\n", "\r\n", "A\r\n", ": b\r\n",
                                   "A b: c\r\n", "A: b\r\n\r\n", "A: b\r\nC", "A: \x01\r\n", NULL};
         *lines != NULL; lines++) {
        answer.headers = slice_text(*lines);
        assert_false(office_answer_fits(&answer));
    }
    answer.headers = SLICE_NONE;
    answer.content_type = SLICE("a\r\nb");
    assert_false(office_answer_fits(&answer));
    answer.content_type = SLICE_NONE;
    for (const int *status = (const int[]){0, 101, 199, 600, -1}; *status >= 0; status++) {
        answer.status = *status;
        assert_false(office_answer_fits(&answer));
    }
}

/* Every byte of a message that is cut, and every length that lies. */
TEST(office_link, a_message_that_is_cut_or_lies_is_none)
{
    char memory[512];
    struct buf out = buf_over(memory, sizeof memory);
    const struct office_question question = question_of(HTTP_POST, "/v1/x", SLICE("body"));
    struct office_message message;
    assert_true(office_wire_put_question(&out, 7, &question));
    struct slice whole = buf_slice(&out), rest = whole;
    assert_int_equal(office_wire_next(&rest, &message), 1);
    assert_int_equal(rest.bytes, 0);
    assert_int_equal(message.asked.tag, 7);
    for (size_t bytes = 1; bytes < whole.bytes; bytes++) {
        rest = slice_of(whole.at, bytes);
        assert_int_equal(office_wire_next(&rest, &message), -ERR_FORMAT);
    }
    const size_t lengths[] = {0, 4, 44, 48, 50, 52, 55}; /* bytes, type, and all the lengths */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memory[lengths[i]] = (char)(memory[lengths[i]] + 1);
        rest = whole;
        assert_int_equal(office_wire_next(&rest, &message), -ERR_FORMAT);
        memory[lengths[i]] = (char)(memory[lengths[i]] - 1);
    }
}
