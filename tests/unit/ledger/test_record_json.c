/* test_record_json.c - the dump of a record, as docs/LEDGER.md writes it down: the same bytes
 * for ever, names where they are known, numbers where they are not (ledger/record_json.h). */
#include "test.h"

#include "base/json_read.h"
#include "every_type.h"
#include "ledger/record_json.h"

static char text[65536];

static const char *dump(const struct maker *m, const struct shard_state *names)
{
    struct buf out = buf_over(text, sizeof text - 1);
    record_json(&out, &m->view, names);
    assert_false(out.overflow);
    text[out.bytes] = 0;
    return text;
}

static size_t at;

/* The log of every_type.c. Dumped before they are applied, so ACCOUNT and MARKET name themselves.
 */
static const char *const expected[EVERY_TYPE_COUNT] = {
    "{\"seq\":1,\"time\":\"2026-09-21T14:13:20.000000Z\",\"type\":\"GENESIS\",\"format\":"
    "3,\"bytes\":80,\"book_id\":\"6120626f6f6b206f6620746573747300\",\"shard\":0,"
    "\"shards\":1}",
    "{\"seq\":2,\"time\":\"2026-09-21T14:13:20.001000Z\",\"type\":\"OPENED\",\"format\":3"
    ",\"bytes\":96,\"epoch\":1,\"binary_sha256\":\"00000000000000000000000000000000000000"
    "000000000000000000000000ab\",\"version\":\"0.1.0\"}",
    "{\"seq\":3,\"time\":\"2026-09-21T14:13:20.002000Z\",\"type\":\"ACCOUNT\",\"format\":"
    "3,\"bytes\":56,\"account\":1,\"user_id\":\"ada\"}",
    "{\"seq\":4,\"time\":\"2026-09-21T14:13:20.003000Z\",\"type\":\"MARKET\",\"format\":3"
    ",\"bytes\":184,\"market\":1,\"market_id\":\"1.23\",\"event_id\":\"event-9\",\"provid"
    "er\":\"betfair\",\"sport\":\"football\",\"event_name\":\"Home v Away\",\"market_name"
    "\":\"Match Odds\",\"kind\":\"match_odds\",\"status\":\"active\",\"holds\":[],\"selec"
    "tions\":[{\"selection\":0,\"selection_id\":\"s0\",\"selection_name\":\"Selection\"},"
    "{\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\"},{\"select"
    "ion\":2,\"selection_id\":\"s2\",\"selection_name\":\"Selection\"}]}",
    "{\"seq\":5,\"time\":\"2026-09-21T14:13:20.004000Z\",\"type\":\"SELECTIONS\",\"format"
    "\":3,\"bytes\":88,\"market\":1,\"market_id\":\"1.23\",\"selections\":[{\"selection\""
    ":3,\"selection_id\":\"s3\",\"selection_name\":\"Selection\"},{\"selection\":4,\"sele"
    "ction_id\":\"s4\",\"selection_name\":\"Selection\"}]}",
    "{\"seq\":6,\"time\":\"2026-09-21T14:13:20.005000Z\",\"type\":\"MONEY\",\"format\":3,"
    "\"bytes\":128,\"account\":1,\"user_id\":\"ada\",\"kind\":\"deposit\",\"outcome\":\"P"
    "LACED\",\"currency\":\"GBP\",\"amount\":200.00,\"balance_after\":200.00,\"idempotenc"
    "y_key\":\"d\",\"request_hash\":\"000000000000000b000000000000000c\",\"postings\":[{"
    "\"account\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amou"
    "nt\":200.00},{\"kind\":\"house_cash\",\"currency\":\"GBP\",\"amount\":-200.00}]}",
    "{\"seq\":7,\"time\":\"2026-09-21T14:13:20.006000Z\",\"type\":\"MONEY\",\"format\":3,"
    "\"bytes\":128,\"account\":1,\"user_id\":\"ada\",\"kind\":\"withdrawal\",\"outcome\":"
    "\"PLACED\",\"currency\":\"GBP\",\"amount\":0.50,\"balance_after\":199.50,\"idempoten"
    "cy_key\":\"w\",\"request_hash\":\"000000000000000b000000000000000c\",\"postings\":[{"
    "\"account\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amou"
    "nt\":-0.50},{\"kind\":\"house_cash\",\"currency\":\"GBP\",\"amount\":0.50}]}",
    "{\"seq\":8,\"time\":\"2026-09-21T14:13:20.007000Z\",\"type\":\"MONEY\",\"format\":3,"
    "\"bytes\":96,\"account\":1,\"user_id\":\"ada\",\"kind\":\"withdrawal\",\"outcome\":"
    "\"INSUFFICIENT_BALANCE\",\"currency\":\"GBP\",\"amount\":10000000000000.00,\"balance"
    "_after\":199.50,\"idempotency_key\":\"v\",\"request_hash\":\"000000000000000b0000000"
    "00000000c\"}",
    "{\"seq\":9,\"time\":\"2026-09-21T14:13:20.008000Z\",\"type\":\"BET\",\"format\":3,\""
    "bytes\":256,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446354432\",\"ou"
    "tcome\":\"PLACED\",\"currency\":\"GBP\",\"stake\":50.00,\"potential_return\":105.00,"
    "\"balance_after\":149.50,\"stake_max\":0.00,\"promo_stake\":0.00,\"fees\":0.00,\"pri"
    "ce_policy\":\"better\",\"rounding\":\"down\",\"transport\":\"http\",\"redemption_day"
    "s\":365,\"idempotency_key\":\"placed\",\"request_hash\":\"00000000000000150000000000"
    "000016\",\"personal_bytes\":0,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":"
    "[],\"legs\":[{\"event_id\":\"event-9\",\"market\":1,\"market_id\":\"1.23\",\"selecti"
    "on\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds"
    "_exact\":\"21/10\",\"odds_version\":17,\"odds_position\":99,\"asked_odds\":2.10,\"as"
    "ked_odds_exact\":\"21/10\",\"asked_version\":17,\"market_status\":\"active\",\"in_pl"
    "ay\":false,\"provider_alive\":true,\"banker\":true,\"ante_post\":false,\"score\":[0,"
    "0],\"red_cards\":[0,0],\"price_age_us\":1500}],\"postings\":[{\"account\":1,\"user_i"
    "d\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":-50.00},{\"kind\""
    ":\"house_stakes\",\"currency\":\"GBP\",\"amount\":50.00}]}",
    "{\"seq\":10,\"time\":\"2026-09-21T14:13:20.009000Z\",\"type\":\"BET\",\"format\":3,"
    "\"bytes\":256,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958450548736\",\""
    "outcome\":\"PENDING\",\"currency\":\"GBP\",\"stake\":50.00,\"potential_return\":105."
    "00,\"balance_after\":99.50,\"stake_max\":0.00,\"promo_stake\":0.00,\"fees\":0.00,\"d"
    "ecide_at\":\"2026-09-21T14:13:25.009000Z\",\"price_policy\":\"better\",\"rounding\":"
    "\"down\",\"transport\":\"http\",\"redemption_days\":365,\"idempotency_key\":\"pendin"
    "g\",\"request_hash\":\"00000000000000150000000000000016\",\"personal_bytes\":0,\"eac"
    "h_way\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[{\"event_id\":\"event-"
    "9\",\"market\":1,\"market_id\":\"1.23\",\"selection\":1,\"selection_id\":\"s1\",\"se"
    "lection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\",\"odds_version\""
    ":17,\"odds_position\":99,\"asked_odds\":2.10,\"asked_odds_exact\":\"21/10\",\"asked_"
    "version\":17,\"market_status\":\"active\",\"in_play\":true,\"provider_alive\":true,"
    "\"banker\":true,\"ante_post\":false,\"score\":[0,0],\"red_cards\":[0,0],\"price_age_"
    "us\":1500}],\"postings\":[{\"account\":1,\"user_id\":\"ada\",\"kind\":\"available\","
    "\"currency\":\"GBP\",\"amount\":-50.00},{\"account\":1,\"user_id\":\"ada\",\"kind\":"
    "\"held\",\"currency\":\"GBP\",\"amount\":50.00}]}",
    "{\"seq\":11,\"time\":\"2026-09-21T14:13:20.010000Z\",\"type\":\"BET\",\"format\":3,"
    "\"bytes\":256,\"account\":1,\"user_id\":\"ada\",\"bet_id\":null,\"outcome\":\"UNKNOW"
    "N_SELECTION\",\"currency\":\"GBP\",\"stake\":50.00,\"potential_return\":0.00,\"balan"
    "ce_after\":99.50,\"stake_max\":0.00,\"promo_stake\":0.00,\"fees\":0.00,\"price_polic"
    "y\":\"better\",\"rounding\":\"down\",\"transport\":\"http\",\"redemption_days\":365,"
    "\"idempotency_key\":\"refused\",\"request_hash\":\"00000000000000150000000000000016"
    "\",\"personal_bytes\":8,\"asked_market_id\":\"9.99\",\"asked_selection_id\":\"unknow"
    "n \\\"one\\\"\",\"each_way\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[{"
    "\"market\":null,\"selection\":null,\"odds\":null,\"odds_exact\":null,\"odds_version"
    "\":0,\"odds_position\":0,\"asked_odds\":null,\"asked_odds_exact\":null,\"asked_versi"
    "on\":0,\"market_status\":0,\"in_play\":false,\"provider_alive\":false,\"banker\":fal"
    "se,\"ante_post\":false,\"score\":[0,0],\"red_cards\":[0,0],\"price_age_us\":0}]}",
    "{\"seq\":12,\"time\":\"2026-09-21T14:13:20.011000Z\",\"type\":\"RELEASE\",\"format\""
    ":3,\"bytes\":168,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958450548736\""
    ",\"previous_seq\":10,\"outcome\":\"PLACED\",\"currency\":\"GBP\",\"balance_after\":9"
    "9.50,\"legs\":[{\"event_id\":\"event-9\",\"market\":1,\"market_id\":\"1.23\",\"selec"
    "tion\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"od"
    "ds_exact\":\"21/10\",\"odds_version\":18,\"odds_position\":0,\"asked_odds\":2.10,\"a"
    "sked_odds_exact\":\"21/10\",\"asked_version\":0,\"market_status\":\"active\",\"in_pl"
    "ay\":true,\"provider_alive\":true,\"banker\":true,\"ante_post\":false,\"score\":[0,0"
    "],\"red_cards\":[0,0],\"price_age_us\":0}],\"postings\":[{\"account\":1,\"user_id\":"
    "\"ada\",\"kind\":\"held\",\"currency\":\"GBP\",\"amount\":-50.00},{\"kind\":\"house_"
    "stakes\",\"currency\":\"GBP\",\"amount\":50.00}]}",
    "{\"seq\":13,\"time\":\"2026-09-21T14:13:20.012000Z\",\"type\":\"FENCE\",\"format\":3"
    ",\"bytes\":80,\"cause\":\"trader\",\"actor\":\"tess\",\"reason\":\"goal?\",\"odds_po"
    "sition\":100,\"markets\":[{\"market\":1,\"market_id\":\"1.23\",\"status\":\"suspende"
    "d\",\"holds\":[]}]}",
    "{\"seq\":14,\"time\":\"2026-09-21T14:13:20.013000Z\",\"type\":\"RESULT\",\"format\":"
    "3,\"bytes\":240,\"market\":1,\"market_id\":\"1.23\",\"kind\":\"result\",\"result_ver"
    "sion\":1,\"previous_seq\":0,\"cause\":\"feed\",\"actor\":\"betfair\",\"reason\":\"\""
    ",\"approver\":\"\",\"certainty\":0,\"selections\":[{\"selection\":0,\"selection_id\""
    ":\"s0\",\"selection_name\":\"Selection\",\"result\":\"DEAD_HEAT\",\"won\":1,\"void_f"
    "actor\":0.5,\"dead_heat_numerator\":1,\"dead_heat_denominator\":2},{\"selection\":1,"
    "\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"result\":\"DEAD_HEAT\",\""
    "won\":1,\"void_factor\":0.5,\"dead_heat_numerator\":1,\"dead_heat_denominator\":2},{"
    "\"selection\":2,\"selection_id\":\"s2\",\"selection_name\":\"Selection\",\"result\":"
    "\"DEAD_HEAT\",\"won\":1,\"void_factor\":0.5,\"dead_heat_numerator\":1,\"dead_heat_de"
    "nominator\":2},{\"selection\":3,\"selection_id\":\"s3\",\"selection_name\":\"Selecti"
    "on\",\"result\":\"DEAD_HEAT\",\"won\":1,\"void_factor\":0.5,\"dead_heat_numerator\":"
    "1,\"dead_heat_denominator\":2},{\"selection\":4,\"selection_id\":\"s4\",\"selection_"
    "name\":\"Selection\",\"result\":\"DEAD_HEAT\",\"won\":1,\"void_factor\":0.5,\"dead_h"
    "eat_numerator\":1,\"dead_heat_denominator\":2}]}",
    "{\"seq\":15,\"time\":\"2026-09-21T14:13:20.014000Z\",\"type\":\"SETTLE\",\"format\":"
    "3,\"bytes\":200,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446354432\","
    "\"settlement\":1,\"result_seq\":14,\"result_version\":1,\"previous_seq\":9,\"currenc"
    "y\":\"GBP\",\"stake\":50.00,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":[]"
    ",\"token_back\":false,\"rounding\":\"down\",\"payout\":51.25,\"balance_after\":150.7"
    "5,\"legs\":[{\"market\":1,\"market_id\":\"1.23\",\"selection\":1,\"selection_id\":\""
    "s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\",\"resul"
    "t\":\"DEAD_HEAT\",\"won\":1,\"void_factor\":0.5,\"dead_heat_numerator\":1,\"dead_hea"
    "t_denominator\":2,\"banker\":true,\"cancelled\":false,\"ante_post\":false}],\"postin"
    "gs\":[{\"kind\":\"house_stakes\",\"currency\":\"GBP\",\"amount\":-50.00},{\"account"
    "\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":51.2"
    "5},{\"kind\":\"house_result\",\"currency\":\"GBP\",\"amount\":-1.25}]}",
    "{\"seq\":16,\"time\":\"2026-09-21T14:13:20.015000Z\",\"type\":\"RESULT\",\"format\":"
    "3,\"bytes\":240,\"market\":1,\"market_id\":\"1.23\",\"kind\":\"result\",\"result_ver"
    "sion\":2,\"previous_seq\":14,\"cause\":\"feed\",\"actor\":\"betfair\",\"reason\":\""
    "\",\"approver\":\"\",\"certainty\":0,\"selections\":[{\"selection\":0,\"selection_id"
    "\":\"s0\",\"selection_name\":\"Selection\",\"result\":\"LOST\",\"won\":0,\"void_fact"
    "or\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1},{\"selection\":1,\"s"
    "election_id\":\"s1\",\"selection_name\":\"Selection\",\"result\":\"LOST\",\"won\":0,"
    "\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1},{\"select"
    "ion\":2,\"selection_id\":\"s2\",\"selection_name\":\"Selection\",\"result\":\"LOST\""
    ",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1"
    "},{\"selection\":3,\"selection_id\":\"s3\",\"selection_name\":\"Selection\",\"result"
    "\":\"LOST\",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_deno"
    "minator\":1},{\"selection\":4,\"selection_id\":\"s4\",\"selection_name\":\"Selection"
    "\",\"result\":\"LOST\",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dea"
    "d_heat_denominator\":1}]}",
    "{\"seq\":17,\"time\":\"2026-09-21T14:13:20.016000Z\",\"type\":\"REVERSE\",\"format\""
    ":3,\"bytes\":152,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446354432\""
    ",\"reverses_seq\":15,\"result_seq\":16,\"result_version\":2,\"previous_seq\":15,\"cu"
    "rrency\":\"GBP\",\"payout\":51.25,\"balance_after\":99.50,\"postings\":[{\"kind\":\""
    "house_stakes\",\"currency\":\"GBP\",\"amount\":50.00},{\"account\":1,\"user_id\":\"a"
    "da\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":-51.25},{\"kind\":\"hous"
    "e_result\",\"currency\":\"GBP\",\"amount\":1.25}]}",
    "{\"seq\":18,\"time\":\"2026-09-21T14:13:20.017000Z\",\"type\":\"SETTLE\",\"format\":"
    "3,\"bytes\":200,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446354432\","
    "\"settlement\":2,\"result_seq\":16,\"result_version\":2,\"previous_seq\":17,\"curren"
    "cy\":\"GBP\",\"stake\":50.00,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":["
    "],\"token_back\":false,\"rounding\":\"down\",\"payout\":0.00,\"balance_after\":99.50"
    ",\"legs\":[{\"market\":1,\"market_id\":\"1.23\",\"selection\":1,\"selection_id\":\"s"
    "1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\",\"result"
    "\":\"LOST\",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_deno"
    "minator\":1,\"banker\":true,\"cancelled\":false,\"ante_post\":false}],\"postings\":["
    "{\"kind\":\"house_stakes\",\"currency\":\"GBP\",\"amount\":-50.00},{\"account\":1,\""
    "user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":0.00},{\"ki"
    "nd\":\"house_result\",\"currency\":\"GBP\",\"amount\":50.00}]}",
    "{\"seq\":19,\"time\":\"2026-09-21T14:13:20.018000Z\",\"type\":\"MARKET\",\"format\":3,"
    "\"bytes\":160,\"market\":2,\"market_id\":\"1.24\",\"event_id\":\"event-9\",\"provider"
    "\":\"betfair\",\"sport\":\"football\",\"event_name\":\"Home v Away\",\"market_name\":"
    "\"Match Odds\",\"kind\":\"match_odds\",\"status\":\"active\",\"holds\":[],\"selections"
    "\":[{\"selection\":0,\"selection_id\":\"s0\",\"selection_name\":\"Selection\"},{\"sele"
    "ction\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\"}]}",
    "{\"seq\":20,\"time\":\"2026-09-21T14:13:20.019000Z\",\"type\":\"BET\",\"format\":3,\"b"
    "ytes\":256,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958492491776\",\"outco"
    "me\":\"PLACED\",\"currency\":\"GBP\",\"stake\":50.00,\"potential_return\":105.00,\"bal"
    "ance_after\":49.50,\"stake_max\":0.00,\"promo_stake\":0.00,\"fees\":0.00,\"price_polic"
    "y\":\"better\",\"rounding\":\"down\",\"transport\":\"http\",\"redemption_days\":365,\""
    "idempotency_key\":\"sold\",\"request_hash\":\"00000000000000150000000000000016\",\"per"
    "sonal_bytes\":0,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[{\""
    "event_id\":\"event-9\",\"market\":2,\"market_id\":\"1.24\",\"selection\":1,\"selection"
    "_id\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\","
    "\"odds_version\":17,\"odds_position\":99,\"asked_odds\":2.10,\"asked_odds_exact\":\"21"
    "/10\",\"asked_version\":17,\"market_status\":\"active\",\"in_play\":false,\"provider_a"
    "live\":true,\"banker\":true,\"ante_post\":false,\"score\":[0,0],\"red_cards\":[0,0],\""
    "price_age_us\":1500}],\"postings\":[{\"account\":1,\"user_id\":\"ada\",\"kind\":\"avai"
    "lable\",\"currency\":\"GBP\",\"amount\":-50.00},{\"kind\":\"house_stakes\",\"currency"
    "\":\"GBP\",\"amount\":50.00}]}",
    "{\"seq\":21,\"time\":\"2026-09-21T14:13:20.020000Z\",\"type\":\"CASH_OUT\",\"format"
    "\":3,\"bytes\":320,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958492491776"
    "\",\"outcome\":\"PLACED\",\"previous_seq\":20,\"asked_seq\":0,\"currency\":\"GBP\","
    "\"stake\":4.00,\"accepted\":3.79,\"tolerance_permyriad\":0,\"fair\":3.99,\"margin_pe"
    "rmyriad\":500,\"value\":3.79,\"paid\":3.79,\"stake_left\":46.00,\"balance_after\":53"
    ".29,\"offer_until\":\"2026-09-21T14:13:25.020000Z\",\"transport\":\"http\",\"idempot"
    "ency_key\":\"part\",\"request_hash\":\"00000000000000050000000000000006\",\"each_way"
    "\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[{\"market\":2,\"market_id\""
    ":\"1.24\",\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\","
    "\"odds\":2.10,\"odds_exact\":\"21/10\",\"result\":\"OPEN\",\"won\":0,\"void_factor\""
    ":0.0,\"dead_heat_numerator\":0,\"dead_heat_denominator\":0,\"banker\":true,\"cancell"
    "ed\":false,\"ante_post\":false,\"now_odds\":2.00,\"now_odds_exact\":\"2/1\",\"book\""
    ":1050000000000000,\"chances\":{\"win\":476190476,\"half_win\":0,\"refund\":0,\"half_"
    "lose\":0},\"odds_version\":9,\"odds_position\":7,\"market_status\":\"active\",\"in_p"
    "lay\":false,\"provider_alive\":true}],\"postings\":[{\"kind\":\"house_stakes\",\"cur"
    "rency\":\"GBP\",\"amount\":-4.00},{\"account\":1,\"user_id\":\"ada\",\"kind\":\"avai"
    "lable\",\"currency\":\"GBP\",\"amount\":3.79},{\"kind\":\"house_result\",\"currency"
    "\":\"GBP\",\"amount\":0.21}]}",
    "{\"seq\":22,\"time\":\"2026-09-21T14:13:20.021000Z\",\"type\":\"CASH_OUT\",\"format"
    "\":3,\"bytes\":272,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958492491776"
    "\",\"outcome\":\"PENDING\",\"previous_seq\":21,\"asked_seq\":0,\"currency\":\"GBP\","
    "\"stake\":1.00,\"accepted\":0.94,\"tolerance_permyriad\":0,\"fair\":0.99,\"margin_pe"
    "rmyriad\":500,\"value\":0.94,\"paid\":0.00,\"stake_left\":46.00,\"balance_after\":53"
    ".29,\"decide_at\":\"2026-09-21T14:13:25.021000Z\",\"offer_until\":\"2026-09-21T14:13"
    ":25.021000Z\",\"transport\":\"http\",\"idempotency_key\":\"wait\",\"request_hash\":"
    "\"00000000000000050000000000000006\",\"each_way\":false,\"stake_kind\":\"cash\",\"sy"
    "stem\":[],\"legs\":[{\"market\":2,\"market_id\":\"1.24\",\"selection\":1,\"selection"
    "_id\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\""
    ",\"result\":\"OPEN\",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":0,\"dead_"
    "heat_denominator\":0,\"banker\":true,\"cancelled\":false,\"ante_post\":false,\"now_o"
    "dds\":2.00,\"now_odds_exact\":\"2/1\",\"book\":1050000000000000,\"chances\":{\"win\""
    ":476190476,\"half_win\":0,\"refund\":0,\"half_lose\":0},\"odds_version\":9,\"odds_po"
    "sition\":7,\"market_status\":\"active\",\"in_play\":true,\"provider_alive\":true}]}",
    "{\"seq\":23,\"time\":\"2026-09-21T14:13:20.022000Z\",\"type\":\"CASH_OUT\",\"format"
    "\":3,\"bytes\":312,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958492491776"
    "\",\"outcome\":\"PLACED\",\"previous_seq\":22,\"asked_seq\":22,\"currency\":\"GBP\","
    "\"stake\":1.00,\"accepted\":0.94,\"tolerance_permyriad\":0,\"fair\":0.99,\"margin_pe"
    "rmyriad\":500,\"value\":0.94,\"paid\":0.94,\"stake_left\":45.00,\"balance_after\":54"
    ".23,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[{\"market\":2"
    ",\"market_id\":\"1.24\",\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":"
    "\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10\",\"result\":\"OPEN\",\"won\":0,"
    "\"void_factor\":0.0,\"dead_heat_numerator\":0,\"dead_heat_denominator\":0,\"banker\""
    ":true,\"cancelled\":false,\"ante_post\":false,\"now_odds\":2.00,\"now_odds_exact\":"
    "\"2/1\",\"book\":1050000000000000,\"chances\":{\"win\":476190476,\"half_win\":0,\"re"
    "fund\":0,\"half_lose\":0},\"odds_version\":9,\"odds_position\":7,\"market_status\":"
    "\"active\",\"in_play\":false,\"provider_alive\":true}],\"postings\":[{\"kind\":\"hou"
    "se_stakes\",\"currency\":\"GBP\",\"amount\":-1.00},{\"account\":1,\"user_id\":\"ada"
    "\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":0.94},{\"kind\":\"house_re"
    "sult\",\"currency\":\"GBP\",\"amount\":0.06}]}",
    "{\"seq\":24,\"time\":\"2026-09-21T14:13:20.023000Z\",\"type\":\"CASH_OUT\",\"format"
    "\":3,\"bytes\":176,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958492491776"
    "\",\"outcome\":\"CASH_OUT_LIMIT\",\"previous_seq\":0,\"asked_seq\":0,\"currency\":\""
    "GBP\",\"stake\":45.00,\"accepted\":0.01,\"tolerance_permyriad\":0,\"fair\":0.00,\"ma"
    "rgin_permyriad\":0,\"value\":0.00,\"paid\":0.00,\"stake_left\":45.00,\"balance_after"
    "\":54.23,\"offer_until\":\"2026-09-21T14:13:25.023000Z\",\"transport\":\"http\",\"id"
    "empotency_key\":\"none\",\"request_hash\":\"00000000000000050000000000000006\",\"eac"
    "h_way\":false,\"stake_kind\":\"cash\",\"system\":[],\"legs\":[]}",
    "{\"seq\":25,\"time\":\"2026-09-21T14:13:20.024000Z\",\"type\":\"LIMITS\",\"forma"
    "t\":3,\"bytes\":144,\"scope\":\"SPORT\",\"id\":\"tennis\",\"removed\":false,\"pr"
    "evious_seq\":0,\"stake_minor_min\":0,\"stake_minor_max\":500,\"payout_minor_max"
    "\":null,\"payout_day_minor_max\":null,\"liability_minor_max\":null,\"delay_us\":"
    "0,\"factor_permyriad\":10000,\"refer_minor_above\":null,\"refers\":false,\"actor"
    "\":\"tess\",\"reason\":\"sharp\"}",
    "{\"seq\":26,\"time\":\"2026-09-21T14:13:20.025000Z\",\"type\":\"PROPOSAL\",\"for"
    "mat\":3,\"bytes\":176,\"needs_approval\":true,\"market\":1,\"market_id\":\"1.23"
    "\",\"kind\":\"result\",\"result_version\":3,\"previous_seq\":0,\"cause\":\"trade"
    "r\",\"actor\":\"tom\",\"reason\":\"seen\",\"approver\":\"\",\"certainty\":0,\"se"
    "lections\":[{\"selection\":0,\"selection_id\":\"s0\",\"selection_name\":\"Select"
    "ion\",\"result\":\"WON\",\"won\":1,\"void_factor\":0.0,\"dead_heat_numerator\":1"
    ",\"dead_heat_denominator\":1,\"reason\":\"by a nose\"}]}",
    "{\"seq\":27,\"time\":\"2026-09-21T14:13:20.026000Z\",\"type\":\"DECISION\",\"for"
    "mat\":3,\"bytes\":72,\"proposal_seq\":26,\"decision\":\"approved\",\"actor\":\"e"
    "ve\",\"reason\":\"agreed\"}",
    "{\"seq\":28,\"time\":\"2026-09-21T14:13:20.027000Z\",\"type\":\"BET\",\"format\""
    ":3,\"bytes\":256,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"8898769585260462"
    "08\",\"outcome\":\"PENDING\",\"currency\":\"GBP\",\"stake\":50.00,\"potential_re"
    "turn\":105.00,\"balance_after\":4.23,\"stake_max\":10.00,\"promo_stake\":0.00,\""
    "fees\":0.00,\"decide_at\":\"2026-09-21T14:13:25.027000Z\",\"price_policy\":\"bet"
    "ter\",\"rounding\":\"down\",\"transport\":\"http\",\"redemption_days\":365,\"ide"
    "mpotency_key\":\"referred\",\"request_hash\":\"00000000000000150000000000000016"
    "\",\"personal_bytes\":0,\"each_way\":false,\"stake_kind\":\"cash\",\"system\":[]"
    ",\"limit_scope\":\"PLATFORM\",\"referred\":\"STAKE_LIMIT\",\"legs\":[{\"event_id"
    "\":\"event-9\",\"market\":2,\"market_id\":\"1.24\",\"selection\":1,\"selection_i"
    "d\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,\"odds_exact\":\"21/10"
    "\",\"odds_version\":17,\"odds_position\":99,\"asked_odds\":2.10,\"asked_odds_exa"
    "ct\":\"21/10\",\"asked_version\":17,\"market_status\":\"active\",\"in_play\":tru"
    "e,\"provider_alive\":true,\"banker\":true,\"ante_post\":false,\"score\":[0,0],\""
    "red_cards\":[0,0],\"price_age_us\":1500}],\"postings\":[{\"account\":1,\"user_id"
    "\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":-50.00},{\"acc"
    "ount\":1,\"user_id\":\"ada\",\"kind\":\"held\",\"currency\":\"GBP\",\"amount\":5"
    "0.00}]}",
    "{\"seq\":29,\"time\":\"2026-09-21T14:13:20.028000Z\",\"type\":\"REFERRAL\",\"for"
    "mat\":3,\"bytes\":192,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"88987695852"
    "6046208\",\"word\":\"offered\",\"previous_seq\":28,\"currency\":\"GBP\",\"stake"
    "\":40.00,\"potential_return\":80.00,\"until\":\"2026-09-21T14:13:50.028000Z\",\""
    "lifted\":[\"stake\"],\"actor\":\"tess\",\"reason\":\"known well\",\"balance_afte"
    "r\":4.23,\"legs\":[{\"event_id\":\"event-9\",\"market\":2,\"market_id\":\"1.24\""
    ",\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"odds"
    "\":2.00,\"odds_exact\":\"2/1\",\"odds_version\":18,\"odds_position\":0,\"asked_o"
    "dds\":2.10,\"asked_odds_exact\":\"21/10\",\"asked_version\":0,\"market_status\":"
    "\"active\",\"in_play\":true,\"provider_alive\":true,\"banker\":true,\"ante_post"
    "\":false,\"offered\":true,\"score\":[0,0],\"red_cards\":[0,0],\"price_age_us\":0"
    "}]}",
    "{\"seq\":30,\"time\":\"2026-09-21T14:13:20.029000Z\",\"type\":\"REFERRAL\",\"for"
    "mat\":3,\"bytes\":144,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"88987695852"
    "6046208\",\"word\":\"taken\",\"previous_seq\":29,\"currency\":\"GBP\",\"offer_se"
    "q\":29,\"stake\":40.00,\"potential_return\":80.00,\"until\":\"2026-09-21T14:13:2"
    "0.029000Z\",\"lifted\":[],\"transport\":\"http\",\"actor\":\"\",\"reason\":\"\","
    "\"balance_after\":14.23,\"legs\":[],\"postings\":[{\"account\":1,\"user_id\":\"a"
    "da\",\"kind\":\"held\",\"currency\":\"GBP\",\"amount\":-10.00},{\"account\":1,\""
    "user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":10.00}]"
    "}",
    "{\"seq\":31,\"time\":\"2026-09-21T14:13:20.030000Z\",\"type\":\"RESULT\",\"forma"
    "t\":3,\"bytes\":240,\"market\":1,\"market_id\":\"1.23\",\"kind\":\"result\",\"re"
    "sult_version\":3,\"previous_seq\":16,\"cause\":\"feed\",\"actor\":\"betfair\",\""
    "reason\":\"\",\"approver\":\"\",\"certainty\":0,\"selections\":[{\"selection\":0"
    ",\"selection_id\":\"s0\",\"selection_name\":\"Selection\",\"result\":\"WON\",\"w"
    "on\":1,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1"
    "},{\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"re"
    "sult\":\"WON\",\"won\":1,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_he"
    "at_denominator\":1},{\"selection\":2,\"selection_id\":\"s2\",\"selection_name\":"
    "\"Selection\",\"result\":\"WON\",\"won\":1,\"void_factor\":0.0,\"dead_heat_numer"
    "ator\":1,\"dead_heat_denominator\":1},{\"selection\":3,\"selection_id\":\"s3\","
    "\"selection_name\":\"Selection\",\"result\":\"WON\",\"won\":1,\"void_factor\":0."
    "0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1},{\"selection\":4,\"sele"
    "ction_id\":\"s4\",\"selection_name\":\"Selection\",\"result\":\"WON\",\"won\":1,"
    "\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1}]}",
    "{\"seq\":32,\"time\":\"2026-09-21T14:13:20.031000Z\",\"type\":\"REVERSE\",\"form"
    "at\":3,\"bytes\":152,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446"
    "354432\",\"reverses_seq\":18,\"result_seq\":31,\"result_version\":3,\"previous_s"
    "eq\":18,\"currency\":\"GBP\",\"payout\":0.00,\"balance_after\":14.23,\"postings"
    "\":[{\"kind\":\"house_stakes\",\"currency\":\"GBP\",\"amount\":50.00},{\"account"
    "\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount\":"
    "0.00},{\"kind\":\"house_result\",\"currency\":\"GBP\",\"amount\":-50.00}]}",
    "{\"seq\":33,\"time\":\"2026-09-21T14:13:20.032000Z\",\"type\":\"SETTLE\",\"forma"
    "t\":3,\"bytes\":200,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"8898769584463"
    "54432\",\"settlement\":3,\"result_seq\":31,\"result_version\":3,\"previous_seq\""
    ":32,\"currency\":\"GBP\",\"stake\":50.00,\"each_way\":false,\"stake_kind\":\"cas"
    "h\",\"system\":[],\"token_back\":false,\"rounding\":\"down\",\"payout\":105.00,"
    "\"balance_after\":119.23,\"legs\":[{\"market\":1,\"market_id\":\"1.23\",\"select"
    "ion\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"odds\":2.10,"
    "\"odds_exact\":\"21/10\",\"result\":\"WON\",\"won\":1,\"void_factor\":0.0,\"dead"
    "_heat_numerator\":1,\"dead_heat_denominator\":1,\"banker\":true,\"cancelled\":fa"
    "lse,\"ante_post\":false}],\"postings\":[{\"kind\":\"house_stakes\",\"currency\":"
    "\"GBP\",\"amount\":-50.00},{\"account\":1,\"user_id\":\"ada\",\"kind\":\"availab"
    "le\",\"currency\":\"GBP\",\"amount\":105.00},{\"kind\":\"house_result\",\"curren"
    "cy\":\"GBP\",\"amount\":-55.00}]}",
    "{\"seq\":34,\"time\":\"2026-09-21T14:13:20.033000Z\",\"type\":\"MONEY\",\"format"
    "\":3,\"bytes\":128,\"account\":1,\"user_id\":\"ada\",\"kind\":\"withdrawal\",\"o"
    "utcome\":\"PLACED\",\"currency\":\"GBP\",\"amount\":119.23,\"balance_after\":0.0"
    "0,\"idempotency_key\":\"all\",\"request_hash\":\"000000000000000b000000000000000"
    "c\",\"postings\":[{\"account\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"cu"
    "rrency\":\"GBP\",\"amount\":-119.23},{\"kind\":\"house_cash\",\"currency\":\"GBP"
    "\",\"amount\":119.23}]}",
    "{\"seq\":35,\"time\":\"2026-09-21T14:13:20.034000Z\",\"type\":\"RESULT\",\"forma"
    "t\":3,\"bytes\":240,\"market\":1,\"market_id\":\"1.23\",\"kind\":\"result\",\"re"
    "sult_version\":4,\"previous_seq\":31,\"cause\":\"feed\",\"actor\":\"betfair\",\""
    "reason\":\"\",\"approver\":\"\",\"certainty\":0,\"selections\":[{\"selection\":0"
    ",\"selection_id\":\"s0\",\"selection_name\":\"Selection\",\"result\":\"LOST\",\""
    "won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":"
    "1},{\"selection\":1,\"selection_id\":\"s1\",\"selection_name\":\"Selection\",\"r"
    "esult\":\"LOST\",\"won\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_"
    "heat_denominator\":1},{\"selection\":2,\"selection_id\":\"s2\",\"selection_name"
    "\":\"Selection\",\"result\":\"LOST\",\"won\":0,\"void_factor\":0.0,\"dead_heat_n"
    "umerator\":1,\"dead_heat_denominator\":1},{\"selection\":3,\"selection_id\":\"s3"
    "\",\"selection_name\":\"Selection\",\"result\":\"LOST\",\"won\":0,\"void_factor"
    "\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1},{\"selection\":4,"
    "\"selection_id\":\"s4\",\"selection_name\":\"Selection\",\"result\":\"LOST\",\"w"
    "on\":0,\"void_factor\":0.0,\"dead_heat_numerator\":1,\"dead_heat_denominator\":1"
    "}]}",
    "{\"seq\":36,\"time\":\"2026-09-21T14:13:20.035000Z\",\"type\":\"REVERSE\",\"form"
    "at\":3,\"bytes\":152,\"account\":1,\"user_id\":\"ada\",\"bet_id\":\"889876958446"
    "354432\",\"reverses_seq\":33,\"result_seq\":35,\"result_version\":4,\"previous_s"
    "eq\":33,\"currency\":\"GBP\",\"payout\":105.00,\"balance_after\":-105.00,\"posti"
    "ngs\":[{\"kind\":\"house_stakes\",\"currency\":\"GBP\",\"amount\":50.00},{\"acco"
    "unt\":1,\"user_id\":\"ada\",\"kind\":\"available\",\"currency\":\"GBP\",\"amount"
    "\":-105.00},{\"kind\":\"house_result\",\"currency\":\"GBP\",\"amount\":55.00}]}",
    "{\"seq\":37,\"time\":\"2026-09-21T14:13:20.036000Z\",\"type\":\"ADJUSTMENT\",\"f"
    "ormat\":3,\"bytes\":112,\"account\":1,\"user_id\":\"ada\",\"kind\":\"available\""
    ",\"previous_seq\":36,\"before_seq\":0,\"currency\":\"GBP\",\"amount\":105.00,\"b"
    "alance_after\":0.00,\"postings\":[{\"account\":1,\"user_id\":\"ada\",\"kind\":\""
    "available\",\"currency\":\"GBP\",\"amount\":105.00},{\"kind\":\"house_result\","
    "\"currency\":\"GBP\",\"amount\":-105.00}]}",
    "{\"seq\":38,\"time\":\"2026-09-21T14:13:20.037000Z\",\"type\":\"LIMITS\",\"f"
    "ormat\":3,\"bytes\":144,\"scope\":\"EVENT\",\"id\":\"e\",\"removed\":false,"
    "\"previous_seq\":0,\"stake_minor_min\":0,\"stake_minor_max\":500,\"payout_mi"
    "nor_max\":null,\"payout_day_minor_max\":null,\"liability_minor_max\":null,\""
    "delay_us\":0,\"factor_permyriad\":10000,\"refer_minor_above\":null,\"refers"
    "\":false,\"actor\":\"tess\",\"reason\":\"sharp\"}",
    "{\"seq\":39,\"time\":\"2026-09-21T14:13:20.038000Z\",\"type\":\"RELAYED\",\""
    "format\":3,\"bytes\":80,\"desk_book_id\":\"746865206465736b277320626f6f6b00"
    "\",\"desk_shard\":0,\"desk_seq\":10,\"word\":\"LIMITS\",\"word_seq\":38,\"re"
    "fused\":false}",
};

