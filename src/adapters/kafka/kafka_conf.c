/* kafka_conf.c - contract in kafka_conf.h. */
#include "adapters/kafka/kafka_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/slice.h"

#define LINE_BYTES_MAX   4096
#define WORDS_BYTES      512
#define RECONNECT_MS_MAX "1000"

bool kafka_options_takes(const char *url)
{
    return slice_begins(slice_text(url), SLICE(KAFKA_URL_PREFIX)) &&
           url[strlen(KAFKA_URL_PREFIX)] != '\0';
}

void kafka_say(struct kafka_problem *problem, const char *what, const char *why)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s%s%s", what, why[0] == '\0' ? "" : ": ",
                   why);
}

/* Called within rd_kafka_poll and the like: its last word is what a failure is told with. */
static void on_error(rd_kafka_t *handle, int error, const char *reason, void *owner)
{
    struct kafka_problem *problem = owner;
    (void)handle;
    problem->is_away |= error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    kafka_say(problem, rd_kafka_err2str((rd_kafka_resp_err_t)error), reason);
}

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle; /* adapters do not log; errors come by on_error, too */
    (void)level;
    (void)facility;
    (void)text;
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct buf *why)
{
    char words[WORDS_BYTES];
    if (rd_kafka_conf_set(conf, name, value, words, sizeof words) == RD_KAFKA_CONF_OK)
        return 0;
    buf_printf(why, "kafka: %s", words); /* its words name the setting */
    return -ERR_CONFIG;
}

static bool may_be_set(const char *name)
{
    static const char *const prefixes[] = {"security.", "ssl.", "sasl."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static int take_line(rd_kafka_conf_t *conf, char *line, struct buf *why)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *equals = strchr(line, '=');
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (equals != NULL)
        *equals = '\0';
    if (equals != NULL && may_be_set(line))
        return set(conf, line, equals + 1, why);
    buf_printf(why, "--streams-config may say security., ssl. and sasl. settings only, not: %s",
               line);
    return -ERR_CONFIG;
}

static int take_file(rd_kafka_conf_t *conf, const char *path, struct buf *why)
{
    char line[LINE_BYTES_MAX];
    int error = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        buf_printf(why, "--streams-config %s cannot be read", path);
        return -ERR_CONFIG;
    }
    while (error == 0 && fgets(line, sizeof line, file) != NULL)
        error = take_line(conf, line, why);
    (void)fclose(file);
    explicit_bzero(line, sizeof line); /* it may hold a password */
    return error;
}

static int fill(rd_kafka_conf_t *conf, const struct kafka_options *options,
                struct kafka_settings settings, struct buf *why)
{
    TRY(set(conf, "bootstrap.servers", options->url + strlen(KAFKA_URL_PREFIX), why));
    TRY(set(conf, "client.id", "overround", why));
    TRY(set(conf, "reconnect.backoff.max.ms", RECONNECT_MS_MAX, why)); /* back soon after it is */
    for (size_t i = 0; i < settings.count; i++)
        TRY(set(conf, settings.at[i].name, settings.at[i].value, why));
    return options->config == NULL ? 0 : take_file(conf, options->config, why);
}

int kafka_conf_new(const struct kafka_options *options, struct kafka_settings settings,
                   struct kafka_problem *problem, rd_kafka_conf_t **ret_conf, struct buf *why)
{
    if (!kafka_options_takes(options->url)) {
        buf_printf(why, "--streams is kafka://HOST:PORT,..., not: %s", options->url);
        return -ERR_CONFIG;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL)
        return -ERR_MEMORY;
    rd_kafka_conf_set_opaque(conf, problem);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    int error = fill(conf, options, settings, why);
    if (error < 0)
        rd_kafka_conf_destroy(conf);
    else
        *ret_conf = conf;
    return error;
}

rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                             struct kafka_problem *problem)
{
    char words[WORDS_BYTES];
    rd_kafka_t *handle = rd_kafka_new(type, conf, words, sizeof words);
    if (handle != NULL)
        return handle;
    rd_kafka_conf_destroy(conf);
    kafka_say(problem, "kafka", words);
    return NULL;
}
