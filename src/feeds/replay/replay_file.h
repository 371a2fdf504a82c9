/* replay_file.h - reads a recording line by line: plain, .gz, .bz2 or .xz by the file's suffix.
 *
 * Decompresses as it reads (zlib, bzip2, liblzma; several packed members one after another are
 * one recording), so memory is bounded whatever a file unpacks to. A packed file that ends too
 * early or is damaged is an error and never a short recording. Blocks on the disk: for tools,
 * not for a loop. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define REPLAY_LINE_BYTES_MAX (4u << 20)
/* What unpacking an .xz may take; its own setting -9 needs 65 MiB. */
#define REPLAY_XZ_MEMORY_MAX (128u << 20)

struct replay_file;

/* Opens `path`, which is borrowed for the call; "-" is standard input, taken as plain text. 0,
 * -ERR_NOT_FOUND, -ERR_IO or -ERR_MEMORY. The caller owns *ret. */
int replay_file_open(const char *path, struct replay_file **ret);
void replay_file_close(struct replay_file *file); /* accepts NULL */

/* The next line that is not blank, without LF or CRLF; borrowed until the next call. 1 with a
 * line; 0 at the end; -ERR_IO, -ERR_CORRUPT (truncated or damaged packed file) or -ERR_LIMIT (a
 * line above REPLAY_LINE_BYTES_MAX), after which every call answers the same again. */
int replay_file_next(struct replay_file *file, struct slice *ret_line);

/* Number of the last line that was answered, blank ones counted; from 1. */
uint64_t replay_file_line(const struct replay_file *file);

/* What went wrong as a sentence with the file's name; "" when nothing has. Owned by the file. */
const char *replay_file_error(const struct replay_file *file);
