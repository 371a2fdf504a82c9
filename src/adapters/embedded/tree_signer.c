/* tree_signer.c - contract in tree_signer.h. */
#include "adapters/embedded/tree_signer.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

static int say(struct tree_signer *signer, int error, const char *what, const char *more)
{
    (void)snprintf(signer->text, sizeof signer->text, "%s%s", what, more);
    return error;
}

/* ---- begin and end ---- */

/* Whether the key may sign, when it is there to be asked. */
static int check_key(struct tree_signer *signer)
{
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    const uint8_t *authorized = tree_signer_authorized(signer);
    int error = sign_key_public(signer->key, public_key);
    if (error < 0) {
        signer->problem = error;
        return say(signer, -ERR_ABSENT, "the signing key: ", sign_key_problem(signer->key));
    }
    if (authorized == NULL || memcmp(authorized, public_key, sizeof public_key) == 0)
        return 0;
    signer->problem = -ERR_CONFIG;
    return say(signer, -ERR_CONFIG,
               "the signing key is not the one that the ledger's heads are "
               "signed with, and no link leads to it",
               "");
}

static int check_newest(struct tree_signer *signer)
{
    if (signer->heads.count == 0)
        return 0;
    enum tree_chain_verdict verdict = tree_chain_judge(&signer->links.chain, &signer->heads.newest);
    return verdict == CHAIN_OK
               ? 0
               : say(signer, -ERR_CORRUPT, "the newest signed head: ", tree_chain_text(verdict));
}

int tree_signer_open(struct tree_signer *signer, struct disk *disk, uint32_t shard,
                     struct sign_key *key, bool changes)
{
    _Static_assert(TREE_LINKS_TEXT_BYTES <= TREE_SIGNER_TEXT_BYTES, "one text for both");
    memset(signer, 0, sizeof *signer);
    signer->heads.file = signer->heads.outside_file = signer->links.file = -1;
    signer->shard = shard;
    signer->size_max = UINT64_MAX;
    signer->key = key;
    TRY(sha256_new(&signer->sha));
    TRY(tree_links_open(&signer->links, disk, shard, signer->sha, signer->text));
    if (changes)
        TRY(tree_links_renew(&signer->links));
    TRY(tree_heads_open(&signer->heads, disk, shard, changes));
    TRY(check_newest(signer));
    int error = key == NULL ? 0 : check_key(signer);
    return error == -ERR_ABSENT ? 0 : error;
}

void tree_signer_close(struct tree_signer *signer)
{
    if (signer->sha == NULL)
        return; /* never opened */
    tree_heads_close(&signer->heads);
    tree_links_close(&signer->links);
    sha256_free(signer->sha);
    sign_key_free(signer->owned);
    signer->owned = NULL;
    signer->sha = NULL;
}

const uint8_t *tree_signer_authorized(const struct tree_signer *signer)
{
    const uint8_t *key = tree_chain_key(&signer->links.chain);
    return key != NULL || signer->heads.count == 0 ? key : signer->heads.newest.key;
}

static const struct tree_link *last_link(const struct tree_signer *signer)
{
    const struct tree_chain *chain = &signer->links.chain;
    return chain->count == 0 ? NULL : &chain->links[chain->count - 1];
}

uint64_t tree_signer_size(const struct tree_signer *signer)
{
    const struct tree_link *link = last_link(signer);
    uint64_t linked = link == NULL ? 0 : link->root.size;
    uint64_t signed_size = signer->heads.count == 0 ? 0 : signer->heads.newest.root.size;
    return linked > signed_size ? linked : signed_size;
}

/* ---- heads ---- */

static int check_root(struct tree_signer *signer, struct tree_file *tree,
                      const struct merkle_root *kept, const uint8_t log_id[16])
{
    struct merkle_root root;
    if (tree_file_size(tree) < kept->size)
        return -ERR_BUSY;
    TRY(tree_file_root(tree, kept->size, &root));
    return merkle_equal(&root.hash, &kept->hash) &&
                   memcmp(log_id, signer->log_id, sizeof signer->log_id) == 0
               ? 0
               : -ERR_CORRUPT;
}

/* A crash may have lost the newest heads, which are not synced one by one, but never a link. */
int tree_signer_check_past(struct tree_signer *signer, struct tree_file *tree)
{
    const struct tree_link *link = last_link(signer);
    if (signer->past_checked)
        return 0;
    if (signer->heads.count > 0)
        TRY(check_root(signer, tree, &signer->heads.newest.root, signer->heads.newest.log_id));
    if (link != NULL)
        TRY(check_root(signer, tree, &link->root, link->log_id));
    signer->past_checked = true;
    return 0;
}

