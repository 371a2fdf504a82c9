/* write_off.h - balances that a correction took below zero (docs/decisions/0009); of this folder
 * only. Thread: the book's. */
#pragma once

#include "app/book_internal.h"

/* Behind a reversal, and at start: all accounts are looked at, when no settlement is under way. */
void book_write_offs_look(struct book *book);
/* Behind each record: of an account whose cash has come within the bound, by whatever way. */
void book_write_offs_record(struct book *book, const struct record_view *record);
void book_write_offs_step(struct book *book);
bool book_write_offs_due(const struct book *book);
