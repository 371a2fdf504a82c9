/* options_roles.c - contract in options_roles.h. */
#include "cli/options_roles.h"

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

static struct slice cut_word(struct slice *rest)
{
    size_t bytes = 0;
    while (bytes < rest->bytes && rest->at[bytes] != ',')
        bytes++;
    struct slice word = slice_of(rest->at, bytes);
    *rest = slice_skip(*rest, bytes < rest->bytes ? bytes + 1 : bytes);
    return word;
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
        struct slice word = cut_word(&rest);
        if (find(word, &bit) < 0)
            return refuse(word, "not", why);
        if ((roles & bit) != 0)
            return refuse(word, "twice", why);
        roles |= bit;
    }
    *ret_roles = roles;
    return 0;
}
