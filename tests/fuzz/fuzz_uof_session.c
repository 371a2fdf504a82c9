/* fuzz_uof_session.c - any bytes as what a broker says, from the first on; what is answered is
 * sound, and messages stay within their limit. */
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "feeds/uof/uof_session.h"

#define MESSAGE_BYTES_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    static const struct slice keys[] = {SLICE("hi.#"), SLICE("lo.#")};
    const struct uof_session_options options = {.user = SLICE("u"),
                                                .password = SLICE("p"),
                                                .vhost = SLICE("/"),
                                                .exchange = SLICE("unifiedfeed"),
                                                .keys = keys,
                                                .keys_count = 2,
                                                .message_bytes_max = MESSAGE_BYTES_MAX};
    struct uof_session *session = NULL;
    struct slice left = slice_of(at, bytes);
    enum uof_session_event event = UOF_SESSION_ON;
    int error = uof_session_new(&options, &session);
    if (error < 0)
        return 0;
    uof_session_begin(session);
    while (error == 0 && event != UOF_SESSION_WAITS && event != UOF_SESSION_ENDED) {
        size_t used = 0;
        error = uof_session_step(session, left, &used, &event);
        uof_session_check(session);
        ASSERT(used <= left.bytes);
        ASSERT(uof_session_message(session).bytes <= MESSAGE_BYTES_MAX);
        ASSERT(!uof_session_out(session)->overflow);
        uof_session_out(session)->bytes = 0;
        left = slice_skip(left, used);
    }
    ASSERT(error == 0 || uof_session_problem(session).bytes > 0);
    uof_session_free(session);
    return 0;
}