static void is_dumped_as_written_down(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    assert_string_equal(dump(m, m->state), expected[at]);
    at++;
}

TEST(record_json, every_type_is_dumped_as_it_is_written_down)
{
    struct maker m;
    at = 0;
    every_type(&m, is_dumped_as_written_down);
    assert_int_equal(at, EVERY_TYPE_COUNT);
    maker_done(&m);
}

static void is_dumped_without_names(struct maker *m, const struct parts *parts)
{
    maker_encode(m, parts);
    const char *json = dump(m, NULL);
    if (parts->draft.type != RECORD_ACCOUNT)
        assert_null(strstr(json, "\"user_id\""));
    if (parts->draft.type == RECORD_FENCE)
        assert_non_null(strstr(json, "\"markets\":[{\"market\":1,\"status\":\"suspended\""));
    if (parts->draft.type == RECORD_BET || parts->draft.type == RECORD_RELEASE)
        assert_null(strstr(json, "\"selection_id\""));
}

TEST(record_json, refs_stay_numbers_without_a_state)
{
    struct maker m;
    every_type(&m, is_dumped_without_names);
    maker_done(&m);
}

TEST(record_json, personal_fields_and_keys_do_not_show)
{
    struct maker m;
    maker_open(&m);
    struct parts bet = parts_bet(&m, 1, 1, "key");
    bet.texts[1] = SLICE("10.1.2.3 in clear, by mistake");
    bet.body.bet.personal_bytes = (uint16_t)bet.texts[1].bytes;
    bet.draft.texts_count = 2;
    maker_encode(&m, &bet);
    assert_null(strstr(dump(&m, m.state), "10.1.2.3"));
    assert_non_null(strstr(text, "\"personal_bytes\":29"));
    struct maker other;
    maker_empty(&other, &MAKER_LIMITS);
    struct parts genesis = parts_genesis(&other);
    genesis.body.genesis.hash_key[0] = 1234567890123;
    maker_encode(&other, &genesis);
    assert_null(strstr(dump(&other, NULL), "1234567890123"));
    assert_null(strstr(text, "hash_key"));
    maker_done(&other);
    maker_done(&m);
}

