/* sim_tree_keys.c - the keys that sign heads change while heads are made (L8). Key number n is what
 * link number n hands over to; a link that a crash took is made again, with the same key. */
#include <stdio.h>
#include <string.h>

#include "adapters/embedded/tree_links.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"
#include "sim/sim_world.h"

#define ROTATE_BEHIND 100 /* permille of the turns, while the clock is behind what was shown */

/* PKCS 8 of an Ed25519 key, before its 32 bytes (RFC 8410). */
static const unsigned char prefix[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                         0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

int sim_key_new(uint32_t number, struct sign_key **ret_key)
{
    unsigned char der[sizeof prefix + 32];
    char memory[256];
    struct buf pem = buf_over(memory, sizeof memory);
    memcpy(der, prefix, sizeof prefix);
    memset(der + sizeof prefix, 7, 32);
    memcpy(der + sizeof prefix, &number, sizeof number);
    buf_put_text(&pem, "-----BEGIN PRIVATE KEY-----\n");
    base64_write(&pem, slice_of(der, sizeof der));
    buf_put_text(&pem, "\n-----END PRIVATE KEY-----\n");
    ASSERT(!pem.overflow);
    return sign_key_new(buf_slice(&pem), ret_key);
}

/* What is durable of the chain; or what the disk shows, when the machine is down. */
uint32_t sim_links_count(struct disk *disk, struct tree_chain *ret_chain)
{
    struct tree_links links;
    struct sha256 *sha = NULL;
    char text[TREE_LINKS_TEXT_BYTES];
    int error = sha256_new(&sha);
    ASSERT(error == 0);
    error = tree_links_open(&links, disk, 0, sha, text);
    ASSERT(error == 0);
    *ret_chain = links.chain;
    tree_links_close(&links);
    sha256_free(sha);
    return ret_chain->count;
}

/* At a start: the key that the last link names. What was shown with it was durable before. */
int sim_tree_key_open(struct sim *sim)
{
    struct sim_tree *tree = &sim->tree;
    uint32_t count = sim_links_count(faulty_disk_of(sim->disk), &tree->chain);
    SIM_CHECK(count >= tree->key_shown, "L8",
              "a head of key %u was shown, and %u links of keys are there", tree->key_shown, count);
    tree->rotating = false;
    if (tree->key != NULL && tree->key_number == count)
        return 0;
    sign_key_free(tree->key);
    tree->key = NULL;
    tree->key_number = count;
    return sim_key_new(count, &tree->key);
}

static int next_key(void *owner, const struct tree_rotate *rotate, uint32_t links,
                    struct sign_key **ret_key, struct buf *why)
{
    (void)owner, (void)rotate, (void)why;
    return sim_key_new(links + 1, ret_key);
}

void sim_tree_key_options(struct sim *sim, struct tree_keeper_options *options)
{
    options->key = sim->tree.key;
    options->next_key = next_key;
    options->next_key_owner = sim;
}

static const unsigned char *public_of(struct sim_tree *tree, uint32_t number)
{
    for (; tree->publics_count <= number; tree->publics_count++) {
        struct sign_key *key = NULL;
        int error = sim_key_new(tree->publics_count, &key);
        ASSERT(error == 0);
        sign_key_public(key, tree->publics[tree->publics_count]);
        sign_key_free(key);
    }
    return tree->publics[number];
}

/* The number of this key, which some link must have handed over to. */
uint32_t sim_key_number(struct sim *sim, const uint8_t public[SIGN_PUBLIC_BYTES])
{
    struct sim_tree *tree = &sim->tree;
    struct ledger_tree *port = tree_keeper_tree(tree->keeper);
    uint32_t count = port->ops->links(port, TREE_LINKS_MAX, NULL); /* how many: none is copied */
    for (uint32_t number = count + 1; number-- > 0;)
        if (memcmp(public_of(tree, number), public, SIGN_PUBLIC_BYTES) == 0)
            return number;
    sim_broken(sim, "L8", "a head is signed by another key, and %u links lead to none such", count);
}

/* Whoever holds a head goes on believing it, whatever links come, and whatever the clock said. */
static void check_held(struct sim *sim, const unsigned char link[TREE_LINK_BYTES])
{
    struct sim_tree *tree = &sim->tree;
    struct sha256 *sha = NULL;
    int error = sha256_new(&sha);
    ASSERT(error == 0);
    enum tree_chain_verdict verdict = tree_chain_add(&tree->chain, sha, link);
    SIM_CHECK(verdict == CHAIN_OK, "L8", "a link is made, and %s", tree_chain_text(verdict));
    sha256_free(sha);
    for (size_t i = 0; i < tree->heads_count; i++) {
        verdict = tree_chain_judge(&tree->chain, &tree->heads[i]);
        SIM_CHECK(verdict == CHAIN_OK, "L8", "a head of %llu records was shown, and now %s",
                  (unsigned long long)tree->heads[i].root.size, tree_chain_text(verdict));
    }
}

/* Some of what was shown is dated later than now. */
static bool is_behind(const struct sim *sim)
{
    return sim_wall(sim).us < sim->tree.time_shown;
}

static void on_rotated(struct tree_rotate *rotate, int error)
{
    struct sim *sim = rotate->owner;
    struct tree_keeper_stats stats;
    struct tree_link link;
    sim->tree.rotating = false;
    tree_keeper_stats(sim->tree.keeper, &stats);
    if (error == 0) {
        SIM_CHECK(tree_link_read(rotate->link, &link) == 0, "L8", "a link that nobody signed");
        check_held(sim, rotate->link);
        sim_count(sim, SIM_KEY_ROTATED);
        if (link.time_us < sim->tree.time_shown)
            sim_count(sim, SIM_KEY_ROTATED_BEHIND);
        return;
    }
    bool refused = error == -ERR_BUSY || error == -ERR_LIMIT || error == -ERR_CONFIG;
    bool failed = error == -ERR_STOPPED || error == -ERR_IO || error == -ERR_NO_SPACE;
    SIM_CHECK(refused || (failed && (sim->disk_failing || sim->disk_full || stats.error < 0)) ||
                  (error == -ERR_CORRUPT && sim->tree.damaged),
              "L8", "a key is not changed: %s: %s", error_text(error), rotate->text);
    if (error == -ERR_CORRUPT)
        sim->tree.noticed = true;
    sim_count(sim, SIM_KEY_NOT_ROTATED);
}

void sim_tree_rotate(struct sim *sim)
{
    struct sim_tree *tree = &sim->tree;
    struct ledger_tree *port = tree_keeper_tree(tree->keeper);
    if (tree->rotating || !sim_chance(sim, is_behind(sim) ? ROTATE_BEHIND : sim->mix.rotate))
        return;
    tree->rotate = (struct tree_rotate){
        .to = TREE_KEY_FILE, .lost = sim_chance(sim, 150), .on_done = on_rotated, .owner = sim};
    tree->rotating = port->ops->rotate(port, &tree->rotate) == 0;
}
