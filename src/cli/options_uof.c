/* options_uof.c - contract in options_uof.h. */
#include "cli/options_uof.h"

#include "base/error.h"

static int refuse(struct buf *why, const char *what)
{
    buf_put_text(why, what);
    return -ERR_CONFIG;
}

int options_uof(const struct options *options, struct node_uof_options *ret, struct buf *why)
{
    const char *url = options_text(options, "uof");
    ret->ca = options_text(options, "uof-ca");
    ret->name = options_text(options, "uof-name");
    ret->exchange = slice_text(options_text(options, "uof-exchange"));
    if (url == NULL)
        return 0;
    ret->on = true;
    buf_put_text(why, "--uof, ");
    TRY(uof_place_parse(slice_text(url), &ret->place, why));
    why->bytes = 0;
    buf_put_text(why, "--uof-keys: ");
    TRY(uof_place_keys(slice_text(options_text(options, "uof-keys")), ret->keys, &ret->keys_count,
                       why));
    why->bytes = 0;
    if (ret->exchange.bytes == 0 || ret->exchange.bytes > UOF_SHORT_BYTES_MAX)
        return refuse(why, "--uof-exchange is the name of an exchange, of at most 255 bytes");
    if (ret->place.tls && ret->ca == NULL)
        return refuse(why, "--uof amqps:// needs --uof-ca: who vouches for the broker");
    return 0;
}
