/* http_parse.c - contract in http_parse.h. */
#include "net/http/http_parse.h"

#include <endian.h>
#include <string.h>

#include "base/assert.h"

#define METHOD_BYTES_MAX  32
#define VERSION_BYTES     8 /* HTTP/1.1 */
#define REQUEST_LINE_MAX  (METHOD_BYTES_MAX + 1 + HTTP_TARGET_BYTES_MAX + 1 + VERSION_BYTES + 2)
#define LENGTH_DIGITS_MAX 18 /* below 2^63 for any digits */
#define CLASS_TOKEN       1  /* tchar, RFC 9110 section 5.6.2 */
#define CLASS_VALUE       2  /* field-vchar, SP, HTAB; obs-text too */
#define CLASS_TARGET      4  /* what RFC 3986 allows in a URI reference */

/* The classes of all bytes. */
static const uint8_t classes[256] = {
    ['\t'] = CLASS_VALUE,
    [' '] = CLASS_VALUE,
    ['!'] = 7,
    ['"'] = 2,
    ['#'] = 3,
    ['$'] = 7,
    ['%'] = 7,
    ['&'] = 7,
    ['\''] = 7,
    ['('] = 6,
    [')'] = 6,
    ['*'] = 7,
    ['+'] = 7,
    [','] = 6,
    ['-'] = 7,
    ['.'] = 7,
    ['/'] = 6,
    ['0' ... '9'] = 7,
    [':'] = 6,
    [';'] = 6,
    ['<'] = 2,
    ['='] = 6,
    ['>'] = 2,
    ['?'] = 6,
    ['@'] = 6,
    ['A' ... 'Z'] = 7,
    ['['] = 6,
    ['\\'] = 2,
    [']'] = 6,
    ['^'] = 3,
    ['_'] = 7,
    ['`'] = 3,
    ['a' ... 'z'] = 7,
    ['{'] = 2,
    ['|'] = 3,
    ['}'] = 2,
    ['~'] = 7,
    [0x80 ... 0xff] = CLASS_VALUE,
};

