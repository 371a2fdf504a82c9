/* sign_pkcs11.c - contract in sign_pkcs11.h. */
#include "crypto/sign_pkcs11.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "crypto/key_files.h"
#include "crypto/pkcs11_module.h"

#define PATH_BYTES_MAX   512
#define SLOTS_MAX        256
#define TOKEN_NAME_BYTES 32 /* a token's label is filled up with blanks */
#define POINT_BYTES_MAX  64
#define ID_BYTES_MAX     256

struct token_key {
    struct sign_key key;          /* first */
    struct pkcs11_module *module; /* owned share */
    struct ck_function_list *calls;
    char token[TOKEN_NAME_BYTES + 1], label[SIGN_PKCS11_LABEL_BYTES_MAX + 1];
    char pin_file[PATH_BYTES_MAX];
    bool open, was_open, refused; /* refused: the PIN, for good */
    ck_session_handle_t session;
    ck_object_handle_t private_key;
    unsigned char public_key[SIGN_PUBLIC_BYTES];
};

static int problem(struct token_key *key, int error, const char *what, ck_rv_t rv)
{
    if (rv == CKR_OK)
        (void)snprintf(key->key.problem, sizeof key->key.problem, "%s", what);
    else
        (void)snprintf(key->key.problem, sizeof key->key.problem, "%s (PKCS#11 error 0x%lx)", what,
                       (unsigned long)rv);
    return error;
}

/* ---- the token ---- */

static bool is_token(const struct token_key *key, const struct ck_token_info *info)
{
    size_t bytes = sizeof info->label;
    while (bytes > 0 && info->label[bytes - 1] == ' ')
        bytes--;
    return bytes == strlen(key->token) && memcmp(info->label, key->token, bytes) == 0;
}

static int find_slot(struct token_key *key, ck_slot_id_t *ret_slot)
{
    ck_slot_id_t slots[SLOTS_MAX];
    unsigned long count = SLOTS_MAX, found = 0;
    ck_rv_t rv = key->calls->C_GetSlotList(1, slots, &count);
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the slots cannot be listed", rv);
    for (unsigned long i = 0; i < count; i++) {
        struct ck_token_info info;
        if (key->calls->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_token(key, &info))
            continue;
        *ret_slot = slots[i];
        found++;
    }
    if (found > 1)
        return problem(key, -ERR_ABSENT, "more than one token has that label", CKR_OK);
    return found == 1 ? 0 : problem(key, -ERR_ABSENT, "no token with that label is there", CKR_OK);
}

/* The first line of the file, without its end. */
static int read_pin(struct token_key *key, struct buf *pin)
{
    char memory[SIGN_PROBLEM_BYTES];
    struct buf why = buf_over(memory, sizeof memory - 1);
    int error = key_files_read(AT_FDCWD, key->pin_file, pin, &why);
    if (error < 0) {
        memory[why.bytes] = '\0';
        return problem(key, -ERR_ABSENT, why.bytes > 0 ? memory : "the PIN cannot be read", CKR_OK);
    }
    const char *end = memchr(pin->at, '\n', pin->bytes);
    pin->bytes = end == NULL ? pin->bytes : (size_t)(end - pin->at);
    return 0;
}

static bool pin_was_refused(ck_rv_t rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE ||
           rv == CKR_PIN_EXPIRED || rv == CKR_PIN_LOCKED;
}

