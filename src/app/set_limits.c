/* set_limits.c - the desk's limits on what is staked by a customer, or on a market, an event, a
 * sport (BETTING-RULES 4.12), each with actor and reason. */
#include "app/relay_internal.h"

#include "base/assert.h"

/* The scope's number in the ledger; 0: it has none. */
static uint32_t ref_of(const struct book *book, enum limit_scope scope, struct slice id)
{
    switch (scope) {
    case LIMIT_OF_PLAYER:
        return shard_state_find_account(book->state, id).n;
    case LIMIT_OF_MARKET:
        return shard_state_find_market(book->state, id).n;
    case LIMIT_OF_EVENT:
    case LIMIT_OF_SPORT:
        return shard_state_find_text(book->state, id);
    case LIMIT_OF_NONE:
    case LIMIT_OF_LEAGUE:
    case LIMIT_OF_PLATFORM:
    case LIMIT_SCOPES:
        break;
    }
    return 0;
}

const struct shard_stake_limits *book_limits_of(const struct book *book, enum limit_scope scope,
                                                struct slice id)
{
    uint32_t ref = ref_of(book, scope, id);
    return ref == 0 ? NULL : shard_state_stake_limits(book->state, scope, ref);
}

static bool is_same(const struct stake_limits *a, const struct stake_limits *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* it has no padding (shard_check.c) */
}

uint64_t book_offer_limits(struct book *book, const struct limits_request *request,
                           const struct desk_word *word)
{
    uint32_t ref = ref_of(book, request->scope, request->id);
    const struct shard_stake_limits *before = book_limits_of(book, request->scope, request->id);
    const struct stake_limits limits = request->remove ? STAKE_LIMITS_NONE : request->limits;
    bool by_text = request->scope == LIMIT_OF_EVENT || request->scope == LIMIT_OF_SPORT;
    struct slice texts[3] = {by_text ? request->id : SLICE_NONE, word->actor, word->reason};
    struct record_limits body = {
        .previous_seq = before == NULL ? 0 : before->seq,
        .stake_minor_min = limits.stake_minor_min,
        .stake_minor_max = limits.stake_minor_max,
        .payout_minor_max = limits.payout_minor_max,
        .liability_minor_max = limits.liability_minor_max,
        .delay_us = limits.delay_us,
        .factor_permyriad = (uint32_t)limits.factor_permyriad,
        .refer_minor_above = limits.refer_minor_above,
        .refers = (uint8_t)limits.refers,
        .payout_day_minor_max = limits.payout_day_minor_max,
        .market = request->scope == LIMIT_OF_MARKET ? ref : 0,
        .scope = (uint8_t)request->scope,
        .removed = request->remove,
        .id_bytes = (uint16_t)texts[0].bytes,
        .actor_bytes = (uint16_t)word->actor.bytes,
        .reason_bytes = (uint16_t)word->reason.bytes,
    };
    struct record_draft draft = {.type = RECORD_LIMITS,
                                 .time_us = book->wall.us,
                                 .account = request->scope == LIMIT_OF_PLAYER ? ref : 0,
                                 .body = &body,
                                 .texts = texts,
                                 .texts_count = 3};
    const struct record_view *view = commit_offer(book->commit, &draft);
    return view == NULL ? 0 : view->head->seq;
}

/* A market that is offered gets its ref now; nobody else is made known by a limit. */
static enum request_outcome find_scope(struct book *book, const struct limits_request *request,
                                       uint32_t *ret_ref)
{
    const struct odds_image *image = book->ports.store->ops->get(book->ports.store, request->id);
    *ret_ref = ref_of(book, request->scope, request->id);
    if (*ret_ref != 0 || request->scope == LIMIT_OF_EVENT || request->scope == LIMIT_OF_SPORT)
        return REQUEST_TAKEN;
    if (request->scope != LIMIT_OF_MARKET)
        return REQUEST_UNKNOWN;
    if (image == NULL || shard_state_market_room(book->state) != NULL)
        return book_unregistered(book, request->id);
    *ret_ref = book_market(book, image).n;
    return REQUEST_TAKEN;
}

enum request_outcome book_set_limits(struct book *book, const struct limits_request *request,
                                     const struct desk_word *word, struct book_reply reply)
{
    uint32_t ref = 0;
    ASSERT(word->actor.bytes <= USER_ID_BYTES_MAX);
    ASSERT(word->reason.bytes <= REASON_BYTES_MAX);
    enum request_outcome ready =
        request->scope == LIMIT_OF_PLAYER ? book_desk_ready(book) : book_all_shards_ready(book);
    if (ready != REQUEST_TAKEN)
        return ready;
    if (!request->remove &&
        (!shard_stake_limits_valid(&request->limits) ||
         (request->scope != LIMIT_OF_PLAYER && request->limits.payout_day_minor_max != INT64_MAX)))
        return REQUEST_INVALID;
    const struct shard_stake_limits *before = book_limits_of(book, request->scope, request->id);
    if (before == NULL && request->remove)
        return REQUEST_UNKNOWN;
    if (before == NULL && !shard_state_stake_limits_room(book->state))
        return book_busy(book, "stake_limits_max");
    if (before != NULL && !request->remove && is_same(&before->limits, &request->limits))
        return REQUEST_NO_CHANGE;
    enum request_outcome found = find_scope(book, request, &ref);
    if (found != REQUEST_TAKEN)
        return found;
    uint64_t seq = book_offer_limits(book, request, word);
    ASSERT(seq != 0); /* all that the fold asks was looked at */
    bool waits = book_answer_record(book, seq, reply.answer, reply.cookie, false);
    ASSERT(waits); /* it was looked at above */
    return REQUEST_TAKEN;
}
