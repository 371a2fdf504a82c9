/* test_uof_place.c - a broker's URL, and routing keys. */
#include "feeds/uof/uof_place.h"

#include "test.h"

static const struct {
    const char *url;
    bool tls;
    const char *user, *password, *vhost, *address;
} taken[] = {
    {"amqp://127.0.0.1:5672", false, "guest", "guest", "/", "127.0.0.1:5672"},
    {"amqp://localhost:5672/", false, "guest", "guest", "/", "127.0.0.1:5672"},
    {"amqps://token:@[::1]:5671/%2Funifiedfeed%2f123", true, "token", "", "/unifiedfeed/123",
     "[::1]:5671"},
    {"amqps://token:@mq.example.com:5671/v", true, "token", "", "v", "mq.example.com:5671"},
    {"amqp://token@10.0.0.1:1/v", false, "token", "", "v", "10.0.0.1:1"},
    {"amqp://a%40b:c%3Ad%2F@10.0.0.1:1/v%20w", false, "a@b", "c:d/", "v w", "10.0.0.1:1"},
};

TEST(uof_place, takes_a_url_apart)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        char memory[256], text[NET_ADDRESS_TEXT_MAX];
        struct buf why = buf_over(memory, sizeof memory), to = buf_over(text, sizeof text);
        struct uof_place place;
        assert_int_equal(uof_place_parse(slice_text(taken[i].url), &place, &why), 0);
        assert_int_equal(place.tls, taken[i].tls);
        assert_true(slice_is(slice_of(place.user, place.user_bytes), taken[i].user));
        assert_true(slice_is(slice_of(place.password, place.password_bytes), taken[i].password));
        assert_true(slice_is(slice_of(place.vhost, place.vhost_bytes), taken[i].vhost));
        net_address_write(&to, &place.address);
        assert_true(slice_is(buf_slice(&to), taken[i].address));
    }
}

TEST(uof_place, refuses_what_is_no_broker_and_keeps_the_password)
{
    static const char *const urls[] = {
        "",
        "http://127.0.0.1:5672",
        "amqp://",
        "amqp://mq..com:5672",
        "amqp://127.0.0.1",
        "amqp://127.0.0.1:5672//v",
        "amqp://127.0.0.1:5672/a/b",
        "amqp://127.0.0.1:5672/%2",
        "amqp://127.0.0.1:5672/%g0",
        "amqp://127.0.0.1:5672/%00",
        "amqp://u:secret%@127.0.0.1:5672/",
        "amqp://u:secret@127.0.0.1:port/",
    };
    char memory[256];
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct buf why = buf_over(memory, sizeof memory);
        struct uof_place place;
        assert_true(uof_place_parse(slice_text(urls[i]), &place, &why) < 0);
        assert_true(why.bytes > 0);
        assert_null(memmem(memory, why.bytes, "secret", 6));
    }
}

TEST(uof_place, bounds_what_a_url_holds)
{
    char url[1024], memory[256];
    const size_t bounds[] = {UOF_AUTH_BYTES_MAX, UOF_AUTH_BYTES_MAX, UOF_SHORT_BYTES_MAX};
    for (size_t part = 0; part < 3; part++)
        for (size_t over = 0; over < 2; over++) {
            struct buf text = buf_over(url, sizeof url), why = buf_over(memory, sizeof memory);
            struct uof_place place;
            const char *const words[] = {"amqp://", ":", "@127.0.0.1:1/"};
            for (size_t i = 0; i < 3; i++) {
                size_t bytes = i == part ? bounds[i] + over : 1;
                buf_put_text(&text, words[i]);
                memset(buf_reserve(&text, bytes), 'x', bytes);
            }
            assert_int_equal(uof_place_parse(buf_slice(&text), &place, &why) < 0, over);
        }
}

TEST(uof_place, cuts_routing_keys)
{
    struct slice keys[UOF_KEYS_MAX];
    char memory[256], text[4 * UOF_KEYS_MAX + 512];
    size_t count = 0;
    struct buf why = buf_over(memory, sizeof memory), list = buf_over(text, sizeof text);
    assert_int_equal(uof_place_keys(SLICE(" *.*.live.#  lo.# "), keys, &count, &why), 0);
    assert_int_equal(count, 2);
    assert_true(slice_is(keys[0], "*.*.live.#"));
    assert_true(slice_is(keys[1], "lo.#"));
    assert_true(uof_place_keys(SLICE("  "), keys, &count, &why) < 0);
    for (size_t i = 0; i < UOF_KEYS_MAX; i++)
        buf_put_text(&list, "k ");
    assert_int_equal(uof_place_keys(buf_slice(&list), keys, &count, &why), 0);
    assert_int_equal(count, UOF_KEYS_MAX);
    buf_put_text(&list, "k");
    assert_true(uof_place_keys(buf_slice(&list), keys, &count, &why) < 0);
    memset(text, 'k', UOF_SHORT_BYTES_MAX + 1);
    assert_true(uof_place_keys(slice_of(text, UOF_SHORT_BYTES_MAX + 1), keys, &count, &why) < 0);
    assert_int_equal(uof_place_keys(slice_of(text, UOF_SHORT_BYTES_MAX), keys, &count, &why), 0);
}
