/* notice.c - contract in notice.h. */
#include "roles/notification/notice.h"

#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"

#define SCRATCH_BYTES 4096

static const char *const told[] = {"settled", "reversed", "cash_out", "not_accepted"};
#define TOLD_COUNT (sizeof told / sizeof *told)

/* Members that are passed on as they are. */
#define USER_ID 1
static const char *const members[] = {"bet_id",   "user_id",    "outcome",    "reason",
                                      "stake",    "payout",     "delta",      "currency",
                                      "reverses", "settlement", "settled_at", "recorded_at"};
#define MEMBERS_COUNT (sizeof members / sizeof *members)

struct message {
    struct slice type;
    int64_t event_no;
    struct slice raw[MEMBERS_COUNT];
};

static bool read_member(struct json_reader *r, struct slice key, struct message *m)
{
    if (slice_is(key, "type"))
        return json_string(r, &m->type);
    if (slice_is(key, "event_no"))
        return json_i64(r, &m->event_no);
    for (size_t i = 0; i < MEMBERS_COUNT; i++)
        if (slice_is(key, members[i]))
            return json_raw(r, &m->raw[i]);
    return json_skip(r);
}

static bool is_told(const struct message *m)
{
    bool known = false;
    for (size_t i = 0; i < TOLD_COUNT; i++)
        known |= slice_is(m->type, told[i]);
    return known && m->event_no == 1;
}

int notice_of(const struct event *event, struct buf *notice, struct slice *ret_customer)
{
    char scratch[SCRATCH_BYTES];
    struct json_reader r;
    struct slice key;
    struct message m = {.event_no = 0};
    json_begin(&r, event->value, scratch, sizeof scratch);
    if (json_object_begin(&r))
        while (json_object_next(&r, &key))
            (void)read_member(&r, key, &m);
    if (json_end(&r) < 0 || m.type.bytes == 0 || m.event_no < 1)
        return -ERR_FORMAT;
    *ret_customer = m.raw[USER_ID];
    if (!is_told(&m))
        return NOTICE_NONE;
    struct json_writer w = json_write_begin(notice);
    json_write_object_open(&w);
    json_write_key(&w, "notice");
    json_write_text(&w, m.type);
    json_write_key(&w, "seq");
    json_write_text(&w, event->seq);
    for (size_t i = 0; i < MEMBERS_COUNT; i++) {
        if (m.raw[i].bytes == 0)
            continue;
        json_write_key(&w, members[i]);
        json_write_raw(&w, m.raw[i]);
    }
    json_write_object_close(&w);
    return notice->overflow ? -ERR_FORMAT : NOTICE_MADE;
}
