/* fuzz_http.c - requests and their bodies: however the input is cut, the story is the same.
 *
 * The first two bytes choose how the rest is cut. The story of a whole input (what was taken or
 * refused, with which path, length and content) must be that of the same input in pieces, and a
 * request that was taken must keep the rules that guard against smuggling. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/hash.h"
#include "net/http/http_body.h"
#include "net/http/http_parse.h"
#include "net/http/http_url.h"

#define INPUT_BYTES_MAX   65536
#define BODY_BYTES_MAX    4096
#define REQUESTS_MAX      64
#define DECODED_BYTES_MAX 4096

struct request_story {
    int outcome; /* enum http_outcome of the head, or 100 + enum http_body_event of the body */
    size_t begin, used;
    uint32_t content;
};

struct story {
    struct request_story requests[REQUESTS_MAX];
    size_t count;
};

static bool is_inside(struct slice part, const char *at, size_t bytes)
{
    return part.bytes == 0 || (part.at >= at && part.at + part.bytes <= at + bytes);
}

/* What every request that was taken must keep. */
static void check_head(const struct http_head *head, const char *at, size_t bytes)
{
    ASSERT(head->headers_count <= HTTP_HEADERS_MAX);
    ASSERT(head->target.bytes <= HTTP_TARGET_BYTES_MAX);
    ASSERT(is_inside(head->target, at, bytes));
    ASSERT(is_inside(head->query, at, bytes));
    ASSERT(!head->chunked || head->content_length == HTTP_LENGTH_UNKNOWN);
    ASSERT(!head->chunked || head->minor == 1);
    ASSERT(http_head_count(head, SLICE("content-length")) <= 1);
    ASSERT(http_head_count(head, SLICE("transfer-encoding")) <= 1);
    ASSERT(http_head_count(head, SLICE("host")) <= 1);
    for (size_t i = 0; i < head->headers_count; i++) {
        struct slice value = head->headers[i].value;
        ASSERT(head->headers[i].name.bytes > 0);
        ASSERT(is_inside(head->headers[i].name, at, bytes));
        ASSERT(is_inside(value, at, bytes));
        ASSERT(value.bytes == 0 || memchr(value.at, '\r', value.bytes) == NULL);
        ASSERT(value.bytes == 0 || memchr(value.at, '\n', value.bytes) == NULL);
    }
    static char memory[DECODED_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    struct slice decoded;
    if (http_url_decode(head->path, false, &buf, &decoded) == 0)
        ASSERT(decoded.bytes <= head->path.bytes);
}

/* One request from at[0..bytes), given up to each of its cuts. 0: it needs more than there is. */
static size_t take_request(char *at, size_t bytes, size_t step, struct request_story *ret_story)
{
    static struct http_head head;
    struct http_scan scan = {0};
    struct http_whole whole = {0};
    struct http_body body;
    size_t head_bytes = 0, given = 0;
    enum http_outcome outcome = HTTP_MORE;
    while (outcome == HTTP_MORE && given < bytes) {
        given = given + step < bytes ? given + step : bytes;
        outcome = http_parse_scan(&scan, at, given, &head_bytes);
    }
    if (outcome == HTTP_OK) {
        ASSERT(head_bytes <= given);
        ASSERT(head_bytes <= HTTP_HEAD_BYTES_MAX);
        outcome = http_parse_request(slice_of(at, head_bytes), &head);
    }
    ret_story->outcome = (int)outcome;
    if (outcome != HTTP_OK)
        return 0;
    check_head(&head, at, head_bytes);
    http_body_begin(&body, &head);
    enum http_body_event event;
    while ((event = http_whole_take(&whole, &body, at + head_bytes, given - head_bytes,
                                    BODY_BYTES_MAX)) == HTTP_BODY_MORE &&
           given < bytes)
        given = given + step < bytes ? given + step : bytes;
    ASSERT(whole.bytes <= BODY_BYTES_MAX);
    ret_story->outcome = 100 + (int)event;
    if (event != HTTP_BODY_END)
        return 0;
    ASSERT(head.chunked || head.content_length == HTTP_LENGTH_UNKNOWN ||
           head.content_length == whole.bytes);
    ret_story->content = crc32c(0, at + head_bytes, whole.bytes);
    ret_story->used = head_bytes + whole.used;
    return ret_story->used;
}

static void tell(const uint8_t *input, size_t bytes, size_t step, struct story *ret_story)
{
    static char copy[INPUT_BYTES_MAX];
    memcpy(copy, input, bytes);
    memset(ret_story, 0, sizeof *ret_story);
    for (size_t at = 0; at < bytes && ret_story->count < REQUESTS_MAX;) {
        struct request_story *request = &ret_story->requests[ret_story->count++];
        request->begin = at;
        size_t used = take_request(copy + at, bytes - at, step, request);
        if (used == 0)
            break;
        at += used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    static struct story whole, cut;
    static struct http_head head;
    if (bytes < 2 || bytes - 2 > INPUT_BYTES_MAX)
        return 0;
    size_t step = 1 + input[0];
    tell(input + 2, bytes - 2, SIZE_MAX / 2, &whole);
    tell(input + 2, bytes - 2, step, &cut);
    ASSERT(memcmp(&whole, &cut, sizeof whole) == 0);
    struct http_scan scan = {0};
    size_t head_bytes;
    if (http_parse_scan(&scan, (const char *)input + 2, bytes - 2, &head_bytes) == HTTP_OK)
        (void)http_parse_response(slice_of(input + 2, head_bytes), &head);
    return 0;
}
