/* odds_message.h - a message of the channel odds-changes (odds_script.h), taken apart:
 *
 *   VALUE                     a version (odds_value.h), which says its SESSION and NUMBER, or has
 * none SESSION NUMBER VERSION    none was taken: that one is there SESSION NUMBER lease
 * {"provider":ID,"epoch":N,"valid_for_us":N} SESSION NUMBER alive CLAIM
 *
 * CLAIM is {"epoch":N,"sent_us":N,"behind_us":N,"slots":[[FIRST,LAST],..]}: whatever the writer had
 * to say of these slots, since it began with that epoch of versions and until `behind_us` before it
 * sent this, has been taken. `sent_us` is of the writer's
 * own clock, and of use beside another one of the same connection only. It is left out while that
 * cannot be said.
 *
 * Writers before this one sent "SESSION NUMBER BEFORE VALUE", and "- 0 BEFORE VALUE" without a
 * number; both are read. Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "adapters/redis/redis_slots.h"
#include "base/buf.h"
#include "base/instant.h"
#include "base/slice.h"
#include "core/ids.h"

#define ODDS_CLAIM_RANGES_MAX 256 /* slots of further ones are not claimed */

struct odds_claim {
    uint64_t book;  /* whose versions: odds_book_number(); 0: a writer that does not say it */
    uint64_t epoch; /* of versions: 0, nothing was said yet */
    int64_t sent_us, behind_us;
    uint16_t ranges_count; /* 0: nothing is claimed */
    struct redis_range ranges[ODDS_CLAIM_RANGES_MAX];
};

/* Tells the books apart that an operator may take for each other: 63 bits of the random id of the
 * writer's log. Never 0. */
uint64_t odds_book_number(const uint8_t book_id[16]);

enum odds_message_kind { ODDS_MESSAGE_VALUE = 1, ODDS_MESSAGE_LEASE, ODDS_MESSAGE_ALIVE };

struct odds_message {
    enum odds_message_kind kind;
    uint64_t session, number; /* number 0: it has none */
    struct slice value;       /* VALUE; of the payload */
    uint8_t provider_bytes;   /* LEASE */
    char provider[PROVIDER_ID_BYTES_MAX];
    int64_t valid_for_us;
    struct odds_claim claim; /* ALIVE */
};

#define ODDS_CLAIM_BYTES_MAX (160 + ODDS_CLAIM_RANGES_MAX * 16)
/* What stands behind "alive" and "lease", and the value of a key feed:<provider>. There is room
 * (ASSERT). */
void odds_claim_write(struct buf *out, const struct odds_claim *claim);
void odds_lease_write(struct buf *out, struct slice provider, uint64_t epoch, int64_t valid_for_us);
void odds_lease_write_value(struct buf *out, uint64_t epoch, struct instant valid_until);

/* -ERR_FORMAT. Kinds that are not known yet are ALIVE: they count, and say nothing. */
int odds_message_read(struct slice payload, struct odds_message *ret_message);
