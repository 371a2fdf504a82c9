/* test_curl_signed.c - adapters/curl/curl_signed.h: that what libcurl signs is what AWS says it is.
 *
 * The expected signatures are those of AWS's "Signature Version 4 test suite" (the files
 * aws-sig-v4-test-suite/NAME/NAME.authz): key AKIDEXAMPLE, 2015-08-30 12:36:00 UTC, us-east-1,
 * service `service`, host example.amazonaws.com. */
#include "test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/curl/curl_signed.h"
#include "base/error.h"

#define HOST "Host: example.amazonaws.com"
#define DATE "X-Amz-Date: 20150830T123600Z"
#define TOKEN                                                                                      \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpS"  \
    "PfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYw" \
    "T7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+"       \
    "scqKmlz"                                                                                      \
    "m8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

/* A server that keeps the request and answers, or does not. */
struct listener {
    int fd, port;
    const char *answer; /* NULL: it hangs up */
    unsigned requests;
    pthread_t thread;
    char request[8192];
};

static void *serve(void *owner)
{
    struct listener *listener = owner;
    for (int fd; (fd = accept(listener->fd, NULL, NULL)) >= 0; close(fd)) {
        size_t bytes = 0;
        ssize_t more = 1;
        while (more > 0 && bytes < sizeof listener->request - 1) {
            more = read(fd, listener->request + bytes, sizeof listener->request - 1 - bytes);
            bytes += more > 0 ? (size_t)more : 0;
            listener->request[bytes] = '\0';
            if (strstr(listener->request, "\r\n\r\n") != NULL)
                break; /* bodies here are short: they come with it */
        }
        listener->requests++;
        if (listener->answer != NULL)
            (void)send(fd, listener->answer, strlen(listener->answer), MSG_NOSIGNAL);
    }
    return NULL;
}

static void listener_begin(struct listener *listener, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    *listener = (struct listener){.fd = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
    assert_int_equal(bind(listener->fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listener->fd, 4), 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &bytes), 0);
    listener->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&listener->thread, NULL, serve, listener), 0);
}

static void listener_end(struct listener *listener)
{
    shutdown(listener->fd, SHUT_RDWR);
    pthread_join(listener->thread, NULL);
    close(listener->fd);
}

static struct signed_client *client_of(int port)
{
    char url[64], memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct signed_client *client = NULL;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    const struct curl_signed_options options = {
        .url = url, .region = "us-east-1", .service = "service"};
    assert_int_equal(curl_signed_new(&options, &client, &why), 0);
    return client;
}

static const struct signed_keys keys = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                        ""};
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

static void expect(const struct signed_keys *with, const struct signed_request *request,
                   const char *expected)
{
    struct listener listener;
    struct signed_answer answer;
    char line[512];
    listener_begin(&listener, ANSWER);
    struct signed_client *client = client_of(listener.port);
    assert_int_equal(client->ops->post(client, with, request, &answer), SIGNED_ANSWERED);
    assert_int_equal(answer.status, 200);
    assert_true(slice_is(answer.body, "{}"));
    client->ops->free(client);
    listener_end(&listener);
    (void)snprintf(line, sizeof line,
                   "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
                   "service/aws4_request, %s\r\n",
                   expected);
    if (strstr(listener.request, line) == NULL)
        fail_msg("expected %s in %s", line, listener.request);
    assert_non_null(strstr(listener.request, "POST / HTTP/1.1\r\n"));
    assert_null(strstr(listener.request, keys.secret));
}

