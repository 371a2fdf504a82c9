/* book_pages.c - contract in book_pages.h. */
#include "adapters/book/book_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/shared/web_call.h"
#include "base/error.h"
#include "base/json_read.h"

#define URL_BYTES_MAX    512
#define HEADER_BYTES_MAX 4200 /* a token has 4 KiB at most */
#define SCRATCH_BYTES    1024

struct book_pages {
    struct event_pages pages;
    struct book_pages_options options;
    struct web_call *call; /* owned */
    uint64_t lag;
    char authorization[HEADER_BYTES_MAX];
    char problem[WEB_PROBLEM_BYTES];
    char answer[BOOK_PAGES_ANSWER_BYTES_MAX];
};

/* The last line: where the page ended. */
struct page_end {
    uint64_t log, position, skip, lag;
    bool more, whole;
};

static int fail(struct book_pages *p, int error, const char *what)
{
    (void)snprintf(p->problem, sizeof p->problem, "%s", what);
    return error;
}

/* ---- asking ---- */

/* What a status says; 0: there is a page. */
static int look_at_status(struct book_pages *p, int status)
{
    char text[64];
    if (status == 200)
        return 0;
    if (status == 0)
        return fail(p, -ERR_ABSENT, web_call_problem(p->call));
    (void)snprintf(text, sizeof text, "the book answered %d", status);
    if (status == 409)
        return fail(p, -ERR_CORRUPT, "the place is not in this log: it is not the one it was of");
    return fail(p, status == 400 || status == 404 ? -ERR_CONFIG : -ERR_ABSENT, text);
}

static int ask(struct book_pages *p, const struct event_place *place, struct slice *ret_page)
{
    char url[URL_BYTES_MAX];
    struct web_request request = {.url = url,
                                  .headers = {p->authorization},
                                  .answer = p->answer,
                                  .answer_bytes_max = sizeof p->answer};
    (void)snprintf(url, sizeof url, "%s/v1/admin/streams/%s?group=%s&position=%llu&skip=%u",
                   p->options.url, p->options.topic, p->options.group,
                   (unsigned long long)place->position, (unsigned)place->skip);
    TRY(look_at_status(p, web_call_get(p->call, &request)));
    *ret_page = slice_of(p->answer, request.answer_bytes);
    return 0;
}

/* ---- lines ---- */

static bool cut_line(struct slice *rest, struct slice *ret_line)
{
    const char *end = rest->bytes == 0 ? NULL : memchr(rest->at, '\n', rest->bytes);
    if (end == NULL)
        return false;
    *ret_line = slice_of(rest->at, (size_t)(end - rest->at));
    *rest = slice_skip(*rest, ret_line->bytes + 1);
    return true;
}

static bool read_u64(struct json_reader *r, uint64_t *ret)
{
    int64_t number = 0;
    bool read = json_i64(r, &number) && number >= 0;
    *ret = read ? (uint64_t)number : 0;
    return read;
}

static bool read_log(struct json_reader *r, uint64_t *ret)
{
    struct slice text;
    char memory[17] = "";
    if (!json_string(r, &text) || text.bytes != sizeof memory - 1)
        return false;
    memcpy(memory, text.at, text.bytes);
    *ret = strtoull(memory, NULL, 16);
    return true;
}

static bool read_end_member(struct json_reader *r, struct slice key, struct page_end *end)
{
    return slice_is(key, "log")        ? read_log(r, &end->log)
           : slice_is(key, "position") ? read_u64(r, &end->position)
           : slice_is(key, "skip")     ? read_u64(r, &end->skip)
           : slice_is(key, "lag")      ? read_u64(r, &end->lag)
           : slice_is(key, "more")     ? json_bool(r, &end->more)
                                       : json_skip(r);
}

static int read_end(struct slice line, struct page_end *end)
{
    struct json_reader r;
    struct slice key;
    bool good = true;
    json_begin(&r, line, NULL, 0);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key))
            good &= read_end_member(&r, key, end);
    end->whole = json_end(&r) == 0 && good && end->log != 0 && end->skip <= UINT32_MAX;
    return end->whole ? 0 : -ERR_FORMAT;
}

static bool read_event_member(struct json_reader *r, struct slice key, struct event *event)
{
    return slice_is(key, "key")        ? json_string(r, &event->key)
           : slice_is(key, "seq")      ? json_string(r, &event->seq)
           : slice_is(key, "position") ? read_u64(r, &event->position)
           : slice_is(key, "time_us")  ? json_i64(r, &event->time_us)
           : slice_is(key, "value")    ? json_raw(r, &event->value)
                                       : json_skip(r);
}