static bool all_of(struct slice text, uint8_t class)
{
    for (size_t i = 0; i < text.bytes; i++)
        if ((classes[(unsigned char)text.at[i]] & class) == 0)
            return false;
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool http_text_equal(struct slice text, struct slice lower_text)
{
    if (text.bytes != lower_text.bytes)
        return false;
    for (size_t i = 0; i < text.bytes; i++)
        if (lower(text.at[i]) != lower_text.at[i])
            return false;
    return true;
}

/* ---- where the head ends ---- */

/* The limits are tested on what is known of the input in its own order, so that the answer does
 * not depend on how much of it came at once. */
static enum http_outcome line_too_long(size_t line_begin, size_t line_end)
{
    if (line_begin == 0 && line_end > REQUEST_LINE_MAX)
        return HTTP_TARGET_TOO_LONG;
    return line_end > HTTP_HEAD_BYTES_MAX ? HTTP_HEAD_TOO_LARGE : HTTP_OK;
}

enum http_outcome http_parse_scan(struct http_scan *scan, const char *at, size_t bytes,
                                  size_t *ret_head_bytes)
{
    ASSERT(scan->bytes <= bytes);
    while (scan->bytes < bytes) {
        const char *lf = memchr(at + scan->bytes, '\n', bytes - scan->bytes);
        if (lf == NULL)
            break;
        size_t end = (size_t)(lf - at) + 1;
        enum http_outcome outcome = line_too_long(scan->line_begin, end);
        if (outcome != HTTP_OK)
            return outcome;
        if (end - scan->line_begin < 2 || lf[-1] != '\r')
            return HTTP_BAD; /* bare LF: others may see a line end here and we would not */
        bool empty = end - scan->line_begin == 2;
        scan->line_begin = (uint32_t)end;
        scan->bytes = (uint32_t)end;
        if (!empty)
            continue;
        if (end == 2)
            return HTTP_BAD; /* an empty line before the head */
        *ret_head_bytes = end;
        return HTTP_OK;
    }
    enum http_outcome outcome = line_too_long(scan->line_begin, bytes);
    if (outcome != HTTP_OK)
        return outcome;
    scan->bytes = (uint32_t)bytes;
    return HTTP_MORE;
}

/* ---- header lines ---- */

static struct slice trim(struct slice text)
{
    while (text.bytes > 0 && (*text.at == ' ' || *text.at == '\t'))
        text = slice_skip(text, 1);
    while (text.bytes > 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

/* Takes the first line off `rest`, without its CRLF. The scan has seen every LF after a CR; any
 * other CR is refused by the character classes. */
static struct slice take_line(struct slice *rest)
{
    const char *lf = memchr(rest->at, '\n', rest->bytes);
    ASSERT(lf != NULL);
    struct slice line = slice_of(rest->at, (size_t)(lf - rest->at) - 1);
    *rest = slice_skip(*rest, line.bytes + 2);
    return line;
}

/* The first byte that may not stand in a value: the head ends with CR LF, so there is one. Control
 * characters are looked for in eight bytes at a time; in each byte the subtraction sets the highest
 * bit where there is one, exactly so up to the first. A tab is one that may stand here. */
static const char *skip_value(const char *at, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        eight = le64toh(eight);
        uint64_t deletes = eight ^ ones * 0x7f;
        uint64_t found = ((eight - ones * ' ') & ~eight) | ((deletes - ones) & ~deletes);
        found &= highs;
        if (found == 0) {
            at += sizeof eight;
            continue;
        }
        at += __builtin_ctzll(found) / 8;
        if (*at != '\t')
            return at;
        at++;
    }
    while ((classes[(unsigned char)*at] & CLASS_VALUE) != 0)
        at++;
    return at;
}

/* Takes a header line off `rest`. The name's end refuses an empty name, white space before the
 * colon and a folded line as well; the value's, a CR that ends no line. */
static enum http_outcome parse_field(struct slice *rest, struct http_header *ret_header)
{
    const char *begin = rest->at, *end = rest->at + rest->bytes, *at = begin;
    while ((classes[(unsigned char)*at] & CLASS_TOKEN) != 0)
        at++;
    if (at == begin || *at != ':')
        return HTTP_BAD;
    ret_header->name = slice_of(begin, (size_t)(at - begin));
    const char *value = at + 1;
    at = skip_value(value, end);
    if (at[0] != '\r' || at[1] != '\n')
        return HTTP_BAD;
    ret_header->value = trim(slice_of(value, (size_t)(at - value)));
    *rest = slice_of(at + 2, (size_t)(end - at) - 2);
    return HTTP_OK;
}

/* Takes the next element of a comma-separated list; false at the end. */
static bool take_element(struct slice *list, struct slice *ret_element)
{
    if (list->bytes == 0)
        return false;
    const char *comma = memchr(list->at, ',', list->bytes);
    size_t bytes = comma != NULL ? (size_t)(comma - list->at) : list->bytes;
    *ret_element = trim(slice_of(list->at, bytes));
    *list = slice_skip(*list, comma != NULL ? bytes + 1 : bytes);
    return true;
}

static enum http_outcome parse_length(struct http_head *head, struct slice value)
{
    /* "5, 5" is a list of equal lengths that RFC 9110 section 8.6 lets us refuse. */
    if (head->content_length != HTTP_LENGTH_UNKNOWN || value.bytes == 0)
        return HTTP_BAD;
    uint64_t length = 0;
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return HTTP_BAD;
        if (i >= LENGTH_DIGITS_MAX)
            return HTTP_BODY_TOO_LARGE;
        length = length * 10 + (uint64_t)(value.at[i] - '0');
    }
    head->content_length = length;
    return HTTP_OK;
}

static void parse_connection(struct http_head *head, struct slice list)
{
    struct slice element;
    while (take_element(&list, &element)) {
        if (http_text_equal(element, SLICE("close")))
            head->keep_alive = false;
        else if (http_text_equal(element, SLICE("upgrade")))
            head->upgrade = true;
    }
}

/* Most names differ in their first letter. */
static bool is_named(const struct http_header *header, struct slice lower_name)
{
    return (*header->name.at | 0x20) == *lower_name.at && http_text_equal(header->name, lower_name);
}

static enum http_outcome parse_known(struct http_head *head, const struct http_header *header)
{
    /* By length first: few of a browser's headers get further. */
    switch (header->name.bytes) {
    case 4:
        head->hosts_count += is_named(header, SLICE("host"));
        return HTTP_OK;
    case 6:
        if (!is_named(header, SLICE("expect")))
            return HTTP_OK;
        if (http_text_equal(header->value, SLICE("100-continue")))
            head->expect_continue = true;
        else
            head->expect_unknown = true;
        return HTTP_OK;
    case 10:
        if (is_named(header, SLICE("connection")))
            parse_connection(head, header->value);
        return HTTP_OK;
    case 14:
        if (is_named(header, SLICE("content-length")))
            return parse_length(head, header->value);
        return HTTP_OK;
    case 17:
        if (!is_named(header, SLICE("transfer-encoding")))
            return HTTP_OK;
        if (head->chunked)
            return HTTP_BAD;
        head->chunked = true;
        return http_text_equal(header->value, SLICE("chunked")) ? HTTP_OK : HTTP_CODING_UNKNOWN;
    default:
        return HTTP_OK;
    }
}

static enum http_outcome parse_fields(struct slice rest, struct http_head *head)
{
    while (rest.bytes > 2) {
        if (head->headers_count == HTTP_HEADERS_MAX)
            return HTTP_TOO_MANY_HEADERS;
        struct http_header *header = &head->headers[head->headers_count];
        enum http_outcome outcome = parse_field(&rest, header);
        if (outcome == HTTP_OK)
            outcome = parse_known(head, header);
        if (outcome != HTTP_OK)
            return outcome;
        head->headers_count++;
    }
    /* Two ways to tell the end are one too many (RFC 9112 section 6.3), and 1.0 knows no chunks. */
    if (head->chunked && (head->content_length != HTTP_LENGTH_UNKNOWN || head->minor == 0))
        return HTTP_BAD;
    return HTTP_OK;
}

/* ---- first lines ---- */

static enum http_method method_of(struct slice text)
{
    static const struct {
        struct slice text;
        enum http_method method;
    } methods[] = {
        {{"GET", 3}, HTTP_GET},         {{"POST", 4}, HTTP_POST},     {{"HEAD", 4}, HTTP_HEAD},
        {{"PUT", 3}, HTTP_PUT},         {{"DELETE", 6}, HTTP_DELETE}, {{"PATCH", 5}, HTTP_PATCH},
        {{"OPTIONS", 7}, HTTP_OPTIONS},
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (slice_equal(text, methods[i].text))
            return methods[i].method;
    return HTTP_METHOD_OTHER;
}

/* "HTTP/1.1" gives minor 1. A known form of an unknown version is told apart from rubbish. */
static enum http_outcome parse_version(struct slice text, struct http_head *head)
{
    if (text.bytes != VERSION_BYTES || memcmp(text.at, "HTTP/", 5) != 0 || text.at[6] != '.')
        return HTTP_BAD;
    if (text.at[5] < '0' || text.at[5] > '9' || text.at[7] < '0' || text.at[7] > '9')
        return HTTP_BAD;
    if (text.at[5] != '1' || text.at[7] > '1')
        return HTTP_VERSION_UNKNOWN;
    head->minor = text.at[7] - '0';
    /* HTTP/1.0 keep-alive is a convention of others; one answer and the end is always right. */
    head->keep_alive = head->minor == 1;
    return HTTP_OK;
}

/* Skips "http://authority" of the absolute form (RFC 9112 section 3.2.2). */
static enum http_outcome parse_target(struct slice target, struct http_head *head)
{
    struct slice rest = target;
    head->target = target;
    if (target.bytes == 0 || !all_of(target, CLASS_TARGET))
        return HTTP_BAD;
    size_t scheme = 0;
    if (target.bytes > 7 && http_text_equal(slice_of(target.at, 7), SLICE("http://")))
        scheme = 7;
    else if (target.bytes > 8 && http_text_equal(slice_of(target.at, 8), SLICE("https://")))
        scheme = 8;
    if (scheme > 0) {
        rest = slice_skip(target, scheme);
        while (rest.bytes > 0 && *rest.at != '/' && *rest.at != '?')
            rest = slice_skip(rest, 1);
    } else if (slice_is(target, "*") && head->method == HTTP_OPTIONS) {
        head->path = target;
        head->query = SLICE_NONE;
        return HTTP_OK;
    } else if (*target.at != '/') {
        return HTTP_BAD;
    }
    const char *mark = rest.bytes > 0 ? memchr(rest.at, '?', rest.bytes) : NULL;
    size_t path_bytes = mark != NULL ? (size_t)(mark - rest.at) : rest.bytes;
    head->path = path_bytes > 0 ? slice_of(rest.at, path_bytes) : SLICE("/");
    head->query = mark != NULL ? slice_skip(rest, path_bytes + 1) : SLICE_NONE;
    return HTTP_OK;
}

static enum http_outcome parse_request_line(struct slice line, struct http_head *head)
{
    const char *first = memchr(line.at, ' ', line.bytes);
    const char *last = memrchr(line.at, ' ', line.bytes);
    if (first == NULL || first == last)
        return HTTP_BAD;
    head->method_text = slice_of(line.at, (size_t)(first - line.at));
    struct slice target = slice_of(first + 1, (size_t)(last - first) - 1);
    struct slice version = slice_skip(line, (size_t)(last - line.at) + 1);
    if (head->method_text.bytes == 0 || head->method_text.bytes > METHOD_BYTES_MAX ||
        !all_of(head->method_text, CLASS_TOKEN))
        return HTTP_BAD;
    head->method = method_of(head->method_text);
    if (target.bytes > HTTP_TARGET_BYTES_MAX)
        return HTTP_TARGET_TOO_LONG;
    enum http_outcome outcome = parse_version(version, head);
    return outcome == HTTP_OK ? parse_target(target, head) : outcome;
}

/* Everything but the header array, which is long and not read beyond headers_count. */
static void clear(struct http_head *head)
{
    memset(head, 0, offsetof(struct http_head, headers));
    head->content_length = HTTP_LENGTH_UNKNOWN;
}

enum http_outcome http_parse_request(struct slice head_bytes, struct http_head *ret_head)
{
    clear(ret_head);
    struct slice rest = head_bytes;
    enum http_outcome outcome = parse_request_line(take_line(&rest), ret_head);
    if (outcome == HTTP_OK)
        outcome = parse_fields(rest, ret_head);
    if (outcome != HTTP_OK)
        return outcome;
    /* RFC 9112 section 3.2: exactly one Host in 1.1, at most one in 1.0. */
    if (ret_head->hosts_count > 1 || (ret_head->hosts_count == 0 && ret_head->minor == 1))
        return HTTP_BAD;
    return HTTP_OK;
}

enum http_outcome http_parse_response(struct slice head_bytes, struct http_head *ret_head)
{
    clear(ret_head);
    struct slice rest = head_bytes;
    struct slice line = take_line(&rest);
    if (line.bytes < VERSION_BYTES + 4 || line.at[VERSION_BYTES] != ' ')
        return HTTP_BAD;
    enum http_outcome outcome = parse_version(slice_of(line.at, VERSION_BYTES), ret_head);
    if (outcome != HTTP_OK)
        return outcome;
    const char *digits = line.at + VERSION_BYTES + 1;
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return HTTP_BAD;
        ret_head->status = ret_head->status * 10 + (digits[i] - '0');
    }
    struct slice tail = slice_skip(line, VERSION_BYTES + 4);
    if (ret_head->status < 100 || (tail.bytes > 0 && *tail.at != ' ') || !all_of(tail, CLASS_VALUE))
        return HTTP_BAD;
    ret_head->reason = trim(tail);
    return parse_fields(rest, ret_head);
}

/* ---- looking things up ---- */

struct slice http_head_find(const struct http_head *head, struct slice lower_name)
{
    for (size_t i = 0; i < head->headers_count; i++)
        if (head->headers[i].name.bytes == lower_name.bytes &&
            http_text_equal(head->headers[i].name, lower_name))
            return head->headers[i].value;
    return SLICE_NONE;
}

size_t http_head_count(const struct http_head *head, struct slice lower_name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->headers_count; i++)
        if (http_text_equal(head->headers[i].name, lower_name))
            count++;
    return count;
}

bool http_head_has_token(const struct http_head *head, struct slice lower_name,
                         struct slice lower_token)
{
    for (size_t i = 0; i < head->headers_count; i++) {
        struct slice list = head->headers[i].value;
        struct slice element;
        if (!http_text_equal(head->headers[i].name, lower_name))
            continue;
        while (take_element(&list, &element))
            if (http_text_equal(element, lower_token))
                return true;
    }
    return false;
}
