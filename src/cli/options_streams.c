/* options_streams.c - contract in options_streams.h. */
#include "cli/options_streams.h"

#include "adapters/kafka/kafka_options.h"
#include "base/error.h"

#define COPIES_MAX 16

int options_streams(const struct options *options, struct node_streams_options *ret,
                    struct buf *why)
{
    ret->url = options_text(options, "streams");
    ret->config = options_text(options, "streams-config");
    TRY(options_number(options, "streams-create", (struct number_range){0, COPIES_MAX},
                       &ret->copies, why));
    if (ret->url == NULL || kafka_options_takes(ret->url))
        return 0;
    buf_printf(why, "--streams is kafka://HOST:PORT,..., not: %s", ret->url);
    return -ERR_CONFIG;
}
