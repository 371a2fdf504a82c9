/* load_wire.c - contract in load_wire.h. */
#include "load/load_wire.h"

#include "base/decimal.h"
#include "base/json_write.h"

/* Ids come from the server, so they are escaped like everything else. */
static void put_text(struct buf *out, const char *before, struct slice text)
{
    buf_put_text(out, before);
    json_write_string(out, text);
}

void load_wire_bet_body(struct buf *out, const struct load_wire_bet *bet)
{
    put_text(out, "{\"market_id\":", bet->market_id);
    put_text(out, ",\"selection_id\":", bet->selection_id);
    buf_put_text(out, ",\"odds\":");
    buf_put_slice(out, bet->odds);
    if (bet->odds_exact.bytes > 0)
        put_text(out, ",\"odds_exact\":", bet->odds_exact);
    buf_put_text(out, ",\"odds_version\":");
    buf_put_u64(out, bet->odds_version);
    buf_put_text(out, ",\"stake\":");
    decimal_write(out, bet->stake_minor, 2);
    put_text(out, ",\"currency\":", bet->currency);
    put_text(out, ",\"price_policy\":", bet->price_policy);
    buf_put_char(out, '}');
}

static void put_header(struct buf *out, const char *before, struct slice value)
{
    if (value.bytes == 0)
        return;
    buf_put_text(out, before);
    buf_put_slice(out, value);
}

void load_wire_request(struct buf *out, const struct load_wire_request *request)
{
    buf_put_text(out, request->method);
    buf_put_char(out, ' ');
    buf_put_text(out, request->path);
    buf_put_text(out, " HTTP/1.1\r\nHost: ");
    buf_put_slice(out, request->host);
    put_header(out, "\r\nAuthorization: Bearer ", request->token);
    put_header(out, "\r\nIdempotency-Key: ", request->key);
    if (request->body.bytes > 0) {
        buf_put_text(out, "\r\nContent-Type: application/json\r\nContent-Length: ");
        buf_put_u64(out, request->body.bytes);
    } else if (request->method[0] == 'P') {
        buf_put_text(out, "\r\nContent-Length: 0");
    }
    buf_put_text(out, "\r\n\r\n");
    buf_put_slice(out, request->body);
}

void load_wire_place_bet(struct buf *out, uint32_t id, struct slice key, struct slice bet_body)
{
    buf_put_text(out, "{\"op\":\"place_bet\",\"id\":\"");
    buf_put_u64(out, id);
    put_text(out, "\",\"idempotency_key\":", key);
    buf_put_text(out, ",\"bet\":");
    buf_put_slice(out, bet_body);
    buf_put_char(out, '}');
}

void load_wire_money_body(struct buf *out, int64_t minor, struct slice currency)
{
    buf_put_text(out, "{\"amount\":");
    decimal_write(out, minor, 2);
    put_text(out, ",\"currency\":", currency);
    buf_put_char(out, '}');
}

void load_wire_subscribe(struct buf *out, struct slice channels, uint32_t conflate_ms)
{
    buf_put_text(out, "{\"op\":\"subscribe\",\"channels\":[");
    while (channels.bytes > 0) {
        const char *space = memchr(channels.at, ' ', channels.bytes);
        size_t bytes = space == NULL ? channels.bytes : (size_t)(space - channels.at);
        json_write_string(out, slice_of(channels.at, bytes));
        channels = slice_skip(channels, space == NULL ? bytes : bytes + 1);
        if (channels.bytes > 0)
            buf_put_char(out, ',');
    }
    buf_put_text(out, "],\"conflate_ms\":");
    buf_put_u64(out, conflate_ms);
    buf_put_char(out, '}');
}
