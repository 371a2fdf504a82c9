/* ref_uring.h - the bare sender's sends by io_uring instead of send(2), for comparison. Many sends
 * are one system call; sockets are registered files. Thread: one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What became of the send of a peer: bytes that the kernel took, or a negative errno. */
typedef void (*ref_uring_sent_fn)(uint32_t peer, ssize_t sent);

/* `mode` is "uring" (send), "uring-zc" (zero-copy from a registered buffer) or "uring-bundle" (one
 * send of several buffers of a ring that each peer has). Up to `peers_max` peers; no send is longer
 * than bytes_max. False: not built with liburing, no such mode, or the kernel refuses. */
bool ref_uring_begin(const char *mode, uint32_t peers_max, size_t bytes_max,
                     ref_uring_sent_fn sent);
void ref_uring_add(uint32_t peer, int fd);
void ref_uring_remove(uint32_t peer);
/* Where to write what the next sends are of; waits until the kernel is done with it. */
char *ref_uring_buffer(void);
/* The first `bytes` of the buffer to this peer. */
void ref_uring_send(uint32_t peer, size_t bytes);
/* Submits what is not, and hears of all. */
void ref_uring_flush(void);
