/* ref_uring.c - contract in ref_uring.h. liburing 2.3 (Debian 12) does not know bundles, the kernel
 * does since 6.10: IORING_RECVSEND_BUNDLE. */
#include "ref_uring.h"

#ifndef HAVE_LIBURING

bool ref_uring_begin(const char *mode, uint32_t peers_max, size_t bytes_max, ref_uring_sent_fn sent)
{
    (void)mode;
    (void)peers_max;
    (void)bytes_max;
    (void)sent;
    return false;
}

void ref_uring_add(uint32_t peer, int fd)
{
    (void)peer;
    (void)fd;
}

void ref_uring_remove(uint32_t peer)
{
    (void)peer;
}

char *ref_uring_buffer(void)
{
    return NULL;
}

void ref_uring_send(uint32_t peer, size_t bytes)
{
    (void)peer;
    (void)bytes;
}

void ref_uring_flush(void)
{
}

#else

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define QUEUE_ENTRIES 4096
#define SUBMIT_AT     256 /* sends of one system call */
#define BUFFERS       4   /* that the kernel may still hold while the next one is written */
#define BUNDLE_PIECES 4
#define BUNDLE_FLAG   (1U << 4) /* IORING_RECVSEND_BUNDLE */

enum mode { MODE_SEND, MODE_ZC, MODE_BUNDLE };

static struct {
    enum mode mode;
    struct io_uring ring;
    ref_uring_sent_fn sent;
    char *buffers; /* BUFFERS x bytes_max */
    size_t bytes_max;
    uint32_t at;                      /* the buffer in use */
    uint32_t held[BUFFERS];           /* sends of which the kernel may still read it */
    uint32_t queued, under_way;       /* sends without a completion */
    struct io_uring_buf_ring **rings; /* of each peer, for bundles */
} u;

bool ref_uring_begin(const char *mode, uint32_t peers_max, size_t bytes_max, ref_uring_sent_fn sent)
{
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    u.mode = strcmp(mode, "uring-zc") == 0       ? MODE_ZC
             : strcmp(mode, "uring-bundle") == 0 ? MODE_BUNDLE
                                                 : MODE_SEND;
    if (u.mode == MODE_SEND && strcmp(mode, "uring") != 0)
        return false;
    u.sent = sent;
    u.bytes_max = bytes_max;
    u.buffers = aligned_alloc(4096, (BUFFERS * bytes_max + 4095) / 4096 * 4096);
    u.rings = calloc(peers_max, sizeof *u.rings);
    struct iovec whole = {u.buffers, BUFFERS * bytes_max};
    return u.buffers != NULL && u.rings != NULL &&
           io_uring_queue_init_params(QUEUE_ENTRIES, &u.ring, &params) == 0 &&
           io_uring_register_files_sparse(&u.ring, peers_max) == 0 &&
           io_uring_register_buffers(&u.ring, &whole, 1) == 0;
}

void ref_uring_add(uint32_t peer, int fd)
{
    if (io_uring_register_files_update(&u.ring, peer, &fd, 1) != 1)
        abort();
    if (u.mode != MODE_BUNDLE)
        return;
    struct io_uring_buf_reg group = {.ring_entries = BUNDLE_PIECES, .bgid = (uint16_t)peer};
    void *ring = aligned_alloc(4096, 4096);
    group.ring_addr = (uintptr_t)ring;
    if (ring == NULL || io_uring_register_buf_ring(&u.ring, &group, 0) != 0)
        abort();
    io_uring_buf_ring_init(ring);
    u.rings[peer] = ring;
}

void ref_uring_remove(uint32_t peer)
{
    int none = -1;
    (void)io_uring_register_files_update(&u.ring, peer, &none, 1);
}

static void take(const struct io_uring_cqe *cqe)
{
    uint32_t buffer = (uint32_t)(cqe->user_data >> 33);
    if ((cqe->flags & IORING_CQE_F_NOTIF) != 0) {
        u.held[buffer]--;
        return;
    }
    u.under_way--;
    if ((cqe->flags & IORING_CQE_F_MORE) == 0 || u.mode != MODE_ZC)
        u.held[buffer]--; /* no notice follows */
    u.sent((uint32_t)cqe->user_data, cqe->res);
}

static void submit(unsigned wait)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;
    (void)io_uring_submit_and_wait(&u.ring, wait);
    u.queued = 0;
    io_uring_for_each_cqe(&u.ring, head, cqe)
    {
        take(cqe);
        count++;
    }
    io_uring_cq_advance(&u.ring, count);
}

char *ref_uring_buffer(void)
{
    u.at = (u.at + 1) % BUFFERS;
    while (u.held[u.at] > 0)
        submit(1);
    return u.buffers + u.at * u.bytes_max;
}

static void put_bundle(uint32_t peer, char *at, size_t bytes)
{
    size_t piece = (bytes + BUNDLE_PIECES - 1) / BUNDLE_PIECES;
    for (int i = 0; i < BUNDLE_PIECES && bytes > 0; i++) {
        size_t now = piece < bytes ? piece : bytes;
        io_uring_buf_ring_add(u.rings[peer], at, (unsigned)now, (uint16_t)i,
                              io_uring_buf_ring_mask(BUNDLE_PIECES), i);
        at += now;
        bytes -= now;
    }
    io_uring_buf_ring_advance(u.rings[peer], BUNDLE_PIECES);
}

void ref_uring_send(uint32_t peer, size_t bytes)
{
    char *at = u.buffers + u.at * u.bytes_max;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u.ring);
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    switch (u.mode) {
    case MODE_SEND:
        io_uring_prep_send(sqe, (int)peer, at, bytes, flags);
        break;
    case MODE_ZC:
        io_uring_prep_send_zc_fixed(sqe, (int)peer, at, bytes, flags, 0, 0);
        break;
    case MODE_BUNDLE:
        put_bundle(peer, at, bytes);
        io_uring_prep_send(sqe, (int)peer, NULL, 0, flags);
        sqe->ioprio |= BUNDLE_FLAG;
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = (uint16_t)peer;
        break;
    }
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = peer | (uint64_t)u.at << 33;
    u.held[u.at]++;
    u.under_way++;
    if (++u.queued == SUBMIT_AT)
        submit(0);
}

void ref_uring_flush(void)
{
    while (u.under_way > 0)
        submit(1);
}

#endif
