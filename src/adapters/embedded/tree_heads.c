/* tree_heads.c - contract in tree_heads.h. */
#include "adapters/embedded/tree_heads.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"

void tree_heads_name(uint32_t shard, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "heads-%04u", shard);
    ASSERT(bytes > 0);
}

int tree_heads_bytes(struct tree_heads *heads, uint64_t index, unsigned char *ret)
{
    size_t got = 0;
    TRY(heads->disk->ops->read(
        heads->disk,
        (struct disk_piece){heads->file, index * TREE_HEAD_BYTES, ret, TREE_HEAD_BYTES}, &got));
    return got == TREE_HEAD_BYTES ? 0 : -ERR_CORRUPT;
}

int tree_heads_read(struct tree_heads *heads, uint64_t index, struct tree_head *ret)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    ASSERT(index < heads->count);
    TRY(tree_heads_bytes(heads, index, bytes));
    return tree_head_read(bytes, ret) == 0 ? 0 : -ERR_CORRUPT;
}

int tree_heads_parse(struct tree_heads *heads, uint64_t index, struct tree_head *ret)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    ASSERT(index < heads->count);
    TRY(tree_heads_bytes(heads, index, bytes));
    return tree_head_parse(bytes, ret) == 0 ? 0 : -ERR_CORRUPT;
}

/* A crash may have torn the last ones. */
static int find_newest(struct tree_heads *heads)
{
    while (heads->count > 0) {
        int error = tree_heads_bytes(heads, heads->count - 1, heads->newest_bytes);
        if (error == 0 && tree_head_read(heads->newest_bytes, &heads->newest) == 0)
            return 0;
        if (error < 0 && error != -ERR_CORRUPT)
            return error;
        heads->count--;
    }
    return 0;
}

/* Fills what is not whole with the head behind it, once more: nothing that is whole is moved, so
 * that nothing is lost when power fails again meanwhile. The newest is whole. All of them are
 * written again: after a sync that failed the kernel may call clean what the disk does not have. */
static int fill_holes(struct tree_heads *heads)
{
    uint64_t from =
        heads->count > TREE_HEADS_UNSYNCED_MAX ? heads->count - TREE_HEADS_UNSYNCED_MAX : 0;
    unsigned char behind[TREE_HEAD_BYTES], bytes[TREE_HEAD_BYTES];
    struct tree_head head;
    memcpy(behind, heads->newest_bytes, sizeof behind);
    for (uint64_t i = heads->count; i-- > from;) {
        TRY(tree_heads_bytes(heads, i, bytes));
        bool newest = i == heads->count - 1; /* which is known to be whole */
        if (newest || tree_head_read(bytes, &head) == 0)
            memcpy(behind, bytes, sizeof behind);
        TRY(heads->disk->ops->write(heads->disk, heads->file, i * TREE_HEAD_BYTES, behind,
                                    sizeof behind));
    }
    return tree_heads_sync(heads); /* what is counted from now on is durable */
}

int tree_heads_open(struct tree_heads *heads, struct disk *disk, uint32_t shard, bool create)
{
    char name[DISK_NAME_BYTES_MAX + 1];
    uint64_t bytes = 0;
    tree_heads_name(shard, name);
    *heads = (struct tree_heads){.disk = disk, .file = -1, .outside_file = -1};
    int error = disk->ops->open(disk, name, create, &heads->file);
    if (error == -ERR_NOT_FOUND && !create)
        return 0;
    if (error == 0)
        error = disk->ops->size(disk, heads->file, &bytes);
    heads->count = bytes / TREE_HEAD_BYTES;
    if (error == 0)
        error = find_newest(heads);
    return error == 0 && create ? fill_holes(heads) : error;
}

void tree_heads_close(struct tree_heads *heads)
{
    if (heads->file >= 0)
        heads->disk->ops->close(heads->disk, heads->file);
    if (heads->outside_file >= 0)
        (void)close(heads->outside_file); /* each line was synced */
    heads->file = heads->outside_file = -1;
}

static int append_line(int file, const char *line, size_t bytes)
{
    ssize_t put = write(file, line, bytes); /* O_APPEND: whole lines, whoever else writes */
    return put == (ssize_t)bytes && fdatasync(file) == 0 ? 0 : -ERR_IO;
}

void tree_heads_anchor(struct tree_heads *heads, struct slice signed_bytes)
{
    char line[TREE_LINK_TEXT_BYTES + 1];
    struct buf text = buf_over(line, sizeof line);
    if (heads->outside == NULL)
        return;
    base64_write(&text, signed_bytes);
    buf_put_char(&text, '\n');
    ASSERT(!text.overflow);
    if (heads->outside_file < 0)
        heads->outside_file = open(heads->outside, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (heads->outside_file >= 0 && append_line(heads->outside_file, line, text.bytes) == 0)
        return;
    heads->outside_errors++;
    if (heads->outside_file >= 0)
        (void)close(heads->outside_file);
    heads->outside_file = -1;
}

int tree_heads_keep(struct tree_heads *heads, const struct tree_head *head,
                    const unsigned char bytes[TREE_HEAD_BYTES])
{
    if (heads->count - heads->synced == TREE_HEADS_UNSYNCED_MAX)
        TRY(tree_heads_sync(heads));
    TRY(heads->disk->ops->write(heads->disk, heads->file, heads->count * TREE_HEAD_BYTES, bytes,
                                TREE_HEAD_BYTES));
    heads->count++;
    heads->newest = *head;
    memcpy(heads->newest_bytes, bytes, TREE_HEAD_BYTES);
    tree_heads_anchor(heads, slice_of(bytes, TREE_HEAD_BYTES));
    return 0;
}

int tree_heads_sync(struct tree_heads *heads)
{
    TRY(heads->disk->ops->sync(heads->disk, heads->file, DISK_WHY_TREE));
    heads->synced = heads->count;
    return 0;
}
