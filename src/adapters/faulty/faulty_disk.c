/* faulty_disk.c - contract in faulty_disk.h. */
#include "adapters/faulty/faulty_disk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/faulty/faulty_image.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/prng.h"

#define FILES_MAX 512

enum op_kind {
    OP_CREATE,
    OP_WRITE,
    OP_TRUNCATE,
    OP_SYNC,
    OP_SYNC_FAILED,
    OP_SYNC_NAMES,
    OP_RENAME,
    OP_UNLINK
};

struct op {
    enum op_kind kind;
    enum disk_why why;
    int inode;
    uint64_t offset; /* of WRITE and SYNC; size of TRUNCATE */
    uint64_t length; /* of SYNC: so much from offset on; 0: the whole file */
    size_t bytes;
    char *content;
    uint64_t clock; /* when it was done */
    char name[DISK_NAME_BYTES_MAX + 1];
    char to[DISK_NAME_BYTES_MAX + 1];
};

struct faulty_disk {
    struct disk disk;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct image base; /* durable, before the first operation */
    struct image live; /* what the program sees */
    struct op *ops;
    size_t ops_count, ops_capacity;
    size_t ignore_from;
    uint64_t own_clock, *clock; /* own, or that of the disk beside */
    struct {
        int inode; /* -1: closed */
        bool locked;
    } files[FILES_MAX];
    uint64_t fail_write, fail_sync, limit, hold;
    uint64_t clock_last; /* behind so many nothing more is done; 0: no limit */
    bool dead;           /* something more was asked for */
    uint64_t hang;       /* the n-th write or sync from now; 0: none */
    bool hanging;
    struct op late; /* what hangs */
    bool has_late;
};

/* --- What a crash leaves --- */

struct version { /* of one sector, not durable */
    int inode;
    uint64_t sector;
    char content[DISK_SECTOR];
    bool done; /* made durable, or dropped by a failed sync */
};

struct crash {
    struct faulty_disk *fake;
    struct image durable, cache;
    struct version *versions;
    size_t versions_count, versions_capacity;
    const struct op *names[1024]; /* pending changes of the directory */
    size_t names_count;
    struct prng prng;
    uint64_t seed;
    uint64_t keep_of_8;
};

static bool keeps(struct crash *crash)
{
    if (crash->seed < 2)
        return crash->seed == 1;
    return prng_below(&crash->prng, 8) < crash->keep_of_8;
}

static void make_durable(struct crash *crash, const struct version *version)
{
    const struct inode *cache = &crash->cache.inodes[version->inode];
    uint64_t offset = version->sector * DISK_SECTOR;
    if (offset >= cache->size)
        return;
    uint64_t bytes = cache->size - offset < DISK_SECTOR ? cache->size - offset : DISK_SECTOR;
    inode_write(&crash->durable.inodes[version->inode], offset, version->content, (size_t)bytes);
}

static void add_versions(struct crash *crash, const struct op *op)
{
    const struct inode *cache = &crash->cache.inodes[op->inode];
    uint64_t first = op->offset / DISK_SECTOR;
    uint64_t last = (op->offset + op->bytes - 1) / DISK_SECTOR;
    for (uint64_t sector = first; op->bytes > 0 && sector <= last; sector++) {
        if (crash->versions_count == crash->versions_capacity) {
            crash->versions_capacity = crash->versions_capacity * 2 + 256;
            crash->versions =
                grown_new(crash->versions, crash->versions_capacity * sizeof *crash->versions);
        }
        struct version *version = &crash->versions[crash->versions_count++];
        uint64_t at = sector * DISK_SECTOR;
        uint64_t bytes = cache->size - at < DISK_SECTOR ? cache->size - at : DISK_SECTOR;
        *version = (struct version){.inode = op->inode, .sector = sector};
        memcpy(version->content, cache->bytes + at, bytes);
    }
}

static void forget_done(struct crash *crash)
{
    size_t kept = 0;
    for (size_t i = 0; i < crash->versions_count; i++)
        if (!crash->versions[i].done)
            crash->versions[kept++] = crash->versions[i];
    crash->versions_count = kept;
}

