/* stream_op.c - contract in stream_op.h. */
#include "roles/odds/stream_op.h"

#include "base/assert.h"
#include "base/json_read.h"

/* Members by number; what each op may have and must have is a set of them. */
enum member {
    MEMBER_OP = 0,
    MEMBER_CHANNELS,
    MEMBER_CONFLATE,
    MEMBER_HAVE,
    MEMBER_SID,
    MEMBER_SEQ,
    MEMBER_ID,
    MEMBER_KEY,
    MEMBER_BET,
    MEMBER_BET_ID,
    MEMBER_OFFER,
};

#define MEMBERS     11
#define BIT(member) (1u << (member))

static const char *const member_names[MEMBERS] = {
    "op", "channels",        "conflate_ms", "have",   "sid",   "seq",
    "id", "idempotency_key", "bet",         "bet_id", "offer",
};

static const struct {
    const char *name;
    enum stream_op_kind kind;
    unsigned must, may;
} ops[] = {
    {"subscribe", STREAM_SUBSCRIBE, BIT(MEMBER_CHANNELS), BIT(MEMBER_CONFLATE)},
    {"unsubscribe", STREAM_UNSUBSCRIBE, BIT(MEMBER_CHANNELS), BIT(MEMBER_CONFLATE)},
    {"resume", STREAM_RESUME, BIT(MEMBER_CHANNELS),
     BIT(MEMBER_CONFLATE) | BIT(MEMBER_HAVE) | BIT(MEMBER_SID) | BIT(MEMBER_SEQ)},
    {"place_bet", STREAM_PLACE_BET, BIT(MEMBER_BET), BIT(MEMBER_ID) | BIT(MEMBER_KEY)},
    {"accept_offer", STREAM_ACCEPT_OFFER, BIT(MEMBER_BET_ID) | BIT(MEMBER_OFFER), BIT(MEMBER_ID)},
    {"decline_offer", STREAM_DECLINE_OFFER, BIT(MEMBER_BET_ID) | BIT(MEMBER_OFFER), BIT(MEMBER_ID)},
    {"ping", STREAM_PING, 0, 0},
};

static bool find_member(struct slice key, enum member *ret)
{
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (slice_is(key, member_names[i])) {
            *ret = (enum member)i;
            return true;
        }
    }
    return false;
}

/* False: too many; the reader is then not to be used any more. */
static bool read_channels(struct json_reader *reader, struct stream_op *op)
{
    struct slice name;
    if (!json_array_begin(reader))
        return true;
    while (json_array_next(reader)) {
        if (op->channels_count == STREAM_OP_CHANNELS_MAX)
            return false;
        if (json_string(reader, &name))
            op->channels[op->channels_count++] = name;
    }
    return true;
}

static void read_object(struct json_reader *reader, struct slice *ret)
{
    if (json_peek(reader) != JSON_OBJECT)
        json_fail(reader);
    json_raw(reader, ret);
}

static void read_conflate(struct json_reader *reader, struct stream_op *op)
{
    if (json_i64(reader, &op->conflate_ms) && op->conflate_ms < 0)
        json_fail(reader);
}

/* Reads the member's value. False: too many channels. */
static bool read_member(struct json_reader *reader, enum member member, struct stream_op *op,
                        struct slice *name)
{
    switch (member) {
    case MEMBER_OP:
        json_string(reader, name);
        break;
    case MEMBER_CHANNELS:
        return read_channels(reader, op);
    case MEMBER_CONFLATE:
        read_conflate(reader, op);
        break;
    case MEMBER_HAVE:
        read_object(reader, &op->have);
        op->has_versions = true;
        break;
    case MEMBER_SID:
        json_string(reader, &op->sid);
        break;
    case MEMBER_SEQ:
        read_object(reader, &op->seq);
        break;
    case MEMBER_ID:
        json_string(reader, &op->id);
        break;
    case MEMBER_KEY:
        json_string(reader, &op->key);
        break;
    case MEMBER_BET:
        read_object(reader, &op->bet);
        break;
    case MEMBER_BET_ID:
        json_string(reader, &op->bet_id);
        break;
    case MEMBER_OFFER:
        read_object(reader, &op->offer);
        break;
    }
    return true;
}

static enum stream_op_outcome judge(struct stream_op *op, struct slice name, unsigned seen,
                                    bool foreign)
{
    if ((seen & BIT(MEMBER_OP)) == 0)
        return STREAM_OP_MALFORMED;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!slice_is(name, ops[i].name))
            continue;
        unsigned others = seen & ~(BIT(MEMBER_OP) | ops[i].must | ops[i].may);
        if (foreign || others != 0 || (seen & ops[i].must) != ops[i].must)
            return STREAM_OP_MALFORMED;
        op->kind = ops[i].kind;
        return op->id.bytes <= STREAM_OP_ID_BYTES_MAX ? STREAM_OP_OK : STREAM_OP_MALFORMED;
    }
    return STREAM_OP_UNKNOWN;
}

enum stream_op_outcome stream_op_decode(struct slice text, char *scratch, size_t scratch_bytes,
                                        struct stream_op *ret)
{
    struct json_reader reader;
    struct slice key, name = SLICE_NONE;
    unsigned seen = 0;
    bool foreign = false; /* a member that no op has: malformed, unless the op is unknown too */
    enum member member;
    *ret = (struct stream_op){0};
    json_begin(&reader, text, scratch, scratch_bytes);
    if (!json_object_begin(&reader))
        return STREAM_OP_MALFORMED;
    while (json_object_next(&reader, &key)) {
        if (!find_member(key, &member)) {
            foreign = true;
            json_skip(&reader);
            continue;
        }
        if ((seen & BIT(member)) != 0)
            return STREAM_OP_MALFORMED;
        seen |= BIT(member);
        if (!read_member(&reader, member, ret, &name))
            return STREAM_OP_CHANNELS;
    }
    if (json_end(&reader) < 0)
        return STREAM_OP_MALFORMED;
    return judge(ret, name, seen, foreign);
}

bool stream_op_numbers(struct slice object, struct buf *scratch,
                       void (*call)(void *owner, struct slice name, uint64_t number), void *owner)
{
    struct json_reader reader;
    struct slice name;
    int64_t number;
    json_begin(&reader, object, scratch->at, scratch->capacity);
    if (!json_object_begin(&reader))
        return false;
    while (json_object_next(&reader, &name)) {
        if (!json_i64(&reader, &number) || number < 0 || number > INT64_C(1) << 53)
            return false;
        call(owner, name, (uint64_t)number);
    }
    return json_end(&reader) == 0;
}

bool stream_op_channel(struct slice name, enum group_kind *ret_kind, struct slice *ret_id)
{
    static const struct {
        struct slice prefix;
        size_t bytes_max;
    } kinds[GROUP_KINDS] = {
        [GROUP_MARKET] = {{"market:", 7}, MARKET_ID_BYTES_MAX},
        [GROUP_EVENT] = {{"event:", 6}, EVENT_ID_BYTES_MAX},
        [GROUP_SPORT] = {{"sport:", 6}, PROVIDER_ID_BYTES_MAX},
    };
    for (int kind = 0; kind < GROUP_KINDS; kind++) {
        if (!slice_begins(name, kinds[kind].prefix))
            continue;
        *ret_kind = (enum group_kind)kind;
        *ret_id = slice_skip(name, kinds[kind].prefix.bytes);
        return ret_id->bytes > 0 && ret_id->bytes <= kinds[kind].bytes_max;
    }
    return false;
}
