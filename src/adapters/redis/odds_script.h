/* odds_script.h - what the server does for one market in one step: takes a version that is newer
 * than the one it has, or renews the life of the one that it has, or refuses an older one (P1);
 * a tombstone takes the place of the version that it ends. And it tells the channel what was taken
 * (docs/decisions, "Prices in Redis").
 *
 *   KEYS[1]  odds:<market_id>
 *   ARGV     version, value, "" where the life of what is there goes on, "renew" where it begins
 * anew answer   "taken" | "same" | "older"
 *
 * What is taken where nothing was, or something without a version, lives anew too. The message is
 * the value, which says who sent it (odds_value.h). Where a value that says so is not taken, the
 * message is "SESSION NUMBER VERSION ", with the version that is there: its number is not missing.
 * Pure; thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define ODDS_CHANNEL_TEXT "odds-changes"
#define ODDS_CHANNEL      SLICE(ODDS_CHANNEL_TEXT)
#define ODDS_KEY_PREFIX   SLICE("odds:")
#define ODDS_FEED_PREFIX  SLICE("feed:")
#define ODDS_LIFE_MS      60000 /* CONTRACT: TTL 60 s */
#define ODDS_DIGEST_BYTES 40    /* what SCRIPT LOAD answers, and EVALSHA wants */

/* In Lua, as SCRIPT LOAD takes it; for ever. */
struct slice odds_script_text(void);

struct odds_script_call {
    struct slice key;
    uint64_t version;
    struct slice value;
    bool renew;
};
/* The command that runs it. */
void odds_script_put(struct buf *out, const char digest[static ODDS_DIGEST_BYTES],
                     const struct odds_script_call *call);
