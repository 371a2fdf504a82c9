/* result_policy.h - how results by hand deduct for withdrawn runners. Thread: any. */
#pragma once

#include "core/rule4.h"

/* What the book decides once for all its markets. */
struct result_policy {
    enum deduction_model model; /* of withdrawn runners, where the request says none */
    struct rule4_policy rule4;
};

#define RESULT_POLICY_DEFAULT                                                                      \
    ((struct result_policy){.model = DEDUCT_RULE4,                                                 \
                            .rule4 = {.table = RULE4_FRACTIONAL, .cap_pence = RULE4_CAP_PENCE}})