/* Each change of a bet, and a piece of what the dump then says. */
TEST(record_json, what_has_no_name_is_written_as_its_number)
{
    struct maker m;
    maker_open(&m);
    struct parts good = parts_bet(&m, 1, 1, "key");
#define SAYS(piece, ...)                                                                           \
    do {                                                                                           \
        struct parts p = good;                                                                     \
        __VA_ARGS__;                                                                               \
        maker_encode(&m, &p);                                                                      \
        if (strstr(dump(&m, m.state), piece) == NULL)                                              \
            fail_msg("%s is not in %s", piece, text);                                              \
    } while (0)
    SAYS("\"account\":9,\"bet_id\"", p.draft.account = 9);
    SAYS("\"outcome\":999", p.body.bet.outcome = 999);
    SAYS("\"price_policy\":9", p.body.bet.policy = 9);
    SAYS("\"price_policy\":0", p.body.bet.policy = 0);
    SAYS("\"rounding\":0", p.body.bet.rounding = 0);
    SAYS("\"rounding\":\"half_even\"", p.body.bet.rounding = ROUND_HALF_EVEN);
    SAYS("\"rounding\":4", p.body.bet.rounding = 4);
    SAYS("\"transport\":200", p.body.bet.transport = 200);
    SAYS("\"currency\":999,\"stake\":{\"minor\":5000}", p.body.bet.currency = 999);
    SAYS("\"currency\":\"JPY\",\"stake\":5000,", p.body.bet.currency = 392);
    SAYS("\"currency\":\"KWD\",\"stake\":5.000,", p.body.bet.currency = 414);
    SAYS("\"stake\":-92233720368547758.08,", p.body.bet.stake = INT64_MIN);
    SAYS("\"decide_at\":-5,", p.body.bet.decide_at_us = -5);
    SAYS("\"decide_at\":9223372036854775807,", p.body.bet.decide_at_us = INT64_MAX);
    SAYS("\"decide_at\":\"1970-01-01T00:00:00.000001Z\",", p.body.bet.decide_at_us = 1);
    SAYS("\"time\":-1,", p.draft.time_us = -1);
    SAYS("\"bet_id\":\"18446744073709551615\"", p.body.bet.bet_id = UINT64_MAX);
    SAYS("\"market\":77,\"selection\":1,\"odds\"", p.items.legs[0].market = 77);
    SAYS("\"selection\":77,\"odds\"", p.items.legs[0].selection = 77);
    SAYS("\"odds\":null,\"odds_exact\":\"21/0\"", p.items.legs[0].odds_denominator = 0);
    SAYS("\"odds\":2.3333,\"odds_exact\":\"21/9\"", p.items.legs[0].odds_denominator = 9);
    SAYS("\"odds\":0.00,\"odds_exact\":\"0/4294967295\"",
         p.items.legs[0].odds_denominator = UINT32_MAX, p.items.legs[0].odds_numerator = 0);
    SAYS("\"market_status\":0", p.items.legs[0].market_status = 0);
    SAYS("\"in_play\":true,\"provider_alive\":false", p.items.legs[0].flags = LEG_IN_PLAY);
    SAYS("\"kind\":\"held\"", p.postings[0].kind = LEDGER_HELD);
    SAYS("\"kind\":\"bonus\"", p.postings[0].kind = LEDGER_BONUS);
    SAYS("\"kind\":9", p.postings[0].kind = 9);
    SAYS("\"kind\":0", p.postings[0].kind = 0);
    SAYS("\"idempotency_key\":\"k\\\"\xEF\xBF\xBD\"", p.texts[0] = SLICE("k\"\xFF"));
    SAYS("\"asked_market_id\":\"no newline\",\"each_way\"", p.texts[1] = SLICE_NONE;
         p.texts[2] = SLICE("no newline"); p.body.bet.asked_bytes = 10; p.draft.texts_count = 3);
#undef SAYS
    maker_done(&m);
}

