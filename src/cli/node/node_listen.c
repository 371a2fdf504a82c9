/* node_listen.c - contract in node_listen.h. */
#include "cli/node/node_listen.h"

#include "base/error.h"
#include "base/log.h"

static const char *const names[NODE_TLS_COUNT] = {"public", "admin"};

/* ---- rotation ---- */

static void arm_rotation(struct node_listen *listen)
{
    struct monotonic due = {loop_now(listen->loop).us + TLS_TICKET_LIFETIME_S * US_PER_SECOND};
    loop_timer_set(listen->loop, &listen->rotation, due);
}

static void on_rotation(void *owner)
{
    struct node_listen *listen = owner;
    for (int i = 0; i < NODE_TLS_COUNT; i++)
        if (listen->tls[i].server != NULL)
            tls_server_rotate(listen->tls[i].server);
    arm_rotation(listen);
}

/* ---- reading ---- */

static void read_files(struct node_tls *tls)
{
    struct buf why = buf_over(tls->why, sizeof tls->why - 1);
    if (tls->files == NULL)
        return;
    tls->error = tls_material_new(tls->files, &tls->loaded, &why);
    tls->why[why.bytes] = '\0';
}

static void *read_all(void *owner)
{
    struct node_listen *listen = owner;
    for (int i = 0; i < NODE_TLS_COUNT; i++)
        read_files(&listen->tls[i]);
    loop_wakeup_signal(&listen->loaded);
    return NULL;
}

static int64_t now_s(const struct node_listen *listen)
{
    return loop_wall(listen->loop).us / US_PER_SECOND;
}

/* What has expired is worse than what is served, or as bad. */
static void check_expiry(struct node_tls *tls, int64_t now)
{
    struct buf why = buf_over(tls->why, sizeof tls->why - 1);
    if (tls->error < 0 || tls_material_expires_s(tls->loaded) > now)
        return;
    buf_printf(&why, "the certificate in %s has expired", tls->files->certificates);
    tls->why[why.bytes] = '\0';
    tls->error = -ERR_CONFIG;
    tls_material_free(tls->loaded);
    tls->loaded = NULL;
}

static void take(struct node_listen *listen, int which)
{
    struct node_tls *tls = &listen->tls[which];
    const char *name = names[which];
    if (tls->files == NULL)
        return;
    check_expiry(tls, now_s(listen));
    if (tls->error < 0) {
        metrics_count(&tls->kept, 1);
        log_error("tls", "the certificate is kept: the files cannot serve",
                  LOG_TEXT("listener", slice_text(name)), LOG_TEXT("reason", slice_text(tls->why)));
        return;
    }
    tls_server_replace(tls->server, tls->loaded);
    tls->loaded = NULL;
    metrics_set(&tls->expiry_s, tls_server_expires_s(tls->server));
    metrics_count(&tls->reloads, 1);
    log_info("tls", "certificate read again", LOG_TEXT("listener", slice_text(name)),
             LOG_I64("expires_s", tls_server_expires_s(tls->server)));
}

static void on_loaded(void *owner)
{
    struct node_listen *listen = owner;
    if (!listen->reading)
        return;
    (void)pthread_join(listen->thread, NULL); /* it has nothing left to do but to end */
    listen->reading = false;
    for (int i = 0; i < NODE_TLS_COUNT; i++)
        take(listen, i);
    if (listen->again)
        node_listen_reload(listen);
}

void node_listen_reload(struct node_listen *listen)
{
    if (!listen->wakeup_open) {
        log_info("tls", "nothing to read again: no listener has a certificate");
        return;
    }
    listen->again = listen->reading;
    if (listen->reading)
        return;
    listen->reading = pthread_create(&listen->thread, NULL, read_all, listen) == 0;
    if (!listen->reading)
        log_error("tls", "the certificate is kept: no thread to read the files");
}

/* ---- the beginning and the end ---- */

/* An expired certificate is served at a start: clients that check will refuse it, but the others
 * go on, and the operator has a running program to put it right. */
static int open_one(struct node_listen *listen, int which, const struct tls_files *files,
                    struct buf *why)
{
    struct node_tls *tls = &listen->tls[which];
    struct tls_material *material;
    TRY(tls_material_new(files, &material, why));
    int result = tls_server_new(material, &tls->server);
    if (result < 0) {
        tls_material_free(material);
        return result;
    }
    tls->files = files;
    int64_t expires_s = tls_server_expires_s(tls->server);
    metrics_set(&tls->expiry_s, expires_s);
    if (expires_s <= now_s(listen))
        log_error("tls", "the certificate has expired",
                  LOG_TEXT("listener", slice_text(names[which])),
                  LOG_TEXT("file", slice_text(files->certificates)));
    return 0;
}

int node_listen_open(struct node_listen *listen, struct loop *loop,
                     const struct node_listen_options *options, struct buf *why)
{
    const struct tls_files *files[NODE_TLS_COUNT] = {
        options->tls ? &options->public_files : NULL,
        options->admin_files.certificates != NULL ? &options->admin_files : NULL};
    listen->loop = loop;
    timer_init(&listen->rotation, on_rotation, listen);
    for (int i = 0; i < NODE_TLS_COUNT; i++)
        if (files[i] != NULL)
            TRY(open_one(listen, i, files[i], why));
    if (files[NODE_TLS_PUBLIC] == NULL && files[NODE_TLS_ADMIN] == NULL)
        return 0;
    arm_rotation(listen);
    TRY(loop_wakeup_open(loop, &listen->loaded, on_loaded, listen));
    listen->wakeup_open = true;
    return 0;
}

void node_listen_close(struct node_listen *listen)
{
    if (listen->loop == NULL)
        return;
    loop_timer_cancel(listen->loop, &listen->rotation);
    if (listen->reading)
        (void)pthread_join(listen->thread, NULL);
    if (listen->wakeup_open)
        loop_wakeup_close(&listen->loaded);
    for (int i = 0; i < NODE_TLS_COUNT; i++) {
        tls_material_free(listen->tls[i].loaded);
        tls_server_free(listen->tls[i].server);
    }
}

/* ---- metrics ---- */

int node_listen_register_metrics(struct node_listen *listen, struct metrics *metrics)
{
    static const char *const labels[] = {"listener=\"public\"", "listener=\"admin\""};
    static const char *const done[] = {"listener=\"public\",outcome=\"read\"",
                                       "listener=\"admin\",outcome=\"read\""};
    static const char *const kept[] = {"listener=\"public\",outcome=\"kept\"",
                                       "listener=\"admin\",outcome=\"kept\""};
    for (int i = 0; i < NODE_TLS_COUNT; i++) {
        struct node_tls *tls = &listen->tls[i];
        if (tls->files == NULL)
            continue;
        TRY(metrics_add_gauge(
            metrics,
            (struct metrics_name){"overround_tls_certificate_expiry_seconds",
                                  "When the certificate ends, in seconds since 1970", labels[i], 0},
            &tls->expiry_s));
        const char *help = "Readings of the certificate's files after the start";
        TRY(metrics_add_counter(
            metrics, (struct metrics_name){"overround_tls_reloads_total", help, done[i], 0},
            &tls->reloads));
        TRY(metrics_add_counter(
            metrics, (struct metrics_name){"overround_tls_reloads_total", help, kept[i], 0},
            &tls->kept));
    }
    return 0;
}
