/* post_office.h - notices on their way to somebody else's server: several at once, those of one
 * customer one after the other, each tried again with growing rests until it was taken, or for so
 * often that it is a dead letter.
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

/* The oldest that is due, now under way; NULL: none is. The office's, until it was answered. */
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
