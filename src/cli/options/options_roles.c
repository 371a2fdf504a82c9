/* options_roles.c - contract in options_roles.h. */
#include "cli/options/options_roles.h"

#include "base/error.h"

static const char *const names[] = {
#define ROLE_NAME(name, text) text,
    ROLE_LIST(ROLE_NAME)
#undef ROLE_NAME
};

static int refuse(struct slice word, const char *what, struct buf *why)
{
    buf_printf(why, "--roles is all, or some of ");
    for (int i = 0; i < ROLES_COUNT; i++)
        buf_printf(why, "%s%s", i == 0 ? "" : ", ", names[i]);
    buf_printf(why, "; %s: %.*s", what, SLICE_ARG(word));
    return -ERR_CONFIG;
}

static int find(struct slice word, uint32_t *ret_bit)
{
    for (int i = 0; i < ROLES_COUNT; i++)
        if (slice_is(word, names[i])) {
            *ret_bit = ROLE_BIT(i);
            return 0;
        }
    return -ERR_NOT_FOUND;
}

int roles_parse(struct slice list, uint32_t *ret_roles, struct buf *why)
{
    uint32_t roles = 0, bit = 0;
    struct slice rest = list;
    *ret_roles = ROLES_ALL;
    if (slice_is(list, "all"))
        return 0;
    if (list.bytes == 0 || list.at[list.bytes - 1] == ',')
        return refuse(list, "not", why);
    while (rest.bytes > 0) {
        struct slice word = slice_next(&rest, ',');
        if (find(word, &bit) < 0)
            return refuse(word, "not", why);
        if ((roles & bit) != 0)
            return refuse(word, "twice", why);
        roles |= bit;
    }
    *ret_roles = roles;
    return 0;
}

static bool process_of(uint32_t roles, enum roles_process *ret)
{
    const uint32_t front = ROLE_BIT(ROLE_GATEWAY) | ROLE_BIT(ROLE_ODDS_SERVICE);
    const uint32_t desk = ROLE_BIT(ROLE_ODDS_WORKER) | ROLE_BIT(ROLE_BACK_OFFICE);
    if (roles == ROLES_ALL)
        *ret = PROCESS_BOOK;
    else if (roles == ROLE_BIT(ROLE_BACK_OFFICE))
        *ret = PROCESS_OFFICE;
    else if (roles == ROLE_BIT(ROLE_PROJECTOR))
        *ret = PROCESS_PROJECTOR;
    else if (roles == ROLE_BIT(ROLE_NOTIFICATION))
        *ret = PROCESS_NOTIFIER;
    else if (roles == ROLE_BIT(ROLE_ANALYTICS))
        *ret = PROCESS_ANALYST;
    else if ((roles & ~front) == 0)
        *ret = PROCESS_FRONT;
    else if ((roles & desk) == desk && (roles & ~(desk | front)) == 0)
        *ret = PROCESS_DESK;
    else if ((roles & ROLE_BIT(ROLE_BET_SERVICE)) != 0 &&
             (roles & ~(ROLES_ALL & ~ROLE_BIT(ROLE_ODDS_WORKER))) == 0)
        *ret = PROCESS_BET_SERVICE;
    else
        return false;
    return true;
}

int roles_take(struct slice list, uint32_t *ret_roles, enum roles_process *ret_process,
               struct buf *why)
{
    TRY(roles_parse(list, ret_roles, why));
    if (process_of(*ret_roles, ret_process))
        return 0;
    buf_printf(why,
               "--roles: a process runs all of them, or bet-service with others but odds-worker, "
               "or odds-worker and back-office, or gateway and odds-service, or back-office, "
               "projector, notification-service or analytics-service alone; not: %.*s",
               SLICE_ARG(list));
    return -ERR_CONFIG;
}
