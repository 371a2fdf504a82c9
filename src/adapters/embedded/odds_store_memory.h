/* odds_store_memory.h - the odds store in memory of this process (port: ports/odds_store.h). */
#pragma once

#include <stdint.h>

#include "ports/odds_store.h"

/* For up to markets_max markets; selections take memory as they come, SELECTIONS_MAX a market at
 * most. `key` is a secret of this process. 0 or -ERR_MEMORY; ends with ops->free. */
int odds_store_memory_new(uint32_t markets_max, const uint64_t key[2], struct odds_store **ret);
