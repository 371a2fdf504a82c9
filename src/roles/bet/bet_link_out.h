/* bet_link_out.h - one end of a link (bet_link_wire.h): the batch that a turn fills, and what
 * carries it. A link that has failed is closed once, and what is said to it afterwards is dropped
 * until its owner says that it has ended. Thread: that of its loop. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ports/carrier.h"

struct bet_link_out {
    struct carrier link;
    bool attached;
    bool broken;      /* the link has failed; its owner has yet to say so */
    char *memory;     /* owned: of batch */
    struct buf batch; /* of this turn; there is room for any one message */
};

/* Makes what *out owns, without a link. 0 or -ERR_MEMORY. */
int bet_link_out_new(struct bet_link_out *out);
void bet_link_out_free(struct bet_link_out *out);

/* A link at a time; the batch begins empty. */
void bet_link_out_attach(struct bet_link_out *out, const struct carrier *link);
void bet_link_out_detach(struct bet_link_out *out);
/* Attached, and not failed. */
bool bet_link_out_is_open(const struct bet_link_out *out);

/* `put` is what putting a message into the batch has answered, and it must be true; a long batch
 * goes at once. */
void bet_link_out_said(struct bet_link_out *out, bool put);
/* The batch goes, where it is not empty. */
void bet_link_out_flush(struct bet_link_out *out);
/* Closes the link; once, and not without one. */
void bet_link_out_fail(struct bet_link_out *out);
