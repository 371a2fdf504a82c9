/* net_limits.c - contract in net_limits.h. */
#include "net/stream/net_limits.h"

#include "base/assert.h"

struct net_limits net_limits_default(void)
{
#define NET_LIMIT_VALUE(type, name, value) .name = value,
    return (struct net_limits){NET_LIMIT_LIST(NET_LIMIT_VALUE)};
#undef NET_LIMIT_VALUE
}

const char *conn_close_text(enum conn_close reason)
{
#define CONN_CLOSE_TEXT(name, text) text,
    static const char *const texts[] = {CONN_CLOSE_LIST(CONN_CLOSE_TEXT)};
#undef CONN_CLOSE_TEXT
    ASSERT((size_t)reason < CONN_CLOSE_COUNT);
    return texts[reason];
}
