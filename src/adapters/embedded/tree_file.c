/* tree_file.c - contract in tree_file.h. */
#include "adapters/embedded/tree_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

#define TILE_BITS     8
#define BUFFER_HASHES 4096 /* of one level, before they are written: 128 KiB */
#define CACHE_SLOTS   16   /* of one level */
#define STATE_MAGIC   "OVRTREE1"

_Static_assert(1 << TILE_BITS == TREE_FILE_TILE, "a tile is 2^TILE_BITS hashes");

struct tree_state {
    char magic[8];
    uint32_t shard;
    uint32_t reserved;
    uint64_t creation;
    uint64_t size;
    struct merkle_hash root;
    char zeros[60];
    uint32_t crc; /* of the 124 bytes before */
};
_Static_assert(sizeof(struct tree_state) == 128, "no padding");
_Static_assert(offsetof(struct tree_state, crc) == 124, "crc is last");

/* A tile's inner nodes: node p of height h is at nodes[(256 >> h) + p]. */
struct tile {
    uint64_t number;
    uint32_t count; /* of its hashes that are in; 0: unused slot */
    struct merkle_hash nodes[2 * TREE_FILE_TILE];
};

struct level {
    int file;
    uint64_t count;   /* of hashes */
    uint64_t written; /* of them to the file; the others are in the buffer */
    struct merkle_hash buffer[BUFFER_HASHES];
    struct tile cache[CACHE_SLOTS];
};

struct tree_file {
    struct tree_file_options options;
    struct disk *disk; /* borrowed */
    int lock_file;
    struct sha256 *sha; /* owned */
    struct merkle_range range;
    uint64_t size_found;
    uint64_t size_synced;
    bool distrusted; /* what is on disk must not be taken for good again */
    struct level levels[TREE_FILE_LEVELS];
};

static void put_name(uint32_t shard, const char *suffix, char *ret_name)
{
    int bytes = snprintf(ret_name, TREE_FILE_NAME_BYTES, "tree-%04u%s", shard, suffix);
    ASSERT(bytes > 0);
    ASSERT(bytes < TREE_FILE_NAME_BYTES);
}

static void name_of(const struct tree_file *tree, const char *suffix, char *ret_name)
{
    put_name(tree->options.shard, suffix, ret_name);
}

void tree_file_state_name(uint32_t shard, char *ret_name)
{
    put_name(shard, "", ret_name);
}

void tree_file_level_name(uint32_t shard, unsigned level, char *ret_name)
{
    const char suffix[] = {'-', (char)('0' + level), '\0'};
    ASSERT(level < TREE_FILE_LEVELS);
    put_name(shard, suffix, ret_name);
}

/* ---- reading nodes ---- */

static int read_hashes(struct tree_file *tree, struct level *level, uint64_t index,
                       struct merkle_hash *ret, size_t count)
{
    size_t on_disk = index >= level->written          ? 0
                     : level->written - index < count ? (size_t)(level->written - index)
                                                      : count;
    size_t got = 0;
    ASSERT(index + count <= level->count);
    if (on_disk > 0) {
        TRY(tree->disk->ops->read(
            tree->disk,
            (struct disk_piece){level->file, index * sizeof *ret, ret, on_disk * sizeof *ret},
            &got));
        if (got != on_disk * sizeof *ret)
            return -ERR_CORRUPT;
    }
    for (size_t i = on_disk; i < count; i++)
        ret[i] = level->buffer[index + i - level->written];
    return 0;
}

/* Enters the hashes of a tile from `tile->count` to `count` and what they complete. */
static void tile_grow(struct tree_file *tree, struct tile *tile, uint32_t count)
{
    for (; tile->count < count; tile->count++) {
        uint32_t at = TREE_FILE_TILE + tile->count;
        for (; (at & 1) != 0 && at > 1; at >>= 1)
            merkle_node(tree->sha, &tile->nodes[at - 1], &tile->nodes[at], &tile->nodes[at >> 1]);
    }
}

static int tile_of(struct tree_file *tree, struct level *level, uint64_t number,
                   struct tile **ret_tile)
{
    struct tile *tile = &level->cache[number % CACHE_SLOTS];
    uint64_t first = number << TILE_BITS;
    uint64_t left = level->count - first;
    uint32_t count = left < TREE_FILE_TILE ? (uint32_t)left : TREE_FILE_TILE;
    if (tile->number != number)
        tile->count = 0;
    tile->number = number;
    if (tile->count < count) {
        int error = read_hashes(tree, level, first + tile->count,
                                &tile->nodes[TREE_FILE_TILE + tile->count], count - tile->count);
        if (error < 0) {
            tile->count = 0;
            return error;
        }
        tile_grow(tree, tile, count);
    }
    *ret_tile = tile;
    return 0;
}

