/* uof_session.h - one connection to a broker of the Unified Odds Feed, from the greeting to the
 * messages, as a machine: bytes in, one step at a time; what is to be sent, and messages, out.
 *
 *   greeting -> START / start-ok -> TUNE / tune-ok, open -> OPEN_OK / channel.open
 *   -> CHANNEL_OPEN_OK / queue.declare -> DECLARE_OK / queue.bind, one a key, each answered BIND_OK
 *   -> the last / basic.consume -> CONSUME_OK: it is up
 *   -> DELIVER, header, body, body, ..: a message; and so on
 *
 * Anything else ends it: a consumer has nothing to guess. The queue is the connection's own and
 * without acknowledgements (docs/decisions/0019-uof-link.md): what was not taken when a connection
 * is lost is lost, and a recovery brings it. Pure: no socket, no clock. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "feeds/uof/uof_frame.h"

#define UOF_SHORT_BYTES_MAX   255 /* of a name in AMQP */
#define UOF_KEYS_MAX          32
#define UOF_MESSAGE_BYTES_MAX (4 * 1024 * 1024)
#define UOF_OUT_BYTES_MAX     4096 /* of what one step says */
#define UOF_PROBLEM_BYTES     320
#define UOF_HEARTBEAT_S       2 /* P2: its link has 5 s of silence, so two may be missed */

/* All borrowed; texts within the limits above, user and password within UOF_AUTH_BYTES_MAX. */
struct uof_session_options {
    struct slice user, password, vhost, exchange;
    const struct slice *keys;
    size_t keys_count;        /* 1 .. UOF_KEYS_MAX */
    size_t message_bytes_max; /* a longer message ends the connection */
};

enum uof_session_event {
    UOF_SESSION_WAITS = 0, /* there is no whole frame: nothing was used */
    UOF_SESSION_ON,        /* a frame was used */
    UOF_SESSION_UP,        /* ... and messages follow from here on */
    UOF_SESSION_MESSAGE,   /* ... and uof_session_message() is whole */
    UOF_SESSION_ENDED,     /* ... with which the broker ends the connection: the problem says why */
};

struct uof_session;

/* Takes its memory now: message_bytes_max, touched as needed. -ERR_MEMORY. */
int uof_session_new(const struct uof_session_options *options, struct uof_session **ret_session);
void uof_session_free(struct uof_session *session); /* accepts NULL */

/* A connection begins: what is to be sent first is in uof_session_out(). */
void uof_session_begin(struct uof_session *session);
/* The first frame of `bytes`. 0; -ERR_FORMAT: the broker broke the protocol; -ERR_LIMIT: a frame or
 * message is too long; -ERR_MEMORY. After an error, and after ENDED, the connection is to be
 * closed, behind what uof_session_out() has. */
int uof_session_step(struct uof_session *session, struct slice bytes, size_t *ret_used,
                     enum uof_session_event *ret_event);
bool uof_session_is_up(const struct uof_session *session);
/* Valid until the next step. */
struct slice uof_session_message(const struct uof_session *session);
/* To be sent; the caller sets .bytes = 0 when it has been. */
struct buf *uof_session_out(struct uof_session *session);
/* Why it ended: "the broker says 403: ACCESS_REFUSED ..". Control characters are not in it. */
struct slice uof_session_problem(const struct uof_session *session);
/* Aborts when the machine is in no state that it can be in. For tests. */
void uof_session_check(const struct uof_session *session);
