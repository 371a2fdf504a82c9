/* net_metrics.h - what an HTTP server counts, registered for the operator. */
#pragma once

#include <stdbool.h>

#include "base/metrics.h"
#include "net/http/http_server.h"

/* `admin`: of the admin listener, else of the public one. -ERR_LIMIT. */
int net_metrics_register(struct metrics *metrics, const struct http_server *server, bool admin);
