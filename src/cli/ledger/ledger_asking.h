/* ledger_asking.h - a tree keeper for one question of an offline tool: it covers the whole log of a
 * folder whose server has ended. Thread: one. */
#pragma once

#include "adapters/embedded/tree_keeper.h"
#include "cli/ledger/ledger_cmd.h"
#include "cli/node/tree_key.h"

struct ledger_asking {
    const struct ledger_opened *opened;
    const struct ledger_asked *asked;
    bool in_place; /* in the folder's own tree, which it changes; else in one made for this */
    bool no_key;   /* nothing is signed by the key of now */

    struct tree_keys keys; /* the rest is ledger_asking_run's */
    int keys_folder;
    char folder[512]; /* of the tree */
    bool made;        /* and removed */
    struct disk *disk;
    struct sign_key *key;
    struct tree_keeper *keeper;
    int event;
    bool done;
    int error;
};

/* Runs `use` with the keeper. 0, or an error with a sentence in `why`. */
int ledger_asking_run(struct ledger_asking *asking,
                      int (*use)(struct ledger_asking *asking, struct buf *why), struct buf *why);
/* For use(): asks, or changes the key, and waits until it is answered. */
int ledger_asking_ask(struct ledger_asking *asking, struct tree_ask *ask, struct buf *why);
int ledger_asking_rotate(struct ledger_asking *asking, struct tree_rotate *rotate, struct buf *why);
/* The links of the folder's own tree, whichever the keeper works in; zeros where there is none. */
int ledger_asking_links(const struct ledger_asking *asking, struct tree_chain *ret_chain,
                        struct buf *why);
