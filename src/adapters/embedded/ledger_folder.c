/* ledger_folder.c - contract in ledger_folder.h. */
#include "adapters/embedded/ledger_folder.h"

#include <string.h>

#include "base/error.h"

struct looking {
    uint32_t shard, found; /* how many files of a log */
};

/* "ledger-SSSS-NNNNNNNNNN.seg", "epoch-SSSS" and so on (ledger_format.h). */
static const char *const kinds[] = {"ledger-", "epoch-", "volume-", "duty-"};

/* False: it names none. */
static bool read_shard(const char *name, uint32_t *ret_shard)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t begin = strlen(kinds[i]);
        uint32_t shard = 0;
        if (strncmp(name, kinds[i], begin) != 0 || strspn(name + begin, "0123456789") != 4)
            continue;
        for (size_t at = begin; at < begin + 4; at++)
            shard = shard * 10 + (uint32_t)(name[at] - '0');
        *ret_shard = shard;
        return true;
    }
    return false;
}

static int look(void *owner, const char *name)
{
    struct looking *looking = owner;
    uint32_t shard = 0;
    if (!read_shard(name, &shard))
        return 0;
    if (looking->found > 0 && shard != looking->shard)
        return -ERR_CONFIG;
    looking->shard = shard;
    looking->found++;
    return 0;
}

int ledger_folder_shard(struct disk *disk, uint32_t *ret_shard)
{
    struct looking looking = {0, 0};
    TRY(disk->ops->list(disk, look, &looking));
    *ret_shard = looking.shard;
    return 0;
}

int ledger_folder_check(struct disk *disk, uint32_t shard, struct buf *why)
{
    struct looking looking = {0, 0};
    int error = disk->ops->list(disk, look, &looking);
    if (error == -ERR_CONFIG)
        buf_put_text(why, "the ledger's folder holds files of several shards");
    TRY(error);
    if (looking.found == 0 || looking.shard == shard)
        return 0;
    buf_printf(why, "the ledger in this folder is shard %u's, not shard %u's", looking.shard,
               shard);
    return -ERR_CONFIG;
}
