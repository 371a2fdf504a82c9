/* options_roles.h - which roles a process runs: --roles LIST (docs/OPERATIONS.md). Thread: any. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* X(name, text): a role and how the option spells it. */
#define ROLE_LIST(X)                                                                               \
    X(ROLE_ODDS_WORKER, "odds-worker")                                                             \
    X(ROLE_ODDS_SERVICE, "odds-service")                                                           \
    X(ROLE_BET_SERVICE, "bet-service")                                                             \
    X(ROLE_SETTLEMENT_WORKER, "settlement-worker")                                                 \
    X(ROLE_GATEWAY, "gateway")                                                                     \
    X(ROLE_BACK_OFFICE, "back-office")                                                             \
    X(ROLE_PROJECTOR, "projector")                                                                 \
    X(ROLE_NOTIFICATION, "notification-service")                                                   \
    X(ROLE_ANALYTICS, "analytics-service")

#define ROLE_ENUM(name, text) name,
enum role { ROLE_LIST(ROLE_ENUM) ROLES_COUNT };
#undef ROLE_ENUM

#define ROLE_BIT(role) (UINT32_C(1) << (role))
/* "all": of a book. Those from the projector on only follow one. */
#define ROLES_ALL (ROLE_BIT(ROLE_PROJECTOR) - 1)

/* What runs a set of roles. */
enum roles_process {
    PROCESS_BOOK = 1,    /* all of them */
    PROCESS_BET_SERVICE, /* a book without an odds-worker */
    PROCESS_DESK,        /* odds-worker and back-office, of a book without users */
    PROCESS_FRONT,       /* gateway, odds-service, before a book or an odds store */
    PROCESS_OFFICE,      /* back-office alone, before one that has the desk */
    PROCESS_PROJECTOR,   /* this and the next alone */
    PROCESS_NOTIFIER,
    PROCESS_ANALYST,
};

/* "all", or names with commas between, each once. 0 and bits ROLE_BIT(); -ERR_CONFIG with a
 * sentence in `why`. */
int roles_parse(struct slice list, uint32_t *ret_roles, struct buf *why);
/* As roles_parse(); and -ERR_CONFIG where no process runs that set. */
int roles_take(struct slice list, uint32_t *ret_roles, enum roles_process *ret_process,
               struct buf *why);
