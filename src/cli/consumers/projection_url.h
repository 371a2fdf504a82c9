/* projection_url.h - which store of the tables that people query a URL names: postgresql:// or
 * dynamodb://. */
#pragma once

#include "ports/projection.h"

bool projection_url_is(const char *url);
/* Does not connect. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`. */
int projection_url_open(const char *url, struct projection_store **ret_store, struct buf *why);
