/* test_loop.c - net/loop/loop.h and timer_wheel.h. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/prng.h"
#include "net/loop/loop.h"
#include "net/stream/net_address.h"

/* ---- the wheel ---- */

struct probe {
    struct timer timer;
    struct timer_wheel *wheel;
    int64_t due_us;
    int64_t fired_us; /* -1 = not yet */
    int times;
};

static int64_t wheel_now_us;

static void on_probe(void *owner)
{
    struct probe *probe = owner;
    probe->fired_us = wheel_now_us;
    probe->times++;
}

TEST(timer_wheel, timers_fire_in_time_whatever_the_distances)
{
    enum { PROBES = 2000 };
    static struct probe probes[PROBES];
    static struct timer_wheel wheel;
    struct prng prng;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        prng_seed(&prng, seed);
        wheel_now_us = (int64_t)prng_below(&prng, UINT64_C(1) << (20 + seed * 2));
        timer_wheel_init(&wheel, (struct monotonic){wheel_now_us});
        for (int i = 0; i < PROBES; i++) {
            timer_init(&probes[i].timer, on_probe, &probes[i]);
            probes[i].fired_us = -1;
            probes[i].times = 0;
            probes[i].due_us =
                wheel_now_us + (int64_t)prng_below(&prng, UINT64_C(1) << prng_below(&prng, 44));
            timer_wheel_set(&wheel, &probes[i].timer, (struct monotonic){probes[i].due_us});
        }
        for (int i = 0; i < PROBES; i += 10)
            timer_wheel_cancel(&wheel, &probes[i].timer);
        int64_t before = wheel_now_us;
        while (wheel.count > 0) {
            /* Sometimes exactly as asked, sometimes late. */
            int64_t wait = timer_wheel_wait_us(&wheel, (struct monotonic){wheel_now_us});
            before = wheel_now_us;
            wheel_now_us += wait + (int64_t)prng_below(&prng, 3) * 1000;
            timer_wheel_advance(&wheel, (struct monotonic){wheel_now_us});
            for (int i = 0; i < PROBES; i++) {
                if (probes[i].fired_us < 0 || probes[i].times == 0)
                    continue;
                assert_int_equal(probes[i].times, 1);
                assert_true(probes[i].due_us <= probes[i].fired_us);
                if (probes[i].fired_us == wheel_now_us) /* it was not due the time before */
                    assert_true(probes[i].due_us + (1 << TIMER_TICK_SHIFT) > before);
                probes[i].times = 0;
                assert_true(i % 10 != 0);
            }
        }
        for (int i = 0; i < PROBES; i++)
            assert_int_equal(probes[i].fired_us >= 0, i % 10 != 0);
        assert_int_equal(timer_wheel_wait_us(&wheel, (struct monotonic){wheel_now_us}), INT64_MAX);
    }
}

static struct probe other;

static void cancel_the_other(void *owner)
{
    struct probe *probe = owner;
    timer_wheel_cancel(probe->wheel, &other.timer);
    timer_wheel_set(probe->wheel, &probe->timer, (struct monotonic){wheel_now_us});
    probe->times++;
}

TEST(timer_wheel, a_callback_may_cancel_one_of_the_same_tick_and_set_itself_again)
{
    static struct timer_wheel wheel;
    struct probe first = {.wheel = &wheel};
    wheel_now_us = 1000000;
    timer_wheel_init(&wheel, (struct monotonic){wheel_now_us});
    timer_init(&first.timer, cancel_the_other, &first);
    timer_init(&other.timer, on_probe, &other);
    timer_wheel_set(&wheel, &first.timer, (struct monotonic){wheel_now_us + 500});
    timer_wheel_set(&wheel, &other.timer, (struct monotonic){wheel_now_us + 500});
    wheel_now_us += 600;
    timer_wheel_advance(&wheel, (struct monotonic){wheel_now_us});
    assert_int_equal(other.times, 0);
    assert_int_equal(first.times, 1); /* again, but not in the same advance */
    wheel_now_us += 200;
    timer_wheel_advance(&wheel, (struct monotonic){wheel_now_us});
    assert_int_equal(first.times, 2);
    timer_wheel_cancel(&wheel, &first.timer);
    timer_wheel_cancel(&wheel, &first.timer);
    assert_int_equal(wheel.count, 0);
}

