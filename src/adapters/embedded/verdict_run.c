/* verdict_run.c - contract in verdict_run.h. */
#include "adapters/embedded/verdict_run.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");
_Static_assert(offsetof(struct verdict_run_head, record_crc) == 80, "no padding");
_Static_assert(offsetof(struct verdict_run_head, crc) == VERDICT_PAGE_BYTES - 4, "nothing behind");

int verdict_key_compare(struct hash128 a, struct hash128 b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    if (a.low != b.low)
        return a.low < b.low ? -1 : 1;
    return 0;
}

static uint64_t home_of(struct hash128 key, uint64_t home_pages)
{
    return (uint64_t)((unsigned __int128)key.high * home_pages >> 64);
}

static void take_place(struct verdict_place *place, uint64_t home)
{
    if (home > place->page)
        *place = (struct verdict_place){home, 0};
    else if (place->used == VERDICT_PAGE_KEYS)
        *place = (struct verdict_place){place->page + 1, 0};
    place->used++;
}

/* ---- names ---- */

void verdict_run_name(uint32_t shard, uint64_t serial, char ret_name[DISK_NAME_BYTES_MAX + 1])
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "verdicts-%04u-%010llu.run", shard,
                         (unsigned long long)serial);
    ASSERT(bytes > 0 && bytes <= DISK_NAME_BYTES_MAX);
}

bool verdict_run_name_parse(const char *name, uint32_t shard, uint64_t *ret_serial)
{
    char expected[DISK_NAME_BYTES_MAX + 1];
    unsigned long long serial = 0;
    unsigned named = 0;
    if (sscanf(name, "verdicts-%4u-%19llu.run", &named, &serial) != 2)
        return false;
    verdict_run_name(shard, serial, expected);
    *ret_serial = serial;
    return strcmp(name, expected) == 0;
}

static void fresh_name(const struct verdict_run_head *head, char ret_name[DISK_NAME_BYTES_MAX + 1])
{
    char name[DISK_NAME_BYTES_MAX + 1];
    verdict_run_name(head->shard, head->serial, name);
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "%.*s" VERDICT_RUN_FRESH,
                         DISK_NAME_BYTES_MAX - 4, name);
    ASSERT(bytes > 0 && bytes <= DISK_NAME_BYTES_MAX);
}

/* ---- writing ---- */

int verdict_run_writer_new(struct disk *disk, struct verdict_run_writer *writer)
{
    *writer = (struct verdict_run_writer){.disk = disk, .file = -1};
    writer->at = aligned_alloc(VERDICT_PAGE_BYTES, VERDICT_STEP_PAGES * sizeof *writer->at);
    return writer->at == NULL ? -ERR_MEMORY : 0;
}

void verdict_run_writer_done(struct verdict_run_writer *writer)
{
    verdict_run_abandon(writer);
    free(writer->at);
    writer->at = NULL;
}

void verdict_run_abandon(struct verdict_run_writer *writer)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    if (writer->file < 0)
        return;
    writer->disk->ops->close(writer->disk, writer->file);
    writer->file = -1;
    fresh_name(&writer->head, name);
    (void)writer->disk->ops->unlink(writer->disk, name); /* else at the next open */
}

int verdict_run_begin(struct verdict_run_writer *writer, const struct verdict_run_head *what)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ASSERT(writer->file < 0);
    ASSERT(what->keys <= VERDICT_KEYS_MAX);
    writer->head = *what;
    memcpy(writer->head.magic, VERDICT_RUN_MAGIC, sizeof writer->head.magic);
    writer->head.format = VERDICT_RUN_FORMAT;
    writer->head.home_pages = what->keys / VERDICT_PAGE_FILL + 1;
    memset(writer->head.zeros, 0, sizeof writer->head.zeros);
    writer->place = (struct verdict_place){0, 0};
    writer->put = writer->written = writer->synced = 0;
    writer->held = 0;
    fresh_name(&writer->head, name);
    TRY(writer->disk->ops->open(writer->disk, name, true, &writer->file));
    return writer->disk->ops->truncate(writer->disk, writer->file, 0);
}

static void seal(const struct verdict_run_writer *writer, struct verdict_page *page)
{
    page->crc = crc32c(0, &page->count, sizeof *page - offsetof(struct verdict_page, count));
    ASSERT(page->serial == (uint32_t)writer->head.serial);
}

static int flush(struct verdict_run_writer *writer)
{
    for (uint32_t i = 0; i < writer->held; i++)
        seal(writer, &writer->at[i]);
    TRY(writer->disk->ops->write(writer->disk, writer->file,
                                 (1 + writer->written) * VERDICT_PAGE_BYTES, writer->at,
                                 (size_t)writer->held * VERDICT_PAGE_BYTES));
    writer->written += writer->held;
    writer->held = 0;
    if ((writer->written - writer->synced) * VERDICT_PAGE_BYTES < VERDICT_SYNC_BYTES)
        return 0;
    writer->synced = writer->written;
    return writer->disk->ops->sync(writer->disk, writer->file, DISK_WHY_VERDICTS);
}

