/* options_book.h - where a front finds the books of its shards. Thread: any. */
#pragma once

#include "cli/node/front_process.h"
#include "cli/options/options.h"

/* clang-format off */
#define BOOK_SPECS                                                                                 \
    {"book", option_list},                                                                         \
    {"book-ca", NULL},                                                                             \
    {"book-name", NULL},                                                                           \
    {"book-cert", NULL},                                                                           \
    {"book-key", NULL}
/* clang-format on */

/* "0=HOST:PORT,HOST:PORT 1=HOST:PORT": a shard's addresses; without a number those of every shard.
 * Each of node.shard.shards has at least one. 0, or -ERR_CONFIG with a sentence. */
int options_book(const struct options *options, struct front_options *front, struct buf *why);
