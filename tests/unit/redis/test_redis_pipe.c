/* test_redis_pipe.c - answers and who asked; the sentinels' word; pauses between attempts. */
#include "adapters/redis/redis_pipe.h"
#include "adapters/redis/redis_sentinel.h"
#include "base/backoff.h"
#include "base/error.h"
#include "test.h"

#define HEARD_MAX 16

static struct {
    struct redis_pipe pipe;
    size_t count, lost, pushes;
    uint64_t words[HEARD_MAX];
    char text[HEARD_MAX][32];
    char push[32];
} heard;

static void on_answer(void *owner, uint64_t word, const redisReply *reply)
{
    assert_ptr_equal(owner, &heard);
    struct slice text = redis_text(reply);
    heard.words[heard.count] = word;
    memcpy(heard.text[heard.count], text.at == NULL ? "" : text.at, text.bytes);
    heard.lost += reply == NULL;
    heard.count++;
}

static void on_push(void *owner, struct slice payload)
{
    assert_ptr_equal(owner, &heard);
    memcpy(heard.push, payload.at, payload.bytes);
    heard.pushes++;
}

static bool expect(uint64_t word)
{
    return redis_pipe_expect(&heard.pipe,
                             &(struct redis_question){on_answer, &heard, word, (int64_t)word});
}

static void begin(uint32_t capacity)
{
    memset(&heard, 0, sizeof heard);
    assert_int_equal(redis_pipe_init(&heard.pipe, capacity), 0);
}

static int take(const char *text)
{
    return redis_pipe_take(&heard.pipe, slice_text(text));
}

TEST(redis_pipe, answers_go_to_who_asked_in_order_however_they_are_cut)
{
    static const char text[] = "+OK\r\n$5\r\nhello\r\n-ERR no\r\n";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        begin(4);
        for (uint64_t word = 1; word <= 3; word++)
            assert_true(expect(word));
        assert_int_equal(redis_pipe_take(&heard.pipe, slice_of(text, cut)), 0);
        assert_int_equal(redis_pipe_take(&heard.pipe, slice_of(text + cut, sizeof text - 1 - cut)),
                         0);
        assert_int_equal(heard.count, 3);
        assert_int_equal(heard.words[2], 3);
        assert_string_equal(heard.text[0], "OK");
        assert_string_equal(heard.text[1], "hello");
        assert_string_equal(heard.text[2], "ERR no");
        redis_pipe_done(&heard.pipe);
    }
}

TEST(redis_pipe, so_many_may_wait_and_no_more)
{
    begin(2);
    assert_int_equal(redis_pipe_waits_since_us(&heard.pipe), INT64_MAX);
    assert_true(expect(7) && expect(8));
    assert_false(expect(9));
    assert_int_equal(redis_pipe_waits_since_us(&heard.pipe), 7);
    assert_int_equal(take("+a\r\n"), 0);
    assert_int_equal(redis_pipe_waits_since_us(&heard.pipe), 8);
    assert_true(expect(9));
    redis_pipe_done(&heard.pipe);
}

TEST(redis_pipe, who_waits_when_it_breaks_is_told_and_the_next_bytes_begin_anew)
{
    begin(4);
    assert_true(expect(1) && expect(2));
    assert_int_equal(take("$10\r\nhalf"), 0);
    redis_pipe_lose(&heard.pipe);
    assert_int_equal(heard.lost, 2);
    assert_true(expect(3));
    assert_int_equal(take("+new\r\n"), 0);
    assert_string_equal(heard.text[2], "new");
    redis_pipe_done(&heard.pipe);
}

TEST(redis_pipe, what_nobody_asked_for_and_what_is_no_protocol_ends_it)
{
    begin(4);
    assert_int_equal(take("+surprise\r\n"), -ERR_FORMAT);
    redis_pipe_lose(&heard.pipe);
    assert_true(expect(1));
    assert_int_equal(take("HTTP/1.1 400 Bad Request\r\n"), -ERR_FORMAT);
    redis_pipe_done(&heard.pipe);
}

TEST(redis_pipe, messages_come_between_answers)
{
    begin(4);
    heard.pipe.push = on_push;
    heard.pipe.push_owner = &heard;
    assert_true(expect(1));
    assert_int_equal(take("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\nnew\r\n"
                          "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"),
                     0);
    assert_int_equal(heard.pushes, 1);
    assert_string_equal(heard.push, "new");
    assert_int_equal(heard.count, 1);
    redis_pipe_done(&heard.pipe);
}

static bool read_master(const char *text, struct net_address *ret)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    bool known = redis_sentinel_master(reply, ret);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return known;
}

TEST(redis_sentinel, names_the_master_or_says_that_it_does_not_know)
{
    struct net_address master;
    assert_true(read_master("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n", &master));
    assert_int_equal(master.port, 6379);
    assert_true(read_master("*2\r\n$3\r\n::1\r\n$4\r\n6380\r\n", &master));
    assert_false(net_address_is_v4(&master));
    assert_false(read_master("*-1\r\n", &master));
    assert_false(read_master("-IDONTKNOW\r\n", &master));
    assert_true(read_master("*2\r\n$4\r\nhost\r\n$4\r\n6379\r\n", &master));
    assert_true(slice_is(net_names_text(master.name), "host"));
    assert_false(read_master("*2\r\n$4\r\n-h-t\r\n$4\r\n6379\r\n", &master));
    assert_false(read_master("*2\r\n$9\r\n127.0.0.1\r\n:6379\r\n", &master));
    assert_false(redis_sentinel_master(NULL, &master));
}

TEST(redis_backoff, grows_to_its_bound_and_is_never_the_same_for_all)
{
    struct backoff backoff = backoff_begin(1000, 16000, 7);
    int64_t whole_us = 1000;
    for (int i = 0; i < 10; i++) {
        int64_t us = backoff_us(&backoff);
        assert_in_range(us, whole_us / 2, whole_us);
        whole_us = whole_us * 2 < 16000 ? whole_us * 2 : 16000;
    }
    backoff_reset(&backoff);
    assert_in_range(backoff_us(&backoff), 500, 1000);
}
