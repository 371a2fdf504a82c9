/* link_frame.h - how a message of a link between processes lies in a batch: a head of 8 bytes, a
 * body that its type fixes, and a tail. Numbers are little-endian; structs are read and written by
 * memcpy. What comes in is hostile. Pure. Thread: any. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct link_head {
    uint32_t bytes; /* of the whole message */
    uint16_t type;
    uint16_t reserved; /* 0 */
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");
static_assert(sizeof(struct link_head) == 8, "no padding");

/* The types of a link, from 1 on: bytes of the body, and how long the tail may be. */
struct link_shapes {
    const struct link_shape {
        size_t body, tail_max;
    } * rows;
    uint16_t count; /* the highest type and one */
};

/* A message, taken apart, within what it was read from. */
struct link_frame {
    uint16_t type;
    struct slice body, tail;
};

/* The next message of a batch; *batch becomes what is behind it. 1: there is one; 0: the batch is
 * at its end; -ERR_FORMAT: what comes has not the shape of one. */
int link_frame_next(struct slice *batch, const struct link_shapes *shapes, struct link_frame *ret);
/* Appends head and body, which is as long as its type says; the caller appends the tail. False, and
 * nothing was written: there is no room for all of it. */
bool link_frame_begin(struct buf *out, const struct link_shapes *shapes, unsigned type,
                      const void *body, size_t tail_bytes);
