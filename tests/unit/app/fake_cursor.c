/* fake_cursor.c - contract in fake_cursor.h. */
#include "fake_cursor.h"

#include "ledger/record.h"

static void fake_seek(struct ledger_cursor *port, uint64_t seq_first)
{
    struct fake_cursor *c = (struct fake_cursor *)port;
    c->at = 0;
    c->seq_first = seq_first;
}

static uint64_t fake_look(struct ledger_cursor *port)
{
    struct fake_cursor *c = (struct fake_cursor *)port;
    c->end = c->log->size;
    return c->log->tail;
}

static int fake_step(struct ledger_cursor *port, size_t bytes_max, ledger_visit visit, void *owner)
{
    struct fake_cursor *c = (struct fake_cursor *)port;
    (void)bytes_max;
    for (int records = 0; c->at < c->end && records < 3; records++) {
        const struct record_head *head = (const void *)(c->log->bytes + c->at);
        const char *record = c->log->bytes + c->at;
        c->at += head->bytes;
        if (head->seq < c->seq_first)
            continue;
        int error = visit(owner, 0, record, head->bytes);
        if (error < 0)
            return error;
    }
    return c->at < c->end;
}

static void fake_free(struct ledger_cursor *port)
{
    (void)port;
}

static const struct ledger_cursor_ops fake_cursor_ops = {fake_seek, fake_look, fake_step,
                                                         fake_free};

void fake_cursor_init(struct fake_cursor *cursor, struct fake_log *log)
{
    *cursor = (struct fake_cursor){.port = {&fake_cursor_ops}, .log = log};
}
