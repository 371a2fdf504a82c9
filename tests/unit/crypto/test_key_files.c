/* test_key_files.c - crypto/key_files.h in a folder of its own. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "crypto/jws.h"
#include "crypto/key_files.h"
#include "temp_folder.h"

static mode_t mode_of(int folder, const char *name)
{
    struct stat stat;
    assert_int_equal(fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW), 0);
    return stat.st_mode & 07777;
}

static void put_file(int folder, const char *name, const char *text, mode_t mode)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void expect_secret(int folder, const char *name, int result, const char *reason)
{
    char text[300] = {0};
    unsigned char secret[KEY_FILES_SECRET_BYTES];
    struct buf why = buf_over(text, sizeof text - 1);
    assert_int_equal(key_files_secret(folder, name, secret, &why), result);
    if (strstr(text, reason) == NULL)
        fail_msg("'%s' does not say '%s'", text, reason);
}

TEST(key_files, makes_a_secret_once_that_only_we_can_read)
{
    char dir[TEMP_FOLDER_BYTES];
    int folder;
    unsigned char first[KEY_FILES_SECRET_BYTES], second[KEY_FILES_SECRET_BYTES],
        other[KEY_FILES_SECRET_BYTES];
    temp_folder_make(dir);
    mode_t mask = umask(0);
    assert_int_equal(key_files_open(dir, &folder, NULL), 0);
    assert_int_equal(mode_of(folder, "."), 0700);
    assert_int_equal(key_files_secret(folder, "jwt-hs256.key", first, NULL), 0);
    assert_int_equal(key_files_secret(folder, "other.key", other, NULL), 0);
    umask(mask);
    assert_int_equal(mode_of(folder, "jwt-hs256.key"), 0600);
    close(folder);
    assert_int_equal(key_files_open(dir, &folder, NULL), 0);
    assert_int_equal(key_files_secret(folder, "jwt-hs256.key", second, NULL), 0);
    assert_memory_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    assert_int_equal(temp_folder_count(folder), 2); /* nothing is left beside them */
    close(folder);
    temp_folder_remove(dir);
}

TEST(key_files, makes_an_ed25519_key_that_signs)
{
    char dir[TEMP_FOLDER_BYTES], memory[KEY_FILES_PEM_BYTES_MAX], again[KEY_FILES_PEM_BYTES_MAX];
    char token_memory[JWS_BYTES_MAX], payload_memory[JWS_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory), second = buf_over(again, sizeof again);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct buf payload = buf_over(payload_memory, sizeof payload_memory);
    struct jws_keys *keys;
    int folder;
    temp_folder_make(dir);
    assert_int_equal(key_files_open(dir, &folder, NULL), 0);
    assert_int_equal(key_files_ed25519(folder, "jwt-ed25519.pem", &pem, NULL), 0);
    assert_int_equal(key_files_ed25519(folder, "jwt-ed25519.pem", &second, NULL), 0);
    assert_true(slice_equal(buf_slice(&pem), buf_slice(&second)));
    assert_int_equal(mode_of(folder, "jwt-ed25519.pem"), 0600);
    assert_int_equal(jws_keys_new(&keys), 0);
    assert_int_equal(jws_keys_add_ed25519_private(keys, SLICE("k"), buf_slice(&pem)), 0);
    assert_int_equal(jws_sign(keys, SLICE("k"), SLICE("hello"), &token), 0);
    assert_int_equal(jws_verify(keys, buf_slice(&token), &payload), JWS_OK);
    jws_keys_free(keys);
    close(folder);
    temp_folder_remove(dir);
}

TEST(key_files, refuses_files_that_others_could_read_or_place)
{
    static const char good[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
    char dir[TEMP_FOLDER_BYTES];
    int folder;
    temp_folder_make(dir);
    assert_int_equal(key_files_open(dir, &folder, NULL), 0);
    put_file(folder, "good", good, 0600);
    put_file(folder, "readonly", good, 0400);
    put_file(folder, "group", good, 0640);
    put_file(folder, "world", good, 0604);
    put_file(folder, "writable", good, 0602);
    assert_int_equal(symlinkat("good", folder, "link"), 0);
    assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
    expect_secret(folder, "good", 0, "");
    expect_secret(folder, "readonly", 0, "");
    expect_secret(folder, "group", -ERR_CONFIG, "group can be reached by group or others");
    expect_secret(folder, "world", -ERR_CONFIG, "chmod");
    expect_secret(folder, "writable", -ERR_CONFIG, "chmod");
    expect_secret(folder, "link", -ERR_CONFIG, "symbolic link");
    expect_secret(folder, "fifo", -ERR_CONFIG, "not a plain file");
    assert_int_equal(fchmod(folder, 0750), 0);
    int again;
    char text[300] = {0};
    struct buf why = buf_over(text, sizeof text - 1);
    assert_int_equal(key_files_open(dir, &again, &why), -ERR_CONFIG);
    assert_non_null(strstr(text, "keys can be reached by group or others"));
    close(folder);
    temp_folder_remove(dir);
}

TEST(key_files, refuses_files_that_hold_no_key_and_does_not_replace_them)
{
    static const char *const bad[] = {
        "",
        "\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
        "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\n",
        "0011223344556677 899aabbccddeeff00112233445566778899aabbccddeeff\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff and more and more\n",
    };
    char dir[TEMP_FOLDER_BYTES];
    int folder;
    temp_folder_make(dir);
    assert_int_equal(key_files_open(dir, &folder, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_file(folder, "k", bad[i], 0600);
        expect_secret(folder, "k", -ERR_CORRUPT, "k ");
        expect_secret(folder, "k", -ERR_CORRUPT, "k ");
    }
    char memory[KEY_FILES_PEM_BYTES_MAX];
    struct buf pem = buf_over(memory, sizeof memory);
    assert_int_equal(key_files_ed25519(folder, "k", &pem, NULL), -ERR_CORRUPT);
    close(folder);
    assert_int_equal(key_files_open("/nonexistent/folder", &folder, NULL), -ERR_IO);
    temp_folder_remove(dir);
}

TEST(key_files, gives_processes_that_begin_at_once_the_same_key)
{
    enum { PROCESSES = 8 };
    char dir[TEMP_FOLDER_BYTES];
    int ends[2];
    unsigned char secret[KEY_FILES_SECRET_BYTES], got[KEY_FILES_SECRET_BYTES];
    temp_folder_make(dir);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            int folder;
            if (key_files_open(dir, &folder, NULL) == 0 &&
                key_files_secret(folder, "k", got, NULL) == 0)
                _exit(write(ends[1], got, sizeof got) == sizeof got ? 0 : 1);
            _exit(1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], i == 0 ? secret : got, sizeof got), sizeof got);
        if (i > 0)
            assert_memory_equal(secret, got, sizeof got);
    }
    close(ends[0]);
    close(ends[1]);
    temp_folder_remove(dir);
}
