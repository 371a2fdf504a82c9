/* bookmark_file.c - contract in bookmark_file.h. The file is one line, "POSITION SKIP LOG CRC", the
 * last the CRC-32C of the text before it, all as hexadecimal of fixed width. */
#include "adapters/embedded/bookmark_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define PLACE_END       ".place"
#define LOCK_END        ".lock"
#define NAME_BYTES_MAX  (DISK_NAME_BYTES_MAX - sizeof PLACE_END - sizeof ".new")
#define SKIP_AT         17
#define LOG_AT          26
#define LINE_TEXT_BYTES 42 /* 16 + 1 + 8 + 1 + 16 */
#define LINE_BYTES      52 /* and a space, the checksum and the line feed */

struct bookmark_file {
    struct event_bookmark bookmark;
    struct disk *disk; /* borrowed */
    int locked;        /* a file of it; -1: not taken */
    char place[DISK_NAME_BYTES_MAX + 1], lock[DISK_NAME_BYTES_MAX + 1];
};

static struct bookmark_file *file_of(struct event_bookmark *bookmark)
{
    return (struct bookmark_file *)bookmark;
}

static void write_line(const struct event_place *place, char line[static LINE_BYTES + 1])
{
    (void)snprintf(line, LINE_BYTES + 1, "%016llx %08x %016llx ",
                   (unsigned long long)place->position, (unsigned)place->skip,
                   (unsigned long long)place->log);
    (void)snprintf(line + LINE_TEXT_BYTES + 1, LINE_BYTES - LINE_TEXT_BYTES, "%08x\n",
                   (unsigned)crc32c(0, line, LINE_TEXT_BYTES));
}

/* What would be written of it must be what is there. */
static int parse_line(const char line[static LINE_BYTES + 1], struct event_place *ret_place)
{
    char expected[LINE_BYTES + 1];
    struct event_place place = {.position = strtoull(line, NULL, 16),
                                .skip = (uint32_t)strtoul(line + SKIP_AT, NULL, 16),
                                .log = strtoull(line + LOG_AT, NULL, 16)};
    write_line(&place, expected);
    if (memcmp(line, expected, LINE_BYTES) != 0)
        return -ERR_CORRUPT;
    *ret_place = place;
    return 0;
}

static int read_place(struct bookmark_file *b, struct event_place *ret_place)
{
    char line[LINE_BYTES + 1] = {0};
    size_t bytes = 0;
    int error = disk_read_whole(b->disk, b->place, line, LINE_BYTES, &bytes);
    if (error == -ERR_NOT_FOUND) {
        *ret_place = (struct event_place){0};
        return 0;
    }
    if (error == -ERR_LIMIT || (error == 0 && bytes != LINE_BYTES))
        return -ERR_CORRUPT;
    TRY(error);
    return parse_line(line, ret_place);
}

static void unlock(struct bookmark_file *b)
{
    if (b->locked >= 0)
        b->disk->ops->close(b->disk, b->locked);
    b->locked = -1;
}

static int bookmark_take(struct event_bookmark *bookmark, struct event_place *ret_place)
{
    struct bookmark_file *b = file_of(bookmark);
    TRY(b->disk->ops->lock(b->disk, b->lock, &b->locked));
    int error = read_place(b, ret_place);
    if (error < 0)
        unlock(b);
    return error;
}

static int bookmark_keep(struct event_bookmark *bookmark, const struct event_place *place)
{
    const struct disk_reasons reasons = {DISK_WHY_PLACE, DISK_WHY_PLACE_NAME};
    struct bookmark_file *b = file_of(bookmark);
    char line[LINE_BYTES + 1];
    write_line(place, line);
    return disk_replace_for(b->disk, b->place, line, LINE_BYTES, reasons);
}

static void bookmark_free(struct event_bookmark *bookmark)
{
    struct bookmark_file *b = file_of(bookmark);
    unlock(b);
    free(b);
}

static const struct event_bookmark_ops bookmark_ops = {bookmark_take, bookmark_keep, bookmark_free};

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.bytes; i++)
        if (!isalnum((unsigned char)name.at[i]) && strchr("-_.", name.at[i]) == NULL)
            return false;
    return name.bytes > 0 && name.bytes <= NAME_BYTES_MAX && name.at[0] != '.';
}

int bookmark_file_new(struct disk *disk, struct slice name, struct event_bookmark **ret_bookmark,
                      struct buf *why)
{
    if (!is_name(name)) {
        buf_printf(why, "a group's name is of letters, digits, '-', '_' and '.': %.*s",
                   SLICE_ARG(name));
        return -ERR_CONFIG;
    }
    struct bookmark_file *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -ERR_MEMORY;
    b->bookmark.ops = &bookmark_ops;
    b->disk = disk;
    b->locked = -1;
    (void)snprintf(b->place, sizeof b->place, "%.*s" PLACE_END, SLICE_ARG(name));
    (void)snprintf(b->lock, sizeof b->lock, "%.*s" LOCK_END, SLICE_ARG(name));
    *ret_bookmark = &b->bookmark;
    return 0;
}
