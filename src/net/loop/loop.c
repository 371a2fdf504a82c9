/* loop.c - contract in loop.h. Level-triggered: one read and one write a turn are enough, and
 * nothing has to be remembered about what a descriptor still holds. */
#include "net/loop/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/cycles.h"
#include "base/error.h"

struct hook {
    void (*fn)(void *owner);
    void *owner;
    enum loop_stage stage;
};

struct signal_watch {
    void (*fn)(void *owner, int signal);
    void *owner;
    int signal;
};

struct loop {
    int epoll_fd;
    bool stopping;
    bool again;      /* the next turn does not wait */
    int ready_count; /* of `ready`, in this turn */
    int ready_at;    /* the one being handled */
    struct monotonic now;
    struct instant wall;
    uint64_t turns;
    struct timer_wheel timers;
    void (*begin_fn)(void *owner); /* NULL: none */
    void *begin_owner;
    struct hook hooks[LOOP_HOOKS_MAX]; /* sorted by stage; fn NULL = removed in a hook */
    int hooks_count;
    bool in_hooks;
    struct signal_watch signals[LOOP_SIGNALS_MAX];
    int signals_count;
    sigset_t signals_set;
    struct loop_source signal_source; /* fd -1 until the first watch */
    struct epoll_event ready[LOOP_EVENTS_MAX];
};

static void renew_time(struct loop *loop)
{
    loop->now.us = clock_us(CLOCK_MONOTONIC);
    loop->wall.us = clock_us(CLOCK_REALTIME);
}

int loop_new(struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return -ERR_MEMORY;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        free(loop);
        return -ERR_IO;
    }
    loop->signal_source.fd = -1;
    sigemptyset(&loop->signals_set);
    renew_time(loop);
    timer_wheel_init(&loop->timers, loop->now);
    *ret_loop = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->signal_source.fd >= 0) {
        close(loop->signal_source.fd);
        (void)pthread_sigmask(SIG_UNBLOCK, &loop->signals_set, NULL);
    }
    close(loop->epoll_fd);
    free(loop);
}

struct monotonic loop_now(const struct loop *loop)
{
    return loop->now;
}

struct instant loop_wall(const struct loop *loop)
{
    return loop->wall;
}

uint64_t loop_turns(const struct loop *loop)
{
    return loop->turns;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_turn_again(struct loop *loop)
{
    loop->again = true;
}

/* ---- hooks ---- */

void loop_at_turn_begin(struct loop *loop, void (*fn)(void *owner), void *owner)
{
    loop->begin_fn = fn;
    loop->begin_owner = owner;
}

int loop_at_turn_end(struct loop *loop, enum loop_stage stage, void (*fn)(void *owner), void *owner)
{
    ASSERT(!loop->in_hooks); /* the table is being walked */
    if (loop->hooks_count == LOOP_HOOKS_MAX)
        return -ERR_LIMIT;
    int at = loop->hooks_count++;
    for (; at > 0 && loop->hooks[at - 1].stage > stage; at--)
        loop->hooks[at] = loop->hooks[at - 1];
    loop->hooks[at] = (struct hook){fn, owner, stage};
    return 0;
}

static void forget_removed_hooks(struct loop *loop)
{
    int kept = 0;
    for (int i = 0; i < loop->hooks_count; i++)
        if (loop->hooks[i].fn != NULL)
            loop->hooks[kept++] = loop->hooks[i];
    loop->hooks_count = kept;
}

void loop_remove_hook(struct loop *loop, void (*fn)(void *owner), void *owner)
{
    for (int i = 0; i < loop->hooks_count; i++)
        if (loop->hooks[i].fn == fn && loop->hooks[i].owner == owner)
            loop->hooks[i].fn = NULL;
    if (!loop->in_hooks)
        forget_removed_hooks(loop);
}

static void run_hooks(struct loop *loop)
{
    loop->in_hooks = true;
    for (int i = 0; i < loop->hooks_count; i++)
        if (loop->hooks[i].fn != NULL)
            loop->hooks[i].fn(loop->hooks[i].owner);
    loop->in_hooks = false;
    forget_removed_hooks(loop);
}

/* ---- descriptors ---- */

int loop_source_add(struct loop *loop, struct loop_source *source)
{
    ASSERT(source->fn != NULL);
    struct epoll_event event = {.events = source->events, .data.ptr = source};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) == 0 ? 0 : -ERR_IO;
}

int loop_source_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
    if (source->events == events)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) != 0)
        return -ERR_IO;
    source->events = events;
    return 0;
}

void loop_source_remove(struct loop *loop, struct loop_source *source)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL); /* may be closed already */
    /* An event that was collected but not handled yet must not reach freed memory. */
    for (int i = loop->ready_at; i < loop->ready_count; i++)
        if (loop->ready[i].data.ptr == source)
            loop->ready[i].data.ptr = NULL;
}

/* ---- timers ---- */

void loop_timer_set(struct loop *loop, struct timer *timer, struct monotonic due)
{
    timer_wheel_set(&loop->timers, timer, due);
}

void loop_timer_cancel(struct loop *loop, struct timer *timer)
{
    timer_wheel_cancel(&loop->timers, timer);
}

/* ---- turns ---- */

static int64_t wait_time_us(const struct loop *loop, int64_t wait_us)
{
    if (loop->again || loop->stopping)
        return 0;
    int64_t timer_us = timer_wheel_wait_us(&loop->timers, loop->now);
    return timer_us < wait_us ? timer_us : wait_us;
}

