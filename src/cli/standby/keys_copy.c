/* keys_copy.c - contract in keys_copy.h. */
#include "cli/standby/keys_copy.h"

#include <stdio.h>
#include <string.h>

#include "adapters/embedded/disk.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/personal.h"

#define PATH_BYTES_MAX 512
#define VAULT_NAME     "personal.keys"
#define FILES_MAX      64
#define FILE_BYTES_MAX ((size_t)8 << 30) /* 100 million slots */
#define READS_MAX      100

struct names {
    char at[FILES_MAX][DISK_NAME_BYTES_MAX + 1];
    size_t count;
    bool too_many;
};

struct copying {
    struct disk *from, *to;
    struct names names;
    char *memory, *again; /* FILE_BYTES_MAX each, reserved */
    uint64_t accounts;    /* UINT64_MAX: all */
};

static int note_name(void *owner, const char *name)
{
    struct names *names = owner;
    size_t bytes = strlen(name);
    if (bytes > 4 && strcmp(name + bytes - 4, ".new") == 0)
        return 0; /* left by a crash */
    names->too_many |= names->count == FILES_MAX;
    if (!names->too_many)
        memcpy(names->at[names->count++], name, bytes + 1);
    return names->too_many ? -ERR_LIMIT : 0;
}

/* Until it is read twice alike: a key may be being written, or erased. */
static int read_still(struct copying *c, const char *name, size_t *ret_bytes)
{
    size_t bytes = 0, again = 0;
    TRY(disk_read_whole(c->from, name, c->again, FILE_BYTES_MAX, &again));
    for (unsigned i = 0; i < READS_MAX; i++) {
        char *swap = c->memory;
        c->memory = c->again;
        c->again = swap;
        bytes = again;
        TRY(disk_read_whole(c->from, name, c->again, FILE_BYTES_MAX, &again));
        if (bytes == again && memcmp(c->memory, c->again, bytes) == 0) {
            *ret_bytes = bytes;
            return 0;
        }
    }
    return -ERR_BUSY;
}

static int copy_one(struct copying *c, const char *name)
{
    size_t bytes = 0;
    TRY(read_still(c, name, &bytes));
    uint64_t wanted = personal_file_bytes(c->accounts);
    if (strcmp(name, VAULT_NAME) == 0 && bytes > wanted)
        bytes = (size_t)wanted;
    int error = disk_replace(c->to, name, c->memory, bytes);
    explicit_bzero(c->memory, bytes);
    explicit_bzero(c->again, bytes);
    return error;
}

/* An older copy of what the source has no more is no copy, but a key that should be gone. */
static int drop_others(struct copying *c)
{
    struct names there = {.count = 0};
    TRY(c->to->ops->list(c->to, note_name, &there));
    for (size_t i = 0; i < there.count; i++) {
        bool known = false;
        for (size_t j = 0; j < c->names.count; j++)
            known |= strcmp(there.at[i], c->names.at[j]) == 0;
        if (!known)
            TRY(c->to->ops->unlink(c->to, there.at[i]));
    }
    return c->to->ops->sync_directory(c->to, DISK_WHY_KEY_NAME);
}

static int copy_all(struct copying *c)
{
    c->memory = reserve_new(FILE_BYTES_MAX, 1);
    c->again = reserve_new(FILE_BYTES_MAX, 1);
    int error = c->memory == NULL || c->again == NULL ? -ERR_MEMORY : 0;
    if (error == 0)
        error = c->from->ops->list(c->from, note_name, &c->names);
    for (size_t i = 0; i < c->names.count && error == 0; i++)
        error = copy_one(c, c->names.at[i]);
    reserve_free(c->memory, FILE_BYTES_MAX, 1);
    reserve_free(c->again, FILE_BYTES_MAX, 1);
    return error == 0 ? drop_others(c) : error;
}

static int copy_folder(const char *from, const char *to, uint64_t accounts, struct buf *why)
{
    struct copying c = {.accounts = accounts};
    int error = disk_open_to_read(from, &c.from);
    if (error < 0)
        buf_printf(why, "%s: %s", from, error_text(error));
    if (error == 0 && (error = disk_open_directory(to, &c.to)) < 0)
        buf_printf(why, "%s: %s", to, error_text(error));
    if (error == 0 && (error = copy_all(&c)) < 0)
        buf_printf(why, "the keys of %s cannot be copied to %s: %s", from, to, error_text(error));
    disk_free(c.from);
    disk_free(c.to);
    return error;
}

static int keys_of(const char *data, char path[PATH_BYTES_MAX])
{
    int bytes = snprintf(path, PATH_BYTES_MAX, "%s/keys", data);
    return bytes < 0 || bytes >= PATH_BYTES_MAX ? -ERR_LIMIT : 0;
}

int keys_copy_out(const char *data, const char *to, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    TRY(keys_of(data, path));
    return copy_folder(path, to, UINT64_MAX, why);
}

int keys_copy_in(const char *from, const char *data, uint64_t accounts, struct buf *why)
{
    char path[PATH_BYTES_MAX];
    TRY(keys_of(data, path));
    return copy_folder(from, path, accounts, why);
}
