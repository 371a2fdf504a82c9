/* record_relayed.h - the body of RELAYED: how far this shard has come with the words of the trading
 * desk that concern every shard (docs/decisions/0016). They stand in the desk's log, in an order;
 * this log has a record of its own for each that changed something here, and directly behind it the
 * RELAYED that says which word it was. Part of record.h, which says how records lie. Thread: any.
 */
#pragma once

#include <stdint.h>

struct record_relayed {
    uint8_t desk_book_id[16]; /* whose log, from its GENESIS: the same in every RELAYED of a log */
    uint64_t desk_seq;        /* the word's record there; rises */
    uint64_t word_seq;        /* the record before this one, which says it here; 0: there is none */
    uint32_t desk_shard;      /* as desk_book_id */
    uint16_t word;    /* enum record_type: FENCE, RESULT or LIMITS; 0: up to there is no other */
    uint16_t refused; /* 1: what is in force here does not let it be; then word_seq is 0 */
};

_Static_assert(sizeof(struct record_relayed) == 40, "format");
