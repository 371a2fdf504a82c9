/* snapshot_file.c - contract in snapshot_file.h. */
#include "adapters/embedded/snapshot_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/snapshot_worker.h"
#include "base/assert.h"
#include "base/error.h"
#include "ledger/shard_snapshot.h"

#define BUFFER_BYTES SHARD_SNAPSHOT_PIECE_BYTES
#define DIRECT_BYTES (BUFFER_BYTES / 8)
#define AHEAD_BYTES  (UINT64_C(16) << 20) /* on their way from the disk while others are checked */
#define SEQ_DIGITS   20
#define FRESH        ".new" /* behind the name of what is not finished */

struct snapshot_file {
    struct snapshot_store store;
    struct snapshot_file_options options;
    struct disk *disk; /* borrowed */
    char *buffer;      /* owns; BUFFER_BYTES */
};

static struct snapshot_file *file_of(struct snapshot_store *store)
{
    return (struct snapshot_file *)store;
}

/* ---- names ---- */

static void make_name(uint32_t shard, uint64_t seq, char *ret_name)
{
    int bytes = snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "snapshot-%04u-%0*llu.snap", shard,
                         SEQ_DIGITS, (unsigned long long)seq);
    ASSERT(bytes > 0 && bytes <= DISK_NAME_BYTES_MAX);
}

/* The number in the name; only the one way in which make_name writes it. */
static bool parse_name(const char *name, uint32_t shard, uint64_t *ret_seq)
{
    char expected[DISK_NAME_BYTES_MAX + 1];
    uint64_t seq = 0;
    int prefix = snprintf(expected, sizeof expected, "snapshot-%04u-", shard);
    if (strncmp(name, expected, (size_t)prefix) != 0 || strlen(name) < (size_t)prefix + SEQ_DIGITS)
        return false;
    for (const char *at = name + prefix; at < name + prefix + SEQ_DIGITS; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(seq, 10, &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(*at - '0'), &seq))
            return false;
    }
    make_name(shard, seq, expected);
    *ret_seq = seq;
    return strcmp(name, expected) == 0;
}

struct listing {
    uint32_t shard;
    bool fresh; /* those that were not finished */
    struct snapshot_name *names;
    size_t count;
};

/* Keeps the newest, in order. */
static int note_name(void *owner, const char *name)
{
    struct listing *listing = owner;
    char whole[DISK_NAME_BYTES_MAX + 1];
    size_t bytes = strlen(name);
    uint64_t seq = 0;
    bool fresh = bytes > 4 && strcmp(name + bytes - 4, FRESH) == 0;
    (void)snprintf(whole, sizeof whole, "%.*s", (int)(fresh ? bytes - 4 : bytes), name);
    if (fresh != listing->fresh || !parse_name(whole, listing->shard, &seq))
        return 0;
    if (listing->count == SNAPSHOT_FILES_MAX) {
        if (seq < listing->names[0].seq)
            return 0;
        memmove(listing->names, listing->names + 1, --listing->count * sizeof *listing->names);
    }
    size_t at = listing->count++;
    for (; at > 0 && listing->names[at - 1].seq > seq; at--)
        listing->names[at] = listing->names[at - 1];
    listing->names[at].seq = seq;
    make_name(listing->shard, seq, listing->names[at].name);
    return 0;
}

int snapshot_file_list(struct disk *disk, uint32_t shard, struct snapshot_name *ret_names,
                       size_t *ret_count)
{
    struct listing listing = {.shard = shard, .names = ret_names};
    TRY(disk->ops->list(disk, note_name, &listing));
    *ret_count = listing.count;
    return 0;
}

/* ---- reading ---- */

struct reading {
    struct snapshot_file *file;
    int handle;
    uint64_t offset; /* of what is read next from the disk */
    uint64_t ahead;  /* the disk was told of what is below it */
    size_t at, held; /* of the buffer */
};

static int read_disk(struct reading *reading, void *to, size_t bytes, size_t *ret_bytes)
{
    struct disk *disk = reading->file->disk;
    if (disk->ops->will_read != NULL && reading->offset + AHEAD_BYTES / 2 >= reading->ahead) {
        disk->ops->will_read(disk, reading->handle, reading->ahead, AHEAD_BYTES);
        reading->ahead += AHEAD_BYTES;
    }
    TRY(disk->ops->read(disk, (struct disk_piece){reading->handle, reading->offset, to, bytes},
                        ret_bytes));
    reading->offset += *ret_bytes;
    return 0;
}

/* Large pieces, and the large rest of one that began in the buffer, go straight to where they are
 * wanted: else every one behind it would go through the buffer too. */
