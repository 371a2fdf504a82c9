/* tree_key.c - contract in tree_key.h. */
#include "cli/tree_key.h"

#include <string.h>

#include "base/error.h"
#include "crypto/key_files.h"

int tree_key_load(int folder, struct sign_key **ret_key, struct buf *why)
{
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory);
    TRY(key_files_ed25519(folder, TREE_KEY_NAME, &pem, why));
    int error = sign_key_new(buf_slice(&pem), ret_key);
    explicit_bzero(memory, sizeof memory);
    if (error < 0)
        buf_printf(why, "%s is not an Ed25519 key", TREE_KEY_NAME);
    return error;
}
