/* test_schema_registry.c - adapters/registry/schema_registry.h against a registry that says what it
 * is told to, answer by answer: only its clear word refuses, and nothing is registered that was not
 * compared. What a real one answers is tested in tests/e2e/test_schema_registry.py. */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "adapters/registry/schema_registry.h"
#include "base/error.h"

#define LOOK    "/subjects/bet-events-value"
#define COMPARE "/compatibility/subjects/bet-events-value/versions/latest?verbose=true"
#define ENTER   "/subjects/bet-events-value/versions"
#define LEVEL   "/config/bet-events-value?defaultToGlobal=true"
#define NONE_YET                                                                                   \
    {                                                                                              \
        404, "{\"error_code\":40401,\"message\":\"Subject not found\"}"                            \
    }
#define NOT_THIS                                                                                   \
    {                                                                                              \
        404, "{\"error_code\":40403,\"message\":\"Schema not found\"}"                             \
    }
#define AT_LEVEL                                                                                   \
    {                                                                                              \
        200, "{\"compatibilityLevel\":\"FORWARD\"}"                                                \
    }
#define FITS                                                                                       \
    {                                                                                              \
        200, "{\"is_compatible\":true}"                                                            \
    }

/* ---- the registry ---- */

struct answer {
    int status;
    const char *text;
};

static struct {
    struct web_client client;
    struct web_request *asked;
    const struct answer *answers; /* the next one; one that is not told to say anything is away */
    char urls[1024], headers[256], body[1024];
} server;

static int begin_request(struct web_client *client, struct web_request *request)
{
    struct buf urls = buf_over(server.urls, sizeof server.urls - 1);
    urls.bytes = strlen(server.urls);
    buf_printf(&urls, "%s ", request->url + strlen("http://r:1"));
    server.urls[urls.bytes] = '\0';
    (void)snprintf(server.headers, sizeof server.headers, "%s|%s|%s", request->headers[0],
                   request->headers[1] == NULL ? "" : request->headers[1], request->content_type);
    if (request->body.bytes > 0)
        (void)snprintf(server.body, sizeof server.body, "%.*s", SLICE_ARG(request->body));
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
    const struct answer *answer = server.answers;
    if (answer->status != 0)
        server.answers++;
    request->answer_bytes = strlen(answer->text);
    assert_true(request->answer_bytes <= request->answer_bytes_max);
    memcpy(request->answer, answer->text, request->answer_bytes);
    request->on_done(request, answer->status, answer->status == 0 ? "nobody is there" : "");
}

static void client_free(struct web_client *client)
{
    (void)client;
}

static const struct web_client_ops client_ops = {
    .post = begin_request, .get = begin_request, .poll = client_poll, .free = client_free};

/* What it comes to; `text` gets the problem. */
static int ask(const struct answer *answers, bool registers, struct schema_answer *answer,
               char *text)
{
    const struct schema_registry_options options = {.url = "http://r:1",
                                                    .authorization = "Basic dTpw"};
    const struct schema_question question = {
        .topic = "bet-events", .schema = SLICE("{\"type\":\"object\"}"), .registers = registers};
    struct schema_registry *registry = NULL;
    char memory[128];
    struct buf why = buf_over(memory, sizeof memory);
    server.client.ops = &client_ops;
    server.answers = answers;
    server.urls[0] = server.headers[0] = server.body[0] = '\0';
    assert_int_equal(schema_registry_new(&options, &server.client, &registry, &why), 0);
    int result = schema_registry_ask(registry, &question, answer);
    (void)snprintf(text, WEB_PROBLEM_BYTES, "%s", schema_registry_problem(registry));
    schema_registry_free(registry);
    return result;
}

/* ---- what fits ---- */

TEST(schema_registry, one_that_is_there_is_only_looked_up)
{
    static const struct answer answers[] = {
        {200,
         "{\"subject\":\"bet-events-value\",\"version\":2,\"id\":7,\"schema\":\"{\\\"a\\\"}\"}"},
        AT_LEVEL,
        {0, ""}};
    struct schema_answer answer = {0};
    char text[WEB_PROBLEM_BYTES];
    assert_int_equal(ask(answers, true, &answer, text), 0);
    assert_int_equal(answer.id, 7);
    assert_string_equal(answer.level, "FORWARD");
    assert_string_equal(server.urls, LOOK " " LEVEL " ");
    assert_string_equal(server.body,
                        "{\"schemaType\":\"JSON\",\"schema\":\"{\\\"type\\\":\\\"object\\\"}\"}");
    assert_non_null(strstr(server.headers, "|Authorization: Basic dTpw|"));
    assert_string_equal(text, "");
}

TEST(schema_registry, the_first_one_is_registered)
{
    static const struct answer answers[] = {NONE_YET,    NONE_YET, {200, "{\"id\":1}"},
                                            {404, "{}"}, AT_LEVEL, {0, ""}};
    struct schema_answer answer = {0};
    char text[WEB_PROBLEM_BYTES];
    assert_int_equal(ask(answers, true, &answer, text), 0);
    assert_int_equal(answer.id, 1);
    assert_string_equal(answer.level, "FORWARD");
    assert_string_equal(server.urls, LOOK " " COMPARE " " ENTER " " LEVEL " /config ");
}

