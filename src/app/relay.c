/* relay.c - contract in book_relay.h: the desk's words become this log's own records. Refs and
 * numbers are translated by ids; what the fold refuses is recorded as refused, for the desk is
 * another log and may know what this one does not. */
#include "app/book_relay.h"

#include "app/relay_internal.h"
#include "app/result_draft.h"
#include "base/assert.h"

/* Of a word here: the number of its record, 0 when there is none, or that it cannot be. */
struct taken {
    uint64_t seq;
    bool refused;
    struct market_ref markets[RELAY_MARKETS_MAX]; /* to be shown again */
    uint32_t markets_count;
};

static const struct taken refused = {.refused = true};
static const struct taken unchanged = {.refused = false};

/* ---- markets ---- */

/* The next selection of a MARKET's texts. */
static struct slice next_id(const struct record_selection *item, struct slice *texts,
                            struct slice *ret_name)
{
    struct slice id = record_text(texts, item->id_bytes);
    *ret_name = record_text(texts, item->name_bytes);
    return id;
}

/* Nothing is offered of it here: suspended, until its price says otherwise. ref 0: no room. */
static struct market_ref register_unseen(struct book *book, const struct record_view *market)
{
    struct record_market body = *(const struct record_market *)market->body;
    body.market = shard_state_markets_count(book->state) + 1;
    body.status = MARKET_SUSPENDED_STATUS;
    body.holds = 0;
    struct record_draft draft = {.type = RECORD_MARKET,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = market->items,
                                 .items_count = market->head->items_count,
                                 .texts = &market->texts, /* with their padding */
                                 .texts_count = 1};
    bool taken = commit_offer(book->commit, &draft) != NULL;
    return (struct market_ref){taken ? body.market : 0};
}

/* One that is offered here is registered as it is offered, or a bet on it would contradict the
 * ledger (L6). */
static struct market_ref register_market(struct book *book, const struct record_view *market)
{
    const struct odds_image *image =
        book->ports.store->ops->get(book->ports.store, relay_market_id(market));
    if (image == NULL)
        return register_unseen(book, market);
    return shard_state_market_room(book->state) == NULL ? book_market(book, image)
                                                        : (struct market_ref){0};
}

/* Those that it has here, too. False: there is no room for them. */
static bool register_selections(struct book *book, const struct record_view *market,
                                struct market_ref ref)
{
    const struct record_selection *from = market->items;
    struct record_selection items[SELECTIONS_MAX];
    struct slice texts[2 * SELECTIONS_MAX], rest = relay_selection_texts(market);
    struct record_selections body = {
        .market = ref.n, .first = shard_state_market(book->state, ref)->selections_count};
    size_t count = 0;
    for (uint16_t i = 0; i < market->head->items_count; i++) {
        texts[2 * count] = next_id(&from[i], &rest, &texts[2 * count + 1]);
        if (shard_state_find_selection(book->state, ref, texts[2 * count]) == RECORD_SELECTION_NONE)
            items[count++] = from[i];
    }
    struct record_draft draft = {.type = RECORD_SELECTIONS,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = items,
                                 .items_count = count,
                                 .texts = texts,
                                 .texts_count = 2 * count};
    return count == 0 ||
           (body.first + count <= SELECTIONS_MAX && commit_offer(book->commit, &draft) != NULL);
}

static struct market_ref own_market(struct book *book, const struct record_view *market)
{
    struct market_ref ref = shard_state_find_market(book->state, relay_market_id(market));
    return ref.n != 0 ? ref : register_market(book, market);
}

/* ---- a trader's fence ---- */

static void show(struct taken *taken, struct market_ref ref)
{
    if (taken->markets_count < RELAY_MARKETS_MAX)
        taken->markets[taken->markets_count++] = ref;
}

