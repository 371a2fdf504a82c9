/* uof_place.c - contract in uof_place.h. */
#include "feeds/uof/uof_place.h"

#include "base/error.h"

static int refuse(struct buf *why, const char *what)
{
    buf_printf(why, "the broker's URL: %s", what);
    return -ERR_CONFIG;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* False: an escape that is none, a NUL (PLAIN has no place for it), or it does not fit. */
static bool unescape(struct slice from, char *to, size_t capacity, size_t *ret_bytes)
{
    size_t bytes = 0;
    for (size_t i = 0; i < from.bytes; i++) {
        char c = from.at[i];
        if (c == '%') {
            int high = i + 2 < from.bytes ? hex_of(from.at[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_of(from.at[i + 2]);
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || bytes == capacity)
            return false;
        to[bytes++] = c;
    }
    *ret_bytes = bytes;
    return true;
}

static int take_scheme(struct slice *url, struct uof_place *place, struct buf *why)
{
    struct slice plain = SLICE("amqp://"), tls = SLICE("amqps://");
    place->tls = slice_begins(*url, tls);
    if (!place->tls && !slice_begins(*url, plain))
        return refuse(why, "it begins with amqp:// or amqps://");
    *url = slice_skip(*url, place->tls ? tls.bytes : plain.bytes);
    return 0;
}

static int take_auth(struct slice *url, struct uof_place *place, struct buf *why)
{
    struct slice user = SLICE("guest"), password = SLICE("guest");
    if (slice_cut(url, '@', &password)) {
        if (!slice_cut(&password, ':', &user)) {
            user = password;
            password = SLICE_NONE;
        }
    }
    if (unescape(user, place->user, sizeof place->user, &place->user_bytes) &&
        unescape(password, place->password, sizeof place->password, &place->password_bytes))
        return 0;
    return refuse(why, "the user or the password is too long, or not percent-encoded");
}

int uof_place_parse(struct slice url, struct uof_place *ret_place, struct buf *why)
{
    struct uof_place place = {.tls = false};
    struct slice host;
    TRY(take_scheme(&url, &place, why));
    TRY(take_auth(&url, &place, why));
    if (!slice_cut(&url, '/', &host)) {
        host = url;
        url = SLICE_NONE;
    }
    if (url.bytes == 0)
        url = SLICE("/");
    if (memchr(url.at, '/', url.bytes) != NULL && url.bytes > 1)
        return refuse(why, "a / in the vhost is written %2F");
    if (!unescape(url, place.vhost, sizeof place.vhost, &place.vhost_bytes))
        return refuse(why, "the vhost is too long, or not percent-encoded");
    if (net_address_parse_peer(host, &place.address) < 0)
        return refuse(why, "the host is HOST:PORT, an address or a name");
    *ret_place = place;
    return 0;
}

int uof_place_keys(struct slice text, struct slice keys[UOF_KEYS_MAX], size_t *ret_count,
                   struct buf *why)
{
    size_t count = 0;
    bool more = true;
    while (more) {
        struct slice key;
        more = slice_cut(&text, ' ', &key);
        if (!more)
            key = text;
        if (key.bytes == 0)
            continue;
        if (key.bytes > UOF_SHORT_BYTES_MAX || count == UOF_KEYS_MAX) {
            buf_printf(why, "at most %d routing keys of at most %d bytes", UOF_KEYS_MAX,
                       UOF_SHORT_BYTES_MAX);
            return -ERR_CONFIG;
        }
        keys[count++] = key;
    }
    *ret_count = count;
    if (count > 0)
        return 0;
    buf_put_text(why, "there is no routing key");
    return -ERR_CONFIG;
}
