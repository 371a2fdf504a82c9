/* ledger_slip.c - contract in ledger_slip.h. */
#include "adapters/embedded/ledger_slip.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

void ledger_slip_name(uint32_t shard, uint64_t segment, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "ledger-%04u-%010llu.away", shard,
                         (unsigned long long)segment);
    ASSERT(bytes > 0);
    ASSERT(bytes <= DISK_NAME_BYTES_MAX);
}

void ledger_slip_file_name(const struct ledger_slip *slip, char *ret_name)
{
    if (slip->form == LEDGER_SLIP_PACKED)
        ledger_packed_name(slip->shard, slip->segment, ret_name);
    else
        ledger_segment_name(slip->shard, slip->segment, ret_name);
}

static uint32_t crc_of(const struct ledger_slip *slip)
{
    uint32_t crc = crc32c(0, slip, offsetof(struct ledger_slip, crc));
    return crc32c(crc, &slip->head, sizeof slip->head);
}

void ledger_slip_seal(struct ledger_slip *slip)
{
    memcpy(slip->magic, LEDGER_SLIP_MAGIC, sizeof slip->magic);
    slip->format = LEDGER_SLIP_FORMAT;
    slip->reserved = 0;
    memset(slip->zeros, 0, sizeof slip->zeros);
    slip->crc = crc_of(slip);
}

static const char *slip_wrong(const struct ledger_slip *slip, uint32_t shard, uint64_t segment)
{
    if (memcmp(slip->magic, LEDGER_SLIP_MAGIC, sizeof slip->magic) != 0)
        return "no slip of an archived segment";
    if (slip->crc != crc_of(slip))
        return "slip: wrong checksum";
    if (slip->format != LEDGER_SLIP_FORMAT)
        return "slip: a format this program does not know";
    if (slip->reserved != 0 || !ledger_all_zero(slip->zeros, sizeof slip->zeros))
        return "slip: reserved bytes are not zero";
    if (slip->form != LEDGER_SLIP_PLAIN && slip->form != LEDGER_SLIP_PACKED)
        return "slip: an unknown form";
    if (slip->shard != shard || slip->segment != segment)
        return "slip: of another segment";
    if (slip->head.shard != shard || slip->head.segment != segment ||
        slip->head.creation != slip->creation)
        return "slip: holds the head of another segment";
    return ledger_segment_head_wrong(&slip->head);
}

int ledger_slip_read(struct disk *disk, uint32_t shard, uint64_t segment,
                     struct ledger_slip *ret_slip, const char **ret_wrong)
{
    struct ledger_slip slip = {.format = 0};
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    ledger_slip_name(shard, segment, name);
    int result = disk_read_whole(disk, name, &slip, sizeof slip, &bytes);
    *ret_wrong = "slip: wrong size";
    if (result == -ERR_LIMIT)
        return -ERR_CORRUPT;
    TRY(result);
    if (bytes != sizeof slip)
        return -ERR_CORRUPT;
    *ret_wrong = slip_wrong(&slip, shard, segment);
    if (*ret_wrong != NULL)
        return -ERR_CORRUPT;
    *ret_slip = slip;
    return 0;
}
