/* dynamo_url.c - contract in dynamo_url.h. */
#include "adapters/dynamodb/dynamo_url.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/slice.h"

#define SCHEME      "dynamodb://"
#define TABLE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

bool dynamo_url_is(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

static int refuse(struct buf *why, const char *sentence)
{
    buf_put_text(why, sentence);
    return -ERR_CONFIG;
}

static int take_table(struct slice text, struct dynamo_url *url, struct buf *why)
{
    if (text.bytes < DYNAMO_TABLE_BYTES_MIN || text.bytes > DYNAMO_TABLE_BYTES_MAX)
        return refuse(why, "a table's name has 3 to 255 characters");
    memcpy(url->table, text.at, text.bytes);
    url->table[text.bytes] = '\0';
    if (strspn(url->table, TABLE_CHARS) != text.bytes)
        return refuse(why, "a table's name is letters, digits, '_', '.' and '-'");
    return 0;
}

static char *value_of(struct dynamo_url *url, struct slice name)
{
    if (slice_is(name, "region"))
        return url->region;
    if (slice_is(name, "endpoint"))
        return url->endpoint;
    if (slice_is(name, "credentials"))
        return url->credentials;
    return slice_is(name, "ca") ? url->ca_file : NULL;
}

static int take_setting(struct slice text, struct dynamo_url *url, struct buf *why)
{
    const char *equals = memchr(text.at, '=', text.bytes);
    size_t name_bytes = equals == NULL ? text.bytes : (size_t)(equals - text.at);
    char *to = value_of(url, slice_of(text.at, name_bytes));
    if (to == NULL || equals == NULL)
        return refuse(why,
                      "its settings are region, endpoint, credentials and ca, each NAME=VALUE");
    size_t bytes = text.bytes - name_bytes - 1;
    if (bytes == 0 || bytes > DYNAMO_VALUE_BYTES_MAX || to[0] != '\0')
        return refuse(why, "a setting is empty, too long, or there twice");
    memcpy(to, equals + 1, bytes);
    to[bytes] = '\0';
    return 0;
}

int dynamo_url_read(const char *text, struct dynamo_url *ret_url, struct buf *why)
{
    struct dynamo_url url = {.region = ""};
    if (!dynamo_url_is(text))
        return refuse(why, "it does not begin with " SCHEME);
    text += strlen(SCHEME);
    size_t bytes = strcspn(text, "?");
    TRY(take_table(slice_of(text, bytes), &url, why));
    for (text += bytes; *text != '\0'; text += bytes) {
        text++; /* past the '?' or '&' */
        bytes = strcspn(text, "&");
        TRY(take_setting(slice_of(text, bytes), &url, why));
    }
    if (url.region[0] == '\0')
        return refuse(why, "region=REGION is missing");
    if (url.endpoint[0] == '\0' && strlen(url.region) < 64)
        (void)snprintf(url.endpoint, sizeof url.endpoint, "https://dynamodb.%s.amazonaws.com/",
                       url.region);
    *ret_url = url;
    return 0;
}
