/* handover_wire.c - contract in handover_wire.h. */
#include "cli/node/handover_wire.h"

#include "base/error.h"
#include "base/hash.h"

#define MAGIC     "OVRH"
#define CRC_AT    12
#define LENGTH_AT 8

/* ---- messages ---- */

static void put_number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_put_char(out, (char)(value >> 8 * i & 0xff));
}

static uint32_t number_at(const char *at)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++)
        value |= (uint32_t)(unsigned char)at[i] << 8 * i;
    return value;
}

static uint32_t crc_of(const char *head, struct slice body)
{
    uint32_t crc = crc32c(0, head, CRC_AT);
    return body.bytes > 0 ? crc32c(crc, body.at, body.bytes) : crc;
}

void handover_put_head(struct buf *out, enum handover_type type, struct slice body)
{
    size_t begin = out->bytes;
    buf_put_text(out, MAGIC);
    put_number(out, HANDOVER_VERSION, 1);
    put_number(out, type, 1);
    put_number(out, 0, 2);
    put_number(out, body.bytes, 4);
    if (!out->overflow)
        put_number(out, crc_of(out->at + begin, body), 4);
}

static uint32_t body_bytes_max(enum handover_type type)
{
    return type == HANDOVER_STATE ? HANDOVER_STATE_BYTES_MAX : HANDOVER_SMALL_BYTES_MAX;
}

int handover_read_head(const char *at, struct handover_head *ret)
{
    if (memcmp(at, MAGIC, sizeof MAGIC - 1) != 0)
        return -ERR_FORMAT;
    if (at[4] != HANDOVER_VERSION)
        return -ERR_UNSUPPORTED;
    int type = at[5];
    uint32_t bytes = number_at(at + LENGTH_AT);
    if (type < HANDOVER_HELLO || type > HANDOVER_REFUSED || at[6] != 0 || at[7] != 0 ||
        bytes > body_bytes_max((enum handover_type)type))
        return -ERR_FORMAT;
    *ret = (struct handover_head){(enum handover_type)type, bytes, number_at(at + CRC_AT)};
    return 0;
}

int handover_check_body(const char *head_at, struct slice body)
{
    return crc_of(head_at, body) == number_at(head_at + CRC_AT) ? 0 : -ERR_CORRUPT;
}

/* ---- the old process ---- */

static enum handover_action go(enum handover_stage *stage, enum handover_stage to,
                               enum handover_action action)
{
    *stage = to;
    return action;
}

/* Once GO was said the listening sockets are not ours any more, and the clients may have been sent
 * away: a successor that breaks then changes nothing about the end. */
static enum handover_action broken(enum handover_stage *stage)
{
    if (*stage == HANDOVER_ALONE || *stage == HANDOVER_DONE)
        return HANDOVER_NOTHING;
    if (*stage == HANDOVER_GREETING || *stage == HANDOVER_OFFERED)
        return go(stage, HANDOVER_ALONE, HANDOVER_HANG_UP);
    return HANDOVER_GO_ALONE;
}

enum handover_action handover_step(enum handover_stage *stage, enum handover_event event)
{
    switch (event) {
    case HANDOVER_CONNECTED: /* one at a time: a second one is hung up on, the first goes on */
        return *stage == HANDOVER_ALONE ? go(stage, HANDOVER_GREETING, HANDOVER_NOTHING)
                                        : HANDOVER_HANG_UP;
    case HANDOVER_SAID_HELLO:
        return *stage == HANDOVER_GREETING ? go(stage, HANDOVER_OFFERED, HANDOVER_OFFER)
                                           : broken(stage);
    case HANDOVER_SAID_GO:
        return *stage == HANDOVER_OFFERED ? go(stage, HANDOVER_ENDING, HANDOVER_END)
                                          : broken(stage);
    case HANDOVER_BROKEN:
        return broken(stage);
    case HANDOVER_SETTLED:
        return *stage == HANDOVER_ENDING ? go(stage, HANDOVER_DRAINING, HANDOVER_SEND_AWAY)
                                         : HANDOVER_NOTHING;
    case HANDOVER_DRAINED:
        return *stage == HANDOVER_DRAINING ? go(stage, HANDOVER_DONE, HANDOVER_STOP)
                                           : HANDOVER_NOTHING;
    }
    return HANDOVER_NOTHING;
}
