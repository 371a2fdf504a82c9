/* ref_kafka.c - librdkafka's own producer and nothing else, beside the server's streams: the same
 * messages to a topic, idempotent, acknowledged by all copies, at a rate, open loop.
 *
 *   bench-ref-kafka BROKERS TOPIC RATE SECONDS FILE
 *
 * FILE has a message a line, KEY TAB VALUE, which are sent again and again. Prints one JSON object:
 * what was acknowledged, how long that took, how late the generator was, processor seconds. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define LINES_MAX 100000
#define LAGS_MAX  (1 << 22)
#define SETTINGS  6
#define PAUSE_NS  500000
#define FLUSH_MS  30000
#define US        1000000LL

struct line {
    char *key, *value;
    size_t key_bytes, value_bytes;
};

static struct line lines[LINES_MAX];
static size_t lines_count;
static long long lags[LAGS_MAX];
static size_t acknowledged, failed;

static long long now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * US + at.tv_nsec / 1000;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-ref-kafka: %s\n", what);
    exit(1);
}

static void read_lines(const char *path)
{
    char *text = NULL;
    size_t capacity = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    while (lines_count < LINES_MAX && getline(&text, &capacity, file) > 0) {
        char *tab = strchr(text, '\t');
        text[strcspn(text, "\n")] = '\0';
        if (tab == NULL)
            continue;
        *tab = '\0';
        lines[lines_count++] =
            (struct line){strdup(text), strdup(tab + 1), strlen(text), strlen(tab + 1)};
    }
    free(text);
    (void)fclose(file);
    if (lines_count == 0)
        die("no messages");
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *owner)
{
    (void)handle;
    (void)owner;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        failed++;
        return;
    }
    if (acknowledged < LAGS_MAX)
        lags[acknowledged] = now_us() - (long long)(intptr_t)message->_private;
    acknowledged++;
}

static rd_kafka_t *open_producer(const char *brokers)
{
    char words[512];
    const char *settings[SETTINGS][2] = {
        {"bootstrap.servers", brokers},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"compression.type", "lz4"},
        {"queue.buffering.max.messages", "1000000"},
        {"linger.ms", "5"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < SETTINGS; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], words, sizeof words) !=
            RD_KAFKA_CONF_OK)
            die(words);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    if (handle == NULL)
        die(words);
    return handle;
}

/* The time that it was due at, so that a generator that is late shows in the times. */
static void produce(rd_kafka_topic_t *topic, rd_kafka_t *handle, size_t n, long long due_us)
{
    const struct line *line = &lines[n % lines_count];
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, line->value,
                            line->value_bytes, line->key, line->key_bytes,
                            (void *)(intptr_t)due_us) != 0)
        rd_kafka_poll(handle, 1);
}

static int by_size(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("BROKERS TOPIC RATE SECONDS FILE");
    long long rate = strtoll(argv[3], NULL, 10), seconds = strtoll(argv[4], NULL, 10), late = 0;
    read_lines(argv[5]);
    rd_kafka_t *handle = open_producer(argv[1]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, argv[2], NULL);
    long long begin = now_us();
    double cpu = cpu_seconds();
    for (long long n = 0; n < rate * seconds;) {
        long long now = now_us();
        for (; n < rate * seconds && begin + n * US / rate <= now; n++) {
            long long due = begin + n * US / rate;
            late = now - due > late ? now - due : late;
            produce(topic, handle, (size_t)n, due);
        }
        rd_kafka_poll(handle, 0);
        const struct timespec pause = {0, PAUSE_NS};
        nanosleep(&pause, NULL);
    }
    rd_kafka_flush(handle, FLUSH_MS);
    double took = (double)(now_us() - begin) / 1e6;
    size_t count = acknowledged < LAGS_MAX ? acknowledged : LAGS_MAX;
    qsort(lags, count, sizeof *lags, by_size);
    printf("{\"acknowledged\":%zu,\"failed\":%zu,\"events_per_second\":%.0f,\"lag_ms_p50\":%.1f,"
           "\"lag_ms_p99\":%.1f,\"late_ms_max\":%.1f,\"cpu_seconds\":%.2f}\n",
           acknowledged, failed, (double)acknowledged / took,
           count == 0 ? 0 : (double)lags[count / 2] / 1e3,
           count == 0 ? 0 : (double)lags[count * 99 / 100] / 1e3, (double)late / 1e3,
           cpu_seconds() - cpu);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(handle);
    return 0;
}
