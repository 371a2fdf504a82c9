/* node_handover.c - contract in node_handover.h: what handover_wire.h decides is done here. */
#include "cli/node/node_handover.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/book.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/node/handover_socket.h"
#include "cli/node/node_fronts.h"
#include "cli/node/node_uof.h"
#include "cli/version.h"
#include "net/stream/listener.h"
#include "roles/backoffice/backoffice.h"
#include "roles/odds/odds_handover.h"

static const char *const names[HANDOVER_LISTENER_KINDS] = {"--listen", "--tls-listen", "--admin"};

/* ---- the new process ---- */

static int refuse(struct buf *why, const char *sentence, int error)
{
    buf_printf(why, "cannot take over: %s", sentence);
    return error;
}

/* The place of the next socket of its kind; NULL: there is none left. */
static int *next_place(struct node_handover *handover, unsigned role)
{
    for (size_t i = 0; i < HANDOVER_FRONTS_MAX; i++)
        if (handover->inherited[role][i] == 0)
            return &handover->inherited[role][i];
    return NULL;
}

static int take_socket(struct node_handover *handover, unsigned role, int fd,
                       const struct node_handover_wanted *wanted, struct buf *why)
{
    int *place = role < HANDOVER_LISTENER_KINDS ? next_place(handover, role) : NULL;
    if (place == NULL)
        return refuse(why, "the running server offers sockets that cannot be", -ERR_FORMAT);
    if (wanted->addresses[role] == NULL || listener_check(fd, wanted->addresses[role]) < 0) {
        buf_printf(why, "cannot take over: the running server has another %s", names[role]);
        return -ERR_CONFIG;
    }
    *place = fd;
    return 0;
}

/* As many as there are fronts, and one of the admin listener. */
static int check_count(const struct node_handover *handover, unsigned role,
                       const struct node_handover_wanted *wanted, struct buf *why)
{
    unsigned count = 0, due = role == HANDOVER_ADMIN ? 1 : wanted->fronts;
    while (count < HANDOVER_FRONTS_MAX && handover->inherited[role][count] != 0)
        count++;
    if (wanted->addresses[role] == NULL || count == due)
        return 0;
    if (count == 0)
        buf_printf(why, "cannot take over: the running server has no %s", names[role]);
    else
        buf_printf(why, "cannot take over: the running server has another --loops");
    return -ERR_CONFIG;
}

/* Each of ours must be among them, and none that we do not have: an address or a number of loops
 * that changes needs an end and a start. */
static int match(struct node_handover *handover, const struct handover_message *message,
                 const struct node_handover_wanted *wanted, struct buf *why)
{
    struct slice roles = message->body == NULL ? SLICE_NONE : shared_bytes_slice(message->body);
    if (message->type != HANDOVER_LISTENERS || roles.bytes != message->sockets.count)
        return refuse(why, "the running server does not offer its sockets", -ERR_FORMAT);
    for (size_t i = 0; i < roles.bytes; i++)
        TRY(take_socket(handover, (unsigned char)roles.at[i], message->sockets.fds[i], wanted,
                        why));
    for (unsigned role = 0; role < HANDOVER_LISTENER_KINDS; role++)
        TRY(check_count(handover, role, wanted, why));
    return 0;
}

static int take_sockets(struct node_handover *handover, const struct node_handover_wanted *wanted,
                        struct buf *why)
{
    struct handover_message message;
    int fd = handover->taken_fd;
    /* It may have refused and hung up already: what it said is read below. */
    (void)handover_send(fd, HANDOVER_HELLO, slice_text(version_text), NULL, HANDOVER_GREETING_MS);
    if (handover_receive(fd, &message, HANDOVER_GREETING_MS) < 0)
        return refuse(why, "the running server does not answer", -ERR_IO);
    if (message.type == HANDOVER_REFUSED && message.body != NULL) {
        buf_put_text(why, "cannot take over: ");
        buf_put_slice(why, shared_bytes_slice(message.body));
        handover_message_done(&message);
        return -ERR_BUSY;
    }
    int result = match(handover, &message, wanted, why);
    if (result == 0)
        message.sockets.count = 0; /* they are ours now */
    else
        memset(handover->inherited, 0, sizeof handover->inherited);
    handover_message_done(&message);
    return result;
}

int node_handover_ask(struct node_handover *handover, const char *data,
                      const struct node_handover_wanted *wanted, struct buf *why)
{
    int error = handover_connect(data, &handover->taken_fd);
    if (error == -ERR_NOT_FOUND) {
        log_info("handover", "starting as usual: no server runs on this data");
        return 0;
    }
    if (error < 0)
        return refuse(why, "handover.sock cannot be used", error);
    handover->states_count = wanted->fronts;
    return take_sockets(handover, wanted, why);
}

