/* event_schemas.h - docs/events, built into the program by tools/embed-schemas: what the values of
 * each topic look like. Thread: any. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct event_schema {
    const char *topic;
    struct slice text; /* JSON Schema, draft 7 */
};

extern const struct event_schema event_schemas[];
extern const size_t event_schemas_count;
