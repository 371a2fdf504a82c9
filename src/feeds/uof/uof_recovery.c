/* uof_recovery.c - contract in uof_recovery.h. */
#include "feeds/uof/uof_recovery.h"

#include "base/assert.h"
#include "base/error.h"
#include "feeds/uof/uof_message.h"
#include "feeds/uof/uof_number.h"

#define API_BYTES_MAX 512

static int refuse(struct buf *why)
{
    buf_printf(why,
               "recoveries are PRODUCER=URL, at most %d of them with a space between; a URL "
               "is http:// or https://, ends with / and has at most %d bytes",
               UOF_PRODUCERS_MAX, API_BYTES_MAX);
    return -ERR_CONFIG;
}

static int take_row(struct uof_recovery *recovery, struct slice text)
{
    const char *mark = memchr(text.at, '=', text.bytes);
    int64_t number = 0;
    if (mark == NULL || recovery->count == UOF_PRODUCERS_MAX)
        return -ERR_CONFIG;
    struct slice head = slice_of(text.at, (size_t)(mark - text.at));
    struct slice api = slice_skip(text, head.bytes + 1);
    if (!uof_whole(head, 1, UOF_PRODUCT_MAX, &number) || api.bytes > API_BYTES_MAX ||
        (!slice_begins(api, SLICE("https://")) && !slice_begins(api, SLICE("http://"))) ||
        api.at[api.bytes - 1] != '/' || uof_recovery_row(recovery, (uint16_t)number) != NULL)
        return -ERR_CONFIG;
    recovery->rows[recovery->count++] =
        (struct uof_recovery_row){.number = (uint16_t)number, .api = api, .asked_us = INT64_MIN};
    return 0;
}

int uof_recovery_parse(struct uof_recovery *recovery, struct slice text, struct buf *why)
{
    while (text.bytes > 0) {
        const char *space = memchr(text.at, ' ', text.bytes);
        size_t bytes = space == NULL ? text.bytes : (size_t)(space - text.at);
        if (bytes > 0 && take_row(recovery, slice_of(text.at, bytes)) < 0)
            return refuse(why);
        text = slice_skip(text, space == NULL ? bytes : bytes + 1);
    }
    return recovery->count > 0 ? 0 : refuse(why);
}

struct uof_recovery_row *uof_recovery_row(struct uof_recovery *recovery, uint16_t number)
{
    for (uint32_t i = 0; i < recovery->count; i++)
        if (recovery->rows[i].number == number)
            return &recovery->rows[i];
    return NULL;
}

static bool is_due(const struct uof_recovery_row *row, const struct uof_producer *producer,
                   int64_t now_us)
{
    if (!producer->down || producer->alives == 0)
        return false;
    if (row->asked_us == INT64_MIN)
        return true;
    int64_t since_us = now_us - row->asked_us;
    bool runs = producer->awaited != 0 && producer->subscribed && !row->failed;
    return since_us >= (runs ? UOF_RECOVERY_RUN_US : UOF_RECOVERY_PAUSE_US);
}

bool uof_recovery_next(struct uof_recovery *recovery, const struct uof_producer *producer,
                       int64_t now_us, int64_t wall_ms, struct buf *url)
{
    struct uof_recovery_row *row = uof_recovery_row(recovery, producer->number);
    if (row == NULL || !is_due(row, producer, now_us))
        return false;
    int64_t after_ms = wall_ms - recovery->window_ms;
    if (producer->good_ms > after_ms)
        after_ms = producer->good_ms;
    row->asked_us = now_us;
    row->failed = false;
    recovery->request_id++;
    buf_put_slice(url, row->api);
    buf_printf(url, "recovery/initiate_request?after=%lld&request_id=%llu", (long long)after_ms,
               (unsigned long long)recovery->request_id);
    if (recovery->node_id > 0)
        buf_printf(url, "&node_id=%lld", (long long)recovery->node_id);
    buf_put_char(url, '\0');
    ASSERT(!url->overflow);
    return true;
}
