/* schema_watch.c - contract in schema_watch.h. */
#include "cli/consumers/schema_watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "adapters/curl/curl_client.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/consumers/event_schemas.h"
#include "cli/consumers/log_source.h"

#define SLICE_US    10000
#define AWAY_US_MIN 100000
#define AWAY_US_MAX SCHEMA_AGAIN_US

/* ---- what anybody may ask ---- */

enum schema_verdict schema_topic_verdict(const struct schema_topic *topic)
{
    if (topic == NULL)
        return SCHEMA_FITS;
    return (enum schema_verdict)__atomic_load_n(&topic->verdict, __ATOMIC_ACQUIRE);
}

int64_t schema_topic_id(const struct schema_topic *topic)
{
    return topic == NULL ? 0 : __atomic_load_n(&topic->id.value, __ATOMIC_RELAXED);
}

/* ---- the thread ---- */

static bool told_to_stop(const struct schema_watch *watch)
{
    return __atomic_load_n(&watch->stop, __ATOMIC_ACQUIRE) != 0;
}

static struct slice schema_of(const char *topic)
{
    size_t i = 0;
    while (i < event_schemas_count && strcmp(event_schemas[i].topic, topic) != 0)
        i++;
    ASSERT(i < event_schemas_count);
    return event_schemas[i].text;
}

static void set_verdict(struct schema_topic *topic, enum schema_verdict verdict)
{
    metrics_set(&topic->refused, verdict == SCHEMA_REFUSED);
    __atomic_store_n(&topic->verdict, (uint32_t)verdict, __ATOMIC_RELEASE);
}

static void take_fit(struct schema_topic *topic, const struct schema_answer *answer)
{
    metrics_set(&topic->id, answer->id);
    metrics_set(&topic->away, 0);
    set_verdict(topic, SCHEMA_FITS);
    log_info("schemas", "the registry takes the schema of a topic",
             LOG_TEXT("topic", slice_text(topic->topic)), LOG_I64("id", answer->id),
             LOG_TEXT("level", slice_text(answer->level)));
    if (strcmp(answer->level, "NONE") == 0)
        log_warn("schemas", "the registry compares no schemas of a topic: its level is NONE",
                 LOG_TEXT("topic", slice_text(topic->topic)));
}

static void take_refusal(struct schema_watch *watch, struct schema_topic *topic)
{
    metrics_set(&topic->away, 0);
    topic->next_us = clock_us(CLOCK_MONOTONIC) + SCHEMA_AGAIN_US;
    if (schema_topic_verdict(topic) == SCHEMA_REFUSED)
        return;
    set_verdict(topic, SCHEMA_REFUSED);
    log_error("schemas", "the registry refuses the schema of a topic: it waits in the log",
              LOG_TEXT("topic", slice_text(topic->topic)),
              LOG_TEXT("why", slice_text(schema_registry_problem(watch->registry))));
}

/* A refusal stands until the registry takes it back; otherwise the topic goes on. */
static void take_silence(struct schema_watch *watch, struct schema_topic *topic)
{
    bool was_away = topic->away_us > 0;
    metrics_count(&watch->failures, 1);
    metrics_set(&topic->away, 1);
    topic->away_us = !was_away                          ? AWAY_US_MIN
                     : topic->away_us * 2 < AWAY_US_MAX ? topic->away_us * 2
                                                        : AWAY_US_MAX;
    topic->next_us = clock_us(CLOCK_MONOTONIC) + topic->away_us;
    if (schema_topic_verdict(topic) == SCHEMA_ASKED)
        set_verdict(topic, SCHEMA_UNKNOWN);
    if (!was_away)
        log_warn("schemas", "the registry does not answer: a topic goes on with what is built in",
                 LOG_TEXT("topic", slice_text(topic->topic)),
                 LOG_TEXT("why", slice_text(schema_registry_problem(watch->registry))));
}

/* Whoever writes it registers it: a reader that came first looks again. */
static void take_nothing(struct schema_topic *topic)
{
    metrics_set(&topic->away, 0);
    topic->next_us = clock_us(CLOCK_MONOTONIC) + SCHEMA_AGAIN_US;
    if (schema_topic_verdict(topic) == SCHEMA_ASKED)
        set_verdict(topic, SCHEMA_UNKNOWN);
}

static void ask(struct schema_watch *watch, struct schema_topic *topic)
{
    struct schema_answer answer;
    const struct schema_question question = {
        .topic = topic->topic, .schema = schema_of(topic->topic), .registers = watch->registers};
    metrics_count(&watch->questions, 1);
    int error = schema_registry_ask(watch->registry, &question, &answer);
    if (error != -ERR_ABSENT)
        topic->away_us = 0;
    if (error == 0)
        take_fit(topic, &answer);
    else if (error == -ERR_CONFIG)
        take_refusal(watch, topic);
    else if (error == -ERR_NOT_FOUND)
        take_nothing(topic);
    else
        take_silence(watch, topic);
}