static bool covers(const struct op *sync, const struct version *version)
{
    uint64_t at = version->sector * DISK_SECTOR;
    return version->inode == sync->inode &&
           (sync->length == 0 || (at >= sync->offset && at < sync->offset + sync->length));
}

static void sync_inode(struct crash *crash, const struct op *op, bool failed)
{
    int inode = op->inode;
    for (size_t i = 0; i < crash->versions_count; i++) {
        struct version *version = &crash->versions[i];
        if (version->done || !covers(op, version))
            continue;
        if (!failed || keeps(crash))
            make_durable(crash, version);
        version->done = true;
    }
    forget_done(crash);
    if (failed || op->length > 0)
        return;
    inode_truncate(&crash->durable.inodes[inode], crash->cache.inodes[inode].size);
    crash->durable.inodes[inode].truncated = false;
}

static void apply_name(struct image *image, const struct op *op)
{
    if (op->kind == OP_CREATE)
        image_link(image, op->name, op->inode);
    else if (op->kind == OP_UNLINK)
        image_unlink(image, op->name);
    else {
        image_unlink(image, op->name);
        image_link(image, op->to, op->inode);
    }
}

static void sync_names(struct crash *crash, bool all)
{
    for (size_t i = 0; i < crash->names_count; i++)
        if (all || keeps(crash))
            apply_name(&crash->durable, crash->names[i]);
    crash->names_count = 0;
}

static void crash_step(struct crash *crash, const struct op *op, int ignored_why)
{
    struct inode *cache = NULL;
    if (op->kind == OP_WRITE || op->kind == OP_TRUNCATE) /* the others may come before any inode */
        cache = &crash->cache.inodes[op->inode];
    switch (op->kind) {
    case OP_CREATE:
        ASSERT(image_new_inode(&crash->cache) == op->inode);
        ASSERT(image_new_inode(&crash->durable) == op->inode);
        crash->names[crash->names_count++] = op;
        break;
    case OP_RENAME:
    case OP_UNLINK:
        crash->names[crash->names_count++] = op;
        break;
    case OP_WRITE:
        inode_write(cache, op->offset, op->content, op->bytes);
        add_versions(crash, op);
        break;
    case OP_TRUNCATE:
        inode_truncate(cache, op->offset);
        crash->durable.inodes[op->inode].truncated = true;
        break;
    case OP_SYNC:
        if ((int)op->why != ignored_why)
            sync_inode(crash, op, false);
        break;
    case OP_SYNC_FAILED:
        sync_inode(crash, op, true);
        break;
    case OP_SYNC_NAMES:
        if ((int)op->why != ignored_why)
            sync_names(crash, true);
        break;
    }
    ASSERT(crash->names_count < 1024);
}

static void crash_end(struct crash *crash)
{
    for (size_t i = 0; i < crash->versions_count; i++)
        if (!crash->versions[i].done && keeps(crash))
            make_durable(crash, &crash->versions[i]);
    for (int i = 0; i < crash->durable.inodes_count; i++)
        if (crash->durable.inodes[i].truncated && keeps(crash))
            inode_truncate(&crash->durable.inodes[i], crash->cache.inodes[i].size);
    sync_names(crash, false);
}

struct faulty_disk *faulty_disk_crash(struct faulty_disk *fake, size_t ops, uint64_t seed,
                                      int ignored_why)
{
    struct crash *crash = memset(grown_new(NULL, sizeof *crash), 0, sizeof *crash);
    ASSERT(ops <= fake->ops_count);
    crash->fake = fake;
    crash->seed = seed;
    prng_seed(&crash->prng, seed);
    crash->keep_of_8 = 1 + prng_below(&crash->prng, 7);
    image_copy(&crash->durable, &fake->base);
    image_copy(&crash->cache, &fake->base);
    for (size_t i = 0; i < ops; i++)
        crash_step(crash, &fake->ops[i], i < fake->ignore_from ? FAULTY_DISK_NO_WHY : ignored_why);
    crash_end(crash);
    struct faulty_disk *after = faulty_disk_new();
    after->base = crash->durable;
    image_drop_unnamed(&after->base);
    image_copy(&after->live, &after->base);
    image_free(&crash->cache);
    free(crash->versions);
    free(crash);
    return after;
}

/* --- The operations --- */

