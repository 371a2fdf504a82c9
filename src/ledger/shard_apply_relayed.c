/* shard_apply_relayed.c - how far the shard has come with the desk's words (record_relayed.h). */
#include "base/error.h"
#include "ledger/shard_apply.h"
#include "ledger/shard_state_internal.h"

static bool is_of_own_log(const struct shard_state *state, const struct record_relayed *body)
{
    return body->desk_shard == state->shard &&
           memcmp(body->desk_book_id, state->book_id, sizeof state->book_id) == 0;
}

static bool is_of_another_desk(const struct shard_desk *desk, const struct record_relayed *body)
{
    return desk->seq != 0 && (body->desk_shard != desk->shard ||
                              memcmp(body->desk_book_id, desk->book_id, sizeof desk->book_id) != 0);
}

static bool is_word(unsigned type)
{
    return type == RECORD_FENCE || type == RECORD_RESULT || type == RECORD_LIMITS;
}

int shard_apply_relayed(struct shard_state *state, const struct record_view *record)
{
    const struct record_relayed *body = record->body;
    REQUIRE(record->head->postings_count == 0, "L4: no money moves here");
    REQUIRE(record->head->account == 0, "a word of the desk is no account's");
    REQUIRE(!is_of_own_log(state, body), "words are relayed from another log");
    REQUIRE(!is_of_another_desk(&state->desk, body), "a shard has one desk");
    REQUIRE(body->desk_seq > state->desk.seq, "L7: a word of the desk is taken once");
    REQUIRE(body->word == 0 || is_word(body->word), "no such word of the desk");
    REQUIRE(body->refused <= 1 && (body->refused == 0 || body->word != 0),
            "what is refused is a word");
    REQUIRE(body->word_seq == 0 ||
                (body->word_seq == state->seq && body->word != 0 && body->refused == 0),
            "a word's own record stands before");
    state->desk.seq = body->desk_seq;
    state->desk.shard = body->desk_shard;
    memcpy(state->desk.book_id, body->desk_book_id, sizeof state->desk.book_id);
    return 0;
}
