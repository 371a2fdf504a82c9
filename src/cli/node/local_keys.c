/* local_keys.c - contract in local_keys.h. */
#include "cli/node/local_keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/key_files.h"

#define JWKS_BYTES_MAX (64 * 1024)

static int add_local(struct local_keys *keys, struct buf *why)
{
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    TRY(key_files_secret(keys->folder, "jwt-hs256.key", secret, why));
    int error =
        jws_keys_add_hs256(keys->keys, SLICE(LOCAL_KEY_ID), slice_of(secret, sizeof secret));
    explicit_bzero(secret, sizeof secret);
    return error;
}

static int add_set(struct local_keys *keys, const char *path, struct buf *why)
{
    static char text[JWKS_BYTES_MAX + 1];
    FILE *file = fopen(path, "re");
    size_t bytes = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    if (file != NULL)
        (void)fclose(file);
    if (file == NULL || bytes == 0 || bytes > JWKS_BYTES_MAX) {
        buf_printf(why, "cannot read the JWK set %s", path);
        return -ERR_CONFIG;
    }
    int error = jws_keys_add_set(keys->keys, slice_of(text, bytes));
    if (error < 0)
        buf_printf(why, "no usable JWK set in %s: %s", path, error_text(error));
    return error;
}

int local_keys_open(const char *data, const char *jwks, struct local_keys *ret, struct buf *why)
{
    *ret = (struct local_keys){.folder = -1};
    TRY(key_files_open(data, &ret->folder, why));
    int error = jws_keys_new(&ret->keys);
    if (error == 0)
        error = jwks == NULL ? add_local(ret, why) : add_set(ret, jwks, why);
    if (error < 0) {
        local_keys_close(ret);
        return error;
    }
    ret->rules = (struct jwt_rules){.keys = ret->keys, .leeway_s = 5};
    return 0;
}

void local_keys_close(struct local_keys *keys)
{
    jws_keys_free(keys->keys);
    if (keys->folder >= 0)
        close(keys->folder);
    keys->keys = NULL;
    keys->folder = -1;
}
