/* odds_codec.h - odds changes as records of one odds log segment (odds_log_file.h).
 * Thread: one user. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/odds_log_file.h"
#include "base/symbols.h"

#define ODDS_RECORD_HEAD_BYTES 6

/* What a segment's records so far established. */
struct odds_codec {
    struct symbols *texts; /* owned */
    uint64_t key[2];
    int64_t received_us; /* of the record before */
};

int odds_codec_new(const uint64_t key[2], struct odds_codec *ret_codec);
void odds_codec_free(struct odds_codec *codec);
/* Forgets everything, for a new segment. -ERR_MEMORY. */
int odds_codec_reset(struct odds_codec *codec);
/* Could the texts of one more change be too many? Then a new segment is due. */
bool odds_codec_is_full(const struct odds_codec *codec);
/* Encodes the change into ret_record of ODDS_LOG_RECORD_BYTES_MAX + head. Returns its bytes.
 * The caller holds to the limits of core/ids.h and SELECTIONS_MAX; beyond them, or when
 * the texts are too many: -ERR_LIMIT, and the codec must be reset before it is used again. */
int odds_codec_encode(struct odds_codec *codec, const struct odds_log_change *change,
                      char *ret_record);
/* Decodes the record at `from`. The bytes of the record; 0 when it is cut off or its checksum is
 * wrong; -ERR_CORRUPT when it is whole but means nothing. The change borrows from the codec
 * and from `selections` (SELECTIONS_MAX of them). */
int odds_codec_decode(struct odds_codec *codec, struct slice from,
                      struct odds_log_selection *selections, struct odds_log_change *ret_change);
