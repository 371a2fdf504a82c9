/* redis_slots.h - which node of a Redis Cluster serves which key: 16384 slots by CRC16, learnt from
 * CLUSTER SLOTS, and what MOVED and ASK say (Redis Cluster Specification, "Key distribution model",
 * "Redirection and resharding"). Pure. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include "base/slice.h"
#include "net/stream/net_address.h"

#define REDIS_SLOTS     16384
#define REDIS_NODES_MAX 64 /* masters; a slot of a further one is served by nobody */
#define REDIS_NODE_NONE UINT8_MAX

struct redis_range {
    uint16_t first, last; /* slots, both of them too */
};

struct redis_slots {
    uint8_t node[REDIS_SLOTS]; /* index of the master, or REDIS_NODE_NONE */
    uint8_t nodes_count;
    uint8_t unplaced; /* ranges of masters beyond REDIS_NODES_MAX, as far as that goes */
    struct net_address nodes[REDIS_NODES_MAX];
};

/* Of what stands between the first { and the next }, if that is anything; else of the whole key. */
uint16_t redis_slot_of(struct slice key);

/* No slot is served by anybody. */
void redis_slots_init(struct redis_slots *slots);
/* Of the answer to CLUSTER SLOTS that the node at `asked` gave; a node without an address is that
 * one. -ERR_FORMAT, and nothing is changed. */
int redis_slots_read(struct redis_slots *slots, const redisReply *reply,
                     const struct net_address *asked);
/* How many slots somebody serves. */
unsigned redis_slots_served(const struct redis_slots *slots);

/* The epoch of the cluster, as the answer to CLUSTER INFO says it; 0: it does not. */
uint64_t redis_cluster_epoch(struct slice info);

enum redis_redirect {
    REDIS_STAYS = 0, /* it is no redirection */
    REDIS_MOVED,     /* that node serves the slot from now on */
    REDIS_ASK,       /* that node is to be asked, once, behind ASKING: the slot is on its way */
};
/* What the text of an error says. */
enum redis_redirect redis_redirect_read(struct slice error, const struct net_address *asked,
                                        uint16_t *ret_slot, struct net_address *ret_address);
