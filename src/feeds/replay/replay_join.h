/* replay_join.h - documents of a recording whose lines are not whole ones: an XML document with
 * line breaks becomes one line, a space for each break, because a line is what the intake takes.
 *
 * A document ends with the line on which its root element does; what stands behind it on that line
 * belongs to it, and makes it malformed. One that never ends takes the rest of its file with it,
 * and is sent: the receiver counts it. Not a parser: it follows tags, quotes and comments as far as
 * it must to find the root's end. Thread: any (one user). */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

struct replay_join;

/* 0 or -ERR_MEMORY. */
int replay_join_new(struct replay_join **ret);
void replay_join_free(struct replay_join *join); /* accepts NULL */

/* Takes a line. 1 with a document, borrowed until the next call; 0: it goes on; -ERR_LIMIT: it is
 * longer than REPLAY_LINE_BYTES_MAX. */
int replay_join_line(struct replay_join *join, struct slice line, struct slice *ret_document);
/* The file is at its end: true with what was not complete. */
bool replay_join_rest(struct replay_join *join, struct slice *ret_document);
