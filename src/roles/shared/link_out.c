/* link_out.c - contract in link_out.h. */
#include "roles/shared/link_out.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

static void empty(struct link_out *out)
{
    out->batch = buf_over(out->memory, out->memory_bytes);
}

int link_out_new(struct link_out *out, size_t batch_bytes, size_t message_max)
{
    size_t memory_bytes = batch_bytes + message_max;
    char *memory = malloc(memory_bytes);
    if (memory == NULL)
        return -ERR_MEMORY;
    *out = (struct link_out){
        .batch_bytes = batch_bytes, .memory = memory, .memory_bytes = memory_bytes};
    empty(out);
    return 0;
}

void link_out_free(struct link_out *out)
{
    free(out->memory);
}

void link_out_attach(struct link_out *out, const struct carrier *link)
{
    ASSERT(!out->attached);
    out->link = *link;
    out->attached = true;
    out->broken = false;
    empty(out);
}

void link_out_detach(struct link_out *out)
{
    out->attached = false;
    empty(out);
}

bool link_out_is_open(const struct link_out *out)
{
    return out->attached && !out->broken;
}

void link_out_fail(struct link_out *out)
{
    if (!link_out_is_open(out))
        return;
    out->broken = true;
    out->link.close(out->link.owner);
}

void link_out_flush(struct link_out *out)
{
    if (out->batch.bytes == 0)
        return;
    bool sent = out->broken || out->link.send(out->link.owner, buf_slice(&out->batch));
    empty(out);
    if (!sent)
        link_out_fail(out);
}

void link_out_said(struct link_out *out, bool put)
{
    ASSERT(put);
    if (out->batch.bytes >= out->batch_bytes)
        link_out_flush(out);
}

size_t link_out_queued(const struct link_out *out)
{
    if (!link_out_is_open(out) || out->link.queued == NULL)
        return out->batch.bytes;
    return out->batch.bytes + out->link.queued(out->link.owner);
}
