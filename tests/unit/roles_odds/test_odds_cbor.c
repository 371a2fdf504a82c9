/* test_odds_cbor.c - roles/odds/odds_cbor.h: JSON of ours as the bytes that docs/PROTOCOL.md names.
 * A decoder that others wrote reads them in tests/e2e/test_binary.py. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/ws/ws_frame.h"
#include "roles/odds/odds_cbor.h"

static int write_json(const char *json, char *hex, size_t capacity)
{
    static char memory[4096], scratch[4096];
    struct buf out = buf_over(memory, sizeof memory), text = buf_over(hex, capacity);
    int result = odds_cbor_write(&out, slice_text(json), buf_over(scratch, sizeof scratch));
    for (size_t i = 0; i < out.bytes; i++)
        buf_printf(&text, "%02x", (unsigned char)memory[i]);
    buf_put_char(&text, '\0');
    return result;
}

TEST(odds_cbor, members_are_written_as_the_protocol_says)
{
    static const struct {
        const char *json, *hex;
    } rows[] = {
        {"{}", "bfff"},
        {"{\"op\":\"delta\",\"seq\":23}", "bf000502"
                                          "17"
                                          "ff"},
        {"{\"op\":\"future\"}", "bf0066667574757265ff"},
        {"{\"seq\":24,\"odds_version\":4294967297}", "bf021818041b0000000100000001ff"},
        {"{\"status\":\"suspended\"}", "bf0501ff"},
        {"{\"odds\":2.10}", "bf08195208ff"}, /* 21,000 ten-thousandths */
        {"{\"odds\":null,\"in_play\":true}", "bf08f611f5ff"},
        {"{\"odds\":1.00005}", "bf08c482241a000186a5ff"}, /* finer: an exact decimal */
        {"{\"stake\":10.00}", "bf1820c482211903e8ff"},    /* digits are kept */
        {"{\"balance\":-0.50}", "bf181ac482213831ff"},
        {"{\"id\":\"47972\"}", "bf0719bb64ff"},
        {"{\"id\":\"047\"}", "bf0763303437ff"}, /* no numeral: it would come back as 47 */
        {"{\"id\":\"12@-0.5\"}", "bf076731324"
                                 "02d302e35ff"},
        {"{\"name\":\"47972\"}", "bf0b653437393732ff"}, /* a name is a text */
        {"{\"feed_ts\":\"1970-01-01T00:00:01.000000Z\"}", "bf091a000f4240ff"},
        {"{\"feed_ts\":\"soon\"}", "bf0964736f6f6eff"},
        {"{\"new_member\":[1,[],{\"x\":false}]}", "bf6a6e65775f6d656d626572"
                                                  "9f019fffbf6178f4ffffff"},
        {"{\"name\":\"a\\u00e9\\n\"}", "bf0b6461c3a90aff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hex[512];
        assert_int_equal(write_json(rows[i].json, hex, sizeof hex), 0);
        if (strcmp(hex, rows[i].hex) != 0)
            fail_msg("%s: %s, not %s", rows[i].json, hex, rows[i].hex);
    }
}

TEST(odds_cbor, no_json_is_refused_and_nothing_is_written_beyond_the_buffer)
{
    char hex[512];
    static const char *const rows[] = {"", "{", "[1,]", "{\"a\":}", "1 2", "{\"a\":1e99}", "nul"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(write_json(rows[i], hex, sizeof hex), -ERR_FORMAT);
    char memory[8], scratch[8];
    struct slice json = SLICE("{\"op\":\"delta\",\"name\":\"longer\"}");
    for (size_t room = 0; room < sizeof memory; room++) {
        struct buf out = buf_over(memory, room);
        assert_int_equal(odds_cbor_write(&out, json, buf_over(scratch, sizeof scratch)),
                         -ERR_LIMIT);
    }
}

TEST(odds_cbor, frames_are_rewritten_once_and_stay_separate_messages)
{
    static char memory[8192];
    struct shared_bytes *one = NULL, *two = NULL, *joined = NULL;
    assert_int_equal(ws_frame_shared_text(SLICE("{\"op\":\"delta\",\"seq\":1}"), &one), 0);
    assert_int_equal(ws_frame_shared_text(SLICE("{\"op\":\"delta\",\"seq\":2}"), &two), 0);
    assert_int_equal(shared_bytes_new((size_t)one->bytes + two->bytes, &joined), 0);
    memcpy(joined->at, one->at, one->bytes);
    memcpy(joined->at + one->bytes, two->at, two->bytes);
    struct shared_bytes *made = odds_cbor_frames(joined, buf_over(memory, sizeof memory));
    assert_memory_equal(made->at,
                        "\x82\x06\xbf\x00\x05\x02\x01\xff\x82\x06\xbf\x00\x05\x02\x02\xff", 16);
    assert_int_equal(made->bytes, 16);
    assert_ptr_equal(odds_cbor_frames(joined, buf_over(memory, sizeof memory)), made);
    assert_null(odds_cbor_frames(one, buf_over(memory, 16))); /* too little room: not made */
    shared_bytes_give(one);
    shared_bytes_give(two);
    shared_bytes_give(joined);
}
