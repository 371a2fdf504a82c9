/* desk.c - the trading desk's own words: holds and results, each with actor and reason (G-16). */
#include "app/relay_internal.h"

#include "base/assert.h"

static uint64_t record_hold(struct book *book, struct market_ref ref, uint8_t holds,
                            const struct desk_word *word)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    struct record_fenced item = {.market = ref.n, .status = market->status, .holds = holds};
    struct record_fence body = {.cause = FENCE_TRADER,
                                .actor_bytes = (uint16_t)word->actor.bytes,
                                .reason_bytes = (uint16_t)word->reason.bytes};
    struct slice texts[2] = {word->actor, word->reason};
    struct record_draft draft = {.type = RECORD_FENCE,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = &item,
                                 .items_count = 1,
                                 .texts = texts,
                                 .texts_count = 2};
    return commit_record(book->commit, &draft)->head->seq;
}

enum request_outcome book_hold_market(struct book *book, struct slice market_id, bool hold,
                                      const struct desk_word *word, struct book_reply reply)
{
    ASSERT(word->actor.bytes <= USER_ID_BYTES_MAX);
    ASSERT(word->reason.bytes <= REASON_BYTES_MAX);
    enum request_outcome ready = book_all_shards_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    const struct odds_image *image = book->ports.store->ops->get(book->ports.store, market_id);
    struct market_ref ref = shard_state_find_market(book->state, market_id);
    if (ref.n == 0 && (image == NULL || shard_state_market_room(book->state) != NULL))
        return book_unregistered(book, market_id);
    if (ref.n == 0) /* a hold outlives a restart, so the ledger must know the market */
        ref = book_market(book, image);
    uint8_t before = shard_state_market(book->state, ref)->holds;
    uint8_t holds = hold ? before | HOLD_TRADER : before & (uint8_t)~HOLD_TRADER;
    if (holds == before)
        return REQUEST_NO_CHANGE;
    uint64_t seq = record_hold(book, ref, holds, word);
    book_republish(book, market_id);
    bool waits = book_answer_record(book, seq, reply.answer, reply.cookie, false);
    ASSERT(waits); /* it was looked at above */
    return REQUEST_TAKEN;
}

enum request_outcome book_post_result(struct book *book, const struct feed_result *result,
                                      const struct desk_word *word, struct book_reply reply)
{
    uint64_t seq;
    ASSERT(word->actor.bytes <= USER_ID_BYTES_MAX);
    ASSERT(word->reason.bytes <= REASON_BYTES_MAX);
    enum request_outcome ready = book_all_shards_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    enum request_outcome outcome = book_record_result(book, result, FENCE_TRADER, word, &seq);
    if (outcome != REQUEST_TAKEN)
        return outcome;
    bool waits = book_answer_record(book, seq, reply.answer, reply.cookie, false);
    ASSERT(waits); /* it was looked at above */
    return REQUEST_TAKEN;
}
