/* record_result.c - what decides bets, as one record: results of a market, their rollback, windows
 * of time in which bets are void. From there settle_market.c goes on. */
#include "app/result_draft.h"

#include "base/assert.h"
#include "core/market_line.h"

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

static bool deductions_possible(const struct record_result *body,
                                const struct record_selection_result *items, size_t count)
{
    unsigned deducting = 0;
    for (size_t i = 0; i < count; i++)
        deducting += items[i].deduction != 0;
    if (body->deduction_model == DEDUCT_RULE4)
        return body->cap_pence >= 1 && body->cap_pence <= 99 && body->waive_pence <= 99;
    return body->deduction_model <= DEDUCT_PRICE && deducting <= DEDUCTIONS_MAX &&
           (deducting == 0 || body->deduction_model != 0) && body->cap_pence == 0 &&
           body->waive_pence == 0;
}

static bool model_is_newer(const struct shard_market *market, const struct record_result *body)
{
    return body->deduction_model != 0 && body->result_version > market->model_version;
}

/* A person is told when deductions would be of several models. A feed is taken at its word, whose
 * order must not count: the bets concerned then wait for a word that settles it. */
static bool models_agree(const struct shard_state *state, const struct result_draft *draft)
{
    const struct market_ref ref = {draft->body.market};
    const struct shard_market *market = shard_state_market(state, ref);
    uint8_t model = model_is_newer(market, &draft->body) ? draft->body.deduction_model
                                                         : market->deduction_model;
    if (draft->body.deduction_model == 0)
        return true; /* it says nothing of them, and so makes nothing worse */
    for (uint16_t i = 0; i < market->selections_count; i++) {
        bool kept = shard_result_kept(&draft->items[i]);
        const struct shard_selection *row = shard_state_selection(state, ref, i);
        uint16_t deduction = kept ? row->result.deduction : draft->items[i].deduction;
        if (deduction != 0 && (kept ? row->deduction_model : draft->body.deduction_model) != model)
            return false;
    }
    return true;
}

bool book_result_possible(const struct shard_state *state, const struct result_draft *draft)
{
    const struct shard_market *market =
        shard_state_market(state, (struct market_ref){draft->body.market});
    if (draft->opens_all)
        return true;
    return deductions_possible(&draft->body, draft->items, market->selections_count) &&
           (draft->body.cause == FENCE_FEED || models_agree(state, draft));
}

void book_keep_newer(const struct shard_state *state, struct result_draft *draft)
{
    const struct market_ref ref = {draft->body.market};
    const struct shard_market *market = shard_state_market(state, ref);
    draft->newer = draft->opens_all ? draft->body.result_version > market->opened_version
                                    : model_is_newer(market, &draft->body);
    for (uint16_t i = 0; i < market->selections_count && !draft->opens_all; i++) {
        const struct shard_selection *row = shard_state_selection(state, ref, i);
        bool newer = draft->named[i] && draft->body.result_version > row->result_version;
        draft->newer = draft->newer || newer;
        if (newer)
            continue;
        draft->items[i] = (struct record_selection_result){.win.known = RESULT_KEPT};
        draft->reasons[i] = SLICE_NONE;
        draft->named[i] = false;
    }
}

/* Which selections are named, or have a line that follows from the score, and why. */
static void note_named(const struct book *book, const struct feed_result *result,
                       struct result_draft *draft)
{
    const struct market_ref ref = {draft->body.market};
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++) {
        struct market_line line;
        draft->reasons[i] = SLICE_NONE;
        draft->named[i] = result->kind == RESULT_SET && result->score_known &&
                          shard_line_of(book->state, market, i, &line);
    }
    for (size_t i = 0; i < result->selections_count; i++) {
        const struct feed_selection_result *r = &result->selections[i];
        uint16_t number = shard_state_find_selection(book->state, ref, r->selection_id);
        if (number == RECORD_SELECTION_NONE)
            continue;
        draft->named[number] = true;
        draft->reasons[number] = r->reason;
        if (r->reason.bytes > REASON_BYTES_MAX)
            draft->reasons[number].bytes = REASON_BYTES_MAX;
    }
}

/* All that it says is in force, by whichever word. */
static bool same_result(const struct book *book, const struct result_draft *draft)
{
    static const struct record_selection_result open;
    const struct market_ref ref = {draft->body.market};
    const struct shard_market *market = shard_state_market(book->state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct record_selection_result *said = draft->opens_all ? &open : &draft->items[i];
        if ((draft->opens_all || draft->named[i]) &&
            memcmp(&shard_state_selection(book->state, ref, i)->result, said, sizeof *said) != 0)
            return false;
    }
    return draft->body.deduction_model == 0 ||
           (market->deduction_model == draft->body.deduction_model &&
            market->cap_pence == draft->body.cap_pence &&
            market->waive_pence == draft->body.waive_pence);
}

