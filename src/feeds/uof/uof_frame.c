/* uof_frame.c - contract in uof_frame.h. */
#include "feeds/uof/uof_frame.h"

#include <amqp.h>
#include <amqp_framing.h>

#include "base/assert.h"
#include "base/error.h"

#define HEAD_BYTES         7 /* kind, channel, length */
#define END_BYTE           0xCE
#define BODY_HEAD_BYTES    14 /* of a content header: class, weight, length, flags */
#define OUT_BYTES_MAX      2048
#define PLAIN_BYTES_MAX    1024
#define POOL_PAGE_BYTES    4096
#define CHANNELS_MAX       1
#define CODE_OK            200
#define CLASS_BASIC        60
#define METHOD_OF(payload) ((amqp_method_number_t)read_u32((payload).at))

static uint32_t read_u16(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;
    return (uint32_t)byte[0] << 8 | byte[1];
}

static uint32_t read_u32(const char *at)
{
    return read_u16(at) << 16 | read_u16(at + 2);
}

static struct slice slice_from(amqp_bytes_t bytes)
{
    return slice_of(bytes.bytes, bytes.len);
}

static amqp_bytes_t bytes_from(struct slice slice)
{
    return (amqp_bytes_t){.len = slice.bytes, .bytes = (void *)(uintptr_t)slice.at};
}

/* ---- frames ---- */

static bool is_kind(unsigned char kind)
{
    return kind == UOF_FRAME_METHOD || kind == UOF_FRAME_HEADER || kind == UOF_FRAME_BODY ||
           kind == UOF_FRAME_HEARTBEAT;
}

int uof_frame_read(struct slice bytes, size_t bytes_max, struct uof_frame *ret_frame,
                   size_t *ret_used)
{
    *ret_used = 0;
    if (bytes.bytes > 0 && !is_kind((unsigned char)bytes.at[0]))
        return -ERR_FORMAT;
    if (bytes.bytes < HEAD_BYTES)
        return 0;
    size_t payload_bytes = read_u32(bytes.at + 3);
    size_t whole = HEAD_BYTES + payload_bytes + 1;
    if (whole > bytes_max)
        return -ERR_LIMIT;
    if (bytes.bytes < whole)
        return 0;
    if ((unsigned char)bytes.at[whole - 1] != END_BYTE)
        return -ERR_FORMAT;
    *ret_frame = (struct uof_frame){.kind = (enum uof_frame_kind)bytes.at[0],
                                    .channel = (uint16_t)read_u16(bytes.at + 1),
                                    .payload = slice_of(bytes.at + HEAD_BYTES, payload_bytes)};
    *ret_used = whole;
    return 0;
}

int uof_frame_body_bytes(struct slice payload, uint64_t *ret_bytes)
{
    if (payload.bytes < BODY_HEAD_BYTES || read_u16(payload.at) != CLASS_BASIC)
        return -ERR_FORMAT;
    *ret_bytes = (uint64_t)read_u32(payload.at + 4) << 32 | read_u32(payload.at + 8);
    return 0;
}

/* ---- methods that come ---- */

static const struct {
    amqp_method_number_t number;
    enum uof_method_kind kind;
} kinds[] = {
    {AMQP_CONNECTION_START_METHOD, UOF_METHOD_START},
    {AMQP_CONNECTION_TUNE_METHOD, UOF_METHOD_TUNE},
    {AMQP_CONNECTION_OPEN_OK_METHOD, UOF_METHOD_OPEN_OK},
    {AMQP_CONNECTION_CLOSE_METHOD, UOF_METHOD_CONNECTION_CLOSE},
    {AMQP_CONNECTION_BLOCKED_METHOD, UOF_METHOD_BLOCKED},
    {AMQP_CONNECTION_UNBLOCKED_METHOD, UOF_METHOD_BLOCKED},
    {AMQP_CHANNEL_OPEN_OK_METHOD, UOF_METHOD_CHANNEL_OPEN_OK},
    {AMQP_CHANNEL_CLOSE_METHOD, UOF_METHOD_CHANNEL_CLOSE},
    {AMQP_QUEUE_DECLARE_OK_METHOD, UOF_METHOD_DECLARE_OK},
    {AMQP_QUEUE_BIND_OK_METHOD, UOF_METHOD_BIND_OK},
    {AMQP_BASIC_CONSUME_OK_METHOD, UOF_METHOD_CONSUME_OK},
    {AMQP_BASIC_CANCEL_METHOD, UOF_METHOD_CANCEL},
    {AMQP_BASIC_DELIVER_METHOD, UOF_METHOD_DELIVER},
};

