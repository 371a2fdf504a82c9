/* curl_signed.c - contract in curl_signed.h: one easy handle in a multi handle of its own, which
 * can be woken from another thread. No environment variable has a say. */
#include "adapters/curl/curl_signed.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/instant.h"
#include "base/reserve.h"

#define CONNECT_MS_MAX 3000L
#define REQUEST_MS_MAX 10000L
#define WAIT_MS        1000
#define SIGN_BYTES     128
#define TEXT_BYTES     2048

struct curl_signed {
    struct signed_client client; /* first */
    CURLM *multi;                /* owned, as the easy handle */
    CURL *easy;
    char url[TEXT_BYTES], ca_file[TEXT_BYTES], sign[SIGN_BYTES];
    char *answer; /* owned; SIGNED_ANSWER_BYTES_MAX, of which it takes what it needs */
    size_t answer_bytes;
    bool too_long;
    atomic_bool left;
    char error[CURL_ERROR_SIZE];
    char problem[SIGNED_PROBLEM_BYTES];
};

static struct curl_signed *signed_of(struct signed_client *client)
{
    return (struct curl_signed *)client;
}

static void explain(struct curl_signed *s, const char *text)
{
    (void)snprintf(s->problem, sizeof s->problem, "%s", text);
}

/* ---- one request ---- */

static size_t on_body(char *at, size_t size, size_t count, void *owner)
{
    struct curl_signed *s = owner;
    size_t bytes = size * count;
    s->too_long = bytes > SIGNED_ANSWER_BYTES_MAX - s->answer_bytes;
    if (s->too_long)
        return 0; /* not what was given: libcurl ends the request */
    memcpy(s->answer + s->answer_bytes, at, bytes);
    s->answer_bytes += bytes;
    return bytes;
}

static struct curl_slist *headers_of(const struct signed_keys *keys,
                                     const struct signed_request *request)
{
    char token[TEXT_BYTES + 32];
    struct curl_slist *list = NULL, *next = NULL;
    for (size_t i = 0; i < SIGNED_HEADERS_MAX && request->headers[i] != NULL; i++) {
        next = curl_slist_append(list, request->headers[i]);
        if (next == NULL)
            break;
        list = next;
    }
    if (next != NULL && keys->token[0] != '\0') {
        (void)snprintf(token, sizeof token, "X-Amz-Security-Token: %s", keys->token);
        next = curl_slist_append(list, token);
        explicit_bzero(token, sizeof token);
    }
    if (next == NULL)
        curl_slist_free_all(list);
    return next == NULL ? NULL : list;
}

static CURLcode set_request(struct curl_signed *s, const struct signed_keys *keys,
                            const struct signed_request *request, struct curl_slist *headers)
{
    CURLcode code = curl_easy_setopt(s->easy, CURLOPT_USERNAME, keys->id);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_PASSWORD, keys->secret);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)request->body.bytes);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, request->body.at);
    return code;
}

/* The handle is in no multi handle before and after. */
static CURLcode carry(struct curl_signed *s)
{
    CURLcode code = CURLE_ABORTED_BY_CALLBACK; /* left */
    bool over = false;
    if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
        return CURLE_FAILED_INIT;
    while (!over && !atomic_load(&s->left)) {
        int running = 0, more = 0;
        CURLMsg *message;
        (void)curl_multi_perform(s->multi, &running); /* what fails is told by the message */
        while ((message = curl_multi_info_read(s->multi, &more)) != NULL) {
            code = message->data.result;
            over = true;
        }
        if (!over)
            (void)curl_multi_poll(s->multi, NULL, 0, WAIT_MS, NULL);
    }
    (void)curl_multi_remove_handle(s->multi, s->easy);
    return code;
}

/* Before anything of a request goes out, libcurl says since when it could have: 0 is not yet. */
static bool was_sent(struct curl_signed *s)
{
    curl_off_t begun_us = 1;
    (void)curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &begun_us);
    return begun_us > 0;
}

static enum signed_fate fate_of(struct curl_signed *s, CURLcode code)
{
    if (code == CURLE_OK)
        return SIGNED_ANSWERED;
    explain(s, atomic_load(&s->left) ? "left"
               : s->too_long         ? "the answer is too long"
               : s->error[0] != '\0' ? s->error
                                     : curl_easy_strerror(code));
    return was_sent(s) ? SIGNED_LOST : SIGNED_UNSENT;
}

