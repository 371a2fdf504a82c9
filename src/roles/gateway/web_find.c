/* web_find.c - looks a path up in the built-in files: contract in web_files.h. */
#include "roles/gateway/web_files.h"

const struct web_file *web_files_find(struct slice path)
{
    for (size_t i = 0; i < web_files_count; i++)
        if (slice_is(path, web_files[i].path))
            return &web_files[i];
    return NULL;
}
