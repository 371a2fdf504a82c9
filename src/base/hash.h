/* hash.h - checksums and keyed hashes that are no cryptography of ours: CRC-32C for what the
 * disk may damage, SipHash-2-4 (Aumasson, Bernstein 2012) for tables that strangers fill.
 * Thread: any. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

/* CRC-32C (Castagnoli, RFC 3720 B.4), continued from `crc` (0 to begin). Uses the SSE4.2
 * instruction where the processor has it. */
uint32_t crc32c(uint32_t crc, const void *at, size_t bytes);
/* The same sum without the instruction; apart so that a test can compare the two. */
uint32_t crc32c_by_table(uint32_t crc, const void *at, size_t bytes);

/* SipHash-2-4 with 64 and 128 bits of result under a 128-bit key, given as its two
 * little-endian words. The result's bytes are low, then high, little-endian. */
uint64_t siphash64(const uint64_t key[2], const void *at, size_t bytes);
struct hash128 siphash128(const uint64_t key[2], const void *at, size_t bytes);
