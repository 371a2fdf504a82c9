/* test_uof_recovery.c - when which recovery is asked for, and what brings a producer up then. */
#include "feeds/uof/uof_recovery.h"

#include <stdio.h>

#include "base/error.h"
#include "test.h"
#include "uof_ear.h"

#define API     "https://api.example/v1/liveodds/"
#define WALL_MS INT64_C(1700000000000)

struct desk {
    struct ear *ear;
    struct uof_recovery recovery;
    int64_t now_us;
    char url[UOF_RECOVERY_URL_BYTES];
};

/* Producer 1 is asked for; 3 is somebody else's matter. */
static struct desk desk_new(void)
{
    struct desk desk = {.ear = ear_new(), .recovery = {.window_ms = 1000000, .request_id = 40}};
    char memory[256];
    struct buf why = buf_over(memory, sizeof memory);
    assert_int_equal(uof_recovery_parse(&desk.recovery, SLICE("1=" API), &why), 0);
    uof_source_ask(desk.ear->source, 1);
    return desk;
}

static void hear(struct desk *desk, const char *line)
{
    assert_int_equal(ear_hear(desk->ear, line), 0);
}

static void alive(struct desk *desk, int64_t timestamp_ms, int subscribed)
{
    char line[128];
    (void)snprintf(line, sizeof line, "<alive product='1' timestamp='%lld' subscribed='%d'/>",
                   (long long)timestamp_ms, subscribed);
    hear(desk, line);
}

static void complete(struct desk *desk, unsigned request_id)
{
    char line[128];
    (void)snprintf(line, sizeof line,
                   "<snapshot_complete product='1' timestamp='1' request_id='%u'/>", request_id);
    hear(desk, line);
}

/* The URL of what is asked for now, behind that of the API; "": nothing is. */
static const char *asked(struct desk *desk)
{
    const struct uof_producer *producer;
    for (uint32_t n = 0; (producer = uof_source_producer(desk->ear->source, n)) != NULL; n++) {
        struct buf url = buf_over(desk->url, sizeof desk->url);
        if (!uof_recovery_next(&desk->recovery, producer, desk->now_us, WALL_MS, &url))
            continue;
        uof_source_await(desk->ear->source, producer->number, desk->recovery.request_id);
        assert_true(slice_begins(buf_slice(&url), SLICE(API "recovery/initiate_request?")));
        return desk->url + sizeof API "recovery/initiate_request?" - 1;
    }
    return "";
}

static bool is_down(const struct desk *desk)
{
    return uof_source_producer(desk->ear->source, 0)->down;
}

TEST(uof_recovery, asks_for_all_of_the_window_of_who_is_first_heard_of)
{
    struct desk desk = desk_new();
    assert_string_equal(asked(&desk), "");
    alive(&desk, WALL_MS, 1);
    assert_true(is_down(&desk));
    assert_string_equal(asked(&desk), "after=1699999000000&request_id=41");
    assert_string_equal(asked(&desk), ""); /* it runs */
    complete(&desk, 5);                    /* somebody else's */
    assert_true(is_down(&desk));
    hear(&desk, "<snapshot_complete product='1' timestamp='1'/>");
    assert_true(is_down(&desk));
    complete(&desk, 41);
    assert_false(is_down(&desk));
    desk.now_us += UOF_RECOVERY_RUN_US;
    assert_string_equal(asked(&desk), "");
    ear_free(desk.ear);
}

TEST(uof_recovery, asks_for_what_came_since_the_last_good_alive)
{
    struct desk desk = desk_new();
    desk.recovery.node_id = 7;
    alive(&desk, WALL_MS - 60000, 1);
    assert_string_equal(asked(&desk), "after=1699999000000&request_id=41&node_id=7");
    complete(&desk, 41);
    alive(&desk, WALL_MS - 50000, 1);
    desk.ear->source->ops->reset(desk.ear->source);
    desk.now_us += UOF_RECOVERY_PAUSE_US;
    assert_string_equal(asked(&desk), ""); /* it was not heard since */
    alive(&desk, WALL_MS - 40000, 1);
    assert_string_equal(asked(&desk), "after=1699999950000&request_id=42&node_id=7");
    complete(&desk, 41);
    assert_true(is_down(&desk));
    complete(&desk, 42);
    assert_false(is_down(&desk));
    ear_free(desk.ear);
}

