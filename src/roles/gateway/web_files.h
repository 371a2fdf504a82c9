/* web_files.h - the player's page, built into the program by tools/embed-files. Thread: any. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct web_file {
    const char *path; /* "/app.js"; index.html is there as "/" too */
    const char *type;
    const char *etag; /* with its quotes */
    struct slice content;
};

extern const struct web_file web_files[];
extern const size_t web_files_count;

/* NULL when there is none of that path. */
const struct web_file *web_files_find(struct slice path);
