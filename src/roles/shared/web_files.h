/* web_files.h - the pages of web/, built into the program by tools/embed-files: the players' at
 * "/", the desk's at "/desk/", what both use at "/shared/"; and docs/api, at the players'. Thread:
 * any. */
#pragma once

#include <stddef.h>

#include "base/slice.h"
#include "net/http/http_request.h"

struct web_file {
    const char *path; /* "/app.js"; index.html is there as "/" too */
    const char *type;
    const char *etag; /* with its quotes */
    struct slice content;
};

extern const struct web_file web_files[];
extern const size_t web_files_count;

/* Who is asked; each listener serves its own page only. */
enum web_page { WEB_PLAYER, WEB_DESK };

/* NULL when the page has no file of that path. */
const struct web_file *web_files_find(enum web_page page, struct slice path);
/* 200, or 304 where the client has it; with the headers that let a page load nothing from
 * elsewhere. */
void web_file_reply(const struct web_file *file, struct http_request *request);
