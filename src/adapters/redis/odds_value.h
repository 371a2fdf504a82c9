/* odds_value.h - the value of a key odds:<market_id>: the market as JSON (CONTRACT, "Stores and
 * topics"). Besides the members that CONTRACT names it carries the rest of the image, so that
 * whoever reads it shows what the writer shows; other programs may pass those over. The version is
 * the first member, and who says it, if anybody, the second one: "said":"SESSION NUMBER"
 * (odds_message.h), of the message that told it. Readers of keys pass that over.
 *
 * A market that was taken out leaves a tombstone with the version that it had, which expires as any
 * value does: until then nothing older can come back (P1).
 * Text that is not UTF-8 does not come back as it was; feeds bring none. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "ports/odds_store.h"

/* More than any market takes: each byte of its texts may be escaped to 6. */
#define ODDS_VALUE_BYTES_MAX                                                                       \
    (8192 + (size_t)SELECTIONS_MAX * (6 * (SELECTION_ID_BYTES_MAX + NAME_BYTES_MAX) + 240))
#define ODDS_VALUE_IMAGE_BYTES                                                                     \
    (sizeof(struct odds_image) + SELECTIONS_MAX * sizeof(struct odds_selection))

/* What is not in the image. */
struct odds_value_facts {
    bool removed;             /* a tombstone: ids and version are all that is there */
    struct instant received;  /* wall time of `received` of the image; 0: not said */
    uint64_t book;            /* whose version: odds_book_number() (odds_message.h); 0: not said */
    uint64_t session, number; /* number 0: nobody says it; written only, never read */
};

void odds_value_write(struct buf *out, const struct odds_image *image,
                      const struct odds_value_facts *facts);
/* Into ODDS_VALUE_IMAGE_BYTES; `received` of the image is 0 then. Members that are not known are
 * passed over, and those of CONTRACT must be there. `scratch` has room for as many bytes as the
 * text. -ERR_FORMAT; -ERR_LIMIT: more than an image holds. The image is then not to be used. */
int odds_value_read(struct slice text, char *scratch, struct odds_image *ret_image,
                    struct odds_value_facts *ret_facts);
