/* dynamo_url.h - where a ledger in DynamoDB stands:
 *     dynamodb://TABLE?region=REGION[&endpoint=URL][&credentials=FILE][&ca=FILE]
 * Values are taken as they are written: none may hold '&'. Pure. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define DYNAMO_TABLE_BYTES_MIN 3
#define DYNAMO_TABLE_BYTES_MAX 255
#define DYNAMO_VALUE_BYTES_MAX 1000

struct dynamo_url {
    char table[DYNAMO_TABLE_BYTES_MAX + 1];
    char region[DYNAMO_VALUE_BYTES_MAX + 1];
    char endpoint[DYNAMO_VALUE_BYTES_MAX + 1]; /* a URL: the region's own where none is named */
    char credentials[DYNAMO_VALUE_BYTES_MAX + 1], ca_file[DYNAMO_VALUE_BYTES_MAX + 1]; /* or "" */
};

/* It begins like one. */
bool dynamo_url_is(const char *text);
/* 0, or -ERR_CONFIG with a sentence in `why`. */
int dynamo_url_read(const char *text, struct dynamo_url *ret_url, struct buf *why);
