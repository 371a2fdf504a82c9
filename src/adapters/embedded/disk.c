/* disk.c - contract in disk.h: the real directory, and what is built from the operations. */
#include "adapters/embedded/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/slice.h"

#define ZERO_STEP_BYTES (256 * 1024)

struct directory {
    struct disk disk;
    int fd;
};

static struct directory *directory_of(struct disk *disk)
{
    return (struct directory *)disk;
}

static int error_of_errno(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return -ERR_NO_SPACE;
    case ENOENT:
        return -ERR_NOT_FOUND;
    case ENOMEM:
        return -ERR_MEMORY;
    default:
        return -ERR_IO;
    }
}

const char *disk_why_text(enum disk_why why)
{
    static const char *const texts[] = {
#define DISK_WHY_TEXT(name, text) text,
        DISK_WHY_LIST(DISK_WHY_TEXT)
#undef DISK_WHY_TEXT
    };
    return texts[why];
}

static int open_file(struct disk *disk, const char *name, int flags, int *ret_file)
{
    ASSERT(strlen(name) <= DISK_NAME_BYTES_MAX);
    ASSERT(strchr(name, '/') == NULL);
    int fd = openat(directory_of(disk)->fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_of_errno();
    *ret_file = fd;
    return 0;
}

static int directory_open(struct disk *disk, const char *name, bool create, int *ret_file)
{
    return open_file(disk, name, O_RDWR | (create ? O_CREAT : 0), ret_file);
}

static void directory_close(struct disk *disk, int file)
{
    (void)disk;
    (void)close(file); /* what must be durable was synced; there is nothing left to lose */
}

static int directory_size(struct disk *disk, int file, uint64_t *ret_bytes)
{
    (void)disk;
    struct stat status;
    if (fstat(file, &status) < 0)
        return error_of_errno();
    *ret_bytes = (uint64_t)status.st_size;
    return 0;
}

static int directory_read(struct disk *disk, struct disk_piece piece, size_t *ret_bytes)
{
    (void)disk;
    size_t done = 0;
    while (done < piece.bytes) {
        char *to = (char *)piece.memory + done;
        ssize_t got = pread(piece.file, to, piece.bytes - done, (off_t)(piece.offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_of_errno();
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_bytes = done;
    return 0;
}

static void directory_will_read(struct disk *disk, int file, uint64_t offset, uint64_t bytes)
{
    (void)disk;
    (void)posix_fadvise(file, (off_t)offset, (off_t)bytes, POSIX_FADV_WILLNEED);
}

static int directory_write(struct disk *disk, int file, uint64_t offset, const void *from,
                           size_t bytes)
{
    (void)disk;
    size_t done = 0;
    while (done < bytes) {
        const char *at = (const char *)from + done;
        ssize_t put = pwrite(file, at, bytes - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_of_errno();
        if (put == 0)
            return -ERR_IO;
        done += (size_t)put;
    }
    return 0;
}

/* Some file systems open such a file and refuse every access, or only take blocks of 4 KiB. */
static bool reads_one_sector(int fd)
{
    static _Alignas(DISK_DIRECT_ALIGNMENT) _Thread_local char sector[DISK_SECTOR];
    return pread(fd, sector, sizeof sector, DISK_SECTOR) == sizeof sector;
}

static int directory_open_direct(struct disk *disk, const char *name, int *ret_file)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_DIRECT;
    int fd = openat(directory_of(disk)->fd, name, flags);
    if (fd < 0)
        return errno == EINVAL ? -ERR_UNSUPPORTED : error_of_errno();
    if (!reads_one_sector(fd)) {
        close(fd);
        return -ERR_UNSUPPORTED;
    }
    *ret_file = fd;
    return 0;
}

static int directory_write_durable(struct disk *disk, int file, uint64_t offset, const void *from,
                                   size_t bytes)
{
    (void)disk;
    ASSERT((uintptr_t)from % DISK_DIRECT_ALIGNMENT == 0);
    ASSERT((offset | bytes) % DISK_SECTOR == 0);
    struct iovec piece = {(void *)(uintptr_t)from, bytes};
    ssize_t put = pwritev2(file, &piece, 1, (off_t)offset, RWF_DSYNC);
    if (put < 0)
        return error_of_errno();
    return (size_t)put == bytes ? 0 : -ERR_IO;
}

static int directory_truncate(struct disk *disk, int file, uint64_t bytes)
{
    (void)disk;
    return ftruncate(file, (off_t)bytes) < 0 ? error_of_errno() : 0;
}

/* Where the file system cannot promise space it is written: that is the next best. */
static int directory_allocate(struct disk *disk, int file, uint64_t bytes)
{
    if (fallocate(file, 0, 0, (off_t)bytes) == 0)
        return 0;
    return errno == EOPNOTSUPP ? disk_write_zeros(disk, file, 0, bytes) : error_of_errno();
}

static int directory_free_bytes(struct disk *disk, uint64_t *ret_bytes)
{
    struct statvfs status;
    if (fstatvfs(directory_of(disk)->fd, &status) < 0)
        return error_of_errno();
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return 0;
}

static void directory_forget(struct disk *disk, int file)
{
    (void)disk;
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

static int directory_sync(struct disk *disk, int file, enum disk_why why)
{
    (void)disk;
    (void)why;
    return fdatasync(file) < 0 ? error_of_errno() : 0;
}

static int directory_sync_directory(struct disk *disk, enum disk_why why)
{
    (void)why;
    return fsync(directory_of(disk)->fd) < 0 ? error_of_errno() : 0;
}

static int directory_rename(struct disk *disk, const char *from, const char *to)
{
    int fd = directory_of(disk)->fd;
    return renameat(fd, from, fd, to) < 0 ? error_of_errno() : 0;
}

static int directory_unlink(struct disk *disk, const char *name)
{
    return unlinkat(directory_of(disk)->fd, name, 0) < 0 ? error_of_errno() : 0;
}

static int directory_list(struct disk *disk, disk_visit visit, void *owner)
{
    int fd = openat(directory_of(disk)->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_of_errno();
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        close(fd);
        return -ERR_MEMORY;
    }
    int result = 0;
    struct dirent *entry;
    while (result >= 0 && (errno = 0, entry = readdir(stream)) != NULL)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) <= DISK_NAME_BYTES_MAX)
            result = visit(owner, entry->d_name);
    if (result >= 0 && errno != 0)
        result = -ERR_IO;
    closedir(stream);
    return result < 0 ? result : 0;
}

/* Closes the file when it cannot be locked. */
static int lock_file(int fd, int how, int *ret_file)
{
    if (flock(fd, how | LOCK_NB) < 0) {
        int error = errno == EWOULDBLOCK ? -ERR_BUSY : -ERR_IO;
        close(fd);
        return error;
    }
    *ret_file = fd;
    return 0;
}

static int directory_lock(struct disk *disk, const char *name, int *ret_file)
{
    int fd = -1;
    TRY(directory_open(disk, name, true, &fd));
    return lock_file(fd, LOCK_EX, ret_file);
}

static void directory_free(struct disk *disk)
{
    close(directory_of(disk)->fd);
    free(directory_of(disk));
}

static const struct disk_ops directory_ops = {
    .open = directory_open,
    .close = directory_close,
    .size = directory_size,
    .read = directory_read,
    .will_read = directory_will_read,
    .write = directory_write,
    .open_direct = directory_open_direct,
    .write_durable = directory_write_durable,
    .truncate = directory_truncate,
    .allocate = directory_allocate,
    .free_bytes = directory_free_bytes,
    .forget = directory_forget,
    .sync = directory_sync,
    .sync_directory = directory_sync_directory,
    .rename = directory_rename,
    .unlink = directory_unlink,
    .list = directory_list,
    .lock = directory_lock,
    .free = directory_free,
};

/* --- The same, to be read --- */

static int reading_open(struct disk *disk, const char *name, bool create, int *ret_file)
{
    return create ? -ERR_UNSUPPORTED : open_file(disk, name, O_RDONLY, ret_file);
}

static int reading_write(struct disk *disk, int file, uint64_t offset, const void *from,
                         size_t bytes)
{
    (void)disk, (void)file, (void)offset, (void)from, (void)bytes;
    return -ERR_UNSUPPORTED;
}

static int reading_open_direct(struct disk *disk, const char *name, int *ret_file)
{
    (void)disk, (void)name, (void)ret_file;
    return -ERR_UNSUPPORTED;
}

static int reading_truncate(struct disk *disk, int file, uint64_t bytes)
{
    (void)disk, (void)file, (void)bytes;
    return -ERR_UNSUPPORTED;
}

static int reading_sync(struct disk *disk, int file, enum disk_why why)
{
    (void)disk, (void)file, (void)why;
    return -ERR_UNSUPPORTED;
}

static int reading_sync_directory(struct disk *disk, enum disk_why why)
{
    (void)disk, (void)why;
    return -ERR_UNSUPPORTED;
}

static int reading_rename(struct disk *disk, const char *from, const char *to)
{
    (void)disk, (void)from, (void)to;
    return -ERR_UNSUPPORTED;
}

static int reading_unlink(struct disk *disk, const char *name)
{
    (void)disk, (void)name;
    return -ERR_UNSUPPORTED;
}

static bool is_mounted_read_only(const struct disk *disk)
{
    struct statvfs status;
    return fstatvfs(((const struct directory *)disk)->fd, &status) == 0 &&
           (status.f_flag & ST_RDONLY) != 0;
}

static int reading_lock(struct disk *disk, const char *name, int *ret_file)
{
    int fd = -1;
    int result = open_file(disk, name, O_RDONLY, &fd);
    bool is_denied = result < 0 && errno == EACCES;
    if (result == -ERR_NOT_FOUND || (is_denied && is_mounted_read_only(disk))) {
        *ret_file = -1;
        return 0;
    }
    TRY(result);
    return lock_file(fd, LOCK_SH, ret_file);
}

static const struct disk_ops reading_ops = {
    .open = reading_open,
    .close = directory_close,
    .size = directory_size,
    .read = directory_read,
    .will_read = directory_will_read,
    .write = reading_write,
    .open_direct = reading_open_direct,
    .write_durable = reading_write,
    .truncate = reading_truncate,
    .allocate = reading_truncate,
    .free_bytes = directory_free_bytes,
    .forget = directory_forget,
    .sync = reading_sync,
    .sync_directory = reading_sync_directory,
    .rename = reading_rename,
    .unlink = reading_unlink,
    .list = directory_list,
    .lock = reading_lock,
    .free = directory_free,
};

/* --- Opening --- */

/* The directory must outlive a crash like everything that is put into it; always, because the
 * process that made it may have died before this. */
static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    int bytes = snprintf(parent, sizeof parent, "%s/..", path);
    if (bytes < 0 || (size_t)bytes >= sizeof parent)
        return -ERR_LIMIT;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_of_errno();
    int result = fsync(fd) < 0 ? -ERR_IO : 0;
    close(fd);
    return result;
}

static int disk_new_directory(const char *path, const struct disk_ops *ops, struct disk **ret_disk)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_of_errno();
    struct directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL) {
        close(fd);
        return -ERR_MEMORY;
    }
    *directory = (struct directory){{ops}, fd};
    *ret_disk = &directory->disk;
    return 0;
}

