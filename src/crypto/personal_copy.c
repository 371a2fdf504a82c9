/* personal_copy.c - contract in personal_copy.h. */
#include "crypto/personal_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int check_copy(int fd, bool to_write)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return -ERR_IO;
    if (!S_ISREG(stat.st_mode) || stat.st_uid != geteuid() || (stat.st_mode & 077) != 0)
        return -ERR_CONFIG;
    return !to_write || flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -ERR_BUSY;
}

int personal_copy_open(int folder, const char *name, bool to_write, struct personal_copy *ret)
{
    int flags = (to_write ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(folder, name, flags, 0600);
    if (fd < 0 && errno == ENOENT)
        return -ERR_NOT_FOUND;
    if (fd < 0)
        return errno == ELOOP ? -ERR_CONFIG : -ERR_IO;
    int error = check_copy(fd, to_write);
    if (error == 0 && to_write && fsync(folder) < 0) /* the file's name, if it is new */
        error = -ERR_IO;
    if (error < 0)
        (void)close(fd);
    else
        ret->fd = fd;
    return error;
}

void personal_copy_close(struct personal_copy *copy)
{
    if (copy->fd >= 0)
        (void)close(copy->fd);
    copy->fd = -1;
}

uint64_t personal_copy_size(const struct personal_copy *copy)
{
    struct stat stat;
    if (fstat(copy->fd, &stat) < 0 || stat.st_size < 0)
        return 0;
    return (uint64_t)stat.st_size / PERSONAL_SLOT_BYTES * PERSONAL_SLOT_BYTES;
}

int personal_copy_read(const struct personal_copy *copy, uint64_t offset, void *to, size_t capacity)
{
    ssize_t got = pread(copy->fd, to, capacity, (off_t)offset);
    return got < 0 ? -ERR_IO : (int)(got / PERSONAL_SLOT_BYTES * PERSONAL_SLOT_BYTES);
}

static int write_at(const struct personal_copy *copy, uint64_t offset, struct slice slots)
{
    ssize_t done = pwrite(copy->fd, slots.at, slots.bytes, (off_t)offset);
    if (done == (ssize_t)slots.bytes)
        return 0;
    return done < 0 && errno == ENOSPC ? -ERR_NO_SPACE : -ERR_IO;
}

/* The first slot is the head, without which nobody opens the file: power that fails must not take
 * it and leave what comes behind. */
int personal_copy_write(const struct personal_copy *copy, uint64_t offset, struct slice slots)
{
    if (offset % PERSONAL_SLOT_BYTES != 0 || slots.bytes % PERSONAL_SLOT_BYTES != 0)
        return -ERR_FORMAT;
    for (size_t at = 0; at < slots.bytes; at += PERSONAL_SLOT_BYTES)
        if (!personal_slot_is_sound((offset + at) / PERSONAL_SLOT_BYTES, slots.at + at))
            return -ERR_FORMAT;
    if (offset == 0 && slots.bytes > PERSONAL_SLOT_BYTES) {
        TRY(write_at(copy, 0, slice_of(slots.at, PERSONAL_SLOT_BYTES)));
        TRY(personal_copy_sync(copy));
    }
    return write_at(copy, offset, slots);
}

int personal_copy_sync(const struct personal_copy *copy)
{
    return fdatasync(copy->fd) == 0 ? 0 : -ERR_IO;
}