TEST(record_json, holds_and_factors_are_spelled_out)
{
    struct maker m;
    maker_open(&m);
    struct parts fence = parts_fence(&m, 1, MARKET_ACTIVE);
    fence.items.fenced[0].holds = HOLD_TRADER;
    maker_encode(&m, &fence);
    assert_non_null(strstr(dump(&m, m.state), "\"holds\":[\"trader\"]}"));
    fence.items.fenced[0].holds = 0x83;
    fence.body.fence.cause = 0;
    maker_encode(&m, &fence);
    assert_non_null(strstr(dump(&m, m.state), "\"holds\":[\"trader\",130]}"));
    assert_non_null(strstr(text, "\"cause\":0,"));
    struct parts result = parts_result(&m, 1, LEG_WON);
    result.items.results[0] = (struct record_selection_result){0};
    result.items.results[1].win = (struct record_leg_result){1, 1, 3, 0, 1, 1};
    result.items.results[2].win = (struct record_leg_result){2, 1, 0, 0, 1, 3};
    maker_encode(&m, &result);
    assert_non_null(
        strstr(dump(&m, m.state), "\"result\":\"OPEN\",\"won\":0,\"void_factor\":0.0,"));
    assert_non_null(strstr(text, "\"result\":1,\"won\":1,\"void_factor\":1.5,"));
    assert_non_null(strstr(text, "\"result\":2,\"won\":1,\"void_factor\":0.0,"
                                 "\"dead_heat_numerator\":1,\"dead_heat_denominator\":3}"));
    maker_done(&m);
}

