/* ws_deflate.h - permessage-deflate (RFC 7692), for many sockets with the memory of one.
 *
 * No message may refer to an earlier one, in either direction (server_no_context_takeover and
 * client_no_context_takeover), so one compressor and one decompressor serve all sockets of a loop,
 * an idle socket costs nothing, and a message to many is compressed once: the packed form is kept
 * with the shared frames (net/stream/shared_bytes.h). Messages to one client alone are not packed:
 * they may hold secrets beside text that somebody else chose (RFC 7692 section 8). Thread: one
 * loop's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/http/http_parse.h"
#include "net/stream/shared_bytes.h"

/* A shorter message is not packed: from here on a feed's own messages shrink to half and less (512
 * bytes: 0.5, 1 KiB: 0.3, a snapshot of 47 KB: 0.07; one of 250 bytes only to 0.7), and packing
 * takes some 10 us of the loop, once a message. */
#define WS_DEFLATE_BYTES_MIN 512

enum ws_deflate_offer {
    WS_DEFLATE_NONE = 0, /* none that we can accept */
    WS_DEFLATE_PLAIN,
    WS_DEFLATE_WINDOW, /* with a limit of our window, which must be told back (7.1.2.1) */
};

#define WS_DEFLATE_ANSWER                                                                          \
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define WS_DEFLATE_ANSWER_WINDOW "; server_max_window_bits=15"

struct ws_deflate;

/* Takes its memory, some 150 KiB, now. -ERR_MEMORY. The caller owns *ret_codec. */
int ws_deflate_new(size_t message_bytes_max, struct ws_deflate **ret_codec);
void ws_deflate_free(struct ws_deflate *codec); /* accepts NULL */

/* The first offer of the request that we can accept, with WS_DEFLATE_ANSWER (and the _WINDOW behind
 * it): one that asks for a smaller window of ours, or that has a parameter which is unknown,
 * repeated or malformed, is passed over (RFC 7692 section 7.1). */
enum ws_deflate_offer ws_deflate_offered(const struct http_head *head);

/* The message behind packed payload (section 7.2.2); borrowed until the next call. -ERR_FORMAT: no
 * DEFLATE data; -ERR_LIMIT: above message_bytes_max. */
int ws_deflate_unpack(struct ws_deflate *codec, struct slice packed, struct slice *ret_message);

/* The same whole frames of a server with what pays packed; made once and kept with `frames`,
 * which is the answer itself when nothing pays or there is no memory. Borrowed: it lives as long
 * as `frames`. */
struct shared_bytes *ws_deflate_frames(struct ws_deflate *codec, struct shared_bytes *frames);

/* Counted since it was made. */
struct ws_deflate_stats {
    uint64_t packed;              /* messages */
    uint64_t bytes_in, bytes_out; /* of them */
    uint64_t unpacked;            /* messages of clients */
    uint64_t refused;             /* messages of clients: malformed or too long */
};
const struct ws_deflate_stats *ws_deflate_stats(const struct ws_deflate *codec);