static int wait_ready(struct loop *loop, int64_t wait_us)
{
    struct timespec wait = {wait_us / US_PER_SECOND, wait_us % US_PER_SECOND * 1000};
    enum cycles_stage before = cycles_enter(CYCLES_WAIT);
    int count = epoll_pwait2(loop->epoll_fd, loop->ready, LOOP_EVENTS_MAX,
                             wait_us == INT64_MAX ? NULL : &wait, NULL);
    if (count < 0 && errno == ENOSYS) /* kernels before 5.11 wait in milliseconds */
        count = epoll_wait(loop->epoll_fd, loop->ready, LOOP_EVENTS_MAX,
                           wait_us > INT32_MAX ? 1000000 : (int)((wait_us + 999) / 1000));
    (void)cycles_enter(before);
    if (count < 0)
        return errno == EINTR ? 0 : -ERR_IO;
    return count;
}

int loop_run_once(struct loop *loop, int64_t wait_us)
{
    ASSERT(wait_us >= 0);
    ASSERT(loop->ready_count == 0);           /* not re-entrant */
    loop->now.us = clock_us(CLOCK_MONOTONIC); /* the turn before, or a pause, has taken time */
    int count = wait_ready(loop, wait_time_us(loop, wait_us));
    if (count < 0)
        return count;
    loop->again = false;
    loop->turns++;
    renew_time(loop);
    loop->ready_count = count;
    loop->ready_at = 0;
    if (loop->begin_fn != NULL)
        loop->begin_fn(loop->begin_owner);
    timer_wheel_advance(&loop->timers, loop->now);
    for (; loop->ready_at < loop->ready_count; loop->ready_at++) {
        struct loop_source *source = loop->ready[loop->ready_at].data.ptr;
        if (source != NULL)
            source->fn(source->owner, loop->ready[loop->ready_at].events);
    }
    loop->ready_count = 0;
    loop->ready_at = 0;
    run_hooks(loop);
    return 0;
}

int loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping)
        TRY(loop_run_once(loop, INT64_MAX));
    return 0;
}

/* ---- wake-ups ---- */

static void wakeup_on_ready(void *owner, uint32_t events)
{
    (void)events;
    struct loop_wakeup *wakeup = owner;
    uint64_t count;
    ssize_t got = read(wakeup->source.fd, &count, sizeof count);
    (void)got; /* EAGAIN is harmless: fn may run once too often */
    /* Cleared before fn looks at its work: a signal from now on gives another run. Exchanged, so
     * that fn sees what was done before a signal that found it set. */
    (void)atomic_exchange(&wakeup->pending, false);
    wakeup->fn(wakeup->owner);
}

int loop_wakeup_open(struct loop *loop, struct loop_wakeup *wakeup, void (*fn)(void *owner),
                     void *owner)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -ERR_IO;
    wakeup->loop = loop;
    wakeup->fn = fn;
    wakeup->owner = owner;
    atomic_init(&wakeup->pending, false);
    wakeup->source = (struct loop_source){wakeup_on_ready, wakeup, fd, EPOLLIN};
    int result = loop_source_add(loop, &wakeup->source);
    if (result < 0)
        close(fd);
    return result;
}

void loop_wakeup_close(struct loop_wakeup *wakeup)
{
    loop_source_remove(wakeup->loop, &wakeup->source);
    close(wakeup->source.fd);
    wakeup->source.fd = -1;
}

/* One write wakes the loop for any number of signals until it has looked: the system call costs
 * more than what is usually handed over. */
void loop_wakeup_signal(struct loop_wakeup *wakeup)
{
    if (atomic_exchange(&wakeup->pending, true))
        return;
    int saved_errno = errno;
    uint64_t one = 1;
    ssize_t written = write(wakeup->source.fd, &one, sizeof one);
    (void)written; /* EAGAIN: the counter is full, so the loop wakes anyway */
    errno = saved_errno;
}

/* ---- signals ---- */

static void signal_on_ready(void *owner, uint32_t events)
{
    (void)events;
    struct loop *loop = owner;
    struct signalfd_siginfo got;
    while (read(loop->signal_source.fd, &got, sizeof got) == (ssize_t)sizeof got)
        for (int i = 0; i < loop->signals_count; i++)
            if (loop->signals[i].signal == (int)got.ssi_signo)
                loop->signals[i].fn(loop->signals[i].owner, (int)got.ssi_signo);
}

int loop_watch_signal(struct loop *loop, int signal, void (*fn)(void *owner, int signal),
                      void *owner)
{
    if (loop->signals_count == LOOP_SIGNALS_MAX)
        return -ERR_LIMIT;
    sigaddset(&loop->signals_set, signal);
    if (pthread_sigmask(SIG_BLOCK, &loop->signals_set, NULL) != 0)
        return -ERR_IO;
    int fd = signalfd(loop->signal_source.fd, &loop->signals_set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -ERR_IO;
    if (loop->signal_source.fd < 0) {
        loop->signal_source = (struct loop_source){signal_on_ready, loop, fd, EPOLLIN};
        TRY(loop_source_add(loop, &loop->signal_source));
    }
    loop->signals[loop->signals_count++] = (struct signal_watch){fn, owner, signal};
    return 0;
}
