/* scrub_file.h - reads a snapshot or a segment of the odds log to its end, in small steps, and
 * checks every checksum in it. Past the kernel's cache, as far as that goes. Thread: one. */
#pragma once

#include <stdint.h>

#include "adapters/embedded/disk.h"

#define SCRUB_STEP_BYTES (256u << 10)

enum scrub_kind { SCRUB_SNAPSHOT, SCRUB_ODDS };

struct scrub_file {
    struct disk *disk; /* borrowed */
    enum scrub_kind kind;
    int file; /* -1: closed */
    uint64_t size, offset;
    uint64_t left; /* of a snapshot's section: bytes of its payload to come */
    uint32_t crc;  /* of it so far */
    bool in_section;
    const char *problem; /* behind -ERR_CORRUPT: static, */
    uint64_t problem_at; /* and its byte of the file */
    char buffer[SCRUB_STEP_BYTES];
};

/* In the caller's memory, with nothing open. */
void scrub_file_init(struct scrub_file *file);
/* Closes; may be called at any time. */
void scrub_file_done(struct scrub_file *file);
/* 0; -ERR_NOT_FOUND: it has gone; -ERR_CORRUPT: its head is damaged; or the disk's error. */
int scrub_file_begin(struct scrub_file *file, struct disk *disk, enum scrub_kind kind,
                     const char *name);
/* Reads at most SCRUB_STEP_BYTES, *ret_bytes of them. 1: there is more; 0: all of it is good;
 * -ERR_CORRUPT or the disk's error. Then nothing is open. */
int scrub_file_step(struct scrub_file *file, uint64_t *ret_bytes);
