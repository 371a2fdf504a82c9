/* options_uof.c - contract in options_uof.h. */
#include "cli/options/options_uof.h"

#include "base/error.h"

static int refuse(struct buf *why, const char *what)
{
    buf_put_text(why, what);
    return -ERR_CONFIG;
}

static int take_recovery(const struct options *options, struct node_uof_recovery_options *ret,
                         struct buf *why)
{
    const char *apis = options_text(options, "uof-recovery");
    int64_t window_min = 0;
    ret->ca = options_text(options, "uof-recovery-ca");
    TRY(options_number(options, "uof-node", (struct number_range){0, INT32_MAX},
                       &ret->rules.node_id, why));
    TRY(options_number(options, "uof-recovery-window-min", (struct number_range){1, 10080},
                       &window_min, why));
    ret->rules.window_ms = window_min * 60 * 1000;
    if (apis == NULL)
        return 0;
    buf_put_text(why, "--uof-recovery: ");
    TRY(uof_recovery_parse(&ret->rules, slice_text(apis), why));
    why->bytes = 0;
    return 0;
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
    return take_recovery(options, &ret->recovery, why);
}
