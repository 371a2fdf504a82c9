/* tree_key.c - contract in tree_key.h. */
#include "cli/node/tree_key.h"

#include <string.h>

#include "adapters/embedded/tree_signer.h"
#include "base/error.h"
#include "crypto/key_files.h"

#define NAME_BYTES_MAX 32

/* ---- files ---- */

/* Number 0 is the first key, number N the one made for link N. */
static void name_of(uint32_t number, char ret_name[NAME_BYTES_MAX])
{
    struct buf name = buf_over(ret_name, NAME_BYTES_MAX);
    if (number == 0)
        buf_put_text(&name, TREE_KEY_NAME);
    else
        buf_printf(&name, "ledger-ed25519-%u.pem", number + 1);
    buf_put_char(&name, '\0');
}

static int key_of_pem(const char *name, const struct buf *pem, struct sign_key **ret_key,
                      struct buf *why)
{
    int error = sign_key_new(buf_slice(pem), ret_key);
    if (error < 0)
        buf_printf(why, "%s is not an Ed25519 key", name);
    return error;
}

static int open_file(int folder, uint32_t number, bool make, struct sign_key **ret_key,
                     struct buf *why)
{
    char memory[KEY_FILES_PEM_BYTES_MAX], name[NAME_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory);
    name_of(number, name);
    int error =
        make ? key_files_ed25519(folder, name, &pem, why) : key_files_read(folder, name, &pem, why);
    if (error == 0)
        error = key_of_pem(name, &pem, ret_key, why);
    explicit_bzero(memory, sizeof memory);
    return error;
}

/* The file with that public key. -ERR_NOT_FOUND; or the error of a file that cannot be read. */
static int find_file(int folder, const uint8_t *wanted, struct sign_key **ret_key, struct buf *why)
{
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    size_t said = why->bytes;
    for (uint32_t number = 0; number <= TREE_LINKS_MAX; number++) {
        struct sign_key *key = NULL;
        int error = open_file(folder, number, false, &key, why);
        if (error == -ERR_NOT_FOUND) {
            why->bytes = said;
            continue;
        }
        TRY(error);
        error = sign_key_public(key, public_key);
        if (error == 0 && memcmp(public_key, wanted, sizeof public_key) == 0) {
            *ret_key = key;
            return 0;
        }
        sign_key_free(key);
        TRY(error);
    }
    return -ERR_NOT_FOUND;
}

/* ---- which ---- */

/* 0: the token's key may be the one, -ERR_NOT_FOUND: it is another; or why it cannot be. */
static int judge_token(struct sign_key *key, const uint8_t *wanted, struct buf *why)
{
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    int error = sign_key_public(key, public_key);
    if (error == 0 && wanted != NULL && memcmp(public_key, wanted, sizeof public_key) != 0)
        return -ERR_NOT_FOUND;
    if (error == 0 || error == -ERR_ABSENT)
        return error;
    buf_printf(why, "the token for signed heads: %s", sign_key_problem(key));
    return -ERR_CONFIG;
}

static int choose(const struct tree_keys *keys, const uint8_t *wanted, struct sign_key **ret_key,
                  struct buf *why)
{
    struct sign_key *token = NULL;
    int error = -ERR_NOT_FOUND;
    if (keys->token.module != NULL) {
        TRY(sign_pkcs11_new(&keys->token, &token, why));
        error = judge_token(token, wanted, why);
    } else if (wanted == NULL) {
        return open_file(keys->folder, 0, true, ret_key, why);
    }
    if ((error == -ERR_NOT_FOUND || error == -ERR_ABSENT) && wanted != NULL) {
        int found = find_file(keys->folder, wanted, ret_key, why);
        error = found == -ERR_NOT_FOUND ? error : found;
        if (found == 0) {
            sign_key_free(token); /* no link leads to it yet */
            return 0;
        }
    }
    if (error == 0 || error == -ERR_ABSENT) {
        *ret_key = token;
        return 0;
    }
    sign_key_free(token);
    if (error == -ERR_NOT_FOUND)
        buf_put_text(why, "the key that signs this ledger's heads is neither in keys/ nor in the "
                          "token: see `overround ledger rotate-key`");
    return error;
}

int tree_key_load(const struct tree_keys *keys, struct disk *tree, struct sign_key **ret_key,
                  struct buf *why)
{
    struct tree_signer signer = {.sha = NULL};
    int error = tree_signer_open(&signer, tree, 0, NULL, false);
    if (error < 0)
        buf_put_text(why, signer.text);
    else
        error = choose(keys, tree_signer_authorized(&signer), ret_key, why);
    tree_signer_close(&signer);
    return error;
}

/* ---- the next ---- */

int tree_key_next(void *owner, const struct tree_rotate *rotate, uint32_t links,
                  struct sign_key **ret_key, struct buf *why)
{
    const struct tree_keys *keys = owner;
    struct sign_pkcs11_options token = keys->token;
    if (rotate->to == TREE_KEY_FILE)
        return open_file(keys->folder, links + 1, true, ret_key, why);
    if (token.module == NULL) {
        buf_put_text(why, "no token is configured: see --heads-pkcs11-module");
        return -ERR_CONFIG;
    }
    if (rotate->label[0] != '\0')
        token.key = rotate->label;
    return sign_pkcs11_new(&token, ret_key, why);
}
