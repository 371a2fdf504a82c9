/* ledger_format.c - contract in ledger_format.h. */
#include "adapters/embedded/ledger_format.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "ledger/record.h"

static_assert(offsetof(struct record_head, bytes) == 0, "the only two fields that the log reads");
static_assert(offsetof(struct record_head, seq) == 8, "the only two fields that the log reads");

size_t ledger_group_sectors(size_t record_bytes)
{
    size_t bytes = sizeof(struct ledger_group_head) + record_bytes;
    return (bytes + LEDGER_PAYLOAD_BYTES - 1) / LEDGER_PAYLOAD_BYTES;
}

uint32_t ledger_sector_crc(const struct ledger_sector *sector)
{
    return crc32c(0, (const char *)sector + sizeof sector->crc, DISK_SECTOR - sizeof sector->crc);
}

bool ledger_all_zero(const void *at, size_t bytes)
{
    const char *p = at;
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

bool ledger_records_whole(const char *records, size_t bytes, uint32_t count, uint64_t seq_first)
{
    uint32_t seen = 0;
    while (bytes >= sizeof(struct record_head)) {
        struct record_head head;
        memcpy(&head, records, sizeof head);
        if (head.bytes < sizeof head || head.bytes > bytes || head.seq != seq_first + seen)
            return false;
        records += head.bytes;
        bytes -= head.bytes;
        seen++;
    }
    return bytes == 0 && seen == count && count > 0;
}

/* Copies the next payload bytes of head and records, as one run of bytes, into a sector. */
static size_t fill_payload(char *to, size_t from, const struct ledger_group_head *head,
                           const struct ledger_append *append)
{
    size_t total = sizeof *head + append->bytes;
    size_t bytes = total - from < LEDGER_PAYLOAD_BYTES ? total - from : LEDGER_PAYLOAD_BYTES;
    size_t of_head = from == 0 ? sizeof *head : 0;
    memcpy(to, head, of_head);
    memcpy(to + of_head, append->records + from + of_head - sizeof *head, bytes - of_head);
    memset(to + bytes, 0, LEDGER_PAYLOAD_BYTES - bytes);
    return bytes;
}

static void fill_sector(struct ledger_sector *sector, size_t index,
                        const struct ledger_group_head *head, const struct ledger_append *append,
                        uint32_t log)
{
    size_t from = index * LEDGER_PAYLOAD_BYTES;
    size_t used = fill_payload(sector->payload, from, head, append);
    bool last = from + used == sizeof *head + append->bytes;
    sector->group = (uint32_t)head->group;
    sector->index = (uint16_t)index;
    sector->used = (uint16_t)(used | (last ? LEDGER_USED_LAST : 0));
    sector->log = log;
    sector->crc = ledger_sector_crc(sector);
}

void ledger_group_fill(struct ledger_sector *sectors, const struct ledger_append *append,
                       struct ledger_place *place)
{
    ASSERT(append->bytes <= LEDGER_APPEND_BYTES_MAX);
    ASSERT(append->epoch >= place->epoch); /* the epoch never falls in the log */
    ASSERT(ledger_records_whole(append->records, append->bytes, append->count,
                                place->seq + 1)); /* L1: dense */
    struct ledger_group_head head = {
        .magic = LEDGER_GROUP_MAGIC,
        .count = append->count,
        .group = place->group + 1,
        .seq_first = place->seq + 1,
        .epoch = append->epoch,
        .bytes = (uint32_t)append->bytes,
        .previous = place->previous,
    };
    /* The first sector last: its head covers the crcs of the others. */
    size_t count = ledger_group_sectors(append->bytes);
    for (size_t i = 1; i < count; i++) {
        fill_sector(&sectors[i], i, &head, append, place->log);
        head.body = crc32c(head.body, &sectors[i].crc, sizeof sectors[i].crc);
    }
    head.crc = crc32c(0, &head, offsetof(struct ledger_group_head, crc));
    fill_sector(&sectors[0], 0, &head, append, place->log);
    place->group = head.group;
    place->seq += append->count;
    place->epoch = append->epoch;
    place->previous = sectors[0].crc;
}

void ledger_segment_head_seal(struct ledger_segment_head *head)
{
    memcpy(head->magic, LEDGER_SEGMENT_MAGIC, sizeof head->magic);
    head->format = head->failover_epoch != 0 ? LEDGER_FORMAT_FAILOVER : LEDGER_FORMAT;
    head->reserved = 0;
    memset(head->zeros, 0, sizeof head->zeros);
    head->crc = crc32c(0, head, offsetof(struct ledger_segment_head, crc));
}

static const char *failover_wrong(const struct ledger_segment_head *head)
{
    if (head->format == LEDGER_FORMAT)
        return head->failover_epoch == 0 && head->previous_end == 0
                   ? NULL
                   : "segment head: reserved bytes are not zero";
    if (head->segment == 0 || head->failover_epoch <= head->epoch)
        return "segment head: impossible failover";
    if (head->previous_end % DISK_SECTOR != 0 || head->previous_end < DISK_SECTOR)
        return "segment head: impossible end of the segment before";
    return NULL;
}

const char *ledger_segment_head_wrong(const struct ledger_segment_head *head)
{
    if (memcmp(head->magic, LEDGER_SEGMENT_MAGIC, sizeof head->magic) != 0)
        return "no segment head";
    if (head->crc != crc32c(0, head, offsetof(struct ledger_segment_head, crc)))
        return "segment head: wrong checksum";
    if (head->format != LEDGER_FORMAT && head->format != LEDGER_FORMAT_FAILOVER)
        return "segment head: a format this program does not know";
    if (head->reserved != 0 || !ledger_all_zero(head->zeros, sizeof head->zeros))
        return "segment head: reserved bytes are not zero";
    if (head->bytes % DISK_SECTOR != 0 || head->bytes < 2 * DISK_SECTOR)
        return "segment head: impossible size";
    return failover_wrong(head);
}

void ledger_epoch_head_seal(struct ledger_epoch_head *head)
{
    memcpy(head->magic, LEDGER_EPOCH_MAGIC, sizeof head->magic);
    head->format = LEDGER_FORMAT;
    memset(head->zeros, 0, sizeof head->zeros);
    head->crc = crc32c(0, head, offsetof(struct ledger_epoch_head, crc));
}

const char *ledger_epoch_head_wrong(const struct ledger_epoch_head *head)
{
    if (memcmp(head->magic, LEDGER_EPOCH_MAGIC, sizeof head->magic) != 0)
        return "no epoch file";
    if (head->crc != crc32c(0, head, offsetof(struct ledger_epoch_head, crc)))
        return "wrong checksum";
    if (head->format != LEDGER_FORMAT)
        return "a format this program does not know";
    return NULL;
}

void ledger_volume_head_seal(struct ledger_volume_head *head)
{
    memcpy(head->magic, LEDGER_VOLUME_MAGIC, sizeof head->magic);
    head->format = LEDGER_FORMAT;
    memset(head->zeros, 0, sizeof head->zeros);
    head->crc = crc32c(0, head, offsetof(struct ledger_volume_head, crc));
}

const char *ledger_volume_head_wrong(const struct ledger_volume_head *head)
{
    if (memcmp(head->magic, LEDGER_VOLUME_MAGIC, sizeof head->magic) != 0)
        return "no volume file";
    if (head->crc != crc32c(0, head, offsetof(struct ledger_volume_head, crc)))
        return "wrong checksum";
    if (head->format != LEDGER_FORMAT)
        return "a format this program does not know";
    if (head->of < 1 || head->of > 2 || head->role < LEDGER_ROLE_FIRST || head->role > head->of ||
        (head->pairing != 0) != (head->of == 2))
        return "impossible content";
    return NULL;
}

static void name_segment(uint32_t shard, uint64_t segment, const char *form, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "ledger-%04u-%010llu%s", shard,
                         (unsigned long long)segment, form);
    ASSERT(bytes > 0);
    ASSERT(bytes <= DISK_NAME_BYTES_MAX);
}

