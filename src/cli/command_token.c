/* command_token.c - `overround token`: a signed token for a local set-up, on stdout. */
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/node/local_keys.h"

static const struct option_spec specs[] = {
    {"config", NULL}, {"data", "data"},   {"jwks", NULL},
    {"user", NULL},   {"role", "bettor"}, {"ttl", "43200"},
};

#define TTL_S_MAX (INT64_C(10) * 365 * 86400)

static int claims_of(const struct options *options, struct jwt_claims *ret, struct buf *why)
{
    const char *user = options_text(options, "user");
    const char *role_text = options_text(options, "role");
    enum jwt_role role;
    int64_t ttl_s = 0;
    if (user == NULL || !jwt_sub_is_valid(slice_text(user))) {
        buf_put_text(why, "--user is 1 to 64 visible ASCII characters");
        return -ERR_CONFIG;
    }
    if (!jwt_role_parse(slice_text(role_text), &role)) {
        buf_printf(why,
                   "--role is bettor, trader, risk, support, auditor, regulator, admin, "
                   "feed, standby, gateway or shard, not: %s",
                   role_text);
        return -ERR_CONFIG;
    }
    TRY(options_number(options, "ttl", (struct number_range){0, TTL_S_MAX}, &ttl_s, why));
    *ret = (struct jwt_claims){.roles = JWT_ROLE_BIT(role), .sub_bytes = (uint32_t)strlen(user)};
    memcpy(ret->sub, user, ret->sub_bytes);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    ret->iat_s = now.tv_sec;
    ret->exp_s = now.tv_sec + ttl_s;
    return 0;
}

int command_token(int argc, char *const *argv)
{
    static struct options options;
    char why_memory[512];
    char token_memory[JWT_BYTES_MAX];
    struct buf why = buf_over(why_memory, sizeof why_memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct jwt_claims claims;
    struct local_keys keys;
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (claims_of(&options, &claims, &why) < 0)
        return command_fail(2, buf_slice(&why));
    if (options_text(&options, "jwks") != NULL)
        return command_fail(2, SLICE("--jwks switches local tokens off: ask its owner for one"));
    if (local_keys_open(options_text(&options, "data"), NULL, &keys, &why) < 0) {
        if (why.bytes == 0)
            buf_printf(&why, "no keys in %s: is it the data folder of a server?",
                       options_text(&options, "data"));
        return command_fail(1, buf_slice(&why));
    }
    int error = jwt_sign(&keys.rules, SLICE(LOCAL_KEY_ID), &claims, &token);
    local_keys_close(&keys);
    if (error < 0)
        return command_fail(1, slice_text(error_text(error)));
    (void)printf("%.*s\n", SLICE_ARG(buf_slice(&token)));
    return 0;
}