/* A state that cannot be read costs the clients a snapshot each, and nothing else. */
static void take_state(struct node_handover *handover, unsigned front,
                       struct handover_message *message)
{
    int error = message->type != HANDOVER_STATE ? -ERR_FORMAT : 0;
    if (error == 0 && message->body != NULL)
        error = odds_handover_check(shared_bytes_slice(message->body));
    if (error == 0 && message->body != NULL)
        handover->states[front] = shared_bytes_take(message->body);
    if (handover->states[front] == NULL)
        log_warn("handover", "no numbers of the streams: clients begin with snapshots",
                 LOG_TEXT("reason", slice_text(error_text(error))));
    handover_message_done(message);
}

/* One for each front. The files are free with the first. */
static int take_states(struct node_handover *handover, int fd)
{
    struct handover_message message;
    TRY(handover_receive(fd, &message, HANDOVER_WAIT_MS));
    take_state(handover, 0, &message);
    for (unsigned i = 1; i < handover->states_count; i++) {
        TRY(handover_receive(fd, &message, HANDOVER_STATE_MS));
        take_state(handover, i, &message);
    }
    return 0;
}

int node_handover_go(struct node_handover *handover, struct buf *why)
{
    int fd = handover->taken_fd;
    if (fd == 0)
        return 0;
    if (handover_send(fd, HANDOVER_GO, SLICE_NONE, NULL, HANDOVER_GREETING_MS) < 0)
        return refuse(why, "the running server has hung up", -ERR_IO);
    log_info("handover", "the running server ends; waiting for the ledger");
    int error = take_states(handover, fd);
    close(fd);
    handover->taken_fd = 0;
    if (error == -ERR_BUSY || error == -ERR_STOPPED)
        return refuse(why, error == -ERR_BUSY ? "the running server does not end" : "told to end",
                      error);
    if (error < 0) /* it has died, or its message is damaged: the files are free, or opening them
                      says so */
        log_warn("handover", "no numbers of the streams: clients begin with snapshots",
                 LOG_TEXT("reason", slice_text(error_text(error))));
    return 0;
}

/* ---- the old process: what is done ---- */

static void hang_up(struct node_handover *handover)
{
    loop_timer_cancel(handover->parts.loop, &handover->deadline);
    if (handover->peer.fd == 0)
        return;
    loop_source_remove(handover->parts.loop, &handover->peer);
    close(handover->peer.fd);
    handover->peer.fd = 0;
    handover->in_bytes = 0;
}

static void set_deadline(struct node_handover *handover, int64_t ms)
{
    struct loop *loop = handover->parts.loop;
    loop_timer_set(loop, &handover->deadline,
                   (struct monotonic){loop_now(loop).us + ms * US_PER_MS});
}

static void add_socket(struct handover_sockets *sockets, struct buf *roles, int fd,
                       enum handover_listener role)
{
    if (fd < 0)
        return; /* there is no such listener */
    ASSERT(sockets->count < HANDOVER_SOCKETS_MAX);
    sockets->fds[sockets->count++] = fd;
    buf_put_char(roles, (char)role);
}

static int offer(struct node_handover *handover)
{
    const struct node_handover_parts *parts = &handover->parts;
    char memory[HANDOVER_SOCKETS_MAX];
    struct buf roles = buf_over(memory, sizeof memory);
    struct handover_sockets sockets = {.count = 0};
    for (unsigned i = 0; i < parts->fronts_count; i++) {
        int plain, tls;
        node_fronts_listening(parts->fronts, i, &plain, &tls);
        add_socket(&sockets, &roles, plain, HANDOVER_PLAIN);
        add_socket(&sockets, &roles, tls, HANDOVER_TLS);
    }
    add_socket(&sockets, &roles, http_server_listening_fd(parts->admin_server, 0), HANDOVER_ADMIN);
    set_deadline(handover, HANDOVER_GO_MS);
    /* It has said no more than HELLO: its queue is empty, so this never waits. */
    TRY(handover_send(handover->peer.fd, HANDOVER_LISTENERS, buf_slice(&roles), &sockets, 0));
    metrics_count(&handover->stats.offered, 1);
    return 0;
}

static void end_begin(struct node_handover *handover)
{
    const struct node_handover_parts *parts = &handover->parts;
    log_info("handover", "a newer process takes over: no more is accepted here");
    loop_timer_cancel(parts->loop, &handover->deadline);
    handover->ending_us = loop_now(parts->loop).us;
    set_deadline(handover, HANDOVER_SETTLE_MS);
    http_server_stop_listening(parts->admin_server);
    book_end_prices(parts->book);
    backoffice_end_feeds(parts->backoffice);
    node_uof_end(parts->uof);
    node_fronts_leave(parts->fronts);
    loop_turn_again(parts->loop);
}

