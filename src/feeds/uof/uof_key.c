/* uof_key.c - contract in uof_key.h. */
#include "feeds/uof/uof_key.h"

#include "core/ids.h"
#include "feeds/uof/uof_message.h"

struct specifier {
    struct slice name, value;
};

bool uof_id_valid(struct slice id, size_t bytes_max)
{
    for (size_t i = 0; i < id.bytes; i++)
        if ((unsigned char)id.at[i] <= ' ' || id.at[i] == 0x7f)
            return false;
    return id.bytes > 0 && id.bytes <= bytes_max;
}

static size_t position(struct slice text, char c)
{
    const char *found = text.bytes > 0 ? memchr(text.at, c, text.bytes) : NULL;
    return found == NULL ? text.bytes : (size_t)(found - text.at);
}

static bool contains(struct slice text, char c)
{
    return position(text, c) < text.bytes;
}

static bool split(struct slice pair, struct specifier *ret)
{
    size_t at = position(pair, '=');
    if (at == pair.bytes)
        return false;
    ret->name = slice_of(pair.at, at);
    ret->value = slice_skip(pair, at + 1);
    return uof_id_valid(ret->name, MARKET_ID_BYTES_MAX) && !contains(ret->name, ',') &&
           uof_id_valid(ret->value, MARKET_ID_BYTES_MAX) && !contains(ret->value, '=');
}

static int compare(struct slice a, struct slice b)
{
    size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = memcmp(a.at, b.at, bytes);
    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

/* Into its place among those before it. False: the name is there already. */
static bool insert(struct specifier *sorted, size_t count, struct specifier item)
{
    size_t at = count;
    for (; at > 0 && compare(item.name, sorted[at - 1].name) <= 0; at--) {
        if (slice_equal(item.name, sorted[at - 1].name))
            return false;
        sorted[at] = sorted[at - 1];
    }
    sorted[at] = item;
    return true;
}

static bool put_specifiers(struct buf *buf, struct slice text)
{
    struct specifier sorted[UOF_SPECIFIERS_MAX];
    size_t count = 0;
    while (text.bytes > 0) {
        size_t end = position(text, '|');
        struct specifier item;
        if (count == UOF_SPECIFIERS_MAX || !split(slice_of(text.at, end), &item) ||
            !insert(sorted, count, item))
            return false;
        count++;
        text = slice_skip(text, end < text.bytes ? end + 1 : end);
    }
    for (size_t i = 0; i < count; i++) {
        buf_put_char(buf, i == 0 ? '/' : ',');
        buf_put_slice(buf, sorted[i].name);
        buf_put_char(buf, '=');
        buf_put_slice(buf, sorted[i].value);
    }
    return true;
}

bool uof_key_write(struct buf *buf, struct slice event_id, struct slice id, struct slice specifiers)
{
    size_t begin = buf->bytes;
    if (!uof_id_valid(event_id, EVENT_ID_BYTES_MAX) || contains(event_id, '/') ||
        !uof_id_valid(id, MARKET_ID_BYTES_MAX) || contains(id, '/'))
        return false;
    buf_put_slice(buf, event_id);
    buf_put_char(buf, '/');
    buf_put_slice(buf, id);
    return put_specifiers(buf, specifiers) && !buf->overflow &&
           buf->bytes - begin <= MARKET_ID_BYTES_MAX;
}

static struct slice behind(struct slice text, char c)
{
    size_t at = position(text, c);
    return at == text.bytes ? SLICE_NONE : slice_skip(text, at + 1);
}

struct slice uof_key_id(struct slice key)
{
    struct slice id = behind(key, '/');
    return slice_of(id.at, position(id, '/'));
}

struct slice uof_key_specifiers(struct slice key)
{
    return behind(behind(key, '/'), '/');
}

/* Up to the comma before the next name: a value may hold commas, a name may not. */
static size_t value_bytes(struct slice value)
{
    size_t end = position(value, '=');
    if (end == value.bytes)
        return end;
    while (end > 0 && value.at[end] != ',')
        end--;
    return end;
}

struct slice uof_key_value(struct slice key, struct slice name)
{
    struct slice rest = uof_key_specifiers(key);
    while (rest.bytes > 0) {
        size_t equals = position(rest, '=');
        struct slice value = behind(rest, '=');
        size_t end = value_bytes(value);
        if (slice_equal(slice_of(rest.at, equals), name))
            return slice_of(value.at, end);
        rest = slice_skip(value, end < value.bytes ? end + 1 : end);
    }
    return SLICE_NONE;
}
