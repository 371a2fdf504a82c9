/* curl_client.c - contract in curl_client.h.
 *
 * The thread owns the multi handle and every easy handle; requests go in and come out by two short
 * rings under a lock. No environment variable has a say: a proxy that one names would see the
 * bodies. */
#include "adapters/curl/curl_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"

#define URL_BYTES_MAX  2000
#define PATH_BYTES_MAX 512
#define CONNECT_MS_MAX 5000L
#define IDLE_MS        60000 /* the thread is woken when there is something to do */

/* One request on its way; the thread's. */
struct carried {
    struct curl_client *client;
    struct web_request *request; /* NULL: free */
    CURL *easy;                  /* owned while it is carried, as the next */
    struct curl_slist *headers;
    size_t answer_bytes;
    char error[CURL_ERROR_SIZE];
};

struct curl_client {
    struct web_client client; /* first */
    CURLM *multi;             /* owned */
    pthread_t thread;
    bool started;
    char ca_file[PATH_BYTES_MAX]; /* "": the system's */
    struct carried carried[WEB_REQUESTS_MAX];

    pthread_mutex_t lock; /* everything below */
    struct web_request *waiting[WEB_REQUESTS_MAX], *done[WEB_REQUESTS_MAX];
    unsigned waiting_in, waiting_out, done_in, done_out;
    unsigned under_way;
    bool closing;
};

/* ---- the thread ---- */

static size_t answer_max(const struct web_request *request)
{
    return request->answer != NULL ? request->answer_bytes_max : WEB_ANSWER_BYTES_MAX;
}

/* What is answered is counted, and forgotten where there is no room given for it. */
static size_t on_body(char *at, size_t size, size_t count, void *owner)
{
    struct carried *carried = owner;
    struct web_request *request = carried->request;
    size_t before = carried->answer_bytes;
    carried->answer_bytes += size * count;
    if (carried->answer_bytes > answer_max(request))
        return 0;
    if (request->answer != NULL && size * count > 0)
        memcpy(request->answer + before, at, size * count);
    return size * count;
}

static CURLcode set_limits(CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WEB_REQUEST_MS_MAX);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS_MAX);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* an end waits for no resolver */
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK) /* many servers close an idle one just when the next request comes */
        code = curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    return code;
}

static CURLcode set_trust(const struct curl_client *client, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (code == CURLE_OK && client->ca_file[0] != '\0') {
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (code == CURLE_OK)
            code = curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    }
    return code;
}

static bool add_header(struct carried *carried, const char *header)
{
    struct curl_slist *more = curl_slist_append(carried->headers, header);
    if (more != NULL)
        carried->headers = more;
    return more != NULL;
}

static CURLcode set_headers(struct carried *carried)
{
    const struct web_request *request = carried->request;
    char header[128];
    bool added = true;
    for (size_t i = 0; i < WEB_HEADERS_MAX && request->headers[i] != NULL; i++)
        added &= add_header(carried, request->headers[i]);
    if (!request->is_get) {
        (void)snprintf(header, sizeof header, "Content-Type: %s", request->content_type);
        added &= add_header(carried, header);
    }
    if (!added)
        return CURLE_OUT_OF_MEMORY;
    return carried->headers == NULL
               ? CURLE_OK
               : curl_easy_setopt(carried->easy, CURLOPT_HTTPHEADER, carried->headers);
}

static CURLcode set_method(struct carried *carried)
{
    const struct web_request *request = carried->request;
    if (request->is_get)
        return curl_easy_setopt(carried->easy, CURLOPT_HTTPGET, 1L);
    CURLcode code =
        curl_easy_setopt(carried->easy, CURLOPT_POSTFIELDSIZE, (long)request->body.bytes);
    return code != CURLE_OK ? code
                            : curl_easy_setopt(carried->easy, CURLOPT_POSTFIELDS, request->body.at);
}

static CURLcode set_request(struct carried *carried)
{
    CURL *easy = carried->easy;
    CURLcode code = set_headers(carried);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_URL, carried->request->url);
    if (code == CURLE_OK)
        code = set_method(carried);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, carried);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, carried->error);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PRIVATE, carried);
    return code;
}

static void end_carried(struct carried *carried, CURLcode code)
{
    struct curl_client *client = carried->client;
    struct web_request *request = carried->request;
    long status = 0;
    if (code == CURLE_OK && carried->easy != NULL)
        (void)curl_easy_getinfo(carried->easy, CURLINFO_RESPONSE_CODE, &status);
    request->status = (int)status;
    request->answer_bytes = code == CURLE_OK ? carried->answer_bytes : 0;
    (void)snprintf(request->problem, sizeof request->problem, "%s",
                   code == CURLE_OK                              ? ""
                   : carried->answer_bytes > answer_max(request) ? "the answer is too long"
                   : carried->error[0] != '\0'                   ? carried->error
                                                                 : curl_easy_strerror(code));
    if (carried->easy != NULL) {
        (void)curl_multi_remove_handle(client->multi, carried->easy); /* or it never was in */
        curl_easy_cleanup(carried->easy);
    }
    curl_slist_free_all(carried->headers);
    *carried = (struct carried){.client = client};
    pthread_mutex_lock(&client->lock);
    client->done[client->done_in++ % WEB_REQUESTS_MAX] = request;
    pthread_mutex_unlock(&client->lock);
    client->client.notify(client->client.notify_owner);
}

