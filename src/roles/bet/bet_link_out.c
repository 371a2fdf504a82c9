/* bet_link_out.c - contract in bet_link_out.h. */
#include "roles/bet/bet_link_out.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "roles/bet/bet_link_wire.h"

static void empty(struct bet_link_out *out)
{
    out->batch = buf_over(out->memory, BET_LINK_BATCH_BYTES_MAX);
}

int bet_link_out_new(struct bet_link_out *out)
{
    char *memory = malloc(BET_LINK_BATCH_BYTES_MAX);
    if (memory == NULL)
        return -ERR_MEMORY;
    *out = (struct bet_link_out){.memory = memory};
    empty(out);
    return 0;
}

void bet_link_out_free(struct bet_link_out *out)
{
    free(out->memory);
}

void bet_link_out_attach(struct bet_link_out *out, const struct carrier *link)
{
    ASSERT(!out->attached);
    out->link = *link;
    out->attached = true;
    out->broken = false;
    empty(out);
}

void bet_link_out_detach(struct bet_link_out *out)
{
    out->attached = false;
    empty(out);
}

bool bet_link_out_is_open(const struct bet_link_out *out)
{
    return out->attached && !out->broken;
}

void bet_link_out_fail(struct bet_link_out *out)
{
    if (!bet_link_out_is_open(out))
        return;
    out->broken = true;
    out->link.close(out->link.owner);
}

void bet_link_out_flush(struct bet_link_out *out)
{
    if (out->batch.bytes == 0)
        return;
    bool sent = out->broken || out->link.send(out->link.owner, buf_slice(&out->batch));
    empty(out);
    if (!sent)
        bet_link_out_fail(out);
}

void bet_link_out_said(struct bet_link_out *out, bool put)
{
    ASSERT(put);
    if (out->batch.bytes >= BET_LINK_BATCH_BYTES)
        bet_link_out_flush(out);
}
