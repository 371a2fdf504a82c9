/* shard_folder.h - where a process that may have any shard keeps what is of the one it has:
 * DATA/shard-SSSS, a folder as DATA is otherwise. The secrets that all of a book's processes have
 * are those of DATA/keys. Thread: the main one. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

#define SHARD_FOLDER_PATH_MAX 512

/* Makes what is missing: the folder, and the secrets, in DATA/keys and then, the same files, in
 * DATA/shard-SSSS/keys. 0, or an error with a sentence in `why`. */
int shard_folder_open(const char *data, const char *jwks, uint32_t shard,
                      char ret_path[SHARD_FOLDER_PATH_MAX], struct buf *why);