/* merkle_source.node */
static int read_node(void *owner, unsigned height, uint64_t index, struct merkle_hash *ret)
{
    struct tree_file *tree = owner;
    struct tile *tile = NULL;
    unsigned inside = height % TILE_BITS;
    struct level *level = &tree->levels[height / TILE_BITS];
    uint64_t first = index << inside; /* of the hashes of that level */
    ASSERT(height / TILE_BITS < TREE_FILE_LEVELS);
    ASSERT(first + (UINT64_C(1) << inside) <= level->count);
    TRY(tile_of(tree, level, first >> TILE_BITS, &tile));
    *ret = tile->nodes[(TREE_FILE_TILE >> inside) + (first % TREE_FILE_TILE >> inside)];
    return 0;
}

static struct merkle_source source_of(struct tree_file *tree)
{
    return (struct merkle_source){read_node, tree, tree->sha};
}

/* ---- opening ---- */

static void forget(struct tree_file *tree)
{
    tree->range.size = 0;
    for (int i = 0; i < TREE_FILE_LEVELS; i++) {
        tree->levels[i].count = tree->levels[i].written = 0;
        for (int slot = 0; slot < CACHE_SLOTS; slot++)
            tree->levels[i].cache[slot].count = 0;
    }
}

int tree_file_state_read(struct disk *disk, uint32_t shard, struct tree_file_state *ret)
{
    char name[TREE_FILE_NAME_BYTES];
    struct tree_state state;
    size_t bytes = 0;
    put_name(shard, "", name);
    int error = disk_read_whole(disk, name, &state, sizeof state, &bytes);
    if (error == -ERR_LIMIT)
        return -ERR_CORRUPT;
    TRY(error);
    if (bytes != sizeof state || memcmp(state.magic, STATE_MAGIC, sizeof state.magic) != 0 ||
        state.crc != crc32c(0, &state, offsetof(struct tree_state, crc)) || state.shard != shard ||
        state.size > MERKLE_SIZE_MAX)
        return -ERR_CORRUPT;
    *ret = (struct tree_file_state){state.creation, state.size, state.root};
    return 0;
}

static bool state_read(struct tree_file *tree, struct tree_file_state *ret)
{
    return tree_file_state_read(tree->disk, tree->options.shard, ret) == 0 &&
           ret->creation == tree->options.creation;
}

/* The right edge must give the root that was noted; what stands left of it is checked by every
 * proof that uses it. */
static int adopt(struct tree_file *tree, const struct tree_file_state *state)
{
    struct merkle_source source = source_of(tree);
    struct merkle_hash root;
    for (int i = 0; i < TREE_FILE_LEVELS; i++) {
        struct level *level = &tree->levels[i];
        uint64_t bytes = 0;
        level->count = level->written = state->size >> TILE_BITS * i;
        TRY(tree->disk->ops->size(tree->disk, level->file, &bytes));
        if (bytes < level->count * sizeof root)
            return -ERR_CORRUPT;
    }
    TRY(merkle_range_of(&source, state->size, &tree->range));
    merkle_range_root(&tree->range, tree->sha, &root);
    return merkle_equal(&root, &state->root) ? 0 : -ERR_CORRUPT;
}

static int open_files(struct tree_file *tree)
{
    char name[TREE_FILE_NAME_BYTES];
    name_of(tree, ".lock", name);
    TRY(tree->disk->ops->lock(tree->disk, name, &tree->lock_file));
    for (int i = 0; i < TREE_FILE_LEVELS; i++) {
        tree_file_level_name(tree->options.shard, (unsigned)i, name);
        TRY(tree->disk->ops->open(tree->disk, name, !tree->options.read_only,
                                  &tree->levels[i].file));
    }
    return 0;
}

static int open_tree(struct tree_file *tree)
{
    struct tree_file_state state;
    tree->lock_file = -1;
    for (int i = 0; i < TREE_FILE_LEVELS; i++)
        tree->levels[i].file = -1;
    TRY(sha256_new(&tree->sha));
    int error = open_files(tree);
    if (error == -ERR_NOT_FOUND && tree->options.read_only)
        return 0;
    TRY(error);
    if (!state_read(tree, &state))
        return 0;
    if (state.size > tree->options.size_max)
        return -ERR_CORRUPT;
    error = adopt(tree, &state);
    if (error == -ERR_CORRUPT)
        forget(tree); /* a crash between the files and the state, or a bit that fell */
    else if (error < 0)
        return error;
    tree->size_found = tree->size_synced = tree->range.size;
    return 0;
}

static struct tree_file *tree_file_new(void)
{
    return calloc(1, sizeof(struct tree_file));
}

int tree_file_open(const struct tree_file_options *options, struct disk *disk,
                   struct tree_file **ret_tree)
{
    struct tree_file *tree = tree_file_new();
    if (tree == NULL)
        return -ERR_MEMORY;
    tree->options = *options;
    tree->disk = disk;
    int error = open_tree(tree);
    if (error < 0) {
        tree_file_free(tree);
        return error;
    }
    *ret_tree = tree;
    return 0;
}

void tree_file_free(struct tree_file *tree)
{
    if (tree == NULL)
        return;
    for (int i = 0; i < TREE_FILE_LEVELS; i++)
        if (tree->levels[i].file >= 0)
            tree->disk->ops->close(tree->disk, tree->levels[i].file);
    if (tree->lock_file >= 0)
        tree->disk->ops->close(tree->disk, tree->lock_file);
    sha256_free(tree->sha);
    free(tree);
}

