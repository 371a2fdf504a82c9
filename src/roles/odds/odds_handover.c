/* odds_handover.c - contract in odds_handover.h. */
#include "roles/odds/odds_handover.h"

#include "base/error.h"
#include "core/ids.h"
#include "roles/odds/stream_op.h"

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_put_char(out, (char)(value >> 8 * i & 0xff));
}

void odds_handover_put_head(struct buf *out, const struct odds_handover_head *head)
{
    put_number(out, ODDS_HANDOVER_VERSION, 1);
    buf_put_slice(out, head->sid);
    put_number(out, head->seq_floor, 8);
    put_number(out, head->channels, 4);
    put_number(out, head->markets, 4);
}

void odds_handover_put_channel(struct buf *out, const struct odds_handover_channel *channel)
{
    put_number(out, channel->seq, 8);
    put_number(out, channel->name.bytes, 1);
    buf_put_slice(out, channel->name);
}

void odds_handover_put_market(struct buf *out, const struct odds_handover_market *market)
{
    put_number(out, market->version, 8);
    put_number(out, market->id.bytes, 1);
    put_number(out, market->event_id.bytes, 1);
    put_number(out, market->sport.bytes, 1);
    buf_put_slice(out, market->id);
    buf_put_slice(out, market->event_id);
    buf_put_slice(out, market->sport);
}

/* ---- reading ---- */

static bool take_number(struct slice *from, size_t bytes, uint64_t *ret)
{
    uint64_t value = 0;
    if (from->bytes < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)from->at[i] << 8 * i;
    *from = slice_skip(*from, bytes);
    *ret = value;
    return true;
}

static bool take_text(struct slice *from, size_t bytes, struct slice *ret)
{
    if (from->bytes < bytes)
        return false;
    *ret = slice_of(from->at, bytes);
    *from = slice_skip(*from, bytes);
    return true;
}

static bool is_sid(struct slice sid)
{
    for (size_t i = 0; i < sid.bytes; i++)
        if ((sid.at[i] < '0' || sid.at[i] > '9') && (sid.at[i] < 'a' || sid.at[i] > 'f'))
            return false;
    return true;
}

int odds_handover_take_head(struct slice *bytes, struct odds_handover_head *ret)
{
    uint64_t version, channels, markets;
    if (!take_number(bytes, 1, &version))
        return -ERR_FORMAT;
    if (version != ODDS_HANDOVER_VERSION)
        return -ERR_UNSUPPORTED;
    if (!take_text(bytes, ODDS_HANDOVER_SID_BYTES, &ret->sid) || !is_sid(ret->sid) ||
        !take_number(bytes, 8, &ret->seq_floor) || ret->seq_floor > ODDS_HANDOVER_SEQ_MAX ||
        !take_number(bytes, 4, &channels) || !take_number(bytes, 4, &markets))
        return -ERR_FORMAT;
    ret->channels = (uint32_t)channels;
    ret->markets = (uint32_t)markets;
    return 0;
}

int odds_handover_take_channel(struct slice *bytes, struct odds_handover_channel *ret)
{
    uint64_t name_bytes;
    enum group_kind kind;
    struct slice id;
    bool good = take_number(bytes, 8, &ret->seq) && ret->seq > 0 &&
                ret->seq <= ODDS_HANDOVER_SEQ_MAX && take_number(bytes, 1, &name_bytes) &&
                take_text(bytes, name_bytes, &ret->name) &&
                stream_op_channel(ret->name, &kind, &id);
    return good ? 0 : -ERR_FORMAT;
}

int odds_handover_take_market(struct slice *bytes, struct odds_handover_market *ret)
{
    uint64_t id, event, sport;
    bool good = take_number(bytes, 8, &ret->version) && ret->version > 0 &&
                ret->version <= ODDS_HANDOVER_SEQ_MAX && take_number(bytes, 1, &id) && id > 0 &&
                id <= MARKET_ID_BYTES_MAX && take_number(bytes, 1, &event) &&
                event <= EVENT_ID_BYTES_MAX && take_number(bytes, 1, &sport) &&
                sport <= PROVIDER_ID_BYTES_MAX && take_text(bytes, id, &ret->id) &&
                take_text(bytes, event, &ret->event_id) && take_text(bytes, sport, &ret->sport);
    return good ? 0 : -ERR_FORMAT;
}

int odds_handover_check(struct slice bytes)
{
    struct odds_handover_head head;
    struct odds_handover_channel channel;
    struct odds_handover_market market;
    TRY(odds_handover_take_head(&bytes, &head));
    for (uint32_t i = 0; i < head.channels; i++)
        TRY(odds_handover_take_channel(&bytes, &channel));
    for (uint32_t i = 0; i < head.markets; i++)
        TRY(odds_handover_take_market(&bytes, &market));
    return bytes.bytes == 0 ? 0 : -ERR_FORMAT;
}
