/* cash_out_internal.h - what cash_out.c has for the other files of this folder, and they for it. */
#pragma once

#include "app/book_internal.h"

/* Decides a request whose key is new; its bet is there. */
enum request_outcome book_cash_out_new(struct book *book, const struct cash_out_request *request,
                                       const struct book_reply *reply);
/* The delay of a waiting one is over. */
void book_decide_cash_out(struct book *book, const struct pending *due);
/* answers.c: as book_ready(), for what adds no bet. */
enum request_outcome book_cash_out_ready(struct book *book);
/* old_keys.c: as book_bet_waits(). */
enum request_outcome book_cash_out_waits(struct book *book, const struct cash_out_request *request,
                                         const struct asked_key *key,
                                         const struct book_reply *reply);
