/* shard_snapshot.c - encoding: contract in shard_snapshot.h. Decoding is in shard_snapshot_read.c.
 */
#include "ledger/shard_snapshot.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "ledger/shard_snapshot_format.h"
#include "ledger/shard_state_internal.h"

struct writer {
    const struct shard_snapshot_sink *sink;
    uint32_t crc; /* of the section under way */
    uint64_t bytes;
};

struct snapshot_array snapshot_array_of(const struct shard_state *state,
                                        enum snapshot_section section)
{
    const struct snapshot_array arrays[] = {
        {state->accounts, (size_t)state->accounts_count + 1, sizeof *state->accounts},
        {state->markets, (size_t)state->markets_count + 1, sizeof *state->markets},
        {state->selections, state->selections_count, sizeof *state->selections},
        {state->legs, state->legs_count, sizeof *state->legs},
        {state->windows, state->windows_count, sizeof *state->windows},
        {state->stake_limits, state->stake_limits_count, sizeof *state->stake_limits},
        {state->proposals, state->proposals_count, sizeof *state->proposals},
        {state->proposed, state->proposed_count, sizeof *state->proposed},
        {state->bets, state->bets_count, sizeof *state->bets},
        {state->cash_outs, state->cash_outs_count, sizeof *state->cash_outs},
        {state->referrals, state->referrals_count, sizeof *state->referrals},
        {(void *)(uintptr_t)state->houses, state->houses_count, sizeof *state->houses},
    };
    ASSERT(section >= SNAPSHOT_ACCOUNTS);
    ASSERT(section <= SNAPSHOT_HOUSES);
    return arrays[section - SNAPSHOT_ACCOUNTS];
}

struct symbols *snapshot_symbols_of(const struct shard_state *state, enum snapshot_section section)
{
    struct symbols *const tables[] = {state->users, state->market_ids, state->texts};
    ASSERT(section >= SNAPSHOT_USERS);
    ASSERT(section <= SNAPSHOT_TEXTS);
    return tables[section - SNAPSHOT_USERS];
}

/* ---- sizes ---- */

static uint64_t texts_bytes(const struct symbols *symbols)
{
    uint64_t bytes = 0;
    for (uint32_t ref = 0; ref < symbols_count(symbols); ref++)
        bytes += sizeof(uint16_t) + symbols_text(symbols, ref).bytes;
    return bytes;
}

static struct snapshot_section_head section_head(const struct shard_state *state,
                                                 enum snapshot_section section)
{
    struct snapshot_section_head head = {.section = section};
    if (section <= SNAPSHOT_TEXTS) {
        const struct symbols *symbols = snapshot_symbols_of(state, section);
        head.count = (uint32_t)symbols_count(symbols);
        head.bytes = texts_bytes(symbols);
    } else if (section == SNAPSHOT_VERDICTS) {
        head.count = shard_state_verdicts_count(state);
        head.bytes = (uint64_t)head.count * sizeof(struct shard_verdict);
    } else {
        struct snapshot_array array = snapshot_array_of(state, section);
        head.count = (uint32_t)array.count;
        head.bytes = (uint64_t)array.count * array.size;
    }
    return head;
}

static uint64_t snapshot_bytes(const struct shard_state *state)
{
    uint64_t bytes = sizeof(struct snapshot_head);
    for (unsigned s = SNAPSHOT_USERS; s <= SNAPSHOT_VERDICTS; s++)
        bytes += sizeof(struct snapshot_section_head) + sizeof(uint32_t) +
                 section_head(state, (enum snapshot_section)s).bytes;
    return bytes;
}

/* ---- writing ---- */

static int put(struct writer *writer, const void *from, size_t bytes)
{
    const char *at = from;
    while (bytes > 0) {
        size_t piece = bytes < SHARD_SNAPSHOT_PIECE_BYTES ? bytes : SHARD_SNAPSHOT_PIECE_BYTES;
        writer->crc = crc32c(writer->crc, at, piece);
        TRY(writer->sink->write(writer->sink->owner, at, piece));
        writer->bytes += piece;
        at += piece;
        bytes -= piece;
    }
    return 0;
}

