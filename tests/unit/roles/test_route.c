/* test_route.c - paths of a listener as a table. */
#include "roles/shared/route.h"

#include "base/buf.h"
#include "test.h"

static bool matches(const char *path, const char *row, struct route_ids *ids)
{
    return route_matches(slice_text(path), row, ids);
}

TEST(route, a_path_without_names_is_itself)
{
    struct route_ids ids;
    assert_true(matches("/v1/bets", "/v1/bets", &ids));
    assert_false(matches("/v1/bet", "/v1/bets", &ids));
    assert_false(matches("/v1/betss", "/v1/bets", &ids));
    assert_false(matches("/v1/bets/", "/v1/bets", &ids));
    assert_false(matches("", "/v1/bets", &ids));
    assert_true(ids.id[0].at == NULL);
}

TEST(route, a_name_is_one_segment_that_is_not_empty)
{
    struct route_ids ids = {0};
    assert_true(matches("/v1/bets/17/proof", "/v1/bets/{bet_id}/proof", &ids));
    assert_true(slice_is(ids.id[0], "17"));
    assert_true(matches("/v1/bets/17", "/v1/bets/{bet_id}", &ids));
    assert_false(matches("/v1/bets/", "/v1/bets/{bet_id}", &ids));
    assert_false(matches("/v1/bets//proof", "/v1/bets/{bet_id}/proof", &ids));
    assert_false(matches("/v1/bets/17/", "/v1/bets/{bet_id}", &ids));
    assert_false(matches("/v1/bets/17/proofs", "/v1/bets/{bet_id}/proof", &ids));
    assert_false(matches("/v1/bets/1/7/proof", "/v1/bets/{bet_id}/proof", &ids));
    assert_true(slice_is(ids.id[0], "17")); /* a refusal writes nothing */
}

TEST(route, ids_stand_in_the_order_of_the_names_and_stay_encoded)
{
    struct route_ids ids = {0};
    assert_true(
        matches("/v1/admin/limits/event/sr%3A1%2F2", "/v1/admin/limits/{scope}/{id}", &ids));
    assert_true(slice_is(ids.id[0], "event"));
    assert_true(slice_is(ids.id[1], "sr%3A1%2F2"));
}

TEST(route, head_is_allowed_where_reads_are_and_get_alone_is_not)
{
    assert_true(route_allows(ROUTE_READ, HTTP_GET));
    assert_true(route_allows(ROUTE_READ, HTTP_HEAD));
    assert_true(route_allows(ROUTE_GET, HTTP_GET));
    assert_false(route_allows(ROUTE_GET, HTTP_HEAD));
    assert_false(route_allows(ROUTE_READ, HTTP_POST));
    assert_true(route_allows(ROUTE_READ | ROUTE_PUT | ROUTE_DELETE, HTTP_DELETE));
    assert_false(route_allows(~0u, HTTP_PATCH));
    assert_false(route_allows(~0u, HTTP_METHOD_OTHER));
}

TEST(route, allow_names_all_methods_of_the_row)
{
    static const struct {
        unsigned methods;
        const char *allow;
    } rows[] = {
        {ROUTE_GET, "GET"},
        {ROUTE_READ, "GET, HEAD"},
        {ROUTE_POST, "POST"},
        {ROUTE_READ | ROUTE_POST, "GET, HEAD, POST"},
        {ROUTE_READ | ROUTE_PUT | ROUTE_DELETE, "GET, HEAD, PUT, DELETE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[64];
        struct buf out = buf_over(memory, sizeof memory);
        route_put_allow(&out, rows[i].methods);
        assert_true(slice_is(buf_slice(&out), rows[i].allow));
    }
}