static enum signed_fate signed_post(struct signed_client *client, const struct signed_keys *keys,
                                    const struct signed_request *request,
                                    struct signed_answer *ret_answer)
{
    struct curl_signed *s = signed_of(client);
    struct curl_slist *headers = headers_of(keys, request);
    long status = 0;
    s->answer_bytes = 0;
    s->too_long = false;
    s->error[0] = '\0';
    if (headers == NULL || atomic_load(&s->left)) {
        curl_slist_free_all(headers);
        explain(s, headers == NULL ? "no memory" : "left");
        return SIGNED_UNSENT;
    }
    CURLcode code = set_request(s, keys, request, headers);
    enum signed_fate fate = SIGNED_UNSENT;
    if (code == CURLE_OK)
        fate = fate_of(s, carry(s));
    else
        explain(s, curl_easy_strerror(code));
    (void)curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (fate == SIGNED_ANSWERED) {
        (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        *ret_answer = (struct signed_answer){(int)status, slice_of(s->answer, s->answer_bytes)};
    }
    return fate;
}

/* ---- the rest of the port ---- */

static bool signed_pause(struct signed_client *client, int64_t us)
{
    struct curl_signed *s = signed_of(client);
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + us;
    for (;;) {
        int64_t left_us = until_us - clock_us(CLOCK_MONOTONIC);
        if (atomic_load(&s->left) || left_us <= 0)
            return !atomic_load(&s->left);
        (void)curl_multi_poll(s->multi, NULL, 0, (int)(left_us / US_PER_MS + 1), NULL);
    }
}

static void signed_leave(struct signed_client *client)
{
    struct curl_signed *s = signed_of(client);
    atomic_store(&s->left, true);
    (void)curl_multi_wakeup(s->multi);
}

static const char *signed_problem(const struct signed_client *client)
{
    return ((const struct curl_signed *)client)->problem;
}

static void signed_free(struct signed_client *client)
{
    struct curl_signed *s = signed_of(client);
    curl_easy_cleanup(s->easy);
    if (s->multi != NULL)
        (void)curl_multi_cleanup(s->multi);
    reserve_free(s->answer, SIGNED_ANSWER_BYTES_MAX, 1);
    free(s);
    curl_global_cleanup();
}

static const struct signed_client_ops signed_ops = {.post = signed_post,
                                                    .pause = signed_pause,
                                                    .leave = signed_leave,
                                                    .problem = signed_problem,
                                                    .free = signed_free};

/* ---- begin ---- */

static CURLcode set_service(struct curl_signed *s)
{
    CURL *easy = s->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, s->url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, s->sign);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, REQUEST_MS_MAX);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS_MAX);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return code;
}

static CURLcode set_trust(struct curl_signed *s)
{
    CURLcode code = curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (code == CURLE_OK && s->ca_file[0] != '\0') {
        code = curl_easy_setopt(s->easy, CURLOPT_CAPATH, NULL);
        if (code == CURLE_OK)
            code = curl_easy_setopt(s->easy, CURLOPT_CAINFO, s->ca_file);
    }
    return code;
}

static CURLcode set_answers(struct curl_signed *s)
{
    CURLcode code = curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    if (code == CURLE_OK)
        code = curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
    return code;
}

static int make_handles(struct curl_signed *s)
{
    s->multi = curl_multi_init();
    s->easy = curl_easy_init();
    s->answer = reserve_new(SIGNED_ANSWER_BYTES_MAX, 1);
    if (s->multi == NULL || s->easy == NULL || s->answer == NULL || set_service(s) != CURLE_OK ||
        set_trust(s) != CURLE_OK || set_answers(s) != CURLE_OK)
        return -ERR_MEMORY;
    return 0;
}

static bool is_here(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* https to anybody, http to this machine. */
static bool is_private(const char *text)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *path = NULL, *rest = NULL;
    bool parsed = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_QUERY, &rest, 0) == CURLUE_NO_QUERY &&
                  curl_url_get(url, CURLUPART_USER, &rest, 0) == CURLUE_NO_USER;
    bool good = parsed && strcmp(path, "/") == 0 &&
                (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_here(host)));
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_free(rest);
    curl_url_cleanup(url);
    return good;
}

static bool is_word(const char *text)
{
    size_t letters =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    return letters > 0 && text[letters] == '\0' && letters < SIGN_BYTES / 3;
}

static int take_options(struct curl_signed *s, const struct curl_signed_options *options,
                        struct buf *why)
{
    const char *ca_file = options->ca_file == NULL ? "" : options->ca_file;
    if (!is_word(options->region) || !is_word(options->service)) {
        buf_put_text(why, "a region is letters, digits and hyphens");
        return -ERR_CONFIG;
    }
    if (strlen(options->url) >= sizeof s->url || !is_private(options->url)) {
        buf_put_text(why, "its URL is https://HOST, or http:// and this machine");
        return -ERR_CONFIG;
    }
    if (strlen(ca_file) >= sizeof s->ca_file ||
        (ca_file[0] != '\0' && access(ca_file, R_OK) != 0)) {
        buf_printf(why, "cannot read the certificates in %s", ca_file);
        return -ERR_CONFIG;
    }
    (void)snprintf(s->url, sizeof s->url, "%s", options->url);
    (void)snprintf(s->ca_file, sizeof s->ca_file, "%s", ca_file);
    (void)snprintf(s->sign, sizeof s->sign, "aws:amz:%s:%s", options->region, options->service);
    return 0;
}

int curl_signed_new(const struct curl_signed_options *options, struct signed_client **ret_client,
                    struct buf *why)
{
    struct curl_signed *s = calloc(1, sizeof *s);
    if (s == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(s);
        return -ERR_MEMORY;
    }
    s->client.ops = &signed_ops;
    int error = take_options(s, options, why);
    if (error == 0)
        error = make_handles(s);
    if (error < 0) {
        signed_free(&s->client);
        return error;
    }
    *ret_client = &s->client;
    return 0;
}
