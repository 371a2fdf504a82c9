/* bet_shard.c - contract in bet_shard.h. */
#include "roles/bet/bet_shard.h"

#include "net/http/http_url.h"
#include "roles/bet/bet_json.h"

/* A query as long as a target may be has more than this of other things only. */
#define USER_ID_ENCODED_MAX (3 * USER_ID_BYTES_MAX)

static bool named_by_query(struct slice query, uint32_t shards, uint32_t *ret_shard)
{
    struct slice text;
    uint32_t shard = 0;
    if (!http_url_query(query, "shard", &text))
        return false;
    *ret_shard = BET_SHARD_NONE;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || shard >= SHARDS_MAX)
            return true;
        shard = shard * 10 + (uint32_t)(text.at[i] - '0');
    }
    if (text.bytes > 0 && shard < shards)
        *ret_shard = shard;
    return true;
}

static uint32_t of_listed(const struct bet_question *question, uint32_t shards)
{
    char memory[USER_ID_ENCODED_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    struct slice raw, user = jwt_sub(question->claims);
    if (http_url_query(question->words, "user_id", &raw) && raw.bytes > 0 &&
        http_url_decode(raw, true, &buf, &user) < 0)
        user = jwt_sub(question->claims); /* it is answered 400 there */
    return user_shard(user, shards);
}

static uint32_t of_bet(const struct bet_question *question, uint32_t shards)
{
    struct bet_id id;
    if (!bet_id_parse(question->words, &id) || bet_id_shard(id) >= shards)
        return user_shard(jwt_sub(question->claims), shards); /* which has no such bet */
    return bet_id_shard(id);
}

bool bet_question_shard(const struct bet_question *question, uint32_t shards, uint32_t *ret_shard)
{
    switch (question->call) {
    case BET_CALL_HEAD:
    case BET_CALL_KEYS:
        return named_by_query(question->words, shards, ret_shard);
    case BET_CALL_LIST:
        *ret_shard = of_listed(question, shards);
        return true;
    case BET_CALL_READ:
    case BET_CALL_PROOF:
        *ret_shard = of_bet(question, shards);
        return true;
    case BET_CALL_PLACE:
    case BET_CALL_DEPOSIT:
    case BET_CALL_WITHDRAW:
    case BET_CALL_ACCOUNT:
    case BET_CALL_OFFER:
    case BET_CALL_CASH_OUT:
    case BET_CALL_TAKE_OFFER:
    case BET_CALL_DECLINE_OFFER:
        break;
    }
    *ret_shard = user_shard(jwt_sub(question->claims), shards);
    return true;
}
