/* curl_client.h - the web_client port on libcurl: one thread that carries all requests. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ports/web_client.h"

/* `ca_file`: certificates in PEM that vouch for servers, instead of the system's; NULL: the
 * system's. Copied. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`. Ended by ops->free. */
int curl_client_new(const char *ca_file, struct web_client **ret_client, struct buf *why);
/* Whether it is an http or https URL with a host, at most 2,000 bytes. */
bool curl_client_takes(const char *url);
