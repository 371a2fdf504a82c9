/* shard_snapshot_read.c - decoding: contract in shard_snapshot.h.
 *
 * Two halves of equal weight: reading, with the checksums of sections, and the works, which hash,
 * check and build what was read, in the order of the file, on another thread where there is one.
 * Until it has been waited for, the state's reason is the works' and the reader keeps its own.
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
#include "base/reserve.h"
#include "core/user_shard.h"
#include "crypto/sha256.h"
#include "ledger/shard_snapshot_format.h"
#include "ledger/shard_state_internal.h"

#define VERDICTS_STEP  4096 /* read at a time */
#define VERDICTS_STEPS 16   /* on their way to the works */
#define VERDICTS_AHEAD 24   /* whose slots in the table are on their way */

struct reader {
    const struct shard_snapshot_source *source;
    struct shard_state *state;
    const char *wrong;              /* what it found; static */
    uint32_t crc;                   /* of the section under way */
    uint64_t left;                  /* of its payload */
    uint64_t bytes;                 /* of all that was read */
    struct shard_verdict *verdicts; /* owns: VERDICTS_STEPS times VERDICTS_STEP of them */
    /* The works' */
    struct sha256 *sha; /* owns: the state hash so far */
    struct shard_tallies tallies;
    uint64_t verdict_before; /* record of the verdict before */
    int error;               /* the first */
};

/* The reader's REQUIRE. */
#define EXPECT(reader, condition, reason)                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (reader)->wrong = (reason);                                                            \
            return -ERR_CORRUPT;                                                                   \
        }                                                                                          \
    } while (0)

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
    const struct shard_place place = {head->shard, head->shards == 0 ? 1 : head->shards};
    if (memcmp(head->magic, SHARD_SNAPSHOT_MAGIC, sizeof head->magic) != 0)
        return "snapshot head: no snapshot";
    if (head->crc != crc32c(0, head, offsetof(struct snapshot_head, crc)))
        return "snapshot head: wrong checksum";
    if (head->format != SHARD_SNAPSHOT_FORMAT)
        return "snapshot head: of a format that this program does not know";
    if (memcmp(head->zeros, zeros, sizeof zeros) != 0 || head->seq == 0 || head->shards == 1 ||
        !shard_place_valid(place) || head->houses > CURRENCIES_MAX || head->texts == 0 ||
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
           head->legs <= l->legs_max && head->windows <= l->windows_max &&
           head->stake_limits <= l->stake_limits_max && head->proposals <= l->proposals_max &&
           head->proposed <= l->proposed_max && head->cash_outs <= l->cash_outs_max &&
           head->referrals <= l->referrals_max && shard_texts_room(state, head->texts - 1);
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
    state->shards = head->shards == 0 ? 1 : head->shards;
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
    state->legs_count = head->legs;
    state->windows_count = head->windows;
    state->stake_limits_count = head->stake_limits;
    state->proposals_count = head->proposals;
    state->proposed_count = head->proposed;
    state->cash_outs_count = head->cash_outs;
    state->referrals_count = head->referrals;
    state->bets_count = head->bets;
    state->verdicts.first = state->verdicts.total = head->verdicts_total - head->verdicts;
    memcpy(state->verdicts.link.hash, head->verdicts_link, sizeof head->verdicts_link);
    state->houses_count = head->houses;
    state->counts = head->counts;
    state->desk = head->desk;
    return 0;
}

/* ---- payloads ---- */

static int get(struct reader *reader, void *to, size_t bytes)
{
    TRY(reader->source->read(reader->source->owner, to, bytes));
    reader->bytes += bytes;
    return 0;
}

static void work(struct reader *reader, shard_snapshot_work what, const void *at, size_t bytes)
{
    const struct shard_snapshot_worker *worker = reader->source->worker;
    if (worker == NULL)
        what(reader, at, bytes);
    else
        worker->add(worker->owner, what, reader, slice_of(at, bytes));
}

/* From here on the works' things are ours alone. */
static void wait_for_works(struct reader *reader)
{
    const struct shard_snapshot_worker *worker = reader->source->worker;
    if (worker != NULL)
        worker->wait(worker->owner);
}

