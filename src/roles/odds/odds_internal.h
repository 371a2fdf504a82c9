/* odds_internal.h - the inside of the odds service; only for the .c files of this folder.
 *
 * Clients, channels and the subscriptions that join them stand in pools and name each other by
 * slot. A channel belongs to a group of the market index (a market, an event, a sport). Messages
 * of a turn are kept in the channel's history and handed over at the turn's end, all of them as
 * one piece for those who are live. Thread: the loop's. */
#pragma once

#include "base/assert.h"
#include "base/error.h"
#include "net/http/http_stream.h"
#include "net/ws/ws_conn.h"
#include "roles/odds/follow.h"
#include "roles/odds/market_index.h"
#include "roles/odds/odds_json.h"
#include "roles/odds/odds_service.h"
#include "roles/odds/slot_pool.h"
#include "roles/odds/stream_op.h"

#define HISTORY_SLOTS     64 /* a power of two */
#define SID_BYTES         16
#define PERSONAL_KEPT_MAX 160
#define OUT_BYTES         (256 * 1024)
#define SSE_EVENT_ROOM    2048 /* id and framing around an event's text */
#define TICK_MS           1000

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
    bool used, queued;  /* queued: it stands in the list of this turn */
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
    SLOW_CONFLATE = 4, /* it wants one message per market and interval */
    SLOW_SSE = 8,
    SLOW_ENDED = 16, /* its client is being closed */
};

struct subscription {
    struct ws_handle ws; /* of its client, to spare the fan-out a look at it */
    struct odds_service *service;
    struct follow follow;
    uint32_t client, channel;
    uint32_t channel_next, channel_previous;
    uint32_t client_next;
    uint8_t slow; /* bits of enum slow_reason */
    int64_t conflate_us, due_us;
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
};

struct client {
    struct odds_service *service;
    struct ws_handle ws;     /* WebSocket */
    struct http_reply_to to; /* event stream */
    uint32_t generation;
    bool used, is_sse, lagging, ended;
    uint8_t malformed;
    uint16_t bets;
    uint32_t first; /* subscriptions, in the order of asking */
    uint32_t count;
    uint32_t identity; /* SLOT_NONE: may read prices only */
    uint32_t lag_next, lag_previous;
    uint32_t sse_next, sse_previous;
    int64_t lagging_since_us;
    int64_t sent_us;     /* event stream: the last event or comment */
    int64_t ops_full_us; /* when all its allowance of ops is back */
};

/* A bet that waits for its answer. */
struct flight {
    uint32_t client, generation;
    uint8_t id_bytes;
    char id[STREAM_OP_ID_BYTES_MAX];
};

