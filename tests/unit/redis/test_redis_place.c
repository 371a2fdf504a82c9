/* test_redis_place.c - where a Redis is. */
#include "adapters/redis/redis_place.h"
#include "base/error.h"
#include "test.h"

static int parse(const char *url, struct redis_place *ret_place)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    int error = redis_place_parse(slice_text(url), ret_place, &why);
    assert_true(error == 0 || why.bytes > 0);
    assert_null(memmem(memory, why.bytes, "secret", 6));
    return error;
}

TEST(redis_place, takes_each_kind)
{
    static const struct {
        const char *url;
        enum redis_kind kind;
        bool tls;
        size_t seeds;
    } rows[] = {
        {"redis://127.0.0.1:6379", REDIS_SINGLE, false, 1},
        {"rediss://[::1]:6379", REDIS_SINGLE, true, 1},
        {"redis+sentinel://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/odds", REDIS_SENTINEL, false, 3},
        {"redis+cluster://localhost:7000,localhost:7001", REDIS_CLUSTER, false, 2},
        {"rediss://redis.example:6379", REDIS_SINGLE, true, 1},
        {"rediss+sentinel://127.0.0.1:1,127.0.0.1:2/odds", REDIS_SENTINEL, true, 2},
        {"rediss+cluster://127.0.0.1:7000", REDIS_CLUSTER, true, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_place place;
        assert_int_equal(parse(rows[i].url, &place), 0);
        assert_int_equal(place.kind, rows[i].kind);
        assert_int_equal(place.tls, rows[i].tls);
        assert_int_equal(place.seeds_count, rows[i].seeds);
    }
}

TEST(redis_place, takes_user_and_password)
{
    struct redis_place place;
    assert_int_equal(parse("redis://trader:a:b@127.0.0.1:6379", &place), 0);
    assert_true(slice_is(slice_of(place.auth.user, place.auth.user_bytes), "trader"));
    assert_true(slice_is(slice_of(place.auth.password, place.auth.password_bytes), "a:b"));
    assert_int_equal(parse("redis://:secret@127.0.0.1:6379", &place), 0);
    assert_int_equal(place.auth.user_bytes, 0);
}

TEST(redis_place, refuses_what_is_none_and_never_tells_the_password)
{
    static const char *const urls[] = {
        "",
        "redis",
        "http://127.0.0.1:1",
        "redis://",
        "redis://-name:1",
        "redis://127.0.0.1",
        "redis://127.0.0.1:1,127.0.0.1:2",
        "redis://127.0.0.1:1/0",
        "redis://secret@127.0.0.1:1",
        "redis://:secret@no where:1",
        "redis+sentinel://127.0.0.1:1",
        "redis+sentinel://127.0.0.1:1/",
        "redis+cluster://127.0.0.1:1,",
        "redis+cluster://h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1,h:1",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct redis_place place = {.seeds_count = 99};
        assert_int_equal(parse(urls[i], &place), -ERR_CONFIG);
        assert_int_equal(place.seeds_count, 99);
    }
}

TEST(redis_place, sentinels_have_a_user_and_a_password_of_their_own)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct redis_place place;
    assert_int_equal(parse("redis+sentinel://trader:secret@127.0.0.1:1/odds", &place), 0);
    assert_int_equal(place.sentinel_auth.password_bytes, 0);
    assert_int_equal(redis_place_sentinel_auth(SLICE("watcher:x:y"), &place, &why), 0);
    const struct redis_auth *auth = &place.sentinel_auth;
    assert_true(slice_is(slice_of(auth->user, auth->user_bytes), "watcher"));
    assert_true(slice_is(slice_of(auth->password, auth->password_bytes), "x:y"));
    assert_true(slice_is(slice_of(place.auth.user, place.auth.user_bytes), "trader"));
    assert_int_equal(redis_place_sentinel_auth(SLICE("secret"), &place, &why), -ERR_CONFIG);
    assert_int_equal(parse("redis+cluster://127.0.0.1:1", &place), 0);
    assert_int_equal(redis_place_sentinel_auth(SLICE(":secret"), &place, &why), -ERR_CONFIG);
    assert_null(memmem(memory, why.bytes, "secret", 6));
}
