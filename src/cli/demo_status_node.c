/* demo_status_node.c - contract in demo_status_node.h. */
#include "cli/demo_status_node.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/bettors.h"
#include "cli/demo_status.h"

#define PERIOD_US             US_PER_SECOND
#define LINE_BYTES_MAX        512
#define LIABILITY_MARKETS_MAX 1000 /* looked at in one turn: some 10 us */

struct demo_status_node {
    struct node *node;
    struct bettors *bettors; /* owned */
    struct timer timer;
    bool is_terminal;
    struct demo_status_sample before;
    char scoreboard[128];
};

static void on_second(void *owner);

_Static_assert(sizeof((struct book_stats){0}.bets_by_outcome) ==
                   sizeof((struct demo_status_sample){0}.bets_by_outcome),
               "the same outcomes");

static size_t columns_of_terminal(const struct demo_status_node *demo)
{
    struct winsize size = {0};
    if (!demo->is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return LINE_BYTES_MAX - 16;
    return size.ws_col - 1U; /* the last column would wrap on some terminals */
}

/* Of a pipe, "writable" means room for PIPE_BUF bytes, and a line is shorter: no write here waits,
 * because the loop that would wait is the one that takes the bets. */
static void put_line(const struct demo_status_node *demo, struct slice line)
{
    char text[LINE_BYTES_MAX + 16];
    struct buf out = buf_over(text, sizeof text);
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&output, 1, 0) != 1 || (output.revents & POLLOUT) == 0)
        return;
    buf_put_text(&out, demo->is_terminal ? "\r\033[K" : "");
    buf_put_slice(&out, line);
    buf_put_text(&out, demo->is_terminal ? "" : "\n");
    ssize_t put = write(STDOUT_FILENO, text, out.bytes);
    (void)put; /* nobody looks any more */
}

static void take_scoreboard(struct demo_status_node *demo, struct demo_status_sample *sample)
{
    struct synthetic_scoreboard board;
    struct buf out = buf_over(demo->scoreboard, sizeof demo->scoreboard);
    if (demo->node->simulator == NULL ||
        !synthetic_feed_scoreboard(demo->node->simulator, 0, &board))
        return;
    buf_put_slice(&out, board.event_name);
    buf_printf(&out, " %u-%u %u'", board.score.home, board.score.away, board.minute);
    if (!out.overflow)
        sample->scoreboard = buf_slice(&out);
}

static void take_sample(struct demo_status_node *demo, struct demo_status_sample *ret)
{
    const struct book_stats *stats = book_stats(demo->node->book);
    const struct odds_service_stats *odds = odds_service_stats(demo->node->fronts.here.odds);
    struct load_bettors_sample crowd;
    bettors_sample(demo->bettors, &crowd);
    *ret = (struct demo_status_sample){
        .at = loop_now(demo->node->loop),
        .prices = stats->prices,
        .settled = stats->settled,
        .settle_markets = stats->settle_backlog,
        .settle_bets = stats->settle_bets,
        .settle_bets_left = stats->settle_bets_left,
        .p50_us = crowd.p50_us,
        .p99_us = crowd.p99_us,
        .subscribers = (uint64_t)(odds->websockets.value + odds->event_streams.value)};
    memcpy(ret->bets_by_outcome, stats->bets_by_outcome, sizeof ret->bets_by_outcome);
    ret->liability_minor = demo_status_liability(book_state(demo->node->book),
                                                 LIABILITY_MARKETS_MAX, &ret->liability_is_part);
    take_scoreboard(demo, ret);
}

static void on_second(void *owner)
{
    struct demo_status_node *demo = owner;
    char text[LINE_BYTES_MAX];
    struct buf out = buf_over(text, sizeof text);
    struct demo_status_sample now;
    take_sample(demo, &now);
    demo_status_write(&out, &demo->before, &now, columns_of_terminal(demo));
    put_line(demo, buf_slice(&out));
    demo->before = now;
    loop_timer_set(demo->node->loop, &demo->timer,
                   (struct monotonic){loop_now(demo->node->loop).us + PERIOD_US});
}

static int demo_status_node_new(struct node *node, struct demo_status_node **ret_demo)
{
    struct demo_status_node *demo = calloc(1, sizeof *demo);
    if (demo == NULL)
        return -ERR_MEMORY;
    demo->node = node;
    demo->is_terminal = isatty(STDOUT_FILENO) == 1;
    timer_init(&demo->timer, on_second, demo);
    *ret_demo = demo;
    return 0;
}

int demo_status_node_begin(struct node *node, struct demo_status_node **ret_demo)
{
    struct demo_status_node *demo;
    uint64_t seed = (uint64_t)node->options->seed;
    TRY(demo_status_node_new(node, &demo));
    const struct net_address *at =
        node->options->bettors_elsewhere ? &node->options->bettors_address : &node->fronts.plain;
    int result = bettors_begin(at, seed, &demo->bettors);
    if (result < 0) {
        free(demo);
        return result;
    }
    take_sample(demo, &demo->before);
    loop_timer_set(node->loop, &demo->timer,
                   (struct monotonic){loop_now(node->loop).us + PERIOD_US});
    *ret_demo = demo;
    return 0;
}

void demo_status_node_stop(struct demo_status_node *demo)
{
    if (demo != NULL)
        bettors_stop(demo->bettors);
}

void demo_status_node_end(struct demo_status_node *demo)
{
    if (demo == NULL)
        return;
    loop_timer_cancel(demo->node->loop, &demo->timer);
    if (demo->is_terminal)
        put_line(demo, SLICE_NONE);
    bettors_end(demo->bettors);
    free(demo);
}
