/* handover_wire.h - what two processes of the program say to each other at DATA/handover.sock while
 * the newer one takes over (docs/OPERATIONS.md, "Upgrades"). A message is a head and a body:
 *
 *   "OVRH"; version 1 byte (1); type 1 byte; 2 bytes zero; bytes of the body 4; crc32c of the 12
 *   bytes before and of the body, 4; body. Numbers little-endian.
 *
 *   1 HELLO      new to old: the new program's version, for the log
 *   2 LISTENERS  old to new: one byte a listener (enum handover_listener), whose sockets come with
 *                the message's first byte (SCM_RIGHTS), in the same order; a public one for each
 *                front (node_fronts.h), front after front
 *   3 GO         new to old: end; empty. Until here each side may hang up and nothing has happened
 *   4 STATE      old to new, once for each front: the streams' numbers
 *                (roles/odds/odds_handover.h), or empty. The old process has then let go of all
 * files 5 REFUSED    old to new: a sentence
 *
 * And the old one's side of it as a state machine without sockets or clock. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define HANDOVER_VERSION         1
#define HANDOVER_HEAD_BYTES      16
#define HANDOVER_SMALL_BYTES_MAX 256                 /* a body other than a state's */
#define HANDOVER_STATE_BYTES_MAX (128 * 1024 * 1024) /* the limits of the streams allow 50 MB */
#define HANDOVER_FRONTS_MAX      32
#define HANDOVER_SOCKETS_MAX     (2 * HANDOVER_FRONTS_MAX + 1)

enum handover_type {
    HANDOVER_HELLO = 1,
    HANDOVER_LISTENERS,
    HANDOVER_GO,
    HANDOVER_STATE,
    HANDOVER_REFUSED,
};

enum handover_listener { HANDOVER_PLAIN = 0, HANDOVER_TLS, HANDOVER_ADMIN };
#define HANDOVER_LISTENER_KINDS 3

struct handover_head {
    enum handover_type type;
    uint32_t bytes; /* of the body, at most what its type allows */
    uint32_t crc;
};

/* The head of a message with this body. */
void handover_put_head(struct buf *out, enum handover_type type, struct slice body);
/* Reads HANDOVER_HEAD_BYTES. -ERR_FORMAT: no head of ours, or a body that is too long;
 * -ERR_UNSUPPORTED: of another version. */
int handover_read_head(const char *at, struct handover_head *ret);
/* Whether the body is the one that the head is of. -ERR_CORRUPT. */
int handover_check_body(const char *head_at, struct slice body);

/* ---- the old process ---- */

enum handover_stage {
    HANDOVER_ALONE = 0, /* nobody is there */
    HANDOVER_GREETING,  /* somebody connected */
    HANDOVER_OFFERED,   /* it has the listening sockets, as we do */
    HANDOVER_ENDING,    /* GO came: no more accepts, prices are being ended, bets answered */
    HANDOVER_DRAINING,  /* everyone was sent away, connections end */
    HANDOVER_DONE,      /* nothing is left but to say the state */
};

enum handover_event {
    HANDOVER_CONNECTED,
    HANDOVER_SAID_HELLO,
    HANDOVER_SAID_GO,
    HANDOVER_BROKEN,  /* it hung up, was too slow, or said what it must not */
    HANDOVER_SETTLED, /* all markets are shown as suspended and all bets answered, or it took too
                         long */
    HANDOVER_DRAINED,
};

enum handover_action {
    HANDOVER_NOTHING = 0,
    HANDOVER_OFFER,     /* send the listening sockets */
    HANDOVER_END,       /* stop accepting, end prices */
    HANDOVER_SEND_AWAY, /* the clients; then drain */
    HANDOVER_STOP,      /* the loop */
    HANDOVER_HANG_UP,   /* on the one whose event this was; and go on as before */
    HANDOVER_GO_ALONE,  /* hang up, and end all the same: too late to go back */
};

/* What is to be done at this event; *stage moves. */
enum handover_action handover_step(enum handover_stage *stage, enum handover_event event);