static int log_in(struct token_key *key)
{
    char memory[SIGN_PKCS11_PIN_BYTES_MAX + 2];
    struct buf pin = buf_over(memory, sizeof memory);
    int error = read_pin(key, &pin);
    ck_rv_t rv = error < 0 ? CKR_OK
                           : key->calls->C_Login(key->session, CKU_USER, (unsigned char *)memory,
                                                 (unsigned long)pin.bytes);
    explicit_bzero(memory, sizeof memory);
    if (error < 0 || rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
        return error;
    key->refused = pin_was_refused(rv);
    return problem(key, key->refused ? -ERR_CONFIG : -ERR_ABSENT,
                   key->refused
                       ? "the token refused the PIN: it is not tried again before a restart"
                       : "the token does not let us in",
                   rv);
}

/* ---- its keys ---- */

/* The one object that has these attributes. */
static int find_one(struct token_key *key, struct ck_attribute *wanted, unsigned long count,
                    ck_object_handle_t *ret_object)
{
    ck_object_handle_t objects[2];
    unsigned long found = 0;
    ck_rv_t rv = key->calls->C_FindObjectsInit(key->session, wanted, count);
    if (rv == CKR_OK) {
        rv = key->calls->C_FindObjects(key->session, objects, 2, &found);
        (void)key->calls->C_FindObjectsFinal(key->session);
    }
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the token's objects cannot be read", rv);
    if (found != 1)
        return problem(key, -ERR_NOT_FOUND,
                       found == 0 ? "the token has no such Ed25519 key, or not both of its halves"
                                  : "the token has more than one such key",
                       CKR_OK);
    *ret_object = objects[0];
    return 0;
}

static int find_private(struct token_key *key)
{
    ck_object_class_t class = CKO_PRIVATE_KEY;
    ck_key_type_t type = CKK_EC_EDWARDS;
    unsigned char yes = 1;
    struct ck_attribute wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_LABEL, key->label, (unsigned long)strlen(key->label)},
    };
    return find_one(key, wanted, sizeof wanted / sizeof *wanted, &key->private_key);
}

/* The 32 bytes of the point: bare, or as the content of an OCTET STRING or BIT STRING in DER. All
 * three are about; that it is this key's is shown by a signature. */
static bool read_point(const unsigned char *point, unsigned long bytes, unsigned char *ret)
{
    static const unsigned char octets[] = {0x04, SIGN_PUBLIC_BYTES};
    static const unsigned char bits[] = {0x03, SIGN_PUBLIC_BYTES + 1, 0};
    size_t head = bytes >= SIGN_PUBLIC_BYTES ? bytes - SIGN_PUBLIC_BYTES : sizeof bits + 1;
    if (!(head == 0 || (head == sizeof octets && memcmp(point, octets, sizeof octets) == 0) ||
          (head == sizeof bits && memcmp(point, bits, sizeof bits) == 0)))
        return false;
    memcpy(ret, point + head, SIGN_PUBLIC_BYTES);
    return true;
}

static int find_public(struct token_key *key)
{
    unsigned char id[ID_BYTES_MAX], point[POINT_BYTES_MAX];
    ck_object_class_t class = CKO_PUBLIC_KEY;
    ck_object_handle_t object = 0;
    struct ck_attribute id_of = {CKA_ID, id, sizeof id};
    ck_rv_t rv = key->calls->C_GetAttributeValue(key->session, key->private_key, &id_of, 1);
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the key's id cannot be read", rv);
    struct ck_attribute wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, id, id_of.value_len},
        {CKA_LABEL, key->label, (unsigned long)strlen(key->label)},
    };
    TRY(find_one(key, wanted, sizeof wanted / sizeof *wanted, &object));
    struct ck_attribute point_of = {CKA_EC_POINT, point, sizeof point};
    rv = key->calls->C_GetAttributeValue(key->session, object, &point_of, 1);
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the public key cannot be read", rv);
    if (!read_point(point, point_of.value_len, key->public_key))
        return problem(key, -ERR_NOT_FOUND, "the public key is not one of Ed25519", CKR_OK);
    return 0;
}

/* ---- sessions ---- */

static void close_session(struct token_key *key)
{
    if (key->open)
        (void)key->calls->C_CloseSession(key->session);
    key->open = false;
}

static ck_rv_t token_signs(struct token_key *key, struct slice message, unsigned char *ret)
{
    struct ck_mechanism mechanism = {.mechanism = CKM_EDDSA};
    unsigned long bytes = SIGN_SIGNATURE_BYTES;
    unsigned char copy[512]; /* the interface does not promise to leave it as it is */
    if (message.bytes > sizeof copy)
        return CKR_DATA_LEN_RANGE;
    memcpy(copy, message.at, message.bytes);
    ck_rv_t rv = key->calls->C_SignInit(key->session, &mechanism, key->private_key);
    if (rv == CKR_OK)
        rv = key->calls->C_Sign(key->session, copy, (unsigned long)message.bytes, ret, &bytes);
    return rv == CKR_OK && bytes != SIGN_SIGNATURE_BYTES ? CKR_FUNCTION_FAILED : rv;
}

