/* slow.h - arithmetic on decimal digits as on paper, slow and plain: the other side of the
 * differential tests. Shares nothing with the code under test, not even wide integers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/money.h"

#define SLOW_DIGITS 80

/* Not negative; digit[0] is the ones. More than SLOW_DIGITS digits fail the test. */
struct slow {
    uint8_t digit[SLOW_DIGITS];
};

struct slow slow_of(uint64_t value);
struct slow slow_add(struct slow a, struct slow b);
struct slow slow_multiply(struct slow a, struct slow b);
int slow_compare(struct slow a, struct slow b);
/* Quotient of whole numbers, rounded as the words of the mode say. */
struct slow slow_divide(struct slow a, struct slow b, enum rounding rounding);
