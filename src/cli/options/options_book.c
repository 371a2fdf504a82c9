/* options_book.c - contract in options_book.h. */
#include "cli/options/options_book.h"

#include "base/error.h"

#define EVERY UINT32_MAX

static int refuse(struct slice word, const char *what, struct buf *why)
{
    buf_printf(why,
               "--book is [SHARD=]HOST:PORT,... of the admin listeners of the book's processes; "
               "%s: %.*s",
               what, SLICE_ARG(word));
    return -ERR_CONFIG;
}

/* "3=" in front of the addresses. */
static int take_shard(struct slice *word, uint32_t shards, uint32_t *ret_shard, struct buf *why)
{
    struct slice rest = *word;
    struct slice number = slice_next(&rest, '=');
    uint32_t shard = 0;
    *ret_shard = EVERY;
    if (number.bytes == word->bytes)
        return 0;
    for (size_t i = 0; i < number.bytes; i++) {
        if (number.at[i] < '0' || number.at[i] > '9' || shard >= SHARDS_MAX)
            return refuse(*word, "no shard", why);
        shard = shard * 10 + (uint32_t)(number.at[i] - '0');
    }
    if (number.bytes == 0 || shard >= shards)
        return refuse(*word, "none of --shards", why);
    *ret_shard = shard;
    *word = rest;
    return 0;
}

static bool add(struct front_book *book, const struct net_address *address)
{
    if (book->count == PEER_LINK_ADDRESSES_MAX)
        return false;
    book->addresses[book->count++] = *address;
    return true;
}

static int take_word(struct slice word, struct front_options *front, struct buf *why)
{
    uint32_t shards = front->node.shard.shards, shard = EVERY;
    struct slice whole = word;
    TRY(take_shard(&word, shards, &shard, why));
    do {
        struct net_address address;
        struct slice text = slice_next(&word, ',');
        if (net_address_parse_peer(text, &address) < 0)
            return refuse(whole, "no address", why);
        for (uint32_t i = 0; i < shards; i++)
            if ((shard == EVERY || shard == i) && !add(&front->books[i], &address))
                return refuse(whole, "more than 8 for a shard", why);
    } while (word.bytes > 0);
    return 0;
}

_Static_assert(PEER_LINK_ADDRESSES_MAX == 8, "as it is said");

static int take_words(struct slice rest, struct front_options *front, struct buf *why)
{
    uint32_t shards = front->node.shard.shards;
    if (shards > BET_SHARDS_PORTS_MAX) {
        buf_printf(why, "--shards: a front asks the books of %d at most", BET_SHARDS_PORTS_MAX);
        return -ERR_CONFIG;
    }
    while (rest.bytes > 0) {
        struct slice word = slice_next(&rest, ' ');
        if (word.bytes > 0)
            TRY(take_word(word, front, why));
    }
    for (uint32_t i = 0; i < shards; i++)
        if (front->books[i].count == 0) {
            buf_printf(why, "--book: no address of shard %u of --shards %u", i, shards);
            return -ERR_CONFIG;
        }
    return 0;
}

int options_book(const struct options *options, struct front_options *front, struct buf *why)
{
    const char *text = options_text(options, "book");
    if (text == NULL)
        return refuse(SLICE("(missing)"), "not", why);
    front->book_tls = (struct tls_client_files){.ca = options_text(options, "book-ca"),
                                                .server_name = options_text(options, "book-name"),
                                                .certificates = options_text(options, "book-cert"),
                                                .key = options_text(options, "book-key"),
                                                .resume = true};
    return take_words(slice_text(text), front, why);
}
