/* push_slice.h - how long one turn of the loop may send what was pushed.
 *
 * A message to thousands is as many system calls, and whoever asks something meanwhile would wait
 * for all of them. So in each turn pushes are sent for a slice of time only, behind the answers,
 * and the loop looks after its sockets in between: an answer waits for one slice, not for
 * everybody's message. Nor may those who ask starve those who are pushed to: where a turn's other
 * work is long, the slice is half of it, so that pushes have a third of the loop's time at
 * least. Pure: microseconds of one monotonic clock. Thread: any. */
#pragma once

#include <stdint.h>

#define PUSH_SLICE_SHARE 2 /* one part for pushes for so many parts of other work */

/* `us_max` is the limit push_slice_us_max, `worked_us` what the turn has taken before the pushes.
 */
static inline int64_t push_slice_us(int64_t us_max, int64_t worked_us)
{
    int64_t share_us = worked_us / PUSH_SLICE_SHARE;
    return share_us > us_max ? share_us : us_max;
}
