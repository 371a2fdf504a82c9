/* curl_signed.h - the signed_client port on libcurl, which signs (CURLOPT_AWS_SIGV4).
 *
 * Checked against AWS's published vectors (tests/unit/adapters_curl): what Debian 12's libcurl
 * (7.88.1) signs is right for all that is sent here, POST to the root without a query. It is wrong
 * for a query whose names are not sorted (the vector get-vanilla-query-order-key-case), which is
 * why a URL with a query is refused, and a date that the caller gives it sends twice. */
#pragma once

#include "base/buf.h"
#include "ports/signed_client.h"

struct curl_signed_options {
    const char *url;    /* of the service's root; copied, as the rest */
    const char *region; /* letters, digits, hyphens */
    const char *service;
    const char *ca_file; /* NULL: the system's certificates */
};

/* Does not connect. 0, -ERR_MEMORY, or -ERR_CONFIG with a sentence in `why`: among others for an
 * http URL of another machine, over which bets would go in the clear. */
int curl_signed_new(const struct curl_signed_options *options, struct signed_client **ret_client,
                    struct buf *why);
