/* test_late_answers.c - what is said of a bet whose release was not written while its price held.
 */
#include <stdio.h>
#include <string.h>

#include "bet_fixture.h"
#include "follow_fixture.h"
#include "roles/bet/bet_service.h"

static struct {
    struct fixture f;
    struct bet_service *bets;
    struct jwt_claims ann;
    struct heard heard;
    char body[64 * 1024];
} scene;

static void on_answer(const struct bet_service_answer *answer)
{
    hear(&scene.heard, scene.body, sizeof scene.body, answer);
}

static void place(void)
{
    const struct bet_service_request request = {
        .claims = &scene.ann,
        .key = SLICE("k1"),
        .body = SLICE("{\"market_id\":\"m1\",\"selection_id\":\"a\",\"odds\":2.10,\"stake\":10}"),
        .transport = TRANSPORT_HTTP,
    };
    bet_service_place(scene.bets, &request, on_answer, (struct book_cookie){.owner = &scene});
}

static void read_back(const char *id)
{
    bet_service_read(scene.bets, &scene.ann, slice_text(id), on_answer,
                     (struct book_cookie){.owner = &scene});
    for (int i = 0; i < 8; i++)
        fixture_turn(&scene.f, 1000);
}

static int count_of(const char *text)
{
    int count = 0;
    for (const char *at = scene.body; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* Its BET was late, and its RELEASE is under way when the price falls. */
static void begin_scene(void)
{
    memset(&scene, 0, sizeof scene);
    begin(&scene.f);
    scene.bets = bet_service_over(&scene.f, 0, 4);
    scene.ann = claims_of("ann", JWT_BETTOR);
    scene.f.log.late_next = true;
    place();
    fixture_turn(&scene.f, 1000);
    scene.f.log.hold = true;
    fixture_turn(&scene.f, 1000);
    union written lower = written(VERSION + 1, 150);
    book_follow_price(scene.f.book, &lower.image);
    world.as_of_us = scene.f.now.us;
}

static void turns(int count)
{
    while (count-- > 0)
        fixture_turn(&scene.f, 1000);
}

TEST(late_answers, a_release_that_was_late_is_told_as_a_bet_that_waits)
{
    char id[24] = "";
    begin_scene();
    assert_int_equal(scene.heard.status, 202);
    place(); /* again: its RELEASE is what it waits for */
    scene.f.log.hold = false;
    scene.f.log.late_next = true;
    fixture_turn(&scene.f, 1000);
    assert_int_equal(scene.heard.answers, 2);
    assert_int_equal(scene.heard.status, 202);
    assert_int_equal(count_of("\"status\":\"PENDING\""), 1);
    assert_int_equal(count_of("\"decide_at\":"), 1);
    assert_int_equal(count_of("\"balance\":990.00"), 1);
    assert_int_equal(sscanf(strstr(scene.body, "\"bet_id\":"), "\"bet_id\":\"%23[^\"]", id), 1);
    turns(2);
    place();
    turns(2);
    assert_int_equal(scene.heard.status, 409);
    assert_int_equal(count_of("ODDS_CHANGED"), 1);
    read_back(id);
    assert_int_equal(count_of("\"event\":\"PENDING\""), 2);
    assert_int_equal(count_of("\"event\":\"NOT_ACCEPTED\""), 1);
    assert_int_equal(count_of("\"delta\":0.00"), 1);
    bet_service_free(scene.bets);
    fixture_check(&scene.f);
    fixture_end(&scene.f);
}