static int read_event(struct slice line, char *scratch, struct event *event)
{
    struct json_reader r;
    struct slice key;
    bool good = true;
    *event = (struct event){.value = SLICE_NONE};
    json_begin(&r, line, scratch, SCRATCH_BYTES);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key))
            good &= read_event_member(&r, key, event);
    bool whole = json_end(&r) == 0 && good && event->value.bytes > 0 && event->seq.bytes > 0 &&
                 event->key.bytes <= EVENT_KEY_BYTES_MAX &&
                 event->seq.bytes <= EVENT_SEQ_BYTES_MAX &&
                 event->value.bytes <= EVENT_VALUE_BYTES_MAX;
    return whole ? 0 : -ERR_FORMAT;
}

static bool is_end(struct slice line)
{
    return slice_begins(line, SLICE("{\"log\":"));
}

/* The page's last line, which is its end, or the page was cut short. */
static int find_end(struct slice page, struct page_end *ret_end)
{
    struct slice line = SLICE_NONE;
    while (cut_line(&page, &line))
        if (is_end(line) && page.bytes == 0)
            return read_end(line, ret_end);
    return -ERR_FORMAT;
}

/* ---- the port ---- */

static int visit_page(struct slice page, struct event_place *place, event_visit visit, void *owner)
{
    struct slice line;
    char scratch[SCRATCH_BYTES];
    while (cut_line(&page, &line) && !is_end(line)) {
        struct event event;
        TRY(read_event(line, scratch, &event));
        TRY(visit(owner, &event));
        place->skip++;
    }
    return 0;
}

/* A place is of one log; one that nothing was read from yet is of any. */
static int check_log(struct book_pages *p, const struct event_place *place,
                     const struct page_end *end)
{
    return place->log == 0 || place->log == end->log
               ? 0
               : fail(p, -ERR_CORRUPT, "another book answers than the one that was read");
}

static int pages_read(struct event_pages *pages, struct event_place *place, size_t bytes_max,
                      event_visit visit, void *owner)
{
    struct book_pages *p = (struct book_pages *)pages;
    struct page_end end = {0};
    struct slice page;
    (void)bytes_max; /* the book has a bound of its own */
    TRY(ask(p, place, &page));
    if (find_end(page, &end) < 0)
        return fail(p, -ERR_ABSENT, "the book's answer was cut short");
    TRY(check_log(p, place, &end));
    place->log = end.log;
    int error = visit_page(page, place, visit, owner);
    if (error == -ERR_FORMAT)
        return fail(p, -ERR_CORRUPT, "the book's answer is no page of a log");
    TRY(error);
    p->lag = end.lag;
    *place = (struct event_place){end.position, (uint32_t)end.skip, end.log};
    return end.more ? 1 : 0;
}

static uint64_t pages_lag(const struct event_pages *pages)
{
    return ((const struct book_pages *)pages)->lag;
}

static const char *pages_problem(const struct event_pages *pages)
{
    return ((const struct book_pages *)pages)->problem;
}

static void pages_free(struct event_pages *pages)
{
    struct book_pages *p = (struct book_pages *)pages;
    web_call_free(p->call);
    explicit_bzero(p->authorization, sizeof p->authorization);
    free(p);
}

static const struct event_pages_ops pages_ops = {pages_read, pages_lag, pages_problem, pages_free};

int book_pages_new(const struct book_pages_options *options, struct web_client *client,
                   struct event_pages **ret_pages, struct buf *why)
{
    struct book_pages *p = calloc(1, sizeof *p);
    if (p == NULL) {
        client->ops->free(client);
        return -ERR_MEMORY;
    }
    p->pages.ops = &pages_ops;
    p->options = *options;
    int bytes = snprintf(p->authorization, sizeof p->authorization, "Authorization: Bearer %s",
                         options->token);
    int error = web_call_new(client, &p->call);
    if (error == 0 && (size_t)bytes >= sizeof p->authorization) {
        buf_put_text(why, "--token: it is too long");
        error = -ERR_CONFIG;
    }
    if (error < 0) {
        pages_free(&p->pages);
        return error;
    }
    *ret_pages = &p->pages;
    return 0;
}
