/* node_orphans.c - contract in node_orphans.h. */
#include "cli/node/node_orphans.h"

#define ORPHANS_PER_STEP 16

void node_orphans_begin(struct node_orphans *orphans, struct book *book)
{
    *orphans = (struct node_orphans){
        .book = book, .next = 1, .end = shard_state_markets_count(book_state(book)) + 1};
}

static void on_voided(const struct book_answer *answer)
{
    (void)answer; /* a failed log is told by the book's own listener; the next start tries again */
}

static enum request_outcome void_market(struct book *book, struct market_ref ref)
{
    static struct feed_selection_result selections[SELECTIONS_MAX];
    const struct shard_state *state = book_state(book);
    const struct shard_market *market = shard_state_market(state, ref);
    for (uint16_t i = 0; i < market->selections_count; i++) {
        const struct shard_selection *s = shard_state_selection(state, ref, i);
        selections[i] = (struct feed_selection_result){
            .selection_id = shard_state_text(state, s->id), .result = LEG_VOID};
    }
    const struct feed_result result = {
        .provider = SLICE("sim"),
        .market_id = shard_state_market_id(state, ref),
        .kind = RESULT_SET,
        .result_version = market->result_version + 1,
        .selections = selections,
        .selections_count = market->selections_count,
    };
    const struct desk_word word = {.actor = SLICE("simulator"),
                                   .reason = SLICE("the match ended with its run")};
    return book_post_result(book, &result, &word, (struct book_reply){.answer = on_voided});
}

bool node_orphans_step(struct node_orphans *orphans)
{
    const struct shard_state *state = book_state(orphans->book);
    for (int voided = 0; orphans->next < orphans->end && voided < ORPHANS_PER_STEP;) {
        struct market_ref ref = {orphans->next};
        const struct shard_market *market = shard_state_market(state, ref);
        if (market->has_result == 0 && slice_is(shard_state_text(state, market->provider), "sim")) {
            if (void_market(orphans->book, ref) != REQUEST_TAKEN)
                return true; /* busy: at the next step */
            voided++;
        }
        orphans->next++;
    }
    return orphans->next < orphans->end;
}
