/* version.c - contract in version.h. */
#include "cli/version.h"

#include <stdio.h>

#include "base/error.h"
#include "crypto/sha256.h"

#ifndef OVERROUND_VERSION
#error the build gives the version
#endif

const char version_text[] = OVERROUND_VERSION;

int version_binary_sha256(uint8_t ret_digest[32])
{
    char piece[16384];
    struct sha256 *sha;
    FILE *file = fopen("/proc/self/exe", "re");
    if (file == NULL)
        return -ERR_IO;
    int error = sha256_new(&sha);
    if (error < 0) {
        (void)fclose(file);
        return error;
    }
    sha256_begin(sha);
    size_t bytes;
    while ((bytes = fread(piece, 1, sizeof piece, file)) > 0)
        sha256_add(sha, slice_of(piece, bytes));
    sha256_end(sha, ret_digest);
    sha256_free(sha);
    error = ferror(file) ? -ERR_IO : 0;
    (void)fclose(file);
    return error;
}
