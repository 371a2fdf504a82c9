/* node_orphans.h - matches of an earlier run of the simulator, which nobody will ever finish: their
 * markets are void and stakes go back, as for an abandoned match. Thread: the loop's. */
#pragma once

#include <stdbool.h>

#include "app/book.h"

struct node_orphans {
    struct book *book;
    uint32_t next; /* market ref to be looked at next */
    uint32_t end;  /* markets that the log knew at start */
};

/* After book_start and before the simulator's first step. */
void node_orphans_begin(struct node_orphans *orphans, struct book *book);
/* Voids a few, as far as the book can take them now. True while there is more to do. */
bool node_orphans_step(struct node_orphans *orphans);
