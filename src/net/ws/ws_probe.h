/* ws_probe.h - how far behind a WebSocket's peer is with what was pushed to it.
 *
 * What the kernels took is not what the peer has read: a receive buffer of megabytes hides a peer
 * that is seconds behind. So a ping goes out behind so many pushed bytes, one at a time, and its
 * pong says when the peer was there. The quickest pong of a connection tells how long the way is;
 * a peer whose pong takes longer than that by `late_us` is late. Its queue is then in buffers that
 * nobody can take anything out of, and only sending it less makes it shorter.
 * The time counts from when the ping is known to have left our queue, so our own delay is not the
 * peer's. Pure: microseconds of one monotonic clock. Thread: any (one user). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_probe_step { WS_PROBE_NONE = 0, WS_PROBE_QUEUED, WS_PROBE_SENT, WS_PROBE_LATE };

struct ws_probe {
    int64_t sent_us;
    uint32_t bytes;       /* pushed since the newest ping */
    uint32_t quickest_us; /* of a pong; valid when there was one */
    uint8_t step;         /* enum ws_probe_step, of the ping under way */
    bool answered;        /* there was a pong */
};

/* So much was pushed. Whether a ping is to follow, which is then under way. */
static inline bool ws_probe_pushed(struct ws_probe *probe, size_t bytes, size_t every_bytes)
{
    probe->bytes += (uint32_t)bytes;
    if (probe->step != WS_PROBE_NONE || probe->bytes < every_bytes)
        return false;
    probe->bytes = 0;
    probe->step = WS_PROBE_QUEUED;
    return true;
}

/* Nothing waits in our queue now. */
static inline void ws_probe_left(struct ws_probe *probe, int64_t now_us)
{
    if (probe->step != WS_PROBE_QUEUED)
        return;
    probe->step = WS_PROBE_SENT;
    probe->sent_us = now_us;
}

/* A pong came. One that was not asked for changes nothing. */
static inline void ws_probe_answered(struct ws_probe *probe, int64_t now_us)
{
    if (probe->step == WS_PROBE_NONE)
        return;
    int64_t took_us = probe->step == WS_PROBE_QUEUED ? 0 : now_us - probe->sent_us;
    if (!probe->answered || took_us < probe->quickest_us)
        probe->quickest_us = (uint32_t)(took_us < UINT32_MAX ? took_us : UINT32_MAX);
    probe->answered = true;
    probe->step = WS_PROBE_NONE;
}

/* Whether the peer is late; once for each ping. */
static inline bool ws_probe_is_late(struct ws_probe *probe, int64_t late_us, int64_t now_us)
{
    int64_t quickest_us = probe->answered ? probe->quickest_us : 0;
    if (probe->step != WS_PROBE_SENT || now_us - probe->sent_us < quickest_us + late_us)
        return false;
    probe->step = WS_PROBE_LATE;
    return true;
}
