/* test_redis_slots.c - keys, slots and nodes of a cluster. The slots are those that redis-cli
 * answers to CLUSTER KEYSLOT. */
#include "adapters/redis/redis_pipe.h"
#include "adapters/redis/redis_slots.h"
#include "base/error.h"
#include "test.h"

static const struct net_address asked = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 7000};

TEST(redis_slots, keys_have_the_slots_that_the_server_gives_them)
{
    assert_int_equal(redis_slot_of(SLICE("123456789")), 0x31c3 % REDIS_SLOTS);
    assert_int_equal(redis_slot_of(SLICE("foo")), 12182);
    assert_int_equal(redis_slot_of(SLICE("{foo}bar")), 12182);
    assert_int_equal(redis_slot_of(SLICE("a{foo}{zap}")), 12182);
    assert_int_equal(redis_slot_of(SLICE("foo{}{bar}")), redis_slot_of(SLICE("foo{}{bar}")));
    assert_int_not_equal(redis_slot_of(SLICE("foo{}{bar}")), redis_slot_of(SLICE("bar")));
    assert_int_equal(redis_slot_of(SLICE("")), 0);
}

static int read_slots(struct redis_slots *slots, const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    int error = redis_slots_read(slots, reply, &asked);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return error;
}

#define RANGE(first, last, host, port)                                                             \
    "*3\r\n:" first "\r\n:" last "\r\n*3\r\n" host "\r\n:" port "\r\n$1\r\nx\r\n"
#define HOST "$9\r\n127.0.0.1"

TEST(redis_slots, learns_who_serves_what)
{
    static struct redis_slots slots;
    redis_slots_init(&slots);
    assert_int_equal(redis_slots_served(&slots), 0);
    assert_int_equal(read_slots(&slots, "*3\r\n" RANGE("0", "99", HOST, "7001")
                                            RANGE("100", "199", "$0\r\n", "7000")
                                                RANGE("300", "16383", HOST, "7001")),
                     0);
    assert_int_equal(slots.nodes_count, 2);
    assert_int_equal(slots.node[99], 0);
    assert_int_equal(slots.node[100], 1);
    assert_int_equal(slots.nodes[1].port, 7000);
    assert_int_equal(slots.node[200], REDIS_NODE_NONE);
    assert_int_equal(slots.node[16383], 0);
    assert_int_equal(redis_slots_served(&slots), REDIS_SLOTS - 100);
}

TEST(redis_slots, an_answer_that_is_none_changes_nothing)
{
    static struct redis_slots slots;
    static const char *const bad[] = {
        "-ERR This instance has cluster support disabled\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n" RANGE("5", "4", HOST, "7001"),
        "*1\r\n" RANGE("0", "16384", HOST, "7001"),
        "*1\r\n" RANGE("-1", "5", HOST, "7001"),
        "*1\r\n" RANGE("0", "5", HOST, "70000"),
        "*1\r\n" RANGE("0", "5", "$4\r\nh st", "7001"),
        "*1\r\n*2\r\n:0\r\n:5\r\n",
    };
    redis_slots_init(&slots);
    assert_int_equal(read_slots(&slots, "*1\r\n" RANGE("0", "16383", HOST, "7001")), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_slots(&slots, bad[i]), -ERR_FORMAT);
    assert_int_equal(redis_slots_read(&slots, NULL, &asked), -ERR_FORMAT);
    assert_int_equal(redis_slots_served(&slots), REDIS_SLOTS);
}

TEST(redis_slots, redirections_are_read)
{
    uint16_t slot = 0;
    struct net_address address;
    assert_int_equal(
        redis_redirect_read(SLICE("MOVED 3999 127.0.0.1:6381"), &asked, &slot, &address),
        REDIS_MOVED);
    assert_int_equal(slot, 3999);
    assert_int_equal(address.port, 6381);
    assert_int_equal(redis_redirect_read(SLICE("ASK 1 ::1:6381"), &asked, &slot, &address),
                     REDIS_ASK);
    assert_false(net_address_is_v4(&address));
    assert_int_equal(redis_redirect_read(SLICE("MOVED 2 :6382"), &asked, &slot, &address),
                     REDIS_MOVED);
    assert_memory_equal(address.ip, asked.ip, sizeof asked.ip);
    assert_int_equal(redis_redirect_read(SLICE("ASK 3 name:1"), &asked, &slot, &address),
                     REDIS_ASK);
    assert_true(slice_is(net_names_text(address.name), "name"));
    static const char *const none[] = {"",
                                       "ERR no",
                                       "MOVED",
                                       "MOVED 1",
                                       "MOVED x 127.0.0.1:1",
                                       "MOVED 16384 127.0.0.1:1",
                                       "ASK 1 127.0.0.1",
                                       "ASK 1 127.0.0.1:0",
                                       "ASK 1 127.0.0.1:99999",
                                       "ASK 1 na me:1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(redis_redirect_read(slice_text(none[i]), &asked, &slot, &address),
                         REDIS_STAYS);
}
