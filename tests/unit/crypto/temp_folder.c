/* temp_folder.c - contract in temp_folder.h. */
#include "temp_folder.h"

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void temp_folder_make(char ret_path[TEMP_FOLDER_BYTES])
{
    snprintf(ret_path, TEMP_FOLDER_BYTES, "/tmp/overround-test-XXXXXX");
    assert_non_null(mkdtemp(ret_path));
}

static int each(int folder, int remove)
{
    int count = 0;
    DIR *entries = fdopendir(dup(folder));
    assert_non_null(entries);
    rewinddir(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (remove)
            unlinkat(folder, entry->d_name, 0);
    }
    closedir(entries);
    return count;
}

int temp_folder_count(int folder)
{
    return each(folder, 0);
}

void temp_folder_remove(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    int keys = openat(folder, "keys", O_RDONLY | O_DIRECTORY);
    if (keys >= 0) {
        each(keys, 1);
        close(keys);
        unlinkat(folder, "keys", AT_REMOVEDIR);
    }
    each(folder, 1);
    close(folder);
    assert_int_equal(rmdir(path), 0);
}
