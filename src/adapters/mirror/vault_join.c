/* vault_join.c - contract in vault_join.h. */
#include "adapters/mirror/vault_join.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define PAGE PERSONAL_STORE_PLACES_MAX
static_assert(PAGE <= PERSONAL_AHEAD_MAX, "a page is read at once");

struct joining {
    const struct vault_join_options *options;
    struct personal_keys *keys; /* owned until the end */
    struct vault_join_report *report;
    struct buf *why;
    uint32_t first, count; /* users of the page */
    bool dirty;            /* the file has something else there than was read */
    char file[PAGE * PERSONAL_SLOT_BYTES], stands[PAGE * PERSONAL_SLOT_BYTES];
};

static char *slot_at(char *slots, uint32_t i)
{
    return slots + (size_t)i * PERSONAL_SLOT_BYTES;
}

static bool same(const char *a, const char *b)
{
    return memcmp(a, b, PERSONAL_SLOT_BYTES) == 0;
}

static int say(struct joining *j, int error)
{
    const struct personal_store *store = j->options->store;
    buf_put_text(j->why, store->ops->problem(store));
    return error;
}

/* ---- a page ---- */

/* What a disk has damaged is as good as nothing. */
static int read_file(struct joining *j)
{
    TRY(personal_keys_read(j->keys, j->first, j->count, j->file));
    j->dirty = false;
    for (uint32_t i = 0; i < j->count; i++) {
        char *slot = slot_at(j->file, i);
        if (personal_slot_is_sound((uint64_t)j->first + i + 1, slot))
            continue;
        memset(slot, 0, PERSONAL_SLOT_BYTES);
        j->dirty = true;
        j->report->damaged += personal_slot_state(slot_at(j->stands, i)) == PERSONAL_SLOT_NONE;
    }
    return 0;
}

/* How many of the file's slots are above what stands. */
static uint64_t above(struct joining *j)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < j->count; i++)
        count +=
            personal_slot_state(slot_at(j->file, i)) > personal_slot_state(slot_at(j->stands, i));
    return count;
}

static int bring(struct joining *j, const char *slots)
{
    memcpy(j->stands, slots, sizeof j->stands);
    int error = j->options->store->ops->join(j->options->store, (uint64_t)j->first + 1, j->count,
                                             j->stands);
    return error < 0 ? say(j, error) : 0;
}

static bool has_none(struct joining *j)
{
    bool none = false;
    for (uint32_t i = 0; i < j->count; i++)
        none |= personal_slot_state(slot_at(j->stands, i)) == PERSONAL_SLOT_NONE;
    return none;
}

/* Keys of the file that are not those that stand are counted. The others are put where they
 * differ; what was erased is put over any key. */
static int put_page(struct joining *j)
{
    uint64_t fetched = 0;
    for (uint32_t i = 0; i < j->count; i++) {
        const char *file = slot_at(j->file, i), *stands = slot_at(j->stands, i);
        bool other = personal_slot_state(file) == PERSONAL_SLOT_KEY &&
                     personal_slot_state(stands) == PERSONAL_SLOT_KEY && !same(file, stands);
        j->report->aside += other;
        if (!other && !same(file, stands))
            fetched++;
        if (other)
            memcpy(slot_at(j->stands, i), file, PERSONAL_SLOT_BYTES);
    }
    j->report->fetched += fetched;
    return fetched == 0 && !j->dirty ? 0
                                     : personal_keys_put(j->keys, j->first, j->count, j->stands);
}

static int join_page(struct joining *j)
{
    struct personal_store *store = j->options->store;
    int error = store->ops->read(store, (uint64_t)j->first + 1, j->count, j->stands);
    if (error < 0)
        return say(j, error);
    TRY(read_file(j));
    uint64_t brought = above(j);
    if (brought > 0)
        TRY(bring(j, j->file));
    j->report->brought += brought;
    TRY(put_page(j));
    if (!has_none(j))
        return 0;
    /* A gap, of slots that were lost: keys for whoever has none, as at an account's opening. */
    TRY(personal_keys_fill(j->keys, j->first, j->count, j->file));
    TRY(bring(j, j->file));
    return put_page(j);
}

/* ---- the whole ---- */

/* Nothing is brought to keys of another master key. Of two heads of one key either will do. */
static int join_head(struct joining *j)
{
    char head[PERSONAL_SLOT_BYTES];
    struct personal_store *store = j->options->store;
    TRY(personal_keys_head(j->keys, head));
    int error = store->ops->join(store, 0, 1, head);
    if (error < 0)
        return say(j, error);
    error = personal_keys_check_head(j->keys, head);
    if (error == -ERR_CONFIG)
        buf_put_text(j->why, "they stand in the database under another master key than this "
                             "folder's personal-master.key");
    return error;
}

static int join_all(struct joining *j)
{
    struct personal_store_count there;
    struct personal_store *store = j->options->store;
    int error = store->ops->count(store, &there);
    if (error < 0)
        return say(j, error);
    uint64_t slots = there.places > 0 ? there.places - 1 : 0, own = personal_keys_slots(j->keys);
    slots = slots > own ? slots : own;
    slots = slots < j->options->accounts_max ? slots : j->options->accounts_max;
    j->report->slots = slots;
    for (uint64_t first = 0; first < slots; first += PAGE) {
        j->first = (uint32_t)first;
        j->count = (uint32_t)(slots - first < PAGE ? slots - first : PAGE);
        TRY(join_page(j));
    }
    return 0;
}

static int open_file(struct joining *j)
{
    const struct vault_join_options *options = j->options;
    return personal_keys_open(options->folder, options->name, options->master,
                              options->accounts_max, &j->keys);
}

/* The file goes out of the way, whole but for what was erased. */
static int put_aside(struct joining *j)
{
    char aside[64];
    const struct vault_join_options *options = j->options;
    int bytes = snprintf(aside, sizeof aside, "%s" VAULT_ASIDE_SUFFIX, options->name);
    if (bytes < 0 || (size_t)bytes >= sizeof aside)
        return -ERR_LIMIT;
    TRY(personal_keys_sync(j->keys));
    personal_keys_free(j->keys);
    j->keys = NULL;
    if (linkat(options->folder, options->name, options->folder, aside, 0) != 0) {
        if (errno != EEXIST)
            return -ERR_IO;
        buf_printf(
            j->why,
            "%s has keys other than those in the database, and so has %s: move that one away",
            options->name, aside);
        return -ERR_CONFIG;
    }
    if (unlinkat(options->folder, options->name, 0) != 0 || fsync(options->folder) != 0)
        return -ERR_IO;
    return open_file(j);
}

static int run(struct joining *j)
{
    TRY(open_file(j));
    TRY(join_head(j));
    TRY(join_all(j));
    if (j->report->aside > 0) {
        TRY(put_aside(j));
        j->report->fetched = 0;
        TRY(join_all(j));
    }
    /* What was only read may have been on one machine of the store: a join waits for that. */
    TRY(join_head(j));
    personal_keys_forget(j->keys);
    return personal_keys_sync(j->keys);
}

int vault_join(const struct vault_join_options *options, struct personal_keys **ret_keys,
               struct vault_join_report *ret_report, struct buf *why)
{
    static struct joining j; /* large; one start at a time, and wrapped keys only */
    struct vault_join_report report = {.slots = 0};
    j = (struct joining){.options = options, .report = &report, .why = why};
    int error = run(&j);
    if (error != 0) {
        personal_keys_free(j.keys);
        return error;
    }
    *ret_keys = j.keys;
    *ret_report = report;
    return 0;
}
