/* ledger_scan.c - contract in ledger_scan.h. */
#include "adapters/embedded/ledger_scan.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

void ledger_scan_begin(struct ledger_scan *scan, const struct ledger_place *place, uint64_t offset)
{
    ASSERT(offset % DISK_SECTOR == 0);
    *scan = (struct ledger_scan){
        .place = *place, .offset = offset, .group_offset = offset, .next = offset};
}

void ledger_scan_into(struct ledger_scan *scan, char *records, size_t capacity)
{
    ASSERT(scan->extent == 0);
    scan->records = records;
    scan->capacity = capacity;
}

static enum ledger_scan_event damage(struct ledger_scan *scan, const char *problem)
{
    scan->problem = problem;
    return LEDGER_SCAN_DAMAGE;
}

/* A sector in its place must say so itself: whole, of this log, of this group, in this order. */
static const char *sector_wrong(const struct ledger_scan *scan, const struct ledger_sector *sector,
                                uint64_t index)
{
    size_t used = sector->used & ~LEDGER_USED_LAST;
    if (sector->crc != ledger_sector_crc(sector))
        return "sector: wrong checksum";
    if (sector->log != scan->place.log)
        return "sector: of another log";
    if (sector->group != (uint32_t)(scan->place.group + 1))
        return "sector: wrong group number";
    if (sector->index != index || index >= LEDGER_GROUP_SECTORS_MAX)
        return "sector: wrong place in its group";
    if (used == 0 || used > LEDGER_PAYLOAD_BYTES)
        return "sector: impossible length";
    if (!(sector->used & LEDGER_USED_LAST) && used != LEDGER_PAYLOAD_BYTES)
        return "sector: short in the middle of a group";
    if (scan->ended)
        return "sector: after the end of its group, which is not whole";
    return NULL;
}

static const char *head_wrong(const struct ledger_scan *scan, const struct ledger_group_head *head)
{
    if (head->magic != LEDGER_GROUP_MAGIC)
        return "no group head";
    if (head->crc != crc32c(0, head, offsetof(struct ledger_group_head, crc)))
        return "group head: wrong checksum";
    if (head->group != scan->place.group + 1)
        return "group head: wrong group number";
    if (head->previous != scan->place.previous)
        return "group head: does not continue the group before it";
    if (head->seq_first != scan->place.seq + 1)
        return "group head: gap in the sequence numbers";
    if (head->epoch < scan->place.epoch)
        return "group head: the epoch falls";
    if (head->count == 0 || head->bytes > LEDGER_APPEND_BYTES_MAX)
        return "group head: impossible length";
    return NULL;
}

static const char *take_head(struct ledger_scan *scan, const struct ledger_sector *sector)
{
    size_t used = sector->used & ~LEDGER_USED_LAST;
    if (used < sizeof scan->group)
        return "no group head";
    memcpy(&scan->group, sector->payload, sizeof scan->group);
    scan->first_crc = sector->crc;
    scan->body = 0;
    scan->gathered = 0;
    return head_wrong(scan, &scan->group);
}

static const char *gather(struct ledger_scan *scan, const struct ledger_sector *sector,
                          uint64_t index)
{
    size_t used = sector->used & ~LEDGER_USED_LAST;
    size_t skip = index == 0 ? sizeof scan->group : 0;
    if (index > 0)
        scan->body = crc32c(scan->body, &sector->crc, sizeof sector->crc);
    if (used - skip > scan->group.bytes - scan->gathered)
        return "group: longer than its head says";
    ASSERT(scan->group.bytes <= scan->capacity);
    memcpy(scan->records + scan->gathered, sector->payload + skip, used - skip);
    scan->gathered += used - skip;
    return NULL;
}

static const char *group_wrong(const struct ledger_scan *scan)
{
    if (scan->gathered != scan->group.bytes)
        return "group: shorter than its head says";
    if (scan->body != scan->group.body)
        return "group: its sectors are not those its head was made for";
    if (!ledger_records_whole(scan->records, scan->gathered, scan->group.count,
                              scan->group.seq_first))
        return "group: records do not fill it, or are not dense";
    return NULL;
}

static enum ledger_scan_event end_group(struct ledger_scan *scan)
{
    const char *wrong = group_wrong(scan);
    if (wrong != NULL)
        return damage(scan, wrong);
    scan->place.group = scan->group.group;
    scan->place.seq += scan->group.count;
    scan->place.epoch = scan->group.epoch;
    scan->place.previous = scan->first_crc;
    scan->group_offset = scan->next;
    scan->extent = 0;
    scan->ended = false;
    return LEDGER_SCAN_GROUP;
}

static bool sector_is_zero(const struct ledger_sector *sector)
{
    return sector->crc == 0 && sector->used == 0 && ledger_all_zero(sector, sizeof *sector);
}

enum ledger_scan_event ledger_scan_sector(struct ledger_scan *scan,
                                          const struct ledger_sector *sector)
{
    ASSERT(scan->problem == NULL);
    scan->offset = scan->next;
    scan->next += DISK_SECTOR;
    if (sector_is_zero(sector)) {
        scan->hole = true;
        return LEDGER_SCAN_MORE;
    }
    uint64_t index = (scan->offset - scan->group_offset) / DISK_SECTOR;
    const char *wrong = sector_wrong(scan, sector, index);
    if (wrong == NULL && index == 0)
        wrong = take_head(scan, sector);
    if (wrong == NULL && !scan->hole)
        wrong = gather(scan, sector, index);
    if (wrong != NULL)
        return damage(scan, wrong);
    scan->extent = index + 1;
    scan->ended = (sector->used & LEDGER_USED_LAST) != 0;
    return scan->ended && !scan->hole ? end_group(scan) : LEDGER_SCAN_MORE;
}

enum ledger_scan_event ledger_scan_end(struct ledger_scan *scan)
{
    ASSERT(scan->problem == NULL);
    scan->offset = scan->group_offset;
    if (scan->extent > 0 && !scan->hole)
        return damage(scan, "group: reaches beyond the end of the segment");
    return LEDGER_SCAN_MORE;
}
