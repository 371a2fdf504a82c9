/* options_streams.c - contract in options_streams.h. */
#include "cli/options/options_streams.h"

#include "adapters/curl/curl_client.h"
#include "adapters/kafka/kafka_options.h"
#include "base/error.h"

#define COPIES_MAX 16

static int take_registry(const struct options *options, struct node_streams_options *ret,
                         struct buf *why)
{
    ret->schemas.url = options_text(options, "schema-registry");
    ret->schemas.ca = options_text(options, "schema-registry-ca");
    ret->schemas.auth = options_text(options, "schema-registry-auth");
    if (ret->schemas.url == NULL)
        return 0;
    if (!curl_client_takes(ret->schemas.url))
        buf_put_text(why, "--schema-registry is the URL of a server's API, http:// or https://");
    else if (ret->url == NULL)
        buf_put_text(why, "--schema-registry goes with --streams: it is asked about topics");
    else
        return 0;
    return -ERR_CONFIG;
}

int options_streams(const struct options *options, struct node_streams_options *ret,
                    struct buf *why)
{
    ret->url = options_text(options, "streams");
    ret->config = options_text(options, "streams-config");
    TRY(options_number(options, "streams-create", (struct number_range){0, COPIES_MAX},
                       &ret->copies, why));
    if (ret->url == NULL || kafka_options_takes(ret->url))
        return take_registry(options, ret, why);
    buf_printf(why, "--streams is kafka://HOST:PORT,..., not: %s", ret->url);
    return -ERR_CONFIG;
}