static void carry(struct curl_client *client, struct web_request *request)
{
    struct carried *carried = client->carried;
    while (carried->request != NULL) /* there is one: no more are let in */
        carried++;
    *carried = (struct carried){.client = client, .request = request, .easy = curl_easy_init()};
    CURLcode code = carried->easy == NULL ? CURLE_OUT_OF_MEMORY : set_limits(carried->easy);
    if (code == CURLE_OK)
        code = set_trust(client, carried->easy);
    if (code == CURLE_OK)
        code = set_request(carried);
    if (code == CURLE_OK && curl_multi_add_handle(client->multi, carried->easy) != CURLM_OK)
        code = CURLE_FAILED_INIT;
    if (code != CURLE_OK)
        end_carried(carried, code);
}

/* NULL: none waits. */
static struct web_request *take_waiting(struct curl_client *client)
{
    struct web_request *request = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->waiting_in != client->waiting_out)
        request = client->waiting[client->waiting_out++ % WEB_REQUESTS_MAX];
    pthread_mutex_unlock(&client->lock);
    return request;
}

static void end_finished(struct curl_client *client)
{
    CURLMsg *message;
    int left = 0;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *carried = NULL;
        CURLcode code = message->data.result; /* the message goes with the handle */
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &carried);
        end_carried((struct carried *)(void *)carried, code);
    }
}

static bool is_closing(struct curl_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool closing = client->closing;
    pthread_mutex_unlock(&client->lock);
    return closing;
}

static void *run(void *owner)
{
    struct curl_client *client = owner;
    while (!is_closing(client)) {
        struct web_request *request;
        int running = 0;
        while ((request = take_waiting(client)) != NULL)
            carry(client, request);
        (void)curl_multi_perform(client->multi, &running); /* what fails is told by each message */
        end_finished(client);
        (void)curl_multi_poll(client->multi, NULL, 0, IDLE_MS, NULL);
    }
    return NULL;
}

/* ---- the port ---- */

static int begin(struct curl_client *client, struct web_request *request)
{
    int error = -ERR_BUSY;
    ASSERT(request->on_done != NULL);
    pthread_mutex_lock(&client->lock);
    if (client->under_way < WEB_REQUESTS_MAX) {
        client->under_way++;
        client->waiting[client->waiting_in++ % WEB_REQUESTS_MAX] = request;
        error = 0;
    }
    pthread_mutex_unlock(&client->lock);
    if (error == 0)
        (void)curl_multi_wakeup(client->multi);
    return error;
}

static int client_post(struct web_client *web, struct web_request *request)
{
    request->is_get = false;
    return begin((struct curl_client *)web, request);
}

static int client_get(struct web_client *web, struct web_request *request)
{
    request->is_get = true;
    return begin((struct curl_client *)web, request);
}

static struct web_request *take_done(struct curl_client *client)
{
    struct web_request *request = NULL;
    pthread_mutex_lock(&client->lock);
    if (client->done_in != client->done_out) {
        request = client->done[client->done_out++ % WEB_REQUESTS_MAX];
        client->under_way--;
    }
    pthread_mutex_unlock(&client->lock);
    return request;
}

static void client_poll(struct web_client *web)
{
    struct web_request *request;
    while ((request = take_done((struct curl_client *)web)) != NULL)
        request->on_done(request, request->status, request->problem);
}

static void end_thread(struct curl_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    pthread_mutex_unlock(&client->lock);
    (void)curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
}

static void client_free(struct web_client *web)
{
    struct curl_client *client = (struct curl_client *)web;
    if (client->started)
        end_thread(client);
    for (size_t i = 0; i < WEB_REQUESTS_MAX; i++) {
        struct carried *carried = &client->carried[i];
        if (carried->easy != NULL) {
            (void)curl_multi_remove_handle(client->multi, carried->easy);
            curl_easy_cleanup(carried->easy);
        }
        curl_slist_free_all(carried->headers);
    }
    if (client->multi != NULL)
        (void)curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    free(client);
    curl_global_cleanup();
}

static const struct web_client_ops client_ops = {
    .post = client_post, .get = client_get, .poll = client_poll, .free = client_free};

/* ---- begin ---- */

static int take_ca_file(struct curl_client *client, const char *ca_file, struct buf *why)
{
    if (ca_file == NULL)
        return 0;
    if (strlen(ca_file) >= sizeof client->ca_file || access(ca_file, R_OK) != 0) {
        buf_printf(why, "cannot read the certificates in %s", ca_file);
        return -ERR_CONFIG;
    }
    memcpy(client->ca_file, ca_file, strlen(ca_file) + 1);
    return 0;
}

/* Signals are the role's business: none may be delivered to this thread. */
static int start_thread(struct curl_client *client)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    client->started = pthread_create(&client->thread, NULL, run, client) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return client->started ? 0 : -ERR_MEMORY;
}

int curl_client_new(const char *ca_file, struct web_client **ret_client, struct buf *why)
{
    struct curl_client *client = calloc(1, sizeof *client);
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return -ERR_MEMORY;
    }
    client->client.ops = &client_ops;
    pthread_mutex_init(&client->lock, NULL);
    client->multi = curl_multi_init();
    int error = client->multi == NULL ? -ERR_MEMORY : take_ca_file(client, ca_file, why);
    if (error == 0)
        error = start_thread(client);
    if (error < 0) {
        client_free(&client->client);
        return error;
    }
    *ret_client = &client->client;
    return 0;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text[0] != '\0';
    curl_free(text);
    return there;
}

static bool is_web(CURLU *url)
{
    char *scheme = NULL;
    bool web = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
               (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    return web;
}

bool curl_client_takes(const char *text)
{
    CURLU *url = strlen(text) > URL_BYTES_MAX ? NULL : curl_url();
    bool takes = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                 is_web(url) && has_part(url, CURLUPART_HOST) && !has_part(url, CURLUPART_FRAGMENT);
    curl_url_cleanup(url);
    return takes;
}