/* Results, and that some are withdrawn. What is said again with a higher version is recorded too:
 * what comes late between the two must not undo it. */
static enum request_outcome prepare_results(const struct book *book,
                                            const struct feed_result *result,
                                            struct result_draft *draft)
{
    struct record_result *body = &draft->body;
    struct market_ref ref = {body->market};
    draft->opens_all = result->kind == RESULT_ROLLBACK && result->selections_count == 0;
    if (result->result_version == 0 || !book_work_out_result(book, result, ref, draft->items))
        return REQUEST_INVALID;
    note_named(book, result, draft);
    if (result->kind == RESULT_SET) {
        body->certainty = result->certainty;
        body->deduction_model = (uint8_t)result->deduction_model;
        body->cap_pence = result->cap_pence;
        body->waive_pence = result->waive_pence;
        body->score_known = result->score_known;
        body->score[0] = result->score[0];
        body->score[1] = result->score[1];
    }
    bool same = same_result(book, draft);
    book_keep_newer(book->state, draft);
    if (body->certainty > 2 || !book_result_possible(book->state, draft))
        return REQUEST_INVALID;
    if (draft->newer)
        return REQUEST_TAKEN;
    return same ? REQUEST_NO_CHANGE : REQUEST_OLD_VERSION;
}

/* A window of time, or that there was none. */
static enum request_outcome prepare_window(struct book *book, const struct feed_result *result,
                                           struct result_draft *draft)
{
    struct record_result *body = &draft->body;
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
    return REQUEST_TAKEN;
}

uint64_t book_offer_result(struct book *book, struct result_draft *draft,
                           const struct desk_word *word)
{
    struct slice texts[3 + SELECTIONS_MAX] = {word->actor, word->reason, word->approver};
    const struct market_ref ref = {draft->body.market};
    const struct shard_market *market = shard_state_market(book->state, ref);
    size_t count = draft->window || draft->opens_all ? 0 : market->selections_count;
    for (size_t i = 0; i < count; i++) {
        draft->items[i].reason_bytes = (uint16_t)draft->reasons[i].bytes;
        texts[3 + i] = draft->reasons[i];
    }
    draft->body.previous_seq = market->seq_result;
    draft->body.actor_bytes = (uint16_t)word->actor.bytes;
    draft->body.reason_bytes = (uint16_t)word->reason.bytes;
    draft->body.approver_bytes = (uint16_t)word->approver.bytes;
    struct record_draft record = {.type = RECORD_RESULT,
                                  .time_us = book->wall.us,
                                  .body = &draft->body,
                                  .items = draft->items,
                                  .items_count = count,
                                  .texts = texts,
                                  .texts_count = 3 + count};
    const struct record_view *view = commit_offer(book->commit, &record);
    if (view == NULL)
        return 0;
    book->stats.results++;
    book_settle_queue(book, ref);
    return view->head->seq;
}

uint64_t book_commit_result(struct book *book, struct result_draft *draft,
                            const struct desk_word *word)
{
    uint64_t seq = book_offer_result(book, draft, word);
    ASSERT(seq != 0); /* it was looked at before */
    return seq;
}

enum request_outcome book_record_result(struct book *book, const struct feed_result *result,
                                        enum fence_cause cause, const struct desk_word *word,
                                        uint64_t *ret_seq)
{
    struct result_draft draft = {.opens_all = false};
    struct market_ref ref = find_market(book, result);
    if (shard_state_market(book->state, ref) == NULL)
        return book_unregistered(book, result->market_id);
    if (result->kind < RESULT_SET || result->kind > RESULT_UNDO_CANCEL)
        return REQUEST_INVALID;
    draft.window = result->kind == RESULT_CANCEL || result->kind == RESULT_UNDO_CANCEL;
    draft.body = (struct record_result){.result_version = result->result_version,
                                        .market = ref.n,
                                        .cause = (uint16_t)cause,
                                        .kind = (uint8_t)result->kind};
    enum request_outcome outcome =
        draft.window ? prepare_window(book, result, &draft) : prepare_results(book, result, &draft);
    if (outcome != REQUEST_TAKEN)
        return outcome;
    if (book_must_propose(book, result, cause))
        return book_propose_result(book, &draft, word, ret_seq);
    *ret_seq = book_commit_result(book, &draft, word);
    book_republish_result(book, ref);
    return REQUEST_TAKEN;
}