static struct faulty_disk *fake_of(struct disk *disk)
{
    return (struct faulty_disk *)disk;
}

static struct op *record(struct faulty_disk *fake, struct op op, const void *content)
{
    if (fake->ops_count == fake->ops_capacity) {
        fake->ops_capacity = fake->ops_capacity * 2 + 64;
        fake->ops = grown_new(fake->ops, fake->ops_capacity * sizeof *fake->ops);
    }
    if (op.bytes > 0) {
        op.content = grown_new(NULL, op.bytes);
        memcpy(op.content, content, op.bytes);
    }
    op.clock = __atomic_add_fetch(fake->clock, 1, __ATOMIC_RELAXED);
    fake->ops[fake->ops_count] = op;
    return &fake->ops[fake->ops_count++];
}

static void put_name(char *to, const char *name)
{
    size_t bytes = strlen(name);
    ASSERT(bytes <= DISK_NAME_BYTES_MAX);
    memcpy(to, name, bytes + 1);
}

static int new_file(struct faulty_disk *fake, int inode)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (fake->files[i].inode < 0) {
            fake->files[i].inode = inode;
            fake->files[i].locked = false;
            return i;
        }
    ASSERT(false);
    return -1;
}

/* With the lock: the process that asks is no more. */
static bool is_dead(struct faulty_disk *fake)
{
    fake->dead = fake->dead || (fake->clock_last != 0 && *fake->clock >= fake->clock_last);
    return fake->dead;
}

/* 0, or why nothing may be changed. */
static int may_change(struct faulty_disk *fake)
{
    if (fake->hanging)
        return -ERR_STOPPED;
    return is_dead(fake) ? -ERR_IO : 0;
}

/* Takes the operation when it is the one that is to hang. */
static bool hangs_here(struct faulty_disk *fake, struct op op, const void *content)
{
    if (fake->hang == 0 || --fake->hang > 0)
        return false;
    ASSERT(!fake->has_late);
    fake->hanging = fake->has_late = true;
    fake->late = op;
    if (op.bytes == 0)
        return true;
    fake->late.content = grown_new(NULL, op.bytes);
    memcpy(fake->late.content, content, op.bytes);
    return true;
}

static int open_locked(struct faulty_disk *fake, const char *name, bool create, int *ret_file)
{
    int at = image_find(&fake->live, name);
    if (at < 0 && !create)
        return -ERR_NOT_FOUND;
    if (at < 0) {
        TRY(may_change(fake));
        struct op op = {.kind = OP_CREATE, .inode = image_new_inode(&fake->live)};
        put_name(op.name, name);
        image_link(&fake->live, name, op.inode);
        record(fake, op, NULL);
        at = image_find(&fake->live, name);
    }
    *ret_file = new_file(fake, fake->live.entries[at].inode);
    return 0;
}

static int fake_open(struct disk *disk, const char *name, bool create, int *ret_file)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    int result = open_locked(fake, name, create, ret_file);
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static void fake_close(struct disk *disk, int file)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    ASSERT(fake->files[file].inode >= 0);
    fake->files[file].inode = -1;
    pthread_mutex_unlock(&fake->lock);
}

static int fake_size(struct disk *disk, int file, uint64_t *ret_bytes)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    *ret_bytes = fake->live.inodes[fake->files[file].inode].size;
    pthread_mutex_unlock(&fake->lock);
    return 0;
}

static int fake_read(struct disk *disk, struct disk_piece piece, size_t *ret_bytes)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    const struct inode *inode = &fake->live.inodes[fake->files[piece.file].inode];
    uint64_t left = piece.offset < inode->size ? inode->size - piece.offset : 0;
    *ret_bytes = left < piece.bytes ? (size_t)left : piece.bytes;
    if (*ret_bytes > 0)
        memcpy(piece.memory, inode->bytes + piece.offset, *ret_bytes);
    pthread_mutex_unlock(&fake->lock);
    return 0;
}

static uint64_t used_bytes(const struct faulty_disk *fake)
{
    uint64_t used = 0;
    for (int i = 0; i < fake->live.entries_count; i++)
        used += fake->live.inodes[fake->live.entries[i].inode].size;
    return used;
}

