/* link_places.h - places for the questions that are under way over a link, in the order of asking.
 * The tag of a question is its place and how often that was used, so an answer that comes when the
 * place is another's is known. What is kept of a question is its owner's, by its place. Thread: one
 * user; allocates at _new only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LINK_PLACE_NONE UINT32_MAX

struct link_places {
    struct link_place {
        int64_t asked_us;
        uint32_t before, next; /* of those under way; `next` of those that are free, too */
        uint32_t used;
        bool taken;
    } * rows; /* owned */
    uint32_t count, free_first, first, last, under_way;
};

/* `count` is not 0. 0, -ERR_MEMORY. */
int link_places_new(struct link_places *places, uint32_t count);
void link_places_free(struct link_places *places); /* accepts one that is all zero */

/* LINK_PLACE_NONE: there is none that is free. */
uint32_t link_places_take(struct link_places *places, int64_t now_us);
/* It is free again, and its tag stands for nothing. */
void link_places_give(struct link_places *places, uint32_t place);

uint64_t link_places_tag(const struct link_places *places, uint32_t place);
/* LINK_PLACE_NONE: its question is not under way. */
uint32_t link_places_find(const struct link_places *places, uint64_t tag);
/* Until the oldest has been under way for so long: 0, it is due; -1, nothing is under way. */
int64_t link_places_due_us(const struct link_places *places, int64_t longest_us, int64_t now_us);
