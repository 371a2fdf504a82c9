/* key_files.c - contract in key_files.h. */
#include "crypto/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/random.h"

static int refuse(struct buf *why, int error, const char *name, const char *reason)
{
    if (why != NULL)
        buf_printf(why, "%s %s", name, reason);
    return error;
}

/* Whether only we can reach it. */
static int check_owner(int fd, const char *name, mode_t kind, struct buf *why)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return -ERR_IO;
    if ((stat.st_mode & S_IFMT) != kind)
        return refuse(why, -ERR_CONFIG, name, "is not a plain file or folder");
    if (stat.st_uid != geteuid())
        return refuse(why, -ERR_CONFIG, name, "belongs to another user");
    if ((stat.st_mode & 077) != 0)
        return refuse(why, -ERR_CONFIG, name,
                      "can be reached by group or others: chmod go-rwx it, and replace the key "
                      "if they may have read it");
    return 0;
}

int key_files_open(const char *dir, int *ret_folder, struct buf *why)
{
    int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return refuse(why, -ERR_IO, dir, "cannot be opened");
    bool made = mkdirat(parent, "keys", 0700) == 0;
    bool ok = made ? fsync(parent) == 0 : errno == EEXIST;
    int folder = ok ? openat(parent, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    (void)close(parent);
    if (folder < 0)
        return refuse(why, -ERR_IO, "keys", "cannot be made or opened as a folder");
    int result = check_owner(folder, "keys", S_IFDIR, why);
    if (result < 0) {
        (void)close(folder);
        return result;
    }
    *ret_folder = folder;
    return 0;
}

/* Appends the whole file. 0; -ERR_NOT_FOUND; or as the header says. */
static int load(int folder, const char *name, struct buf *ret, struct buf *why)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return -ERR_NOT_FOUND;
    if (fd < 0)
        return refuse(why, -ERR_CONFIG, name, "cannot be opened, or is a symbolic link");
    int result = check_owner(fd, name, S_IFREG, why);
    ssize_t got = result < 0 ? 0 : 1;
    while (got > 0 && ret->bytes < ret->capacity) {
        got = read(fd, ret->at + ret->bytes, ret->capacity - ret->bytes);
        ret->bytes += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd);
    if (result == 0 && got < 0)
        return -ERR_IO;
    if (result == 0 && ret->bytes == ret->capacity)
        return refuse(why, -ERR_CORRUPT, name, "is longer than a key");
    return result;
}

static int write_all(int fd, struct slice text)
{
    while (text.bytes > 0) {
        ssize_t done = write(fd, text.at, text.bytes);
        if (done < 0 && errno != EINTR)
            return -ERR_IO;
        text = slice_skip(text, done > 0 ? (size_t)done : 0);
    }
    return fsync(fd) == 0 ? 0 : -ERR_IO;
}

/* Writes a new file durably; one of that name that came up meanwhile is left as it is. */
static int save(int folder, const char *name, struct slice text)
{
    char beside[96];
    unsigned char unique[8];
    random_fill(unique, sizeof unique);
    struct buf path = buf_over(beside, sizeof beside);
    buf_printf(&path, ".%s.", name);
    for (size_t i = 0; i < sizeof unique; i++)
        buf_printf(&path, "%02x", unique[i]);
    if (path.overflow)
        return -ERR_LIMIT;
    int fd = openat(folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -ERR_IO;
    int result = write_all(fd, text);
    (void)close(fd);
    if (result == 0 && linkat(folder, beside, folder, name, 0) < 0 && errno != EEXIST)
        result = -ERR_IO;
    (void)unlinkat(folder, beside, 0);
    if (result == 0 && fsync(folder) < 0)
        result = -ERR_IO;
    return result;
}

int key_files_read(int folder, const char *name, struct buf *ret, struct buf *why)
{
    int result = load(folder, name, ret, why);
    return result == -ERR_NOT_FOUND ? refuse(why, result, name, "is not there") : result;
}

/* Loads, or saves what `make` makes and loads that (or what another process has saved first). */
static int load_or_make(int folder, const char *name, int (*make)(struct buf *), struct buf *ret,
                        struct buf *why)
{
    size_t bytes = ret->bytes;
    int result = load(folder, name, ret, why);
    if (result != -ERR_NOT_FOUND)
        return result;
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    result = make(&text);
    if (result == 0)
        result = save(folder, name, buf_slice(&text));
    OPENSSL_cleanse(memory, sizeof memory);
    if (result < 0)
        return refuse(why, result, name, "cannot be made");
    ret->bytes = bytes;
    return load(folder, name, ret, why);
}

static int make_secret(struct buf *ret)
{
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    random_fill(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        buf_printf(ret, "%02x", secret[i]);
    buf_put_char(ret, '\n');
    OPENSSL_cleanse(secret, sizeof secret);
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 hex digits, and a line feed or nothing. */
static bool read_secret(struct slice text, unsigned char ret[KEY_FILES_SECRET_BYTES])
{
    size_t digits = 2 * KEY_FILES_SECRET_BYTES;
    if (text.bytes < digits || text.bytes > digits + 1 ||
        (text.bytes > digits && text.at[digits] != '\n'))
        return false;
    for (size_t i = 0; i < KEY_FILES_SECRET_BYTES; i++) {
        int high = hex_value(text.at[2 * i]), low = hex_value(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

int key_files_secret(int folder, const char *name, unsigned char ret_secret[KEY_FILES_SECRET_BYTES],
                     struct buf *why)
{
    char memory[2 * KEY_FILES_SECRET_BYTES + 8];
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    struct buf text = buf_over(memory, sizeof memory);
    int result = load_or_make(folder, name, make_secret, &text, why);
    if (result == 0 && !read_secret(buf_slice(&text), secret))
        result = refuse(why, -ERR_CORRUPT, name, "does not hold 64 hex digits");
    if (result == 0)
        memcpy(ret_secret, secret, sizeof secret);
    OPENSSL_cleanse(memory, sizeof memory);
    OPENSSL_cleanse(secret, sizeof secret);
    return result;
}

static int make_ed25519(struct buf *ret)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_secmem());
    int result = -ERR_CRYPTO;
    if (pkey != NULL && bio != NULL &&
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        char *at = NULL;
        long bytes = BIO_get_mem_data(bio, &at);
        buf_put(ret, at, (size_t)bytes);
        result = ret->overflow ? -ERR_LIMIT : 0;
    }
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return result;
}

int key_files_ed25519(int folder, const char *name, struct buf *ret_pem, struct buf *why)
{
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    int result = load_or_make(folder, name, make_ed25519, &text, why);
    if (result == 0 && !slice_begins(buf_slice(&text), SLICE("-----BEGIN PRIVATE KEY-----\n")))
        result = refuse(why, -ERR_CORRUPT, name, "does not hold a private key in PEM");
    if (result == 0) {
        buf_put_slice(ret_pem, buf_slice(&text));
        result = ret_pem->overflow ? -ERR_LIMIT : 0;
    }
    OPENSSL_cleanse(memory, sizeof memory);
    return result;
}
