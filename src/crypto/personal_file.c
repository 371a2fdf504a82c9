/* personal_file.c - the slots of personal.h in a file of the key folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/personal.h"
#include "crypto/random.h"

struct medium_file {
    int fd; /* owned, locked */
};

static int fd_of(const void *owner)
{
    return ((const struct medium_file *)owner)->fd;
}

static int file_read(void *owner, uint64_t offset, void *to, size_t bytes, size_t *ret_bytes)
{
    ssize_t got = pread(fd_of(owner), to, bytes, (off_t)offset);
    if (got < 0)
        return -ERR_IO;
    *ret_bytes = (size_t)got;
    return 0;
}

static int file_write(void *owner, uint64_t offset, const void *from, size_t bytes)
{
    ssize_t done = pwrite(fd_of(owner), from, bytes, (off_t)offset);
    if (done == (ssize_t)bytes)
        return 0;
    return done < 0 && errno == ENOSPC ? -ERR_NO_SPACE : -ERR_IO;
}

static int file_sync(void *owner)
{
    return fdatasync(fd_of(owner)) == 0 ? 0 : -ERR_IO;
}

static int file_size(void *owner, uint64_t *ret_bytes)
{
    struct stat stat;
    if (fstat(fd_of(owner), &stat) < 0)
        return -ERR_IO;
    *ret_bytes = (uint64_t)stat.st_size;
    return 0;
}

static void file_close(void *owner)
{
    (void)close(fd_of(owner));
    free(owner);
}

static void file_random(void *owner, void *to, size_t bytes)
{
    (void)owner;
    random_fill(to, bytes);
}

static int check_file(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return -ERR_IO;
    bool safe = S_ISREG(stat.st_mode) && stat.st_uid == geteuid() && (stat.st_mode & 077) == 0;
    if (!safe)
        return -ERR_CONFIG;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -ERR_BUSY;
}

static int open_file(int folder, const char *name, int *ret_fd)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return errno == ELOOP ? -ERR_CONFIG : -ERR_IO;
    int result = check_file(fd);
    if (result == 0 && fsync(folder) < 0) /* the file's name, if it is new */
        result = -ERR_IO;
    if (result < 0) {
        (void)close(fd);
        return result;
    }
    *ret_fd = fd;
    return 0;
}

static struct medium_file *medium_new(int fd)
{
    struct medium_file *file = malloc(sizeof *file);
    if (file != NULL)
        file->fd = fd;
    return file;
}

int personal_keys_open(int folder, const char *name,
                       const unsigned char master[PERSONAL_MASTER_BYTES], size_t count_max,
                       struct personal_keys **ret)
{
    int fd = -1;
    TRY(open_file(folder, name, &fd));
    struct medium_file *file = medium_new(fd);
    if (file == NULL) {
        (void)close(fd);
        return -ERR_MEMORY;
    }
    const struct personal_medium medium = {.read = file_read,
                                           .write = file_write,
                                           .sync = file_sync,
                                           .size = file_size,
                                           .close = file_close,
                                           .random = file_random,
                                           .owner = file};
    return personal_keys_open_on(&medium, master, count_max, ret);
}
