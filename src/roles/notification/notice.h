/* notice.h - what a customer is told of a bet, made from a message of `bet-events`
 * (docs/PROTOCOL.md, "Streams"): that it was settled, corrected or bought back, once for each bet
 * however many events it is on. Pure. Thread: any. */
#pragma once

#include "base/buf.h"
#include "ports/event_stream.h"

#define NOTICE_BYTES_MAX 4096

enum notice_outcome { NOTICE_NONE = 1, NOTICE_MADE };

/* Writes {"notice":"settled","seq":...,"bet_id":...,"user_id":...,"outcome":...,"payout":...,
 * "currency":...} to `notice`, and whose it is, as the message spells it. An enum notice_outcome;
 * -ERR_FORMAT: it is no such message. */
int notice_of(const struct event *event, struct buf *notice, struct slice *ret_customer);