static int64_t time_of_next(const struct tree_signer *signer, int64_t now_us)
{
    const struct tree_link *link = last_link(signer);
    if (link != NULL && now_us < link->time_us)
        now_us = link->time_us;
    if (signer->heads.count > 0 && now_us < signer->heads.newest.time_us)
        now_us = signer->heads.newest.time_us;
    return now_us;
}

static int sign_and_keep(struct tree_signer *signer, const struct merkle_root *root, int64_t now_us)
{
    unsigned char bytes[TREE_HEAD_BYTES];
    struct tree_head head = {
        .shard = signer->shard, .time_us = time_of_next(signer, now_us), .root = *root};
    memcpy(head.log_id, signer->log_id, sizeof head.log_id);
    int error = check_key(signer);
    if (error < 0)
        return -ERR_ABSENT;
    error = tree_head_sign(&head, signer->key, bytes);
    if (error < 0) {
        signer->problem = error;
        return say(signer, -ERR_ABSENT, "the signing key: ", sign_key_problem(signer->key));
    }
    signer->problem = 0;
    signer->text[0] = '\0';
    return tree_heads_keep(&signer->heads, &head, bytes);
}

/* What was signed for once stays so. */
static uint64_t size_to_sign(const struct tree_signer *signer, const struct tree_file *tree)
{
    uint64_t before = tree_signer_size(signer);
    uint64_t max = signer->size_max > before ? signer->size_max : before;
    return tree_file_size(tree) < max ? tree_file_size(tree) : max;
}

int tree_signer_sign(struct tree_signer *signer, struct tree_file *tree, int64_t now_us)
{
    struct merkle_root root;
    if (signer->stopped)
        return -ERR_STOPPED;
    TRY(tree_signer_check_past(signer, tree));
    TRY(tree_file_root(tree, size_to_sign(signer, tree), &root));
    return sign_and_keep(signer, &root, now_us);
}

/* ---- rotation ---- */

static int prepare(struct tree_signer *signer, struct tree_file *tree, struct sign_key *next,
                   struct tree_handover *handover)
{
    struct tree_link link = {.shard = signer->shard, .kind = handover->kind};
    const uint8_t *authorized = tree_signer_authorized(signer);
    bool lost = handover->kind == TREE_LINK_BREAK;
    if (signer->links.chain.count == TREE_LINKS_MAX)
        return say(signer, -ERR_LIMIT, tree_chain_text(CHAIN_FULL), "");
    if (sign_key_prove(next, link.new_key) < 0)
        return say(signer, -ERR_ABSENT, "the new key: ", sign_key_problem(next));
    if (authorized == NULL)
        return say(signer, -ERR_CONFIG, "nothing is signed yet, so there is nothing to hand over",
                   "");
    memcpy(link.old_key, authorized, sizeof link.old_key);
    memcpy(link.log_id, signer->log_id, sizeof link.log_id);
    link.time_us = time_of_next(signer, handover->now_us);
    TRY(tree_file_root(tree, size_to_sign(signer, tree), &link.root));
    tree_chain_next(&signer->links.chain, signer->sha, &link);
    struct sign_key *key = lost ? next : signer->key;
    if (tree_link_sign(&link, key, handover->link) < 0)
        return say(signer, -ERR_ABSENT, "the signing key: ", sign_key_problem(key));
    enum tree_chain_verdict verdict =
        tree_chain_check(&signer->links.chain, signer->sha, handover->link);
    return verdict == CHAIN_OK
               ? 0
               : say(signer, -ERR_CONFIG, "the link would be refused: ", tree_chain_text(verdict));
}

static void take_over(struct tree_signer *signer, struct sign_key **next)
{
    sign_key_free(signer->owned);
    signer->key = signer->owned = *next;
    signer->problem = 0;
    *next = NULL;
}

int tree_signer_rotate(struct tree_signer *signer, struct tree_file *tree, struct sign_key **next,
                       struct tree_handover *handover)
{
    if (signer->stopped)
        return say(signer, -ERR_STOPPED, "a link could not be written: restart first", "");
    if (tree_file_size(tree) == 0) /* whose log this is stands in its first record */
        return say(signer, -ERR_CONFIG, "the log has no records, so there is nothing to hand over",
                   "");
    TRY(tree_signer_check_past(signer, tree));
    if (handover->kind == TREE_LINK_ROTATION) /* the last word of the old key, and it is there */
        TRY(tree_signer_sign(signer, tree, handover->now_us));
    TRY(prepare(signer, tree, *next, handover));
    int error = tree_links_append(&signer->links, handover->link);
    if (error < 0) {
        signer->stopped = true;
        return say(signer, error, "the link could not be written: ", error_text(error));
    }
    take_over(signer, next);
    tree_heads_anchor(&signer->heads, slice_of(handover->link, TREE_LINK_BYTES));
    error = tree_signer_sign(signer, tree, handover->now_us);
    return error == -ERR_ABSENT ? 0 : error; /* the new key is away again: its heads come later */
}
