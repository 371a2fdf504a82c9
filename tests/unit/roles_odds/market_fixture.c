/* market_fixture.c - contract in market_fixture.h. */
#include "market_fixture.h"

#include <stdlib.h>
#include <string.h>

#define PUT(image, field, text)                                                                    \
    ((image)->field##_bytes = (uint8_t)strlen(text), memcpy((image)->field, (text), strlen(text)))

struct odds_image *market_image(const char *market, const char *event, const char *sport)
{
    static union {
        struct odds_image image;
        char memory[sizeof(struct odds_image) + SELECTIONS_MAX * sizeof(struct odds_selection)];
    } place;
    static const struct odds prices[FIXTURE_SELECTIONS] = {{21, 10}, {17, 5}, {21, 13}};
    memset(&place, 0, sizeof place);
    struct odds_image *image = &place.image;
    PUT(image, market_id, market);
    PUT(image, event_id, event);
    PUT(image, sport, sport);
    PUT(image, provider, "p");
    PUT(image, event_name, "Home \"v\" Away");
    PUT(image, name, "Match odds");
    PUT(image, kind, "1x2");
    image->odds_version = odds_version_make(1, 1);
    image->status = MARKET_ACTIVE;
    image->updated = (struct instant){1700000000123456};
    image->feed_time = (struct instant){1700000000000000};
    image->selections_count = FIXTURE_SELECTIONS;
    for (int i = 0; i < FIXTURE_SELECTIONS; i++) {
        struct odds_selection *s = &image->selections[i];
        s->odds = prices[i];
        s->status = SELECTION_ACTIVE;
        s->id_bytes = s->name_bytes = 1;
        s->id[0] = (char)('a' + i);
        s->name[0] = (char)('A' + i);
    }
    return image;
}
