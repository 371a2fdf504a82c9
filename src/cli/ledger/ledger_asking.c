/* ledger_asking.c - contract in ledger_asking.h. */
#include "cli/ledger/ledger_asking.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/embedded/tree_links.h"
#include "base/error.h"
#include "base/instant.h"
#include "crypto/key_files.h"

static void on_notify(void *owner)
{
    uint64_t one = 1;
    ssize_t written = write(((struct ledger_asking *)owner)->event, &one, sizeof one);
    (void)written; /* a full counter is a wake-up too */
}

static int own_tree(const struct ledger_asking *asking, char *ret_path, size_t room)
{
    int bytes = snprintf(ret_path, room, "%s/tree", asking->asked->data);
    return bytes < 0 || (size_t)bytes >= room ? -ERR_LIMIT : 0;
}

/* ---- the keys ---- */

/* The folder of the keys is never made here. */
static int open_keys(struct ledger_asking *asking, struct buf *why)
{
    char path[sizeof asking->folder];
    int bytes = snprintf(path, sizeof path, "%s/keys", asking->asked->data);
    if (bytes < 0 || (size_t)bytes >= sizeof path || access(path, X_OK) != 0) {
        buf_printf(why, "there is no folder %s/keys", asking->asked->data);
        return -ERR_NOT_FOUND;
    }
    TRY(key_files_open(asking->asked->data, &asking->keys_folder, why));
    asking->keys = (struct tree_keys){.folder = asking->keys_folder, .token = asking->asked->token};
    return 0;
}

/* A key is made only where nothing was signed and the folder may be changed. */
static int load_key(struct ledger_asking *asking, struct buf *why)
{
    char path[sizeof asking->folder];
    struct disk *own = NULL;
    TRY(own_tree(asking, path, sizeof path));
    int error = disk_open_to_read(path, &own);
    if (error == -ERR_NOT_FOUND) {
        buf_printf(why, "there is no folder %s", path);
        return error;
    }
    TRY(error);
    error = tree_key_load(&asking->keys, own, &asking->key, why);
    disk_free(own);
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    if (error == 0)
        error = sign_key_public(asking->key, public_key);
    if (error == -ERR_ABSENT)
        buf_printf(why, "the key that signs is away: %s", sign_key_problem(asking->key));
    return error;
}

/* ---- the keeper ---- */

static int open_folder(struct ledger_asking *asking)
{
    if (asking->in_place) {
        TRY(own_tree(asking, asking->folder, sizeof asking->folder));
    } else {
        (void)snprintf(asking->folder, sizeof asking->folder, "/tmp/overround-tree-XXXXXX");
        asking->made = mkdtemp(asking->folder) != NULL;
        if (!asking->made)
            return -ERR_IO;
    }
    return disk_open_directory(asking->folder, &asking->disk);
}

static int begin(struct ledger_asking *asking, struct buf *why)
{
    char text[TREE_KEEPER_TEXT_BYTES] = "";
    TRY(open_keys(asking, why));
    if (!asking->no_key)
        TRY(load_key(asking, why));
    TRY(open_folder(asking));
    const struct tree_keeper_options options = {
        .shard = asking->opened->shard,
        .key = asking->key,
        .interval_us = US_PER_SECOND,
        .on_demand_per_s = 1,
        .heads_file = asking->asked->heads_file,
        .next_key = tree_key_next,
        .next_key_owner = &asking->keys,
    };
    TRY(tree_keeper_new(&options, &asking->keeper));
    struct ledger_tree *tree = tree_keeper_tree(asking->keeper);
    tree->notify = on_notify;
    tree->notify_owner = asking;
    int error = tree_keeper_start(asking->keeper, asking->disk, asking->opened->log, text);
    buf_put_text(why, text);
    TRY(error);
    return tree_keeper_catch_up(asking->keeper);
}

static int remove_one(void *owner, const char *name)
{
    struct ledger_asking *asking = owner;
    return asking->disk->ops->unlink(asking->disk, name);
}

static void end(struct ledger_asking *asking)
{
    if (asking->keeper != NULL)
        tree_keeper_detach(asking->keeper);
    tree_keeper_free(asking->keeper);
    if (asking->made && asking->disk != NULL)
        (void)asking->disk->ops->list(asking->disk, remove_one, asking);
    disk_free(asking->disk);
    if (asking->made)
        (void)rmdir(asking->folder);
    sign_key_free(asking->key);
    if (asking->keys_folder >= 0)
        close(asking->keys_folder);
    if (asking->event >= 0)
        close(asking->event);
}

int ledger_asking_run(struct ledger_asking *asking,
                      int (*use)(struct ledger_asking *asking, struct buf *why), struct buf *why)
{
    asking->keys_folder = -1;
    asking->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = asking->event < 0 ? -ERR_IO : begin(asking, why);
    if (error == 0)
        error = use(asking, why);
    end(asking);
    return error;
}

/* ---- questions ---- */

static void on_asked(struct tree_ask *ask, int error)
{
    struct ledger_asking *asking = ask->owner;
    asking->done = true;
    asking->error = error;
}

static void on_rotated(struct tree_rotate *rotate, int error)
{
    struct ledger_asking *asking = rotate->owner;
    asking->done = true;
    asking->error = error;
}

static int wait_for_answer(struct ledger_asking *asking)
{
    struct ledger_tree *tree = tree_keeper_tree(asking->keeper);
    struct pollfd fd = {asking->event, POLLIN, 0};
    while (!asking->done) {
        uint64_t count;
        if (poll(&fd, 1, 1000) > 0 && read(asking->event, &count, sizeof count) < 0)
            return -ERR_IO;
        tree->ops->poll(tree);
    }
    return asking->error;
}

int ledger_asking_ask(struct ledger_asking *asking, struct tree_ask *ask, struct buf *why)
{
    struct ledger_tree *tree = tree_keeper_tree(asking->keeper);
    ask->on_done = on_asked;
    ask->owner = asking;
    asking->done = false;
    TRY(tree->ops->ask(tree, ask));
    int error = wait_for_answer(asking);
    if (error == -ERR_CORRUPT)
        buf_put_text(why, "the tree does not fit the log: see ledger verify");
    return error;
}

int ledger_asking_rotate(struct ledger_asking *asking, struct tree_rotate *rotate, struct buf *why)
{
    struct ledger_tree *tree = tree_keeper_tree(asking->keeper);
    rotate->on_done = on_rotated;
    rotate->owner = asking;
    asking->done = false;
    TRY(tree->ops->rotate(tree, rotate));
    int error = wait_for_answer(asking);
    if (error == -ERR_CORRUPT)
        buf_put_text(why, "the tree does not fit the log: see ledger verify");
    else if (error < 0)
        buf_put_text(why, rotate->text);
    return error;
}

int ledger_asking_links(const struct ledger_asking *asking, struct tree_chain *ret_chain,
                        struct buf *why)
{
    char path[sizeof asking->folder], text[TREE_LINKS_TEXT_BYTES] = "";
    struct tree_links links = {.file = -1};
    struct sha256 *sha = NULL;
    struct disk *disk = NULL;
    TRY(own_tree(asking, path, sizeof path));
    TRY(sha256_new(&sha));
    int error = disk_open_to_read(path, &disk);
    if (error == 0)
        error = tree_links_open(&links, disk, 0, sha, text);
    buf_put_text(why, text);
    if (error == 0)
        *ret_chain = links.chain;
    if (disk != NULL)
        tree_links_close(&links);
    disk_free(disk);
    sha256_free(sha);
    return error;
}
