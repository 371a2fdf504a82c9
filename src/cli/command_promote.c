/* command_promote.c - `overround promote`: the command that makes a standby the primary; by its
 * admin listener, or, when its process has ended, on its folder. */
#include <stdio.h>

#include "adapters/embedded/disk.h"
#include "adapters/embedded/ledger_duty.h"
#include "adapters/embedded/ledger_file.h"
#include "adapters/embedded/ledger_folder.h"
#include "adapters/ship/ship_wire.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/server_url.h"
#include "cli/standby/standby.h"
#include "net/http/http_client.h"
#include "net/loop/loop.h"

static const struct option_spec specs[] = {
    {"config", NULL}, {"data", NULL}, {"admin", NULL}, {"token", NULL}, SERVER_TLS_SPECS,
};

#define ANSWER_MS_MAX  60000
#define PATH_BYTES_MAX 512

/* ---- of a process ---- */

struct asked {
    struct loop *loop;
    struct buf body;
    int status; /* 0: no answer */
};

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    struct asked *asked = owner;
    (void)tag;
    asked->status = answer->status;
    buf_put_slice(&asked->body, answer->body);
    loop_stop(asked->loop);
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    const struct asked *asked = owner;
    (void)reason, (void)unanswered;
    loop_stop(asked->loop);
}

/* Where the standby's admin listener is, and how it is spoken to. */
struct place {
    struct net_address address;
    struct tls_client *tls; /* NULL: plain */
};

static int ask(struct asked *asked, const struct place *place, struct slice token)
{
    static const struct http_client_callbacks callbacks = {.on_answer = on_answer,
                                                           .on_closed = on_closed};
    char memory[STANDBY_TOKEN_BYTES_MAX + 64];
    struct buf headers = buf_over(memory, sizeof memory);
    struct net_limits limits = net_limits_default();
    struct http_client *client = NULL;
    struct http_client_handle handle;
    limits.http_idle_ms_max = ANSWER_MS_MAX;
    buf_printf(&headers, "Authorization: Bearer %.*s\r\n", SLICE_ARG(token));
    TRY(http_client_new(asked->loop, &limits, &client));
    http_client_use_tls(client, place->tls);
    const struct http_client_request request = {.method = SLICE("POST"),
                                                .target = SLICE("/v1/admin/promote"),
                                                .headers = buf_slice(&headers)};
    int error = http_client_connect(client, &place->address, &callbacks, asked, &handle);
    if (error == 0 && http_client_send(handle, &request) != SEND_OK)
        error = -ERR_NETWORK;
    if (error == 0)
        error = loop_run(asked->loop);
    http_client_free(client);
    return error;
}

static int promote_process(const struct place *place, struct slice token, struct buf *why)
{
    char memory[4096];
    struct asked asked = {.body = buf_over(memory, sizeof memory)};
    int error = loop_new(&asked.loop);
    if (error == 0)
        error = ask(&asked, place, token);
    loop_free(asked.loop);
    if (error < 0 || asked.status == 0) {
        buf_put_text(why, "no answer from ");
        net_address_write(why, &place->address);
        return -ERR_NETWORK;
    }
    if (asked.status != 200) {
        buf_printf(why, "%d: %.*s", asked.status, SLICE_ARG(buf_slice(&asked.body)));
        return -ERR_UNSUPPORTED;
    }
    (void)printf("%.*s\n", SLICE_ARG(buf_slice(&asked.body)));
    return 0;
}

/* ---- on a folder ---- */

/* The log's own epoch is taken by who serves it. */
static int take_over(struct disk *disk, uint32_t shard, struct ledger_log *log,
                     struct ledger_duty_mark *mark)
{
    const struct ledger_duty_mark before = *mark;
    mark->epoch = ship_next_term(ledger_file_epoch(log));
    mark->seq = log->ops->tail(log, shard);
    mark->creation = ledger_file_creation(log);
    mark->duty = LEDGER_DUTY_PROMOTED;
    return ledger_duty_change(disk, shard, &before, mark);
}

static int promote_disk(struct disk *disk, struct buf *why)
{
    struct ledger_file_options options = {.store = {.shard = 0}};
    struct ledger_duty_mark mark;
    struct ledger_report report = {.created = false};
    struct ledger_log *log = NULL;
    TRY(ledger_folder_shard(disk, &options.store.shard));
    TRY(ledger_duty_read(disk, options.store.shard, &mark));
    if (mark.duty != LEDGER_DUTY_STANDBY) {
        buf_put_text(why, "this is not a standby's folder");
        return -ERR_CONFIG;
    }
    int error = ledger_file_open(&options, disk, &report, &log);
    if (error < 0) {
        buf_put_text(why, report.text);
        return error;
    }
    error = take_over(disk, options.store.shard, log, &mark);
    log->ops->free(log);
    if (error == 0)
        (void)printf("{\"role\":\"primary\",\"epoch\":%llu,\"ledger_records\":%llu}\n",
                     (unsigned long long)mark.epoch, (unsigned long long)mark.seq);
    return error;
}

static int promote_folder(const char *data, struct buf *why)
{
    char memory[PATH_BYTES_MAX];
    struct buf path = buf_over(memory, sizeof memory - 1);
    struct disk *disk = NULL;
    struct disk *there = NULL;
    buf_printf(&path, "%s/ledger", data);
    memory[path.bytes] = '\0';
    int error = disk_open_to_read(memory, &there); /* a wrong name makes no folder */
    disk_free(there);
    if (error == 0)
        error = disk_open_directory(memory, &disk);
    if (error == 0)
        error = promote_disk(disk, why);
    disk_free(disk);
    if (error < 0 && why->bytes == 0)
        buf_printf(why, "%s: %s", memory, error_text(error));
    return error;
}

int command_promote(int argc, char *const *argv)
{
    static struct options options;
    char memory[4608];
    char token_memory[STANDBY_TOKEN_BYTES_MAX];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct place place = {.tls = NULL};
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    const char *data = options_text(&options, "data");
    const char *admin = options_text(&options, "admin");
    if ((data == NULL) == (admin == NULL))
        return command_fail(2, SLICE("promote: either --admin HOST:PORT of a standby that runs, or "
                                     "--data DIR of one that has ended"));
    if (data != NULL)
        return promote_folder(data, &why) < 0 ? command_fail(1, buf_slice(&why)) : 0;
    if (net_address_parse_peer(slice_text(admin), &place.address) < 0)
        return command_fail(2, SLICE("--admin is HOST:PORT of a standby's admin listener"));
    const struct server_url url = {.tls = options_text(&options, "ca") != NULL};
    if (command_read_token(options_text(&options, "token"), &token, &why) < 0 ||
        server_url_tls_new(&options, &url, false, &place.tls, &why) < 0)
        return command_fail(2, buf_slice(&why));
    int error = promote_process(&place, buf_slice(&token), &why);
    tls_client_free(place.tls);
    return error < 0 ? command_fail(1, buf_slice(&why)) : 0;
}
