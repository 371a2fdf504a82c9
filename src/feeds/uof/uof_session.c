/* uof_session.c - contract in uof_session.h. */
#include "feeds/uof/uof_session.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define CHANNEL 1 /* the one that we open */

enum state {
    STATE_START = 0, /* what is waited for */
    STATE_TUNE,
    STATE_OPEN,
    STATE_CHANNEL,
    STATE_DECLARE,
    STATE_BIND,
    STATE_CONSUME,
    STATE_UP,
    STATE_ENDED
};

enum content { CONTENT_NONE = 0, CONTENT_HEADER, CONTENT_BODY };

struct uof_session {
    struct uof_session_options options;
    enum state state;
    enum content content;   /* what of a message is due */
    size_t frame_bytes_max; /* as agreed */
    size_t keys_bound;      /* or asked for */
    size_t body_bytes;      /* of the message, when it is whole */
    size_t message_bytes;   /* there of it */
    size_t queue_bytes;
    struct buf out, problem;
    char queue[UOF_SHORT_BYTES_MAX];
    char out_memory[UOF_OUT_BYTES_MAX];
    char problem_memory[UOF_PROBLEM_BYTES];
    char message[]; /* options.message_bytes_max */
};

int uof_session_new(const struct uof_session_options *options, struct uof_session **ret_session)
{
    ASSERT(options->keys_count >= 1);
    ASSERT(options->keys_count <= UOF_KEYS_MAX);
    struct uof_session *session = malloc(sizeof *session + options->message_bytes_max);
    if (session == NULL)
        return -ERR_MEMORY;
    *session = (struct uof_session){.options = *options, .state = STATE_ENDED};
    *ret_session = session;
    return 0;
}

void uof_session_free(struct uof_session *session)
{
    free(session);
}

void uof_session_begin(struct uof_session *session)
{
    session->state = STATE_START;
    session->content = CONTENT_NONE;
    session->frame_bytes_max = UOF_FRAME_BYTES_MAX;
    session->keys_bound = session->queue_bytes = 0;
    session->message_bytes = session->body_bytes = 0;
    session->out = buf_over(session->out_memory, sizeof session->out_memory);
    session->problem = buf_over(session->problem_memory, sizeof session->problem_memory);
    uof_put_greeting(&session->out);
}

static int refuse(struct uof_session *session, int error, const char *problem)
{
    session->state = STATE_ENDED;
    session->problem.bytes = 0;
    buf_put_text(&session->problem, problem);
    return error;
}

/* ---- the end, as the broker tells it ---- */

static void put_printable(struct buf *buf, struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++)
        buf_put_char(buf, text.at[i] < ' ' || text.at[i] > '~' ? '?' : text.at[i]);
}

static void end_by_broker(struct uof_session *session, const struct uof_method *method)
{
    session->state = STATE_ENDED;
    session->problem.bytes = 0;
    if (method->kind == UOF_METHOD_CANCEL) {
        buf_put_text(&session->problem, "the broker took the queue away");
        uof_put_close(&session->out);
        return;
    }
    buf_printf(&session->problem, "the broker says %u: ", method->code);
    put_printable(&session->problem, method->text);
    if (method->kind == UOF_METHOD_CONNECTION_CLOSE)
        uof_put_close_ok(&session->out);
    else
        uof_put_close(&session->out);
}

/* ---- the way up ---- */

static bool has_word(struct slice words, struct slice word)
{
    for (size_t i = 0; i + word.bytes <= words.bytes; i++) {
        bool begins = i == 0 || words.at[i - 1] == ' ';
        size_t end = i + word.bytes;
        if (begins && memcmp(words.at + i, word.at, word.bytes) == 0 &&
            (end == words.bytes || words.at[end] == ' '))
            return true;
    }
    return false;
}

static int on_start(struct uof_session *session, const struct uof_method *method)
{
    if (!has_word(method->text, SLICE("PLAIN")))
        return refuse(session, -ERR_FORMAT, "the broker does not take PLAIN");
    uof_put_start_ok(&session->out, session->options.user, session->options.password);
    session->state = STATE_TUNE;
    return 0;
}

static int on_tune(struct uof_session *session, const struct uof_method *method)
{
    uint32_t asked = method->frame_bytes_max;
    if (asked != 0 && asked < UOF_FRAME_BYTES_MIN)
        return refuse(session, -ERR_FORMAT, "the broker's frames are too short");
    if (asked != 0 && asked < session->frame_bytes_max)
        session->frame_bytes_max = asked;
    uof_put_tune_ok(&session->out, (uint32_t)session->frame_bytes_max, UOF_HEARTBEAT_S);
    uof_put_open(&session->out, session->options.vhost);
    session->state = STATE_OPEN;
    return 0;
}

