/* bet_events.h - what a record says to other programs of a bet: the messages of the topic
 * `bet-events` (docs/PROTOCOL.md, "Streams"; docs/api/events).
 *
 * A record about a bet is one message for each event that its legs are on, so that who follows one
 * event sees every bet on it (DESIGN 6.6); `event_no` of `events_count` says which of them it is,
 * so that who adds up money takes the first only. Of a record that moves no bet there is none:
 * refusals, requests that wait, words on referrals. Pure. Thread: that of the state. */
#pragma once

#include "base/buf.h"
#include "core/bet.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

#define BET_EVENTS_FORMAT 1

/* The messages of one record; borrows it and the state. */
struct bet_events {
    const struct shard_state *state;
    const struct record_view *record;
    const struct shard_bet *bet;
    const char *type;            /* "placed", ... */
    uint32_t count;              /* of messages; 0: the record is none */
    uint16_t legs[BET_LEGS_MAX]; /* of each message, the first leg on its event */
};

/* The record was applied to the state, and nothing behind it was. */
void bet_events_of(const struct shard_state *state, const struct record_view *record,
                   struct bet_events *ret);
/* The event's id, and the message as JSON; number < count. What does not fit sets json->overflow.
 */
struct slice bet_events_key(const struct bet_events *events, uint32_t number);
void bet_events_write(const struct bet_events *events, uint32_t number, struct buf *json);
/* "SHARD-SEQ": with the key it says what a repeat is. */
void bet_events_seq(const struct bet_events *events, struct buf *text);
