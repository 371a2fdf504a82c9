/* odds_calls.h - what the .c files of the odds service call of each other; see odds_internal.h for
 * the structs. Thread: the loop's. */
#pragma once

#include "roles/odds/odds_internal.h"

/* ---- shown_markets.c: the listener's side ---- */

/* The market as JSON, of the store's image; borrowed until the next call. Empty: it is not in the
 * store. */
struct slice odds_market_json(struct odds_service *s, uint32_t market);
/* The validator of that version of a market (RFC 9110 section 8.8.3). */
void odds_put_etag(struct buf *out, uint64_t version);
/* The header lines of a read of that version: its validator, and that it is to be asked again. */
void odds_put_validator(struct buf *lines, uint64_t version);
/* The shared image frame of the market in the channel, with a reference for the caller; what is
 * sent after a `skipped`. It has no number: it is no message of the channel, and other markets may
 * still be owed. NULL: out of memory, or the market is gone. */
struct shared_bytes *odds_market_image(struct odds_service *s, struct channel *channel,
                                       uint32_t market);
void odds_show_store(struct odds_service *s);
/* Takes the market out and tells its channels. */
void odds_remove_market(struct odds_service *s, uint32_t market);

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
/* Everything that is queued, now. */
void fanout_flush(struct odds_service *s);
/* The same when it is due; at the turn's end. */
void fanout_turn(void *owner);
/* What was sent is with the kernel: how long that took decides when the next flush is due. */
void fanout_turn_over(void *owner);
/* Gives this follower alone what waits for the next flush: as messages, or as what it owes. */
void fanout_catch_up(struct odds_service *s, struct subscription *sub);
/* What waits for the next flush is none of its business: it begins behind that. */
void fanout_begin_ahead(struct odds_service *s, struct subscription *sub);
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
/* Whether its token still gives it authority; ends it, and says so, when not. */
bool client_has_authority(struct client *client);
/* The identity is forgotten; told as error AUTHORITY_ENDED. */
void client_end_authority(struct client *client);
/* The same of a client that goes: nothing is told. */
void client_drop_identity(struct client *client);
/* Takes note of what became of a piece. */
void client_sent(struct client *client, enum send_outcome outcome);
/* Closes it as too slow (1013): a WebSocket at once, an event stream at the next tick. */
void client_end(struct client *client, const char *reason);
/* Sends one message: a frame's text as it is, or as an event with the client's position. */
void client_send_frame(struct client *client, struct shared_bytes *frame);
void client_send_text(struct client *client, struct slice text);
/* It has all that it was owed: one that was late may be told more often again. */
void client_calm(struct client *client);
/* How often one of its subscriptions is told the newest. */
void client_set_interval(const struct client *client, struct subscription *sub);
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

/* ---- succession.c ---- */

/* 1-s tick: markets of the process before that nobody has offered again are removed. */
void succession_tick(struct odds_service *s);

/* ---- websocket.c, event_stream.c, reads.c, own.c ---- */

void websocket_begin(struct odds_service *s, struct http_request *request,
                     const struct jwt_claims *claims);
void event_stream_begin(struct odds_service *s, struct http_request *request,
                        const struct jwt_claims *claims);
/* "SID:n,n,-": how far the client is in each of its channels. */
void event_stream_put_id(struct buf *out, const struct client *client);
void reads_market(struct odds_service *s, struct http_request *request, struct slice id);
/* The answer of a read that waited: the market, or 304 when it still is what the client knows. */
void reads_answer(struct odds_service *s, struct http_reply_to to, uint32_t market, uint64_t known);
void reads_batch(struct odds_service *s, struct http_request *request);
/* Lets the read wait for the market's next change, when the request prefers that; false: it does
 * not, or too many wait. It is answered by one of: reads_wake() (the market has changed),
 * reads_forget() (it is about to be removed), or when its time is over. */
bool reads_wait(struct odds_service *s, const struct http_request *request, uint32_t market);
void reads_wake(struct odds_service *s, uint32_t market);
void reads_forget(struct odds_service *s, uint32_t market);
/* The connections are gone. */
void reads_done(struct odds_service *s);
void reads_events(struct odds_service *s, struct http_request *request);
void own_ask(struct client *client, const struct stream_op *op, enum bet_call call);
/* The answer to a bet (or an offer's answer) that was more than ops_burst_max lets through: 429
 * RATE_LIMITED in a `bet` that carries its id. The key is not used up. */
void own_refuse_rate(struct client *client, const struct stream_op *op);
