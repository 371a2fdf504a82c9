/* uof_xml.h - one XML document, element by element; the only user of expat.
 *
 * Everything that a document could do beyond its own elements is refused: a document type, and with
 * it every entity but the five of XML itself, external or not. Comments, processing instructions
 * and character data are passed over. The encoding is UTF-8, whatever the document says; a byte
 * order mark may stand before it. Thread: any (one user). */
#pragma once

#include <stdint.h>

#include "base/slice.h"

#define UOF_DEPTH_MAX      16 /* elements within one another */
#define UOF_ATTRIBUTES_MAX 64 /* of one element */

struct uof_xml;

/* Called for each element, depth 1 is the root. Names and values end with a NUL and are borrowed
 * for the call; attributes are name, value, ..., NULL. 0, or an error that ends the document and
 * is answered. */
typedef int (*uof_xml_start)(void *owner, unsigned depth, const char *name,
                             const char *const *attributes);

/* 0 or -ERR_MEMORY. hash_key: random where documents come from strangers. */
int uof_xml_new(uint64_t hash_key, struct uof_xml **ret);
void uof_xml_free(struct uof_xml *xml); /* accepts NULL */

/* 0; -ERR_FORMAT for what is no well-formed document or has a document type; -ERR_LIMIT beyond the
 * limits above or for want of memory; or the error of `start`. Elements before it were told. */
int uof_xml_parse(struct uof_xml *xml, struct slice document, uof_xml_start start, void *owner);
