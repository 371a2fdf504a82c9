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

int main(int argc, char **argv)
{
    struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
    if (tests == NULL)
        return 2;
    size_t chosen = 0;
    for (struct test_case *test = first; test != NULL; test = test->next)
        if (wanted(test->id, argc - 1, argv + 1))
            tests[chosen++] = (struct CMUnitTest){test->id, test->run, NULL, NULL, NULL};
    qsort(tests, chosen, sizeof *tests, by_id);
    int failed = _cmocka_run_group_tests(argv[0], tests, chosen, NULL, NULL);
    printf("%zu passed, %d failed\n", chosen - (size_t)failed, failed);
    free(tests);
    return failed == 0 ? 0 : 1;
}
