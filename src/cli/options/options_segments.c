/* options_segments.c - contract in options_segments.h. */
#include "cli/options/options_segments.h"

#include "base/error.h"

/* A restart must not need the archive: without snapshots it folds every segment. */
static int take_archive(const struct options *options, struct node_options *node, struct buf *why)
{
    struct node_upkeep_options *upkeep = &node->upkeep;
    upkeep->archive = options_text(options, "archive");
    TRY(options_number(options, "archive-keep", (struct number_range){2, 65536},
                       &upkeep->archive_keep, why));
    if (upkeep->archive == NULL || node->shadow.on)
        return 0;
    buf_put_text(why, "--archive needs --snapshots on");
    return -ERR_CONFIG;
}

static int take_scrub(const struct options *options, struct node_upkeep_options *ret,
                      struct buf *why)
{
    const char *damage = options_text(options, "scrub-damage");
    TRY(options_number(options, "scrub-bytes-per-second",
                       (struct number_range){0, INT64_C(1) << 40}, &ret->scrub_bytes_per_second,
                       why));
    TRY(options_number(options, "scrub-interval-s", (struct number_range){1, 31536000},
                       &ret->scrub_interval_s, why));
    ret->scrub_stop = slice_is(slice_text(damage), "stop");
    if (ret->scrub_stop || slice_is(slice_text(damage), "alert"))
        return 0;
    buf_printf(why, "--scrub-damage is alert or stop, not: %s", damage);
    return -ERR_CONFIG;
}

int options_segments(const struct options *options, struct node_options *ret, struct buf *why)
{
    /* The smallest holds any group that the book commits (app/commit.h). */
    TRY(options_number(options, "segment-bytes", (struct number_range){1 << 20, 1 << 30},
                       &ret->segment_bytes, why));
    if (ret->segment_bytes % 4096 != 0) {
        buf_put_text(why, "--segment-bytes is a multiple of 4096");
        return -ERR_CONFIG;
    }
    TRY(options_switch(options, "compress-segments", &ret->upkeep.pack, why));
    TRY(options_number(options, "compress-keep", (struct number_range){0, 65536},
                       &ret->upkeep.pack_keep, why));
    TRY(take_scrub(options, &ret->upkeep, why));
    return take_archive(options, ret, why);
}