TEST(record_json, a_release_without_postings_has_no_currency)
{
    struct maker m;
    maker_open(&m);
    struct parts pending = parts_pending(&m, 1, 1, "k");
    maker_accept(&m, &pending);
    struct parts release = parts_release(&m, 0, BET_PLACED);
    release.draft.postings_count = 0;
    maker_encode(&m, &release);
    assert_non_null(strstr(dump(&m, m.state), "\"currency\":0,\"balance_after\":{\"minor\":5000}"));
    maker_done(&m);
}

/* The form that takes the most room for its bytes. */
TEST(record_json, the_longest_dump_fits)
{
    static struct record_fenced items[32000];
    static _Alignas(8) char memory[RECORD_BYTES_MAX];
    struct maker m;
    char id[MARKET_ID_BYTES_MAX + 1] = {0};
    maker_begin(&m);
    memset(id, '<', MARKET_ID_BYTES_MAX); /* six bytes each: \u003c */
    struct parts market = parts_market(&m, id, 0);
    maker_accept(&m, &market);
    struct parts fence = parts_fence(&m, 1, MARKET_SUSPENDED_STATUS);
    for (size_t i = 0; i < 32000; i++)
        items[i] = (struct record_fenced){1, MARKET_SUSPENDED_STATUS, 0xFF, 0};
    struct record_draft draft = fence.draft;
    draft.body = &fence.body;
    draft.texts = fence.texts;
    draft.items = items;
    draft.items_count = 32000;
    struct buf out = buf_over(memory, sizeof memory);
    const struct record_head *head = record_encode(&out, &draft);
    assert_int_equal(record_view_of(head, head->bytes, &m.view), 0);
    char *big = test_malloc(RECORD_JSON_BYTES_MAX);
    struct buf json = buf_over(big, RECORD_JSON_BYTES_MAX);
    record_json(&json, &m.view, m.state);
    assert_false(json.overflow);
    assert_true(json.bytes > 25000000);
    json = buf_over(big, 1000);
    record_json(&json, &m.view, m.state);
    assert_true(json.overflow);
    test_free(big);
    maker_done(&m);
}

TEST(record_json, types_have_names)
{
    assert_string_equal(record_type_text(RECORD_GENESIS), "GENESIS");
    assert_string_equal(record_type_text(RECORD_REVERSE), "REVERSE");
    assert_null(record_type_text((enum record_type)0));
    assert_string_equal(record_type_text(RECORD_CASH_OUT), "CASH_OUT");
    assert_null(record_type_text((enum record_type)(RECORD_TYPE_LAST + 1)));
}