struct odds_service {
    struct odds_service_options options;
    struct odds_service_stats stats;
    struct loop *loop;
    struct odds_store *store;
    const struct book *book;  /* may be NULL */
    struct bet_service *bets; /* may be NULL */
    uint64_t hash_key[2];
    char sid[SID_BYTES];
    struct market_index index;
    struct follow_debts debts;
    struct slot_pool channels_pool, subscriptions_pool, clients_pool, identities_pool, users_pool,
        flights_pool;
    struct channel *channels; /* owned, all of these */
    struct subscription *subscriptions;
    struct client *clients;
    struct identity *identities;
    struct user *users;
    struct flight *flights;
    struct table *users_by_key;
    uint64_t seq_floor; /* no channel has or had a higher number */
    uint64_t have_stamp;
    uint64_t ended_turn; /* the last turn whose end was reached */
    uint32_t queue;      /* channels with messages to hand over */
    uint32_t idle_first, idle_last;
    uint32_t lag_first, sse_first;
    struct timer tick;
    char *text, *markets, *out; /* scratch: one market; many; what is sent */
    size_t markets_bytes;
    char *input; /* scratch of decoded ops */
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

/* ---- shown_markets.c: the listener's side ---- */

/* The market as JSON, of the store's image; borrowed until the next call. Empty: it is not in the
 * store. */
struct slice odds_market_json(struct odds_service *s, uint32_t market);
/* The shared image frame of the market in the channel, with a reference for the caller. NULL: out
 * of memory, or the market is gone. */
struct shared_bytes *odds_market_image(struct odds_service *s, struct channel *channel,
                                       uint32_t market);
void odds_show_store(struct odds_service *s);

/* ---- channel.c ---- */

/* The channel of that name, made when it is not there. SLOT_NONE: full. */
uint32_t channel_open(struct odds_service *s, enum group_kind kind, struct slice id);
/* Somebody follows it, or nobody does any more. */
void channel_wake(struct odds_service *s, uint32_t slot);
void channel_sleep(struct odds_service *s, uint32_t slot);
/* Frees channels that nobody followed for channel_keep_ms. */
void channel_tidy(struct odds_service *s);
void channels_done(struct odds_service *s);
/* Adds a message and queues the channel; takes the frame. */
void channel_add(struct odds_service *s, uint32_t slot, struct message message);
/* A message is missing (no memory): every follower gets a fresh snapshot. */
void channel_break(struct odds_service *s, uint32_t slot);
static inline struct message *channel_message(struct channel *channel, uint64_t seq)
{
    return &channel->history[seq % HISTORY_SLOTS];
}
/* A part of the channel's snapshot: the markets that joined after `joined`, as many as fit.
 * *ret_joined is the last one's; *ret_more whether there are others. Length is in the scratch. */
struct snapshot_part {
    uint64_t seq;
    uint64_t joined;  /* in: markets after this one; out: the last one that is in */
    uint32_t changes; /* messages that it stands for; 0: not said */
    bool partial;     /* it adds to what was sent before */
    bool newer_only;  /* only markets that are newer than the client said in have_stamp */
    bool more;        /* out: not all fitted */
};
/* The channel's seq is written when nothing is left out, else part->seq. NULL: out of memory. */
struct shared_bytes *channel_snapshot(struct odds_service *s, struct channel *channel,
                                      struct snapshot_part *part, uint64_t last_seq);

/* ---- fanout.c ---- */

/* Hands the channel's new messages over. */
void fanout_channel(struct odds_service *s, uint32_t slot);
/* Everything that is queued; at the turn's end. */
void fanout_turn(void *owner);
/* Sends what is owed, as far as the client takes it. */
void fanout_pump(struct odds_service *s, struct subscription *sub);
/* Before a market's slot is freed: nobody owes it any more. */
void fanout_forget_market(struct odds_service *s, uint32_t channel);

/* ---- clients.c ---- */

struct client *client_new(struct odds_service *s, const struct jwt_claims *claims,
                          const struct http_request *request);
/* It is an event stream from now on. */
void client_begin_sse(struct client *client);
void client_free(struct client *client);
/* SLOT_NONE: no authenticated client of that user. */
uint32_t client_find_user(struct odds_service *s, struct slice user_id);
uint32_t client_slot(const struct client *client);
/* Whether its token still gives it authority; forgets the identity when not. */
bool client_has_authority(struct client *client);
void client_drop_identity(struct client *client);
/* Takes note of what became of a piece. */
void client_sent(struct client *client, enum send_outcome outcome);
/* Closes it as too slow (1013): a WebSocket at once, an event stream at the next tick. */
void client_end(struct client *client, const char *reason);
/* Sends one message: a frame's text as it is, or as an event with the client's position. */
void client_send_frame(struct client *client, struct shared_bytes *frame);
void client_send_text(struct client *client, struct slice text);
/* Queue has drained: sends what is owed. */
void client_drained(struct client *client);
/* Writes {"op":"error","code":CODE,"channel":CHANNEL}; channel may be empty. */
void client_error(struct client *client, const char *code, struct slice channel);
/* 1-s tick: heartbeats, and who lags too long. */
void clients_tick(struct odds_service *s);

/* ---- subscribe.c ---- */

/* The client's subscription of that channel, or NULL. */
struct subscription *subscription_find(struct client *client, uint32_t channel);
/* Follows the channel; tells an error and answers NULL when that cannot be. Nothing is sent yet:
 * begin with subscription_restart() and the like. */
struct subscription *subscription_open(struct client *client, struct slice name,
                                       int64_t conflate_ms);
void subscription_close(struct client *client, struct subscription *sub);
/* A snapshot from the beginning. */
void subscription_restart(struct odds_service *s, struct subscription *sub);
/* Everything after message `seq`, as it was; false: it is not kept, nothing was sent. */
bool subscription_replay(struct odds_service *s, struct subscription *sub, uint64_t seq);
/* What is newer than the versions noted in have_stamp. */
void subscription_renew(struct odds_service *s, struct subscription *sub);

/* ---- websocket.c, event_stream.c, reads.c, own.c ---- */

void websocket_begin(struct odds_service *s, struct http_request *request,
                     const struct jwt_claims *claims);
void event_stream_begin(struct odds_service *s, struct http_request *request,
                        const struct jwt_claims *claims);
/* "SID:n,n,-": how far the client is in each of its channels. */
void event_stream_put_id(struct buf *out, const struct client *client);
void reads_market(struct odds_service *s, struct http_request *request, struct slice id);
void reads_batch(struct odds_service *s, struct http_request *request);
void reads_events(struct odds_service *s, struct http_request *request);
void own_place_bet(struct client *client, const struct stream_op *op);
