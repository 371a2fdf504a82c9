/* redis_sentinel.c - contract in redis_sentinel.h. */
#include "adapters/redis/redis_sentinel.h"

#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_pipe.h"

void redis_sentinel_put_question(struct buf *out, struct slice name)
{
    redis_put_command(out, 3);
    redis_put(out, SLICE("SENTINEL"));
    redis_put(out, SLICE("get-master-addr-by-name"));
    redis_put(out, name);
}

bool redis_sentinel_master(const redisReply *reply, struct net_address *ret_master)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    struct slice host = redis_text(redis_element(reply, 0));
    struct slice port = redis_text(redis_element(reply, 1));
    bool v6 = host.bytes > 0 && memchr(host.at, ':', host.bytes) != NULL;
    if (host.bytes == 0)
        return false;
    buf_put_text(&text, v6 ? "[" : "");
    buf_put_slice(&text, host);
    buf_put_text(&text, v6 ? "]:" : ":");
    buf_put_slice(&text, port);
    return !text.overflow && net_address_parse_peer(buf_slice(&text), ret_master) == 0;
}
