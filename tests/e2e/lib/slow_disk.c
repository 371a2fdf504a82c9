/* slow_disk.c - preloaded into an engine of a test's: a disk that takes its time.
 *
 * The environment's SLOW_DISK names a file that the test writes and reads while the engine runs:
 * how long each call is to take, in microseconds, and how many calls took so long. It concerns
 * regular files, but for what is said on stderr, and the calls by which PostgreSQL, Kafka's broker
 * and a ledger in files write and sync: write, writev, pwrite, pwritev2, fsync, fdatasync. Whoever
 * waits goes on as soon as the time is set to less. Calls of libc's own (streams) and mapped memory
 * are as quick as ever. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_NS (2 * 1000 * 1000)

struct told {
    _Atomic uint64_t delay_us;
    _Atomic uint64_t calls;
};

static struct told *told; /* NULL until the file is mapped */

__attribute__((constructor)) static void map_told(void)
{
    const char *path = getenv("SLOW_DISK");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        told = at;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Before a call, of which errno is not ours to change. */
static void take_time(int fd)
{
    struct stat file;
    if (told == NULL || fd == STDERR_FILENO || atomic_load(&told->delay_us) == 0)
        return;
    int before = errno;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)) {
        uint64_t begun = now_us();
        atomic_fetch_add(&told->calls, 1);
        while (now_us() - begun < atomic_load(&told->delay_us))
            (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
    errno = before;
}

int fsync(int fd)
{
    take_time(fd);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    take_time(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    take_time(fd);
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    take_time(fd);
    return syscall(SYS_writev, fd, pieces, count);
}

/* With offsets of 64 bits, as the build and both engines have them, its symbol is pwrite64. */
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    take_time(fd);
    return syscall(SYS_pwrite64, fd, bytes, count, at);
}

/* In this build of it, with offsets of 64 bits, pwritev64v2. */
ssize_t pwritev2(int fd, const struct iovec *pieces, int count, off_t at, int flags)
{
    take_time(fd);
    return syscall(SYS_pwritev2, fd, pieces, count, at, 0, flags);
}
