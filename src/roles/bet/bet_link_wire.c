/* bet_link_wire.c - contract in bet_link_wire.h. */
#include "roles/bet/bet_link_wire.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "ports/personal_vault.h"
#include "roles/shared/link_frame.h"

/* Bytes of the body by type, and how long its tail may be. */
static const struct link_shape rows[] = {
    [BET_LINK_HELLO] = {sizeof(struct bet_link_hello), 0},
    [BET_LINK_WELCOME] = {sizeof(struct bet_link_welcome), 0},
    [BET_LINK_STATE] = {sizeof(struct bet_link_state), 0},
    [BET_LINK_QUESTION] = {sizeof(struct bet_link_question), BET_LINK_QUESTION_MAX},
    [BET_LINK_ANSWER] = {sizeof(struct bet_link_answer), BET_LINK_ANSWER_MAX},
    [BET_LINK_USERS] = {sizeof(struct bet_link_users), 0},
    [BET_LINK_OWN] = {sizeof(struct bet_link_own), BET_LINK_ANSWER_MAX},
};

static const struct link_shapes shapes = {rows, sizeof rows / sizeof *rows};

/* ---- reading ---- */

static bool are_zero(const void *at, size_t bytes)
{
    static const char zeros[8];
    ASSERT(bytes <= sizeof zeros);
    return memcmp(at, zeros, bytes) == 0;
}

/* What becomes a record says how it came. */
static bool is_written(uint8_t call)
{
    switch ((enum bet_call)call) {
    case BET_CALL_PLACE:
    case BET_CALL_DEPOSIT:
    case BET_CALL_WITHDRAW:
    case BET_CALL_CASH_OUT:
    case BET_CALL_TAKE_OFFER:
    case BET_CALL_DECLINE_OFFER:
        return true;
    case BET_CALL_ACCOUNT:
    case BET_CALL_LIST:
    case BET_CALL_READ:
    case BET_CALL_PROOF:
    case BET_CALL_HEAD:
    case BET_CALL_KEYS:
    case BET_CALL_OFFER:
        return false;
    }
    return false;
}

static bool is_known_call(const struct bet_link_question *question)
{
    return question->call < BET_CALLS_COUNT && question->transport <= TRANSPORT_OTHER &&
           is_written(question->call) == (question->transport != 0);
}

/* Only what anybody may know is asked by nobody. */
static bool is_known_asker(const struct bet_link_question *question)
{
    if (question->has_claims == 1)
        return question->sub_bytes > 0 && question->sub_bytes <= JWT_SUB_BYTES_MAX;
    bool alone = question->call == BET_CALL_HEAD || question->call == BET_CALL_KEYS;
    return question->has_claims == 0 && alone && question->exp_s == 0 && question->nbf_s == 0 &&
           question->iat_s == 0 && question->roles == 0 && question->sub_bytes == 0;
}

static int check_question(const struct bet_link_question *question, struct slice tail)
{
    size_t parts = (size_t)question->sub_bytes + question->key_bytes + question->words_bytes +
                   question->personal_bytes + question->bet_id_bytes;
    bool whole = parts == tail.bytes && question->personal_bytes <= PERSONAL_PLAIN_BYTES_MAX &&
                 are_zero(question->reserved, sizeof question->reserved);
    return whole && is_known_call(question) && is_known_asker(question) ? 0 : -ERR_FORMAT;
}

static int check_own(const struct bet_link_own *own, struct slice tail)
{
    bool whole = (size_t)own->user_bytes + own->op_bytes + own->object_bytes == tail.bytes;
    bool known = own->user_bytes > 0 && own->user_bytes <= JWT_SUB_BYTES_MAX && own->op_bytes > 0 &&
                 own->op_bytes < BET_LINK_OP_BYTES_MAX;
    return whole && known ? 0 : -ERR_FORMAT;
}

static int check_body(const struct bet_link_message *message)
{
    switch (message->type) {
    case BET_LINK_HELLO:
        return message->hello.reserved == 0 && message->hello.places > 0 ? 0 : -ERR_FORMAT;
    case BET_LINK_WELCOME:
        return message->welcome.reserved == 0 && message->welcome.takes_bets <= 1 ? 0 : -ERR_FORMAT;
    case BET_LINK_STATE:
        return message->state.takes_bets <= 1 &&
                       are_zero(message->state.reserved, sizeof message->state.reserved)
                   ? 0
                   : -ERR_FORMAT;
    case BET_LINK_QUESTION:
        return check_question(&message->question, message->tail);
    case BET_LINK_ANSWER:
        return message->answer.reserved == 0 && message->answer.replayed <= 1 &&
                       message->answer.status >= 200 && message->answer.status <= 599 &&
                       message->answer.retry_after_s <= INT32_MAX
                   ? 0
                   : -ERR_FORMAT;
    case BET_LINK_USERS:
        return message->users.cell < BET_LINK_CELLS && message->users.there <= 1 ? 0 : -ERR_FORMAT;
    case BET_LINK_OWN:
        return check_own(&message->own, message->tail);
    }
    return -ERR_FORMAT;
}

