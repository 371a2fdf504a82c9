/* test_send_wait.c - how old the oldest byte of a queue is at least, against a queue that knows. */
#include "base/prng.h"
#include "net/stream/send_wait.h"
#include "test.h"

TEST(send_wait, nothing_waits_until_the_kernel_leaves_something)
{
    struct send_wait wait = {0};
    assert_int_equal(send_wait_us(&wait, 1000), 0);
    send_wait_offered(&wait, 500, 0, 1000);
    assert_int_equal(send_wait_us(&wait, 9000), 0);
    send_wait_offered(&wait, 100, 400, 2000);
    assert_int_equal(send_wait_us(&wait, 9000), 7000);
    send_wait_offered(&wait, 400, 0, 9000);
    assert_int_equal(send_wait_us(&wait, 20000), 0);
}

TEST(send_wait, a_queue_that_moves_is_as_old_as_what_is_in_it)
{
    struct send_wait wait = {0};
    send_wait_offered(&wait, 0, 1000, 1000);
    send_wait_offered(&wait, 999, 5000, 50000); /* of the 1000 marked first, one is left */
    assert_int_equal(send_wait_us(&wait, 60000), 59000);
    send_wait_offered(&wait, 1, 4999, 60000); /* now the rest came after the mark */
    assert_int_equal(send_wait_us(&wait, 60000), 0);
    send_wait_offered(&wait, 0, 9999, 70000);
    assert_int_equal(send_wait_us(&wait, 90000), 30000);
}

#define PIECES 4096

TEST(send_wait, never_says_more_than_the_oldest_byte_has_waited)
{
    static struct {
        int64_t at_us;
        size_t bytes;
    } pieces[PIECES];
    struct prng prng;
    struct send_wait wait = {0};
    size_t first = 0, count = 0, queued = 0;
    int64_t now_us = 1, said_us_max = 0;
    prng_seed(&prng, 7);
    for (int i = 0; i < 200000; i++) {
        now_us += (int64_t)prng_below(&prng, 100);
        if (count - first < PIECES && prng_below(&prng, 4) == 0) {
            pieces[count % PIECES].at_us = now_us;
            pieces[count % PIECES].bytes = 1 + prng_below(&prng, 300);
            queued += pieces[count++ % PIECES].bytes;
        }
        size_t left = prng_below(&prng, queued < 80 ? queued + 1 : 80);
        queued -= left;
        send_wait_offered(&wait, left, queued, now_us);
        while (left > 0 && left >= pieces[first % PIECES].bytes)
            left -= pieces[first++ % PIECES].bytes;
        if (left > 0)
            pieces[first % PIECES].bytes -= left;
        int64_t age_us = queued > 0 ? now_us - pieces[first % PIECES].at_us : 0;
        int64_t said_us = send_wait_us(&wait, now_us);
        assert_true(said_us <= age_us);
        said_us_max = said_us > said_us_max ? said_us : said_us_max;
    }
    assert_true(said_us_max > 1000);
}

TEST(send_wait, a_queue_through_which_everything_takes_long_is_noticed)
{
    struct send_wait wait = {0};
    int64_t said_us_max = 0;
    send_wait_offered(&wait, 0, 1000, 1); /* a millisecond brings 100 bytes and takes 100 */
    for (int64_t now_us = 1000; now_us < 30000; now_us += 1000) {
        int64_t said_us = send_wait_us(&wait, now_us);
        said_us_max = said_us > said_us_max ? said_us : said_us_max;
        send_wait_offered(&wait, 100, 1000, now_us);
    }
    assert_in_range(said_us_max, 9000, 10000); /* a byte takes ten */
}
