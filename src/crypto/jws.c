/* jws.c - contract in jws.h: tokens. Keys are in jws_keys.c. */
#include "crypto/jws.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "crypto/jws_keys.h"

/* The three parts, still encoded, and what the signature covers. */
struct parts {
    struct slice header, payload, signature, signed_text;
};

struct header {
    struct slice algorithm, kid;
    bool has_algorithm, has_kid, has_type;
};

static bool split(struct slice token, struct parts *ret)
{
    const char *end = token.at + token.bytes;
    const char *first = memchr(token.at, '.', token.bytes);
    if (first == NULL)
        return false;
    const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    *ret = (struct parts){
        .header = {token.at, (size_t)(first - token.at)},
        .payload = {first + 1, (size_t)(second - first - 1)},
        .signature = {second + 1, (size_t)(end - second - 1)},
        .signed_text = {token.at, (size_t)(second - token.at)},
    };
    return true;
}

/* One text member, which may come once. */
static void read_once(struct json_reader *reader, bool *has, struct slice *ret_text)
{
    if (*has)
        json_fail(reader);
    *has = true;
    (void)json_string(reader, ret_text);
}

static bool is_refused(struct slice name)
{
    static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (slice_is(name, refused[i]))
            return true;
    return false;
}

static bool read_header(struct slice json, struct buf *scratch, struct header *ret)
{
    struct json_reader reader;
    struct slice name, type;
    *ret = (struct header){.kid = SLICE("")};
    json_begin(&reader, json, scratch->at, scratch->capacity);
    (void)json_object_begin(&reader);
    while (json_object_next(&reader, &name)) {
        if (slice_is(name, "alg"))
            read_once(&reader, &ret->has_algorithm, &ret->algorithm);
        else if (slice_is(name, "kid"))
            read_once(&reader, &ret->has_kid, &ret->kid);
        else if (slice_is(name, "typ"))
            read_once(&reader, &ret->has_type, &type);
        else if (is_refused(name))
            json_fail(&reader);
        else
            (void)json_skip(&reader);
    }
    return json_end(&reader) == 0 && ret->has_algorithm;
}

static enum jws_outcome verify(struct jws_keys *keys, const struct parts *parts)
{
    char json[JWS_BYTES_MAX], unescaped[JWS_BYTES_MAX], signature[128];
    struct buf header_json = buf_over(json, sizeof json);
    struct buf scratch = buf_over(unescaped, sizeof unescaped);
    struct buf bytes = buf_over(signature, sizeof signature);
    struct header header;
    if (base64_read_url(parts->header, &header_json) < 0 ||
        base64_read_url(parts->signature, &bytes) < 0 ||
        !read_header(buf_slice(&header_json), &scratch, &header))
        return JWS_MALFORMED;
    struct jws_key *key = jws_keys_find(keys, header.kid);
    if (key == NULL)
        return JWS_UNKNOWN_KEY;
    if (!slice_is(header.algorithm, jws_key_algorithm(key)))
        return JWS_BAD_ALGORITHM;
    return jws_key_verify(keys, key, parts->signed_text, buf_slice(&bytes)) ? JWS_OK
                                                                            : JWS_BAD_SIGNATURE;
}

enum jws_outcome jws_verify(struct jws_keys *keys, struct slice token, struct buf *ret_payload)
{
    struct parts parts;
    if (token.bytes == 0 || token.bytes > JWS_BYTES_MAX || !split(token, &parts))
        return JWS_MALFORMED;
    enum jws_outcome outcome = verify(keys, &parts);
    if (outcome != JWS_OK)
        return outcome;
    size_t bytes = ret_payload->bytes;
    if (base64_read_url(parts.payload, ret_payload) < 0) {
        ret_payload->bytes = bytes;
        return JWS_MALFORMED;
    }
    return JWS_OK;
}

static void write_header(struct buf *buf, const struct jws_key *key, struct slice kid)
{
    struct json_writer writer = json_write_begin(buf);
    json_write_object_open(&writer);
    json_write_key(&writer, "alg");
    json_write_text(&writer, slice_text(jws_key_algorithm(key)));
    json_write_key(&writer, "typ");
    json_write_text(&writer, SLICE("JWT"));
    if (kid.bytes > 0) {
        json_write_key(&writer, "kid");
        json_write_text(&writer, kid);
    }
    json_write_object_close(&writer);
}

int jws_sign(struct jws_keys *keys, struct slice kid, struct slice payload, struct buf *ret_token)
{
    struct jws_key *key = jws_keys_find(keys, kid);
    if (key == NULL)
        return -ERR_NOT_FOUND;
    char json[512], text[JWS_BYTES_MAX];
    struct buf header = buf_over(json, sizeof json);
    struct buf token = buf_over(text, sizeof text);
    unsigned char signature[JWS_SIGNATURE_BYTES];
    size_t signature_bytes = 0;
    write_header(&header, key, kid);
    base64_write_url(&token, buf_slice(&header));
    buf_put_char(&token, '.');
    base64_write_url(&token, payload);
    if (header.overflow || token.overflow)
        return -ERR_LIMIT;
    TRY(jws_key_sign(keys, key, buf_slice(&token), signature, &signature_bytes));
    buf_put_char(&token, '.');
    base64_write_url(&token, slice_of(signature, signature_bytes));
    if (token.overflow)
        return -ERR_LIMIT;
    buf_put_slice(ret_token, buf_slice(&token));
    return ret_token->overflow ? -ERR_LIMIT : 0;
}