static int put_head(struct writer *writer, const struct shard_state *state,
                    const uint8_t state_hash[32])
{
    struct snapshot_head head = {
        .format = SHARD_SNAPSHOT_FORMAT,
        .shard = state->shard,
        .shards = state->shards == 1 ? 0 : state->shards,
        .seq = state->seq,
        .time_us = state->time_us,
        .epoch = state->epoch,
        .last_bet_id = state->last_bet_id.n,
        .hash_key = {state->hash_key[0], state->hash_key[1]},
        .record_crc = state->record_crc,
        .accounts = state->accounts_count,
        .markets = state->markets_count,
        .selections = state->selections_count,
        .bets = state->bets_count,
        .legs = state->legs_count,
        .windows = state->windows_count,
        .stake_limits = state->stake_limits_count,
        .proposals = state->proposals_count,
        .proposed = state->proposed_count,
        .cash_outs = state->cash_outs_count,
        .referrals = state->referrals_count,
        .verdicts = shard_state_verdicts_count(state),
        .houses = (uint32_t)state->houses_count,
        .texts = (uint32_t)symbols_count(state->texts),
        .counts = state->counts,
        .bytes = snapshot_bytes(state),
        .verdicts_total = state->verdicts.total,
        .desk = state->desk,
    };
    struct verdict_link link = shard_verdicts_link(state);
    memcpy(head.verdicts_link, link.hash, sizeof head.verdicts_link);
    memcpy(head.magic, SHARD_SNAPSHOT_MAGIC, sizeof head.magic);
    memcpy(head.book_id, state->book_id, sizeof head.book_id);
    memcpy(head.state_hash, state_hash, sizeof head.state_hash);
    head.crc = crc32c(0, &head, offsetof(struct snapshot_head, crc));
    return put(writer, &head, sizeof head);
}

static int put_texts(struct writer *writer, const struct symbols *symbols)
{
    char memory[4096];
    struct buf out = buf_over(memory, sizeof memory);
    for (uint32_t ref = 0; ref < symbols_count(symbols); ref++) {
        struct slice text = symbols_text(symbols, ref);
        uint16_t bytes = (uint16_t)text.bytes; /* MARKET_ID_BYTES_MAX at most */
        ASSERT(bytes == text.bytes);
        if (out.capacity - out.bytes < sizeof bytes + text.bytes) {
            TRY(put(writer, out.at, out.bytes));
            out.bytes = 0;
        }
        buf_put(&out, &bytes, sizeof bytes);
        buf_put_slice(&out, text);
        ASSERT(!out.overflow);
    }
    return put(writer, out.at, out.bytes);
}

/* From the oldest; the ring's end may be in between. */
static int put_verdicts(struct writer *writer, const struct verdict_ring *ring)
{
    uint64_t at = ring->first;
    while (at < ring->total) {
        uint64_t place = at % ring->slots;
        uint64_t count = ring->slots - place;
        if (count > ring->total - at)
            count = ring->total - at;
        TRY(put(writer, &ring->at[place], count * sizeof *ring->at));
        at += count;
    }
    return 0;
}

static int put_section(struct writer *writer, const struct shard_state *state,
                       enum snapshot_section section)
{
    struct snapshot_section_head head = section_head(state, section);
    writer->crc = 0;
    TRY(put(writer, &head, sizeof head));
    if (section <= SNAPSHOT_TEXTS) {
        TRY(put_texts(writer, snapshot_symbols_of(state, section)));
    } else if (section == SNAPSHOT_VERDICTS) {
        TRY(put_verdicts(writer, &state->verdicts));
    } else {
        struct snapshot_array array = snapshot_array_of(state, section);
        TRY(put(writer, array.at, array.count * array.size));
    }
    uint32_t crc = writer->crc;
    return put(writer, &crc, sizeof crc);
}

int shard_snapshot_encode(const struct shard_state *state, const struct shard_snapshot_sink *sink,
                          uint8_t ret_hash[32])
{
    struct writer writer = {.sink = sink};
    uint8_t hash[32];
    ASSERT(state->seq > 0);
    TRY(shard_state_hash(state, hash));
    TRY(put_head(&writer, state, hash));
    for (unsigned s = SNAPSHOT_USERS; s <= SNAPSHOT_VERDICTS; s++)
        TRY(put_section(&writer, state, (enum snapshot_section)s));
    ASSERT(writer.bytes == snapshot_bytes(state));
    memcpy(ret_hash, hash, sizeof hash);
    return 0;
}
