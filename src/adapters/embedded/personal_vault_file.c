/* personal_vault_file.c - contract in personal_vault_file.h. */
#include "adapters/embedded/personal_vault_file.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

static_assert(PERSONAL_SEALED_BYTES_MAX == PERSONAL_PLAIN_BYTES_MAX + PERSONAL_OVERHEAD_BYTES,
              "the port's room is the sealed form's");
static_assert(PERSONAL_PLAIN_BYTES_MAX <= PERSONAL_TEXT_BYTES_MAX, "any plain text can be sealed");

struct vault_file {
    struct personal_vault vault;
    struct personal_keys *keys;
};

static struct personal_keys *keys_of(struct personal_vault *vault)
{
    return ((struct vault_file *)vault)->keys;
}

/* The refusals of crypto/personal.h, which are positive, as the port's errors. */
static int error_of(int result)
{
    switch (result) {
    case PERSONAL_NO_KEY:
    case PERSONAL_ERASED:
        return -ERR_NOT_FOUND;
    case PERSONAL_FORGED:
        return -ERR_CRYPTO;
    default:
        return result;
    }
}

static int vault_make_key(struct personal_vault *vault, struct account_ref account)
{
    return error_of(personal_key_make(keys_of(vault), account.n));
}

static int vault_seal(struct personal_vault *vault, struct account_ref account, struct slice plain,
                      char ret_sealed[PERSONAL_SEALED_BYTES_MAX], size_t *ret_bytes)
{
    if (plain.bytes > PERSONAL_PLAIN_BYTES_MAX)
        return -ERR_LIMIT;
    TRY(error_of(personal_seal(keys_of(vault), account.n, plain, (unsigned char *)ret_sealed)));
    *ret_bytes = plain.bytes + PERSONAL_OVERHEAD_BYTES;
    return 0;
}

static int vault_open(struct personal_vault *vault, struct account_ref account, struct slice sealed,
                      char ret_plain[PERSONAL_PLAIN_BYTES_MAX], size_t *ret_bytes)
{
    if (sealed.bytes > PERSONAL_SEALED_BYTES_MAX)
        return -ERR_LIMIT;
    if (sealed.bytes < PERSONAL_OVERHEAD_BYTES)
        return -ERR_CRYPTO;
    TRY(error_of(personal_open(keys_of(vault), account.n, sealed, (unsigned char *)ret_plain)));
    *ret_bytes = sealed.bytes - PERSONAL_OVERHEAD_BYTES;
    return 0;
}

static int vault_erase(struct personal_vault *vault, struct account_ref account)
{
    return error_of(personal_erase(keys_of(vault), account.n));
}

static void vault_free(struct personal_vault *vault)
{
    personal_keys_free(keys_of(vault));
    free(vault);
}

static const struct personal_vault_ops vault_ops = {
    .make_key = vault_make_key,
    .seal = vault_seal,
    .open = vault_open,
    .erase = vault_erase,
    .free = vault_free,
};

static int vault_new(struct vault_file **ret_vault)
{
    struct vault_file *vault = calloc(1, sizeof *vault);
    if (vault == NULL)
        return -ERR_MEMORY;
    vault->vault.ops = &vault_ops;
    *ret_vault = vault;
    return 0;
}

int personal_vault_file_open(const struct personal_vault_file_options *options,
                             struct personal_vault **ret_vault)
{
    struct vault_file *vault = NULL;
    TRY(vault_new(&vault));
    int result = personal_keys_open(options->folder, options->name, options->master,
                                    options->accounts_max, &vault->keys);
    if (result != 0) {
        free(vault);
        return error_of(result);
    }
    *ret_vault = &vault->vault;
    return 0;
}
