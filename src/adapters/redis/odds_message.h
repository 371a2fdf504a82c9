/* odds_message.h - a message of the channel odds-changes (odds_script.h), taken apart:
 *
 *   SESSION NUMBER BEFORE VALUE     a version; VALUE empty: none was taken
 *   - 0 BEFORE VALUE                the same, without a number
 *   SESSION NUMBER lease {"provider":ID,"epoch":N,"valid_for_us":N}
 *   SESSION NUMBER alive
 *
 * Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/ids.h"

enum odds_message_kind { ODDS_MESSAGE_VALUE = 1, ODDS_MESSAGE_LEASE, ODDS_MESSAGE_ALIVE };

struct odds_message {
    enum odds_message_kind kind;
    uint64_t session, number; /* number 0: it has none */
    struct slice value;       /* VALUE; of the payload */
    uint8_t provider_bytes;   /* LEASE */
    char provider[PROVIDER_ID_BYTES_MAX];
    int64_t valid_for_us;
};

/* -ERR_FORMAT. Kinds that are not known yet are ALIVE: they count, and say nothing. */
int odds_message_read(struct slice payload, struct odds_message *ret_message);
