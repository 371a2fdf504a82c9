/* key_desk.c - contract in key_desk.h. */
#include "roles/backoffice/key_desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "ledger/proof_json.h"
#include "net/http/http_reply.h"
#include "roles/shared/json_fields.h"

#define NO_STORE      SLICE("Cache-Control: no-store\r\n")
#define RETRY         SLICE("Cache-Control: no-store\r\nRetry-After: 1\r\n")
#define WHO_BYTES_MAX 64

struct key_desk {
    struct ledger_tree *tree;
    struct tree_rotate rotate;
    struct http_reply_to to;
    bool busy;
    char who[WHO_BYTES_MAX];
    size_t who_bytes;
    char scratch[KEY_DESK_BODY_BYTES_MAX];
};

int key_desk_new(struct ledger_tree *tree, struct key_desk **ret_desk)
{
    struct key_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return -ERR_MEMORY;
    desk->tree = tree;
    *ret_desk = desk;
    return 0;
}

void key_desk_free(struct key_desk *desk)
{
    free(desk);
}

/* ---- answers ---- */

static void refuse_busy(struct http_reply_to to)
{
    http_reply_problem_with(to, 503, "OVERLOADED", SLICE("A key is being changed."), RETRY);
}

static void refuse_with(struct key_desk *desk, int error)
{
    struct slice text = slice_text(desk->rotate.text);
    if (error == -ERR_ABSENT)
        http_reply_problem_with(desk->to, 503, "SIGNER_UNAVAILABLE", text, RETRY);
    else if (error == -ERR_BUSY)
        http_reply_problem_with(desk->to, 503, "PROOF_NOT_READY",
                                SLICE("The tree is behind: ask again."), RETRY);
    else if (error == -ERR_CONFIG || error == -ERR_LIMIT || error == -ERR_NOT_FOUND)
        http_reply_problem_with(desk->to, 409, "ROTATION_REFUSED", text, NO_STORE);
    else
        http_reply_problem_with(desk->to, 503, "PROOFS_UNAVAILABLE", text, RETRY);
}

static void on_rotated(struct tree_rotate *rotate, int error)
{
    struct key_desk *desk = rotate->owner;
    char memory[PROOF_JSON_LINK_BYTES_MAX];
    struct buf out = buf_over(memory, sizeof memory);
    struct json_writer writer = json_write_begin(&out);
    desk->busy = false;
    struct slice who = slice_of(desk->who, desk->who_bytes);
    if (error < 0) {
        const char *why = rotate->text[0] == '\0' ? error_text(error) : rotate->text;
        log_warn("tree", "the signing key was not changed", LOG_TEXT("by", who),
                 LOG_TEXT("why", slice_text(why)));
        refuse_with(desk, error);
        return;
    }
    log_info("tree", "another key signs heads from now on", LOG_TEXT("by", who));
    proof_json_link(&writer, rotate->link);
    ASSERT(!out.overflow);
    http_reply(desk->to, 200, SLICE("application/json"), NO_STORE, buf_slice(&out));
}

/* ---- requests ---- */

/* A label is kept in the desk's memory; it is no text of ours. */
static bool take_label(struct tree_rotate *rotate, struct slice label)
{
    if (label.bytes == 0 || label.bytes >= sizeof rotate->label ||
        memchr(label.at, '\0', label.bytes) != NULL)
        return false;
    memcpy(rotate->label, label.at, label.bytes);
    return true;
}

static bool decode(struct key_desk *desk, struct slice body, struct request_refusal *refusal)
{
    static const struct field fields[] = {{"to", JSON_STRING}, {"key", JSON_STRING}};
    enum { TO, KEY };
    struct json_reader reader;
    struct field_values values;
    struct tree_rotate *rotate = &desk->rotate;
    *rotate = (struct tree_rotate){.on_done = on_rotated, .owner = desk};
    json_begin(&reader, body, desk->scratch, sizeof desk->scratch);
    if (json_peek(&reader) != JSON_OBJECT)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!fields_read(&reader, fields, 2, &values, refusal))
        return false;
    if (json_end(&reader) < 0)
        return refuse(refusal, FAULT_MALFORMED_JSON, SLICE_NONE);
    if (!field_seen(&values, TO))
        return refuse(refusal, FAULT_MISSING_FIELD, SLICE("to"));
    if (slice_is(values.text[TO], "file"))
        rotate->to = TREE_KEY_FILE;
    else if (slice_is(values.text[TO], "pkcs11"))
        rotate->to = TREE_KEY_TOKEN;
    else
        return refuse(refusal, FAULT_INVALID_FIELD, SLICE("to"));
    if (field_seen(&values, KEY) &&
        (rotate->to == TREE_KEY_FILE || !take_label(rotate, values.text[KEY])))
        return refuse(refusal, FAULT_INVALID_FIELD, SLICE("key"));
    return true;
}

void key_desk_rotate(struct key_desk *desk, struct http_request *request, struct slice who)
{
    struct request_refusal refusal;
    if (desk->busy) {
        refuse_busy(request->reply_to);
        return;
    }
    if (!decode(desk, request->body, &refusal)) {
        char memory[1024];
        struct buf out = buf_over(memory, sizeof memory);
        refusal_write(&refusal, &out);
        http_reply(request->reply_to, 400, SLICE("application/problem+json"), NO_STORE,
                   buf_slice(&out));
        return;
    }
    desk->to = request->reply_to;
    desk->who_bytes = who.bytes < sizeof desk->who ? who.bytes : sizeof desk->who;
    memcpy(desk->who, who.at, desk->who_bytes);
    desk->busy = desk->tree->ops->rotate(desk->tree, &desk->rotate) == 0;
    if (!desk->busy)
        refuse_busy(request->reply_to);
}
