/* dynamo_keys.h - the keys that requests are signed with, as AWS's own tools look for them: a file
 * (its section [default] or that of AWS_PROFILE), else the environment (AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else the file that AWS_SHARED_CREDENTIALS_FILE names.
 * They are in no text for a log. */
#pragma once

#include "base/buf.h"

#define DYNAMO_KEY_BYTES_MAX   255
#define DYNAMO_TOKEN_BYTES_MAX 2000

struct dynamo_keys {
    char id[DYNAMO_KEY_BYTES_MAX + 1], secret[DYNAMO_KEY_BYTES_MAX + 1];
    char token[DYNAMO_TOKEN_BYTES_MAX + 1]; /* "": none */
};

/* `file` may be "". 0, or -ERR_CONFIG with a sentence in `why`. */
int dynamo_keys_find(const char *file, struct dynamo_keys *ret_keys, struct buf *why);
/* Of a file's text: pure. 0, or -ERR_FORMAT (no such section, or no whole keys in it). */
int dynamo_keys_read(struct slice text, const char *section, struct dynamo_keys *ret_keys);
