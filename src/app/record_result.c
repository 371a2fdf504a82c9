/* record_result.c - what decides bets, as one record: results of a market, their rollback, windows
 * of time in which bets are void. From there settle_market.c goes on. */
#include "app/book_internal.h"

#include "base/assert.h"

static bool same_result(struct book *book, struct market_ref ref, const struct record_result *body,
                        const struct record_selection_result *items)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++)
        if (memcmp(&shard_state_selection(book->state, ref, i)->result, &items[i], sizeof *items) !=
            0)
            return false;
    return market->deduction_model == body->deduction_model &&
           market->cap_pence == body->cap_pence && market->waive_pence == body->waive_pence;
}

/* The market's ref; every selection that the result names is registered, while there is room: a
 * full table must not keep those from their money who have bet already. */
static struct market_ref find_market(struct book *book, const struct feed_result *result)
{
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, result->market_id);
    if (image == NULL || shard_state_market_room(book->state) != NULL)
        return shard_state_find_market(book->state, result->market_id);
    struct market_ref ref = book_market(book, image);
    for (size_t i = 0; i < image->selections_count; i++)
        (void)book_selection(book, image, i, ref);
    return ref;
}

static unsigned count_deducting(const struct record_selection_result *items, size_t count)
{
    unsigned deducting = 0;
    for (size_t i = 0; i < count; i++)
        deducting += items[i].deduction != 0;
    return deducting;
}

static bool deductions_possible(const struct record_result *body,
                                const struct record_selection_result *items, size_t count)
{
    unsigned deducting = count_deducting(items, count);
    if (body->deduction_model == DEDUCT_RULE4)
        return body->cap_pence >= 1 && body->cap_pence <= 99 && body->waive_pence <= 99;
    return body->deduction_model <= DEDUCT_PRICE && deducting <= DEDUCTIONS_MAX &&
           (deducting == 0 || body->deduction_model != 0) && body->cap_pence == 0 &&
           body->waive_pence == 0;
}

/* What every kind of word on a market's results says of itself. */
static struct record_result body_of(const struct feed_result *result, struct market_ref ref,
                                    const struct shard_market *market, enum fence_cause cause,
                                    const struct desk_word *word)
{
    return (struct record_result){.result_version = result->result_version,
                                  .previous_seq = market->seq_result,
                                  .market = ref.n,
                                  .cause = (uint16_t)cause,
                                  .kind = (uint8_t)result->kind,
                                  .actor_bytes = (uint16_t)word->actor.bytes,
                                  .reason_bytes = (uint16_t)word->reason.bytes,
                                  .approver_bytes = (uint16_t)word->approver.bytes};
}

/* The reasons of selections stand behind the three of the whole; REASON_BYTES_MAX of each. */
static size_t put_reasons(struct book *book, const struct feed_result *result,
                          struct market_ref ref, struct record_selection_result *items,
                          struct slice *reasons)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    memset(reasons, 0, market->selections_count * sizeof *reasons);
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = shard_state_find_selection(book->state, ref, r->selection_id);
        if (number == RECORD_SELECTION_NONE)
            continue;
        reasons[number] = r->reason;
        if (r->reason.bytes > REASON_BYTES_MAX)
            reasons[number].bytes = REASON_BYTES_MAX;
        items[number].reason_bytes = (uint16_t)reasons[number].bytes;
    }
    return market->selections_count;
}

static uint64_t commit_result(struct book *book, const struct record_result *body,
                              const struct feed_result *result,
                              struct record_selection_result *items, const struct desk_word *word)
{
    struct slice texts[3 + SELECTIONS_MAX] = {word->actor, word->reason, word->approver};
    struct market_ref ref = {body->market};
    size_t count = items == NULL ? 0 : put_reasons(book, result, ref, items, texts + 3);
    struct record_draft draft = {.type = RECORD_RESULT,
                                 .time_us = book->wall.us,
                                 .body = body,
                                 .items = items,
                                 .items_count = count,
                                 .texts = texts,
                                 .texts_count = 3 + count};
    book->stats.results++;
    return commit_record(book->commit, &draft)->head->seq;
}

/* A word that is silent about deductions leaves those of the selections that it does not name. */
static void keep_deductions(struct record_result *body, const struct shard_market *market,
                            const struct record_selection_result *items)
{
    if (body->deduction_model != 0 || count_deducting(items, market->selections_count) == 0)
        return;
    body->deduction_model = market->deduction_model;
    body->cap_pence = market->cap_pence;
    body->waive_pence = market->waive_pence;
}

