/* stop.c - stands in the place of base/assert.c, so that expect_assert_failure() of cmocka can
 * show that a programmer's mistake stops the program. An assertion that a test does not expect
 * fails that test. */
#include "test.h"

#include <stdlib.h>

#include "base/assert.h"

_Noreturn void assert_failed(const char *file, int line, const char *condition)
{
    mock_assert(0, condition, file, line);
    abort();
}
