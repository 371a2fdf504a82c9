/* link_frame.c - contract in link_frame.h. */
#include "roles/shared/link_frame.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

int link_frame_next(struct slice *batch, const struct link_shapes *shapes, struct link_frame *ret)
{
    struct link_head head;
    if (batch->bytes == 0)
        return 0;
    if (batch->bytes < sizeof head)
        return -ERR_FORMAT;
    memcpy(&head, batch->at, sizeof head);
    if (head.bytes < sizeof head || head.bytes > batch->bytes || head.reserved != 0 ||
        head.type == 0 || head.type >= shapes->count)
        return -ERR_FORMAT;
    struct slice rest = slice_of(batch->at + sizeof head, head.bytes - sizeof head);
    const struct link_shape *shape = &shapes->rows[head.type];
    if (rest.bytes < shape->body || rest.bytes - shape->body > shape->tail_max)
        return -ERR_FORMAT;
    *ret = (struct link_frame){head.type, slice_of(rest.at, shape->body),
                               slice_skip(rest, shape->body)};
    *batch = slice_skip(*batch, head.bytes);
    return 1;
}

bool link_frame_begin(struct buf *out, const struct link_shapes *shapes, unsigned type,
                      const void *body, size_t tail_bytes)
{
    const struct link_shape *shape = &shapes->rows[type];
    const struct link_head head = {
        .bytes = (uint32_t)(sizeof head + shape->body + tail_bytes),
        .type = (uint16_t)type,
    };
    ASSERT(type > 0 && type < shapes->count && tail_bytes <= shape->tail_max);
    if (out->overflow || out->capacity - out->bytes < head.bytes)
        return false;
    buf_put(out, &head, sizeof head);
    buf_put(out, body, shape->body);
    return true;
}
