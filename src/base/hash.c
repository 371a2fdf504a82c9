/* hash.c - contract in hash.h. */
#include "base/hash.h"

#include <endian.h>
#include <string.h>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

/* --- CRC-32C --- */

/* table[k][b]: the register after byte b and then k zero bytes. Filled before main. */
static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void)
{
    const uint32_t polynomial = 0x82F63B78; /* 0x1EDC6F41, bit-reversed */
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? polynomial : 0);
        table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int byte = 0; byte < 256; byte++)
            table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xFF];
}

uint32_t crc32c_by_table(uint32_t crc, const void *at, size_t bytes)
{
    const unsigned char *p = at;
    uint32_t state = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        eight = le64toh(eight) ^ state;
        state = 0;
        for (int k = 0; k < 8; k++)
            state ^= table[7 - k][eight >> (8 * k) & 0xFF];
    }
    for (; bytes > 0; bytes--, p++)
        state = (state >> 8) ^ table[0][(state ^ *p) & 0xFF];
    return ~state;
}

#ifdef __SSE4_2__
uint32_t crc32c(uint32_t crc, const void *at, size_t bytes)
{
    const unsigned char *p = at;
    uint64_t state = (uint32_t)~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        state = _mm_crc32_u64(state, eight);
    }
    uint32_t last = (uint32_t)state;
    for (; bytes > 0; bytes--, p++)
        last = _mm_crc32_u8(last, *p);
    return ~last;
}
#else
uint32_t crc32c(uint32_t crc, const void *at, size_t bytes)
{
    return crc32c_by_table(crc, at, bytes);
}
#endif

/* --- SipHash-2-4 --- */

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static struct sip sip_begin(const uint64_t key[2])
{
    return (struct sip){
        key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
}

/* All words; the last one holds the rest and the length's low byte. */
static void sip_input(struct sip *s, const void *at, size_t bytes)
{
    const unsigned char *p = at;
    uint64_t last = (uint64_t)bytes << 56;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        sip_word(s, le64toh(eight));
    }
    for (size_t i = 0; i < bytes; i++)
        last |= (uint64_t)p[i] << (8 * i);
    sip_word(s, last);
}

static uint64_t sip_output(struct sip *s)
{
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t siphash64(const uint64_t key[2], const void *at, size_t bytes)
{
    struct sip s = sip_begin(key);
    sip_input(&s, at, bytes);
    s.v2 ^= 0xFF;
    return sip_output(&s);
}

struct hash128 siphash128(const uint64_t key[2], const void *at, size_t bytes)
{
    struct sip s = sip_begin(key);
    s.v1 ^= 0xEE;
    sip_input(&s, at, bytes);
    s.v2 ^= 0xEE;
    uint64_t low = sip_output(&s);
    s.v1 ^= 0xDD;
    return (struct hash128){low, sip_output(&s)};
}
