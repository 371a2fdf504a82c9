/* load_html.h - a report for people: one HTML file with its charts, which loads nothing. Thread:
 * the caller's; blocks. */
#pragma once

#include "base/slice.h"

/* `report` is what load_world_run() wrote. 0, or -ERR_IO (the file is then not to be used). */
int load_html_write(const char *path, struct slice report);
