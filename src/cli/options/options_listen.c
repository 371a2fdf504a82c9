/* options_listen.c - contract in options_listen.h. */
#include "cli/options/options_listen.h"

#include "base/error.h"

static int take_address(const struct options *options, const char *key, struct net_address *ret,
                        struct buf *why)
{
    const char *text = options_text(options, key);
    if (net_address_parse(slice_text(text), ret) == 0)
        return 0;
    buf_printf(why, "--%s is HOST:PORT with a numeric host, not: %s", key, text);
    return -ERR_CONFIG;
}

static int take_rules(const struct options *options, struct tls_files *ret, struct buf *why)
{
    struct slice least = slice_text(options_text(options, "tls-min"));
    ret->allow_1_2 = slice_is(least, "1.2");
    if (!ret->allow_1_2 && !slice_is(least, "1.3")) {
        buf_printf(why, "--tls-min is 1.3 or 1.2, not: %.*s", SLICE_ARG(least));
        return -ERR_CONFIG;
    }
    return options_switch(options, "tls-kernel", &ret->kernel, why);
}

static int take_files(const struct options *options, const char *cert_key, const char *key_key,
                      struct tls_files *ret, struct buf *why)
{
    TRY(take_rules(options, ret, why));
    ret->certificates = options_text(options, cert_key);
    ret->key = options_text(options, key_key);
    if ((ret->certificates == NULL) == (ret->key == NULL))
        return 0;
    buf_printf(why, "--%s and --%s come together", cert_key, key_key);
    return -ERR_CONFIG;
}

static int refuse(struct buf *why, const char *sentence)
{
    buf_put_text(why, sentence);
    return -ERR_CONFIG;
}

static int take_public(const struct options *options, struct node_listen_options *ret,
                       struct net_address *ret_public, struct buf *why)
{
    ret->plain = !slice_is(slice_text(options_text(options, "listen")), "off");
    ret->tls = options_text(options, "tls-listen") != NULL;
    if (ret->plain)
        TRY(take_address(options, "listen", ret_public, why));
    if (ret->tls)
        TRY(take_address(options, "tls-listen", &ret->tls_address, why));
    TRY(take_files(options, "tls-cert", "tls-key", &ret->public_files, why));
    if (!ret->plain && !ret->tls)
        return refuse(why, "--listen off needs --tls-listen: nobody could connect");
    if (ret->tls != (ret->public_files.certificates != NULL))
        return refuse(why, "--tls-listen, --tls-cert and --tls-key come together");
    return 0;
}

int options_listen(const struct options *options, struct node_listen_options *ret,
                   struct net_address *ret_public, struct net_address *ret_admin, struct buf *why)
{
    TRY(take_public(options, ret, ret_public, why));
    TRY(take_address(options, "admin", ret_admin, why));
    TRY(take_files(options, "admin-tls-cert", "admin-tls-key", &ret->admin_files, why));
    ret->admin_files.client_ca = options_text(options, "admin-client-ca");
    if (ret->admin_files.client_ca != NULL && ret->admin_files.certificates == NULL)
        return refuse(why, "--admin-client-ca needs --admin-tls-cert and --admin-tls-key");
    return 0;
}

/* Networks with commas between. */
static int take_proxies(const struct options *options, const char *key, struct node_proxies *ret,
                        struct buf *why)
{
    const char *text = options_text(options, key);
    if (text == NULL)
        return 0;
    struct slice rest = slice_text(text);
    do {
        const char *comma = memchr(rest.at, ',', rest.bytes);
        size_t bytes = comma == NULL ? rest.bytes : (size_t)(comma - rest.at);
        if (ret->count == NODE_PROXIES_MAX) {
            buf_printf(why, "--%s has more than %d networks", key, NODE_PROXIES_MAX);
            return -ERR_CONFIG;
        }
        if (net_range_parse(slice_of(rest.at, bytes), &ret->ranges[ret->count++]) < 0 ||
            bytes + 1 == rest.bytes) {
            buf_printf(why, "--%s is networks such as 10.0.0.0/8,2001:db8::1; not: %s", key, text);
            return -ERR_CONFIG;
        }
        rest = slice_skip(rest, comma == NULL ? bytes : bytes + 1);
    } while (rest.bytes > 0);
    return 0;
}

int options_proxies(const struct options *options, struct node_listen_options *ret, struct buf *why)
{
    TRY(take_proxies(options, "listen-proxies", &ret->plain_proxies, why));
    TRY(take_proxies(options, "tls-listen-proxies", &ret->tls_proxies, why));
    if ((ret->plain_proxies.count > 0 && !ret->plain) || (ret->tls_proxies.count > 0 && !ret->tls))
        return refuse(why, "proxies for a listener that is not there");
    return 0;
}
