/* fuzz_snapshot.c - any bytes as a snapshot: ledger/shard_snapshot.h.
 * The first byte says what is made right before, for a fuzzer does not guess checksums: bit 0 the
 * checksums and sizes, bit 1 the state hash. What stands behind the snapshot are records, which a
 * state that was taken is then given, each with its number, time and checksum made right.
 * Properties: what is taken encodes to the same bytes again, satisfies the checks of the whole
 * state and no record that follows trips over it; what is refused as damaged has a reason. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "crypto/sha256.h"
#include "ledger/shard_snapshot_format.h"
#include "ledger/shard_verdicts.h"

#define INPUT_BYTES_MAX 16384

enum repair { REPAIR_CRC = 1, REPAIR_HASH = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static const struct shard_limits limits = {.accounts_max = 8,
                                           .markets_max = 16,
                                           .selections_max = 64,
                                           .bets_max = 32,
                                           .verdicts_max = 512};

struct stream {
    char bytes[INPUT_BYTES_MAX];
    size_t size, at;
};

static _Alignas(8) struct stream in, again;

static int stream_read(void *owner, void *to, size_t bytes)
{
    struct stream *stream = owner;
    if (stream->size - stream->at < bytes)
        return -ERR_FORMAT;
    memcpy(to, stream->bytes + stream->at, bytes);
    stream->at += bytes;
    return 0;
}

static int stream_write(void *owner, const void *from, size_t bytes)
{
    struct stream *stream = owner;
    ASSERT(sizeof stream->bytes - stream->size >= bytes); /* not longer than what was read */
    memcpy(stream->bytes + stream->size, from, bytes);
    stream->size += bytes;
    return 0;
}

/* ---- making it right ---- */

static void hash_texts(struct sha256 *sha, const char *at, size_t bytes)
{
    while (bytes >= sizeof(uint16_t)) {
        uint16_t text_bytes;
        memcpy(&text_bytes, at, sizeof text_bytes);
        at += sizeof text_bytes;
        bytes -= sizeof text_bytes;
        if (text_bytes > bytes)
            return;
        uint64_t hashed = text_bytes;
        sha256_add(sha, slice_of(&hashed, sizeof hashed));
        sha256_add(sha, slice_of(at, text_bytes));
        at += text_bytes;
        bytes -= text_bytes;
    }
}

/* The chain goes on from where the head says it was before these. */
static void hash_verdicts(struct sha256 *sha, const struct snapshot_head *head, const char *at,
                          size_t bytes)
{
    const size_t block = SHARD_VERDICTS_BLOCK * sizeof(struct shard_verdict);
    uint8_t link[32];
    struct sha256 *chain;
    int error = sha256_new(&chain);
    ASSERT(error == 0);
    memcpy(link, head->verdicts_link, sizeof link);
    for (; bytes >= block; at += block, bytes -= block) {
        sha256_begin(chain);
        sha256_add(chain, slice_of(link, sizeof link));
        sha256_add(chain, slice_of(at, block));
        sha256_end(chain, link);
    }
    sha256_free(chain);
    sha256_add(sha, slice_of(&head->verdicts_total, sizeof head->verdicts_total));
    sha256_add(sha, slice_of(link, sizeof link));
    sha256_add(sha, slice_of(at, bytes));
}

static void hash_section(struct sha256 *sha, unsigned section, const char *at, size_t bytes)
{
    struct snapshot_head head;
    memcpy(&head, in.bytes, sizeof head);
    if (section == SNAPSHOT_VERDICTS) {
        sha256_add(sha, slice_of(&head.counts, sizeof head.counts));
        hash_verdicts(sha, &head, at, bytes);
    } else if (section <= SNAPSHOT_TEXTS) {
        hash_texts(sha, at, bytes);
    } else {
        sha256_add(sha, slice_of(at, bytes));
    }
}

