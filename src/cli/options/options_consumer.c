/* options_consumer.c - contract in options_consumer.h. */
#include "cli/options/options_consumer.h"

#include "base/error.h"

int options_consumer(const struct options *options, struct consumer_node_options *ret,
                     struct buf *why)
{
    ret->group = options_text(options, "stream-group");
    ret->data = options_text(options, "data");
    ret->totals = options_text(options, "totals");
    ret->notifier.url = options_text(options, "notify-webhook");
    ret->notifier.ca = options_text(options, "notify-webhook-ca");
    ret->notifier.secret = options_text(options, "notify-secret");
    ret->notifier.data = ret->data;
    TRY(options_number(options, "notify-tries", (struct number_range){1, 1000},
                       &ret->notifier.tries_max, why));
    return options_number(options, "stream-session-ms", (struct number_range){1000, 300000},
                          &ret->session_ms, why);
}
