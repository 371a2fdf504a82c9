/* options_desk.c - contract in options_desk.h. */
#include "cli/options/options_desk.h"

#include "base/error.h"
#include "cli/command.h"

static int refuse(const char *what, const char *text, struct buf *why)
{
    buf_printf(why, "--desk is HOST:PORT,... of the admin listeners that may be the desk's; %s: %s",
               what, text);
    return -ERR_CONFIG;
}

_Static_assert(PEER_LINK_ADDRESSES_MAX == 8, "as it is said");

static int take_addresses(const char *text, struct peer_address *desk, struct buf *why)
{
    struct slice rest = slice_text(text);
    do {
        if (desk->count == PEER_LINK_ADDRESSES_MAX)
            return refuse("more than 8", text, why);
        if (net_address_parse_peer(slice_next(&rest, ','), &desk->of[desk->count++]) < 0)
            return refuse("no address", text, why);
    } while (rest.bytes > 0);
    return 0;
}

/* Shard 0 is the desk where none is apart; whoever takes the shard that is free may find that it is
 * so. */
static int check_shard(const struct node_options *node, const char *text, struct buf *why)
{
    if (shard_place_is_desk(node->shard))
        return refuse("this is the desk itself", text, why);
    if (node->desk_apart)
        return 0;
    if (node->shard.shards == 1)
        return refuse("a book of one --shards has none elsewhere, but a --desk-apart", text, why);
    if (node->shard.shard == 0 && !node->any_shard)
        return refuse("--shard 0 is the desk itself, but for a --desk-apart", text, why);
    return 0;
}

int options_desk(const struct options *options, struct node_options *ret, struct buf *why)
{
    static char memory[PEER_LINK_TOKEN_BYTES_MAX];
    struct buf token = buf_over(memory, sizeof memory);
    const char *text = options_text(options, "desk");
    TRY(options_switch(options, "desk-apart", &ret->desk_apart, why));
    if (text == NULL && ret->desk_apart) {
        buf_put_text(why, "--desk-apart needs --desk: where it is");
        return -ERR_CONFIG;
    }
    if (text == NULL)
        return 0;
    TRY(check_shard(ret, text, why));
    TRY(take_addresses(text, &ret->desk, why));
    if (options_text(options, "desk-token") == NULL) {
        buf_put_text(why, "--desk needs --desk-token: a file with a token of role shard");
        return -ERR_CONFIG;
    }
    TRY(command_read_token(options_text(options, "desk-token"), &token, why));
    ret->desk.token = token.at;
    ret->desk.tls = (struct tls_client_files){.ca = options_text(options, "desk-ca"),
                                              .server_name = options_text(options, "desk-name"),
                                              .certificates = options_text(options, "desk-cert"),
                                              .key = options_text(options, "desk-key"),
                                              .resume = true};
    return 0;
}
