/* sim_vault.h - the keys of personal fields in the simulated machine, and what the world knows of
 * them; this folder only. */
#pragma once

#include "adapters/embedded/personal_vault_file.h"
#include "base/prng.h"
#include "sim/sim_oracle.h"

#define SIM_SLOT_BYTES 64
#define SIM_KEYS_NAME  "personal.keys"

struct sim_vault {
    struct personal_vault port;    /* what the book is given: it looks at every answer */
    struct personal_vault *file;   /* owns, while up: the vault under test */
    struct prng prng;              /* keys and nonces: from the seed, never twice the same */
    struct sim_vault_account {     /* [ref] */
        bool failed;               /* its key could not be made: it has none, for ever */
        bool erased, unsure;       /* unsure: an erasure failed half way */
        char slot[SIM_SLOT_BYTES]; /* what was erased */
        uint64_t seq;              /* of its newest durable record with a sealed field; 0: none */
        uint32_t entry;
    } accounts[SIM_USERS_MAX + 2];
};
