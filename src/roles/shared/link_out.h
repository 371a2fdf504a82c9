/* link_out.h - one end of a link between two of our processes (roles/bet/bet_link_wire.h,
 * roles/backoffice/office_wire.h): the batch that a turn fills, and what carries it. A link that
 * has failed is closed once, and what is said to it afterwards is dropped until its owner says that
 * it has ended. Thread: that of its loop. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ports/carrier.h"

struct link_out {
    struct carrier link;
    bool attached;
    bool broken;        /* the link has failed; its owner has yet to say so */
    size_t batch_bytes; /* from which on a batch goes at once */
    char *memory;       /* owned: of batch */
    size_t memory_bytes;
    struct buf batch; /* of this turn; there is room for any one message */
};

/* Makes what *out owns, without a link: a batch ends behind the message that passes `batch_bytes`,
 * and none is longer than `message_max`. 0 or -ERR_MEMORY. */
int link_out_new(struct link_out *out, size_t batch_bytes, size_t message_max);
void link_out_free(struct link_out *out);

/* A link at a time; the batch begins empty. */
void link_out_attach(struct link_out *out, const struct carrier *link);
void link_out_detach(struct link_out *out);
/* Attached, and not failed. */
bool link_out_is_open(const struct link_out *out);

/* `put` is what putting a message into the batch has answered, and it must be true; a long batch
 * goes at once. */
void link_out_said(struct link_out *out, bool put);
/* The batch goes, where it is not empty. */
void link_out_flush(struct link_out *out);
/* Closes the link; once, and not without one. */
void link_out_fail(struct link_out *out);
/* Bytes that were said and that the peer's machine has not taken yet, as far as the carrier knows.
 */
size_t link_out_queued(const struct link_out *out);
