/* command_version.c - `overround version`: version, commit, SHA-256 of its own binary (G-04). */
#include <stdio.h>

#include "cli/command.h"
#include "cli/version.h"

int command_version(int argc, char *const *argv)
{
    static struct options options;
    static const struct option_spec none[] = {{"config", NULL}};
    uint8_t digest[32];
    const struct command_input input = {argc, argv, none, 1, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    (void)printf("overround %s\ncommit %s\n", version_text, version_commit);
    if (version_binary_sha256(digest) < 0)
        return command_fail(1, SLICE("cannot read the program's own file"));
    (void)printf("sha256 ");
    for (size_t i = 0; i < sizeof digest; i++)
        (void)printf("%02x", digest[i]);
    (void)printf("\n");
    return 0;
}
