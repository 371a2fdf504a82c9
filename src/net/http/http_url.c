/* http_url.c - contract in http_url.h. */
#include "net/http/http_url.h"

#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool is_plain(struct slice text, bool plus_is_space)
{
    return text.bytes == 0 || (memchr(text.at, '%', text.bytes) == NULL &&
                               (!plus_is_space || memchr(text.at, '+', text.bytes) == NULL));
}

static int decode_into(struct slice text, bool plus_is_space, struct buf *memory)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = text.bytes - i > 2 ? hex_of(text.at[i + 1]) : -1;
            int low = text.bytes - i > 2 ? hex_of(text.at[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return -ERR_FORMAT;
            c = (char)(high << 4 | low);
            i += 2;
        }
        buf_put_char(memory, c);
    }
    return memory->overflow ? -ERR_LIMIT : 0;
}

int http_url_decode(struct slice text, bool plus_is_space, struct buf *memory,
                    struct slice *ret_text)
{
    struct slice decoded = text;
    if (!is_plain(text, plus_is_space)) {
        size_t begin = memory->bytes;
        TRY(decode_into(text, plus_is_space, memory));
        decoded = slice_of(memory->at + begin, memory->bytes - begin);
    }
    if (!utf8_is_valid(decoded))
        return -ERR_FORMAT;
    *ret_text = decoded;
    return 0;
}

bool http_url_query(struct slice query, const char *name, struct slice *ret_value)
{
    struct slice wanted = slice_text(name);
    while (query.bytes > 0) {
        const char *end = memchr(query.at, '&', query.bytes);
        struct slice pair =
            slice_of(query.at, end != NULL ? (size_t)(end - query.at) : query.bytes);
        query = slice_skip(query, end != NULL ? pair.bytes + 1 : pair.bytes);
        const char *equals = pair.bytes > 0 ? memchr(pair.at, '=', pair.bytes) : NULL;
        size_t name_bytes = equals != NULL ? (size_t)(equals - pair.at) : pair.bytes;
        if (!slice_equal(slice_of(pair.at, name_bytes), wanted))
            continue;
        *ret_value = equals != NULL ? slice_skip(pair, name_bytes + 1) : SLICE_NONE;
        return true;
    }
    return false;
}

int http_url_query_text(struct slice query, const char *name, struct buf *memory,
                        struct slice *ret_value)
{
    struct slice value;
    if (!http_url_query(query, name, &value))
        return -ERR_NOT_FOUND;
    return http_url_decode(value, true, memory, ret_value);
}
