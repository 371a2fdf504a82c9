/* shard_list.h - how the shards of a desk are: GET /v1/admin/shards (docs/api/openapi.yaml).
 * Thread: the book's loop. */
#pragma once

#include "base/buf.h"
#include "roles/backoffice/shard_words.h"

/* Of SHARDS_MAX shards. */
#define SHARD_LIST_JSON_BYTES_MAX ((size_t)SHARDS_MAX * 120 + 64)

/* {"shards":[...]}, by number, of those that take their words from here; none in a book of one, or
 * in a process that is not the desk. Needs SHARD_LIST_JSON_BYTES_MAX of room. */
void shard_list_write(struct buf *out, const struct shard_words *words);
