/* post_office.h - notices on their way to somebody else's server: several at once, those of one
 * customer one after the other, each tried again with growing rests until it was taken, or for so
 * often that it is a dead letter.
 *
 * The receiver is *away* when several notices in a row, each another one, were not taken for now
 * and nothing was answered meanwhile that says it is there. Then one at a time is tried, with rests
 * of the receiver's own, so that a dead server is asked as seldom whatever waits. Its first answer
 * of another kind ends that, and all that wait are due. One notice that is never taken, beside
 * others that are, takes nobody away.
 *
 * A state machine without clock or sockets: whoever sends asks what is due, and says what came of
 * it. Thread: one user. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "roles/notification/notice.h"

#define POST_NOTICES_MAX 256 /* held at once: 1 MiB */
#define POST_ID_BYTES    40

struct post_rules {
    int64_t tries_max;
    int64_t rest_us_min, rest_us_max; /* the first, and what doubling ends at */
    uint32_t away_notices;            /* at least 1: so many in a row, and the receiver is away */
    int64_t away_us_max;              /* the longest rest between two tries of one that is away */
    uint64_t seed;                    /* of these rests, which are drawn: base/backoff.h */
};

enum post_fate {
    POST_TOLD = 0, /* it was taken, and is held no more */
    POST_AGAIN,    /* it will be due again */
    POST_DEAD,     /* it will not be told: bury it, or put it off */
};

struct post {
    char id[POST_ID_BYTES]; /* the same whenever it is told; unlike any other's */
    size_t id_bytes;
    char notice[NOTICE_BYTES_MAX];
    size_t notice_bytes;
    int64_t tries; /* that were begun */
    int status;    /* what the last was answered with; 0: nothing */

    uint64_t customer; /* the office's, as the rest */
    int64_t due_us;
    uint64_t failed_in; /* between which two answers of the receiver; 0: in none yet */
    enum { POST_FREE = 0, POST_WAITS, POST_UNDER_WAY, POST_IS_DEAD } state;
};

struct post_office;

/* 0 or -ERR_MEMORY. */
int post_office_new(const struct post_rules *rules, struct post_office **ret_office);
void post_office_free(struct post_office *office); /* accepts NULL */

bool post_office_is_full(const struct post_office *office);
bool post_office_is_empty(const struct post_office *office);
size_t post_office_count(const struct post_office *office);
/* Copies one more, behind the others; not when it is full. `customer`: a hash of who it is about.
 */
void post_office_take(struct post_office *office, struct slice id, uint64_t customer,
                      struct slice notice);

/* Whether the receiver is away. */
bool post_office_is_away(const struct post_office *office);

/* The oldest that is due, now under way; NULL: none is. The office's, until it was answered. Of a
 * receiver that is away: of those that are due the one that was tried least, when its rest is over
 * and no other is under way for that. */
struct post *post_office_next(struct post_office *office, int64_t now_us);
/* When the next will be due, if nothing is answered before; INT64_MAX: never. */
int64_t post_office_due_us(const struct post_office *office);
/* Of one under way. status: of the answer; 0: there was none. 2xx: told. No answer, 408, 425, 429
 * and 5xx: again, up to tries_max. Anything else says that it will never be taken. */
enum post_fate post_office_answered(struct post_office *office, struct post *post, int status,
                                    int64_t now_us);
/* Of a dead one: it is held no more, since it is kept elsewhere; or it cannot be: then it is tried
 * on at the longest rest. */
void post_office_bury(struct post_office *office, struct post *post);
void post_office_put_off(struct post_office *office, struct post *post, int64_t now_us);