/* Begins the pages up to this number; the last of them is open. */
static int open_pages(struct verdict_run_writer *writer, uint64_t page)
{
    while (writer->written + writer->held <= page) {
        if (writer->held == VERDICT_STEP_PAGES)
            TRY(flush(writer));
        struct verdict_page *next = &writer->at[writer->held];
        memset(next, 0, sizeof *next);
        next->page = (uint32_t)(writer->written + writer->held);
        next->serial = (uint32_t)writer->head.serial;
        writer->held++;
    }
    return 0;
}

int verdict_run_put(struct verdict_run_writer *writer, const struct verdict_entry *entry)
{
    int order = writer->put == 0 ? -1 : verdict_key_compare(writer->last, entry->key);
    ASSERT(order <= 0);
    ASSERT(writer->put < writer->head.keys);
    if (order == 0) /* L3 */
        return -ERR_CORRUPT;
    take_place(&writer->place, home_of(entry->key, writer->head.home_pages));
    TRY(open_pages(writer, writer->place.page));
    struct verdict_page *page = &writer->at[writer->held - 1];
    page->entries[page->count++] = *entry;
    ASSERT(page->count == writer->place.used);
    writer->last = entry->key;
    writer->put++;
    return 0;
}

static int write_head(struct verdict_run_writer *writer)
{
    struct verdict_run_head *head = &writer->head;
    head->pages = writer->written;
    head->crc = crc32c(0, head, offsetof(struct verdict_run_head, crc));
    TRY(writer->disk->ops->write(writer->disk, writer->file, 0, head, sizeof *head));
    return writer->disk->ops->sync(writer->disk, writer->file, DISK_WHY_VERDICTS);
}

int verdict_run_end(struct verdict_run_writer *writer)
{
    char name[DISK_NAME_BYTES_MAX + 1], fresh[DISK_NAME_BYTES_MAX + 1];
    ASSERT(writer->put == writer->head.keys);
    TRY(open_pages(writer, writer->head.home_pages - 1));
    TRY(flush(writer));
    TRY(write_head(writer));
    verdict_run_name(writer->head.shard, writer->head.serial, name);
    fresh_name(&writer->head, fresh);
    TRY(writer->disk->ops->rename(writer->disk, fresh, name));
    TRY(writer->disk->ops->sync_directory(writer->disk, DISK_WHY_VERDICTS_NAME));
    writer->disk->ops->close(writer->disk, writer->file);
    writer->file = -1;
    return 0;
}

/* ---- opening ---- */

