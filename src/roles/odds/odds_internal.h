/* odds_internal.h - the inside of the odds service; only for the .c files of this folder.
 *
 * Clients, channels and the subscriptions that join them stand in pools and name each other by
 * slot. A channel belongs to a group of the market index (a market, an event, a sport). Messages
 * are kept in the channel's history and handed over at the next flush, all of them as one piece
 * for those who are live. Thread: the loop's. */
#pragma once

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_stream.h"
#include "net/ws/ws_conn.h"
#include "roles/odds/flush_pace.h"
#include "roles/odds/follow.h"
#include "roles/odds/lag_pace.h"
#include "roles/odds/market_index.h"
#include "roles/odds/odds_cbor.h"
#include "roles/odds/odds_json.h"
#include "roles/odds/odds_service.h"
#include "roles/odds/slot_pool.h"
#include "roles/odds/stream_op.h"

#define HISTORY_SLOTS     64 /* a power of two */
#define SID_BYTES         16
#define PERSONAL_KEPT_MAX 160
#define OUT_BYTES         (256 * 1024)
/* Two halves (odds_cbor.h), each with room for one frame of any size. */
#define CBOR_SCRATCH_BYTES (2 * (OUT_BYTES + ODDS_JSON_MARKET_BYTES_MAX))
#define SSE_EVENT_ROOM     2048 /* id and framing around an event's text */
#define TICK_MS            1000

enum message_kind { MESSAGE_DELTA = 0, MESSAGE_IMAGE, MESSAGE_REMOVED };

struct message {
    struct shared_bytes *frame; /* owned; NULL: not kept any more */
    int64_t received_us;        /* monotonic, of the feed's message; 0: none */
    uint32_t market;            /* slot; of a REMOVED: none */
    uint8_t kind;
};

struct channel {
    uint64_t seq;       /* of the newest message */
    uint64_t handed;    /* messages up to here were handed over */
    uint64_t kept_from; /* messages from here on are in `history` */
    uint32_t group;     /* of the index */
    uint8_t kind;       /* enum group_kind */
    bool used, queued;  /* queued: it stands in the list of the next flush */
    uint8_t name_bytes;
    uint32_t queue_next;
    uint32_t first, last; /* subscriptions */
    uint32_t count, count_sse;
    uint32_t idle_next, idle_previous; /* while nobody follows it */
    int64_t idle_since_us;
    struct shared_bytes *snapshot; /* the whole channel as one frame, as of snapshot_seq */
    uint64_t snapshot_seq;
    struct message history[HISTORY_SLOTS]; /* message n at n % HISTORY_SLOTS */
    char name[STREAM_CHANNEL_BYTES_MAX];
};

/* Why a subscription is not simply given the channel's next piece. */
enum slow_reason {
    SLOW_BEHIND = 1,   /* it owes something: see its follow */
    SLOW_LAGGING = 2,  /* its client's queue is too long */
    SLOW_CONFLATE = 4, /* it gets one message per market and interval */
    SLOW_SSE = 8,
    SLOW_ENDED = 16, /* its client is being closed */
    SLOW_AHEAD = 32, /* it was given alone what waits for the others: see `ahead` */
};

struct subscription {
    struct ws_handle ws; /* of its client, to spare the fan-out a look at it */
    struct odds_service *service;
    struct follow follow;
    uint64_t ahead; /* SLOW_AHEAD: messages up to here were sent to it, or are owed */
    uint32_t client, channel;
    uint32_t channel_next, channel_previous;
    uint32_t client_next;
    uint8_t slow;        /* bits of enum slow_reason */
    bool binary;         /* its client wants frames in their binary form */
    int64_t asked_us;    /* conflate_ms of its client */
    int64_t conflate_us; /* that, or more where the client was late */
    int64_t due_us;
    struct timer timer; /* of conflation */
};

/* Who is behind an authenticated client. */
struct identity {
    struct jwt_claims claims;
    uint32_t user, next, previous; /* the user's others; the newest is first */
    uint32_t client;
    uint8_t personal_bytes;
    char personal[PERSONAL_KEPT_MAX]; /* address and device, for the records of bets (G-10) */
};

