/* problem.h - RFC 9457 problem bodies with a stable `code` and members of our own.
 * Thread: any. */
#pragma once

#include "base/json_write.h"
#include "base/slice.h"

/* Opens {"type","title","status","code","detail": the caller adds members and closes the object.
 * `detail` may be empty. */
struct json_writer problem_open(struct buf *out, int status, const char *code, struct slice detail);
/* The whole of a problem without members of its own. */
void problem_write(struct buf *out, int status, const char *code, struct slice detail);