/* The next bytes of the section, and the work that follows each piece of them, or NULL: they stay
 * where they are until it is done. */
static int take(struct reader *reader, void *to, size_t bytes, shard_snapshot_work what)
{
    EXPECT(reader, bytes <= reader->left, "snapshot: a section is too short");
    for (char *at = to; bytes > 0;) {
        size_t piece = bytes < SHARD_SNAPSHOT_PIECE_BYTES ? bytes : SHARD_SNAPSHOT_PIECE_BYTES;
        TRY(get(reader, at, piece));
        reader->crc = crc32c(reader->crc, at, piece);
        if (what != NULL)
            work(reader, what, at, piece);
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
        TRY(take(reader, &bytes, sizeof bytes, NULL));
        EXPECT(reader, bytes <= text_bytes_max(section), "snapshot: a text is too long");
        EXPECT(reader, (bytes == 0) == (expected == 0), "snapshot: text 0, and only it, is empty");
        TRY(take(reader, text, bytes, NULL));
        uint64_t hashed_bytes = bytes;
        sha256_add(reader->sha, slice_of(&hashed_bytes, sizeof hashed_bytes));
        sha256_add(reader->sha, slice_of(text, bytes));
        TRY(symbols_intern(symbols, slice_of(text, bytes), &ref));
        EXPECT(reader, ref == expected, "snapshot: a text stands twice");
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

static int put_verdicts(struct reader *reader, const struct shard_verdict *verdicts, size_t count)
{
    struct shard_state *state = reader->state;
    for (size_t i = 0; i < count && i < VERDICTS_AHEAD; i++)
        shard_verdict_prefetch(state, verdicts[i].key);
    for (size_t i = 0; i < count; i++) {
        if (i + VERDICTS_AHEAD < count)
            shard_verdict_prefetch(state, verdicts[i + VERDICTS_AHEAD].key);
        TRY(put_verdict(state, &verdicts[i], reader->verdict_before));
        reader->verdict_before = verdicts[i].seq;
    }
    return 0;
}

/* ---- the works, behind the first error none ---- */

static void work_hash(void *context, const void *at, size_t bytes)
{
    struct reader *reader = context;
    if (reader->error == 0)
        sha256_add(reader->sha, slice_of(at, bytes));
}

/* Accounts, markets and selections are there. */
static void work_rows(void *context, const void *at, size_t bytes)
{
    struct reader *reader = context;
    (void)at, (void)bytes;
    if (reader->error == 0)
        reader->error = shard_check_rows(reader->state);
    if (reader->error == 0)
        reader->error = shard_tallies_begin(reader->state, &reader->tallies);
}

/* While they are in the cache. */
static void work_bets(void *context, const void *at, size_t bytes)
{
    struct reader *reader = context;
    struct shard_state *state = reader->state;
    uint32_t first = (uint32_t)((const struct shard_bet *)at - state->bets);
    uint32_t count = (uint32_t)(bytes / sizeof *state->bets);
    work_hash(reader, at, bytes);
    if (reader->error == 0)
        reader->error = shard_check_bets(state, first, count);
    if (reader->error == 0)
        reader->error = shard_tallies_bets(state, &reader->tallies, first, count);
}

static void work_rest(void *context, const void *at, size_t bytes)
{
    struct reader *reader = context;
    (void)at, (void)bytes;
    if (reader->error == 0)
        reader->error = shard_check_rest(reader->state);
    if (reader->error == 0)
        reader->error = shard_tallies_check(reader->state, &reader->tallies);
}

static void work_verdicts(void *context, const void *at, size_t bytes)
{
    struct reader *reader = context;
    const struct shard_verdict *verdicts = at;
    struct verdict_ring *ring = &reader->state->verdicts;
    if (reader->error != 0)
        return;
    if (reader->verdict_before == 0 && ring->first > 0) /* what was forgotten is below the first */
        ring->floor = verdicts[0].seq - 1;
    reader->error = put_verdicts(reader, verdicts, bytes / sizeof *verdicts);
}

_Static_assert(SHARD_SNAPSHOT_PIECE_BYTES % sizeof(struct shard_bet) == 0, "whole bets");
_Static_assert(VERDICTS_STEP * sizeof(struct shard_verdict) <= SHARD_SNAPSHOT_PIECE_BYTES,
               "one piece");

static int take_verdicts(struct reader *reader, uint32_t count)
{
    struct verdict_ring *ring = &reader->state->verdicts;
    unsigned step_number = 0;
    if (ring->first > 0 && count == 0)
        ring->floor = reader->state->seq;
    for (uint32_t done = 0; done < count; step_number++) {
        uint32_t step = count - done < VERDICTS_STEP ? count - done : VERDICTS_STEP;
        struct shard_verdict *to =
            &reader->verdicts[(size_t)(step_number % VERDICTS_STEPS) * VERDICTS_STEP];
        if (step_number >= VERDICTS_STEPS && step_number % VERDICTS_STEPS == 0)
            wait_for_works(reader); /* all of them are free again */
        TRY(take(reader, to, step * sizeof *to, work_verdicts));
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
    case SNAPSHOT_LEGS:
    case SNAPSHOT_WINDOWS:
    case SNAPSHOT_STAKE_LIMITS:
    case SNAPSHOT_PROPOSALS:
    case SNAPSHOT_PROPOSED:
    case SNAPSHOT_BETS:
    case SNAPSHOT_CASH_OUTS:
    case SNAPSHOT_REFERRALS:
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
    if (section == SNAPSHOT_VERDICTS)
        return take_verdicts(reader, head->count);
    struct snapshot_array array = snapshot_array_of(reader->state, section);
    if (section == SNAPSHOT_BETS)
        work(reader, work_rows, NULL, 0);
    TRY(take(reader, array.at, array.count * array.size,
             section == SNAPSHOT_BETS ? work_bets : work_hash));
    if (section == SNAPSHOT_HOUSES)
        work(reader, work_rest, NULL, 0);
    return 0;
}

static int take_section(struct reader *reader, const struct snapshot_head *whole,
                        enum snapshot_section section)
{
    struct shard_state *state = reader->state;
    struct snapshot_section_head head;
    uint32_t crc;
    reader->crc = 0;
    reader->left = sizeof head;
    TRY(take(reader, &head, sizeof head, NULL));
    EXPECT(reader, head.section == section && head.count == expected_count(state, whole, section),
           "snapshot: another section was expected");
    reader->left = head.bytes;
    TRY(take_payload(reader, &head));
    EXPECT(reader, reader->left == 0, "snapshot: a section is too long");
    TRY(get(reader, &crc, sizeof crc));
    EXPECT(reader, crc == reader->crc, "snapshot: wrong checksum of a section");
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
    EXPECT(reader, reader->bytes == head.bytes, "snapshot head: impossible content");
    wait_for_works(reader);
    TRY(reader->error);
    TRY(shard_check_verdicts(state));
    sha256_add(reader->sha, slice_of(&state->counts, sizeof state->counts));
    shard_verdicts_hash(state, reader->sha);
    sha256_end(reader->sha, hash);
    REQUIRE(memcmp(hash, head.state_hash, sizeof hash) == 0,
            "L5: the state is not the one that was written");
    return 0;
}

static int reader_begin(struct reader *reader)
{
    reader->verdicts =
        reserve_new((size_t)VERDICTS_STEPS * VERDICTS_STEP, sizeof *reader->verdicts);
    return reader->verdicts == NULL ? -ERR_MEMORY : sha256_new(&reader->sha);
}

static void reader_end(struct reader *reader)
{
    reserve_free(reader->verdicts, (size_t)VERDICTS_STEPS * VERDICTS_STEP,
                 sizeof *reader->verdicts);
    shard_tallies_end(&reader->tallies);
    sha256_free(reader->sha);
}

int shard_snapshot_decode(const struct shard_snapshot_source *source, struct shard_state *state)
{
    struct reader reader = {.source = source, .state = state};
    ASSERT(state->seq == 0);
    ASSERT(symbols_count(state->users) == 1);
    state->reason = "";
    int error = reader_begin(&reader);
    if (error == 0)
        error = take_all(&reader);
    wait_for_works(&reader);  /* an error may have come before they were waited for */
    if (reader.wrong != NULL) /* a wrong checksum explains what the works found in its bytes */
        state->reason = reader.wrong;
    reader_end(&reader);
    return error;
}