static void *run(void *owner)
{
    struct schema_watch *watch = owner;
    const struct timespec slice = {0, SLICE_US * 1000};
    size_t left = watch->topics_count;
    while (left > 0 && !told_to_stop(watch)) {
        left = 0;
        for (size_t i = 0; i < watch->topics_count && !told_to_stop(watch); i++) {
            struct schema_topic *topic = &watch->topics[i];
            if (schema_topic_verdict(topic) == SCHEMA_FITS)
                continue;
            left++;
            if (clock_us(CLOCK_MONOTONIC) >= topic->next_us)
                ask(watch, topic);
        }
        (void)nanosleep(&slice, NULL);
    }
    return NULL;
}

/* ---- life ---- */

struct schema_topic *schema_watch_topic(struct schema_watch *watch,
                                        const struct schema_watch_options *options,
                                        const char *topic)
{
    if (options->url == NULL)
        return NULL;
    for (size_t i = 0; i < watch->topics_count; i++)
        if (strcmp(watch->topics[i].topic, topic) == 0)
            return &watch->topics[i];
    ASSERT(watch->topics_count < SCHEMA_TOPICS_MAX);
    struct schema_topic *added = &watch->topics[watch->topics_count++];
    *added = (struct schema_topic){.topic = topic};
    return added;
}

/* The first line of a file. */
static int read_authorization(struct schema_watch *watch, const char *path, struct buf *why)
{
    FILE *file = fopen(path, "re");
    char *line = watch->authorization;
    bool read = file != NULL && fgets(line, sizeof watch->authorization, file) != NULL;
    if (file != NULL)
        (void)fclose(file);
    size_t bytes = read ? strcspn(line, "\r\n") : 0;
    line[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++)
        read = read && line[i] >= ' ' && line[i] < 0x7f;
    if (read && bytes > 0)
        return 0;
    buf_printf(why,
               "--schema-registry-auth is a file with a line \"Basic ...\" or \"Bearer ...\", "
               "not: %s",
               path);
    return -ERR_CONFIG;
}

static int open_registry(struct schema_watch *watch, const struct schema_watch_options *options,
                         struct buf *why)
{
    struct web_client *client = NULL;
    const struct schema_registry_options registry = {
        .url = options->url, .authorization = options->auth == NULL ? NULL : watch->authorization};
    if (options->auth != NULL)
        TRY(read_authorization(watch, options->auth, why));
    TRY(curl_client_new(options->ca, &client, why));
    return schema_registry_new(&registry, client, &watch->registry, why);
}

/* Signals are the loop's: none may be delivered to this thread. */
int schema_watch_start(struct schema_watch *watch, const struct schema_watch_options *options,
                       bool registers, struct buf *why)
{
    sigset_t all, before;
    if (options->url == NULL)
        return 0;
    watch->registers = registers;
    TRY(open_registry(watch, options, why));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watch->running = pthread_create(&watch->thread, NULL, run, watch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return watch->running ? 0 : -ERR_MEMORY;
}

void schema_watch_stop(struct schema_watch *watch)
{
    __atomic_store_n(&watch->stop, 1, __ATOMIC_RELEASE);
    if (watch->running)
        (void)pthread_join(watch->thread, NULL);
    watch->running = false;
    schema_registry_free(watch->registry);
    watch->registry = NULL;
    explicit_bzero(watch->authorization, sizeof watch->authorization);
}

/* ---- metrics ---- */

static int register_topic(struct schema_topic *topic, struct metrics *metrics)
{
    const char *labels = strcmp(topic->topic, TOPIC_BET_EVENTS) == 0
                             ? "topic=\"" TOPIC_BET_EVENTS "\""
                             : "topic=\"" TOPIC_ODDS_UPDATES "\"";
    const struct metrics_gauge_row gauges[] = {
        {{"overround_schema_id", "The registry's number of a topic's schema; 0: not known", labels,
          0},
         &topic->id},
        {{"overround_schema_refused", "1: the registry refuses a topic's schema", labels, 0},
         &topic->refused},
        {{"overround_schema_away", "1: the registry does not say whether a topic's schema fits",
          labels, 0},
         &topic->away},
    };
    return metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges);
}

int schema_watch_register_metrics(struct schema_watch *watch, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_schema_questions_total", "Times that the registry of schemas was asked", NULL,
          0},
         &watch->questions.value},
        {{"overround_schema_failures_total", "Times that it did not answer to the point", NULL, 0},
         &watch->failures.value},
    };
    if (watch->topics_count == 0)
        return 0;
    for (size_t i = 0; i < watch->topics_count; i++)
        TRY(register_topic(&watch->topics[i], metrics));
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}
