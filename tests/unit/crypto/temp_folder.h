/* temp_folder.h - a folder for one test. */
#pragma once

#define TEMP_FOLDER_BYTES 64

/* Makes a new one; its path is written to ret_path. */
void temp_folder_make(char ret_path[TEMP_FOLDER_BYTES]);
/* Removes it with what is in it and in its subfolder "keys". */
void temp_folder_remove(const char *path);
/* Entries in the folder behind a descriptor. */
int temp_folder_count(int folder);
