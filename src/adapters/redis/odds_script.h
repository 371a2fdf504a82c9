/* odds_script.h - what the server does for one market in one step: takes a version that is newer
 * than the one it has, or renews the life of the one that it has, or refuses an older one (P1);
 * a tombstone takes the place of the version that it ends. And it tells the channel what was taken
 * (docs/decisions, "Prices in Redis").
 *
 *   KEYS[1]  odds:<market_id>
 *   ARGV     version, value, life in ms, channel, "SESSION NUMBER" or ""
 *   answer   {"taken" | "same" | "older", version that was there ("0": none)}
 *
 * The message is "SESSION NUMBER BEFORE VALUE". BEFORE is the version that was replaced; VALUE is
 * empty where nothing was taken. Of a command without a number one is sent only where something was
 * taken, as "- 0 BEFORE VALUE". Pure; thread: any. */
#pragma once

#include "base/slice.h"

#define ODDS_CHANNEL      SLICE("odds-changes")
#define ODDS_KEY_PREFIX   SLICE("odds:")
#define ODDS_FEED_PREFIX  SLICE("feed:")
#define ODDS_LIFE_MS      60000 /* CONTRACT: TTL 60 s */
#define ODDS_DIGEST_BYTES 40    /* what SCRIPT LOAD answers, and EVALSHA wants */

/* In Lua, as SCRIPT LOAD takes it; for ever. */
struct slice odds_script_text(void);