static void send_away(struct node_handover *handover)
{
    const struct node_handover_parts *parts = &handover->parts;
    loop_timer_cancel(parts->loop, &handover->deadline);
    node_fronts_send_away(parts->fronts);
    parts->drain(parts->owner, HANDOVER_DRAIN_MS);
}

static void happen(struct node_handover *handover, enum handover_event event);

static void obey(struct node_handover *handover, enum handover_action action)
{
    switch (action) {
    case HANDOVER_NOTHING:
    case HANDOVER_STOP: /* the node's own drain stops the loop */
        return;
    case HANDOVER_OFFER:
        if (offer(handover) < 0)
            happen(handover, HANDOVER_BROKEN);
        return;
    case HANDOVER_END:
        end_begin(handover);
        return;
    case HANDOVER_SEND_AWAY:
        send_away(handover);
        return;
    case HANDOVER_HANG_UP:
        metrics_count(&handover->stats.refused, 1);
        log_warn("handover", "the newer process is gone: this one goes on");
        hang_up(handover);
        return;
    case HANDOVER_GO_ALONE:
        log_warn("handover", "the newer process is gone: ending all the same");
        hang_up(handover);
        if (handover->stage == HANDOVER_ENDING)
            set_deadline(handover, HANDOVER_SETTLE_MS);
        return;
    }
}

static void happen(struct node_handover *handover, enum handover_event event)
{
    obey(handover, handover_step(&handover->stage, event));
}

/* ---- the old process: what happens ---- */

static void on_deadline(void *owner)
{
    struct node_handover *handover = owner;
    if (handover->stage == HANDOVER_GREETING || handover->stage == HANDOVER_OFFERED)
        happen(handover, HANDOVER_BROKEN);
    /* else the turn that this timer makes is what was wanted */
}

static void take_message(struct node_handover *handover, enum handover_type type)
{
    enum handover_event event = type == HANDOVER_HELLO ? HANDOVER_SAID_HELLO
                                : type == HANDOVER_GO  ? HANDOVER_SAID_GO
                                                       : HANDOVER_BROKEN;
    happen(handover, event);
}

/* One whole message from the beginning of what came. 1: there was one; 0: not yet. */
static int next_message(struct node_handover *handover)
{
    struct handover_head head;
    if (handover->in_bytes < HANDOVER_HEAD_BYTES)
        return 0;
    TRY(handover_read_head(handover->in, &head));
    size_t bytes = HANDOVER_HEAD_BYTES + head.bytes;
    if (bytes > sizeof handover->in)
        return -ERR_FORMAT; /* a state: nobody sends us one */
    if (handover->in_bytes < bytes)
        return 0;
    TRY(handover_check_body(handover->in,
                            slice_of(handover->in + HANDOVER_HEAD_BYTES, head.bytes)));
    handover->in_bytes -= bytes;
    memmove(handover->in, handover->in + bytes, handover->in_bytes);
    take_message(handover, head.type);
    return 1;
}

static void on_peer(void *owner, uint32_t events)
{
    struct node_handover *handover = owner;
    (void)events;
    size_t room = sizeof handover->in - handover->in_bytes;
    ssize_t got = recv(handover->peer.fd, handover->in + handover->in_bytes, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        happen(handover, HANDOVER_BROKEN);
        return;
    }
    handover->in_bytes += (size_t)got;
    int result = 1;
    while (result == 1 && handover->peer.fd != 0)
        result = next_message(handover);
    if (result < 0)
        happen(handover, HANDOVER_BROKEN);
}

static void begin_peer(struct node_handover *handover, int fd)
{
    handover->in_bytes = 0;
    handover->peer = (struct loop_source){on_peer, handover, fd, EPOLLIN};
    if (loop_source_add(handover->parts.loop, &handover->peer) < 0) {
        close(fd);
        handover->peer.fd = 0;
        happen(handover, HANDOVER_BROKEN);
        return;
    }
    set_deadline(handover, HANDOVER_GREETING_MS);
}

static void on_listening(void *owner, uint32_t events)
{
    struct node_handover *handover = owner;
    int fd;
    (void)events;
    int error = handover_accept(handover->listening.fd, &fd);
    if (error == -ERR_CONFIG) {
        metrics_count(&handover->stats.refused, 1);
        log_error("handover", "another user's process has connected; it was hung up on");
    }
    if (error < 0)
        return;
    if (handover_step(&handover->stage, HANDOVER_CONNECTED) == HANDOVER_NOTHING) {
        begin_peer(handover, fd);
        return;
    }
    metrics_count(&handover->stats.refused, 1);
    (void)handover_send(fd, HANDOVER_REFUSED, SLICE("another process is taking over"), NULL, 0);
    close(fd);
}

