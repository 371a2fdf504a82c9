/* odds_script.c - contract in odds_script.h.
 * Versions are below 2^53, so Lua's numbers hold them exactly. A quote inside a text of the value
 * has a backslash before it, so the pattern finds the member and nothing else. */
#include "adapters/redis/odds_script.h"

static const char text[] =
    "local there = redis.call('GET', KEYS[1])\n"
    "local had = 0\n"
    "if there then had = tonumber(string.match(there, '\"odds_version\":(%d+)')) or 0 end\n"
    "local version, told, outcome = tonumber(ARGV[1]), '', 'older'\n"
    "local gone = '\"removed\":true'\n"
    "local ends = had == version and string.find(ARGV[2], gone, 1, true) and\n"
    "  not string.find(there, gone, 1, true)\n"
    "if had < version or ends then\n"
    "  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])\n"
    "  told, outcome = ARGV[2], 'taken'\n"
    "elseif had == version then\n"
    "  redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "  outcome = 'same'\n"
    "end\n"
    "local before = string.format('%.0f', had)\n"
    "local number = ARGV[5]\n"
    "if number == '' and told ~= '' then number = '- 0' end\n"
    "if number ~= '' then\n"
    "  redis.call('PUBLISH', ARGV[4], number .. ' ' .. before .. ' ' .. told)\n"
    "end\n"
    "return {outcome, before}\n";

struct slice odds_script_text(void)
{
    return SLICE(text);
}