/* A second loss while a recovery runs: that one brings nothing up any more. */
TEST(uof_recovery, asks_again_when_a_loss_has_overtaken_it)
{
    struct desk desk = desk_new();
    alive(&desk, 1000, 1);
    assert_string_not_equal(asked(&desk), "");
    desk.ear->source->ops->reset(desk.ear->source);
    alive(&desk, 2000, 1);
    complete(&desk, 41);
    assert_true(is_down(&desk));
    desk.now_us += UOF_RECOVERY_PAUSE_US - 1;
    assert_string_equal(asked(&desk), "");
    desk.now_us++;
    assert_string_not_equal(asked(&desk), "");
    alive(&desk, 2000 + UOF_ALIVE_GAP_MS + 1, 1); /* a gap is one, too */
    complete(&desk, 42);
    assert_true(is_down(&desk));
    desk.now_us += UOF_RECOVERY_PAUSE_US;
    assert_string_not_equal(asked(&desk), "");
    complete(&desk, 43);
    assert_false(is_down(&desk));
    ear_free(desk.ear);
}

TEST(uof_recovery, asks_again_after_a_refusal_a_lost_request_and_a_long_run)
{
    struct desk desk = desk_new();
    alive(&desk, 1000, 1);
    assert_string_not_equal(asked(&desk), "");
    uof_recovery_row(&desk.recovery, 1)->failed = true;
    assert_string_equal(asked(&desk), "");
    desk.now_us += UOF_RECOVERY_PAUSE_US;
    assert_string_not_equal(asked(&desk), "");
    desk.now_us += UOF_RECOVERY_PAUSE_US;
    assert_string_equal(asked(&desk), "");
    alive(&desk, 11000, 0); /* it knows nothing of the request */
    assert_string_not_equal(asked(&desk), "");
    alive(&desk, 21000, 1);
    desk.now_us += UOF_RECOVERY_RUN_US - 1;
    assert_string_equal(asked(&desk), "");
    desk.now_us++;
    assert_string_not_equal(asked(&desk), "");
    ear_free(desk.ear);
}

TEST(uof_recovery, leaves_others_producers_to_others)
{
    struct desk desk = desk_new();
    hear(&desk, "<alive product='3' timestamp='1' subscribed='1'/>");
    assert_false(is_down(&desk));
    hear(&desk, "<alive product='3' timestamp='2' subscribed='0'/>");
    assert_true(is_down(&desk));
    assert_string_equal(asked(&desk), "");
    hear(&desk, "<alive product='3' timestamp='3' subscribed='1'/>");
    hear(&desk, "<snapshot_complete product='3' timestamp='4' request_id='9'/>");
    assert_false(is_down(&desk));
    ear_free(desk.ear);
}

TEST(uof_recovery, reads_a_list_of_apis)
{
    static const char *const wrong[] = {"",
                                        "1",
                                        "x=" API,
                                        "0=" API,
                                        "1=https://api.example/v1",
                                        "1=ftp://a/",
                                        "1=" API " 1=" API,
                                        "1=" API " 3",
                                        "10000=" API};
    char memory[512], text[32 * UOF_PRODUCERS_MAX + 32];
    struct buf list = buf_over(text, sizeof text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct uof_recovery recovery = {.count = 0};
        struct buf why = buf_over(memory, sizeof memory);
        assert_int_equal(uof_recovery_parse(&recovery, slice_text(wrong[i]), &why), -ERR_CONFIG);
        assert_true(why.bytes > 0);
    }
    for (unsigned i = 1; i <= UOF_PRODUCERS_MAX; i++)
        buf_printf(&list, "%u=http://a/ ", i);
    struct uof_recovery recovery = {.count = 0};
    struct buf why = buf_over(memory, sizeof memory);
    assert_int_equal(uof_recovery_parse(&recovery, buf_slice(&list), &why), 0);
    assert_int_equal(recovery.count, UOF_PRODUCERS_MAX);
    assert_int_equal(uof_recovery_parse(&recovery, SLICE("99=http://a/"), &why), -ERR_CONFIG);
}
