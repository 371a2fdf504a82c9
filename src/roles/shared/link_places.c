/* link_places.c - contract in link_places.h. */
#include "roles/shared/link_places.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

int link_places_new(struct link_places *places, uint32_t count)
{
    ASSERT(count > 0 && count < LINK_PLACE_NONE);
    *places = (struct link_places){
        .rows = calloc(count, sizeof *places->rows), .count = count, .first = LINK_PLACE_NONE};
    places->last = LINK_PLACE_NONE;
    for (uint32_t i = 0; places->rows != NULL && i < count; i++)
        places->rows[i].next = i + 1 < count ? i + 1 : LINK_PLACE_NONE;
    return places->rows == NULL ? -ERR_MEMORY : 0;
}

void link_places_free(struct link_places *places)
{
    free(places->rows);
}

uint32_t link_places_take(struct link_places *places, int64_t now_us)
{
    uint32_t at = places->free_first;
    if (at == LINK_PLACE_NONE)
        return at;
    struct link_place *row = &places->rows[at];
    places->free_first = row->next;
    *row = (struct link_place){.asked_us = now_us,
                               .before = places->last,
                               .next = LINK_PLACE_NONE,
                               .used = row->used + 1,
                               .taken = true};
    if (places->last == LINK_PLACE_NONE)
        places->first = at;
    else
        places->rows[places->last].next = at;
    places->last = at;
    places->under_way++;
    return at;
}

void link_places_give(struct link_places *places, uint32_t place)
{
    struct link_place *row = &places->rows[place];
    ASSERT(place < places->count && row->taken);
    if (row->before == LINK_PLACE_NONE)
        places->first = row->next;
    else
        places->rows[row->before].next = row->next;
    if (row->next == LINK_PLACE_NONE)
        places->last = row->before;
    else
        places->rows[row->next].before = row->before;
    *row = (struct link_place){.next = places->free_first, .used = row->used};
    places->free_first = place;
    places->under_way--;
}

uint64_t link_places_tag(const struct link_places *places, uint32_t place)
{
    return (uint64_t)places->rows[place].used << 32 | place;
}

uint32_t link_places_find(const struct link_places *places, uint64_t tag)
{
    uint32_t at = (uint32_t)tag;
    return at < places->count && places->rows[at].taken && places->rows[at].used == tag >> 32
               ? at
               : LINK_PLACE_NONE;
}

int64_t link_places_due_us(const struct link_places *places, int64_t longest_us, int64_t now_us)
{
    if (places->under_way == 0)
        return -1;
    int64_t left_us = places->rows[places->first].asked_us + longest_us - now_us;
    return left_us > 0 ? left_us : 0;
}
