/* schema_registry.c - contract in schema_registry.h.
 *
 * A schema is looked up first, so that a start writes nothing where it is known. What is not known
 * is compared and then registered; between the two another may have come, which the registry sees
 * again (409). */
#include "adapters/registry/schema_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/shared/web_call.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"

#define TYPE           "application/vnd.schemaregistry.v1+json"
#define URL_BYTES_MAX  2400
#define HEADER_BYTES   (SCHEMA_REGISTRY_AUTH_BYTES_MAX + 32)
#define WORDS_BYTES    200 /* of the registry's own, in a sentence */
#define BODY_BYTES_MAX (6 * SCHEMA_REGISTRY_SCHEMA_BYTES_MAX + 256) /* as escaped as can be */

/* Codes of the API with status 404. */
enum { NO_SUBJECT = 40401, NO_VERSION = 40402, NO_SCHEMA = 40403 };

/* What an answer has, as far as it matters. */
struct said {
    int status; /* 0: nobody answered */
    int64_t id, error_code;
    bool has_verdict, fits;
    struct slice words, level;
};

struct schema_registry {
    struct schema_registry_options options;
    struct web_call *call; /* owned */
    char authorization[HEADER_BYTES];
    char problem[WEB_PROBLEM_BYTES];
    char scratch[SCHEMA_REGISTRY_ANSWER_BYTES_MAX]; /* enough for any text of it */
    char answer[SCHEMA_REGISTRY_ANSWER_BYTES_MAX];
    char body[BODY_BYTES_MAX];
};

static int fail(struct schema_registry *r, int error, const char *what, struct slice words)
{
    size_t bytes = words.bytes < WORDS_BYTES ? words.bytes : WORDS_BYTES;
    (void)snprintf(r->problem, sizeof r->problem, "%s%s%.*s", what, bytes > 0 ? ": " : "",
                   (int)bytes, bytes > 0 ? words.at : "");
    return error;
}

static int fail_status(struct schema_registry *r, const struct said *said)
{
    char text[64];
    if (said->status == 0)
        return fail(r, -ERR_ABSENT, web_call_problem(r->call), SLICE_NONE);
    (void)snprintf(text, sizeof text, "the registry answered %d", said->status);
    return fail(r, -ERR_ABSENT, text, said->words);
}

/* ---- an answer ---- */

/* The first text is kept: later ones say the same of other places. */
static bool read_words(struct json_reader *json, struct slice *words)
{
    struct slice text = SLICE_NONE;
    if (json_peek(json) != JSON_STRING)
        return json_skip(json);
    bool read = json_string(json, &text);
    if (read && words->bytes == 0)
        *words = text;
    return read;
}

static bool read_all_words(struct json_reader *json, struct slice *words)
{
    if (json_peek(json) != JSON_ARRAY)
        return json_skip(json);
    bool read = json_array_begin(json);
    while (read && json_array_next(json))
        read = read_words(json, words);
    return read;
}

static bool read_verdict(struct json_reader *json, struct said *said)
{
    said->has_verdict = json_bool(json, &said->fits);
    return said->has_verdict;
}

static bool read_member(struct json_reader *json, struct slice key, struct said *said)
{
    return slice_is(key, "id")                   ? json_i64(json, &said->id)
           : slice_is(key, "error_code")         ? json_i64(json, &said->error_code)
           : slice_is(key, "is_compatible")      ? read_verdict(json, said)
           : slice_is(key, "message")            ? read_words(json, &said->words)
           : slice_is(key, "reason")             ? read_words(json, &said->words)
           : slice_is(key, "messages")           ? read_all_words(json, &said->words)
           : slice_is(key, "compatibilityLevel") ? json_string(json, &said->level)
                                                 : json_skip(json);
}

/* What is no object of JSON says nothing but its status. */
static void read_answer(struct schema_registry *r, struct slice text, struct said *said)
{
    struct json_reader json;
    struct slice key;
    bool good = true;
    int status = said->status;
    json_begin(&json, text, r->scratch, sizeof r->scratch);
    if (json_object_begin(&json))
        while (good && json_object_next(&json, &key))
            good = read_member(&json, key, said);
    if (json_end(&json) < 0 || !good)
        *said = (struct said){.status = status};
}

/* ---- a question ---- */

static struct said ask(struct schema_registry *r, const char *path, struct slice body)
{
    char url[URL_BYTES_MAX];
    struct said said = {0};
    struct web_request request = {
        .url = url,
        .headers = {"Accept: " TYPE, r->options.authorization == NULL ? NULL : r->authorization},
        .content_type = TYPE,
        .body = body,
        .answer = r->answer,
        .answer_bytes_max = sizeof r->answer,
    };
    (void)snprintf(url, sizeof url, "%s%s", r->options.url, path);
    said.status =
        body.bytes > 0 ? web_call_post(r->call, &request) : web_call_get(r->call, &request);
    if (said.status != 0)
        read_answer(r, slice_of(r->answer, request.answer_bytes), &said);
    return said;
}

static bool is_absent(const struct said *said)
{
    return said->status == 404 && (said->error_code == NO_SUBJECT ||
                                   said->error_code == NO_VERSION || said->error_code == NO_SCHEMA);
}

