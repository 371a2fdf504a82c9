/* relay_wire.c - contract in relay_wire.h. */
#include "app/relay_wire.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

/* Bytes of the body by type. */
static const size_t bodies[] = {
    [RELAY_HELLO] = sizeof(struct relay_hello), [RELAY_WELCOME] = sizeof(struct relay_welcome),
    [RELAY_SAID] = sizeof(struct relay_said),   [RELAY_PASSED] = sizeof(struct relay_passed),
    [RELAY_HAVE] = sizeof(struct relay_have),   [RELAY_ASK] = sizeof(struct relay_ask),
    [RELAY_GRANT] = sizeof(struct relay_grant),
};

#define BODIES_COUNT (sizeof bodies / sizeof *bodies)

static bool is_zero(const uint8_t id[16])
{
    static const uint8_t none[16];
    return memcmp(id, none, sizeof none) == 0;
}

static bool hello_fits(const struct relay_hello *hello)
{
    bool knows = !is_zero(hello->desk_book_id);
    return !is_zero(hello->book_id) && knows == (hello->have_seq != 0) &&
           (knows || hello->desk_shard == 0);
}

static bool body_fits(const struct relay_message *message)
{
    switch (message->type) {
    case RELAY_HELLO:
        return hello_fits(&message->hello);
    case RELAY_WELCOME:
        return message->welcome.reserved == 0 && !is_zero(message->welcome.book_id);
    case RELAY_SAID:
        return message->said.seq > message->said.before_seq;
    case RELAY_PASSED:
        return message->passed.seq > message->passed.before_seq;
    case RELAY_HAVE:
        return message->have.seq != 0 && message->have.refused <= 1 && message->have.reserved == 0;
    case RELAY_ASK:
        return message->ask.asked_us > 0;
    case RELAY_GRANT:
        return message->grant.asked_us > 0;
    }
    return false;
}

static bool tail_fits(enum relay_type type, size_t bytes)
{
    return type == RELAY_SAID ? bytes > 0 && bytes <= RELAY_WORD_BYTES_MAX && bytes % 8 == 0
                              : bytes == 0;
}

int relay_wire_read(struct slice bytes, struct relay_message *ret)
{
    struct relay_head head;
    if (bytes.bytes < sizeof head)
        return -ERR_FORMAT;
    memcpy(&head, bytes.at, sizeof head);
    if (head.bytes != bytes.bytes || head.reserved != 0 || head.number == 0 || head.type == 0 ||
        head.type >= BODIES_COUNT || bytes.bytes < sizeof head + bodies[head.type])
        return -ERR_FORMAT;
    *ret = (struct relay_message){.type = (enum relay_type)head.type, .number = head.number};
    memcpy(&ret->hello, bytes.at + sizeof head, bodies[head.type]);
    ret->tail = slice_skip(bytes, sizeof head + bodies[head.type]);
    return tail_fits(ret->type, ret->tail.bytes) && body_fits(ret) ? 0 : -ERR_FORMAT;
}

bool relay_wire_put(struct buf *out, const struct relay_message *message)
{
    ASSERT(tail_fits(message->type, message->tail.bytes));
    ASSERT(body_fits(message));
    size_t body = bodies[message->type];
    const struct relay_head head = {
        .bytes = (uint32_t)(sizeof head + body + message->tail.bytes),
        .type = (uint16_t)message->type,
        .number = message->number,
    };
    if (out->capacity - out->bytes < head.bytes)
        return false;
    buf_put(out, &head, sizeof head);
    buf_put(out, &message->hello, body);
    buf_put_slice(out, message->tail);
    return true;
}
