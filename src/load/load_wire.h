/* load_wire.h - the requests of simulated customers as bytes (CONTRACT, "HTTP" and "WebSocket").
 * Complete HTTP/1.1 requests, so that the client has nothing left to do. Thread: any. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define LOAD_BODY_BYTES_MAX    1024
#define LOAD_REQUEST_BYTES_MAX 4096

struct load_wire_bet {
    struct slice market_id, selection_id;
    struct slice odds, odds_exact; /* digits; exact may be empty */
    uint64_t odds_version;
    int64_t stake_minor; /* of a currency with two places */
    struct slice currency, price_policy;
};

/* {"market_id":..,"selection_id":..,"odds":..,..} */
void load_wire_bet_body(struct buf *out, const struct load_wire_bet *bet);

struct load_wire_request {
    const char *method, *path;
    struct slice host;
    struct slice token; /* may be empty */
    struct slice key;   /* Idempotency-Key; may be empty */
    struct slice body;  /* may be empty: then there is none */
};

void load_wire_request(struct buf *out, const struct load_wire_request *request);
/* {"op":"place_bet","id":"3","idempotency_key":..,"bet":BODY} */
void load_wire_place_bet(struct buf *out, uint32_t id, struct slice key, struct slice bet_body);
/* {"amount":100.00,"currency":"GBP"} */
void load_wire_money_body(struct buf *out, int64_t minor, struct slice currency);
/* {"op":"subscribe","channels":[..],"conflate_ms":N}; channels are separated by spaces (an id may
 * hold commas). */
void load_wire_subscribe(struct buf *out, struct slice channels, uint32_t conflate_ms);