static bool has_space(const struct faulty_disk *fake, int inode, uint64_t end)
{
    uint64_t size = fake->live.inodes[inode].size;
    return fake->limit == 0 || end <= size || used_bytes(fake) + (end - size) <= fake->limit;
}

static void write_op(struct faulty_disk *fake, struct op op, const void *from)
{
    inode_write(&fake->live.inodes[op.inode], op.offset, from, op.bytes);
    record(fake, op, from);
}

static int write_locked(struct faulty_disk *fake, struct op op, const void *from)
{
    int result = may_change(fake);
    if (result < 0)
        return result;
    if (hangs_here(fake, op, from))
        return -ERR_STOPPED;
    if (fake->fail_write > 0 && --fake->fail_write == 0) {
        result = -ERR_IO;
        op.bytes = op.bytes / 2 / DISK_SECTOR * DISK_SECTOR; /* sectors are whole: disk.h */
    } else if (!has_space(fake, op.inode, op.offset + op.bytes)) {
        return -ERR_NO_SPACE;
    }
    if (op.bytes > 0)
        write_op(fake, op, from);
    return result;
}

static int fake_write(struct disk *disk, int file, uint64_t offset, const void *from, size_t bytes)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    const struct op op = {
        .kind = OP_WRITE, .inode = fake->files[file].inode, .offset = offset, .bytes = bytes};
    int result = write_locked(fake, op, from);
    pthread_mutex_unlock(&fake->lock);
    return result;
}

/* Growing takes the space: allocate() is this, too. */
static int fake_truncate(struct disk *disk, int file, uint64_t bytes)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    int inode = fake->files[file].inode;
    int result = may_change(fake);
    if (result == 0 && !has_space(fake, inode, bytes))
        result = -ERR_NO_SPACE;
    if (result == 0) {
        inode_truncate(&fake->live.inodes[inode], bytes);
        record(fake, (struct op){.kind = OP_TRUNCATE, .inode = inode, .offset = bytes}, NULL);
    }
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static int fake_free_bytes(struct disk *disk, uint64_t *ret_bytes)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    uint64_t used = used_bytes(fake);
    uint64_t limit = fake->limit == 0 ? INT64_MAX : fake->limit;
    *ret_bytes = limit > used ? limit - used : 0;
    pthread_mutex_unlock(&fake->lock);
    return 0;
}

static int sync_locked(struct faulty_disk *fake, struct op op)
{
    TRY(may_change(fake));
    if (hangs_here(fake, op, NULL))
        return -ERR_STOPPED;
    bool failed = fake->fail_sync > 0 && --fake->fail_sync == 0;
    if (failed && op.kind == OP_SYNC_NAMES)
        return -ERR_IO;
    if (failed)
        op.kind = OP_SYNC_FAILED;
    record(fake, op, NULL);
    return failed ? -ERR_IO : 0;
}

