/* replay_file.c - contract in replay_file.h. One buffer holds what was unpacked and not yet
 * answered; it has room for the longest line, so a line is always in one piece. */
#include "feeds/replay/replay_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/replay/unpack.h"

#define PACKED_BYTES   (64u << 10)
#define PLAIN_BYTES    (REPLAY_LINE_BYTES_MAX + (64u << 10))
#define MESSAGE_BYTES  512
#define NAME_SHOWN_MAX 256

struct replay_file {
    int fd;
    bool is_stdin;
    bool input_ended;
    bool ended; /* everything is in the buffer */
    int failed; /* the error, for ever */
    uint64_t line;
    struct unpack *unpack; /* owned */
    struct slice packed;   /* of packed_bytes: read and not yet unpacked */
    size_t begin, end;     /* of plain: unpacked and not yet answered */
    size_t scanned;        /* no line end stands before it */
    char name[NAME_SHOWN_MAX];
    char error[MESSAGE_BYTES];
    char packed_bytes[PACKED_BYTES];
    char plain[PLAIN_BYTES];
};

static bool has_suffix(const char *path, const char *suffix)
{
    size_t path_bytes = strlen(path);
    size_t suffix_bytes = strlen(suffix);
    return path_bytes > suffix_bytes && strcmp(path + path_bytes - suffix_bytes, suffix) == 0;
}

static enum unpack_kind kind_of(const char *path)
{
    if (has_suffix(path, ".gz"))
        return UNPACK_GZ;
    if (has_suffix(path, ".bz2"))
        return UNPACK_BZ2;
    return has_suffix(path, ".xz") ? UNPACK_XZ : UNPACK_PLAIN;
}

static int open_input(const char *path, int *ret_fd)
{
    if (strcmp(path, "-") == 0) {
        *ret_fd = STDIN_FILENO;
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? -ERR_NOT_FOUND : -ERR_IO;
    *ret_fd = fd;
    return 0;
}

static struct replay_file *file_new(void)
{
    struct replay_file *file = calloc(1, sizeof *file);
    if (file != NULL)
        file->fd = -1;
    return file;
}

int replay_file_open(const char *path, struct replay_file **ret)
{
    struct replay_file *file = file_new();
    if (file == NULL)
        return -ERR_MEMORY;
    file->is_stdin = strcmp(path, "-") == 0;
    (void)snprintf(file->name, sizeof file->name, "%s", file->is_stdin ? "standard input" : path);
    int result = unpack_new(file->is_stdin ? UNPACK_PLAIN : kind_of(path), &file->unpack);
    if (result == 0)
        result = open_input(path, &file->fd);
    if (result < 0) {
        replay_file_close(file);
        return result;
    }
    *ret = file;
    return 0;
}

void replay_file_close(struct replay_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0 && !file->is_stdin)
        (void)close(file->fd); /* only read from: nothing can be lost */
    unpack_free(file->unpack);
    free(file);
}

uint64_t replay_file_line(const struct replay_file *file)
{
    return file->line;
}

const char *replay_file_error(const struct replay_file *file)
{
    return file->error;
}

static int fail(struct replay_file *file, int error, const char *what)
{
    file->failed = error;
    (void)snprintf(file->error, sizeof file->error, "%s: after line %llu: %s", file->name,
                   (unsigned long long)file->line, what);
    return error;
}

static int read_packed(struct replay_file *file)
{
    ssize_t bytes;
    do {
        bytes = read(file->fd, file->packed_bytes, sizeof file->packed_bytes);
    } while (bytes < 0 && errno == EINTR);
    if (bytes < 0)
        return fail(file, -ERR_IO, strerrordesc_np(errno));
    file->input_ended = bytes == 0;
    file->packed = slice_of(file->packed_bytes, (size_t)bytes);
    return 0;
}

static int unpack_failed(struct replay_file *file, int error)
{
    if (error == -ERR_MEMORY)
        return fail(file, error, "unpacking takes too much memory");
    bool truncated = file->input_ended && file->packed.bytes == 0;
    return fail(file, error,
                truncated ? "the packed file is truncated" : "the packed file is damaged");
}

/* Adds to what is in the buffer, which has room; sets `ended` when there is no more. */
static int fill(struct replay_file *file)
{
    if (file->packed.bytes == 0 && !file->input_ended)
        TRY(read_packed(file));
    int bytes = unpack_step(file->unpack, &file->packed, file->input_ended, file->plain + file->end,
                            sizeof file->plain - file->end);
    if (bytes < 0)
        return unpack_failed(file, bytes);
    file->end += (size_t)bytes;
    file->ended = bytes == 0 && file->input_ended && file->packed.bytes == 0;
    return 0;
}

/* Moves what is left to the front when there is little room behind it. */
static void make_room(struct replay_file *file)
{
    if (file->end < sizeof file->plain)
        return;
    memmove(file->plain, file->plain + file->begin, file->end - file->begin);
    file->scanned -= file->begin;
    file->end -= file->begin;
    file->begin = 0;
}

/* The bytes of the next line with its line end, once it is in the buffer; 0: there is none. */
static int take_line(struct replay_file *file, struct slice *ret)
{
    for (;;) {
        const char *from = file->plain + file->scanned;
        const char *found = memchr(from, '\n', file->end - file->scanned);
        size_t end = found != NULL ? (size_t)(found - file->plain) + 1 : file->end;
        if (end - file->begin > REPLAY_LINE_BYTES_MAX + 2)
            return fail(file, -ERR_LIMIT, "the next line is longer than 4 MiB");
        if (found != NULL || (file->ended && end > file->begin)) {
            *ret = slice_of(file->plain + file->begin, end - file->begin);
            file->begin = file->scanned = end;
            return 1;
        }
        if (file->ended)
            return 0;
        file->scanned = end;
        make_room(file);
        TRY(fill(file));
    }
}

static struct slice without_end(struct slice line)
{
    if (line.bytes > 0 && line.at[line.bytes - 1] == '\n')
        line.bytes--;
    if (line.bytes > 0 && line.at[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.bytes; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t')
            return false;
    return true;
}

int replay_file_next(struct replay_file *file, struct slice *ret_line)
{
    if (file->failed < 0)
        return file->failed;
    for (;;) {
        struct slice line;
        int result = take_line(file, &line);
        if (result <= 0)
            return result;
        file->line++;
        line = without_end(line);
        if (line.bytes > REPLAY_LINE_BYTES_MAX)
            return fail(file, -ERR_LIMIT, "it is longer than 4 MiB");
        if (is_blank(line))
            continue;
        *ret_line = line;
        return 1;
    }
}
