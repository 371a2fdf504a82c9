/* odds_script.c - contract in odds_script.h.
 * Versions are below 2^53, so Lua's numbers hold them exactly. Lua hashes every byte of every text
 * that it is given or makes, so the value is given to it once, and neither read back nor copied:
 * its version is its first member (odds_value.h), and its message is the value itself. A quote
 * inside a text of the value has a backslash before it, so the patterns find the member and nothing
 * else. */
#include "adapters/redis/odds_script.h"

#include "adapters/redis/redis_command.h"

#define TEXT_OF(number)     #number
#define TEXT_OF_THE(number) TEXT_OF(number)

static const char text[] =
    "local key, version, value = KEYS[1], tonumber(ARGV[1]), ARGV[2]\n"
    "local channel, life = '" ODDS_CHANNEL_TEXT "', '" TEXT_OF_THE(
        ODDS_LIFE_MS) "'\n"
                      "local had = tonumber(string.match(redis.call('GETRANGE', key, 0, 40),\n"
                      "  '^{\"odds_version\":(%d+)[,}]'))\n"
                      "if not had then\n"
                      "  local there = redis.call('GET', key)\n"
                      "  had = there and tonumber(string.match(there, '\"odds_version\":(%d+)')) "
                      "or 0\n"
                      "end\n"
                      "local gone = '\"removed\":true'\n"
                      "local ends = had == version and string.find(value, gone, 1, true) and\n"
                      "  not string.find(redis.call('GET', key), gone, 1, true)\n"
                      "if had < version or ends then\n"
                      "  if had > 0 and ARGV[3] == '' then\n"
                      "    redis.call('SET', key, value, 'KEEPTTL')\n"
                      "  else\n"
                      "    redis.call('SET', key, value, 'PX', life)\n"
                      "  end\n"
                      "  redis.call('PUBLISH', channel, value)\n"
                      "  return 'taken'\n"
                      "end\n"
                      "local said = string.match(value, '^{\"odds_version\":%d+,\"said\":\"(%x+ "
                      "%d+)\"')\n"
                      "if said then\n"
                      "  redis.call('PUBLISH', channel, said .. string.format(' %.0f ', had))\n"
                      "end\n"
                      "if had > version then return 'older' end\n"
                      "redis.call('PEXPIRE', key, life)\n"
                      "return 'same'\n";

struct slice odds_script_text(void)
{
    return SLICE(text);
}

void odds_script_put(struct buf *out, const char digest[static ODDS_DIGEST_BYTES],
                     const struct odds_script_call *call)
{
    redis_put_command(out, 7);
    redis_put(out, SLICE("EVALSHA"));
    redis_put(out, slice_of(digest, ODDS_DIGEST_BYTES));
    redis_put(out, SLICE("1"));
    redis_put(out, call->key);
    redis_put_number(out, call->version);
    redis_put(out, call->value);
    redis_put(out, call->renew ? SLICE("renew") : SLICE(""));
}
