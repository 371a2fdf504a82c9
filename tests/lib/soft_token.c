/* soft_token.c - contract in soft_token.h. */
#include "soft_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/pkcs11_module.h"
#include "test.h"

#define SO_PIN "1234"

/* What softhsm2 2.6.1 forgets to free each time that it reads an Edwards key. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:CRYPTO_zalloc\nleak:ASN1_STRING_set\n";
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static struct pkcs11_module *take(void)
{
    char memory[200];
    struct buf why = buf_over(memory, sizeof memory);
    struct pkcs11_module *module = NULL;
    assert_int_equal(pkcs11_module_take(SOFT_TOKEN_MODULE, &module, &why), 0);
    return module;
}

static ck_slot_id_t first_slot(struct ck_function_list *calls)
{
    ck_slot_id_t slots[8];
    unsigned long count = 8;
    assert_int_equal(calls->C_GetSlotList(1, slots, &count), CKR_OK);
    assert_true(count > 0);
    return slots[0];
}

static ck_session_handle_t log_in(struct ck_function_list *calls, ck_user_type_t user,
                                  const char *pin)
{
    ck_session_handle_t session = 0;
    assert_int_equal(calls->C_OpenSession(first_slot(calls), CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                          NULL, NULL, &session),
                     CKR_OK);
    assert_int_equal(calls->C_Login(session, user, (unsigned char *)pin, strlen(pin)), CKR_OK);
    return session;
}

static void make_token(void)
{
    struct pkcs11_module *module = take();
    struct ck_function_list *calls = pkcs11_module_calls(module);
    unsigned char label[32];
    memset(label, ' ', sizeof label);
    memcpy(label, SOFT_TOKEN_LABEL, strlen(SOFT_TOKEN_LABEL));
    assert_int_equal(calls->C_InitToken(first_slot(calls), (unsigned char *)SO_PIN, 4, label),
                     CKR_OK);
    pkcs11_module_give(module);
    module = take();
    calls = pkcs11_module_calls(module);
    ck_session_handle_t session = log_in(calls, CKU_SO, SO_PIN);
    assert_int_equal(calls->C_InitPIN(session, (unsigned char *)SOFT_TOKEN_PIN, 4), CKR_OK);
    (void)calls->C_CloseSession(session);
    pkcs11_module_give(module);
}

void soft_token_begin(struct soft_token *token)
{
    char path[128], text[256];
    (void)snprintf(token->folder, sizeof token->folder, "/tmp/overround-token-XXXXXX");
    assert_non_null(mkdtemp(token->folder));
    (void)snprintf(path, sizeof path, "%s/tokens", token->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(text, sizeof text, "directories.tokendir = %s\nlog.level = ERROR\n", path);
    (void)snprintf(path, sizeof path, "%s/conf", token->folder);
    write_file(path, text);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    (void)snprintf(token->pin_file, sizeof token->pin_file, "%s/pin", token->folder);
    soft_token_set_pin(token, SOFT_TOKEN_PIN);
    make_token();
}

void soft_token_set_pin(struct soft_token *token, const char *pin)
{
    char line[300];
    (void)snprintf(line, sizeof line, "%s\n", pin);
    write_file(token->pin_file, line);
}

void soft_token_add_key(struct soft_token *token, const char *label)
{
    (void)token;
    struct pkcs11_module *module = take();
    struct ck_function_list *calls = pkcs11_module_calls(module);
    ck_session_handle_t session = log_in(calls, CKU_USER, SOFT_TOKEN_PIN);
    struct ck_mechanism mechanism = {.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN};
    unsigned char yes = 1, curve[] = "\x13\x0c"
                                     "edwards25519";
    struct ck_attribute public[] = {
        {CKA_TOKEN, &yes, 1},
        {CKA_LABEL, (void *)label, strlen(label)},
        {CKA_ID, (void *)label, strlen(label)},
        {CKA_EC_PARAMS, curve, sizeof curve - 1},
    };
    struct ck_attribute private[] = {
        {CKA_TOKEN, &yes, 1},   {CKA_LABEL, (void *)label, strlen(label)},
        {CKA_PRIVATE, &yes, 1}, {CKA_ID, (void *)label, strlen(label)},
        {CKA_SIGN, &yes, 1},
    };
    ck_object_handle_t made[2];
    assert_int_equal(
        calls->C_GenerateKeyPair(session, &mechanism, public, 4, private, 5, &made[0], &made[1]),
        CKR_OK);
    (void)calls->C_CloseSession(session);
    pkcs11_module_give(module);
}

static void move(const struct soft_token *token, const char *from, const char *to)
{
    char old[128], new[128];
    (void)snprintf(old, sizeof old, "%s/%s", token->folder, from);
    (void)snprintf(new, sizeof new, "%s/%s", token->folder, to);
    assert_int_equal(rename(old, new), 0);
}

void soft_token_take_away(struct soft_token *token)
{
    char path[128];
    move(token, "tokens", "away");
    (void)snprintf(path, sizeof path, "%s/tokens", token->folder);
    assert_int_equal(mkdir(path, 0700), 0);
}

void soft_token_put_back(struct soft_token *token)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/tokens", token->folder);
    assert_int_equal(rmdir(path), 0);
    move(token, "away", "tokens");
}

struct sign_pkcs11_options soft_token_options(const struct soft_token *token, const char *label)
{
    return (struct sign_pkcs11_options){SOFT_TOKEN_MODULE, SOFT_TOKEN_LABEL, label,
                                        token->pin_file};
}

static void remove_all(const char *path)
{
    char *const argv[] = {(char *)"rm", (char *)"-rf", (char *)path, NULL};
    extern char **environ;
    pid_t child = fork();
    if (child == 0) {
        execve("/bin/rm", argv, environ);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

void soft_token_end(struct soft_token *token)
{
    remove_all(token->folder);
}
