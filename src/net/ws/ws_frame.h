/* ws_frame.h - WebSocket frames and messages (RFC 6455 section 5): parse, check, encode. No I/O.
 *
 * The input is unmasked in place. A frame is taken when all of it is there; its header is checked
 * as soon as it can be. Any split of the input gives the same events. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/stream/shared_bytes.h"
#include "net/ws/ws_utf8.h"

#define WS_MESSAGE_BYTES_MAX (64 * 1024)
#define WS_CONTROL_BYTES_MAX 125
#define WS_HEADER_BYTES_MAX  14

enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0x0,
    WS_OPCODE_TEXT = 0x1,
    WS_OPCODE_BINARY = 0x2,
    WS_OPCODE_CLOSE = 0x8,
    WS_OPCODE_PING = 0x9,
    WS_OPCODE_PONG = 0xa,
};

/* Close codes (RFC 6455 section 7.4.1 and the IANA registry). */
#define WS_CLOSE_NORMAL      1000
#define WS_CLOSE_GOING_AWAY  1001
#define WS_CLOSE_PROTOCOL    1002
#define WS_CLOSE_UNSUPPORTED 1003
#define WS_CLOSE_NO_STATUS   1005 /* never on the wire: a close frame without code came */
#define WS_CLOSE_ABNORMAL    1006 /* never on the wire: no close frame came */
#define WS_CLOSE_BAD_TEXT    1007
#define WS_CLOSE_POLICY      1008
#define WS_CLOSE_TOO_BIG     1009
#define WS_CLOSE_RESTART     1012 /* another process goes on: the client comes back to it */
#define WS_CLOSE_TRY_LATER   1013 /* the client is too slow: it may come back */

enum ws_event {
    WS_EVENT_MORE = 0, /* the input is used up or begins with an incomplete frame */
    WS_EVENT_TEXT,     /* a complete message */
    WS_EVENT_BINARY,
    WS_EVENT_PING,
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* code and reason (payload after the code); nothing after it counts */
    WS_EVENT_BAD,   /* close with this code; the input is unusable from here on */
};

struct ws_message {
    struct slice payload; /* of the input or of the reader; until the next call */
    uint16_t code;        /* CLOSE and BAD */
    bool packed;          /* TEXT and BINARY: by RFC 7692; not checked to be UTF-8 yet */
};

struct ws_reader {
    bool from_client;    /* frames must be masked; else they must not be */
    bool may_pack;       /* permessage-deflate was agreed; set after _init */
    bool packed;         /* the fragmented message in progress is */
    bool broken;         /* after BAD or CLOSE */
    uint8_t opcode;      /* of the fragmented message in progress, 0 = none */
    uint16_t code;       /* kept after broken */
    struct ws_utf8 utf8; /* of the fragmented text in progress */
    size_t bytes_max;    /* of a message */
    char *message;       /* owned; fragments so far */
    size_t bytes, capacity;
};

/* Owns no memory until fragments come; _done frees it and may be called twice. */
void ws_reader_init(struct ws_reader *reader, bool from_client, size_t message_bytes_max);
void ws_reader_done(struct ws_reader *reader);

/* The next event of at[0..bytes); *ret_used is how much of the input it took (0 for MORE: give it
 * again with more behind it). Writes into the input (unmasking) what it takes. Out of memory for
 * fragments: BAD with 1013. */
enum ws_event ws_reader_next(struct ws_reader *reader, char *at, size_t bytes, size_t *ret_used,
                             struct ws_message *ret_message);

/* Whether a close code may be on the wire (RFC 6455 section 7.4). */
bool ws_frame_code_is_valid(uint16_t code);

/* Header of a frame with FIN into at[WS_HEADER_BYTES_MAX]; with `mask` (4 bytes) set, for a client.
 * Answers its size. */
size_t ws_frame_header(char *at, enum ws_opcode opcode, size_t payload_bytes, const uint8_t *mask);
/* XORs bytes with the mask, 8 at a time; position is the offset in the payload. */
void ws_frame_mask(char *at, size_t bytes, const uint8_t mask[4], size_t position);
/* Cuts the first of several unmasked frames off *frames, which are ours and so whole and
 * well-formed, and answers it. */
struct slice ws_frame_cut(struct slice *frames, struct slice *ret_payload);
/* An unmasked text frame, encoded once for many connections. The caller owns one reference.
 * -ERR_MEMORY, -ERR_LIMIT. */
int ws_frame_shared_text(struct slice text, struct shared_bytes **ret_frame);
