/* test_dynamo_url.c - adapters/dynamodb/dynamo_url.h. */
#include "test.h"

#include <string.h>

#include "adapters/dynamodb/dynamo_url.h"
#include "base/error.h"

static int read_url(const char *text, struct dynamo_url *url)
{
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    int error = dynamo_url_read(text, url, &why);
    assert_true((error < 0) == (why.bytes > 0)); /* it says why, or there is nothing to say */
    return error;
}

TEST(dynamo_url, knows_its_region_and_where_that_is)
{
    struct dynamo_url url;
    assert_int_equal(read_url("dynamodb://book.ledger-1?region=eu-west-1", &url), 0);
    assert_string_equal(url.table, "book.ledger-1");
    assert_string_equal(url.region, "eu-west-1");
    assert_string_equal(url.endpoint, "https://dynamodb.eu-west-1.amazonaws.com/");
    assert_string_equal(url.credentials, "");
}

TEST(dynamo_url, takes_each_setting_in_any_order)
{
    struct dynamo_url url;
    assert_int_equal(read_url("dynamodb://ledger?ca=/a/ca.pem&credentials=/a/keys"
                              "&endpoint=http://127.0.0.1:8000/&region=local",
                              &url),
                     0);
    assert_string_equal(url.endpoint, "http://127.0.0.1:8000/");
    assert_string_equal(url.credentials, "/a/keys");
    assert_string_equal(url.ca_file, "/a/ca.pem");
}

TEST(dynamo_url, refuses_what_it_does_not_know)
{
    static const char *const bad[] = {
        "dynamodb:/ledger?region=a",    "dynamodb://?region=a",
        "dynamodb://le?region=a",       "dynamodb://led/ger?region=a",
        "dynamodb://ledger\"?region=a", "dynamodb://ledger",
        "dynamodb://ledger?",           "dynamodb://ledger?region",
        "dynamodb://ledger?region=",    "dynamodb://ledger?region=a&region=b",
        "dynamodb://ledger?region=a&",  "dynamodb://ledger?region=a&colour=red",
    };
    struct dynamo_url url;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(read_url(bad[i], &url), -ERR_CONFIG);
}
