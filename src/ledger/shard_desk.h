/* shard_desk.h - how far a shard has come with the words of the trading desk, which stand in
 * another shard's log: part of the folded state (shard_types.h). Thread: any. */
#pragma once

#include <stdint.h>

/* Of the newest RELAYED (record_relayed.h). */
struct shard_desk {
    uint8_t book_id[16]; /* of the desk's log; all zero without a seq */
    uint64_t seq;        /* the word's record there; 0: none was relayed */
    uint32_t shard;      /* of the desk's log */
    uint32_t reserved;   /* 0 */
};
