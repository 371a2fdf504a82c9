/* office_process.h - a process that is only a back-office (`serve --roles back-office`;
 * docs/OPERATIONS.md, "Back-offices in processes of their own"): the admin listener at which
 * traders, risk, support, auditors and regulators work. It keeps nothing: what is of the desk it
 * asks of the process that has it, over a link (roles/backoffice/office_asker.h), and who asks is
 * checked here. Several may stand before one desk; one that ends, or is flooded, takes nothing with
 * it. Thread: the main one. */
#pragma once

#include "cli/node/front_process.h"

#define OFFICE_ANSWER_US_MAX INT64_C(10000000)
#define OFFICE_BYTES_MAX     ((size_t)1024 * 1024) /* of questions under way */

struct office_options {
    const char *data, *jwks; /* as node_options' */
    struct net_address admin_address;
    struct node_listen_options listen; /* of which the admin's certificate counts */
    struct front_book desk;            /* where the process that has the desk may be */
    struct tls_client_files desk_tls;  /* ca NULL: they are plain */
    const char *token;                 /* of role back-office */
};

/* Ready (GET /readyz) while the desk is there.
 *
 * Runs until SIGTERM or SIGINT; `ready` is called once, when it listens: whether the desk is there
 * then is for GET /readyz to say. On another end than NODE_ENDED `why` holds a sentence. */
enum node_end office_process_run(const struct office_options *options, node_ready_fn ready,
                                 struct buf *why);