void ledger_segment_name(uint32_t shard, uint64_t segment, char *ret_name)
{
    name_segment(shard, segment, ".seg", ret_name);
}

void ledger_packed_name(uint32_t shard, uint64_t segment, char *ret_name)
{
    name_segment(shard, segment, ".segz", ret_name);
}

void ledger_epoch_name(uint32_t shard, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "epoch-%04u", shard);
    ASSERT(bytes > 0);
}

void ledger_lock_name(uint32_t shard, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "ledger-%04u.lock", shard);
    ASSERT(bytes > 0);
}

void ledger_volume_name(uint32_t shard, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "volume-%04u", shard);
    ASSERT(bytes > 0);
}

void ledger_reserve_name(uint32_t shard, uint32_t number, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "reserve-%04u-%03u", shard, number);
    ASSERT(bytes > 0);
}

bool ledger_segment_name_parse(const char *name, uint32_t shard, uint64_t *ret_segment)
{
    size_t prefix = strlen("ledger-0000-");
    static const char *const forms[] = {".seg", ".segz", ".away"};
    if (strlen(name) < strlen("ledger-0000-0000000000.seg"))
        return false;
    uint64_t segment = 0;
    for (size_t i = prefix; i < prefix + 10; i++) {
        if (name[i] < '0' || name[i] > '9')
            return false;
        segment = segment * 10 + (uint64_t)(name[i] - '0');
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char expected[DISK_NAME_BYTES_MAX + 1];
        name_segment(shard, segment, forms[i], expected);
        if (strcmp(name, expected) == 0) {
            *ret_segment = segment;
            return true;
        }
    }
    return false;
}
