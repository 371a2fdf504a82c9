/* record_encode.c - contract in record_encode.h. */
#include "ledger/record_encode.h"

#include "base/assert.h"
#include "base/hash.h"

static size_t draft_texts_bytes(const struct record_draft *draft)
{
    size_t bytes = 0;
    for (size_t i = 0; i < draft->texts_count; i++)
        bytes += draft->texts[i].bytes;
    return bytes;
}

static char *append(char *at, const void *from, size_t bytes)
{
    if (bytes > 0)
        memcpy(at, from, bytes);
    return at + bytes;
}

const struct record_head *record_encode(struct buf *out, const struct record_draft *draft)
{
    size_t body = record_body_bytes(draft->type);
    size_t items = record_item_bytes(draft->type) * draft->items_count;
    size_t postings = sizeof(struct record_posting) * draft->postings_count;
    size_t used = sizeof(struct record_head) + body + items + postings + draft_texts_bytes(draft);
    size_t bytes = (used + 7) & ~(size_t)7;
    ASSERT(body != 0);
    ASSERT(draft->items_count <= UINT16_MAX);
    ASSERT(draft->postings_count <= RECORD_POSTINGS_MAX);
    ASSERT(bytes <= RECORD_BYTES_MAX);
    ASSERT((out->bytes & 7) == 0);
    if (out->overflow || out->capacity - out->bytes < bytes)
        return NULL;
    char *begin = buf_reserve(out, bytes);
    struct record_head head = {
        .bytes = (uint32_t)bytes,
        .seq = draft->seq,
        .time_us = draft->time_us,
        .type = (uint16_t)draft->type,
        .format = RECORD_FORMAT,
        .items_count = (uint16_t)draft->items_count,
        .postings_count = (uint16_t)draft->postings_count,
        .account = draft->account,
        .before_crc = draft->before_crc,
    };
    char *at = append(begin, &head, sizeof head);
    at = append(at, draft->body, body);
    at = append(at, draft->items, items);
    at = append(at, draft->postings, postings);
    for (size_t i = 0; i < draft->texts_count; i++)
        at = append(at, draft->texts[i].at, draft->texts[i].bytes);
    memset(at, 0, bytes - used);
    struct record_head *written = (struct record_head *)(void *)begin;
    written->crc = crc32c(0, begin + 8, bytes - 8);
    return written;
}
