/* odds_json.h - a price as every answer, store and stream spells it (CONTRACT, "HTTP"). Thread:
 * any. */
#pragma once

#include "base/json_write.h"
#include "core/odds.h"

/* Members of the open object: "odds", plain digits as a raw value, null without a price; and
 * "odds_exact" where the decimal does not bind. */
void odds_json_put(struct json_writer *writer, struct odds odds);
