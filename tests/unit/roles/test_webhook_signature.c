/* test_webhook_signature.c - roles/notification/webhook_signature.h against the Standard Webhooks
 * specification's own example. */
#include "test.h"

#include "base/error.h"
#include "roles/notification/webhook_signature.h"

static char headers[WEBHOOK_HEADERS][WEBHOOK_HEADER_BYTES_MAX];

static struct hmac256 *key_of(const char *text)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct hmac256 *key = NULL;
    assert_int_equal(webhook_key_new(slice_text(text), &key, &why), 0);
    return key;
}

TEST(webhook_signature, is_that_of_the_specification)
{
    const struct webhook_message message = {.id = SLICE("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                                            .body = SLICE("{\"test\": 2432232314}"),
                                            .time_s = 1614265330};
    struct hmac256 *key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    webhook_headers(key, &message, headers);
    assert_string_equal(headers[0], "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_string_equal(headers[1], "webhook-timestamp: 1614265330");
    assert_string_equal(headers[2],
                        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    hmac256_free(key);
}

TEST(webhook_signature, is_left_out_where_there_is_no_secret)
{
    const struct webhook_message message = {.id = SLICE("0-1"), .body = SLICE("{}"), .time_s = 1};
    webhook_headers(NULL, &message, headers);
    assert_string_equal(headers[0], "webhook-id: 0-1");
    assert_string_equal(headers[2], "");
}

TEST(webhook_signature, refuses_secrets_that_are_none)
{
    static const char *const texts[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_%%%%",
        "whsec_"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char memory[256];
        struct buf why = buf_over(memory, sizeof memory);
        struct hmac256 *key = NULL;
        assert_int_equal(webhook_key_new(slice_text(texts[i]), &key, &why), -ERR_CONFIG);
        assert_true(why.bytes > 0);
    }
}
