/* symbols.c - contract in symbols.h. */
#include "base/symbols.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/reserve.h"
#include "base/table.h"

struct symbols {
    uint64_t key[2];
    struct table *index; /* owned; hash of the text -> number */
    uint32_t *ends; /* owned; ends[n] is where text n ends in `texts`; it begins where n-1 ends */
    char *texts;    /* owned */
    size_t count, count_max;
    size_t bytes, bytes_max;
};

int symbols_new(size_t count_max, size_t bytes_max, const uint64_t key[2], struct symbols **ret)
{
    ASSERT(count_max >= 1);
    ASSERT(bytes_max >= 1);
    ASSERT(bytes_max < UINT32_MAX);
    struct symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols == NULL)
        return -ERR_MEMORY;
    *symbols = (struct symbols){
        .key = {key[0], key[1]},
        .ends = reserve_new(count_max, sizeof(uint32_t)),
        .texts = reserve_new(bytes_max, 1),
        .count_max = count_max,
        .bytes_max = bytes_max,
    };
    if (symbols->ends == NULL || symbols->texts == NULL ||
        table_new(count_max, &symbols->index) < 0) {
        symbols_free(symbols);
        return -ERR_MEMORY;
    }
    *ret = symbols;
    return 0;
}

void symbols_free(struct symbols *symbols)
{
    if (symbols == NULL)
        return;
    table_free(symbols->index);
    reserve_free(symbols->ends, symbols->count_max, sizeof(uint32_t));
    reserve_free(symbols->texts, symbols->bytes_max, 1);
    free(symbols);
}

bool symbols_find(const struct symbols *symbols, struct slice text, uint32_t *ret_ref)
{
    return table_find(symbols->index, siphash128(symbols->key, text.at, text.bytes), ret_ref);
}

int symbols_intern(struct symbols *symbols, struct slice text, uint32_t *ret_ref)
{
    struct hash128 hash = siphash128(symbols->key, text.at, text.bytes);
    if (table_find(symbols->index, hash, ret_ref))
        return 0;
    if (symbols->count == symbols->count_max || symbols->bytes_max - symbols->bytes < text.bytes)
        return -ERR_LIMIT;
    uint32_t ref = (uint32_t)symbols->count;
    enum table_outcome outcome = table_insert(symbols->index, hash, ref);
    ASSERT(outcome == TABLE_OK); /* it has room for count_max */
    if (text.bytes > 0)
        memcpy(symbols->texts + symbols->bytes, text.at, text.bytes);
    symbols->bytes += text.bytes;
    symbols->ends[ref] = (uint32_t)symbols->bytes;
    symbols->count++;
    *ret_ref = ref;
    return 0;
}

struct slice symbols_text(const struct symbols *symbols, uint32_t ref)
{
    ASSERT(ref < symbols->count);
    size_t begin = ref == 0 ? 0 : symbols->ends[ref - 1];
    return (struct slice){symbols->texts + begin, symbols->ends[ref] - begin};
}

size_t symbols_count(const struct symbols *symbols)
{
    return symbols->count;
}