static enum uof_method_kind kind_of(amqp_method_number_t number)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].number == number)
            return kinds[i].kind;
    return UOF_METHOD_OTHER;
}

/* What a consumer wants to know of it. */
static void take_fields(const void *decoded, struct uof_method *method)
{
    const amqp_connection_start_t *start = decoded;
    const amqp_connection_tune_t *tune = decoded;
    const amqp_connection_close_t *connection_close = decoded;
    const amqp_channel_close_t *channel_close = decoded;
    const amqp_queue_declare_ok_t *declare_ok = decoded;
    if (method->kind == UOF_METHOD_START) {
        method->text = slice_from(start->mechanisms);
    } else if (method->kind == UOF_METHOD_TUNE) {
        method->frame_bytes_max = tune->frame_max;
    } else if (method->kind == UOF_METHOD_CONNECTION_CLOSE) {
        method->code = connection_close->reply_code;
        method->text = slice_from(connection_close->reply_text);
    } else if (method->kind == UOF_METHOD_CHANNEL_CLOSE) {
        method->code = channel_close->reply_code;
        method->text = slice_from(channel_close->reply_text);
    } else if (method->kind == UOF_METHOD_DECLARE_OK) {
        method->text = slice_from(declare_ok->queue);
    }
}

int uof_method_read(struct slice payload, struct uof_method *ret_method)
{
    struct uof_method method = {.kind = UOF_METHOD_OTHER};
    amqp_pool_t pool;
    void *decoded = NULL;
    if (payload.bytes < 4)
        return -ERR_FORMAT;
    if (payload.bytes > UOF_METHOD_BYTES_MAX)
        return -ERR_LIMIT;
    method.kind = kind_of(METHOD_OF(payload));
    if (method.kind != UOF_METHOD_OTHER && method.kind != UOF_METHOD_DELIVER) {
        init_amqp_pool(&pool, POOL_PAGE_BYTES);
        int status = amqp_decode_method(METHOD_OF(payload), &pool,
                                        bytes_from(slice_skip(payload, 4)), &decoded);
        if (status == AMQP_STATUS_OK)
            take_fields(decoded, &method);
        empty_amqp_pool(&pool);
        if (status != AMQP_STATUS_OK)
            return status == AMQP_STATUS_NO_MEMORY ? -ERR_MEMORY : -ERR_FORMAT;
    }
    *ret_method = method;
    return 0;
}

/* ---- what is said ---- */

static void put_u32(char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (char)(value >> (24 - 8 * i));
}

static void put_frame(struct buf *out, enum uof_frame_kind kind, uint16_t channel,
                      struct slice payload)
{
    char head[HEAD_BYTES] = {(char)kind, (char)(channel >> 8), (char)channel};
    put_u32(head + 3, (uint32_t)payload.bytes);
    buf_put(out, head, sizeof head);
    buf_put_slice(out, payload);
    buf_put_char(out, (char)END_BYTE);
}

/* What does not fit is no method of ours: every text in it is a short string of the standard, or
 * bounded by uof_place.h. */
static void put_method(struct buf *out, uint16_t channel, amqp_method_number_t number, void *method)
{
    char memory[OUT_BYTES_MAX];
    const amqp_bytes_t room = {.len = sizeof memory - 4, .bytes = memory + 4};
    int bytes = amqp_encode_method(number, method, room);
    if (bytes < 0) {
        out->overflow = true;
        return;
    }
    put_u32(memory, number);
    put_frame(out, UOF_FRAME_METHOD, channel, slice_of(memory, (size_t)bytes + 4));
}

