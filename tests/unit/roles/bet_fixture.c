/* bet_fixture.c - see bet_fixture.h. */
#include "bet_fixture.h"

#include <string.h>

#include "test.h"

void hear(struct heard *heard, char *body, size_t body_bytes,
          const struct bet_service_answer *answer)
{
    heard->answers++;
    heard->status = answer->status;
    heard->replayed = answer->replayed;
    heard->retry_after_s = answer->retry_after_s;
    assert_true(answer->body.bytes < body_bytes);
    memcpy(body, answer->body.at, answer->body.bytes);
    body[answer->body.bytes] = '\0';
}

struct bet_service *bet_service_over(struct fixture *f, uint32_t bets_per_minute_max,
                                     uint32_t in_flight_max)
{
    const struct book_options book = BOOK_OPTIONS_DEFAULT;
    const struct bet_service_options options = {
        .bets_per_minute_max = bets_per_minute_max,
        .users_tracked_max = 64,
        .in_flight_max = in_flight_max,
        .deposit_minor_max = book.deposit_minor_max,
    };
    struct bet_service *bets;
    assert_int_equal(bet_service_new(&options, f->book, &bets), 0);
    bet_service_begin_turn(bets, f->now);
    return bets;
}

struct jwt_claims claims_of(const char *user, enum jwt_role role)
{
    struct jwt_claims claims = {.roles = JWT_ROLE_BIT(role), .sub_bytes = (uint32_t)strlen(user)};
    memcpy(claims.sub, user, claims.sub_bytes);
    return claims;
}
