/* shard_folder.c - contract in shard_folder.h. */
#include "cli/node/shard_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/node/local_keys.h"
#include "cli/node/tree_key.h"
#include "cli/standby/ship_keys.h"
#include "crypto/key_files.h"

static const char *const secrets[] = {"jwt-hs256.key", PERSONAL_MASTER_NAME, TREE_KEY_NAME};

static int make_folder(const char *path, struct buf *why)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    buf_printf(why, "cannot make the folder %s", path);
    return -ERR_IO;
}

/* As a start without shards makes them. */
static int make_secrets(int folder, struct buf *why)
{
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory);
    TRY(key_files_secret(folder, PERSONAL_MASTER_NAME, secret, why));
    explicit_bzero(secret, sizeof secret);
    int error = key_files_ed25519(folder, TREE_KEY_NAME, &pem, why);
    explicit_bzero(memory, sizeof memory);
    return error;
}

/* One that is there stays: a key of heads may have been changed. */
static int link_secrets(int from, int to, struct buf *why)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (linkat(from, secrets[i], to, secrets[i], 0) != 0 && errno != EEXIST &&
            errno != ENOENT) { /* --jwks: no key of local tokens */
            buf_printf(why, "keys/%s cannot be linked into the shard's folder", secrets[i]);
            return -ERR_IO;
        }
    return fsync(to) == 0 ? 0 : -ERR_IO;
}

static int share_secrets(const char *data, const char *jwks, const char *path, struct buf *why)
{
    struct local_keys keys;
    int to = -1;
    TRY(local_keys_open(data, jwks, &keys, why));
    int error = make_secrets(keys.folder, why);
    if (error == 0)
        error = key_files_open(path, &to, why);
    if (error == 0)
        error = link_secrets(keys.folder, to, why);
    if (to >= 0)
        (void)close(to);
    local_keys_close(&keys);
    return error;
}

int shard_folder_open(const char *data, const char *jwks, uint32_t shard,
                      char ret_path[SHARD_FOLDER_PATH_MAX], struct buf *why)
{
    int bytes = snprintf(ret_path, SHARD_FOLDER_PATH_MAX, "%s/shard-%04u", data, shard);
    if (bytes < 0 || bytes >= SHARD_FOLDER_PATH_MAX) {
        buf_put_text(why, "--data is too long a path");
        return -ERR_CONFIG;
    }
    TRY(make_folder(data, why));
    TRY(make_folder(ret_path, why));
    return share_secrets(data, jwks, ret_path, why);
}
