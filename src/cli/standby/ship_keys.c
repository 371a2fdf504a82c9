/* ship_keys.c - contract in ship_keys.h. */
#include "cli/standby/ship_keys.h"

#include <string.h>

#include "base/error.h"
#include "crypto/key_files.h"
#include "crypto/sha256.h"

static int add_secret(struct sha256 *sha, int folder, const char *name, struct buf *why)
{
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    TRY(key_files_secret(folder, name, secret, why));
    sha256_add(sha, slice_of(secret, sizeof secret));
    explicit_bzero(secret, sizeof secret);
    return 0;
}

static int add_secrets(struct sha256 *sha, const struct local_keys *keys, bool jwks,
                       struct buf *why)
{
    sha256_begin(sha);
    sha256_add(sha, SLICE("overround secrets 1"));
    if (!jwks)
        TRY(add_secret(sha, keys->folder, "jwt-hs256.key", why));
    return add_secret(sha, keys->folder, PERSONAL_MASTER_NAME, why);
}

int ship_keys_secrets(const struct local_keys *keys, bool jwks, struct ship_keys_id *ret,
                      struct buf *why)
{
    struct sha256 *sha = NULL;
    unsigned char digest[SHA256_BYTES];
    TRY(sha256_new(&sha));
    int error = add_secrets(sha, keys, jwks, why);
    sha256_end(sha, digest);
    sha256_free(sha);
    memcpy(ret->secrets, digest, sizeof ret->secrets);
    return error;
}

int ship_keys_head(const uint8_t *public_key, struct ship_keys_id *ret)
{
    struct sha256 *sha = NULL;
    unsigned char digest[SHA256_BYTES];
    TRY(sha256_new(&sha));
    sha256_digest(sha, slice_of(public_key, SIGN_PUBLIC_BYTES), digest);
    sha256_free(sha);
    memcpy(ret->head_key, digest, sizeof ret->head_key);
    return 0;
}

/* ---- the file ---- */

void ship_keys_file_init(struct ship_keys_file *file, int folder)
{
    *file = (struct ship_keys_file){folder, {-1}};
}

void ship_keys_file_close(struct ship_keys_file *file)
{
    personal_copy_close(&file->copy);
}

static uint64_t size(void *owner)
{
    struct ship_keys_file *file = owner;
    if (file->copy.fd < 0 &&
        personal_copy_open(file->folder, PERSONAL_KEYS_NAME, false, &file->copy) < 0)
        return 0; /* none was made yet */
    return personal_copy_size(&file->copy);
}

static int read_slots(void *owner, uint64_t offset, char *to, size_t capacity)
{
    const struct ship_keys_file *file = owner;
    return personal_copy_read(&file->copy, offset, to, capacity);
}

struct ship_keys_source ship_keys_file_source(struct ship_keys_file *file)
{
    return (struct ship_keys_source){size, read_slots, file};
}