TEST(curl_signed, signs_as_post_vanilla_of_awss_vectors)
{
    const struct signed_request request = {.headers = {HOST, DATE}, .body = SLICE("")};
    expect(&keys, &request,
           "SignedHeaders=host;x-amz-date, "
           "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(curl_signed, signs_a_body_as_post_x_www_form_urlencoded)
{
    const struct signed_request request = {
        .headers = {"Content-Type: application/x-www-form-urlencoded", HOST, DATE},
        .body = SLICE("Param1=value1")};
    expect(&keys, &request,
           "SignedHeaders=content-type;host;x-amz-date, "
           "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST(curl_signed, signs_every_header_as_post_header_key_sort_and_value_case)
{
    struct signed_request request = {.headers = {DATE, "My-Header1: value1", HOST},
                                     .body = SLICE("")};
    expect(&keys, &request,
           "SignedHeaders=host;my-header1;x-amz-date, "
           "Signature=c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c");
    request.headers[1] = "My-Header1: VALUE1";
    expect(&keys, &request,
           "SignedHeaders=host;my-header1;x-amz-date, "
           "Signature=cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d");
}

TEST(curl_signed, signs_a_session_token_as_post_sts_header_before)
{
    const struct signed_keys with = {keys.id, keys.secret, TOKEN};
    const struct signed_request request = {.headers = {HOST, DATE}, .body = SLICE("")};
    expect(&with, &request,
           "SignedHeaders=host;x-amz-date;x-amz-security-token, "
           "Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

/* ---- what came of a request ---- */

static const struct signed_request plain = {.headers = {"X-Amz-Target: T"}, .body = SLICE("{}")};

TEST(curl_signed, tells_what_was_not_sent_from_what_was_lost)
{
    struct listener listener;
    struct signed_answer answer;
    listener_begin(&listener, NULL);
    struct signed_client *client = client_of(listener.port);
    assert_int_equal(client->ops->post(client, &keys, &plain, &answer), SIGNED_LOST);
    assert_true(strlen(client->ops->problem(client)) > 0);
    listener_end(&listener);
    assert_true(listener.requests >= 1);
    assert_int_equal(client->ops->post(client, &keys, &plain, &answer), SIGNED_UNSENT);
    client->ops->leave(client);
    assert_int_equal(client->ops->post(client, &keys, &plain, &answer), SIGNED_UNSENT);
    assert_false(client->ops->pause(client, 60 * 1000000));
    client->ops->free(client);
}

TEST(curl_signed, takes_half_an_answer_or_one_that_is_too_long_for_none)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        "SSH-2.0\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct listener listener;
        struct signed_answer answer;
        listener_begin(&listener, answers[i]);
        struct signed_client *client = client_of(listener.port);
        assert_int_equal(client->ops->post(client, &keys, &plain, &answer), SIGNED_LOST);
        client->ops->free(client);
        listener_end(&listener);
    }
}

static void *leave_soon(void *owner)
{
    struct signed_client *client = owner;
    usleep(20000);
    client->ops->leave(client);
    return NULL;
}

TEST(curl_signed, that_is_left_waits_no_longer)
{
    struct signed_answer answer;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* takes connections, and says nothing */
    pthread_t thread;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    struct signed_client *client = client_of(ntohs(address.sin_port));
    assert_int_equal(pthread_create(&thread, NULL, leave_soon, client), 0);
    assert_int_equal(client->ops->post(client, &keys, &plain, &answer), SIGNED_LOST);
    pthread_join(thread, NULL);
    client->ops->free(client);
    close(fd);
}

TEST(curl_signed, sends_nothing_in_the_clear_to_another_machine)
{
    static const struct {
        const char *url, *region;
        int error;
    } rows[] = {
        {"http://127.0.0.1:8000/", "eu-west-1", 0},
        {"http://localhost:8000", "eu-west-1", 0},
        {"http://[::1]:8000/", "eu-west-1", 0},
        {"https://dynamodb.eu-west-1.amazonaws.com/", "eu-west-1", 0},
        {"http://dynamodb.eu-west-1.amazonaws.com/", "eu-west-1", -ERR_CONFIG},
        {"http://127.0.0.1.example.com/", "eu-west-1", -ERR_CONFIG},
        {"https://a.example.com/path", "eu-west-1", -ERR_CONFIG},
        {"https://a.example.com/?query=1", "eu-west-1", -ERR_CONFIG},
        {"https://me:word@a.example.com/", "eu-west-1", -ERR_CONFIG},
        {"ftp://127.0.0.1/", "eu-west-1", -ERR_CONFIG},
        {"", "eu-west-1", -ERR_CONFIG},
        {"https://a.example.com/", "eu:west", -ERR_CONFIG},
        {"https://a.example.com/", "", -ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct curl_signed_options options = {
            .url = rows[i].url, .region = rows[i].region, .service = "dynamodb"};
        char memory[256];
        struct buf why = buf_over(memory, sizeof memory);
        struct signed_client *client = NULL;
        int error = curl_signed_new(&options, &client, &why);
        if (error != rows[i].error)
            fail_msg("%s: %d", rows[i].url, error);
        if (error == 0)
            client->ops->free(client);
        else
            assert_true(why.bytes > 0);
    }
}
