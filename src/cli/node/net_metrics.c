/* net_metrics.c - contract in net_metrics.h. */
#include "cli/node/net_metrics.h"

#include "base/error.h"
#include "net/stream/net_names.h"
#include "net/ws/ws_deflate.h"

#define LIMITS      "overround_limit_reached_total"
#define LIMITS_HELP "How often a named limit was reached"

static int add_net_limits(struct metrics *metrics, const struct net_stats *stats,
                          const char *const labels[NET_LIMITS_COUNT])
{
    struct metrics_row rows[NET_LIMITS_COUNT];
    for (size_t i = 0; i < NET_LIMITS_COUNT; i++)
        rows[i] =
            (struct metrics_row){{LIMITS, LIMITS_HELP, labels[i], 0}, &stats->limit_reached[i]};
    return metrics_add_counters(metrics, rows, NET_LIMITS_COUNT);
}

static int add_closed(struct metrics *metrics, const struct net_stats *stats, bool admin)
{
#define CLOSED_PUBLIC(name, text) "reason=\"" text "\",listener=\"public\"",
#define CLOSED_ADMIN(name, text)  "reason=\"" text "\",listener=\"admin\"",
    static const char *const public_labels[] = {CONN_CLOSE_LIST(CLOSED_PUBLIC)};
    static const char *const admin_labels[] = {CONN_CLOSE_LIST(CLOSED_ADMIN)};
    struct metrics_row rows[CONN_CLOSE_COUNT];
    for (size_t i = 0; i < CONN_CLOSE_COUNT; i++)
        rows[i] = (struct metrics_row){{"overround_connections_closed_total",
                                        "Connections that ended, by reason",
                                        admin ? admin_labels[i] : public_labels[i], 0},
                                       &stats->closed[i]};
    return metrics_add_counters(metrics, rows, CONN_CLOSE_COUNT);
}

static int add_handshakes(struct metrics *metrics, const struct net_stats *stats, bool admin)
{
    const char *name = "overround_tls_handshakes_total", *help = "TLS handshakes done";
    const struct metrics_row counters[] = {
        {{name, help,
          admin ? "kind=\"full\",listener=\"admin\"" : "kind=\"full\",listener=\"public\"", 0},
         &stats->tls_full},
        {{name, help,
          admin ? "kind=\"resumed\",listener=\"admin\"" : "kind=\"resumed\",listener=\"public\"",
          0},
         &stats->tls_resumed},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

/* What a listener's connections hold now: all of it is 0 when none is open. */
static int add_held(struct metrics *metrics, const struct net_stats *stats, const char *listener)
{
    const struct {
        const char *name, *help;
        const uint64_t *value;
    } gauges[] = {
        {"overround_connections", "Connections open now", &stats->connections},
        {"overround_receive_bytes", "Bytes received and not yet used", &stats->receive_bytes},
        {"overround_outbox_bytes", "Bytes that wait to be sent", &stats->outbox_bytes},
        {"overround_tls_handshaking", "TLS handshakes under way", &stats->tls_handshaking},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        TRY(metrics_add_gauge(metrics,
                              (struct metrics_name){gauges[i].name, gauges[i].help, listener, 0},
                              (const struct metrics_gauge *)gauges[i].value));
    return 0;
}

static int add_net(struct metrics *metrics, const struct net_stats *stats, bool admin)
{
#define PUBLIC_LABEL(type, name, value) "limit=\"" #name "\",listener=\"public\"",
#define ADMIN_LABEL(type, name, value)  "limit=\"" #name "\",listener=\"admin\"",
    static const char *const public_labels[] = {NET_LIMIT_LIST(PUBLIC_LABEL)};
    static const char *const admin_labels[] = {NET_LIMIT_LIST(ADMIN_LABEL)};
    const char *listener = admin ? "listener=\"admin\"" : "listener=\"public\"";
    const struct metrics_row counters[] = {
        {{"overround_connections_accepted_total", "Connections accepted", listener, 0},
         &stats->accepted},
        {{"overround_http_requests_total", "HTTP requests", listener, 0}, &stats->requests},
        {{"overround_http_bad_requests_total", "Requests refused as HTTP", listener, 0},
         &stats->bad_requests},
        {{"overround_bytes_in_total", "Bytes received", listener, 0}, &stats->bytes_in},
        {{"overround_bytes_out_total", "Bytes sent", listener, 0}, &stats->bytes_out},
        {{"overround_writes_total", "System calls that send", listener, 0}, &stats->writes},
        {{"overround_proxied_connections_total", "Connections with a client's address from a proxy",
          listener, 0},
         &stats->proxied},
        {{"overround_tls_truncated_total", "TLS connections that ended without close_notify",
          listener, 0},
         &stats->tls_truncated},
        {{"overround_pushing_seconds_total", "Time spent on sending pushes", listener, 6},
         &stats->pushing_us},
    };
    TRY(add_net_limits(metrics, stats, admin ? admin_labels : public_labels));
    TRY(add_closed(metrics, stats, admin));
    TRY(add_handshakes(metrics, stats, admin));
    TRY(metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters));
    return add_held(metrics, stats, listener);
}

static int add_deflate(struct metrics *metrics, const struct ws_deflate_stats *stats)
{
    if (stats == NULL) /* not offered */
        return 0;
    const struct metrics_row counters[] = {
        {{"overround_ws_packed_total", "Messages compressed, each once for all", NULL, 0},
         &stats->packed},
        {{"overround_ws_packed_bytes_in_total", "Their bytes before", NULL, 0}, &stats->bytes_in},
        {{"overround_ws_packed_bytes_out_total", "Their bytes after", NULL, 0}, &stats->bytes_out},
        {{"overround_ws_unpacked_total", "Compressed messages received", NULL, 0},
         &stats->unpacked},
        {{"overround_ws_unpack_refused_total", "Those malformed or too long", NULL, 0},
         &stats->refused},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

/* Of the whole process. */
static int add_names(struct metrics *metrics)
{
    const struct net_names_stats *stats = net_names_stats();
    const char *name = "overround_name_lookups_total", *help = "Host names looked up";
    const struct metrics_row rows[] = {
        {{LIMITS, LIMITS_HELP, "limit=\"host_names_max\"", 0}, &stats->limit_reached},
        {{name, help, "outcome=\"found\"", 0}, &stats->found},
        {{name, help, "outcome=\"unknown\"", 0}, &stats->unknown},
    };
    return metrics_add_counters(metrics, rows, sizeof rows / sizeof *rows);
}

int net_metrics_register(struct metrics *metrics, const struct http_server *server, bool admin)
{
    TRY(add_net(metrics, http_server_stats(server), admin));
    if (admin)
        TRY(add_names(metrics));
    return add_deflate(metrics, http_server_deflate_stats(server));
}
