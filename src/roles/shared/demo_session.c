/* demo_session.c - contract in demo_session.h. */
#include "roles/shared/demo_session.h"

#include "base/assert.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "crypto/random.h"
#include "net/http/http_reply.h"

#define UUID_BYTES 36

static void put_uuid(struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    random_fill(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* RFC 9562 section 5.4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_put_char(out, '-');
        buf_put_char(out, digits[bytes[i] >> 4]);
        buf_put_char(out, digits[bytes[i] & 15]);
    }
}

static struct jwt_claims claims_new(const struct demo_sessions *sessions)
{
    struct jwt_claims claims = {.roles = sessions->roles};
    struct buf sub = buf_over(claims.sub, sizeof claims.sub);
    buf_put_slice(&sub, sessions->user_prefix);
    put_uuid(&sub);
    ASSERT(!sub.overflow);
    claims.sub_bytes = (uint32_t)sub.bytes;
    claims.iat_s = loop_wall(sessions->loop).us / US_PER_SECOND;
    claims.exp_s = claims.iat_s + DEMO_SESSION_S;
    return claims;
}

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_session(struct buf *out, const struct jwt_claims *claims, struct slice token)
{
    struct json_writer writer = json_write_begin(out);
    char memory[RFC3339_BYTES_MAX];
    struct buf time = buf_over(memory, sizeof memory);
    rfc3339_write_ms(&time, (struct instant){claims->exp_s * US_PER_SECOND});
    json_write_object_open(&writer);
    put_text(&writer, "user_id", jwt_sub(claims));
    put_text(&writer, "token", token);
    put_text(&writer, "expires_at", buf_slice(&time));
    json_write_object_close(&writer);
}

void demo_session_serve(const struct demo_sessions *sessions, struct http_reply_to to,
                        struct slice headers)
{
    char token_memory[JWT_BYTES_MAX];
    char body_memory[JWT_BYTES_MAX + 256];
    char headers_memory[512];
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct buf body = buf_over(body_memory, sizeof body_memory);
    struct buf lines = buf_over(headers_memory, sizeof headers_memory);
    struct jwt_claims claims = claims_new(sessions);
    if (jwt_sign(&sessions->bearer->rules, sessions->kid, &claims, &token) < 0) {
        http_reply_problem_with(to, 500, "NO_SIGNING_KEY", SLICE_NONE, headers);
        return;
    }
    put_session(&body, &claims, buf_slice(&token));
    buf_put_slice(&lines, headers);
    buf_put_text(&lines, "Cache-Control: no-store\r\n");
    ASSERT(!body.overflow && !lines.overflow);
    http_reply(to, 201, SLICE("application/json"), buf_slice(&lines), buf_slice(&body));
}
