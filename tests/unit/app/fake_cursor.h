/* fake_cursor.h - the ledger_cursor port over a fake_log, a few records a step. */
#pragma once

#include "fake_ports.h"
#include "ports/ledger_cursor.h"

struct fake_cursor {
    struct ledger_cursor port;
    struct fake_log *log;
    size_t at, end;
    uint64_t seq_first;
};

void fake_cursor_init(struct fake_cursor *cursor, struct fake_log *log);
