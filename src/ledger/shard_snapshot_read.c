/* shard_snapshot_read.c - decoding: contract in shard_snapshot.h.
 *
 * Three nets, one under the other: the checksum of each section finds what a disk did; the bounds
 * of every number (shard_bounds.c) and the sums over the whole state keep the fold from ever
 * meeting a state that no log leads to; the state hash, taken while the bytes pass by or behind
 * them on another thread, says that this is the state that was written. The chain of verdicts is
 * taken again over those that are here, from where it was before them. */
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "crypto/sha256.h"
#include "ledger/shard_snapshot_format.h"
#include "ledger/shard_state_internal.h"

#define VERDICTS_STEP  1024 /* read at a time */
#define VERDICTS_AHEAD 24   /* whose slots in the table are on their way */

struct reader {
    const struct shard_snapshot_source *source;
    struct shard_state *state;
    struct sha256 *sha; /* owns: the state hash so far */
    uint32_t crc;       /* of the section under way */
    uint64_t left;      /* of its payload */
    uint64_t bytes;     /* of all that was read */
};

/* ---- the head ---- */

/* Whole blocks were forgotten, or none and the chain has its begin. */
static bool verdicts_wrong(const struct snapshot_head *head)
{
    static const uint8_t begin[sizeof head->verdicts_link];
    if (head->verdicts_total > head->seq || head->verdicts > head->verdicts_total)
        return true;
    uint64_t forgotten = head->verdicts_total - head->verdicts;
    return forgotten % SHARD_VERDICTS_BLOCK != 0 ||
           (forgotten == 0 && memcmp(head->verdicts_link, begin, sizeof begin) != 0);
}

static const char *head_wrong(const struct snapshot_head *head)
{
    static const char zeros[sizeof head->zeros];
    if (memcmp(head->magic, SHARD_SNAPSHOT_MAGIC, sizeof head->magic) != 0)
        return "snapshot head: no snapshot";
    if (head->crc != crc32c(0, head, offsetof(struct snapshot_head, crc)))
        return "snapshot head: wrong checksum";
    if (head->format != SHARD_SNAPSHOT_FORMAT)
        return "snapshot head: of a format that this program does not know";
    if (memcmp(head->zeros, zeros, sizeof zeros) != 0 || head->seq == 0 ||
        head->shard >= BET_ID_SHARDS_MAX || head->houses > CURRENCIES_MAX || head->texts == 0 ||
        head->counts.records != head->seq || verdicts_wrong(head))
        return "snapshot head: impossible content";
    return NULL;
}

const char *shard_snapshot_head_wrong(const void *at, struct shard_snapshot_place *ret)
{
    struct snapshot_head head;
    memcpy(&head, at, sizeof head);
    const char *wrong = head_wrong(&head);
    if (wrong != NULL)
        return wrong;
    *ret = (struct shard_snapshot_place){head.shard, head.seq, head.bytes, {0}};
    memcpy(ret->state_hash, head.state_hash, sizeof ret->state_hash);
    return NULL;
}

static bool fits(const struct shard_state *state, const struct snapshot_head *head)
{
    const struct shard_limits *l = &state->limits;
    return head->accounts <= l->accounts_max && head->markets <= l->markets_max &&
           head->selections <= l->selections_max && head->bets <= l->bets_max &&
           shard_texts_room(state, head->texts - 1);
}

static int take_head(struct shard_state *state, const struct snapshot_head *head)
{
    const char *wrong = head_wrong(head);
    if (wrong != NULL)
        return shard_corrupt(state, wrong);
    if (!fits(state, head)) {
        state->reason = "the snapshot holds more than the limits allow";
        return -ERR_LIMIT;
    }
    state->shard = head->shard;
    state->seq = head->seq;
    state->time_us = head->time_us;
    state->epoch = head->epoch;
    state->last_bet_id.n = head->last_bet_id;
    state->record_crc = head->record_crc;
    memcpy(state->book_id, head->book_id, sizeof state->book_id);
    memcpy(state->hash_key, head->hash_key, sizeof state->hash_key);
    state->accounts_count = head->accounts;
    state->markets_count = head->markets;
    state->selections_count = head->selections;
    state->bets_count = head->bets;
    state->verdicts.first = state->verdicts.total = head->verdicts_total - head->verdicts;
    memcpy(state->verdicts.link.hash, head->verdicts_link, sizeof head->verdicts_link);
    state->houses_count = head->houses;
    state->counts = head->counts;
    return 0;
}

