/* tree_links.c - contract in tree_links.h. */
#include "adapters/embedded/tree_links.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

_Static_assert(DISK_SECTOR % TREE_LINK_BYTES == 0, "a link is written whole or not at all");

static int read_link(struct tree_links *links, uint64_t at, unsigned char *ret, size_t *ret_bytes)
{
    memset(ret, 0, TREE_LINK_BYTES);
    return links->disk->ops->read(
        links->disk, (struct disk_piece){links->file, at, ret, TREE_LINK_BYTES}, ret_bytes);
}

static bool is_zero(const unsigned char bytes[TREE_LINK_BYTES])
{
    static const unsigned char zeros[TREE_LINK_BYTES];
    return memcmp(bytes, zeros, sizeof zeros) == 0;
}

static int refuse(const struct tree_links *links, const char *what, char *ret_text)
{
    (void)snprintf(ret_text, TREE_LINKS_TEXT_BYTES, "link %u of the signing keys in %s: %s",
                   links->chain.count + 1, links->name, what);
    return -ERR_CORRUPT;
}

static int read_all(struct tree_links *links, char *ret_text)
{
    unsigned char bytes[TREE_LINK_BYTES];
    uint64_t size = 0;
    TRY(links->disk->ops->size(links->disk, links->file, &size));
    for (uint64_t at = 0; at < size; at += TREE_LINK_BYTES) {
        size_t got = 0;
        TRY(read_link(links, at, bytes, &got));
        if (is_zero(bytes) && at + TREE_LINK_BYTES >= size)
            return 0; /* written and not synced: nobody was told of it */
        enum tree_chain_verdict verdict = tree_chain_add(&links->chain, links->sha, bytes);
        if (verdict != CHAIN_OK)
            return refuse(links, tree_chain_text(verdict), ret_text);
    }
    return 0;
}

int tree_links_open(struct tree_links *links, struct disk *disk, uint32_t shard, struct sha256 *sha,
                    char *ret_text)
{
    memset(links, 0, sizeof *links);
    links->disk = disk;
    links->sha = sha;
    links->file = -1;
    int length = snprintf(links->name, sizeof links->name, "keys-%04u", shard);
    ASSERT(length > 0);
    int error = disk->ops->open(disk, links->name, false, &links->file);
    if (error == -ERR_NOT_FOUND)
        return 0;
    return error < 0 ? error : read_all(links, ret_text);
}

void tree_links_close(struct tree_links *links)
{
    if (links->file >= 0)
        links->disk->ops->close(links->disk, links->file);
    links->file = -1;
}

/* The name is synced with every link: a crash may have come between file and name before. */
static int write_link(struct tree_links *links, uint32_t index,
                      const unsigned char bytes[TREE_LINK_BYTES])
{
    struct disk *disk = links->disk;
    TRY(disk->ops->write(disk, links->file, (uint64_t)index * TREE_LINK_BYTES, bytes,
                         TREE_LINK_BYTES));
    TRY(disk->ops->sync(disk, links->file, DISK_WHY_LINK));
    return disk->ops->sync_directory(disk, DISK_WHY_LINK_NAME);
}

int tree_links_renew(struct tree_links *links)
{
    uint32_t count = links->chain.count;
    return count == 0 ? 0 : write_link(links, count - 1, links->chain.bytes[count - 1]);
}

int tree_links_append(struct tree_links *links, const unsigned char bytes[TREE_LINK_BYTES])
{
    struct disk *disk = links->disk;
    ASSERT(tree_chain_check(&links->chain, links->sha, bytes) ==
           CHAIN_OK); /* the caller's to know */
    if (links->file < 0)
        TRY(disk->ops->open(disk, links->name, true, &links->file));
    TRY(write_link(links, links->chain.count, bytes));
    (void)tree_chain_add(&links->chain, links->sha, bytes);
    return 0;
}
