/* ledger_duty.h - what a ledger's folder is for: `duty-SSSS`, 512 bytes, replaced by rename
 * (docs/LEDGER.md, "Log shipping"). None: a primary that was never another's standby.
 *
 * It stops a program from writing into a log that another one owns: the folder of a standby, and
 * that of a primary which was fenced. Thread: any, one writer. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/disk.h"

enum ledger_duty {
    LEDGER_DUTY_NONE = 0,
    LEDGER_DUTY_STANDBY = 1,  /* follows a primary */
    LEDGER_DUTY_FENCED = 2,   /* was a primary; a writer with a higher epoch has taken over */
    LEDGER_DUTY_PROMOTED = 3, /* was a standby and took over: a primary */
};

struct ledger_duty_mark {
    enum ledger_duty duty;
    uint64_t creation;
    uint64_t epoch; /* STANDBY: followed; FENCED: the higher one; PROMOTED: taken */
    uint64_t seq;   /* FENCED, PROMOTED: the last record that was taken over */
    uint64_t
        odds_position;   /* STANDBY, PROMOTED: where the primary's odds log was, and its epoch, */
    uint32_t odds_epoch; /* as heard of some time ago */
};

/* LEDGER_DUTY_NONE in *ret when there is no file. 0, -ERR_CORRUPT, or the disk's error. */
int ledger_duty_read(struct disk *disk, uint32_t shard, struct ledger_duty_mark *ret);
/* Durable before it answers. 0 or the disk's error: then the old or the new one is there. */
int ledger_duty_write(struct disk *disk, uint32_t shard, const struct ledger_duty_mark *mark);
/* From one duty to another, which is done when it answers 0, and not at all when it answers the
 * disk's error: the old mark is there. -ERR_STOPPED: nobody knows which of the two is there before
 * it is read at another start. */
int ledger_duty_change(struct disk *disk, uint32_t shard, const struct ledger_duty_mark *from,
                       const struct ledger_duty_mark *to);
