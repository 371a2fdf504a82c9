/* sim_fail.c - how a run that found something ends: what, where, and how to see it again. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/sim_world.h"

static const struct sim *watched;

static void print_place(const struct sim *sim)
{
    char text[256];
    int bytes =
        snprintf(text, sizeof text,
                 "sim: seed %llu, step %llu of %llu, incarnation %u; again: overround sim --seed "
                 "%llu --ticks %llu\n",
                 (unsigned long long)sim->options.seed, (unsigned long long)sim->tick,
                 (unsigned long long)sim->options.ticks, sim->incarnation,
                 (unsigned long long)sim->options.seed, (unsigned long long)sim->options.ticks);
    ssize_t written = bytes > 0 ? write(STDERR_FILENO, text, (size_t)bytes) : 0;
    (void)written; /* nothing is left to do when stderr is gone */
}

/* The book found its own mistake (ASSERT), or worse. */
static void on_signal(int number)
{
    if (watched != NULL)
        print_place(watched);
    signal(number, SIG_DFL);
    raise(number);
}

void sim_fail_watch(const struct sim *sim)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    struct sigaction action = {.sa_handler = sim == NULL ? SIG_DFL : on_signal};
    watched = sim;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

void sim_trace(const struct sim *sim, enum sim_count count)
{
    fprintf(stderr, "step %llu, %lld us, incarnation %u, record %llu: %s\n",
            (unsigned long long)sim->tick, (long long)sim->now_us, sim->incarnation,
            (unsigned long long)sim->oracle.seq, sim_count_name(count));
}

_Noreturn void sim_broken(const struct sim *sim, const char *invariant, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "sim: %s broken: ", invariant);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    fflush(stderr);
    print_place(sim);
    _exit(1);
}
