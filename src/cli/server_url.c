/* server_url.c - contract in server_url.h. */
#include "cli/server_url.h"

#include "base/error.h"

int server_url_take(const struct options *options, const char *key, struct server_url *ret,
                    struct buf *why)
{
    const char *url = options_text(options, key);
    struct slice text = slice_text(url), plain = SLICE("http://"), tls = SLICE("https://");
    ret->tls = slice_begins(text, tls);
    if (ret->tls || slice_begins(text, plain)) {
        text = slice_skip(text, ret->tls ? tls.bytes : plain.bytes);
        if (text.bytes > 0 && text.at[text.bytes - 1] == '/')
            text.bytes--;
        ret->host = text;
        if (net_address_parse_peer(text, &ret->address) == 0)
            return 0;
    }
    buf_printf(why, "--%s is http://HOST:PORT or https://HOST:PORT, not: %s", key, url);
    return -ERR_CONFIG;
}

int server_url_tls_new(const struct options *options, const struct server_url *url, bool resume,
                       struct tls_client **ret_client, struct buf *why)
{
    const struct tls_client_files files = {.ca = options_text(options, "ca"),
                                           .server_name = options_text(options, "server-name"),
                                           .certificates = options_text(options, "client-cert"),
                                           .key = options_text(options, "client-key"),
                                           .resume = resume};
    *ret_client = NULL;
    if (!url->tls)
        return 0;
    if (files.ca == NULL) {
        buf_put_text(why, "https needs --ca: the authorities that may vouch for the server");
        return -ERR_CONFIG;
    }
    if ((files.certificates == NULL) != (files.key == NULL)) {
        buf_put_text(why, "--client-cert and --client-key come together");
        return -ERR_CONFIG;
    }
    return tls_client_new(&files, ret_client, why);
}
