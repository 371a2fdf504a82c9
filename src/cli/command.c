/* command.c - what all commands share: contract in command.h. */
#include "cli/command.h"

#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

/* Every key of every command: one config file serves all of them. */
static const char *const known_keys[] = {
    "accounts-max",
    "address-requests",
    "admin",
    "admin-client-ca",
    "admin-tls-cert",
    "admin-tls-key",
    "archive",
    "archive-keep",
    "batch",
    "bet",
    "bets-max",
    "bets-per-minute",
    "burst",
    "ca",
    "cash-out",
    "cash-out-margin",
    "cash-out-valid-ms",
    "channels",
    "check-exclusion",
    "check-geo",
    "check-identity",
    "check-payments",
    "client-cert",
    "client-key",
    "clients",
    "compress-keep",
    "compress-segments",
    "config",
    "conflate-ms",
    "connections",
    "currency",
    "data",
    "database",
    "deposit",
    "deposit-minor-max",
    "fast",
    "format",
    "from",
    "group",
    "head",
    "head-interval-ms",
    "heads-file",
    "heads-on-demand",
    "heads-pkcs11-key",
    "heads-pkcs11-module",
    "heads-pkcs11-pin-file",
    "heads-pkcs11-token",
    "heads-webhook",
    "heads-webhook-ca",
    "jwks",
    "keys-from",
    "keys-to",
    "lease",
    "lease-ms",
    "listen",
    "listen-proxies",
    "log-level",
    "lost",
    "margin-permyriad",
    "markets-max",
    "minutes",
    "name-servers",
    "notify-secret",
    "notify-tries",
    "notify-webhook",
    "notify-webhook-ca",
    "offer-cents-min",
    "path",
    "payout-day-minor-max",
    "payout-minor-max",
    "pending-max",
    "pipeline",
    "policy",
    "pool-connections",
    "pool-wait-ms",
    "price-cents-min",
    "primary",
    "primary-ca",
    "primary-cert",
    "primary-key",
    "primary-name",
    "profile",
    "quiet-ms",
    "rate",
    "recheck",
    "redis",
    "referral-offer-ms",
    "referral-timeout-ms",
    "referrals",
    "referrals-max",
    "requests-max",
    "resume",
    "role",
    "roles",
    "rounding",
    "scrub-bytes-per-second",
    "scrub-damage",
    "scrub-interval-s",
    "seconds",
    "seed",
    "segment-bytes",
    "server-name",
    "server-pid",
    "session-ms",
    "session-s",
    "settle-per-turn-max",
    "shard",
    "shards",
    "ship",
    "ship-degrade",
    "ship-timeout-ms",
    "silence-ms",
    "snapshot-keep",
    "snapshot-records",
    "snapshots",
    "speed",
    "stake-max",
    "stake-min",
    "stake-minor-max",
    "stake-minor-min",
    "start-check",
    "stream-group",
    "stream-session-ms",
    "streams",
    "streams-config",
    "streams-create",
    "swarm",
    "tag",
    "ticks",
    "tls-cert",
    "tls-kernel",
    "tls-key",
    "tls-listen",
    "tls-listen-proxies",
    "tls-min",
    "to",
    "token",
    "tolerance-permyriad",
    "topic",
    "totals",
    "trace",
    "transport",
    "ttl",
    "until",
    "uof-delay-ms",
    "url",
    "user",
    "user-prefix",
    "users",
    "verdicts-max",
    "warmup",
    "write-off-minor-max",
};

int command_fail(int code, struct slice text)
{
    (void)fprintf(stderr, "overround: %.*s\n", SLICE_ARG(text));
    return code;
}

int command_read_token(const char *path, struct buf *token, struct buf *why)
{
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    size_t bytes = file == NULL ? 0 : fread(token->at, 1, token->capacity - 1, file);
    if (file != NULL)
        (void)fclose(file);
    while (bytes > 0 && token->at[bytes - 1] <= ' ')
        bytes--;
    bool good = bytes > 0;
    for (size_t i = 0; i < bytes; i++)
        good = good && token->at[i] > ' ' && token->at[i] < 0x7f;
    if (!good) {
        buf_printf(why, "--token is a file with a token, not: %s",
                   path == NULL ? "(missing)" : path);
        return -ERR_CONFIG;
    }
    token->at[bytes] = '\0';
    token->bytes = bytes;
    return 0;
}

int command_options(const struct command_input *input, struct options *ret)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    const struct options_input read = {
        .argc = input->argc,
        .argv = input->argv,
        .specs = input->specs,
        .specs_count = input->specs_count,
        .known = known_keys,
        .known_count = sizeof known_keys / sizeof *known_keys,
        .environment = environ,
        .arguments = input->arguments,
    };
    if (options_read(&read, ret, &why) < 0)
        return command_fail(2, buf_slice(&why));
    return 0;
}
