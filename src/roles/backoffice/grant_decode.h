/* grant_decode.h - the body of POST /v1/admin/users/{user_id}/grants: strict JSON to a movement of
 * money. Pure; thread: any. */
#pragma once

#include <stdbool.h>

#include "app/book_request.h"
#include "roles/shared/json_fields.h"

/* Fills kind, amount, reason and request_hash. Slices point into the body or into scratch. True, or
 * false with *ret_refusal. */
bool grant_decode(struct slice body, char *scratch, size_t scratch_bytes, struct money_request *ret,
                  struct request_refusal *ret_refusal);
/* "free_bet", "bonus", "forfeit_free_bet", "forfeit_bonus", "bonus_to_cash"; NULL for a kind that
 * the desk does not move. */
const char *grant_kind_text(enum money_kind kind);
