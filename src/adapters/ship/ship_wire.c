/* ship_wire.c - contract in ship_wire.h. */
#include "adapters/ship/ship_wire.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/record.h"

const char *ship_refusal_text(uint16_t refusal)
{
    switch ((enum ship_refusal)refusal) {
#define SHIP_REFUSAL_CASE(name, number, text)                                                      \
    case name:                                                                                     \
        return text;
        SHIP_REFUSAL_LIST(SHIP_REFUSAL_CASE)
#undef SHIP_REFUSAL_CASE
    }
    return "for a reason that this version does not know";
}

/* Bytes of the body by type, and how long its tail may be. */
static const struct {
    uint32_t body, tail_max;
} shapes[] = {
    [SHIP_HELLO] = {sizeof(struct ship_hello), 0},
    [SHIP_WELCOME] = {sizeof(struct ship_welcome), 0},
    [SHIP_PROBE] = {sizeof(struct ship_probe), 0},
    [SHIP_PROBED] = {sizeof(struct ship_probed), 0},
    [SHIP_GROUP] = {sizeof(struct ship_group), SHIP_RECORDS_BYTES_MAX},
    [SHIP_ACK] = {sizeof(struct ship_ack), 0},
    [SHIP_BEAT] = {sizeof(struct ship_beat), 0},
    [SHIP_REFUSED] = {sizeof(struct ship_refused), SHIP_TEXT_BYTES_MAX},
    [SHIP_KEYS] = {sizeof(struct ship_keys), SHIP_KEYS_BYTES_MAX},
    [SHIP_FENCE] = {sizeof(struct ship_fence), 0},
};

#define SHAPES_COUNT (sizeof shapes / sizeof *shapes)

static uint32_t message_crc(const struct ship_head *head, struct slice rest)
{
    return crc32c(crc32c(0, head, offsetof(struct ship_head, crc)), rest.at, rest.bytes);
}

/* ---- reading ---- */

static int check_head(struct slice bytes, struct ship_head *head)
{
    if (bytes.bytes < sizeof *head || bytes.bytes > SHIP_MESSAGE_BYTES_MAX)
        return -ERR_FORMAT;
    memcpy(head, bytes.at, sizeof *head);
    if (head->magic != SHIP_MAGIC || head->format != SHIP_FORMAT || head->bytes != bytes.bytes)
        return -ERR_FORMAT;
    if (head->type < SHIP_HELLO || head->type >= SHAPES_COUNT)
        return -ERR_FORMAT;
    return head->crc == message_crc(head, slice_skip(bytes, sizeof *head)) ? 0 : -ERR_FORMAT;
}

static int check_records(const struct ship_group *group, struct slice records)
{
    size_t at = 0;
    uint64_t seq = group->seq_first;
    if (group->count == 0 || group->count > SHIP_RECORDS_MAX || group->seq_first == 0 ||
        group->seq_first > UINT64_MAX - group->count)
        return -ERR_FORMAT;
    for (uint32_t i = 0; i < group->count; i++, seq++) {
        struct record_head head;
        if (records.bytes - at < sizeof head)
            return -ERR_FORMAT;
        memcpy(&head, records.at + at, sizeof head);
        if (head.bytes < sizeof head || head.bytes % 8 != 0 || head.bytes > records.bytes - at ||
            head.seq != seq)
            return -ERR_FORMAT;
        at += head.bytes;
    }
    return at == records.bytes ? 0 : -ERR_FORMAT;
}

/* What the body says must be what came. */
static int check_tail(const struct ship_message *message)
{
    struct slice tail = message->tail;
    switch (message->type) {
    case SHIP_GROUP:
        if (message->group.bytes != tail.bytes)
            return -ERR_FORMAT;
        return check_records(&message->group, tail);
    case SHIP_REFUSED:
        return message->refused.text_bytes == tail.bytes && message->refused.reserved == 0
                   ? 0
                   : -ERR_FORMAT;
    case SHIP_KEYS:
        return message->keys.bytes == tail.bytes && message->keys.reserved == 0 &&
                       tail.bytes >= SHIP_SLOT_BYTES && tail.bytes % SHIP_SLOT_BYTES == 0 &&
                       message->keys.offset % SHIP_SLOT_BYTES == 0 &&
                       message->keys.offset <= INT64_MAX - SHIP_KEYS_BYTES_MAX
                   ? 0
                   : -ERR_FORMAT;
    case SHIP_HELLO:
        return message->hello.reserved == 0 ? 0 : -ERR_FORMAT;
    case SHIP_BEAT:
        return message->beat.reserved == 0 ? 0 : -ERR_FORMAT;
    case SHIP_PROBE:
        return message->probe.seq > 0 ? 0 : -ERR_FORMAT;
    case SHIP_WELCOME:
    case SHIP_PROBED:
    case SHIP_ACK:
    case SHIP_FENCE:
        return 0;
    }
    return -ERR_FORMAT;
}

int ship_decode(struct slice bytes, struct ship_message *ret)
{
    struct ship_head head;
    struct ship_message message = {0};
    TRY(check_head(bytes, &head));
    struct slice rest = slice_skip(bytes, sizeof head);
    uint32_t body = shapes[head.type].body;
    if (rest.bytes < body || rest.bytes - body > shapes[head.type].tail_max)
        return -ERR_FORMAT;
    message.type = (enum ship_type)head.type;
    memcpy(&message.hello, rest.at, body); /* each member of the union begins here */
    message.tail = slice_skip(rest, body);
    TRY(check_tail(&message));
    *ret = message;
    return 0;
}

/* ---- writing ---- */

static void set_lengths(struct ship_message *message)
{
    if (message->type == SHIP_GROUP)
        message->group.bytes = (uint32_t)message->tail.bytes;
    else if (message->type == SHIP_REFUSED)
        message->refused.text_bytes = (uint16_t)message->tail.bytes;
    else if (message->type == SHIP_KEYS)
        message->keys.bytes = (uint32_t)message->tail.bytes;
}

bool ship_encode(struct buf *out, const struct ship_message *message)
{
    struct ship_message sealed = *message;
    ASSERT(message->type >= SHIP_HELLO && message->type < SHAPES_COUNT);
    uint32_t body = shapes[message->type].body;
    ASSERT(message->tail.bytes <= shapes[message->type].tail_max);
    size_t begin = out->bytes;
    struct ship_head head = {
        .magic = SHIP_MAGIC,
        .type = (uint16_t)message->type,
        .format = SHIP_FORMAT,
        .bytes = (uint32_t)(sizeof head + body + message->tail.bytes),
    };
    set_lengths(&sealed);
    buf_put(out, &head, sizeof head);
    buf_put(out, &sealed.hello, body);
    buf_put_slice(out, message->tail);
    if (out->overflow)
        return false;
    char *at = out->at + begin;
    head.crc = message_crc(&head, slice_of(at + sizeof head, head.bytes - sizeof head));
    memcpy(at, &head, sizeof head);
    return true;
}