/* ---- payloads ---- */

static int get(struct reader *reader, void *to, size_t bytes)
{
    TRY(reader->source->read(reader->source->owner, to, bytes));
    reader->bytes += bytes;
    return 0;
}

static void hash_array(struct reader *reader, const void *at, size_t bytes)
{
    const struct shard_snapshot_hasher *hasher = reader->source->hasher;
    if (hasher == NULL)
        sha256_add(reader->sha, slice_of(at, bytes));
    else
        hasher->add(hasher->owner, reader->sha, at, bytes);
}

/* From here on the hash is ours alone. */
static void wait_for_hash(struct reader *reader)
{
    const struct shard_snapshot_hasher *hasher = reader->source->hasher;
    if (hasher != NULL)
        hasher->wait(hasher->owner);
}

/* The next bytes of the section; `array`: they stay where they are, and are part of the state hash
 * as they are. */
static int take(struct reader *reader, void *to, size_t bytes, bool array)
{
    if (bytes > reader->left)
        return shard_corrupt(reader->state, "snapshot: a section is too short");
    for (char *at = to; bytes > 0;) {
        size_t piece = bytes < SHARD_SNAPSHOT_PIECE_BYTES ? bytes : SHARD_SNAPSHOT_PIECE_BYTES;
        TRY(get(reader, at, piece));
        reader->crc = crc32c(reader->crc, at, piece);
        if (array)
            hash_array(reader, at, piece);
        reader->left -= piece;
        at += piece;
        bytes -= piece;
    }
    return 0;
}

static size_t text_bytes_max(enum snapshot_section section)
{
    if (section == SNAPSHOT_USERS)
        return USER_ID_BYTES_MAX;
    return section == SNAPSHOT_MARKET_IDS ? MARKET_ID_BYTES_MAX : NAME_BYTES_MAX;
}

static int take_texts(struct reader *reader, enum snapshot_section section, uint32_t count)
{
    struct shard_state *state = reader->state;
    struct symbols *symbols = snapshot_symbols_of(state, section);
    for (uint32_t expected = 0; expected < count; expected++) {
        char text[MARKET_ID_BYTES_MAX];
        uint16_t bytes;
        uint32_t ref;
        TRY(take(reader, &bytes, sizeof bytes, false));
        REQUIRE(bytes <= text_bytes_max(section), "snapshot: a text is too long");
        REQUIRE((bytes == 0) == (expected == 0), "snapshot: text 0, and only it, is empty");
        TRY(take(reader, text, bytes, false));
        uint64_t hashed_bytes = bytes;
        sha256_add(reader->sha, slice_of(&hashed_bytes, sizeof hashed_bytes));
        sha256_add(reader->sha, slice_of(text, bytes));
        TRY(symbols_intern(symbols, slice_of(text, bytes), &ref));
        REQUIRE(ref == expected, "snapshot: a text stands twice");
    }
    return 0;
}

/* Those that the limits have no room for are forgotten again, oldest first. */
static int put_verdict(struct shard_state *state, const struct shard_verdict *verdict,
                       uint64_t seq_before)
{
    TRY(shard_check_verdict(state, verdict, seq_before));
    REQUIRE(!shard_verdict_known(state, verdict->key), "L3: one key, one verdict");
    if (shard_verdicts_full(state))
        (void)shard_state_forget_verdicts(state, state->seq, SHARD_VERDICTS_BLOCK);
    if (shard_verdicts_full(state)) {
        state->reason = "the snapshot holds more than the limits allow";
        return -ERR_LIMIT;
    }
    shard_verdict_add(state, verdict);
    return 0;
}

static int put_verdicts(struct shard_state *state, const struct shard_verdict *verdicts,
                        uint32_t count, uint64_t *seq_before)
{
    for (uint32_t i = 0; i < count && i < VERDICTS_AHEAD; i++)
        shard_verdict_prefetch(state, verdicts[i].key);
    for (uint32_t i = 0; i < count; i++) {
        if (i + VERDICTS_AHEAD < count)
            shard_verdict_prefetch(state, verdicts[i + VERDICTS_AHEAD].key);
        TRY(put_verdict(state, &verdicts[i], *seq_before));
        *seq_before = verdicts[i].seq;
    }
    return 0;
}