void uof_put_greeting(struct buf *out)
{
    buf_put(out, "AMQP\0\0\x09\x01", 8);
}

static amqp_table_entry_t entry_text(const char *key, const char *text)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text)}};
}

static amqp_table_entry_t entry_true(const char *key)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(key),
                                .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
}

/* The capabilities make a broker say why, when it takes the queue away or us for somebody else. */
void uof_put_start_ok(struct buf *out, struct slice user, struct slice password)
{
    char memory[PLAIN_BYTES_MAX];
    struct buf plain = buf_over(memory, sizeof memory);
    amqp_table_entry_t able[] = {entry_true("consumer_cancel_notify"),
                                 entry_true("authentication_failure_close")};
    amqp_table_entry_t properties[] = {
        entry_text("product", "overround"),
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {.num_entries = 2, .entries = able}}}};
    buf_put_char(&plain, '\0');
    buf_put_slice(&plain, user);
    buf_put_char(&plain, '\0');
    buf_put_slice(&plain, password);
    amqp_connection_start_ok_t method = {
        .client_properties = {.num_entries = 2, .entries = properties},
        .mechanism = amqp_cstring_bytes("PLAIN"),
        .response = bytes_from(buf_slice(&plain)),
        .locale = amqp_cstring_bytes("en_US")};
    out->overflow = out->overflow || plain.overflow;
    put_method(out, 0, AMQP_CONNECTION_START_OK_METHOD, &method);
}

void uof_put_tune_ok(struct buf *out, uint32_t frame_bytes_max, uint16_t heartbeat_s)
{
    amqp_connection_tune_ok_t method = {
        .channel_max = CHANNELS_MAX, .frame_max = frame_bytes_max, .heartbeat = heartbeat_s};
    put_method(out, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &method);
}

void uof_put_open(struct buf *out, struct slice vhost)
{
    amqp_connection_open_t method = {.virtual_host = bytes_from(vhost)};
    put_method(out, 0, AMQP_CONNECTION_OPEN_METHOD, &method);
}

void uof_put_channel_open(struct buf *out, uint16_t channel)
{
    amqp_channel_open_t method = {.out_of_band = amqp_empty_bytes};
    put_method(out, channel, AMQP_CHANNEL_OPEN_METHOD, &method);
}

void uof_put_declare(struct buf *out, uint16_t channel)
{
    amqp_queue_declare_t method = {.exclusive = 1, .auto_delete = 1};
    put_method(out, channel, AMQP_QUEUE_DECLARE_METHOD, &method);
}

void uof_put_bind(struct buf *out, uint16_t channel, struct slice queue, struct slice exchange,
                  struct slice key)
{
    amqp_queue_bind_t method = {.queue = bytes_from(queue),
                                .exchange = bytes_from(exchange),
                                .routing_key = bytes_from(key)};
    put_method(out, channel, AMQP_QUEUE_BIND_METHOD, &method);
}

void uof_put_consume(struct buf *out, uint16_t channel, struct slice queue)
{
    amqp_basic_consume_t method = {.queue = bytes_from(queue), .no_ack = 1, .exclusive = 1};
    put_method(out, channel, AMQP_BASIC_CONSUME_METHOD, &method);
}

void uof_put_heartbeat(struct buf *out)
{
    put_frame(out, UOF_FRAME_HEARTBEAT, 0, SLICE_NONE);
}

void uof_put_close(struct buf *out)
{
    amqp_connection_close_t method = {.reply_code = CODE_OK,
                                      .reply_text = amqp_cstring_bytes("done")};
    put_method(out, 0, AMQP_CONNECTION_CLOSE_METHOD, &method);
}

void uof_put_close_ok(struct buf *out)
{
    amqp_connection_close_ok_t method = {.dummy = 0};
    put_method(out, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &method);
}
