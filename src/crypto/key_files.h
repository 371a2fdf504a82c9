/* key_files.h - the key files of a local set-up, in DIR/keys/.
 *
 * The folder is made with mode 0700, files with 0600; a file or folder that group or others
 * can reach, that is a symbolic link or belongs to another user is refused, because a key
 * that others could read is none. A new file is written beside, made durable, and only then
 * gets its name, so a crash leaves no half key, and of two processes that begin at once both
 * load the same one. Thread: any. */
#pragma once

#include <stddef.h>

#include "base/buf.h"

#define KEY_FILES_SECRET_BYTES  32
#define KEY_FILES_PEM_BYTES_MAX 512

/* Opens DIR/keys (DIR must be there), making it when missing. *ret_folder is a descriptor that
 * the caller closes. 0, -ERR_IO, or -ERR_CONFIG with a sentence in `why` (may be NULL). */
int key_files_open(const char *dir, int *ret_folder, struct buf *why);

/* 32 random bytes, kept as 64 hex digits and a line feed; loaded, or made when missing. The names
 * in use: "jwt-hs256.key", "personal-master.key". 0, -ERR_IO, -ERR_CONFIG (unsafe file) or
 * -ERR_CORRUPT (no key in it), the last two with a sentence in `why`. The caller wipes the
 * secret after use. */
int key_files_secret(int folder, const char *name, unsigned char ret_secret[KEY_FILES_SECRET_BYTES],
                     struct buf *why);

/* An Ed25519 private key in PEM ("jwt-ed25519.pem"), appended to ret_pem; loaded, or made when
 * missing. As key_files_secret, and -ERR_CRYPTO. */
int key_files_ed25519(int folder, const char *name, struct buf *ret_pem, struct buf *why);

/* A file that somebody else has made, with the same care; appended to *ret, which has room for one
 * byte more than the file may have. `name` may be a path, `folder` then AT_FDCWD. 0,
 * -ERR_NOT_FOUND, or as key_files_secret. */
int key_files_read(int folder, const char *name, struct buf *ret, struct buf *why);
