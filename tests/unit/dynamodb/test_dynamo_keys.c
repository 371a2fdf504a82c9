/* test_dynamo_keys.c - adapters/dynamodb/dynamo_keys.h. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/dynamodb/dynamo_keys.h"
#include "base/error.h"

static const char text[] = "# of a test\n"
                           "[default]\r\n"
                           "aws_access_key_id = AKIDEXAMPLE\r\n"
                           "  aws_secret_access_key=wJalr/+EXAMPLE==\n"
                           "region = eu-west-1\n"
                           "[ book ]\n"
                           "aws_access_key_id = OTHER\n"
                           "aws_secret_access_key = of-the-book\n"
                           "aws_session_token = a-token";

TEST(dynamo_keys, are_those_of_the_section)
{
    struct dynamo_keys keys;
    assert_int_equal(dynamo_keys_read(slice_text(text), "default", &keys), 0);
    assert_string_equal(keys.id, "AKIDEXAMPLE");
    assert_string_equal(keys.secret, "wJalr/+EXAMPLE==");
    assert_string_equal(keys.token, "");
    assert_int_equal(dynamo_keys_read(slice_text(text), "book", &keys), 0);
    assert_string_equal(keys.id, "OTHER");
    assert_string_equal(keys.token, "a-token");
    assert_int_equal(dynamo_keys_read(slice_text(text), "none", &keys), -ERR_FORMAT);
}

TEST(dynamo_keys, that_would_break_a_header_are_refused)
{
    static const char *const bad[] = {
        "",
        "[default]\naws_access_key_id = A",
        "[default]\naws_access_key_id = A B\naws_secret_access_key = C",
        "[default]\naws_access_key_id = A\naws_secret_access_key = \x01",
        "[default]\naws_access_key_id =\naws_secret_access_key = C",
    };
    char long_text[1000];
    struct dynamo_keys keys;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(dynamo_keys_read(slice_text(bad[i]), "default", &keys), -ERR_FORMAT);
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "[default]\naws_secret_access_key=y\naws_access_key_id=", 53);
    assert_int_equal(dynamo_keys_read(slice_of(long_text, sizeof long_text), "default", &keys),
                     -ERR_FORMAT);
}

static void write_keys(const char *path, const char *id)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "[default]\naws_access_key_id=%s\naws_secret_access_key=s\n", id);
    (void)fclose(file);
}

TEST(dynamo_keys, are_looked_for_in_a_file_then_in_the_environment)
{
    char path[] = "/tmp/overround-keys-XXXXXX", memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    struct dynamo_keys keys;
    close(mkstemp(path));
    write_keys(path, "FILED");
    (void)setenv("AWS_ACCESS_KEY_ID", "VARIABLE", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    assert_int_equal(dynamo_keys_find(path, &keys, &why), 0);
    assert_string_equal(keys.id, "FILED");
    assert_int_equal(dynamo_keys_find("", &keys, &why), 0);
    assert_string_equal(keys.id, "VARIABLE");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    assert_int_equal(dynamo_keys_find("", &keys, &why), 0);
    assert_string_equal(keys.id, "FILED");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    assert_int_equal(why.bytes, 0);
    assert_int_equal(dynamo_keys_find("", &keys, &why), -ERR_CONFIG);
    (void)unlink(path);
    assert_int_equal(dynamo_keys_find(path, &keys, &why), -ERR_CONFIG);
    (void)unsetenv("AWS_ACCESS_KEY_ID");
}