static struct taken take_fence(struct book *book, const struct relay_word *word)
{
    const struct record_fence *said = word->record.body;
    const struct record_fenced *from = word->record.items;
    struct record_fenced items[RELAY_MARKETS_MAX];
    struct taken taken = unchanged;
    size_t count = 0;
    for (uint16_t i = 0; i < word->record.head->items_count; i++) {
        const struct record_view *named = relay_word_market(word, from[i].market);
        struct market_ref ref = shard_state_find_market(book->state, relay_market_id(named));
        if (ref.n == 0 && from[i].holds == 0)
            continue; /* what is not known is not held */
        if (ref.n == 0)
            ref = register_market(book, named);
        if (ref.n == 0)
            return refused;
        const struct shard_market *market = shard_state_market(book->state, ref);
        if (market->holds == from[i].holds)
            continue;
        items[count++] = (struct record_fenced){ref.n, market->status, from[i].holds, 0};
        show(&taken, ref);
    }
    const struct record_fence body = {.cause = FENCE_TRADER, /* no place in an odds log of ours */
                                      .actor_bytes = said->actor_bytes,
                                      .reason_bytes = said->reason_bytes};
    struct record_draft draft = {.type = RECORD_FENCE,
                                 .time_us = book->wall.us,
                                 .body = &body,
                                 .items = items,
                                 .items_count = count,
                                 .texts = &word->record.texts,
                                 .texts_count = 1};
    if (count == 0)
        return unchanged;
    const struct record_view *view = commit_offer(book->commit, &draft);
    if (view == NULL)
        return refused;
    taken.seq = view->head->seq;
    return taken;
}

/* ---- a result ---- */

/* What is said of each selection, by this log's numbers. */
static void map_result(const struct book *book, const struct relay_word *word,
                       const struct record_view *market, struct result_draft *draft)
{
    const struct record_result *said = word->record.body;
    const struct record_selection_result *from = word->record.items;
    const struct record_selection *named = market->items;
    struct slice ids = relay_selection_texts(market), reasons = word->record.texts, name;
    (void)record_text(&reasons, said->actor_bytes);
    (void)record_text(&reasons, said->reason_bytes);
    (void)record_text(&reasons, said->approver_bytes);
    for (uint16_t i = 0; i < word->record.head->items_count; i++) {
        struct slice reason = record_text(&reasons, from[i].reason_bytes);
        uint16_t number = shard_state_find_selection(
            book->state, (struct market_ref){draft->body.market}, next_id(&named[i], &ids, &name));
        struct record_selection_result item = from[i];
        item.reason_bytes = 0;
        if (number == RECORD_SELECTION_NONE || shard_result_kept(&item))
            continue;
        draft->items[number] = item;
        draft->reasons[number] = reason;
        draft->named[number] = true;
    }
    book_keep_newer(book->state, draft);
}

/* Who approved it stands in the desk's log, with the proposal. */
static void begin_result(const struct record_result *said, struct market_ref ref,
                         struct result_draft *draft)
{
    *draft = (struct result_draft){.body = *said};
    draft->body.market = ref.n;
    draft->body.proposal_seq = 0;
    draft->body.approver_bytes = 0;
    draft->window = said->kind == RESULT_CANCEL || said->kind == RESULT_UNDO_CANCEL;
}

/* Something of it is not in force by a word as new. */
static bool window_is_newer(const struct book *book, const struct record_result *said,
                            struct market_ref ref)
{
    const struct shard_window *known =
        shard_state_find_window(book->state, ref, said->void_from_us, said->void_until_us);
    return known == NULL || said->result_version > known->version;
}

static struct taken take_result(struct book *book, const struct relay_word *word)
{
    const struct record_result *said = word->record.body;
    const struct record_view *market = relay_word_market(word, said->market);
    struct market_ref ref = own_market(book, market);
    struct slice texts = word->record.texts;
    struct desk_word by = {.actor = record_text(&texts, said->actor_bytes),
                           .reason = record_text(&texts, said->reason_bytes)};
    struct result_draft draft;
    if (ref.n == 0 || !register_selections(book, market, ref))
        return refused;
    begin_result(said, ref, &draft);
    draft.opens_all = said->kind == RESULT_ROLLBACK && word->record.head->items_count == 0;
    if (draft.window)
        draft.newer = window_is_newer(book, said, ref);
    else
        map_result(book, word, market, &draft);
    if (!draft.newer)
        return unchanged;
    struct taken taken = {.seq = book_offer_result(book, &draft, &by)};
    if (taken.seq == 0)
        return refused;
    show(&taken, ref);
    return taken;
}

/* ---- limits ---- */