int bet_link_next(struct slice *batch, struct bet_link_message *ret)
{
    struct link_frame frame;
    struct slice rest = *batch;
    struct bet_link_message message = {0};
    int more = link_frame_next(&rest, &shapes, &frame);
    if (more <= 0)
        return more;
    message.type = (enum bet_link_type)frame.type;
    /* Each member of the union begins here. */
    memcpy(&message.hello, frame.body.at, frame.body.bytes);
    message.tail = frame.tail;
    TRY(check_body(&message));
    *batch = rest;
    *ret = message;
    return 1;
}

void bet_link_question_of(const struct bet_link_message *message, struct jwt_claims *claims,
                          struct bet_question *ret)
{
    const struct bet_link_question *asked = &message->question;
    struct slice rest = message->tail;
    struct slice sub = slice_take(&rest, asked->sub_bytes);
    *claims = (struct jwt_claims){.exp_s = asked->exp_s,
                                  .nbf_s = asked->nbf_s,
                                  .iat_s = asked->iat_s,
                                  .roles = asked->roles,
                                  .sub_bytes = asked->sub_bytes};
    if (sub.bytes > 0)
        memcpy(claims->sub, sub.at, sub.bytes);
    *ret = (struct bet_question){.call = (enum bet_call)asked->call,
                                 .transport = (enum record_transport)asked->transport,
                                 .claims = asked->has_claims != 0 ? claims : NULL};
    ret->key = slice_take(&rest, asked->key_bytes);
    ret->words = slice_take(&rest, asked->words_bytes);
    ret->personal = slice_take(&rest, asked->personal_bytes);
    ret->bet_id = slice_take(&rest, asked->bet_id_bytes);
}

struct bet_link_own_parts bet_link_own_of(const struct bet_link_message *message)
{
    struct slice rest = message->tail;
    struct bet_link_own_parts parts;
    parts.user_id = slice_take(&rest, message->own.user_bytes);
    parts.op = slice_take(&rest, message->own.op_bytes);
    parts.object = rest;
    return parts;
}

/* ---- writing ---- */

static bool begin(struct buf *out, const struct bet_link_message *message, size_t tail_bytes)
{
    return link_frame_begin(out, &shapes, message->type, &message->hello, tail_bytes);
}

bool bet_link_put(struct buf *out, const struct bet_link_message *message)
{
    if (!begin(out, message, message->tail.bytes))
        return false;
    buf_put_slice(out, message->tail);
    return true;
}

bool bet_link_put_question(struct buf *out, uint64_t tag, const struct bet_question *question)
{
    struct bet_link_message message = {
        .type = BET_LINK_QUESTION,
        .question = {.tag = tag,
                     .call = (uint8_t)question->call,
                     .transport = (uint8_t)question->transport,
                     .words_bytes = (uint32_t)question->words.bytes,
                     .key_bytes = (uint16_t)question->key.bytes,
                     .personal_bytes = (uint16_t)question->personal.bytes,
                     .bet_id_bytes = (uint16_t)question->bet_id.bytes}};
    struct slice sub = SLICE_NONE;
    if (question->claims != NULL) {
        sub = jwt_sub(question->claims);
        message.question.has_claims = 1;
        message.question.sub_bytes = (uint8_t)sub.bytes;
        message.question.roles = question->claims->roles;
        message.question.exp_s = question->claims->exp_s;
        message.question.nbf_s = question->claims->nbf_s;
        message.question.iat_s = question->claims->iat_s;
    }
    size_t tail = sub.bytes + question->key.bytes + question->words.bytes +
                  question->personal.bytes + question->bet_id.bytes;
    if (!begin(out, &message, tail))
        return false;
    buf_put_slice(out, sub);
    buf_put_slice(out, question->key);
    buf_put_slice(out, question->words);
    buf_put_slice(out, question->personal);
    buf_put_slice(out, question->bet_id);
    return true;
}

bool bet_link_put_answer(struct buf *out, uint64_t tag, const struct bet_service_answer *answer)
{
    return bet_link_put(out, &(struct bet_link_message){
                                 .type = BET_LINK_ANSWER,
                                 .answer = {.tag = tag,
                                            .status = (uint16_t)answer->status,
                                            .replayed = answer->replayed,
                                            .retry_after_s = (uint32_t)answer->retry_after_s},
                                 .tail = answer->body});
}

bool bet_link_put_own(struct buf *out, struct slice user_id, struct slice op, struct slice object)
{
    const struct bet_link_message message = {.type = BET_LINK_OWN,
                                             .own = {.user_bytes = (uint16_t)user_id.bytes,
                                                     .op_bytes = (uint16_t)op.bytes,
                                                     .object_bytes = (uint32_t)object.bytes}};
    if (!begin(out, &message, user_id.bytes + op.bytes + object.bytes))
        return false;
    buf_put_slice(out, user_id);
    buf_put_slice(out, op);
    buf_put_slice(out, object);
    return true;
}
