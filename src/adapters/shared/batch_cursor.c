/* batch_cursor.c - contract in batch_cursor.h. */
#include "adapters/shared/batch_cursor.h"

#include <stdlib.h>

#include "adapters/shared/batch_walk.h"
#include "base/assert.h"
#include "base/error.h"

struct batch_cursor {
    struct ledger_cursor cursor; /* first */
    struct batch_walk walk;      /* its store is owned */
    struct batch_place end;      /* as of the last look */
    uint64_t seq_first;          /* what was asked for */
    bool placed;
    bool away; /* the last look had no answer */
    const char *problem;
};

static struct batch_cursor *cursor_of(struct ledger_cursor *cursor)
{
    return (struct batch_cursor *)cursor;
}

static void cursor_seek(struct ledger_cursor *cursor, uint64_t seq_first)
{
    struct batch_cursor *c = cursor_of(cursor);
    ASSERT(seq_first > 0);
    c->seq_first = seq_first;
    c->placed = false;
    c->problem = "";
}

static uint64_t cursor_look(struct ledger_cursor *cursor)
{
    struct batch_cursor *c = cursor_of(cursor);
    struct batch_place end;
    c->away = c->walk.store->ops->newest(c->walk.store, c->walk.shard, &end) < 0;
    if (!c->away)
        c->end = end;
    return c->end.seq_last;
}

static int step(struct batch_cursor *c, const struct batch_walk_visit *visit)
{
    if (!c->placed)
        TRY(batch_walk_begin(&c->walk, c->seq_first, &c->end));
    c->placed = true;
    return batch_walk_page_records(&c->walk, c->end.batch_no, visit);
}

static int cursor_step(struct ledger_cursor *cursor, size_t bytes_max, ledger_visit visit,
                       void *owner)
{
    struct batch_cursor *c = cursor_of(cursor);
    const struct batch_walk_visit of_step = {c->seq_first, visit, owner};
    (void)bytes_max; /* a page is as long as its batches are */
    if (c->away)
        return -ERR_ABSENT;
    if (!c->placed && c->seq_first > c->end.seq_last)
        return 0; /* nothing of what was asked for is there yet */
    int more = step(c, &of_step);
    if (more < 0) {
        c->placed = false;
        c->problem = more == -ERR_CORRUPT ? c->walk.why : "";
    }
    return more;
}

static void cursor_free(struct ledger_cursor *cursor)
{
    struct batch_cursor *c = cursor_of(cursor);
    c->walk.store->ops->free(c->walk.store);
    free(c);
}

static const struct ledger_cursor_ops cursor_ops = {cursor_seek, cursor_look, cursor_step,
                                                    cursor_free};

static struct batch_cursor *cursor_new(void)
{
    return calloc(1, sizeof(struct batch_cursor));
}

int batch_cursor_new(struct batch_store *store, uint32_t shard, struct ledger_cursor **ret_cursor)
{
    struct batch_cursor *c = cursor_new();
    if (c == NULL) {
        store->ops->free(store);
        return -ERR_MEMORY;
    }
    *c = (struct batch_cursor){.cursor = {&cursor_ops},
                               .walk = {.store = store, .shard = shard, .why = ""},
                               .seq_first = 1,
                               .problem = ""};
    *ret_cursor = &c->cursor;
    return 0;
}

const char *batch_cursor_problem(const struct ledger_cursor *cursor)
{
    const struct batch_cursor *c = (const struct batch_cursor *)cursor;
    return c->problem[0] != '\0' ? c->problem : c->walk.store->ops->problem(c->walk.store);
}

void batch_cursor_leave(struct ledger_cursor *cursor)
{
    struct batch_store *store = cursor_of(cursor)->walk.store;
    store->ops->leave(store);
}
