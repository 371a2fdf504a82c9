/* post_office.c - contract in post_office.h. A ring in the order in which notices came: an entry
 * that is done leaves a hole until all before it are. */
#include "roles/notification/post_office.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

struct post_office {
    struct post_rules rules;
    uint32_t in, out; /* of the ring */
    size_t count;     /* held */
    struct post posts[POST_NOTICES_MAX];
};

int post_office_new(const struct post_rules *rules, struct post_office **ret_office)
{
    struct post_office *office = calloc(1, sizeof *office);
    if (office == NULL)
        return -ERR_MEMORY;
    office->rules = *rules;
    *ret_office = office;
    return 0;
}

void post_office_free(struct post_office *office)
{
    free(office);
}

bool post_office_is_full(const struct post_office *office)
{
    return office->in - office->out == POST_NOTICES_MAX;
}

bool post_office_is_empty(const struct post_office *office)
{
    return office->count == 0;
}

size_t post_office_count(const struct post_office *office)
{
    return office->count;
}

static struct post *at(struct post_office *office, uint32_t n)
{
    return &office->posts[n % POST_NOTICES_MAX];
}

void post_office_take(struct post_office *office, struct slice id, uint64_t customer,
                      struct slice notice)
{
    ASSERT(!post_office_is_full(office));
    ASSERT(id.bytes <= POST_ID_BYTES);
    ASSERT(notice.bytes <= NOTICE_BYTES_MAX);
    struct post *post = at(office, office->in++);
    *post = (struct post){.id_bytes = id.bytes,
                          .notice_bytes = notice.bytes,
                          .customer = customer,
                          .state = POST_WAITS};
    if (id.bytes > 0)
        memcpy(post->id, id.at, id.bytes);
    if (notice.bytes > 0)
        memcpy(post->notice, notice.at, notice.bytes);
    office->count++;
}

/* An older one of the same customer is still held. */
static bool is_behind(struct post_office *office, uint32_t n)
{
    for (uint32_t i = office->out; i != n; i++)
        if (at(office, i)->state != POST_FREE && at(office, i)->customer == at(office, n)->customer)
            return true;
    return false;
}

struct post *post_office_next(struct post_office *office, int64_t now_us)
{
    for (uint32_t n = office->out; n != office->in; n++) {
        struct post *post = at(office, n);
        if (post->state != POST_WAITS || post->due_us > now_us || is_behind(office, n))
            continue;
        post->state = POST_UNDER_WAY;
        post->tries++;
        return post;
    }
    return NULL;
}

int64_t post_office_due_us(const struct post_office *office)
{
    int64_t due_us = INT64_MAX;
    for (uint32_t n = office->out; n != office->in; n++) {
        const struct post *post = &office->posts[n % POST_NOTICES_MAX];
        if (post->state == POST_WAITS && post->due_us < due_us)
            due_us = post->due_us;
    }
    return due_us;
}

static void leave(struct post_office *office, struct post *post)
{
    post->state = POST_FREE;
    office->count--;
    while (office->out != office->in && at(office, office->out)->state == POST_FREE)
        office->out++;
}

static int64_t rest_us(const struct post_office *office, int64_t tries)
{
    int64_t us = office->rules.rest_us_min;
    for (int64_t i = 1; i < tries && us < office->rules.rest_us_max; i++)
        us *= 2;
    return us < office->rules.rest_us_max ? us : office->rules.rest_us_max;
}

static bool may_be_taken_later(int status)
{
    return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

enum post_fate post_office_answered(struct post_office *office, struct post *post, int status,
                                    int64_t now_us)
{
    ASSERT(post->state == POST_UNDER_WAY);
    post->status = status;
    if (status >= 200 && status < 300) {
        leave(office, post);
        return POST_TOLD;
    }
    if (!may_be_taken_later(status) || post->tries >= office->rules.tries_max) {
        post->state = POST_IS_DEAD;
        return POST_DEAD;
    }
    post->state = POST_WAITS;
    post->due_us = now_us + rest_us(office, post->tries);
    return POST_AGAIN;
}

void post_office_bury(struct post_office *office, struct post *post)
{
    ASSERT(post->state == POST_IS_DEAD);
    leave(office, post);
}

void post_office_put_off(struct post_office *office, struct post *post, int64_t now_us)
{
    ASSERT(post->state == POST_IS_DEAD);
    post->state = POST_WAITS;
    post->due_us = now_us + office->rules.rest_us_max;
}
