/* uof_key.h - what identifies a market: event, id and specifiers, as one text. Pure; thread: any.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* "sr:match:1/18/total=2.5": the specifiers, which come as "k=v|k=v" in any order, sorted by name
 * (CONTRACT). False when there is no such text that can mean one market only: an empty or repeated
 * name or one with a comma, an empty value or one with "=", a space or control character, a slash
 * in event or id, too many specifiers, or more bytes than a market id has. The buffer's content is
 * then of no use. */
bool uof_key_write(struct buf *buf, struct slice event_id, struct slice id,
                   struct slice specifiers);

/* The id within a key, and its specifiers "k=v,k=v" (empty: none). */
struct slice uof_key_id(struct slice key);
struct slice uof_key_specifiers(struct slice key);
/* The value of one of the specifiers; SLICE_NONE (at is NULL) when there is none of the name. */
struct slice uof_key_value(struct slice key, struct slice name);

/* Printable, of 1 to bytes_max bytes: what may be an id. */
bool uof_id_valid(struct slice id, size_t bytes_max);
