/* tree_log.c - contract in tree_log.h. */
#include "adapters/embedded/tree_log.h"

#include "adapters/embedded/ledger_file.h"

static int replay_file(void *owner, uint64_t seq_first, ledger_visit visit, void *visitor,
                       char *ret_text)
{
    return ledger_file_replay(owner, seq_first, visit, visitor, ret_text);
}

struct tree_log tree_log_of_file(struct ledger_log *log)
{
    return (struct tree_log){ledger_file_creation(log), replay_file, log};
}
