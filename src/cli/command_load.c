/* command_load.c - `overround load bets|reads|subscribe|connects|world`: options to a run. */
#include <stdio.h>
#include <time.h>

#include "base/decimal.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/node/descriptors.h"
#include "cli/node/local_keys.h"
#include "cli/server_url.h"
#include "load/load_match.h"
#include "load/load_open_loop.h"
#include "load/load_options.h"

#define TOKEN_TTL_S INT64_C(86400)

static const struct option_spec specs[] = {
    {"config", NULL},
    {"data", "data"}, /* whose keys sign the users' tokens */
    {"url", "http://127.0.0.1:8080"},
    {"transport", "http"},
    {"rate", "1000"},
    {"burst", "1"},
    {"seconds", "10"},
    {"warmup", "1"},
    {"users", "1000"},
    {"connections", "64"},
    {"pipeline", "1"},
    {"clients", "1"},
    {"channels", "sport:football"},
    {"conflate-ms", "0"},
    {"seed", "1"},
    {"stake-min", "1.00"},
    {"stake-max", "5.00"},
    {"deposit", "100000.00"},
    {"currency", "GBP"},
    {"policy", "better"},
    {"user-prefix", "load"},
    {"path", ""},
    {"batch", "1"},
    {"server-pid", "0"},
    {"tag", ""},
    {"resume", "on"},
    {"admin-url", "http://127.0.0.1:8081"}, /* these, and those below, are of a world */
    {"bettors", "poll"},
    {"markets", "10"},
    {"poll-ms", "3000"},
    {"bet-ms", "15000"},
    {"balance-ms", "30000"},
    {"leave-ms", "120000"},
    {"burst-factor", "15"},
    {"calm-ms", "20000"},
    {"volatile-ms", "2000"},
    {"goal-ms", "45000"},
    {"suspended-ms", "3000"},
    {"timeout-ms", "2000"},
    {"retries", "1"},
    {"html", NULL},
    {"phases", "off"},
    SERVER_TLS_SPECS,
};

