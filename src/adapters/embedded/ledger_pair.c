/* ledger_pair.c - contract in ledger_pair.h. */
#include "adapters/embedded/ledger_pair.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/error.h"

static int say(char *ret_text, int error, const char *text)
{
    (void)snprintf(ret_text, LEDGER_REPORT_TEXT_BYTES, "%s", text);
    return error;
}

static int say_wrong(char *ret_text, const struct ledger_volumes *volumes, uint32_t volume,
                     const char *wrong)
{
    (void)snprintf(ret_text, LEDGER_REPORT_TEXT_BYTES, "volume-%04u%s at byte 0: %s",
                   volumes->shard, ledger_volume_text(volume), wrong);
    return -ERR_CORRUPT;
}

/* *ret_head is all zero (of == 0) when there is no volume file. */
static int read_head(const struct ledger_volumes *volumes, uint32_t volume,
                     struct ledger_volume_head *ret_head, char *ret_text)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = 0;
    *ret_head = (struct ledger_volume_head){.of = 0};
    if (volumes->disks[volume] == NULL)
        return 0;
    ledger_volume_name(volumes->shard, name);
    int result = disk_read_whole(volumes->disks[volume], name, ret_head, sizeof *ret_head, &bytes);
    if (result == -ERR_NOT_FOUND)
        return 0;
    if (result == -ERR_LIMIT || (result == 0 && bytes != sizeof *ret_head))
        return say_wrong(ret_text, volumes, volume, "wrong size");
    TRY(result);
    const char *wrong = ledger_volume_head_wrong(ret_head);
    if (wrong == NULL && ret_head->shard != volumes->shard)
        wrong = "of another shard";
    return wrong == NULL ? 0 : say_wrong(ret_text, volumes, volume, wrong);
}

static int look_at_one(const struct ledger_volume_head *first, bool alone, char *ret_text)
{
    if (first->of < 2 || alone)
        return 0;
    if (first->role == LEDGER_ROLE_SECOND)
        return say(ret_text, -ERR_CONFIG,
                   "this is the second of the log's two directories, and the first is not given");
    return say(ret_text, -ERR_CONFIG,
               "this log has a second directory, and it is not given (--log-second): "
               "acknowledged bets may stand in it alone");
}

static int look_at_two(const struct ledger_volume_head *first,
                       const struct ledger_volume_head *second, enum ledger_pairing *ret_pairing,
                       char *ret_text)
{
    bool is_paired = first->of == 2;
    *ret_pairing = is_paired ? LEDGER_PAIRED : LEDGER_TO_PAIR;
    if (first->of == 2 && first->role == LEDGER_ROLE_SECOND)
        return say(ret_text, -ERR_CONFIG,
                   "the two directories of the log are swapped, or the second is given twice");
    if (second->of != 0 && second->role == LEDGER_ROLE_FIRST)
        return say(ret_text, -ERR_CONFIG,
                   "the second directory is the first one of a log: swapped, or given twice");
    if (!is_paired)
        return 0; /* a pairing that was not completed: its second directory holds no log */
    if (second->of == 0)
        return say(ret_text, -ERR_CONFIG,
                   "the second directory has no volume file: it is not the one of this log, or "
                   "not mounted");
    if (second->pairing != first->pairing || second->creation != first->creation)
        return say(ret_text, -ERR_CONFIG,
                   "the second directory belongs to another log, or to an earlier pairing");
    return 0;
}

int ledger_pair_look(const struct ledger_volumes *volumes, bool alone,
                     enum ledger_pairing *ret_pairing, char *ret_text)
{
    struct ledger_volume_head first, second;
    *ret_pairing = LEDGER_ALONE;
    TRY(read_head(volumes, 0, &first, ret_text));
    TRY(read_head(volumes, 1, &second, ret_text));
    if (volumes->disks[1] == NULL)
        return look_at_one(&first, alone, ret_text);
    return look_at_two(&first, &second, ret_pairing, ret_text);
}

int ledger_pair_check(const struct ledger_volumes *volumes, uint64_t creation, char *ret_text)
{
    for (uint32_t volume = 0; volume < LEDGER_VOLUMES_MAX; volume++) {
        struct ledger_volume_head head;
        TRY(read_head(volumes, volume, &head, ret_text));
        bool is_left_over = volume == 1 && head.of == 2; /* of a pairing that was not completed */
        if (head.of != 0 && head.creation != creation && !is_left_over)
            return say_wrong(ret_text, volumes, volume, "of another log");
    }
    return 0;
}

static int write_head(struct disk *disk, struct ledger_volume_head *head)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    ledger_volume_name(head->shard, name);
    ledger_volume_head_seal(head);
    return disk_replace_for(disk, name, head, sizeof *head,
                            (struct disk_reasons){DISK_WHY_VOLUME, DISK_WHY_VOLUME_NAME});
}

int ledger_pair_make(const struct ledger_volumes *volumes, uint64_t creation)
{
    struct ledger_volume_head head = {.shard = volumes->shard, .creation = creation, .of = 2};
    while (head.pairing == 0)
        if (getrandom(&head.pairing, sizeof head.pairing, 0) < 0 && errno != EINTR)
            return -ERR_IO;
    head.role = LEDGER_ROLE_SECOND;
    TRY(write_head(volumes->disks[1], &head));
    head.role = LEDGER_ROLE_FIRST;
    return write_head(volumes->disks[0], &head);
}

int ledger_pair_end(struct disk *disk, uint32_t shard, uint64_t creation)
{
    struct ledger_volume_head head = {
        .shard = shard, .creation = creation, .role = LEDGER_ROLE_FIRST, .of = 1};
    return write_head(disk, &head);
}
