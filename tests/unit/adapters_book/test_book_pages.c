/* test_book_pages.c - adapters/book/book_pages.h against a book that answers anything: nothing is
 * visited of a page that is not whole, and no place moves past what was not visited. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "adapters/book/book_pages.h"
#include "base/error.h"

#define EVENT_A                                                                                    \
    "{\"key\":\"e1\",\"seq\":\"0-5\",\"position\":5,\"time_us\":1,\"value\":{\"type\":\"placed\"}" \
    "}\n"
#define EVENT_B                                                                                    \
    "{\"key\":\"e\\u0032\",\"seq\":\"0-6\",\"position\":6,\"time_us\":2,\"value\":{\"n\":1}}\n"
#define END "{\"log\":\"00000000000000ab\",\"position\":9,\"skip\":0,\"lag\":4,\"more\":true}\n"

/* ---- a server that answers once, with what it is told to ---- */

static struct {
    struct web_client client;
    struct web_request *asked;
    int status;
    char text[4096];
    char url[512], authorization[128];
} server;

static int client_get(struct web_client *client, struct web_request *request)
{
    (void)snprintf(server.url, sizeof server.url, "%s", request->url);
    (void)snprintf(server.authorization, sizeof server.authorization, "%s", request->headers[0]);
    server.asked = request;
    client->notify(client->notify_owner);
    return 0;
}

static void client_poll(struct web_client *client)
{
    struct web_request *request = server.asked;
    (void)client;
    server.asked = NULL;
    if (request == NULL)
        return;
    request->answer_bytes = strlen(server.text);
    assert_true(request->answer_bytes <= request->answer_bytes_max);
    memcpy(request->answer, server.text, request->answer_bytes);
    request->on_done(request, server.status, server.status == 0 ? "no answer" : "");
}

static void client_free(struct web_client *client)
{
    (void)client;
}

static const struct web_client_ops client_ops = {
    .get = client_get, .poll = client_poll, .free = client_free};

static struct event_pages *pages;
static unsigned visited;
static char keys[64];

static void begin(int status, const char *text)
{
    const struct book_pages_options options = {
        .url = "http://book:1", .topic = "bet-events", .group = "g", .token = "t.o.k"};
    char memory[128];
    struct buf why = buf_over(memory, sizeof memory);
    server.client.ops = &client_ops;
    server.status = status;
    (void)snprintf(server.text, sizeof server.text, "%s", text);
    visited = 0;
    keys[0] = '\0';
    assert_int_equal(book_pages_new(&options, &server.client, &pages, &why), 0);
}

static int on_event(void *owner, const struct event *event)
{
    const unsigned *refuse_at = owner;
    if (refuse_at != NULL && visited == *refuse_at)
        return -ERR_BUSY;
    visited++;
    size_t at = strlen(keys);
    (void)snprintf(keys + at, sizeof keys - at, "%.*s", SLICE_ARG(event->key));
    assert_true(event->value.at[0] == '{');
    return 0;
}

TEST(book_pages, visits_a_page_and_moves_to_its_end)
{
    struct event_place place = {7, 3, 0};
    begin(200, EVENT_A EVENT_B END);
    assert_int_equal(pages->ops->read(pages, &place, 1, on_event, NULL), 1);
    assert_int_equal(visited, 2);
    assert_string_equal(keys, "e1e2");
    assert_string_equal(server.url,
                        "http://book:1/v1/admin/streams/bet-events?group=g&position=7&skip=3");
    assert_string_equal(server.authorization, "Authorization: Bearer t.o.k");
    assert_int_equal(place.position, 9);
    assert_int_equal(place.skip, 0);
    assert_int_equal(place.log, 0xab);
    assert_int_equal(pages->ops->lag(pages), 4);
    pages->ops->free(pages);
}

TEST(book_pages, a_refused_event_is_before_the_place)
{
    unsigned refuse_at = 1;
    struct event_place place = {7, 3, 0xab};
    begin(200, EVENT_A EVENT_B END);
    assert_int_equal(pages->ops->read(pages, &place, 1, on_event, &refuse_at), -ERR_BUSY);
    assert_int_equal(place.position, 7);
    assert_int_equal(place.skip, 4);
    pages->ops->free(pages);
}

TEST(book_pages, nothing_is_visited_of_a_page_that_is_cut_anywhere)
{
    static const char whole[] = EVENT_A EVENT_B END;
    for (size_t bytes = 0; bytes < sizeof whole - 1; bytes++) {
        char text[sizeof whole];
        struct event_place place = {7, 3, 0xab};
        memcpy(text, whole, bytes);
        text[bytes] = '\0';
        begin(200, text);
        assert_int_equal(pages->ops->read(pages, &place, 1, on_event, NULL), -ERR_ABSENT);
        assert_int_equal(visited, 0);
        assert_int_equal(place.position, 7);
        assert_int_equal(place.skip, 3);
        pages->ops->free(pages);
    }
}

TEST(book_pages, what_is_no_page_is_refused)
{
    static const struct {
        int status;
        const char *text;
        int error;
    } cases[] = {
        {0, "", -ERR_ABSENT},
        {503, "{}", -ERR_ABSENT},
        {401, "{}", -ERR_ABSENT},
        {500, "{}", -ERR_ABSENT},
        {404, "{}", -ERR_CONFIG},
        {400, "{}", -ERR_CONFIG},
        {409, "{}", -ERR_CORRUPT},
        {200, "<html>\n", -ERR_ABSENT},
        {200, END EVENT_A, -ERR_ABSENT},
        {200, "{\"log\":\"ab\",\"position\":9,\"skip\":0,\"lag\":4,\"more\":true}\n", -ERR_ABSENT},
        {200, "{\"log\":\"00000000000000ab\",\"position\":-1,\"skip\":0,\"lag\":4,\"more\":true}\n",
         -ERR_ABSENT},
        {200, "nonsense\n" END, -ERR_CORRUPT},
        {200, "{\"key\":\"e1\",\"value\":{}}\n" END, -ERR_CORRUPT},
        {200, "{\"log\":\"00000000000000ac\",\"position\":9,\"skip\":0,\"lag\":4,\"more\":true}\n",
         -ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event_place place = {7, 3, 0xab};
        begin(cases[i].status, cases[i].text);
        assert_int_equal(pages->ops->read(pages, &place, 1, on_event, NULL), cases[i].error);
        assert_int_equal(visited, 0);
        assert_int_equal(place.position, 7);
        assert_true(pages->ops->problem(pages)[0] != '\0');
        pages->ops->free(pages);
    }
}
