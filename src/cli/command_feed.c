/* command_feed.c - `overround feed replay`: options to a replay. */
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/feed_replay.h"
#include "cli/node/local_keys.h"
#include "cli/server_url.h"
#include "feeds/replay/replay_pace.h"

#define TOKEN_TTL_S (7 * 86400)

static const struct option_spec specs[] = {
    {"config", NULL},
    {"data", "data"},
    {"format", NULL},
    {"speed", "1"},
    {"to", "http://127.0.0.1:8081"},
    {"token", NULL},
    SERVER_TLS_SPECS,
};

/* A feed token from the server's own keys, for who may read them. */
static int make_token(const char *data, struct buf *ret_token, struct buf *why)
{
    struct local_keys keys;
    struct timespec now;
    struct jwt_claims claims = {.roles = JWT_ROLE_BIT(JWT_FEED), .sub_bytes = 11};
    memcpy(claims.sub, "feed-replay", claims.sub_bytes);
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    claims.iat_s = now.tv_sec;
    claims.exp_s = now.tv_sec + TOKEN_TTL_S;
    int error = local_keys_open(data, NULL, &keys, why);
    if (error < 0) {
        if (why->bytes == 0)
            buf_printf(why, "no --token, and no keys in %s", data);
        return error;
    }
    error = jwt_sign(&keys.rules, SLICE(LOCAL_KEY_ID), &claims, ret_token);
    local_keys_close(&keys);
    return error;
}

static int take_options(const struct options *options, struct feed_replay_options *ret,
                        struct buf *why)
{
    const char *format = options_text(options, "format");
    const char *speed = options_text(options, "speed");
    int error =
        format == NULL ? -ERR_CONFIG : replay_format_parse(slice_text(format), &ret->format);
    if (error < 0) {
        buf_printf(why, "--format is betfair, uof or json, not: %s",
                   format == NULL ? "(missing)" : format);
        return -ERR_CONFIG;
    }
    if (replay_speed_parse(slice_text(speed), &ret->speed_milli) < 0) {
        buf_printf(why, "--speed is a factor or max, not: %s", speed);
        return -ERR_CONFIG;
    }
    if (options->arguments_count < 2) {
        buf_put_text(why, "feed replay: name at least one file, or -");
        return -ERR_CONFIG;
    }
    ret->format_name = format;
    ret->files = options->arguments + 1;
    ret->files_count = options->arguments_count - 1;
    struct server_url url;
    TRY(server_url_take(options, "to", &url, why));
    ret->to = url.address;
    return server_url_tls_new(options, &url, false, &ret->tls, why);
}

int command_feed(int argc, char *const *argv)
{
    static struct options options;
    char memory[1024];
    char token_memory[JWT_BYTES_MAX];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct feed_replay_options replay = {.files_count = 0};
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, true};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (options.arguments_count == 0 || !slice_is(slice_text(options.arguments[0]), "replay"))
        return command_fail(2, SLICE("feed: the one thing it can do is: feed replay FILE..."));
    if (take_options(&options, &replay, &why) < 0)
        return command_fail(2, buf_slice(&why));
    const char *given = options_text(&options, "token");
    int error = 0;
    if (given == NULL)
        error = make_token(options_text(&options, "data"), &token, &why);
    replay.token = given != NULL ? slice_text(given) : buf_slice(&token);
    if (error == 0)
        error = feed_replay(&replay, &why);
    tls_client_free(replay.tls);
    return error < 0 ? command_fail(1, buf_slice(&why)) : 0;
}
