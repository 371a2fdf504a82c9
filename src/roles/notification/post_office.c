/* post_office.c - contract in post_office.h. A ring in the order in which notices came: an entry
 * that is done leaves a hole until all before it are. */
#include "roles/notification/post_office.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/backoff.h"
#include "base/error.h"

struct post_office {
    struct post_rules rules;
    uint32_t in, out;          /* of the ring */
    size_t count;              /* held */
    struct backoff rests;      /* of a receiver that is away */
    const struct post *asking; /* whether it is there again; NULL: none is */
    uint64_t spell;            /* from one answer that says it is there to the next; from 1 */
    uint32_t failed;           /* notices that were not taken for now in this one */
    int64_t away_due_us;
    bool away;
    struct post posts[POST_NOTICES_MAX];
};

int post_office_new(const struct post_rules *rules, struct post_office **ret_office)
{
    struct post_office *office = calloc(1, sizeof *office);
    if (office == NULL)
        return -ERR_MEMORY;
    ASSERT(rules->away_notices > 0);
    office->rules = *rules;
    office->rests = backoff_begin(rules->rest_us_min, rules->away_us_max, rules->seed);
    office->spell = 1;
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
static bool is_behind(const struct post_office *office, uint32_t n)
{
    uint64_t customer = office->posts[n % POST_NOTICES_MAX].customer;
    for (uint32_t i = office->out; i != n; i++) {
        const struct post *older = &office->posts[i % POST_NOTICES_MAX];
        if (older->state != POST_FREE && older->customer == customer)
            return true;
    }
    return false;
}

bool post_office_is_away(const struct post_office *office)
{
    return office->away;
}

static struct post *send_off(struct post *post)
{
    post->state = POST_UNDER_WAY;
    post->tries++;
    return post;
}

static bool is_due(struct post_office *office, uint32_t n, int64_t now_us)
{
    const struct post *post = at(office, n);
    return post->state == POST_WAITS && post->due_us <= now_us && !is_behind(office, n);
}

/* Who was tried least: one that the receiver never takes is not asked with again and again. */
static struct post *next_asking(struct post_office *office, int64_t now_us)
{
    struct post *found = NULL;
    if (office->asking != NULL || now_us < office->away_due_us)
        return NULL;
    for (uint32_t n = office->out; n != office->in; n++)
        if (is_due(office, n, now_us) && (found == NULL || at(office, n)->tries < found->tries))
            found = at(office, n);
    office->asking = found;
    return found != NULL ? send_off(found) : NULL;
}

struct post *post_office_next(struct post_office *office, int64_t now_us)
{
    if (office->away)
        return next_asking(office, now_us);
    for (uint32_t n = office->out; n != office->in; n++)
        if (is_due(office, n, now_us))
            return send_off(at(office, n));
    return NULL;
}

int64_t post_office_due_us(const struct post_office *office)
{
    int64_t due_us = INT64_MAX;
    if (office->away && office->asking != NULL)
        return due_us;
    for (uint32_t n = office->out; n != office->in; n++) {
        const struct post *post = &office->posts[n % POST_NOTICES_MAX];
        if (post->state == POST_WAITS && post->due_us < due_us && !is_behind(office, n))
            due_us = post->due_us;
    }
    return office->away && due_us < office->away_due_us ? office->away_due_us : due_us;
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

/* ---- a receiver that is away ---- */

static void is_there(struct post_office *office, int64_t now_us)
{
    office->spell++;
    office->failed = 0;
    office->asking = NULL;
    if (!office->away)
        return;
    office->away = false;
    backoff_reset(&office->rests);
    for (uint32_t n = office->out; n != office->in; n++) {
        struct post *post = at(office, n);
        if (post->state == POST_WAITS && post->due_us > now_us)
            post->due_us = now_us;
    }
}

static void was_not_taken(struct post_office *office, struct post *post, int64_t now_us)
{
    bool asked = office->asking == post;
    if (post->failed_in != office->spell)
        office->failed++;
    post->failed_in = office->spell;
    if (asked)
        office->asking = NULL;
    if (asked || (!office->away && office->failed >= office->rules.away_notices))
        office->away_due_us = now_us + backoff_us(&office->rests);
    office->away = office->away || office->failed >= office->rules.away_notices;
}

enum post_fate post_office_answered(struct post_office *office, struct post *post, int status,
                                    int64_t now_us)
{
    ASSERT(post->state == POST_UNDER_WAY);
    post->status = status;
    if (may_be_taken_later(status))
        was_not_taken(office, post, now_us);
    else
        is_there(office, now_us);
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
