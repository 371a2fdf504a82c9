/* sim_tickets.h - what customers bet on, and what the rules say of it; this folder only. */
#pragma once

#include "sim/sim_types.h"

/* ---- sim_tickets.c: what customers bet on ---- */
uint32_t sim_ticket_new(struct sim *sim);
enum request_outcome sim_ticket_ask(struct sim *sim, const struct sim_entry *entry, bool other,
                                    book_answer_fn answer, struct book_cookie cookie);
struct sim_view sim_leg_view(const struct sim *sim, const struct sim_leg *leg);
void sim_ticket_see(struct sim *sim, const struct sim_entry *entry); /* what a decision sees now */

/* ---- sim_expect.c: the rules once more, in other words ---- */
/* With this stake, whatever was asked; and whether or not there is room for one more that waits. */
enum bet_outcome sim_expect_bet(const struct sim *sim, const struct sim_entry *entry,
                                const struct sim_account *account, int64_t stake);
int64_t sim_expect_delay(const struct sim *sim, const struct sim_entry *entry,
                         const struct sim_account *account);
int64_t sim_expect_least(const struct sim *sim, const struct sim_entry *entry,
                         const struct sim_account *account);                    /* stake */
uint32_t sim_expect_step(const struct sim *sim, const struct sim_entry *entry); /* of a stake */
enum bet_outcome sim_expect_release(const struct sim *sim, const struct sim_bet *bet);
enum bet_outcome sim_expect_money(const struct sim *sim, const struct sim_entry *entry,
                                  const struct sim_account *account);