int disk_open_directory(const char *path, struct disk **ret_disk)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_of_errno();
    TRY(sync_parent(path));
    return disk_new_directory(path, &directory_ops, ret_disk);
}

int disk_open_to_read(const char *path, struct disk **ret_disk)
{
    return disk_new_directory(path, &reading_ops, ret_disk);
}

void disk_free(struct disk *disk)
{
    if (disk != NULL && disk->ops->free != NULL)
        disk->ops->free(disk);
}

int disk_write_zeros(struct disk *disk, int file, uint64_t offset, uint64_t bytes)
{
    static const char zeros[ZERO_STEP_BYTES];
    while (bytes > 0) {
        size_t step = bytes < sizeof zeros ? (size_t)bytes : sizeof zeros;
        TRY(disk->ops->write(disk, file, offset, zeros, step));
        offset += step;
        bytes -= step;
    }
    return 0;
}

static int write_new(struct disk *disk, const char *name, struct slice content, enum disk_why why)
{
    int file = -1;
    TRY(disk->ops->open(disk, name, true, &file));
    int result = disk->ops->truncate(disk, file, 0);
    if (result >= 0)
        result = disk->ops->write(disk, file, 0, content.at, content.bytes);
    if (result >= 0)
        result = disk->ops->sync(disk, file, why);
    disk->ops->close(disk, file);
    return result;
}