/* What was forgotten is below the first that was not. */
static int take_verdicts(struct reader *reader, uint32_t count)
{
    static _Thread_local struct shard_verdict verdicts[VERDICTS_STEP];
    struct verdict_ring *ring = &reader->state->verdicts;
    uint64_t seq_before = 0;
    if (ring->first > 0 && count == 0)
        ring->floor = reader->state->seq;
    for (uint32_t done = 0; done < count;) {
        uint32_t step = count - done < VERDICTS_STEP ? count - done : VERDICTS_STEP;
        TRY(take(reader, verdicts, step * sizeof *verdicts, false));
        if (done == 0 && ring->first > 0)
            ring->floor = verdicts[0].seq - 1;
        TRY(put_verdicts(reader->state, verdicts, step, &seq_before));
        done += step;
    }
    return 0;
}

/* ---- sections ---- */

static uint32_t expected_count(const struct shard_state *state, const struct snapshot_head *head,
                               enum snapshot_section section)
{
    switch (section) {
    case SNAPSHOT_USERS:
        return head->accounts + 1;
    case SNAPSHOT_MARKET_IDS:
        return head->markets + 1;
    case SNAPSHOT_TEXTS:
        return head->texts;
    case SNAPSHOT_VERDICTS:
        return head->verdicts;
    case SNAPSHOT_ACCOUNTS:
    case SNAPSHOT_MARKETS:
    case SNAPSHOT_SELECTIONS:
    case SNAPSHOT_BETS:
    case SNAPSHOT_HOUSES:
        break;
    }
    return (uint32_t)snapshot_array_of(state, section).count;
}

static int take_payload(struct reader *reader, const struct snapshot_section_head *head)
{
    enum snapshot_section section = (enum snapshot_section)head->section;
    if (section <= SNAPSHOT_TEXTS)
        return take_texts(reader, section, head->count);
    if (section == SNAPSHOT_VERDICTS) { /* meanwhile the hash may still be taken */
        TRY(shard_check_bounds(reader->state));
        TRY(shard_state_check(reader->state));
        return take_verdicts(reader, head->count);
    }
    struct snapshot_array array = snapshot_array_of(reader->state, section);
    return take(reader, array.at, array.count * array.size, true);
}

static int take_section(struct reader *reader, const struct snapshot_head *whole,
                        enum snapshot_section section)
{
    struct shard_state *state = reader->state;
    struct snapshot_section_head head;
    uint32_t crc;
    reader->crc = 0;
    reader->left = sizeof head;
    TRY(take(reader, &head, sizeof head, false));
    REQUIRE(head.section == section && head.count == expected_count(state, whole, section),
            "snapshot: another section was expected");
    reader->left = head.bytes;
    TRY(take_payload(reader, &head));
    REQUIRE(reader->left == 0, "snapshot: a section is too long");
    TRY(get(reader, &crc, sizeof crc));
    REQUIRE(crc == reader->crc, "snapshot: wrong checksum of a section");
    return 0;
}

static int take_all(struct reader *reader)
{
    struct shard_state *state = reader->state;
    struct snapshot_head head;
    uint8_t hash[32];
    TRY(get(reader, &head, sizeof head));
    TRY(take_head(state, &head));
    sha256_begin(reader->sha);
    shard_hash_place(state, reader->sha);
    for (unsigned s = SNAPSHOT_USERS; s <= SNAPSHOT_VERDICTS; s++)
        TRY(take_section(reader, &head, (enum snapshot_section)s));
    REQUIRE(reader->bytes == head.bytes, "snapshot head: impossible content");
    TRY(shard_check_verdicts(state));
    wait_for_hash(reader);
    sha256_add(reader->sha, slice_of(&state->counts, sizeof state->counts));
    shard_verdicts_hash(state, reader->sha);
    sha256_end(reader->sha, hash);
    REQUIRE(memcmp(hash, head.state_hash, sizeof hash) == 0,
            "L5: the state is not the one that was written");
    return 0;
}

int shard_snapshot_decode(const struct shard_snapshot_source *source, struct shard_state *state)
{
    struct reader reader = {.source = source, .state = state};
    ASSERT(state->seq == 0);
    ASSERT(symbols_count(state->users) == 1);
    state->reason = "";
    TRY(sha256_new(&reader.sha));
    int error = take_all(&reader);
    wait_for_hash(&reader); /* an error may have come before it was waited for */
    sha256_free(reader.sha);
    return error;
}
