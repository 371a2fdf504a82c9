/* faulty_image.c - contract in faulty_image.h. */
#include "adapters/faulty/faulty_image.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void *grown_new(void *old, size_t bytes)
{
    void *at = realloc(old, bytes);
    ASSERT(at != NULL);
    return at;
}

/* Room for so much; the rest of it is zero. */
static void make_room(struct inode *inode, uint64_t bytes)
{
    if (bytes <= inode->capacity)
        return;
    uint64_t capacity = bytes * 2;
    inode->bytes = grown_new(inode->bytes, capacity);
    memset(inode->bytes + inode->capacity, 0, capacity - inode->capacity);
    inode->capacity = capacity;
}

void inode_write(struct inode *inode, uint64_t offset, const void *from, size_t bytes)
{
    if (bytes == 0)
        return; /* as write(2): a file without a byte of its own has no memory yet */
    make_room(inode, offset + bytes);
    memcpy(inode->bytes + offset, from, bytes);
    if (offset + bytes > inode->size)
        inode->size = offset + bytes;
}

void inode_truncate(struct inode *inode, uint64_t size)
{
    make_room(inode, size);
    if (size < inode->size)
        memset(inode->bytes + size, 0, inode->size - size);
    inode->size = size;
}

void image_copy(struct image *to, const struct image *from)
{
    *to = *from;
    to->inodes_capacity = from->inodes_count;
    to->inodes = from->inodes_count == 0
                     ? NULL
                     : grown_new(NULL, (size_t)from->inodes_count * sizeof *to->inodes);
    for (int i = 0; i < to->inodes_count; i++) {
        struct inode *inode = &to->inodes[i];
        uint64_t size = from->inodes[i].size;
        *inode = (struct inode){.size = size, .capacity = size};
        if (size == 0)
            continue;
        inode->bytes = grown_new(NULL, size);
        memcpy(inode->bytes, from->inodes[i].bytes, size);
    }
}

void image_free(struct image *image)
{
    for (int i = 0; i < image->inodes_count; i++)
        free(image->inodes[i].bytes);
    free(image->inodes);
}

int image_find(const struct image *image, const char *name)
{
    for (int i = 0; i < image->entries_count; i++)
        if (strcmp(image->entries[i].name, name) == 0)
            return i;
    return -1;
}

bool image_unlink(struct image *image, const char *name)
{
    int at = image_find(image, name);
    if (at >= 0)
        image->entries[at] = image->entries[--image->entries_count];
    return at >= 0;
}

void image_link(struct image *image, const char *name, int inode)
{
    image_unlink(image, name);
    ASSERT(image->entries_count < NAMES_MAX);
    struct entry *entry = &image->entries[image->entries_count++];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->name, name, strlen(name));
    entry->inode = inode;
}

int image_new_inode(struct image *image)
{
    if (image->inodes_count == image->inodes_capacity) {
        image->inodes_capacity = image->inodes_capacity * 2 + 16;
        image->inodes =
            grown_new(image->inodes, (size_t)image->inodes_capacity * sizeof *image->inodes);
    }
    image->inodes[image->inodes_count] = (struct inode){0};
    return image->inodes_count++;
}

void image_drop_unnamed(struct image *image)
{
    struct inode *named = grown_new(NULL, ((size_t)image->entries_count + 1) * sizeof *named);
    for (int i = 0; i < image->entries_count; i++) {
        struct inode *inode = &image->inodes[image->entries[i].inode];
        named[i] = *inode;
        *inode = (struct inode){0};
        image->entries[i].inode = i;
    }
    image_free(image);
    image->inodes = named;
    image->inodes_count = image->entries_count;
    image->inodes_capacity = image->entries_count + 1;
}
