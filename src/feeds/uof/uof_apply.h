/* uof_apply.h - what odds changes, bet stops and changes of fixtures do to the cache, and which
 * markets the book is shown after it. Private to feeds/uof. */
#pragma once

#include "feeds/uof/uof_image.h"

struct uof_apply {
    struct uof_cache *cache;         /* borrowed */
    struct uof_image_writer *writer; /* borrowed */
    uint64_t old;       /* markets in a message that another one overtook: as they were */
    uint64_t not_owned; /* markets that another producer sends now: as they were */
    uint64_t stopped;   /* markets that a bet stop closed */
};

/* Each takes a message of its kind, whose producer is known. */
void uof_apply_odds_change(struct uof_apply *apply, const struct uof_message *message);
/* Closes what is open. */
void uof_apply_bet_stop(struct uof_apply *apply, const struct uof_message *message);
/* Moves the start. */
void uof_apply_fixture_change(struct uof_apply *apply, const struct uof_message *message);