TEST(schema_registry, a_new_one_that_fits_becomes_a_version)
{
    static const struct answer answers[] = {NOT_THIS, FITS, {200, "{\"id\":9}"}, {0, ""}};
    struct schema_answer answer = {0};
    char text[WEB_PROBLEM_BYTES];
    assert_int_equal(ask(answers, true, &answer, text), 0); /* the level is for people only */
    assert_int_equal(answer.id, 9);
    assert_string_equal(answer.level, "");
}

TEST(schema_registry, who_reads_registers_nothing)
{
    static const struct answer fits[] = {NOT_THIS, FITS, AT_LEVEL, {0, ""}};
    static const struct answer none[] = {NONE_YET, NONE_YET, {0, ""}};
    struct schema_answer answer = {.id = 5};
    char text[WEB_PROBLEM_BYTES];
    assert_int_equal(ask(none, false, &answer, text), -ERR_NOT_FOUND);
    assert_int_equal(answer.id, 5);
    assert_string_equal(server.urls, LOOK " " COMPARE " ");
    assert_int_equal(ask(fits, false, &answer, text), 0);
    assert_int_equal(answer.id, 0);
    assert_string_equal(server.urls, LOOK " " COMPARE " " LEVEL " ");
}

/* ---- what does not ---- */

TEST(schema_registry, its_clear_word_refuses)
{
    static const struct {
        struct answer answers[4];
        const char *words, *urls;
    } cases[] = {
        {{NOT_THIS,
          {200, "{\"is_compatible\":false,\"messages\":[\"bet_id was a \\\"string\\\"\",\"b\"]}"},
          {200, "{\"id\":1}"}},
         "bet_id was a \"string\"",
         LOOK " " COMPARE " "},
        {{NOT_THIS, {200, "{\"is_compatible\":false,\"reason\":null}"}},
         "does not fit",
         LOOK " " COMPARE " "},
        {{NOT_THIS, {422, "{\"error_code\":42201,\"message\":\"no schema\"}"}},
         "no schema",
         LOOK " " COMPARE " "},
        {{NOT_THIS, FITS, {409, "{\"error_code\":409,\"message\":\"another came first\"}"}},
         "another came first",
         LOOK " " COMPARE " " ENTER " "},
        {{NONE_YET, NONE_YET, {422, "<html>"}}, "not taken", LOOK " " COMPARE " " ENTER " "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema_answer answer = {.id = 5};
        char text[WEB_PROBLEM_BYTES];
        assert_int_equal(ask(cases[i].answers, true, &answer, text), -ERR_CONFIG);
        assert_non_null(strstr(text, cases[i].words));
        assert_string_equal(server.urls, cases[i].urls);
        assert_int_equal(answer.id, 5);
    }
}

TEST(schema_registry, whatever_else_is_a_registry_that_is_away)
{
    static const struct answer cases[][4] = {
        {{0, ""}},
        {{503, "{}"}},
        {{429, ""}},
        {{401, "{\"error_code\":40101,\"message\":\"who are you\"}"}},
        {{404, "<html>no such page</html>"}},
        {{404, "{\"error_code\":404}"}},
        {{200, "<html>"}},
        {{200, "{\"id\":7"}},
        {{200, "{\"id\":0}"}},
        {{200, "{\"id\":-1}"}},
        {{200, "{\"id\":\"7\"}"}},
        {{200, "[]"}},
        {{302, ""}},
        {NOT_THIS, {0, ""}},
        {NOT_THIS, {200, "{}"}},
        {NOT_THIS, {200, "{\"is_compatible\":\"false\"}"}},
        {NOT_THIS, {500, "{\"is_compatible\":false}"}},
        {NOT_THIS, FITS, {403, "{}"}},
        {NOT_THIS, FITS, {200, "{}"}},
        {NOT_THIS, FITS, {0, ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schema_answer answer = {.id = 5};
        char text[WEB_PROBLEM_BYTES];
        assert_int_equal(ask(cases[i], true, &answer, text), -ERR_ABSENT);
        assert_true(text[0] != '\0');
        assert_int_equal(answer.id, 5);
    }
}

TEST(schema_registry, words_without_end_are_cut)
{
    static char long_words[100000];
    struct buf words = buf_over(long_words, sizeof long_words - 1);
    buf_put_text(&words, "{\"is_compatible\":false,\"messages\":[\"");
    while (words.bytes < sizeof long_words - 8)
        buf_put_text(&words, "\\\"");
    buf_put_text(&words, "\"]}");
    const struct answer answers[] = {NOT_THIS, {200, long_words}};
    struct schema_answer answer = {0};
    char text[WEB_PROBLEM_BYTES];
    assert_int_equal(ask(answers, true, &answer, text), -ERR_CONFIG);
    assert_true(strlen(text) > 100 && strlen(text) < WEB_PROBLEM_BYTES);
}
