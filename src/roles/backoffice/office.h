/* office.h - the admin listener of a back-office in a process of its own: who asks is checked here,
 * the desk's page, health and metrics are answered here, and what is of the desk is asked of the
 * process that has it (office_asker.h), which answers by the same routes (admin_routes.h).
 *
 * Whoever floods this listener meets its limits and no others: a user has OFFICE_USER_REQUESTS a
 * second of what is carried (429 RATE_LIMITED), and OFFICE_PLACES questions are under way at most.
 * Thread: the process's loop. */
#pragma once

#include "base/metrics.h"
#include "net/http/http_server.h"
#include "roles/backoffice/office_asker.h"
#include "roles/shared/bearer.h"

#define OFFICE_USER_REQUESTS 50 /* a second, of one user; 100 at once */
#define OFFICE_USERS_MAX     1024

struct office;

/* All borrowed until office_free. */
struct office_parts {
    struct loop *loop;
    const struct bearer *bearer;
    const struct metrics *metrics; /* what GET /metrics writes */
    struct office_asker *asker;
};

#define OFFICE_METRICS_BYTES_MAX (128 * 1024) /* of GET /metrics: 500 beyond */

/* 0 or -ERR_MEMORY. */
int office_new(const struct office_parts *parts, struct office **ret_office);
/* After the HTTP server. Accepts NULL. */
void office_free(struct office *office);
/* For http_server_listen(). */
struct http_handlers office_handlers(struct office *office);
/* -ERR_LIMIT. */
int office_register_metrics(struct office *office, struct metrics *metrics);