/* ---- the loop ---- */

static char order[16];

static void note(char what)
{
    size_t bytes = strlen(order);
    if (bytes < sizeof order - 1)
        order[bytes] = what;
}

static void note_work(void *owner)
{
    (void)owner;
    note('w');
}

static void note_flush(void *owner)
{
    (void)owner;
    note('f');
}

static void note_close(void *owner)
{
    (void)owner;
    note('c');
}

static void note_timer(void *owner)
{
    (void)owner;
    note('t');
}

static void note_ready(void *owner, uint32_t events)
{
    char byte;
    (void)events;
    assert_int_equal(read(*(int *)owner, &byte, 1), 1);
    note('r');
}

TEST(loop, a_turn_runs_timers_then_sources_then_the_stages_in_order)
{
    struct loop *loop;
    int ends[2];
    struct timer timer;
    memset(order, 0, sizeof order);
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(loop_at_turn_end(loop, LOOP_STAGE_CLOSE, note_close, NULL), 0);
    assert_int_equal(loop_at_turn_end(loop, LOOP_STAGE_WORK, note_work, NULL), 0);
    assert_int_equal(loop_at_turn_end(loop, LOOP_STAGE_FLUSH, note_flush, NULL), 0);
    struct loop_source source = {note_ready, &ends[0], ends[0], EPOLLIN};
    assert_int_equal(loop_source_add(loop, &source), 0);
    timer_init(&timer, note_timer, NULL);
    loop_timer_set(loop, &timer, loop_now(loop));
    assert_int_equal(write(ends[1], "x", 1), 1);
    usleep(1000);
    assert_int_equal(loop_run_once(loop, 1000000), 0);
    assert_string_equal(order, "trwfc");
    loop_remove_hook(loop, note_flush, NULL);
    assert_int_equal(loop_run_once(loop, 0), 0);
    assert_string_equal(order, "trwfcwc");
    loop_source_remove(loop, &source);
    close(ends[0]);
    close(ends[1]);
    loop_free(loop);
}

struct pair {
    struct loop *loop;
    struct loop_source sources[2];
    int calls;
};

static void remove_both(void *owner, uint32_t events)
{
    struct pair *pair = owner;
    (void)events;
    pair->calls++;
    loop_source_remove(pair->loop, &pair->sources[0]);
    loop_source_remove(pair->loop, &pair->sources[1]);
}