static struct slice queue_of(const struct uof_session *session)
{
    return slice_of(session->queue, session->queue_bytes);
}

static void bind_next(struct uof_session *session)
{
    ASSERT(session->keys_bound < session->options.keys_count);
    uof_put_bind(&session->out, CHANNEL, queue_of(session), session->options.exchange,
                 session->options.keys[session->keys_bound++]);
    session->state = STATE_BIND;
}

static int on_declare_ok(struct uof_session *session, const struct uof_method *method)
{
    if (method->text.bytes == 0 || method->text.bytes > sizeof session->queue)
        return refuse(session, -ERR_FORMAT, "the broker's queue has no name");
    memcpy(session->queue, method->text.at, method->text.bytes);
    session->queue_bytes = method->text.bytes;
    bind_next(session);
    return 0;
}

static void on_bind_ok(struct uof_session *session)
{
    if (session->keys_bound < session->options.keys_count) {
        bind_next(session);
        return;
    }
    uof_put_consume(&session->out, CHANNEL, queue_of(session));
    session->state = STATE_CONSUME;
}

/* What answers what we asked for last, and on which channel. */
static const struct {
    enum uof_method_kind kind;
    uint16_t channel;
} due[] = {
    [STATE_START] = {UOF_METHOD_START, 0},
    [STATE_TUNE] = {UOF_METHOD_TUNE, 0},
    [STATE_OPEN] = {UOF_METHOD_OPEN_OK, 0},
    [STATE_CHANNEL] = {UOF_METHOD_CHANNEL_OPEN_OK, CHANNEL},
    [STATE_DECLARE] = {UOF_METHOD_DECLARE_OK, CHANNEL},
    [STATE_BIND] = {UOF_METHOD_BIND_OK, CHANNEL},
    [STATE_CONSUME] = {UOF_METHOD_CONSUME_OK, CHANNEL},
    [STATE_UP] = {UOF_METHOD_DELIVER, CHANNEL},
};

static int go_on(struct uof_session *session, const struct uof_method *method)
{
    switch (session->state) {
    case STATE_START:
        return on_start(session, method);
    case STATE_TUNE:
        return on_tune(session, method);
    case STATE_OPEN:
        uof_put_channel_open(&session->out, CHANNEL);
        session->state = STATE_CHANNEL;
        return 0;
    case STATE_CHANNEL:
        uof_put_declare(&session->out, CHANNEL);
        session->state = STATE_DECLARE;
        return 0;
    case STATE_DECLARE:
        return on_declare_ok(session, method);
    case STATE_BIND:
        on_bind_ok(session);
        return 0;
    case STATE_CONSUME:
        session->state = STATE_UP;
        return 0;
    case STATE_UP:
        session->content = CONTENT_HEADER;
        return 0;
    case STATE_ENDED:
        break;
    }
    return refuse(session, -ERR_FORMAT, "the broker goes on behind the end");
}

static bool ends(const struct uof_method *method, uint16_t channel)
{
    if (channel == 0)
        return method->kind == UOF_METHOD_CONNECTION_CLOSE;
    return method->kind == UOF_METHOD_CHANNEL_CLOSE || method->kind == UOF_METHOD_CANCEL;
}

/* The connection's own methods may come between the frames of a message, the channel's not. */
static int take_method(struct uof_session *session, const struct uof_frame *frame,
                       enum uof_session_event *event)
{
    struct uof_method method;
    int error = uof_method_read(frame->payload, &method);
    if (error < 0)
        return refuse(session, error, "a method of the broker's cannot be read");
    if (ends(&method, frame->channel)) {
        end_by_broker(session, &method);
        *event = UOF_SESSION_ENDED;
        return 0;
    }
    if (method.kind == UOF_METHOD_BLOCKED && frame->channel == 0)
        return 0;
    if (session->content != CONTENT_NONE || method.kind != due[session->state].kind ||
        frame->channel != due[session->state].channel)
        return refuse(session, -ERR_FORMAT, "a method of the broker's that is not due");
    bool was_up = session->state == STATE_UP;
    TRY(go_on(session, &method));
    if (session->state == STATE_UP && !was_up)
        *event = UOF_SESSION_UP;
    return 0;
}

