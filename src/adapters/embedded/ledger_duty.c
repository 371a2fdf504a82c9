/* ledger_duty.c - contract in ledger_duty.h. */
#include "adapters/embedded/ledger_duty.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define DUTY_MAGIC  "OVRDUTY1"
#define DUTY_FORMAT 1

struct duty_file {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t creation;
    uint64_t epoch;
    uint64_t seq;
    uint64_t odds_position;
    uint32_t odds_epoch;
    uint32_t duty;
    char zeros[452];
    uint32_t crc; /* of the 508 bytes before */
};
static_assert(sizeof(struct duty_file) == DISK_SECTOR, "one sector");
static_assert(offsetof(struct duty_file, crc) == 508, "crc is last");

static void duty_name(uint32_t shard, char name[DISK_NAME_BYTES_MAX + 1])
{
    (void)snprintf(name, DISK_NAME_BYTES_MAX + 1, "duty-%04u", shard);
}

int ledger_duty_read(struct disk *disk, uint32_t shard, struct ledger_duty_mark *ret)
{
    struct duty_file file;
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    duty_name(shard, name);
    int error = disk_read_whole(disk, name, &file, sizeof file, &bytes);
    *ret = (struct ledger_duty_mark){.duty = LEDGER_DUTY_NONE};
    if (error == -ERR_NOT_FOUND)
        return 0;
    if (error == -ERR_LIMIT)
        return -ERR_CORRUPT;
    TRY(error);
    if (bytes != sizeof file || memcmp(file.magic, DUTY_MAGIC, sizeof file.magic) != 0 ||
        file.format != DUTY_FORMAT || file.shard != shard ||
        file.crc != crc32c(0, &file, offsetof(struct duty_file, crc)) ||
        file.duty < LEDGER_DUTY_STANDBY || file.duty > LEDGER_DUTY_PROMOTED)
        return -ERR_CORRUPT;
    *ret = (struct ledger_duty_mark){
        .duty = (enum ledger_duty)file.duty,
        .creation = file.creation,
        .epoch = file.epoch,
        .seq = file.seq,
        .odds_position = file.odds_position,
        .odds_epoch = file.odds_epoch,
    };
    return 0;
}

int ledger_duty_write(struct disk *disk, uint32_t shard, const struct ledger_duty_mark *mark)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    struct duty_file file = {
        .format = DUTY_FORMAT,
        .shard = shard,
        .creation = mark->creation,
        .epoch = mark->epoch,
        .seq = mark->seq,
        .odds_position = mark->odds_position,
        .odds_epoch = mark->odds_epoch,
        .duty = (uint32_t)mark->duty,
    };
    memcpy(file.magic, DUTY_MAGIC, sizeof file.magic);
    file.crc = crc32c(0, &file, offsetof(struct duty_file, crc));
    duty_name(shard, name);
    return disk_replace(disk, name, &file, sizeof file);
}

/* What has not been renamed yet is not there, and never will be. */
int ledger_duty_change(struct disk *disk, uint32_t shard, const struct ledger_duty_mark *from,
                       const struct ledger_duty_mark *to)
{
    struct ledger_duty_mark there;
    int error = ledger_duty_write(disk, shard, to);
    if (error == 0)
        return 0;
    if (ledger_duty_read(disk, shard, &there) == 0 && there.duty == from->duty)
        return error;
    return ledger_duty_write(disk, shard, from) == 0 ? error : -ERR_STOPPED;
}