/* ---- the old process: its life ---- */

int node_handover_open(struct node_handover *handover, const struct node_handover_parts *parts)
{
    int fd;
    TRY(handover_listen(parts->data, &fd));
    handover->parts = *parts;
    timer_init(&handover->deadline, on_deadline, handover);
    handover->listening = (struct loop_source){on_listening, handover, fd, EPOLLIN};
    int error = loop_source_add(parts->loop, &handover->listening);
    if (error < 0) {
        close(fd);
        handover->listening.fd = 0;
    }
    return error;
}

void node_handover_turn(struct node_handover *handover)
{
    if (handover->stage != HANDOVER_ENDING)
        return;
    const struct node_handover_parts *parts = &handover->parts;
    int64_t passed_us = loop_now(parts->loop).us - handover->ending_us;
    bool settled = book_prices_ended(parts->book) && node_fronts_is_answered(parts->fronts);
    if (passed_us >= HANDOVER_ENDING_MS * US_PER_MS ||
        (settled && passed_us >= HANDOVER_SETTLE_MS * US_PER_MS))
        happen(handover, HANDOVER_SETTLED);
    else if (!timer_is_set(&handover->deadline))
        set_deadline(handover, HANDOVER_SETTLE_MS / 5);
}

void node_handover_close(struct node_handover *handover)
{
    if (handover->listening.fd != 0) {
        loop_source_remove(handover->parts.loop, &handover->listening);
        close(handover->listening.fd);
        handover->listening.fd = 0;
        handover_unlink(handover->parts.data); /* while the ledger's lock is ours */
    }
    if (handover->parts.loop == NULL)
        return;
    loop_timer_cancel(handover->parts.loop, &handover->deadline);
    if (handover->stage < HANDOVER_ENDING)
        hang_up(handover);
    else if (handover->peer.fd != 0)
        loop_source_remove(handover->parts.loop, &handover->peer);
}

void node_handover_take_numbers(struct node_handover *handover)
{
    const struct node_handover_parts *parts = &handover->parts;
    if (handover->stage < HANDOVER_ENDING)
        return;
    for (unsigned i = 0; i < parts->fronts_count; i++) {
        struct shared_bytes *numbers = node_fronts_numbers(parts->fronts, i);
        handover->numbers[i] = numbers == NULL ? NULL : shared_bytes_take(numbers);
    }
}

static void send_states(const struct node_handover *handover)
{
    for (unsigned i = 0; i < handover->parts.fronts_count; i++) {
        struct slice numbers =
            handover->numbers[i] == NULL ? SLICE_NONE : shared_bytes_slice(handover->numbers[i]);
        if (handover_send(handover->peer.fd, HANDOVER_STATE, numbers, NULL, HANDOVER_STATE_MS) <
            0) {
            log_warn("handover", "the newer process did not take the numbers of the streams");
            return;
        }
    }
}

static void close_inherited(struct node_handover *handover)
{
    for (size_t role = 0; role < HANDOVER_LISTENER_KINDS; role++)
        for (size_t i = 0; i < HANDOVER_FRONTS_MAX; i++)
            if (handover->inherited[role][i] != 0)
                close(handover->inherited[role][i]); /* not listened at: the start has failed */
}

void node_handover_end(struct node_handover *handover)
{
    if (handover->peer.fd != 0) {
        send_states(handover);
        close(handover->peer.fd);
        handover->peer.fd = 0;
    }
    if (handover->taken_fd != 0)
        close(handover->taken_fd);
    handover->taken_fd = 0;
    close_inherited(handover);
    for (size_t i = 0; i < HANDOVER_FRONTS_MAX; i++) {
        shared_bytes_give(handover->numbers[i]);
        shared_bytes_give(handover->states[i]);
        handover->numbers[i] = handover->states[i] = NULL;
    }
}

int node_handover_register_metrics(struct node_handover *handover, struct metrics *metrics)
{
    const char *help = "Newer processes that asked to take over";
    TRY(metrics_add_counter(
        metrics, (struct metrics_name){"overround_handovers_total", help, "outcome=\"offered\"", 0},
        &handover->stats.offered));
    return metrics_add_counter(
        metrics, (struct metrics_name){"overround_handovers_total", help, "outcome=\"refused\"", 0},
        &handover->stats.refused);
}