static struct taken take_limits(struct book *book, const struct relay_word *word)
{
    const struct record_limits *said = word->record.body;
    struct slice texts = word->record.texts;
    struct limits_request request = {.scope = (enum limit_scope)said->scope,
                                     .id = record_text(&texts, said->id_bytes),
                                     .remove = said->removed != 0,
                                     .limits = shard_limits_of(said)};
    struct desk_word by = {.actor = record_text(&texts, said->actor_bytes)};
    struct taken taken = unchanged;
    by.reason = record_text(&texts, said->reason_bytes);
    if (said->market != 0)
        request.id = relay_market_id(relay_word_market(word, said->market));
    const struct shard_stake_limits *before = book_limits_of(book, request.scope, request.id);
    if (before == NULL ? request.remove
                       : !request.remove &&
                             memcmp(&before->limits, &request.limits, sizeof request.limits) == 0)
        return unchanged;
    if (said->market != 0 && own_market(book, relay_word_market(word, said->market)).n == 0)
        return refused;
    taken.seq = book_offer_limits(book, &request, &by);
    return taken.seq == 0 ? refused : taken;
}

/* ---- any ---- */

static struct taken take_word(struct book *book, const struct relay_word *word)
{
    if (word == NULL)
        return unchanged;
    if (word->record.head->type == RECORD_FENCE)
        return take_fence(book, word);
    return word->record.head->type == RECORD_RESULT ? take_result(book, word)
                                                    : take_limits(book, word);
}

static bool is_foreign(const struct book *book, const struct relayed *relayed)
{
    const struct shard_desk *desk = shard_state_desk(book->state);
    const uint8_t *own = shard_state_book_id(book->state);
    bool is_own = relayed->desk_shard == shard_state_shard(book->state) &&
                  memcmp(relayed->desk_book_id, own, SHARD_BOOK_ID_BYTES) == 0;
    return is_own || (desk->seq != 0 &&
                      (relayed->desk_shard != desk->shard ||
                       memcmp(relayed->desk_book_id, desk->book_id, SHARD_BOOK_ID_BYTES) != 0));
}

static uint64_t record_relayed(struct book *book, const struct relayed *relayed,
                               const struct taken *taken)
{
    struct record_relayed body = {
        .desk_seq = relayed->desk_seq,
        .word_seq = taken->seq,
        .desk_shard = relayed->desk_shard,
        .word = relayed->word == NULL ? 0 : relayed->word->record.head->type,
        .refused = taken->refused,
    };
    memcpy(body.desk_book_id, relayed->desk_book_id, sizeof body.desk_book_id);
    struct record_draft draft = {.type = RECORD_RELAYED, .time_us = book->wall.us, .body = &body};
    return commit_record(book->commit, &draft)->head->seq;
}

enum relay_outcome book_relay(struct book *book, const struct relayed *relayed,
                              struct book_reply reply)
{
    ASSERT(book->options.has_desk);
    if (is_foreign(book, relayed))
        return RELAY_FOREIGN;
    if (relayed->desk_seq <= shard_state_desk(book->state)->seq)
        return RELAY_KNOWN;
    if (commit_stopped(book->commit) || !commit_has_reserve(book->commit) ||
        !commit_has_room(book->commit))
        return RELAY_LATER;
    struct taken taken = take_word(book, relayed->word);
    uint64_t seq = record_relayed(book, relayed, &taken);
    for (uint32_t i = 0; i < taken.markets_count; i++)
        if (relayed->word->record.head->type == RECORD_RESULT)
            book_republish_result(book, taken.markets[i]);
        else
            book_republish(book, shard_state_market_id(book->state, taken.markets[i]));
    book->stats.relayed++;
    book->stats.relay_refused += taken.refused;
    bool waits = book_answer_record(book, seq, reply.answer, reply.cookie, false);
    ASSERT(waits); /* commit_has_room looked */
    return taken.refused ? RELAY_REFUSED : taken.seq == 0 ? RELAY_NO_CHANGE : RELAY_RECORDED;
}

/* ---- the desk's grant ---- */

void book_desk_grants(struct book *book, struct monotonic until)
{
    if (until.us > book->desk_until.us)
        book->desk_until = until;
}

bool book_desk_away(const struct book *book)
{
    return book->options.has_desk && book->now.us >= book->desk_until.us;
}

uint64_t book_durable_seq(const struct book *book)
{
    return commit_durable_seq(book->commit);
}