static bool is_zero(const char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static bool head_is_sound(const struct verdict_run_head *head, uint32_t shard, uint64_t serial)
{
    return memcmp(head->magic, VERDICT_RUN_MAGIC, sizeof head->magic) == 0 &&
           head->crc == crc32c(0, head, offsetof(struct verdict_run_head, crc)) &&
           head->format == VERDICT_RUN_FORMAT && head->shard == shard && head->serial == serial &&
           is_zero(head->zeros, sizeof head->zeros) && head->seq_first >= 1 &&
           head->seq_first <= head->seq_last && head->keys <= VERDICT_KEYS_MAX &&
           head->keys <= head->seq_last - head->seq_first + 1 &&
           head->home_pages == head->keys / VERDICT_PAGE_FILL + 1 &&
           head->pages >= head->home_pages &&
           head->pages <= head->home_pages + head->keys / VERDICT_PAGE_KEYS + 1;
}

static int read_head(struct disk *disk, uint32_t shard, uint64_t serial, struct verdict_run *run)
{
    uint64_t bytes = 0;
    size_t got = 0;
    TRY(disk->ops->size(disk, run->file, &bytes));
    TRY(disk->ops->read(disk, (struct disk_piece){run->file, 0, &run->head, sizeof run->head},
                        &got));
    if (got != sizeof run->head || !head_is_sound(&run->head, shard, serial) ||
        bytes != (1 + run->head.pages) * VERDICT_PAGE_BYTES)
        return -ERR_CORRUPT;
    return 0;
}

static struct verdict_run *run_new(uint32_t shard, uint64_t serial)
{
    struct verdict_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->file = -1;
    verdict_run_name(shard, serial, run->name);
    return run;
}

int verdict_run_open(struct disk *disk, uint32_t shard, uint64_t serial,
                     struct verdict_run **ret_run)
{
    struct verdict_run *run = run_new(shard, serial);
    if (run == NULL)
        return -ERR_MEMORY;
    int error = disk->ops->open(disk, run->name, false, &run->file);
    if (error == 0)
        error = read_head(disk, shard, serial, run);
    if (error < 0) {
        verdict_run_close(disk, run);
        return error;
    }
    *ret_run = run;
    return 0;
}

void verdict_run_close(struct disk *disk, struct verdict_run *run)
{
    if (run == NULL)
        return;
    if (run->file >= 0)
        disk->ops->close(disk, run->file);
    free(run);
}

/* ---- pages ---- */

static bool page_is_sound(const struct verdict_run *run, const struct verdict_page *page,
                          uint64_t number)
{
    return page->crc ==
               crc32c(0, &page->count, sizeof *page - offsetof(struct verdict_page, count)) &&
           page->page == (uint32_t)number && page->serial == (uint32_t)run->head.serial &&
           page->count <= VERDICT_PAGE_KEYS && page->zero == 0;
}

static int read_pages(struct disk *disk, const struct verdict_run *run, uint64_t first,
                      struct verdict_page *to, uint32_t count)
{
    size_t got = 0;
    size_t bytes = (size_t)count * VERDICT_PAGE_BYTES;
    TRY(disk->ops->read(
        disk, (struct disk_piece){run->file, (1 + first) * VERDICT_PAGE_BYTES, to, bytes}, &got));
    if (got != bytes)
        return -ERR_CORRUPT;
    for (uint32_t i = 0; i < count; i++)
        if (!page_is_sound(run, &to[i], first + i))
            return -ERR_CORRUPT;
    return 0;
}

/* The place of the first key that is not below this one. */
static uint32_t search(const struct verdict_page *page, struct hash128 key)
{
    uint32_t low = 0, high = page->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (verdict_key_compare(page->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int verdict_run_find(struct verdict_finder *finder, const struct verdict_run *run,
                     struct hash128 key, uint64_t *ret_seq)
{
    const struct verdict_page *page = &finder->page;
    for (uint64_t at = home_of(key, run->head.home_pages); at < run->head.pages; at++) {
        TRY(read_pages(finder->disk, run, at, &finder->page, 1));
        finder->pages++;
        uint32_t index = search(page, key);
        if (index < page->count) {
            const struct verdict_entry *entry = &page->entries[index];
            if (verdict_key_compare(entry->key, key) != 0)
                return -ERR_NOT_FOUND;
            *ret_seq = entry->seq;
            return 0;
        }
        if (page->count < VERDICT_PAGE_KEYS) /* else it may stand in the next */
            return -ERR_NOT_FOUND;
    }
    return -ERR_NOT_FOUND;
}

/* ---- the scan ---- */

int verdict_scan_new(struct disk *disk, const struct verdict_run *run, struct verdict_scan *scan)
{
    *scan = (struct verdict_scan){.disk = disk, .run = run};
    scan->at = aligned_alloc(VERDICT_PAGE_BYTES, VERDICT_STEP_PAGES * sizeof *scan->at);
    return scan->at == NULL ? -ERR_MEMORY : 0;
}

void verdict_scan_done(struct verdict_scan *scan)
{
    free(scan->at);
    scan->at = NULL;
}

/* 0: there are no more pages. */
static int next_page(struct verdict_scan *scan)
{
    scan->index = 0;
    if (++scan->current < scan->held)
        return 1;
    uint64_t left = scan->run->head.pages - scan->page;
    scan->held = left < VERDICT_STEP_PAGES ? (uint32_t)left : VERDICT_STEP_PAGES;
    scan->current = 0;
    if (scan->held == 0)
        return 0;
    TRY(read_pages(scan->disk, scan->run, scan->page, scan->at, scan->held));
    scan->page += scan->held;
    return 1;
}

/* Ascending, of a record that the run covers, and where a look-up would find it. */
static bool entry_fits(struct verdict_scan *scan, const struct verdict_entry *entry)
{
    const struct verdict_run_head *head = &scan->run->head;
    if (scan->got > 0 && verdict_key_compare(scan->last, entry->key) >= 0)
        return false;
    take_place(&scan->place, home_of(entry->key, head->home_pages));
    return entry->seq >= head->seq_first && entry->seq <= head->seq_last &&
           scan->place.page == scan->at[scan->current].page && scan->place.used == scan->index + 1;
}

int verdict_scan_next(struct verdict_scan *scan, struct verdict_entry *ret_entry)
{
    while (scan->held == 0 || scan->index == scan->at[scan->current].count) {
        int more = next_page(scan);
        if (more < 0)
            return more;
        if (more == 0)
            return scan->got == scan->run->head.keys ? 0 : -ERR_CORRUPT;
    }
    const struct verdict_entry *entry = &scan->at[scan->current].entries[scan->index];
    if (!entry_fits(scan, entry))
        return -ERR_CORRUPT;
    scan->index++;
    scan->got++;
    scan->last = entry->key;
    *ret_entry = *entry;
    return 1;
}
