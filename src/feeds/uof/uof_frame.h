/* uof_frame.h - AMQP 0-9-1 as far as a consumer needs it: frames, and the methods in them.
 *
 * Methods are encoded and decoded by librabbitmq, whose own connections block and are not used:
 * uof_frame.c is the only file that knows it. What a broker sends is hostile until it is read: a
 * frame is bounded before it is waited for, and of the methods only those are decoded that a
 * consumer is sent, so that the one table among them (of connection.start) is bounded in bytes and
 * with that in depth. Pure: no socket, no clock. Thread: one user. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define UOF_FRAME_BYTES_MAX  131072 /* of a whole frame: what a broker may agree to send */
#define UOF_FRAME_BYTES_MIN  4096   /* ... and has to: the standard's least */
#define UOF_METHOD_BYTES_MAX 16384  /* of the payload of a method */
#define UOF_HEARTBEAT_FRAME  8      /* bytes of a frame without payload */

/* As on the wire. */
enum uof_frame_kind {
    UOF_FRAME_METHOD = 1,
    UOF_FRAME_HEADER = 2,
    UOF_FRAME_BODY = 3,
    UOF_FRAME_HEARTBEAT = 8
};

struct uof_frame {
    enum uof_frame_kind kind;
    uint16_t channel;
    struct slice payload; /* part of the bytes that were read */
};

/* The first frame of `bytes`, of at most bytes_max bytes. *ret_used is 0 while it is not whole. 0,
 * -ERR_FORMAT (these bytes are no AMQP), -ERR_LIMIT (it is longer). */
int uof_frame_read(struct slice bytes, size_t bytes_max, struct uof_frame *ret_frame,
                   size_t *ret_used);
/* Of the payload of a content header: the length of the body that follows. -ERR_FORMAT. */
int uof_frame_body_bytes(struct slice payload, uint64_t *ret_bytes);

enum uof_method_kind {
    UOF_METHOD_OTHER = 0, /* one that no consumer of ours is sent */
    UOF_METHOD_START,
    UOF_METHOD_TUNE,
    UOF_METHOD_OPEN_OK,
    UOF_METHOD_CONNECTION_CLOSE,
    UOF_METHOD_BLOCKED, /* or not any more: concerns those who publish */
    UOF_METHOD_CHANNEL_OPEN_OK,
    UOF_METHOD_CHANNEL_CLOSE,
    UOF_METHOD_DECLARE_OK,
    UOF_METHOD_BIND_OK,
    UOF_METHOD_CONSUME_OK,
    UOF_METHOD_CANCEL, /* the broker takes the queue away */
    UOF_METHOD_DELIVER
};

struct uof_method {
    enum uof_method_kind kind;
    uint32_t frame_bytes_max; /* of TUNE; 0: no limit */
    uint16_t code;            /* of the two CLOSE */
    struct slice text;        /* of these, why; of START, mechanisms; of DECLARE_OK, the queue */
};

/* `payload` as a method; its texts are parts of it. 0, -ERR_FORMAT, -ERR_LIMIT
 * (UOF_METHOD_BYTES_MAX), -ERR_MEMORY. */
int uof_method_read(struct slice payload, struct uof_method *ret_method);

/* ---- what a consumer says; each is put whole, or `out` overflows ---- */

void uof_put_greeting(struct buf *out);
/* PLAIN: user and password as they are. */
void uof_put_start_ok(struct buf *out, struct slice user, struct slice password);
void uof_put_tune_ok(struct buf *out, uint32_t frame_bytes_max, uint16_t heartbeat_s);
void uof_put_open(struct buf *out, struct slice vhost);
void uof_put_channel_open(struct buf *out, uint16_t channel);
/* A queue that the broker names, for this connection alone, gone with it. */
void uof_put_declare(struct buf *out, uint16_t channel);
void uof_put_bind(struct buf *out, uint16_t channel, struct slice queue, struct slice exchange,
                  struct slice key);
/* Without acknowledgements. */
void uof_put_consume(struct buf *out, uint16_t channel, struct slice queue);
void uof_put_heartbeat(struct buf *out);
/* Ends the connection on our side, or says that we heard the broker end it. */
void uof_put_close(struct buf *out);
void uof_put_close_ok(struct buf *out);
