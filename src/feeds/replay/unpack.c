/* unpack.c - contract in unpack.h. Each library has its own words for the same four things:
 * begin, step, end of a member, and begin the next one. */
#include "feeds/replay/unpack.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "feeds/replay/replay_file.h"

#define GZIP_WINDOW_BITS (15 + 16) /* zlib: 32 KiB window, gzip header and trailer only */

struct unpack {
    enum unpack_kind kind;
    bool open;   /* the library's state exists */
    bool inside; /* bytes of a member have come and its end has not */
    bool any;    /* a member was read to its end */
    z_stream gz;
    bz_stream bz2;
    lzma_stream xz;
};

/* What a step of any of the libraries comes to. */
enum step { STEP_MORE = 1, STEP_MEMBER_END, STEP_DAMAGED, STEP_MEMORY };

static int open_library(struct unpack *unpack)
{
    bool opened = true;
    switch (unpack->kind) {
    case UNPACK_PLAIN:
        break;
    case UNPACK_GZ:
        unpack->gz = (z_stream){0};
        opened = inflateInit2(&unpack->gz, GZIP_WINDOW_BITS) == Z_OK;
        break;
    case UNPACK_BZ2:
        unpack->bz2 = (bz_stream){0};
        opened = BZ2_bzDecompressInit(&unpack->bz2, 0, 0) == BZ_OK;
        break;
    case UNPACK_XZ:
        unpack->xz = (lzma_stream)LZMA_STREAM_INIT;
        opened = lzma_stream_decoder(&unpack->xz, REPLAY_XZ_MEMORY_MAX, 0) == LZMA_OK;
        break;
    }
    unpack->open = opened;
    return opened ? 0 : -ERR_MEMORY;
}

static void close_library(struct unpack *unpack)
{
    if (!unpack->open)
        return;
    unpack->open = false;
    switch (unpack->kind) {
    case UNPACK_PLAIN:
        break;
    case UNPACK_GZ:
        (void)inflateEnd(&unpack->gz);
        break;
    case UNPACK_BZ2:
        (void)BZ2_bzDecompressEnd(&unpack->bz2);
        break;
    case UNPACK_XZ:
        lzma_end(&unpack->xz);
        break;
    }
}

int unpack_new(enum unpack_kind kind, struct unpack **ret)
{
    struct unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack == NULL)
        return -ERR_MEMORY;
    unpack->kind = kind;
    int result = open_library(unpack);
    if (result < 0) {
        free(unpack);
        return result;
    }
    *ret = unpack;
    return 0;
}

void unpack_free(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    close_library(unpack);
    free(unpack);
}

static enum step step_gz(struct unpack *unpack, struct slice *in, char *out, size_t *out_bytes)
{
    z_stream *gz = &unpack->gz;
    gz->next_in = (Bytef *)(uintptr_t)in->at; /* zlib does not write there */
    gz->avail_in = (uInt)in->bytes;
    gz->next_out = (Bytef *)out;
    gz->avail_out = (uInt)*out_bytes;
    int result = inflate(gz, Z_NO_FLUSH);
    *in = slice_skip(*in, in->bytes - gz->avail_in);
    *out_bytes -= gz->avail_out;
    if (result == Z_STREAM_END)
        return STEP_MEMBER_END;
    if (result == Z_MEM_ERROR)
        return STEP_MEMORY;
    return result == Z_OK || result == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static enum step step_bz2(struct unpack *unpack, struct slice *in, char *out, size_t *out_bytes)
{
    bz_stream *bz2 = &unpack->bz2;
    bz2->next_in = (char *)(uintptr_t)in->at; /* bzip2 does not write there */
    bz2->avail_in = (unsigned)in->bytes;
    bz2->next_out = out;
    bz2->avail_out = (unsigned)*out_bytes;
    int result = BZ2_bzDecompress(bz2);
    *in = slice_skip(*in, in->bytes - bz2->avail_in);
    *out_bytes -= bz2->avail_out;
    if (result == BZ_STREAM_END)
        return STEP_MEMBER_END;
    if (result == BZ_MEM_ERROR)
        return STEP_MEMORY;
    return result == BZ_OK ? STEP_MORE : STEP_DAMAGED;
}

static enum step step_xz(struct unpack *unpack, struct slice *in, char *out, size_t *out_bytes)
{
    lzma_stream *xz = &unpack->xz;
    xz->next_in = (const uint8_t *)in->at;
    xz->avail_in = in->bytes;
    xz->next_out = (uint8_t *)out;
    xz->avail_out = *out_bytes;
    lzma_ret result = lzma_code(xz, LZMA_RUN);
    *in = slice_skip(*in, in->bytes - xz->avail_in);
    *out_bytes -= xz->avail_out;
    if (result == LZMA_STREAM_END)
        return STEP_MEMBER_END;
    if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
        return STEP_MEMORY;
    return result == LZMA_OK || result == LZMA_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static int step_plain(struct slice *in, char *out, size_t out_bytes)
{
    size_t bytes = in->bytes < out_bytes ? in->bytes : out_bytes;
    if (bytes > 0)
        memcpy(out, in->at, bytes);
    *in = slice_skip(*in, bytes);
    return (int)bytes;
}

static enum step step_library(struct unpack *unpack, struct slice *in, char *out, size_t *out_bytes)
{
    switch (unpack->kind) {
    case UNPACK_GZ:
        return step_gz(unpack, in, out, out_bytes);
    case UNPACK_BZ2:
        return step_bz2(unpack, in, out, out_bytes);
    case UNPACK_XZ:
        return step_xz(unpack, in, out, out_bytes);
    case UNPACK_PLAIN:
        break;
    }
    return STEP_DAMAGED;
}

/* The input may end only where a member has ended. */
static int at_input_end(const struct unpack *unpack)
{
    return unpack->inside || !unpack->any ? -ERR_CORRUPT : 0;
}

int unpack_step(struct unpack *unpack, struct slice *in, bool last, char *out, size_t out_bytes)
{
    ASSERT(out_bytes > 0);
    ASSERT(out_bytes <= INT_MAX);
    ASSERT(in->bytes <= INT_MAX);
    if (unpack->kind == UNPACK_PLAIN)
        return step_plain(in, out, out_bytes);
    if (in->bytes == 0 && !unpack->inside)
        return last ? at_input_end(unpack) : 0;
    if (!unpack->open)
        TRY(open_library(unpack));
    unpack->inside = true;
    size_t written = out_bytes;
    switch (step_library(unpack, in, out, &written)) {
    case STEP_MORE:
        /* Output that was held back can still come when there is no more input. */
        if (written == 0 && in->bytes == 0 && last)
            return at_input_end(unpack);
        return (int)written;
    case STEP_MEMBER_END:
        unpack->inside = false;
        unpack->any = true;
        close_library(unpack);
        return (int)written;
    case STEP_MEMORY:
        return -ERR_MEMORY;
    case STEP_DAMAGED:
        break;
    }
    return -ERR_CORRUPT;
}
