/* test_proof_service.c - receipts: each is pushed once a head covers it, whatever comes first. The
 * tree is one of the test, whose heads come when they are told to. */
#include "roles/bet/proof_service.h"

#include <string.h>

#include "base/error.h"
#include "book_fixture.h"
#include "sign_pem.h"
#include "test.h"

struct scene {
    struct fixture f;
    struct ledger_tree tree;
    struct sign_key *key;
    struct proof_service *proofs;
    unsigned char head[TREE_HEAD_BYTES];
    uint64_t head_size;   /* 0: no head yet */
    struct tree_ask *ask; /* under way */
    bool refuse;          /* asks are refused: too many are under way */
    int asked, pushed;
    size_t told; /* bytes of the log that the service was told of */
};

static struct scene scene;

static int tree_ask(struct ledger_tree *tree, struct tree_ask *ask)
{
    (void)tree;
    if (scene.refuse)
        return -ERR_BUSY;
    assert_null(scene.ask);
    scene.ask = ask;
    scene.asked++;
    return 0;
}

static bool tree_newest(struct ledger_tree *tree, unsigned char ret_head[TREE_HEAD_BYTES])
{
    (void)tree;
    memcpy(ret_head, scene.head, sizeof scene.head);
    return scene.head_size > 0;
}

static uint32_t tree_links(struct ledger_tree *tree, uint32_t from,
                           unsigned char (*ret_links)[TREE_LINK_BYTES])
{
    (void)tree, (void)from, (void)ret_links;
    return 0;
}

static void tree_poll(struct ledger_tree *tree)
{
    (void)tree;
    struct tree_ask *ask = scene.ask;
    scene.ask = NULL;
    if (ask == NULL)
        return;
    for (uint32_t i = 0; i < ask->count; i++) {
        assert_true(ask->entries[i].seq <= scene.head_size);
        *ask->entries[i].path = (struct merkle_proof){0};
    }
    memcpy(ask->head, scene.head, sizeof ask->head);
    ask->on_done(ask, 0);
}

static const struct ledger_tree_ops TREE_OPS = {
    .ask = tree_ask, .newest = tree_newest, .links = tree_links, .poll = tree_poll};

static bool wants(void *owner, struct slice user_id)
{
    (void)owner;
    return slice_equal(user_id, SLICE("ann"));
}

static void push(void *owner, struct slice user_id, struct slice object)
{
    (void)owner;
    assert_true(slice_equal(user_id, SLICE("ann")));
    assert_true(object.bytes > 0);
    scene.pushed++;
}

static struct scene *begin(void)
{
    struct scene *s = &scene;
    memset(s, 0, sizeof *s);
    fixture_begin(&s->f);
    s->tree.ops = &TREE_OPS;
    assert_int_equal(sign_key_new(SLICE(SIGN_PEM), &s->key), 0);
    const struct proof_parts parts = {
        .book = s->f.book, .tree = &s->tree, .wants = wants, .push = push};
    assert_int_equal(proof_service_new(&parts, &s->proofs), 0);
    fixture_market(&s->f, MARKET_ACTIVE, 200, 300);
    fixture_turn(&s->f, 1000);
    assert_int_equal(fixture_deposit(&s->f, "ann", "d1", 100000), REQUEST_TAKEN);
    fixture_turn(&s->f, 1000);
    return s;
}

static void end(struct scene *s)
{
    proof_service_free(s->proofs);
    sign_key_free(s->key);
    fixture_end(&s->f);
}

/* A durable bet; the service is not told of it yet. */
static void bet(struct scene *s, const char *key)
{
    assert_int_equal(fixture_bet(&s->f, key, "a", 200, 1000), REQUEST_TAKEN);
    fixture_turn(&s->f, 1000);
}

/* The service hears of every record since the last time. */
static void tell(struct scene *s)
{
    struct record_view view;
    for (; s->told < s->f.log.size; s->told += view.head->bytes) {
        assert_int_equal(record_view_of(s->f.log.bytes + s->told, s->f.log.size - s->told, &view),
                         0);
        proof_service_on_record(s->proofs, &view);
    }
}

/* A head over the whole log. */
static void sign(struct scene *s)
{
    struct tree_head head = {.time_us = 1, .root = {.size = s->f.log.tail}};
    assert_int_equal(tree_head_sign(&head, s->key, s->head), 0);
    s->head_size = head.root.size;
}

static bool poll(struct scene *s)
{
    unsigned char head[TREE_HEAD_BYTES];
    return proof_service_poll(s->proofs, head);
}

TEST(proof_service, a_receipt_is_pushed_once_a_head_covers_its_record)
{
    struct scene *s = begin();
    bet(s, "b1");
    bet(s, "b2");
    tell(s);
    assert_false(poll(s));
    assert_int_equal(s->asked, 0); /* nothing covers them */
    sign(s);
    assert_true(poll(s));
    assert_false(poll(s));
    assert_int_equal(s->asked, 1);
    assert_int_equal(s->pushed, 2);
    end(s);
}

/* The tree hears of a record on the log's thread, and may have signed it first. No further head
 * comes before there is a further record. */
TEST(proof_service, a_record_that_is_told_after_its_head_has_its_receipt_too)
{
    struct scene *s = begin();
    bet(s, "b1");
    sign(s);
    assert_true(poll(s));
    tell(s);
    assert_false(poll(s));
    assert_int_equal(s->pushed, 1);
    bet(s, "b2");
    bet(s, "b3");
    bet(s, "b4");
    sign(s);
    assert_true(poll(s));
    tell(s); /* the first is asked for at once, the others when it was answered */
    assert_false(poll(s));
    assert_false(poll(s));
    assert_int_equal(s->asked, 3);
    assert_int_equal(s->pushed, 4);
    end(s);
}

TEST(proof_service, receipts_that_found_the_tree_full_are_asked_for_again)
{
    struct scene *s = begin();
    bet(s, "b1");
    tell(s);
    sign(s);
    s->refuse = true;
    assert_true(poll(s));
    assert_int_equal(s->asked, 0);
    s->refuse = false;
    assert_false(poll(s)); /* others were answered */
    assert_false(poll(s));
    assert_int_equal(s->pushed, 1);
    end(s);
}
