/* gateway.h - the public listener: routes, tokens, limits per address, the page.
 *
 * Paths are CONTRACT's. Bets and money go to a port, wherever the book is; prices to whatever
 * serves them (the odds service, given as a function: two roles meet in main only). What a service
 * answers later finds its way by the reply handle in its cookie, so nothing is kept here per
 * request. Thread: that of its loop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "net/http/http_server.h"
#include "roles/bet/bet_port.h"
#include "roles/shared/bearer.h"

struct gateway;

struct gateway_options {
    bool demo;                        /* POST /v1/demo/session makes a user and a token */
    struct slice demo_kid;            /* the key that signs it; borrowed for ever */
    uint32_t address_requests_second; /* of one address (IPv6: /64); 0: off */
    uint32_t address_burst;
    uint32_t addresses_tracked_max;
};

/* All borrowed until gateway_free. */
struct gateway_parts {
    struct loop *loop;
    struct bet_port *bets;
    bool (*takes_bets)(void *owner); /* now; for GET /readyz */
    void *takes_bets_owner;
    const struct bearer *bearer;
    /* Serves GET /v1/odds.., /v1/events and /v1/stream; claims are NULL without a token. False:
     * not a path of its own (404), the request is not answered. NULL: no prices here, 404. */
    bool (*odds)(void *owner, struct http_request *request, const struct jwt_claims *claims);
    void *odds_owner;
};

/* 0, -ERR_MEMORY. */
int gateway_new(const struct gateway_options *options, const struct gateway_parts *parts,
                struct gateway **ret_gateway);
void gateway_free(struct gateway *gateway); /* accepts NULL */

/* For http_server_listen(). */
struct http_handlers gateway_handlers(struct gateway *gateway);

/* Registers bet acceptance, gateway overhead and the limit per address. -ERR_LIMIT. */
int gateway_register_metrics(struct gateway *gateway, struct metrics *metrics);
