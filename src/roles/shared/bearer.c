/* bearer.c - contract in bearer.h. */
#include "roles/shared/bearer.h"

#include "base/assert.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"

static bool take_prefix(struct slice *text, struct slice lower_prefix)
{
    if (text->bytes <= lower_prefix.bytes ||
        !http_text_equal(slice_of(text->at, lower_prefix.bytes), lower_prefix))
        return false;
    *text = slice_skip(*text, lower_prefix.bytes);
    return true;
}

static bool find_in_subprotocols(const struct http_request *request, struct slice *ret_token)
{
    size_t cursor = 0;
    if (!http_upgrade_is_asked(request))
        return false;
    while (http_upgrade_subprotocol(request, &cursor, ret_token))
        if (take_prefix(ret_token, SLICE("bearer.")))
            return true;
    return false;
}

enum bearer_outcome bearer_check(const struct bearer *bearer, const struct http_request *request,
                                 int64_t now_s, struct jwt_claims *ret_claims)
{
    struct slice token = http_head_find(request->head, SLICE("authorization"));
    if (token.at == NULL) {
        if (!find_in_subprotocols(request, &token))
            return BEARER_NONE;
    } else if (http_head_count(request->head, SLICE("authorization")) != 1 ||
               !take_prefix(&token, SLICE("bearer "))) {
        return BEARER_BAD;
    }
    enum jwt_outcome outcome =
        token_cache_verify(bearer->cache, &bearer->rules, token, now_s, ret_claims);
    if (outcome == JWT_OK)
        return BEARER_OK;
    return outcome == JWT_EXPIRED ? BEARER_EXPIRED : BEARER_BAD;
}

void bearer_refuse(struct http_reply_to to, enum bearer_outcome outcome, struct slice headers)
{
    static const struct {
        const char *code, *challenge, *detail;
    } texts[] = {
        [BEARER_NONE] = {"TOKEN_REQUIRED", "", "Send Authorization: Bearer TOKEN."},
        [BEARER_BAD] = {"TOKEN_INVALID", ", error=\"invalid_token\"", "The token is not valid."},
        [BEARER_EXPIRED] = {"TOKEN_EXPIRED", ", error=\"invalid_token\"", "The token has expired."},
    };
    char memory[512];
    struct buf buf = buf_over(memory, sizeof memory);
    ASSERT(outcome != BEARER_OK);
    buf_put_text(&buf, "WWW-Authenticate: Bearer realm=\"overround\"");
    buf_put_text(&buf, texts[outcome].challenge);
    buf_put_text(&buf, "\r\n");
    buf_put_slice(&buf, headers);
    http_reply_problem_with(to, 401, texts[outcome].code, slice_text(texts[outcome].detail),
                            buf_slice(&buf));
}