/* ---- messages ---- */

static void complete(struct uof_session *session, enum uof_session_event *event)
{
    session->content = CONTENT_NONE;
    *event = UOF_SESSION_MESSAGE;
}

static int take_header(struct uof_session *session, struct slice payload,
                       enum uof_session_event *event)
{
    uint64_t bytes = 0;
    if (session->content != CONTENT_HEADER)
        return refuse(session, -ERR_FORMAT, "the header of a message that is not due");
    if (uof_frame_body_bytes(payload, &bytes) < 0)
        return refuse(session, -ERR_FORMAT, "the header of a message cannot be read");
    if (bytes > session->options.message_bytes_max)
        return refuse(session, -ERR_LIMIT, "a message is too long");
    session->body_bytes = (size_t)bytes;
    session->message_bytes = 0;
    session->content = CONTENT_BODY;
    if (bytes == 0)
        complete(session, event);
    return 0;
}

static int take_body(struct uof_session *session, struct slice payload,
                     enum uof_session_event *event)
{
    if (session->content != CONTENT_BODY)
        return refuse(session, -ERR_FORMAT, "the body of a message that is not due");
    if (payload.bytes > session->body_bytes - session->message_bytes)
        return refuse(session, -ERR_FORMAT, "a message is longer than its header says");
    if (payload.bytes > 0)
        memcpy(session->message + session->message_bytes, payload.at, payload.bytes);
    session->message_bytes += payload.bytes;
    if (session->message_bytes == session->body_bytes)
        complete(session, event);
    return 0;
}

static int take_content(struct uof_session *session, const struct uof_frame *frame,
                        enum uof_session_event *event)
{
    if (frame->channel != CHANNEL)
        return refuse(session, -ERR_FORMAT, "a message on a channel that is not open");
    return frame->kind == UOF_FRAME_HEADER ? take_header(session, frame->payload, event)
                                           : take_body(session, frame->payload, event);
}

static int take_heartbeat(struct uof_session *session, const struct uof_frame *frame)
{
    if (frame->channel == 0 && frame->payload.bytes == 0)
        return 0;
    return refuse(session, -ERR_FORMAT, "a heartbeat that is none");
}

static int take_frame(struct uof_session *session, const struct uof_frame *frame,
                      enum uof_session_event *event)
{
    switch (frame->kind) {
    case UOF_FRAME_METHOD:
        return take_method(session, frame, event);
    case UOF_FRAME_HEADER:
    case UOF_FRAME_BODY:
        return take_content(session, frame, event);
    case UOF_FRAME_HEARTBEAT:
        return take_heartbeat(session, frame);
    }
    return refuse(session, -ERR_FORMAT, "a frame of no kind");
}

int uof_session_step(struct uof_session *session, struct slice bytes, size_t *ret_used,
                     enum uof_session_event *ret_event)
{
    struct uof_frame frame;
    *ret_used = 0;
    *ret_event = UOF_SESSION_WAITS;
    if (session->state == STATE_ENDED)
        return refuse(session, -ERR_FORMAT, "the broker goes on behind the end");
    int error = uof_frame_read(bytes, session->frame_bytes_max, &frame, ret_used);
    if (error < 0)
        return refuse(session, error,
                      error == -ERR_LIMIT ? "a frame is too long" : "this is no AMQP 0-9-1");
    if (*ret_used == 0)
        return 0;
    *ret_event = UOF_SESSION_ON;
    TRY(take_frame(session, &frame, ret_event));
    ASSERT(!session->out.overflow); /* uof_place.h bounds what is said */
    return 0;
}

bool uof_session_is_up(const struct uof_session *session)
{
    return session->state == STATE_UP;
}

struct slice uof_session_message(const struct uof_session *session)
{
    return slice_of(session->message, session->message_bytes);
}

struct buf *uof_session_out(struct uof_session *session)
{
    return &session->out;
}

struct slice uof_session_problem(const struct uof_session *session)
{
    return buf_slice(&session->problem);
}

void uof_session_check(const struct uof_session *session)
{
    ASSERT(session->message_bytes <= session->body_bytes);
    ASSERT(session->body_bytes <= session->options.message_bytes_max);
    ASSERT(session->keys_bound <= session->options.keys_count);
    ASSERT(session->content == CONTENT_NONE || session->state == STATE_UP ||
           session->state == STATE_ENDED);
    ASSERT(session->frame_bytes_max >= UOF_FRAME_BYTES_MIN);
}
