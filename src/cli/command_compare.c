/* command_compare.c - `overround compare`: V0 and V1 under the same bettors (docs/NAIVE.md,
 * docs/COMPARISON.md).
 *
 * What it starts are engines that others wrote and this program, several times over, and how those
 * are started is told by scripts (deploy/cluster, tests/lib). So the comparison is a script, too,
 * and this command becomes it: the one of the tree that the program was built in, or of its share
 * folder. The script is told which program it is to start, so that the two never differ. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/command.h"

#define ARGUMENTS_MAX 64

/* Below the folder that holds the program's own. */
static const char *const places[] = {"bench/compare/compare",
                                     "share/overround/bench/compare/compare"};

#define PLACES_COUNT (sizeof places / sizeof *places)

static int refuse_to_run(const char *root)
{
    char memory[2 * PATH_MAX];
    struct buf why = buf_over(memory, sizeof memory);
    buf_printf(&why,
               "compare: it is a script of the source tree, and neither %s/%s nor %s/%s is there",
               root, places[0], root, places[1]);
    return command_fail(1, buf_slice(&why));
}

/* The folder above the one of `program`; false: there is none. */
static bool root_of(const char *program, char root[PATH_MAX])
{
    struct buf out = buf_over(root, PATH_MAX);
    const char *end = strrchr(program, '/');
    const char *above = end == NULL ? NULL : memrchr(program, '/', (size_t)(end - program));
    if (above == NULL)
        return false;
    buf_put_slice(&out, slice_of(program, (size_t)(above - program)));
    buf_put_char(&out, '\0');
    return !out.overflow;
}

/* Returns only when it failed. */
static int become(const char *script, int argc, char *const *argv)
{
    char *words[ARGUMENTS_MAX + 2];
    char memory[PATH_MAX + 128];
    struct buf why = buf_over(memory, sizeof memory);
    words[0] = (char *)script; /* execv() changes none of them */
    for (int i = 0; i < argc; i++)
        words[i + 1] = argv[i];
    words[argc + 1] = NULL;
    (void)execv(script, words);
    buf_printf(&why, "compare: %s: %s", script, strerrordesc_np(errno));
    return command_fail(1, buf_slice(&why));
}

int command_compare(int argc, char *const *argv)
{
    char program[PATH_MAX], root[PATH_MAX], script[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
    if (bytes < 0)
        return command_fail(1, SLICE("compare: cannot find the program's own file"));
    program[bytes] = '\0';
    if (argc > ARGUMENTS_MAX)
        return command_fail(2, SLICE("compare: too many arguments"));
    if (!root_of(program, root) || setenv("COMPARE_PROGRAM", program, 1) != 0)
        return command_fail(1, SLICE("compare: cannot say which program is compared"));
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        struct buf path = buf_over(script, sizeof script);
        buf_printf(&path, "%s/%s", root, places[i]);
        buf_put_char(&path, '\0');
        if (!path.overflow && access(script, X_OK) == 0)
            return become(script, argc, argv);
    }
    return refuse_to_run(root);
}
