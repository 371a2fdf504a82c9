/* shard_snapshot.h - a shard's state as a stream of bytes, and back (docs/LEDGER.md, "Snapshots").
 *
 * A snapshot saves the time of folding what is below its sequence number; it proves nothing and
 * may be thrown away. One state has one snapshot, whatever its limits, but for how many of the
 * oldest verdicts it has forgotten (shard_verdicts.h). Both ways go in pieces through the caller's
 * function, so no second copy of the state is in memory. Pure: no files here. Thread: the state's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ledger/shard_state.h"

#define SHARD_SNAPSHOT_MAGIC       "OVRSNAP1"
#define SHARD_SNAPSHOT_FORMAT      9
#define SHARD_SNAPSHOT_HEAD_BYTES  512
#define SHARD_SNAPSHOT_PIECE_BYTES (256 * 1024) /* at most, of one call of the functions below */

/* Takes the next bytes; a negative answer ends the encoding with it. */
struct shard_snapshot_sink {
    int (*write)(void *owner, const void *from, size_t bytes);
    void *owner;
};

/* Who hashes, checks and builds while the decoder reads on, where there is a second thread. */
typedef void (*shard_snapshot_work)(void *context, const void *at, size_t bytes);
struct shard_snapshot_worker {
    /* Does this work, now or later, in the order of the calls; the bytes stay as they are, and what
     * the works write is touched by nobody else, until wait() has returned. */
    void (*add)(void *owner, shard_snapshot_work work, void *context, struct slice piece);
    /* Returns when all that was added is done. */
    void (*wait)(void *owner);
    void *owner;
};

/* Gives exactly the next bytes, or a negative answer, which ends the decoding with it. */
struct shard_snapshot_source {
    int (*read)(void *owner, void *to, size_t bytes);
    void *owner;
    const struct shard_snapshot_worker *worker; /* borrowed; NULL: all is done at once */
};

/* Writes the state at its sequence number, which is above 0. 0 and the state's hash; -ERR_MEMORY,
 * -ERR_CRYPTO or the sink's answer. */
int shard_snapshot_encode(const struct shard_state *state, const struct shard_snapshot_sink *sink,
                          uint8_t ret_hash[32]);

/* Reads a snapshot into an empty state, checks every checksum, every number against its bounds,
 * the sums over the whole state and the state hash. 0; -ERR_LIMIT: it holds more than the state's
 * limits (of verdicts the newest are kept that fit; the others are forgotten: see the floor);
 * -ERR_CORRUPT, with the reason in shard_state_reason(); -ERR_MEMORY, -ERR_CRYPTO or the
 * source's answer. After a failure the state is good for shard_state_free() only. */
int shard_snapshot_decode(const struct shard_snapshot_source *source, struct shard_state *state);

/* What a snapshot's first SHARD_SNAPSHOT_HEAD_BYTES say, when they are sound. */
struct shard_snapshot_place {
    uint32_t shard;
    uint64_t seq;
    uint64_t bytes; /* of the whole snapshot */
    uint8_t state_hash[32];
};
/* NULL, or what is wrong with them. Static. */
const char *shard_snapshot_head_wrong(const void *head, struct shard_snapshot_place *ret);
