/* office_wire.c - contract in office_wire.h. */
#include "roles/backoffice/office_wire.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "roles/shared/link_frame.h"

/* Bytes of the body by type, and how long its tail may be. */
static const struct link_shape rows[] = {
    [OFFICE_HELLO] = {sizeof(struct office_hello), 0},
    [OFFICE_WELCOME] = {sizeof(struct office_welcome), 0},
    [OFFICE_QUESTION] = {sizeof(struct office_asked), OFFICE_QUESTION_MAX},
    [OFFICE_ANSWER] = {sizeof(struct office_answered), OFFICE_ANSWER_MAX},
};

static const struct link_shapes shapes = {rows, sizeof rows / sizeof *rows};

/* ---- what may stand where ---- */

static bool are_within(struct slice text, char first, char last)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (text.at[i] < first || text.at[i] > last)
            return false;
    return true;
}

/* As the parser of requests lets them through: no space, no control, nothing beyond ASCII. */
static bool is_target(struct slice path, struct slice query)
{
    return path.bytes > 0 && path.at[0] == '/' &&
           path.bytes + query.bytes < HTTP_TARGET_BYTES_MAX && are_within(path, '!', '~') &&
           memchr(path.at, '?', path.bytes) == NULL && are_within(query, '!', '~');
}

static bool is_method(enum http_method method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_POST || method == HTTP_PUT ||
           method == HTTP_DELETE;
}

/* Complete lines, as http_reply() wants them: "Name: value\r\n". */
static bool are_lines(struct slice lines)
{
    while (lines.bytes > 0) {
        const char *end = memchr(lines.at, '\r', lines.bytes);
        if (end == NULL || end + 1 == lines.at + lines.bytes || end[1] != '\n')
            return false;
        struct slice line = slice_of(lines.at, (size_t)(end - lines.at));
        const char *colon = line.bytes > 0 ? memchr(line.at, ':', line.bytes) : NULL;
        if (colon == NULL || colon == line.at || !are_within(line, ' ', '~') ||
            !are_within(slice_of(line.at, (size_t)(colon - line.at)), '!', '~'))
            return false;
        lines = slice_skip(lines, line.bytes + 2);
    }
    return true;
}

bool office_question_fits(const struct office_question *question)
{
    return is_method(question->method) && is_target(question->path, question->query) &&
           question->key.bytes <= OFFICE_KEY_MAX && are_within(question->key, ' ', '~') &&
           question->body.bytes <= OFFICE_BODY_MAX && jwt_sub_is_valid(jwt_sub(&question->claims));
}

bool office_answer_fits(const struct http_carried_answer *answer)
{
    return answer->status >= 200 && answer->status <= 599 &&
           answer->content_type.bytes <= OFFICE_TYPE_MAX &&
           are_within(answer->content_type, ' ', '~') &&
           answer->headers.bytes <= OFFICE_HEADERS_MAX && are_lines(answer->headers) &&
           answer->body.bytes <= OFFICE_ANSWER_BODY_MAX;
}

/* ---- reading ---- */

void office_question_of(const struct office_message *message, struct office_question *ret)
{
    const struct office_asked *asked = &message->asked;
    struct slice rest = message->tail;
    struct slice sub = slice_take(&rest, asked->sub_bytes);
    *ret = (struct office_question){.method = (enum http_method)asked->method,
                                    .claims = {.exp_s = asked->exp_s,
                                               .nbf_s = asked->nbf_s,
                                               .iat_s = asked->iat_s,
                                               .roles = asked->roles,
                                               .sub_bytes = asked->sub_bytes}};
    memcpy(ret->claims.sub, sub.at, sub.bytes);
    ret->path = slice_take(&rest, asked->path_bytes);
    ret->query = slice_take(&rest, asked->query_bytes);
    ret->key = slice_take(&rest, asked->key_bytes);
    ret->body = rest;
}

struct http_carried_answer office_answer_of(const struct office_message *message)
{
    struct slice rest = message->tail;
    struct http_carried_answer answer = {.status = message->answered.status};
    answer.content_type = slice_take(&rest, message->answered.type_bytes);
    answer.headers = slice_take(&rest, message->answered.headers_bytes);
    answer.body = rest;
    return answer;
}

