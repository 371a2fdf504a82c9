/* dynamo_keys.c - contract in dynamo_keys.h. */
#include "adapters/dynamodb/dynamo_keys.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define FILE_BYTES_MAX 16384

/* ---- a file's text ---- */

static struct slice trimmed(struct slice text)
{
    while (text.bytes > 0 && (*text.at == ' ' || *text.at == '\t'))
        text = slice_of(text.at + 1, text.bytes - 1);
    while (text.bytes > 0 && strchr(" \t\r", text.at[text.bytes - 1]) != NULL)
        text.bytes--;
    return text;
}

/* A key that is no printable word would break a header apart. */
static bool keep(char *to, size_t bytes_max, struct slice value)
{
    if (value.bytes == 0 || value.bytes > bytes_max)
        return false;
    for (size_t i = 0; i < value.bytes; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~')
            return false;
    memcpy(to, value.at, value.bytes);
    to[value.bytes] = '\0';
    return true;
}

static bool take_line(struct slice line, struct dynamo_keys *keys)
{
    const char *equals = memchr(line.at, '=', line.bytes);
    if (equals == NULL)
        return true; /* a comment, or nothing of ours */
    size_t name_bytes = (size_t)(equals - line.at);
    struct slice name = trimmed(slice_of(line.at, name_bytes));
    struct slice value = trimmed(slice_of(equals + 1, line.bytes - name_bytes - 1));
    if (slice_is(name, "aws_access_key_id"))
        return keep(keys->id, DYNAMO_KEY_BYTES_MAX, value);
    if (slice_is(name, "aws_secret_access_key"))
        return keep(keys->secret, DYNAMO_KEY_BYTES_MAX, value);
    if (slice_is(name, "aws_session_token"))
        return keep(keys->token, DYNAMO_TOKEN_BYTES_MAX, value);
    return true;
}

static bool is_section(struct slice line, const char *section)
{
    return line.bytes >= 2 && line.at[line.bytes - 1] == ']' &&
           slice_is(trimmed(slice_of(line.at + 1, line.bytes - 2)), section);
}

int dynamo_keys_read(struct slice text, const char *section, struct dynamo_keys *ret_keys)
{
    struct dynamo_keys keys = {.id = ""};
    bool in_section = false, good = true;
    while (text.bytes > 0 && good) {
        const char *end = memchr(text.at, '\n', text.bytes);
        size_t bytes = end == NULL ? text.bytes : (size_t)(end - text.at);
        struct slice line = trimmed(slice_of(text.at, bytes));
        if (line.bytes > 0 && *line.at == '[')
            in_section = is_section(line, section);
        else if (in_section)
            good = take_line(line, &keys);
        bytes += end != NULL;
        text = slice_of(text.at + bytes, text.bytes - bytes);
    }
    good = good && keys.id[0] != '\0' && keys.secret[0] != '\0';
    if (good)
        *ret_keys = keys;
    explicit_bzero(&keys, sizeof keys);
    return good ? 0 : -ERR_FORMAT;
}

/* ---- where they are looked for ---- */

static int read_file(const char *path, struct dynamo_keys *ret_keys, struct buf *why)
{
    const char *profile = getenv("AWS_PROFILE");
    char text[FILE_BYTES_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    int error = -ERR_FORMAT;
    if (bytes >= 0 && (size_t)bytes < sizeof text)
        error =
            dynamo_keys_read(slice_of(text, (size_t)bytes),
                             profile == NULL || profile[0] == '\0' ? "default" : profile, ret_keys);
    explicit_bzero(text, sizeof text);
    if (error == 0)
        return 0;
    buf_printf(why, "there are no keys to sign with in %s", path);
    return -ERR_CONFIG;
}

static bool take_variable(const char *name, char *to, size_t bytes_max)
{
    const char *value = getenv(name);
    return value != NULL && keep(to, bytes_max, slice_text(value));
}

int dynamo_keys_find(const char *file, struct dynamo_keys *ret_keys, struct buf *why)
{
    struct dynamo_keys keys = {.id = ""};
    const char *shared = getenv("AWS_SHARED_CREDENTIALS_FILE");
    if (file[0] != '\0')
        return read_file(file, ret_keys, why);
    if (take_variable("AWS_ACCESS_KEY_ID", keys.id, DYNAMO_KEY_BYTES_MAX) &&
        take_variable("AWS_SECRET_ACCESS_KEY", keys.secret, DYNAMO_KEY_BYTES_MAX)) {
        (void)take_variable("AWS_SESSION_TOKEN", keys.token, DYNAMO_TOKEN_BYTES_MAX);
        *ret_keys = keys;
        explicit_bzero(&keys, sizeof keys);
        return 0;
    }
    if (shared != NULL && shared[0] != '\0')
        return read_file(shared, ret_keys, why);
    buf_put_text(why, "there are no keys to sign with (AWS_ACCESS_KEY_ID and "
                      "AWS_SECRET_ACCESS_KEY, or credentials=FILE)");
    return -ERR_CONFIG;
}
