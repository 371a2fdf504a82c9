/* version.h - which program this is. Thread: any. */
#pragma once

#include <stdint.h>

/* Of the project, and of the commit it was built from ("unknown" outside a repository). */
extern const char version_text[];
extern const char version_commit[];

/* SHA-256 of the running program's file (G-04). 0, -ERR_IO or -ERR_CRYPTO. */
int version_binary_sha256(uint8_t ret_digest[32]);
