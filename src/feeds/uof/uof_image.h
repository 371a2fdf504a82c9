/* uof_image.h - from the cache to what the book is shown, and told. Private to feeds/uof. */
#pragma once

#include "core/market.h"
#include "feeds/uof/uof_cache.h"
#include "feeds/uof/uof_producers.h"

struct uof_image_writer {
    struct feed_sink *sink;            /* borrowed */
    struct uof_cache *cache;           /* borrowed */
    struct uof_producers *producers;   /* borrowed */
    int64_t in_play_delay_us;          /* of bets on what is in play */
    struct feed_selection *selections; /* owned, SELECTIONS_MAX */
    char (*names)[NAME_BYTES_MAX];     /* owned, SELECTIONS_MAX + 1 */
    uint64_t sent;
};

/* 0 or -ERR_MEMORY. */
int uof_image_new(struct uof_image_writer *writer);
void uof_image_done(struct uof_image_writer *writer);

/* Shows the market as it is now. */
void uof_image_send(struct uof_image_writer *writer, const struct cached_market *market);
/* The market gave way in the cache: the book is told that it is not offered any more. */
void uof_image_remove(void *writer, const struct cached_market *market);

/* Is it in play? As its status says; while none has come, what the live producer sends is. */
bool uof_in_play(const struct cached_event *event, const struct cached_market *market);
