/* amqp_words.h - what a broker says in AMQP 0-9-1, byte by byte from the standard and not by the
 * library that is tested with it. */
#pragma once

#include "base/buf.h"

enum { WORD_METHOD = 1, WORD_HEADER = 2, WORD_BODY = 3, WORD_HEARTBEAT = 8 };

void word_frame(struct buf *to, int kind, int channel, struct slice payload);
/* A method of these ids, with its arguments as they are. */
void word_method(struct buf *to, int channel, int class_id, int method_id, struct slice arguments);

void word_start(struct buf *to, const char *mechanisms);
void word_tune(struct buf *to, unsigned frame_bytes_max);
void word_open_ok(struct buf *to);
void word_channel_open_ok(struct buf *to);
void word_declare_ok(struct buf *to, const char *queue);
void word_bind_ok(struct buf *to);
void word_consume_ok(struct buf *to);
void word_close(struct buf *to, unsigned code, const char *text);
void word_channel_close(struct buf *to, unsigned code, const char *text);
void word_cancel(struct buf *to);
void word_heartbeat(struct buf *to);
void word_deliver(struct buf *to);
void word_header(struct buf *to, uint64_t body_bytes);
/* deliver, header, and the body in frames of `piece` bytes. */
void word_message(struct buf *to, const char *body, size_t piece);

/* Everything up to consume-ok, for so many keys. */
void word_way_up(struct buf *to, unsigned keys);

/* "greeting", then "CLASS.METHOD" of each frame in `said`, or "heartbeat", a space between. What is
 * no frame is a failure of the test. */
const char *words_of(struct slice said, char *memory, size_t capacity);