static int sync_waiting(struct faulty_disk *fake, struct op op)
{
    pthread_mutex_lock(&fake->lock);
    while (fake->hold)
        pthread_cond_wait(&fake->changed, &fake->lock);
    int result = sync_locked(fake, op);
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static int fake_sync(struct disk *disk, int file, enum disk_why why)
{
    struct faulty_disk *fake = fake_of(disk);
    const int inode = fake->files[file].inode;
    return sync_waiting(fake, (struct op){.kind = OP_SYNC, .why = why, .inode = inode});
}

static int fake_sync_directory(struct disk *disk, enum disk_why why)
{
    return sync_waiting(fake_of(disk), (struct op){.kind = OP_SYNC_NAMES, .why = why});
}

static int fake_open_direct(struct disk *disk, const char *name, int *ret_file)
{
    return fake_open(disk, name, false, ret_file);
}

static int fake_write_durable(struct disk *disk, int file, uint64_t offset, const void *from,
                              size_t bytes)
{
    TRY(fake_write(disk, file, offset, from, bytes));
    /* Past the cache: what else was written to the file is no more durable than before. */
    struct op op = {
        .kind = OP_SYNC, .why = DISK_WHY_GROUP, .inode = fake_of(disk)->files[file].inode};
    op.offset = offset;
    op.length = bytes;
    return sync_waiting(fake_of(disk), op);
}

static int rename_locked(struct faulty_disk *fake, const char *from, const char *to)
{
    int at = image_find(&fake->live, from);
    if (at < 0)
        return -ERR_NOT_FOUND;
    TRY(may_change(fake));
    struct op op = {.kind = OP_RENAME, .inode = fake->live.entries[at].inode};
    put_name(op.name, from);
    put_name(op.to, to);
    apply_name(&fake->live, record(fake, op, NULL));
    return 0;
}

static int fake_rename(struct disk *disk, const char *from, const char *to)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    int result = rename_locked(fake, from, to);
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static int unlink_locked(struct faulty_disk *fake, const char *name)
{
    int at = image_find(&fake->live, name);
    if (at < 0)
        return -ERR_NOT_FOUND;
    TRY(may_change(fake));
    struct op op = {.kind = OP_UNLINK, .inode = fake->live.entries[at].inode};
    put_name(op.name, name);
    apply_name(&fake->live, record(fake, op, NULL));
    return 0;
}

static int fake_unlink(struct disk *disk, const char *name)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    int result = unlink_locked(fake, name);
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static int fake_list(struct disk *disk, disk_visit visit, void *owner)
{
    const struct image *live = &fake_of(disk)->live;
    for (int i = 0; i < live->entries_count; i++)
        TRY(visit(owner, live->entries[i].name));
    return 0;
}

static int fake_lock(struct disk *disk, const char *name, int *ret_file)
{
    struct faulty_disk *fake = fake_of(disk);
    pthread_mutex_lock(&fake->lock);
    int file = -1;
    int result = open_locked(fake, name, true, &file);
    for (int i = 0; file >= 0 && i < FILES_MAX; i++)
        if (i != file && fake->files[i].locked && fake->files[i].inode == fake->files[file].inode)
            result = -ERR_BUSY;
    if (file >= 0)
        fake->files[file].locked = result == 0;
    if (file >= 0 && result < 0)
        fake->files[file].inode = -1;
    else if (result == 0)
        *ret_file = file;
    pthread_mutex_unlock(&fake->lock);
    return result;
}

static void fake_forget(struct disk *disk, int file)
{
    (void)disk, (void)file; /* what is read is always what lies there */
}

static const struct disk_ops fake_ops = {
    .open = fake_open,
    .close = fake_close,
    .size = fake_size,
    .read = fake_read,
    .write = fake_write,
    .open_direct = fake_open_direct,
    .write_durable = fake_write_durable,
    .truncate = fake_truncate,
    .allocate = fake_truncate,
    .free_bytes = fake_free_bytes,
    .forget = fake_forget,
    .sync = fake_sync,
    .sync_directory = fake_sync_directory,
    .rename = fake_rename,
    .unlink = fake_unlink,
    .list = fake_list,
    .lock = fake_lock,
    .free = NULL,
};

/* --- The rest of the contract --- */

struct faulty_disk *faulty_disk_new(void)
{
    struct faulty_disk *fake = calloc(1, sizeof *fake);
    ASSERT(fake != NULL);
    fake->disk.ops = &fake_ops;
    fake->clock = &fake->own_clock;
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    faulty_disk_kill(fake);
    return fake;
}

struct disk *faulty_disk_of(struct faulty_disk *fake)
{
    return &fake->disk;
}

void faulty_disk_free(struct faulty_disk *fake)
{
    for (size_t i = 0; i < fake->ops_count; i++)
        free(fake->ops[i].content);
    if (fake->has_late)
        free(fake->late.content);
    free(fake->ops);
    image_free(&fake->base);
    image_free(&fake->live);
    pthread_mutex_destroy(&fake->lock);
    pthread_cond_destroy(&fake->changed);
    free(fake);
}

size_t faulty_disk_ops_count(struct faulty_disk *fake)
{
    pthread_mutex_lock(&fake->lock);
    size_t count = fake->ops_count;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

void faulty_disk_ignore_from(struct faulty_disk *fake, size_t ops)
{
    fake->ignore_from = ops;
}

void faulty_disk_beside(struct faulty_disk *fake, struct faulty_disk *first)
{
    ASSERT(fake->ops_count == 0);
    fake->clock = first->clock;
}

uint64_t faulty_disk_clock(struct faulty_disk *fake)
{
    return __atomic_load_n(fake->clock, __ATOMIC_RELAXED);
}

size_t faulty_disk_ops_at(struct faulty_disk *fake, uint64_t clock)
{
    size_t count = faulty_disk_ops_count(fake);
    while (count > 0 && fake->ops[count - 1].clock > clock)
        count--;
    return count;
}

void faulty_disk_stop_after(struct faulty_disk *fake, size_t ops)
{
    pthread_mutex_lock(&fake->lock);
    fake->clock_last = ops == 0 ? 0 : *fake->clock + ops;
    pthread_mutex_unlock(&fake->lock);
}

bool faulty_disk_is_stopped(struct faulty_disk *fake)
{
    pthread_mutex_lock(&fake->lock);
    bool dead = fake->dead;
    pthread_mutex_unlock(&fake->lock);
    return dead;
}

void faulty_disk_kill(struct faulty_disk *fake)
{
    fake->clock_last = 0;
    fake->dead = false;
    fake->hang = 0;
    fake->hanging = false;
    for (int i = 0; i < FILES_MAX; i++) {
        fake->files[i].inode = -1;
        fake->files[i].locked = false;
    }
}

void faulty_disk_hang(struct faulty_disk *fake, unsigned nth)
{
    fake->hang = nth;
}

bool faulty_disk_hangs(struct faulty_disk *fake)
{
    return fake->hanging;
}

void faulty_disk_release(struct faulty_disk *fake)
{
    fake->hang = 0;
    fake->hanging = false;
}

void faulty_disk_late(struct faulty_disk *fake, bool done)
{
    if (!fake->has_late)
        return;
    fake->has_late = false;
    if (done && fake->late.kind == OP_WRITE)
        write_op(fake, fake->late, fake->late.content);
    else if (done)
        record(fake, fake->late, NULL);
    free(fake->late.content);
    fake->late.content = NULL;
}

static void set(struct faulty_disk *fake, uint64_t *at, uint64_t value)
{
    pthread_mutex_lock(&fake->lock);
    *at = value;
    pthread_mutex_unlock(&fake->lock);
}

void faulty_disk_fail_write(struct faulty_disk *fake, unsigned nth)
{
    set(fake, &fake->fail_write, nth);
}

void faulty_disk_fail_sync(struct faulty_disk *fake, unsigned nth)
{
    set(fake, &fake->fail_sync, nth);
}

void faulty_disk_limit(struct faulty_disk *fake, uint64_t bytes)
{
    set(fake, &fake->limit, bytes);
}

void faulty_disk_hold_syncs(struct faulty_disk *fake, bool hold)
{
    set(fake, &fake->hold, hold);
    pthread_cond_broadcast(&fake->changed);
}

static struct inode *inode_named(struct image *image, const char *name)
{
    int at = image_find(image, name);
    return at < 0 ? NULL : &image->inodes[image->entries[at].inode];
}

bool faulty_disk_flip(struct faulty_disk *fake, const char *name, uint64_t offset, unsigned bit)
{
    struct inode *live = inode_named(&fake->live, name);
    if (live == NULL || offset >= live->size)
        return false;
    live->bytes[offset] = (char)(live->bytes[offset] ^ (1 << bit));
    return true;
}

bool faulty_disk_set_size(struct faulty_disk *fake, const char *name, uint64_t bytes)
{
    struct inode *live = inode_named(&fake->live, name);
    if (live == NULL)
        return false;
    inode_truncate(live, bytes);
    return true;
}

bool faulty_disk_delete(struct faulty_disk *fake, const char *name)
{
    return image_unlink(&fake->live, name);
}

bool faulty_disk_put(struct faulty_disk *fake, const char *name, uint64_t offset, const void *from,
                     size_t bytes)
{
    struct inode *live = inode_named(&fake->live, name);
    if (live == NULL)
        return false;
    inode_write(live, offset, from, bytes);
    return true;
}

const char *faulty_disk_content(struct faulty_disk *fake, const char *name, uint64_t *ret_bytes)
{
    const struct inode *live = inode_named(&fake->live, name);
    if (live == NULL)
        return NULL;
    *ret_bytes = live->size;
    return live->bytes;
}