static int check_pair(struct token_key *key)
{
    unsigned char signature[SIGN_SIGNATURE_BYTES];
    ck_rv_t rv = token_signs(key, SLICE(SIGN_POSSESSION_MESSAGE), signature);
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the token does not sign", rv);
    if (!sign_check(key->public_key, SLICE(SIGN_POSSESSION_MESSAGE), signature))
        return problem(key, -ERR_NOT_FOUND, "the token's public key is not the private one's",
                       CKR_OK);
    return 0;
}

static int use_session(struct token_key *key)
{
    TRY(log_in(key));
    TRY(find_private(key));
    TRY(find_public(key));
    return check_pair(key);
}

static int open_session(struct token_key *key)
{
    ck_slot_id_t slot = 0;
    if (key->refused)
        return problem(key, -ERR_CONFIG, "the token refused the PIN: it is not tried again",
                       CKR_OK);
    if (key->was_open && pkcs11_module_begin_again(key->module) < 0)
        return problem(key, -ERR_ABSENT, "the PKCS#11 module does not begin again", CKR_OK);
    key->was_open = true;
    TRY(find_slot(key, &slot));
    ck_rv_t rv = key->calls->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
    if (rv != CKR_OK)
        return problem(key, -ERR_ABSENT, "the token opens no session", rv);
    key->open = true;
    int error = use_session(key);
    if (error < 0)
        close_session(key);
    return error;
}

static int token_public(struct sign_key *sign, unsigned char ret_public[SIGN_PUBLIC_BYTES])
{
    struct token_key *key = (struct token_key *)sign;
    if (!key->open)
        TRY(open_session(key));
    memcpy(ret_public, key->public_key, SIGN_PUBLIC_BYTES);
    return 0;
}

static int token_sign(struct sign_key *sign, struct slice message,
                      unsigned char ret_signature[SIGN_SIGNATURE_BYTES])
{
    struct token_key *key = (struct token_key *)sign;
    ck_rv_t rv = token_signs(key, message, ret_signature);
    if (rv == CKR_OK)
        return 0;
    close_session(key);
    return problem(key, -ERR_ABSENT, "the token does not sign", rv);
}

static void token_free(struct sign_key *sign)
{
    struct token_key *key = (struct token_key *)sign;
    close_session(key);
    pkcs11_module_give(key->module);
    free(key);
}

static const struct sign_key_ops token_ops = {
    .public = token_public, .sign = token_sign, .free = token_free};

/* ---- begin ---- */

static int copy_text(const char *from, char *to, size_t room, const char *what, struct buf *why)
{
    size_t bytes = from == NULL ? 0 : strlen(from);
    if (bytes == 0 || bytes >= room) {
        buf_printf(why, "%s is needed, with at most %zu bytes", what, room - 1);
        return -ERR_CONFIG;
    }
    memcpy(to, from, bytes + 1);
    return 0;
}

static int fill(struct token_key *key, const struct sign_pkcs11_options *options, struct buf *why)
{
    TRY(copy_text(options->token, key->token, sizeof key->token, "the label of the token", why));
    TRY(copy_text(options->key, key->label, sizeof key->label, "the label of the key", why));
    TRY(copy_text(options->pin_file, key->pin_file, sizeof key->pin_file, "the PIN's file", why));
    TRY(pkcs11_module_take(options->module, &key->module, why));
    key->calls = pkcs11_module_calls(key->module);
    return 0;
}

int sign_pkcs11_new(const struct sign_pkcs11_options *options, struct sign_key **ret_key,
                    struct buf *why)
{
    struct token_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return -ERR_MEMORY;
    key->key.ops = &token_ops;
    int error = fill(key, options, why);
    if (error < 0) {
        token_free(&key->key);
        return error;
    }
    *ret_key = &key->key;
    return 0;
}