/* Seals each section as it stands; answers where the last one ends. */
static size_t repair_sections(struct sha256 *sha)
{
    size_t at = sizeof(struct snapshot_head);
    for (unsigned s = SNAPSHOT_USERS; s <= SNAPSHOT_VERDICTS; s++) {
        struct snapshot_section_head head;
        uint32_t crc;
        if (in.size - at < sizeof head + sizeof crc)
            return at;
        memcpy(&head, in.bytes + at, sizeof head);
        if (head.bytes > in.size - at - sizeof head - sizeof crc)
            return at;
        hash_section(sha, s, in.bytes + at + sizeof head, head.bytes);
        crc = crc32c(0, in.bytes + at, sizeof head + head.bytes);
        memcpy(in.bytes + at + sizeof head + head.bytes, &crc, sizeof crc);
        at += sizeof head + head.bytes + sizeof crc;
    }
    return at;
}

static void hash_place(struct sha256 *sha, const struct snapshot_head *head)
{
    sha256_begin(sha);
    sha256_add(sha, slice_of(head->book_id, sizeof head->book_id));
    sha256_add(sha, slice_of(head->hash_key, sizeof head->hash_key));
    sha256_add(sha, slice_of(&head->shard, sizeof head->shard));
    sha256_add(sha, slice_of(&head->seq, sizeof head->seq));
    sha256_add(sha, slice_of(&head->time_us, sizeof head->time_us));
    sha256_add(sha, slice_of(&head->epoch, sizeof head->epoch));
}

static void repair(unsigned what)
{
    struct snapshot_head head;
    struct sha256 *sha;
    if (in.size < sizeof head || (what & REPAIR_CRC) == 0)
        return;
    int error = sha256_new(&sha);
    ASSERT(error == 0);
    memcpy(&head, in.bytes, sizeof head);
    hash_place(sha, &head);
    head.bytes = repair_sections(sha);
    uint8_t hash[32];
    sha256_end(sha, hash);
    sha256_free(sha);
    if ((what & REPAIR_HASH) != 0)
        memcpy(head.state_hash, hash, sizeof hash);
    memcpy(head.magic, SHARD_SNAPSHOT_MAGIC, sizeof head.magic);
    head.format = SHARD_SNAPSHOT_FORMAT;
    head.crc = crc32c(0, &head, offsetof(struct snapshot_head, crc));
    memcpy(in.bytes, &head, sizeof head);
}

/* ---- what must hold ---- */

static void check_taken(const struct shard_state *state)
{
    struct shard_snapshot_sink sink = {stream_write, &again};
    uint8_t hash[32];
    again.size = 0;
    int error = shard_snapshot_encode(state, &sink, hash);
    ASSERT(error == 0);
    ASSERT(again.size == in.at);
    ASSERT(memcmp(again.bytes, in.bytes, again.size) == 0);
}

/* The rest as records. */
static void apply_rest(struct shard_state *state)
{
    static _Alignas(8) char record[INPUT_BYTES_MAX];
    while (in.size - in.at >= sizeof(struct record_head)) {
        struct record_head head;
        struct record_view view;
        memcpy(&head, in.bytes + in.at, sizeof head);
        if (head.bytes < sizeof head || head.bytes > in.size - in.at || head.bytes % 8 != 0)
            return;
        memcpy(record, in.bytes + in.at, head.bytes);
        in.at += head.bytes;
        struct record_head *to = (void *)record;
        to->seq = shard_state_seq(state) + 1;
        to->time_us = shard_state_time_us(state);
        to->before_crc = shard_state_record_crc(state);
        to->format = RECORD_FORMAT;
        to->crc = crc32c(0, record + 8, head.bytes - 8);
        if (shard_state_time_us(state) < INT64_MAX &&
            record_view_of(record, head.bytes, &view) == 0)
            (void)shard_state_apply(state, &view);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct shard_snapshot_source source = {stream_read, &in, NULL};
    struct shard_state *state;
    if (bytes < 1 || bytes > INPUT_BYTES_MAX)
        return 0;
    in.size = bytes - 1;
    in.at = 0;
    memcpy(in.bytes, at + 1, in.size);
    repair(at[0]);
    int error = shard_state_new(&limits, &state);
    ASSERT(error == 0);
    error = shard_snapshot_decode(&source, state);
    ASSERT(error == 0 || error == -ERR_CORRUPT || error == -ERR_LIMIT || error == -ERR_FORMAT);
    ASSERT(error != -ERR_CORRUPT || shard_state_reason(state)[0] != 0);
    if (error == 0) {
        check_taken(state);
        apply_rest(state);
        error = shard_state_check(state);
        ASSERT(error == 0);
    }
    shard_state_free(state);
    return 0;
}