static int read_piece(void *owner, void *to, size_t bytes)
{
    struct reading *reading = owner;
    while (bytes > 0) {
        size_t got = 0;
        if (reading->at == reading->held && bytes >= DIRECT_BYTES) {
            TRY(read_disk(reading, to, bytes, &got));
            return got == bytes ? 0 : -ERR_CORRUPT;
        }
        if (reading->at == reading->held) {
            TRY(read_disk(reading, reading->file->buffer, BUFFER_BYTES, &got));
            if (got == 0)
                return -ERR_CORRUPT;
            reading->at = 0;
            reading->held = got;
        }
        size_t step = reading->held - reading->at < bytes ? reading->held - reading->at : bytes;
        memcpy(to, reading->file->buffer + reading->at, step);
        reading->at += step;
        to = (char *)to + step;
        bytes -= step;
    }
    return 0;
}

/* Of the right shard and number, and as long as it says? NULL, or what is wrong. */
static const char *head_wrong(struct snapshot_file *file, int handle, uint64_t seq)
{
    char head[SHARD_SNAPSHOT_HEAD_BYTES] = {0};
    struct shard_snapshot_place place;
    size_t got = 0;
    uint64_t bytes = 0;
    struct disk *disk = file->disk;
    if (disk->ops->read(disk, (struct disk_piece){handle, 0, head, sizeof head}, &got) < 0 ||
        disk->ops->size(disk, handle, &bytes) < 0)
        return "it cannot be read";
    if (got != sizeof head)
        return "it is truncated";
    const char *wrong = shard_snapshot_head_wrong(head, &place);
    if (wrong != NULL)
        return wrong;
    if (place.shard != file->options.shard || place.seq != seq)
        return "it is not what its name says";
    return place.bytes == bytes ? NULL : "its length is wrong";
}

static int decode(struct snapshot_file *file, int handle, const struct shard_limits *limits,
                  struct shard_state **ret_state, const char **ret_wrong)
{
    struct reading reading = {.file = file, .handle = handle};
    struct snapshot_worker *worker = NULL;
    struct shard_state *state = NULL;
    TRY(snapshot_worker_new(&worker));
    const struct shard_snapshot_worker working = snapshot_worker_of(worker);
    const struct shard_snapshot_source source = {read_piece, &reading, &working};
    int error = shard_state_new(limits, &state);
    if (error < 0) {
        snapshot_worker_free(worker);
        return error;
    }
    error = shard_snapshot_decode(&source, state);
    snapshot_worker_free(worker);
    if (error == 0) {
        *ret_state = state;
        return 0;
    }
    const char *reason = shard_state_reason(state); /* static */
    *ret_wrong = reason[0] != 0 ? reason : error_text(error);
    shard_state_free(state);
    return error;
}

/* One snapshot; *ret_wrong when it is damaged, with 0 as the answer. */
static int load_one(struct snapshot_file *file, const struct snapshot_name *name,
                    const struct shard_limits *limits, struct shard_state **ret_state,
                    const char **ret_wrong)
{
    int handle = -1;
    if (file->disk->ops->open(file->disk, name->name, false, &handle) < 0) {
        *ret_wrong = "it cannot be opened";
        return 0;
    }
    int error = 0;
    *ret_wrong = head_wrong(file, handle, name->seq);
    if (*ret_wrong == NULL && ret_state != NULL)
        error = decode(file, handle, limits, ret_state, ret_wrong);
    file->disk->ops->close(file->disk, handle);
    bool ours = error == -ERR_LIMIT || error == -ERR_MEMORY || error == -ERR_CRYPTO;
    return ours ? error : 0;
}

static void note_damage(struct snapshot_found *found, const struct snapshot_name *name,
                        const char *wrong)
{
    found->damaged++;
    (void)snprintf(found->text, sizeof found->text, "%s: %s", name->name, wrong);
}

static int load_newest(struct snapshot_file *file, uint64_t seq_max,
                       const struct shard_limits *limits, struct shard_state **ret_state,
                       struct snapshot_found *found)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    TRY(snapshot_file_list(file->disk, file->options.shard, names, &count));
    while (count-- > 0) {
        const struct snapshot_name *name = &names[count];
        const char *wrong = NULL;
        bool asked = name->seq <= seq_max;
        TRY(load_one(file, name, limits, asked ? ret_state : NULL, &wrong));
        if (wrong != NULL && asked)
            note_damage(found, name, wrong);
        if (wrong != NULL)
            continue;
        if (name->seq > found->seq_max)
            found->seq_max = name->seq;
        if (asked) {
            found->seq = name->seq;
            return 0;
        }
    }
    return shard_state_new(limits, ret_state);
}

static int file_load(struct snapshot_store *store, uint64_t seq_max,
                     const struct shard_limits *limits, struct shard_state **ret_state,
                     struct snapshot_found *ret_found)
{
    *ret_found = (struct snapshot_found){.text = ""};
    return load_newest(file_of(store), seq_max, limits, ret_state, ret_found);
}

/* ---- writing ---- */

struct writing {
    struct snapshot_file *file;
    int handle;
    uint64_t offset; /* of what is written next */
    uint64_t synced;
    size_t held; /* of the buffer */
};

