/* late_releases.c - contract in late_releases.h. */
#include "app/late_releases.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"

int late_releases_new(struct late_releases *releases)
{
    *releases =
        (struct late_releases){reserve_new(LATE_RELEASES_MAX, sizeof *releases->rows), 0, 0};
    return releases->rows == NULL ? -ERR_MEMORY : 0;
}

void late_releases_free(struct late_releases *releases)
{
    reserve_free(releases->rows, LATE_RELEASES_MAX, sizeof *releases->rows);
}

static struct late_release *row_at(const struct late_releases *releases, uint32_t place)
{
    return &releases->rows[(releases->first + place) % LATE_RELEASES_MAX];
}

bool late_releases_full(const struct late_releases *releases)
{
    return releases->count == LATE_RELEASES_MAX;
}

struct late_release *late_releases_add(struct late_releases *releases, uint64_t seq)
{
    ASSERT(!late_releases_full(releases));
    struct late_release *row = row_at(releases, releases->count++);
    row->seq = seq;
    return row;
}

const struct late_release *late_releases_find(const struct late_releases *releases, uint64_t seq)
{
    uint32_t low = 0, high = releases->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (row_at(releases, middle)->seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < releases->count && row_at(releases, low)->seq == seq ? row_at(releases, low)
                                                                      : NULL;
}

void late_releases_forget(struct late_releases *releases, uint64_t seq)
{
    while (releases->count > 0 && row_at(releases, 0)->seq <= seq) {
        releases->first = (releases->first + 1) % LATE_RELEASES_MAX;
        releases->count--;
    }
}