static const struct {
    const char *name;
    int (*run)(const struct load_options *options, struct buf *ret_report, const char **ret_why);
} runs[] = {
    {"bets", load_bets_run},         {"reads", load_reads_run}, {"subscribe", load_subscribe_run},
    {"connects", load_connects_run}, {"world", load_world_run},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct signer {
    struct local_keys keys;
    int64_t now_s;
};

static int sign_as(struct signer *signer, enum jwt_role role, struct slice user_id,
                   struct buf *ret_token)
{
    struct jwt_claims claims = {
        .roles = JWT_ROLE_BIT(role), .iat_s = signer->now_s, .exp_s = signer->now_s + TOKEN_TTL_S};
    if (user_id.bytes > sizeof claims.sub)
        return -ERR_LIMIT;
    memcpy(claims.sub, user_id.at, user_id.bytes);
    claims.sub_bytes = (uint32_t)user_id.bytes;
    return jwt_sign(&signer->keys.rules, SLICE(LOCAL_KEY_ID), &claims, ret_token);
}

static int sign_token(void *owner, struct slice user_id, struct buf *ret_token)
{
    return sign_as(owner, JWT_BETTOR, user_id, ret_token);
}

/* An amount with at most two places: the currencies that are loaded here have two. */
static int take_amount(const struct options *options, const char *key, int64_t *ret,
                       struct buf *why)
{
    struct decimal value;
    const char *text = options_text(options, key);
    if (decimal_parse(slice_text(text), &value) == 0 && decimal_rescale(value, 2, ret) == 0 &&
        *ret >= 0)
        return 0;
    buf_printf(why, "--%s is an amount such as 2.50, not: %s", key, text);
    return -ERR_CONFIG;
}

static int take_numbers(const struct options *options, struct load_options *load, struct buf *why)
{
    int64_t rate = 0, seed = 0, pid = 0;
    const struct {
        const char *key;
        uint32_t *to;
        struct number_range range;
    } rows[] = {{"burst", &load->burst, {1, 1000000}},
                {"seconds", &load->seconds, {1, 86400}},
                {"warmup", &load->warmup_seconds, {0, 3600}},
                {"users", &load->users, {1, LOAD_USERS_MAX}},
                {"connections", &load->connections, {1, LOAD_CONNECTIONS_MAX}},
                {"pipeline", &load->pipeline, {1, LOAD_PIPELINE_MAX}},
                {"clients", &load->clients, {1, LOAD_CONNECTIONS_MAX}},
                {"conflate-ms", &load->conflate_ms, {0, 60000}},
                {"batch", &load->batch, {1, 100}}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 0;
        TRY(options_number(options, rows[i].key, rows[i].range, &value, why));
        *rows[i].to = (uint32_t)value;
    }
    TRY(options_number(options, "rate", (struct number_range){1, LOAD_RATE_MAX}, &rate, why));
    TRY(options_number(options, "seed", (struct number_range){0, INT64_MAX}, &seed, why));
    TRY(options_number(options, "server-pid", (struct number_range){0, INT32_MAX}, &pid, why));
    load->rate = (uint64_t)rate;
    load->seed = (uint64_t)seed;
    load->server_pid = (pid_t)pid;
    return 0;
}

static int take_target(const struct options *options, struct load_options *load, struct buf *why)
{
    struct server_url url;
    bool resume;
    TRY(server_url_take(options, "url", &url, why));
    TRY(options_switch(options, "resume", &resume, why));
    load->target.address = url.address;
    load->host = url.host;
    return server_url_tls_new(options, &url, resume, &load->target.tls, why);
}

static int take_world_numbers(const struct options *options, struct load_world_options *world,
                              struct buf *why)
{
    const struct number_range often = {1, 86400000}, maybe = {0, 86400000};
    const struct {
        const char *key;
        uint32_t *to;
        struct number_range range;
    } rows[] = {{"markets", &world->markets, {1, LOAD_MATCH_MARKETS_MAX}},
                {"poll-ms", &world->poll_ms, often},
                {"bet-ms", &world->bet_ms, maybe},
                {"balance-ms", &world->balance_ms, maybe},
                {"leave-ms", &world->leave_ms, maybe},
                {"burst-factor", &world->burst, {1, 1000}},
                {"calm-ms", &world->calm_ms, often},
                {"volatile-ms", &world->volatile_ms, often},
                {"goal-ms", &world->goal_ms, often},
                {"suspended-ms", &world->suspended_ms, often},
                {"timeout-ms", &world->timeout_ms, often},
                {"retries", &world->retries, {0, 10}}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 0;
        TRY(options_number(options, rows[i].key, rows[i].range, &value, why));
        *rows[i].to = (uint32_t)value;
    }
    return 0;
}

static int take_world(const struct options *options, struct load_options *load, struct buf *why)
{
    const char *bettors = options_text(options, "bettors");
    struct server_url url;
    TRY(server_url_take(options, "admin-url", &url, why));
    load->world.feed.address = url.address;
    load->world.html = options_text(options, "html");
    load->world.streams = slice_is(slice_text(bettors), "stream");
    if (!load->world.streams && !slice_is(slice_text(bettors), "poll")) {
        buf_printf(why, "--bettors is poll or stream, not: %s", bettors);
        return -ERR_CONFIG;
    }
    TRY(options_switch(options, "phases", &load->world.phases, why));
    TRY(server_url_tls_new(options, &url, true, &load->world.feed.tls, why));
    return take_world_numbers(options, &load->world, why);
}

static int take_options(const struct options *options, struct load_options *load, struct buf *why)
{
    const char *transport = options_text(options, "transport");
    TRY(take_target(options, load, why));
    TRY(take_numbers(options, load, why));
    TRY(take_amount(options, "stake-min", &load->stake_minor_min, why));
    TRY(take_amount(options, "stake-max", &load->stake_minor_max, why));
    TRY(take_amount(options, "deposit", &load->deposit_minor, why));
    if (load->stake_minor_min == 0 || load->stake_minor_max < load->stake_minor_min) {
        buf_put_text(why, "--stake-min is more than 0 and at most --stake-max");
        return -ERR_CONFIG;
    }
    load->transport = slice_is(slice_text(transport), "ws")     ? LOAD_TRANSPORT_WS
                      : slice_is(slice_text(transport), "http") ? LOAD_TRANSPORT_HTTP
                                                                : (enum load_transport)0;
    if (load->transport == (enum load_transport)0) {
        buf_printf(why, "--transport is http or ws, not: %s", transport);
        return -ERR_CONFIG;
    }
    load->currency = slice_text(options_text(options, "currency"));
    load->price_policy = slice_text(options_text(options, "policy"));
    load->channels = slice_text(options_text(options, "channels"));
    load->user_prefix = slice_text(options_text(options, "user-prefix"));
    load->path = slice_text(options_text(options, "path"));
    load->tag = slice_text(options_text(options, "tag"));
    return take_world(options, load, why);
}

static int run(size_t which, struct load_options *load, const char *data)
{
    static char report[LOAD_REPORT_BYTES_MAX];
    struct buf out = buf_over(report, sizeof report);
    char why_memory[512];
    struct buf why = buf_over(why_memory, sizeof why_memory);
    struct signer signer = {.keys = {.folder = -1}};
    const char *reason = "";
    bool signs = load_bets_run == runs[which].run || load_world_run == runs[which].run;
    char feed_memory[LOAD_TOKEN_BYTES_MAX];
    struct buf feed = buf_over(feed_memory, sizeof feed_memory);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
    signer.now_s = now.tv_sec;
    if (signs && local_keys_open(data, NULL, &signer.keys, &why) < 0) {
        if (why.bytes == 0)
            buf_printf(&why, "no keys in %s: --data is the data folder of the server", data);
        return command_fail(1, buf_slice(&why));
    }
    if (signs && sign_as(&signer, JWT_FEED, SLICE("world"), &feed) == 0)
        load->world.feed_token = buf_slice(&feed);
    load->token = sign_token;
    load->token_owner = &signer;
    descriptors_raise();
    int error = runs[which].run(load, &out, &reason);
    if (signs)
        local_keys_close(&signer.keys);
    if (error < 0 || out.overflow) {
        buf_printf(&why, "load: %s: %s", reason, error_text(error < 0 ? error : -ERR_LIMIT));
        return command_fail(1, buf_slice(&why));
    }
    (void)printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
    return 0;
}

int command_load(int argc, char *const *argv)
{
    static struct options options;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct load_options load = {0};
    const struct command_input input = {argc, argv, specs, COUNT(specs), true};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    struct slice name =
        options.arguments_count == 1 ? slice_text(options.arguments[0]) : SLICE_NONE;
    for (size_t i = 0; i < COUNT(runs); i++) {
        if (!slice_is(name, runs[i].name))
            continue;
        code = take_options(&options, &load, &why) < 0
                   ? command_fail(2, buf_slice(&why))
                   : run(i, &load, options_text(&options, "data"));
        tls_client_free(load.target.tls);
        tls_client_free(load.world.feed.tls);
        return code;
    }
    buf_printf(&why, "load: one of bets, reads, subscribe, connects, world; not: %.*s",
               SLICE_ARG(name));
    return command_fail(2, buf_slice(&why));
}