/* What selections deduct that are not named was said in the model in force; another one would make
 * something else of it. */
static bool model_kept(const struct book *book, const struct feed_result *result,
                       struct market_ref ref, const struct record_selection_result *items)
{
    const struct shard_market *market = shard_state_market(book->state, ref);
    unsigned named = 0;
    for (size_t i = 0; i < result->selections_count; i++) {
        uint16_t number =
            shard_state_find_selection(book->state, ref, result->selections[i].selection_id);
        named += number != RECORD_SELECTION_NONE && items[number].deduction != 0;
    }
    return result->deduction_model == 0 || market->deduction_model == 0 ||
           result->deduction_model == market->deduction_model ||
           named == count_deducting(items, market->selections_count);
}

/* Results, and that some are withdrawn. One that says nothing new is recorded too when its version
 * is higher: what comes late between the two must not undo it. */
static enum request_outcome record_results(struct book *book, const struct feed_result *result,
                                           struct record_result *body, const struct desk_word *word,
                                           uint64_t *ret_seq)
{
    struct market_ref ref = {body->market};
    struct record_selection_result items[SELECTIONS_MAX];
    const struct shard_market *market = shard_state_market(book->state, ref);
    if (!book_work_out_result(book, result, ref, items))
        return REQUEST_INVALID;
    if (result->kind == RESULT_SET) {
        body->certainty = result->certainty;
        body->deduction_model = (uint8_t)result->deduction_model;
        body->cap_pence = result->cap_pence;
        body->waive_pence = result->waive_pence;
        body->score_known = result->score_known;
        body->score[0] = result->score[0];
        body->score[1] = result->score[1];
    }
    keep_deductions(body, market, items);
    if (!model_kept(book, result, ref, items))
        return REQUEST_INVALID;
    if (!deductions_possible(body, items, market->selections_count) || body->certainty > 2)
        return REQUEST_INVALID;
    if (market->result_version != 0 && result->result_version <= market->result_version)
        return same_result(book, ref, body, items) ? REQUEST_NO_CHANGE : REQUEST_OLD_VERSION;
    *ret_seq = commit_result(book, body, result, items, word);
    return REQUEST_TAKEN;
}

/* A window of time, or that there was none. */
static enum request_outcome record_window(struct book *book, const struct feed_result *result,
                                          struct record_result *body, const struct desk_word *word,
                                          uint64_t *ret_seq)
{
    struct market_ref ref = {body->market};
    body->void_from_us = result->void_from.us;
    body->void_until_us = result->void_until.us;
    body->void_skew_us = book->options.provider_skew_us;
    if (body->void_from_us >= body->void_until_us)
        return REQUEST_INVALID;
    const struct shard_window *known =
        shard_state_find_window(book->state, ref, body->void_from_us, body->void_until_us);
    if (known != NULL && result->result_version <= known->version)
        return known->in_force == (result->kind == RESULT_CANCEL) ? REQUEST_NO_CHANGE
                                                                  : REQUEST_OLD_VERSION;
    if (known == NULL && !shard_state_window_room(book->state, ref))
        return book_busy(book, "windows_max");
    *ret_seq = commit_result(book, body, result, NULL, word);
    return REQUEST_TAKEN;
}

enum request_outcome book_record_result(struct book *book, const struct feed_result *result,
                                        enum fence_cause cause, const struct desk_word *word,
                                        uint64_t *ret_seq)
{
    struct market_ref ref = find_market(book, result);
    const struct shard_market *market = shard_state_market(book->state, ref);
    if (market == NULL)
        return book_unregistered(book, result->market_id);
    struct record_result body = body_of(result, ref, market, cause, word);
    if (result->kind < RESULT_SET || result->kind > RESULT_UNDO_CANCEL)
        return REQUEST_INVALID;
    bool window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    enum request_outcome outcome = window ? record_window(book, result, &body, word, ret_seq)
                                          : record_results(book, result, &body, word, ret_seq);
    if (outcome != REQUEST_TAKEN)
        return outcome;
    book_settle_queue(book, ref);
    book_republish(book, result->market_id);
    return REQUEST_TAKEN;
}