int disk_replace(struct disk *disk, const char *name, const void *from, size_t bytes)
{
    return disk_replace_for(disk, name, from, bytes,
                            (struct disk_reasons){DISK_WHY_EPOCH, DISK_WHY_EPOCH_NAME});
}

int disk_replace_for(struct disk *disk, const char *name, const void *from, size_t bytes,
                     struct disk_reasons reasons)
{
    char fresh[DISK_NAME_BYTES_MAX + 1];
    int length = snprintf(fresh, sizeof fresh, "%s.new", name);
    ASSERT(length > 0);
    ASSERT((size_t)length < sizeof fresh);
    TRY(write_new(disk, fresh, slice_of(from, bytes), reasons.content));
    TRY(disk->ops->rename(disk, fresh, name));
    return disk->ops->sync_directory(disk, reasons.name);
}

int disk_read_whole(struct disk *disk, const char *name, void *memory, size_t capacity,
                    size_t *ret_bytes)
{
    int file = -1;
    TRY(disk->ops->open(disk, name, false, &file));
    uint64_t size = 0;
    size_t got = 0;
    int result = disk->ops->size(disk, file, &size);
    if (result >= 0 && size > capacity)
        result = -ERR_LIMIT;
    if (result >= 0)
        result = disk->ops->read(disk, (struct disk_piece){file, 0, memory, (size_t)size}, &got);
    disk->ops->close(disk, file);
    if (result < 0)
        return result;
    *ret_bytes = got;
    return 0;
}