static struct slice write_body(struct schema_registry *r, struct slice schema)
{
    struct buf body = buf_over(r->body, sizeof r->body);
    struct json_writer json = json_write_begin(&body);
    json_write_object_open(&json);
    json_write_key(&json, "schemaType");
    json_write_text(&json, SLICE("JSON"));
    json_write_key(&json, "schema");
    json_write_text(&json, schema);
    json_write_object_close(&json);
    ASSERT(!body.overflow);
    return buf_slice(&body);
}

/* 1: it has this very schema; 0: it has not. */
static int look_up(struct schema_registry *r, const struct schema_question *question,
                   struct slice body, int64_t *ret_id)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/subjects/%s-value", question->topic);
    struct said said = ask(r, path, body);
    if (is_absent(&said))
        return 0;
    if (said.status != 200 || said.id <= 0)
        return fail_status(r, &said);
    *ret_id = said.id;
    return 1;
}

/* -ERR_NOT_FOUND: there is nothing to compare it with. */
static int compare(struct schema_registry *r, const struct schema_question *question,
                   struct slice body)
{
    char path[160];
    (void)snprintf(path, sizeof path,
                   "/compatibility/subjects/%s-value/versions/latest?verbose=true",
                   question->topic);
    struct said said = ask(r, path, body);
    if (is_absent(&said))
        return fail(r, -ERR_NOT_FOUND, "no schema is registered", SLICE_NONE);
    if (said.status == 422)
        return fail(r, -ERR_CONFIG, "the schema is none to the registry", said.words);
    if (said.status != 200 || !said.has_verdict)
        return fail_status(r, &said);
    return said.fits
               ? 0
               : fail(r, -ERR_CONFIG, "the schema does not fit the newest version", said.words);
}

static int enter(struct schema_registry *r, const struct schema_question *question,
                 struct slice body, int64_t *ret_id)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/subjects/%s-value/versions", question->topic);
    struct said said = ask(r, path, body);
    if (said.status == 409 || said.status == 422)
        return fail(r, -ERR_CONFIG, "the schema is not taken", said.words);
    if (said.status != 200 || said.id <= 0)
        return fail_status(r, &said);
    *ret_id = said.id;
    return 0;
}

/* For people only, so that no answer changes nothing. */
static void ask_level(struct schema_registry *r, const char *topic, struct schema_answer *answer)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/config/%s-value?defaultToGlobal=true", topic);
    struct said said = ask(r, path, SLICE_NONE);
    if (said.status == 404)
        said = ask(r, "/config", SLICE_NONE);
    if (said.status == 200 && said.level.bytes < sizeof answer->level)
        (void)snprintf(answer->level, sizeof answer->level, "%.*s", SLICE_ARG(said.level));
}

static int settle(struct schema_registry *r, const struct schema_question *question,
                  struct schema_answer *answer)
{
    struct slice body = write_body(r, question->schema);
    int found = look_up(r, question, body, &answer->id);
    if (found != 0)
        return found < 0 ? found : 0;
    int error = compare(r, question, body);
    if (!question->registers || (error < 0 && error != -ERR_NOT_FOUND))
        return error;
    return enter(r, question, body, &answer->id);
}

int schema_registry_ask(struct schema_registry *registry, const struct schema_question *question,
                        struct schema_answer *ret_answer)
{
    struct schema_answer answer = {0};
    ASSERT(question->schema.bytes <= SCHEMA_REGISTRY_SCHEMA_BYTES_MAX);
    registry->problem[0] = '\0';
    TRY(settle(registry, question, &answer));
    ask_level(registry, question->topic, &answer);
    *ret_answer = answer;
    return 0;
}

const char *schema_registry_problem(const struct schema_registry *registry)
{
    return registry->problem;
}

/* ---- life ---- */

static int take_options(struct schema_registry *r, struct buf *why)
{
    const char *authorization = r->options.authorization;
    if (strlen(r->options.url) > URL_BYTES_MAX - 160 ||
        (authorization != NULL && strlen(authorization) > SCHEMA_REGISTRY_AUTH_BYTES_MAX)) {
        buf_put_text(why, "the schema registry's URL or what it is asked with is too long");
        return -ERR_CONFIG;
    }
    if (authorization != NULL)
        (void)snprintf(r->authorization, sizeof r->authorization, "Authorization: %s",
                       authorization);
    return 0;
}

int schema_registry_new(const struct schema_registry_options *options, struct web_client *client,
                        struct schema_registry **ret_registry, struct buf *why)
{
    struct schema_registry *r = calloc(1, sizeof *r);
    if (r == NULL) {
        client->ops->free(client);
        return -ERR_MEMORY;
    }
    r->options = *options;
    int error = web_call_new(client, &r->call);
    if (error == 0)
        error = take_options(r, why);
    if (error < 0) {
        schema_registry_free(r);
        return error;
    }
    *ret_registry = r;
    return 0;
}

void schema_registry_free(struct schema_registry *registry)
{
    if (registry == NULL)
        return;
    web_call_free(registry->call);
    explicit_bzero(registry->authorization, sizeof registry->authorization);
    free(registry);
}
