/* faulty_image.h - one state of a directory and of the contents of all its files; this folder
 * only. The memory of what is under test is bounded; a disk's is as large as what was written to
 * it: running out of it ends the process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/embedded/disk.h"

#define NAMES_MAX 1024

struct inode {
    char *bytes;
    uint64_t size;
    uint64_t capacity; /* bytes beyond size are zero */
    bool truncated;    /* in what a crash leaves: its size is not durable */
};

struct image {            /* one state of the directory and of all contents */
    struct inode *inodes; /* owned; of a name or not: one that is open may have none */
    int inodes_count, inodes_capacity;
    struct entry {
        char name[DISK_NAME_BYTES_MAX + 1];
        int inode;
    } entries[NAMES_MAX];
    int entries_count;
};

/* realloc() that always succeeds. */
void *grown_new(void *old, size_t bytes);
/* Writes, growing the file where needed. */
void inode_write(struct inode *inode, uint64_t offset, const void *from, size_t bytes);
/* Cuts or lengthens; what comes in is zero. */
void inode_truncate(struct inode *inode, uint64_t size);
/* A copy of its own contents; *to is overwritten. */
void image_copy(struct image *to, const struct image *from);
/* Ends the files that have no name any more: nothing is open after a crash. */
void image_drop_unnamed(struct image *image);
/* Ends its contents. */
void image_free(struct image *image);
/* Index of the entry, or -1. */
int image_find(const struct image *image, const char *name);
/* The name is the inode's from now on, whose it was before. */
void image_link(struct image *image, const char *name, int inode);
/* False: there was no such name. */
bool image_unlink(struct image *image, const char *name);
/* An empty one without a name. */
int image_new_inode(struct image *image);
