/* scrub_tree.c - contract in scrub_tree.h. */
#include "adapters/embedded/scrub_tree.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

#define TILE_BITS 8

int scrub_tree_init(struct scrub_tree *scrub)
{
    *scrub = (struct scrub_tree){.problem = ""};
    for (int i = 0; i < TREE_FILE_LEVELS; i++)
        scrub->files[i] = -1;
    return sha256_new(&scrub->sha);
}

static void close_files(struct scrub_tree *scrub)
{
    for (int i = 0; i < TREE_FILE_LEVELS; i++) {
        if (scrub->files[i] >= 0)
            scrub->disk->ops->close(scrub->disk, scrub->files[i]);
        scrub->files[i] = -1;
    }
}

void scrub_tree_done(struct scrub_tree *scrub)
{
    close_files(scrub);
    sha256_free(scrub->sha);
    scrub->sha = NULL;
}

static int wrong(struct scrub_tree *scrub, unsigned level, uint64_t at, const char *problem)
{
    tree_file_level_name(scrub->shard, level, scrub->name);
    scrub->problem = problem;
    scrub->problem_at = at;
    return -ERR_CORRUPT;
}

static int open_files(struct scrub_tree *scrub)
{
    for (unsigned i = 0; i < TREE_FILE_LEVELS; i++) {
        char name[TREE_FILE_NAME_BYTES];
        tree_file_level_name(scrub->shard, i, name);
        TRY(scrub->disk->ops->open(scrub->disk, name, false, &scrub->files[i]));
        scrub->disk->ops->forget(scrub->disk, scrub->files[i]);
    }
    return 0;
}

int scrub_tree_begin(struct scrub_tree *scrub, struct disk *disk, uint32_t shard)
{
    scrub->disk = disk;
    scrub->shard = shard;
    scrub->level = 0;
    scrub->tile = 0;
    int result = tree_file_state_read(disk, shard, &scrub->state);
    if (result == -ERR_CORRUPT) {
        tree_file_state_name(shard, scrub->name);
        scrub->problem = "damaged";
        scrub->problem_at = 0;
    }
    TRY(result);
    result = open_files(scrub);
    if (result < 0)
        close_files(scrub);
    return result;
}

static int read_hashes(struct scrub_tree *scrub, unsigned level, uint64_t first, uint32_t count)
{
    size_t got = 0, bytes = count * sizeof *scrub->hashes;
    uint64_t at = first * sizeof *scrub->hashes;
    struct disk_piece piece = {scrub->files[level], at, scrub->hashes, bytes};
    TRY(scrub->disk->ops->read(scrub->disk, piece, &got));
    return got == bytes ? 0 : wrong(scrub, level, at + got, "the file is truncated");
}

/* The root of a power of two of hashes, in place. */
static struct merkle_hash root_of(struct scrub_tree *scrub, uint32_t count)
{
    for (; count > 1; count /= 2)
        for (uint32_t i = 0; i < count / 2; i++)
            merkle_node(scrub->sha, &scrub->hashes[2 * i], &scrub->hashes[2 * i + 1],
                        &scrub->hashes[i]);
    return scrub->hashes[0];
}

static int check_tile(struct scrub_tree *scrub, uint64_t *bytes)
{
    TRY(read_hashes(scrub, scrub->level, scrub->tile << TILE_BITS, TREE_FILE_TILE));
    struct merkle_hash root = root_of(scrub, TREE_FILE_TILE);
    *bytes += sizeof scrub->hashes;
    TRY(read_hashes(scrub, scrub->level + 1, scrub->tile, 1));
    if (merkle_equal(&root, &scrub->hashes[0]))
        return 0;
    return wrong(scrub, scrub->level, (scrub->tile << TILE_BITS) * sizeof root,
                 "a tile does not give the hash above it");
}

/* merkle_source.node: of the right edge. */
static int read_node(void *owner, unsigned height, uint64_t index, struct merkle_hash *ret)
{
    struct scrub_tree *scrub = owner;
    unsigned inside = height % TILE_BITS;
    TRY(read_hashes(scrub, height / TILE_BITS, index << inside, UINT32_C(1) << inside));
    *ret = root_of(scrub, UINT32_C(1) << inside);
    return 0;
}

static int check_root(struct scrub_tree *scrub)
{
    struct merkle_source source = {read_node, scrub, scrub->sha};
    struct merkle_range range;
    struct merkle_hash root;
    TRY(merkle_range_of(&source, scrub->state.size, &range));
    merkle_range_root(&range, scrub->sha, &root);
    if (merkle_equal(&root, &scrub->state.root))
        return 0;
    return wrong(
        scrub, 0, (scrub->state.size - 1) / TREE_FILE_TILE * TREE_FILE_TILE * sizeof root,
        "the right edge of the tree, in this file or those above it, does not give its root");
}

/* The next complete tile that has a hash above it; the highest level never fills one. */
static bool seek(struct scrub_tree *scrub)
{
    while (scrub->level + 1 < TREE_FILE_LEVELS) {
        if (scrub->tile < scrub->state.size >> TILE_BITS * (scrub->level + 1))
            return true;
        scrub->level++;
        scrub->tile = 0;
    }
    return false;
}

int scrub_tree_step(struct scrub_tree *scrub, uint64_t *ret_bytes)
{
    int result = 0;
    *ret_bytes = 0;
    for (int i = 0; i < SCRUB_TREE_STEP_TILES && result == 0 && seek(scrub); i++) {
        result = check_tile(scrub, ret_bytes);
        scrub->tile++;
    }
    if (result == 0 && seek(scrub))
        return 1;
    if (result == 0)
        result = check_root(scrub);
    close_files(scrub);
    return result;
}