TEST(loop, a_removed_source_is_not_called_even_when_it_was_ready)
{
    struct pair pair = {0};
    int ends[2][2];
    assert_int_equal(loop_new(&pair.loop), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
        assert_int_equal(write(ends[i][1], "x", 1), 1);
        pair.sources[i] = (struct loop_source){remove_both, &pair, ends[i][0], EPOLLIN};
        assert_int_equal(loop_source_add(pair.loop, &pair.sources[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(loop_run_once(pair.loop, 1000), 0);
    assert_int_equal(pair.calls, 1);
    for (int i = 0; i < 4; i++)
        close(ends[i / 2][i % 2]);
    loop_free(pair.loop);
}

struct waking {
    struct loop *loop;
    struct loop_wakeup wakeup;
    atomic_int given;
    int taken, calls;
};

static void on_wakeup(void *owner)
{
    struct waking *waking = owner;
    waking->calls++;
    waking->taken = atomic_load(&waking->given);
    if (waking->taken == 10000)
        loop_stop(waking->loop);
}

static void *signaller(void *owner)
{
    struct waking *waking = owner;
    for (int i = 0; i < 10000; i++) {
        atomic_fetch_add(&waking->given, 1);
        loop_wakeup_signal(&waking->wakeup);
    }
    return NULL;
}

TEST(loop, no_wakeup_from_another_thread_is_lost)
{
    struct waking waking = {0};
    pthread_t thread;
    assert_int_equal(loop_new(&waking.loop), 0);
    assert_int_equal(loop_wakeup_open(waking.loop, &waking.wakeup, on_wakeup, &waking), 0);
    assert_int_equal(pthread_create(&thread, NULL, signaller, &waking), 0);
    assert_int_equal(loop_run(waking.loop), 0);
    pthread_join(thread, NULL);
    assert_int_equal(waking.taken, 10000);
    assert_true(waking.calls >= 1 && waking.calls <= 10000);
    loop_wakeup_close(&waking.wakeup);
    loop_free(waking.loop);
}

static void signal_once_more(void *owner)
{
    struct waking *waking = owner;
    if (++waking->calls == 1)
        loop_wakeup_signal(&waking->wakeup);
}

TEST(loop, a_wakeup_during_its_callback_gives_another_run)
{
    struct waking waking = {0};
    assert_int_equal(loop_new(&waking.loop), 0);
    assert_int_equal(loop_wakeup_open(waking.loop, &waking.wakeup, signal_once_more, &waking), 0);
    loop_wakeup_signal(&waking.wakeup);
    for (int i = 0; i < 3; i++)
        assert_int_equal(loop_run_once(waking.loop, 1000), 0);
    assert_int_equal(waking.calls, 2);
    loop_wakeup_close(&waking.wakeup);
    loop_free(waking.loop);
}

static void on_signal(void *owner, int signal)
{
    *(int *)owner = signal;
}

TEST(loop, signals_arrive_as_callbacks)
{
    struct loop *loop;
    int got = 0;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(loop_watch_signal(loop, SIGUSR1, on_signal, &got), 0);
    assert_int_equal(loop_watch_signal(loop, SIGUSR2, on_signal, &got), 0);
    raise(SIGUSR2);
    assert_int_equal(got, 0);
    assert_int_equal(loop_run_once(loop, 1000000), 0);
    assert_int_equal(got, SIGUSR2);
    loop_free(loop);
}

TEST(loop, hooks_are_limited)
{
    struct loop *loop;
    assert_int_equal(loop_new(&loop), 0);
    for (int i = 0; i < LOOP_HOOKS_MAX; i++)
        assert_int_equal(loop_at_turn_end(loop, LOOP_STAGE_WORK, note_work, NULL), 0);
    assert_int_equal(loop_at_turn_end(loop, LOOP_STAGE_WORK, note_work, NULL), -ERR_LIMIT);
    loop_remove_hook(loop, note_work, NULL);
    loop_free(loop);
}

TEST(net_address, reads_and_writes)
{
    static const struct {
        const char *text, *written;
    } good[] = {
        {"127.0.0.1:80", "127.0.0.1:80"}, {"localhost:1", "127.0.0.1:1"}, {":8080", "0.0.0.0:8080"},
        {"*:65535", "0.0.0.0:65535"},     {"[::1]:0", "[::1]:0"},
    };
    static const char *const bad[] = {
        "",        "a",      "1.2.3.4", "1.2.3.4:",       "1.2.3.4:65536",
        "1.2.3:1", "::1:80", "[::1:80", "example.org:80", "1.2.3.4:8x"};
    struct net_address address;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char memory[NET_ADDRESS_TEXT_MAX];
        struct buf buf = buf_over(memory, sizeof memory);
        assert_int_equal(net_address_parse(slice_text(good[i].text), &address), 0);
        net_address_write(&buf, &address);
        assert_true(slice_is(buf_slice(&buf), good[i].written));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(net_address_parse(slice_text(bad[i]), &address), -ERR_FORMAT);
}
