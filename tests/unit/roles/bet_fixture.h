/* bet_fixture.h - a bet service over the book of book_fixture.h, and who hears its answers. */
#pragma once

#include "book_fixture.h"
#include "roles/bet/bet_service.h"

/* The newest answer, and how many there were. */
struct heard {
    int answers, status, retry_after_s;
    bool replayed;
};

/* Its body is kept, ended by NUL, in the `body_bytes` at `body`. */
void hear(struct heard *heard, char *body, size_t body_bytes,
          const struct bet_service_answer *answer);

struct bet_service *bet_service_over(struct fixture *f, uint32_t bets_per_minute_max,
                                     uint32_t in_flight_max);
struct jwt_claims claims_of(const char *user, enum jwt_role role);
