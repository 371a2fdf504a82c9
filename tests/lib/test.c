/* test.c - runs what the TEST macro registered; contract in test.h. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_case *first;
static size_t count;

void test_register(struct test_case *test)
{
    test->next = first;
    first = test;
    count++;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static int wanted(const char *id, int filters, char **filter)
{
    for (int i = 0; i < filters; i++)
        if (strncmp(id, filter[i], strlen(filter[i])) == 0)
            return 1;
    return filters == 0;
}

struct part {
    unsigned number, of;
};

/* Whether the first argument is one; what is no slice at all ends the program. */
static int read_slice(int argc, char **argv, struct part *ret)
{
    char end;
    *ret = (struct part){0, 1};
    if (argc < 2 || strncmp(argv[1], "--slice=", 8) != 0)
        return 0;
    if (sscanf(argv[1] + 8, "%u/%u%c", &ret->number, &ret->of, &end) == 2 && ret->number < ret->of)
        return 1;
    fprintf(stderr, "no such slice: %s\n", argv[1]);
    exit(2);
}

static size_t keep_slice(struct CMUnitTest *tests, size_t chosen, const struct part *slice)
{
    size_t kept = 0;
    for (size_t i = slice->number; i < chosen; i += slice->of)
        tests[kept++] = tests[i];
    printf("slice %u/%u: %zu of %zu tests\n", slice->number, slice->of, kept, chosen);
    fflush(stdout);
    return kept;
}

int main(int argc, char **argv)
{
    struct part slice;
    int skipped = read_slice(argc, argv, &slice);
    struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
    if (tests == NULL)
        return 2;
    size_t chosen = 0;
    for (struct test_case *test = first; test != NULL; test = test->next)
        if (wanted(test->id, argc - 1 - skipped, argv + 1 + skipped))
            tests[chosen++] = (struct CMUnitTest){test->id, test->run, NULL, NULL, NULL};
    qsort(tests, chosen, sizeof *tests, by_id);
    if (skipped)
        chosen = keep_slice(tests, chosen, &slice);
    int failed = _cmocka_run_group_tests(argv[0], tests, chosen, NULL, NULL);
    printf("%zu passed, %d failed\n", chosen - (size_t)failed, failed);
    free(tests);
    return failed == 0 ? 0 : 1;
}
