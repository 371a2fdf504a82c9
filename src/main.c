/* main.c - the program's entry: which command, and nothing else. What a command joins is in
 * src/cli, which counts as main in the order of the folders. */
#include <stdio.h>

#include "base/slice.h"
#include "cli/command.h"

static const struct {
    const char *name, *does;
    int (*run)(int argc, char *const *argv);
} commands[] = {
    {"serve", "runs the sportsbook: --data DIR --listen HOST:PORT --admin HOST:PORT",
     command_serve},
    {"standby", "follows a primary: --data DIR --primary HOST:PORT --token FILE", command_standby},
    {"promote", "makes a standby the primary: --admin HOST:PORT --token FILE | --data DIR",
     command_promote},
    {"rejoin", "sets aside what a new primary has not: --data DIR --from SEQ", command_rejoin},
    {"demo", "serve with simulated matches: --data DIR --listen HOST:PORT --speed X", command_demo},
    {"feed", "feed replay --format betfair [--speed X|max] [--to URL] FILE...", command_feed},
    {"token", "prints a token: --user ID [--role ROLE] [--ttl S] [--data DIR]", command_token},
    {"ledger", "offline audit: ledger verify|stat|dump|replay --data DIR", command_ledger},
    {"stream", "stream tail --streams kafka://HOST:PORT,... --topic NAME", command_stream},
    {"projection", "projection verify --projection URL --ledger URL | --data DIR",
     command_projection},
    {"load", "open-loop load: load bets|reads|subscribe --url URL --rate N ...", command_load},
    {"bettors", "simulated bettors: --url URL of a front [--count N] [--seconds S]",
     command_bettors},
    {"naive", "naive serve: the book that polls, to compare with: --database URL --redis HOST:PORT",
     command_naive},
    {"compare", "the naive book and this one under the same bettors: compare [--quick] [--out DIR]",
     command_compare},
    {"sim", "the whole book in a hostile world: sim --seed N | --swarm SEEDS | --minutes M",
     command_sim},
    {"version", "version, commit, SHA-256 of this program", command_version},
};

#define COMMANDS_COUNT (sizeof commands / sizeof *commands)

static int usage(FILE *to, int code)
{
    (void)fprintf(to, "overround COMMAND [--option value]...\n\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        (void)fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].does);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, 2);
    struct slice name = slice_text(argv[1]);
    if (slice_is(name, "help") || slice_is(name, "--help"))
        return usage(stdout, 0);
    if (slice_is(name, "--version"))
        name = SLICE("version");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        if (slice_is(name, commands[i].name))
            return commands[i].run(argc - 2, argv + 2);
    (void)fprintf(stderr, "overround: unknown command %s\n", argv[1]);
    return usage(stderr, 2);
}
