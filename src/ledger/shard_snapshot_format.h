/* shard_snapshot_format.h - the structs of a snapshot (docs/LEDGER.md, "Snapshots"), shared by the
 * files shard_snapshot*.c only. Little-endian; written and read by memcpy. Thread: any. */
#pragma once

#include "ledger/shard_snapshot.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is memcpy of the structs");

struct snapshot_head {
    char magic[8];
    uint32_t format;
    uint32_t shard;
    uint64_t seq;
    int64_t time_us;
    uint64_t epoch;
    uint64_t last_bet_id;
    uint8_t book_id[16];
    uint64_t hash_key[2];
    uint32_t record_crc; /* of the record `seq`: the snapshot belongs to the log that has it */
    uint32_t accounts, markets, selections, bets, verdicts, houses;
    uint32_t texts; /* the empty one included */
    struct shard_counts counts;
    uint64_t bytes; /* of the whole snapshot */
    uint8_t state_hash[32];
    uint64_t verdicts_total;   /* as many as ever were; the newest `verdicts` of them follow */
    uint8_t verdicts_link[32]; /* the chain before the first that does */
    uint32_t legs, windows, stake_limits, proposals, proposed, cash_outs, referrals;
    uint32_t shards; /* of the book; 0: it has one */
    struct shard_desk desk;
    char zeros[100];
    uint32_t crc; /* of the 508 bytes before */
};
_Static_assert(sizeof(struct snapshot_head) == SHARD_SNAPSHOT_HEAD_BYTES, "one sector");
_Static_assert(offsetof(struct snapshot_head, record_crc) == 80, "no padding");
_Static_assert(offsetof(struct snapshot_head, counts) == 112, "no padding");
_Static_assert(offsetof(struct snapshot_head, verdicts_total) == 304, "no padding");
_Static_assert(offsetof(struct snapshot_head, desk) == 376, "no padding");
_Static_assert(offsetof(struct snapshot_head, crc) == 508, "crc is last");

/* In this order, which is the order of the state hash. */
enum snapshot_section {
    SNAPSHOT_USERS = 1,
    SNAPSHOT_MARKET_IDS,
    SNAPSHOT_TEXTS,
    SNAPSHOT_ACCOUNTS,
    SNAPSHOT_MARKETS,
    SNAPSHOT_SELECTIONS,
    SNAPSHOT_LEGS,
    SNAPSHOT_WINDOWS,
    SNAPSHOT_STAKE_LIMITS,
    SNAPSHOT_PROPOSALS,
    SNAPSHOT_PROPOSED,
    SNAPSHOT_BETS,
    SNAPSHOT_CASH_OUTS,
    SNAPSHOT_REFERRALS,
    SNAPSHOT_HOUSES,
    SNAPSHOT_VERDICTS, /* those in memory; the hash has their chain, which is taken again */
};

/* Before a section's payload; after it stands the crc of head and payload, 4 bytes. */
struct snapshot_section_head {
    uint32_t section;
    uint32_t count;
    uint64_t bytes; /* of the payload */
};
_Static_assert(sizeof(struct snapshot_section_head) == 16, "no padding");

/* An array of the state that is written as it lies in memory. */
struct snapshot_array {
    void *at;
    size_t count, size;
};
/* Of the sections ACCOUNTS to HOUSES. */
struct snapshot_array snapshot_array_of(const struct shard_state *state,
                                        enum snapshot_section section);
/* Of the sections USERS to TEXTS. */
struct symbols *snapshot_symbols_of(const struct shard_state *state, enum snapshot_section section);