uint64_t tree_file_size(const struct tree_file *tree)
{
    return tree->range.size;
}

uint64_t tree_file_size_found(const struct tree_file *tree)
{
    return tree->size_found;
}

struct sha256 *tree_file_sha(struct tree_file *tree)
{
    return tree->sha;
}

/* ---- growing ---- */

static int write_level(struct tree_file *tree, struct level *level)
{
    size_t count = (size_t)(level->count - level->written);
    if (count > 0)
        TRY(tree->disk->ops->write(tree->disk, level->file, level->written * sizeof *level->buffer,
                                   level->buffer, count * sizeof *level->buffer));
    level->written = level->count;
    return 0;
}

static int level_add(struct tree_file *tree, struct level *level, const struct merkle_hash *hash)
{
    if (level->count - level->written == BUFFER_HASHES)
        TRY(write_level(tree, level));
    level->buffer[level->count - level->written] = *hash;
    level->count++;
    return 0;
}

int tree_file_add(struct tree_file *tree, struct slice record)
{
    struct merkle_hash leaf, made[MERKLE_LEVELS];
    ASSERT(!tree->options.read_only);
    merkle_leaf(tree->sha, record, &leaf);
    unsigned count = merkle_append(&tree->range, tree->sha, &leaf, made);
    ASSERT(count <= TREE_FILE_LEVELS * TILE_BITS);
    for (unsigned height = 0; height < count; height += TILE_BITS)
        TRY(level_add(tree, &tree->levels[height / TILE_BITS], &made[height]));
    return 0;
}

static int write_state(struct tree_file *tree)
{
    char name[TREE_FILE_NAME_BYTES];
    struct tree_state state = {
        .magic = STATE_MAGIC,
        .shard = tree->options.shard,
        .creation = tree->options.creation,
        .size = tree->range.size,
    };
    merkle_range_root(&tree->range, tree->sha, &state.root);
    state.crc = crc32c(0, &state, offsetof(struct tree_state, crc));
    name_of(tree, "", name);
    return disk_replace(tree->disk, name, &state, sizeof state);
}

int tree_file_checkpoint(struct tree_file *tree)
{
    if (tree->size_synced == tree->range.size || tree->distrusted)
        return 0;
    for (int i = 0; i < TREE_FILE_LEVELS; i++) {
        struct level *level = &tree->levels[i];
        bool grew = tree->size_synced >> TILE_BITS * i < level->count;
        TRY(write_level(tree, level));
        if (grew)
            TRY(tree->disk->ops->sync(tree->disk, level->file, DISK_WHY_TREE));
    }
    TRY(write_state(tree));
    tree->size_synced = tree->range.size;
    return 0;
}

void tree_file_distrust(struct tree_file *tree)
{
    char name[TREE_FILE_NAME_BYTES];
    name_of(tree, "", name);
    (void)tree->disk->ops->unlink(tree->disk, name); /* it may not be there */
    tree->distrusted = true;
}

/* ---- asking ---- */

/* Hashes that were read may be damaged. Those of an older root are not when the range in memory,
 * which was checked at the opening, is reached from it: a root that is signed cannot be taken back
 * (L8). */
static int check_older(struct tree_file *tree, const struct merkle_root *older)
{
    struct merkle_source source = source_of(tree);
    struct merkle_root newest = {.size = tree->range.size};
    struct merkle_proof proof;
    TRY(merkle_prove_consistency(&source, older->size, newest.size, &proof));
    merkle_range_root(&tree->range, tree->sha, &newest.hash);
    return merkle_check_consistency(tree->sha, older, &newest, &proof) ? 0 : -ERR_CORRUPT;
}

int tree_file_root(struct tree_file *tree, uint64_t size, struct merkle_root *ret)
{
    struct merkle_source source = source_of(tree);
    struct merkle_range range = tree->range;
    ASSERT(size <= tree->range.size);
    if (size < tree->range.size)
        TRY(merkle_range_of(&source, size, &range));
    ret->size = size;
    merkle_range_root(&range, tree->sha, &ret->hash);
    return size < tree->range.size ? check_older(tree, ret) : 0;
}

int tree_file_prove_inclusion(struct tree_file *tree, uint64_t index, uint64_t size,
                              struct merkle_proof *ret)
{
    struct merkle_source source = source_of(tree);
    ASSERT(size <= tree->range.size);
    return merkle_prove_inclusion(&source, index, size, ret);
}

int tree_file_prove_consistency(struct tree_file *tree, uint64_t from, uint64_t to,
                                struct merkle_proof *ret)
{
    struct merkle_source source = source_of(tree);
    ASSERT(to <= tree->range.size);
    return merkle_prove_consistency(&source, from, to, ret);
}

int tree_file_node(struct tree_file *tree, unsigned height, uint64_t index, struct merkle_hash *ret)
{
    return read_node(tree, height, index, ret);
}
