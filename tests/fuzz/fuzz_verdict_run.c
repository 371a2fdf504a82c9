/* fuzz_verdict_run.c - any bytes as a run of old keys: adapters/embedded/verdict_run.h.
 * The first byte says what is made right before, for a fuzzer does not guess checksums: bit 0 the
 * head's and its page counts, bit 1 the pages'. Properties: nothing is read beyond the file; a run
 * that a scan takes as whole answers each of its keys with its record, and its neighbours with
 * nothing; a run that it does not take answers with some record, nothing, or damage. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "adapters/embedded/verdict_run.h"
#include "adapters/faulty/faulty_disk.h"
#include "base/assert.h"
#include "base/error.h"

#define BYTES_MAX (6 * VERDICT_PAGE_BYTES)
#define SERIAL    7

enum repair { REPAIR_HEAD = 1, REPAIR_PAGES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static _Alignas(8) char input[BYTES_MAX];

static void repair_head(size_t bytes)
{
    struct verdict_run_head *head = (void *)input;
    memcpy(head->magic, VERDICT_RUN_MAGIC, sizeof head->magic);
    head->format = VERDICT_RUN_FORMAT;
    head->shard = 0;
    head->serial = SERIAL;
    head->home_pages = head->keys / VERDICT_PAGE_FILL + 1;
    head->pages = bytes / VERDICT_PAGE_BYTES - 1;
    memset(head->zeros, 0, sizeof head->zeros);
    head->crc = crc32c(0, head, offsetof(struct verdict_run_head, crc));
}

static void repair_pages(size_t bytes)
{
    for (size_t i = 1; i < bytes / VERDICT_PAGE_BYTES; i++) {
        struct verdict_page *page = (void *)(input + i * VERDICT_PAGE_BYTES);
        page->page = (uint32_t)(i - 1);
        page->serial = SERIAL;
        page->zero = 0;
        page->crc = crc32c(0, &page->count, sizeof *page - offsetof(struct verdict_page, count));
    }
}

static void look(struct verdict_finder *finder, const struct verdict_run *run, struct hash128 key,
                 const uint64_t *expected)
{
    uint64_t seq = 0;
    int error = verdict_run_find(finder, run, key, &seq);
    ASSERT(error == 0 || error == -ERR_NOT_FOUND || error == -ERR_CORRUPT);
    ASSERT(expected == NULL || (error == 0 && seq == *expected));
}

/* 0: whole. */
static int scan_all(struct disk *disk, const struct verdict_run *run, struct verdict_entry *entries,
                    size_t *ret_count)
{
    struct verdict_scan scan;
    int more = verdict_scan_new(disk, run, &scan);
    ASSERT(more == 0);
    *ret_count = 0;
    while ((more = verdict_scan_next(&scan, &entries[*ret_count])) > 0)
        ++*ret_count;
    verdict_scan_done(&scan);
    return more;
}

static void check_run(struct disk *disk, const struct verdict_run *run)
{
    static struct verdict_entry entries[BYTES_MAX / sizeof(struct verdict_entry)];
    static struct verdict_finder finder;
    size_t count;
    finder.disk = disk;
    bool whole = scan_all(disk, run, entries, &count) == 0;
    for (size_t i = 0; i < count; i++) {
        struct hash128 next = {entries[i].key.low + 1, entries[i].key.high};
        look(&finder, run, entries[i].key, whole ? &entries[i].seq : NULL);
        if (i + 1 == count || verdict_key_compare(next, entries[i + 1].key) != 0)
            look(&finder, run, next, NULL);
    }
    look(&finder, run, (struct hash128){0, 0}, NULL);
    look(&finder, run, (struct hash128){UINT64_MAX, UINT64_MAX}, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    struct verdict_run *run = NULL;
    int file;
    if (bytes < 1 || bytes - 1 > BYTES_MAX)
        return 0;
    memcpy(input, at + 1, bytes - 1);
    if ((at[0] & REPAIR_HEAD) != 0 && bytes - 1 >= 2 * VERDICT_PAGE_BYTES)
        repair_head(bytes - 1);
    if ((at[0] & REPAIR_PAGES) != 0)
        repair_pages(bytes - 1);
    struct faulty_disk *fake = faulty_disk_new();
    struct disk *disk = faulty_disk_of(fake);
    verdict_run_name(0, SERIAL, name);
    int error = disk->ops->open(disk, name, true, &file);
    ASSERT(error == 0);
    disk->ops->close(disk, file);
    bool put = faulty_disk_put(fake, name, 0, input, bytes - 1);
    ASSERT(put || bytes == 1);
    error = verdict_run_open(disk, 0, SERIAL, &run);
    ASSERT(error == 0 || error == -ERR_CORRUPT);
    if (error == 0)
        check_run(disk, run);
    if (error == 0)
        verdict_run_close(disk, run);
    faulty_disk_free(fake);
    return 0;
}