static int flush(struct writing *writing, size_t sync_from)
{
    struct disk *disk = writing->file->disk;
    if (writing->held > 0)
        TRY(disk->ops->write(disk, writing->handle, writing->offset, writing->file->buffer,
                             writing->held));
    writing->offset += writing->held;
    writing->held = 0;
    if (writing->offset - writing->synced < sync_from)
        return 0;
    TRY(disk->ops->sync(disk, writing->handle, DISK_WHY_SNAPSHOT));
    writing->synced = writing->offset;
    return 0;
}

static int write_piece(void *owner, const void *from, size_t bytes)
{
    struct writing *writing = owner;
    const uint32_t *stop = writing->file->options.stop;
    if (stop != NULL && __atomic_load_n(stop, __ATOMIC_ACQUIRE) != 0)
        return -ERR_STOPPED;
    if (BUFFER_BYTES - writing->held < bytes)
        TRY(flush(writing, SNAPSHOT_SYNC_BYTES));
    memcpy(writing->file->buffer + writing->held, from, bytes);
    writing->held += bytes;
    return 0;
}

static int write_file(struct snapshot_file *file, const char *name, const struct shard_state *state)
{
    struct writing writing = {.file = file};
    struct shard_snapshot_sink sink = {write_piece, &writing};
    uint8_t hash[32];
    TRY(file->disk->ops->open(file->disk, name, true, &writing.handle));
    int error = file->disk->ops->truncate(file->disk, writing.handle, 0);
    if (error == 0)
        error = shard_snapshot_encode(state, &sink, hash);
    if (error == 0)
        error = flush(&writing, 0);
    file->disk->ops->close(file->disk, writing.handle);
    return error;
}

static void make_fresh_name(const char *name, char *ret_name)
{
    int bytes =
        snprintf(ret_name, DISK_NAME_BYTES_MAX + 1, "%.*s" FRESH, DISK_NAME_BYTES_MAX - 4, name);
    ASSERT(bytes > 0 && bytes <= DISK_NAME_BYTES_MAX);
}

/* What a crash left unfinished. */
static void drop_unfinished(struct snapshot_file *file)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    struct listing listing = {.shard = file->options.shard, .fresh = true, .names = names};
    if (file->disk->ops->list(file->disk, note_name, &listing) < 0)
        return;
    for (size_t i = 0; i < listing.count; i++) {
        char fresh[DISK_NAME_BYTES_MAX + 1];
        make_fresh_name(names[i].name, fresh);
        (void)file->disk->ops->unlink(file->disk, fresh);
    }
}

/* What cannot be dropped now is tried again after the next snapshot. Newer ones than the one that
 * was just saved were passed over by who saved it, so they count for nothing. */
static void drop_older(struct snapshot_file *file, uint64_t saved)
{
    struct snapshot_name names[SNAPSHOT_FILES_MAX];
    size_t count = 0;
    if (snapshot_file_list(file->disk, file->options.shard, names, &count) < 0)
        return;
    while (count > 0 && names[count - 1].seq > saved)
        count--;
    for (size_t i = 0; i + file->options.keep < count; i++)
        (void)file->disk->ops->unlink(file->disk, names[i].name);
}

static int file_save(struct snapshot_store *store, const struct shard_state *state)
{
    struct snapshot_file *file = file_of(store);
    struct disk *disk = file->disk;
    char name[DISK_NAME_BYTES_MAX + 1], fresh[DISK_NAME_BYTES_MAX + 1];
    ASSERT(shard_state_shard(state) == file->options.shard);
    make_name(file->options.shard, shard_state_seq(state), name);
    make_fresh_name(name, fresh);
    drop_unfinished(file);
    int error = write_file(file, fresh, state);
    if (error == 0)
        error = disk->ops->rename(disk, fresh, name);
    if (error < 0) {
        (void)disk->ops->unlink(disk, fresh); /* its space may be what is missing */
        return error;
    }
    TRY(disk->ops->sync_directory(disk, DISK_WHY_SNAPSHOT_NAME));
    drop_older(file, shard_state_seq(state));
    return 0;
}

/* ---- life ---- */

static void file_free(struct snapshot_store *store)
{
    free(file_of(store)->buffer);
    free(store);
}

static const struct snapshot_store_ops file_ops = {file_load, file_save, file_free};

int snapshot_file_new(const struct snapshot_file_options *options, struct disk *disk,
                      struct snapshot_store **ret_store)
{
    struct snapshot_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return -ERR_MEMORY;
    *file = (struct snapshot_file){{&file_ops}, *options, disk, malloc(BUFFER_BYTES)};
    if (file->buffer == NULL) {
        free(file);
        return -ERR_MEMORY;
    }
    if (file->options.keep == 0)
        file->options.keep = SNAPSHOT_KEEP_DEFAULT;
    ASSERT(file->options.keep <= SNAPSHOT_FILES_MAX / 2);
    *ret_store = &file->store;
    return 0;
}