static bool is_question(const struct office_message *message)
{
    const struct office_asked *asked = &message->asked;
    struct office_question question;
    if (asked->sub_bytes > JWT_SUB_BYTES_MAX || (size_t)asked->sub_bytes + asked->path_bytes +
                                                        asked->query_bytes + asked->key_bytes +
                                                        asked->body_bytes !=
                                                    message->tail.bytes)
        return false;
    office_question_of(message, &question);
    return office_question_fits(&question);
}

static bool is_answer(const struct office_message *message)
{
    static const uint8_t zeros[sizeof message->answered.reserved];
    const struct office_answered *answered = &message->answered;
    if (memcmp(answered->reserved, zeros, sizeof zeros) != 0 ||
        (size_t)answered->type_bytes + answered->headers_bytes + answered->body_bytes !=
            message->tail.bytes)
        return false;
    const struct http_carried_answer answer = office_answer_of(message);
    return office_answer_fits(&answer);
}

static bool is_good(const struct office_message *message)
{
    switch (message->type) {
    case OFFICE_HELLO:
        return message->hello.reserved == 0 && message->hello.places > 0;
    case OFFICE_WELCOME:
        return (message->welcome.reserved[0] | message->welcome.reserved[1] |
                message->welcome.reserved[2]) == 0;
    case OFFICE_QUESTION:
        return is_question(message);
    case OFFICE_ANSWER:
        return is_answer(message);
    }
    return false;
}

int office_wire_next(struct slice *batch, struct office_message *ret)
{
    struct link_frame frame;
    struct slice rest = *batch;
    struct office_message message = {0};
    int more = link_frame_next(&rest, &shapes, &frame);
    if (more <= 0)
        return more;
    message.type = (enum office_type)frame.type;
    /* Each member of the union begins here. */
    memcpy(&message.hello, frame.body.at, frame.body.bytes);
    message.tail = frame.tail;
    if (!is_good(&message))
        return -ERR_FORMAT;
    *batch = rest;
    *ret = message;
    return 1;
}

/* ---- writing ---- */

static bool begin(struct buf *out, const struct office_message *message, size_t tail_bytes)
{
    return link_frame_begin(out, &shapes, message->type, &message->hello, tail_bytes);
}

bool office_wire_put(struct buf *out, const struct office_message *message)
{
    if (!begin(out, message, message->tail.bytes))
        return false;
    buf_put_slice(out, message->tail);
    return true;
}

bool office_wire_put_question(struct buf *out, uint64_t tag, const struct office_question *question)
{
    const struct jwt_claims *claims = &question->claims;
    const struct slice sub = jwt_sub(claims);
    const struct slice tail[] = {sub, question->path, question->query, question->key,
                                 question->body};
    const struct office_message message = {.type = OFFICE_QUESTION,
                                           .asked = {.tag = tag,
                                                     .exp_s = claims->exp_s,
                                                     .nbf_s = claims->nbf_s,
                                                     .iat_s = claims->iat_s,
                                                     .roles = claims->roles,
                                                     .body_bytes = (uint32_t)question->body.bytes,
                                                     .path_bytes = (uint16_t)question->path.bytes,
                                                     .query_bytes = (uint16_t)question->query.bytes,
                                                     .key_bytes = (uint16_t)question->key.bytes,
                                                     .method = (uint8_t)question->method,
                                                     .sub_bytes = (uint8_t)sub.bytes}};
    ASSERT(office_question_fits(question));
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++)
        bytes += tail[i].bytes;
    if (!begin(out, &message, bytes))
        return false;
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++)
        buf_put_slice(out, tail[i]);
    return true;
}

bool office_wire_put_answer(struct buf *out, uint64_t tag, const struct http_carried_answer *answer)
{
    const struct office_message message = {
        .type = OFFICE_ANSWER,
        .answered = {.tag = tag,
                     .body_bytes = (uint32_t)answer->body.bytes,
                     .status = (uint16_t)answer->status,
                     .headers_bytes = (uint16_t)answer->headers.bytes,
                     .type_bytes = (uint8_t)answer->content_type.bytes}};
    ASSERT(office_answer_fits(answer));
    if (!begin(out, &message,
               answer->content_type.bytes + answer->headers.bytes + answer->body.bytes))
        return false;
    buf_put_slice(out, answer->content_type);
    buf_put_slice(out, answer->headers);
    buf_put_slice(out, answer->body);
    return true;
}