struct user {
    struct hash128 key;
    uint32_t first; /* identity */
    uint32_t count;
    uint32_t cell; /* of the presence, if there is one */
};

struct client {
    struct odds_service *service;
    struct ws_handle ws;     /* WebSocket */
    struct http_reply_to to; /* event stream */
    uint32_t generation;
    bool used, is_sse, binary, lagging, ended;
    bool late; /* it lags because it takes too slowly what it is sent */
    uint8_t malformed;
    uint16_t bets;
    uint32_t first; /* subscriptions, in the order of asking */
    uint32_t count;
    uint32_t identity; /* SLOT_NONE: may read prices only */
    uint32_t lag_next, lag_previous;
    uint32_t sse_next, sse_previous;
    int64_t lagging_since_us;
    struct lag_pace pace;
    int64_t sent_us;     /* event stream: the last event or comment */
    int64_t ops_full_us; /* when all its allowance of ops is back */
};

/* A bet that waits for its answer. */
struct flight {
    uint32_t client, generation;
    uint8_t id_bytes;
    char id[STREAM_OP_ID_BYTES_MAX];
};

/* A read that waits for its market to change. */
struct wait {
    struct odds_service *service;
    struct http_reply_to to;
    struct timer timer;
    uint64_t version; /* that the client has */
    uint32_t market, next, previous;
};

struct odds_service {
    struct odds_service_options options;
    struct odds_service_stats stats;
    struct loop *loop;
    struct odds_store *store;
    struct odds_sources sources;
    uint64_t hash_key[2];
    char sid[SID_BYTES];
    struct market_index index;
    struct follow_debts debts;
    struct slot_pool channels_pool, subscriptions_pool, clients_pool, identities_pool, users_pool,
        flights_pool, waits_pool;
    struct channel *channels; /* owned, all of these */
    struct subscription *subscriptions;
    struct client *clients;
    struct identity *identities;
    struct user *users;
    struct flight *flights;
    struct wait *waits;
    struct table *users_by_key;
    bool draining;
    bool attached, held;
    bool leaving;              /* another process takes over: nothing is begun any more */
    int64_t expected_until_us; /* markets of the process before are kept so long; 0: none is */
    uint64_t seq_floor;        /* no channel has or had a higher number */
    uint64_t have_stamp;
    uint64_t ended_turn; /* the last turn whose end was reached */
    uint32_t queue;      /* channels with messages for the next flush */
    uint32_t turn_queue; /* channels with messages for this turn's end */
    struct flush_pace pace;
    struct timer flush_timer;    /* ends the wait of what is queued */
    const struct net_stats *net; /* of the clients' connections; NULL: there was none yet */
    int64_t flush_begin_us;      /* of the flush under way; 0: none is */
    int64_t flush_hand_us;       /* spent on handing over in it */
    uint64_t flush_changes;      /* messages that it handed over */
    uint64_t flush_left_at;      /* net->pushes_left when it began */
    uint64_t flush_sent_at;      /* net->pushes_left when all of it is sent */
    uint64_t flush_pushing_us;   /* net->pushing_us when it began */
    uint32_t idle_first, idle_last;
    uint32_t lag_first, sse_first;
    struct timer tick;
    char *text, *markets, *out; /* scratch: one market; many; what is sent */
    size_t markets_bytes;
    char *input;     /* scratch of decoded ops */
    struct buf cbor; /* scratch of binary forms */
};

static inline int64_t odds_limit(const struct odds_service *s, enum odds_limit limit)
{
    _Static_assert(sizeof s->options.limits == ODDS_LIMITS_COUNT * sizeof(int64_t), "an array");
    return ((const int64_t *)&s->options.limits)[limit];
}

static inline void odds_limit_hit(struct odds_service *s, enum odds_limit limit)
{
    metrics_count(&s->stats.limit_reached[limit], 1);
}

static inline struct slice channel_name(const struct channel *channel)
{
    return (struct slice){channel->name, channel->name_bytes};
}
