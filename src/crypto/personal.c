/* personal.c - contract in personal.h.
 *
 * File: the head slot, then the slot of user n at (n + 1) * 64; little-endian.
 *   slot   nonce 12, wrapped key 32, tag 16, crc32c 4 of the user number and the 60 bytes
 *   head   the same, wrapping a known text: it tells another master key from damage
 *   none   64 zero bytes, or beyond the file's end
 *   erased 60 zero bytes and the word ERASED
 * A slot lies within one sector, so it is written whole or not at all. */
#include "crypto/personal.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"

#define KEY_BYTES   32
#define NONCE_BYTES 12
#define TAG_BYTES   16
#define SLOT_BYTES  PERSONAL_SLOT_BYTES
#define NONCES      64 /* drawn at once: a system call per seal would cost as much as the seal */
#define ERASED      UINT32_C(0x5DA53E12)
#define HEAD_NUMBER UINT32_MAX /* stands for a user number in the head's checks */

_Static_assert(NONCE_BYTES + KEY_BYTES + TAG_BYTES + 4 == SLOT_BYTES, "a slot is full");
_Static_assert(NONCE_BYTES + TAG_BYTES == PERSONAL_OVERHEAD_BYTES, "nonce and tag");

enum state { STATE_UNREAD = 0, STATE_NONE, STATE_KEY, STATE_ERASED };

struct slot {
    unsigned char nonce[NONCE_BYTES], wrapped[KEY_BYTES], tag[TAG_BYTES];
    uint32_t crc;
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "as on disk");

/* A key as it is used. */
struct cached {
    uint32_t state; /* enum state */
    unsigned char key[KEY_BYTES];
    uint32_t unused;
};

struct personal_keys {
    struct personal_medium medium; /* owned; close NULL: none */
    size_t count_max;
    struct cached *cached; /* owned; by user number */
    EVP_CIPHER *cipher;    /* owned */
    EVP_CIPHER_CTX *work;  /* owned */
    unsigned char master[PERSONAL_MASTER_BYTES];
    unsigned char nonces[NONCES][NONCE_BYTES];
    int nonces_left;
};

/* --- AES-256-GCM --- */

/* What binds a ciphertext to its place and purpose. */
struct place {
    char purpose[12];
    uint32_t number; /* little-endian */
};

static struct place place_of(const char *purpose, uint32_t number)
{
    struct place place = {{0}, htole32(number)};
    memcpy(place.purpose, purpose, strlen(purpose));
    return place;
}

/* What the beginning of a cipher names: the cipher the first time, afterwards none. Named again,
 * libcrypto would free what it keeps for it and ask for memory anew, for every field. */
static const EVP_CIPHER *cipher_once(const struct personal_keys *keys)
{
    return EVP_CIPHER_CTX_get0_cipher(keys->work) == NULL ? keys->cipher : NULL;
}

/* nonce -> ciphertext and tag. */
static int encrypt(struct personal_keys *keys, const unsigned char *key, struct place place,
                   struct slice text, unsigned char *sealed)
{
    EVP_CIPHER_CTX *work = keys->work;
    unsigned char *at = sealed + NONCE_BYTES;
    int bytes = 0, last = 0;
    bool ok =
        EVP_EncryptInit_ex2(work, cipher_once(keys), key, sealed, NULL) == 1 &&
        EVP_EncryptUpdate(work, NULL, &bytes, (const unsigned char *)&place, sizeof place) == 1 &&
        (text.bytes == 0 || EVP_EncryptUpdate(work, at, &bytes, (const unsigned char *)text.at,
                                              (int)text.bytes) == 1) &&
        EVP_EncryptFinal_ex(work, at + text.bytes, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, at + text.bytes) == 1;
    return ok ? 0 : -ERR_CRYPTO;
}

/* 0, or PERSONAL_FORGED. */
static int decrypt(struct personal_keys *keys, const unsigned char *key, struct place place,
                   struct slice sealed, unsigned char *text)
{
    EVP_CIPHER_CTX *work = keys->work;
    const unsigned char *nonce = (const unsigned char *)sealed.at;
    size_t text_bytes = sealed.bytes - PERSONAL_OVERHEAD_BYTES;
    unsigned char tag[TAG_BYTES], none[1];
    int bytes = 0, last = 0;
    memcpy(tag, nonce + NONCE_BYTES + text_bytes, sizeof tag);
    bool ok =
        EVP_DecryptInit_ex2(work, cipher_once(keys), key, nonce, NULL) == 1 &&
        EVP_DecryptUpdate(work, NULL, &bytes, (const unsigned char *)&place, sizeof place) == 1 &&
        (text_bytes == 0 ||
         EVP_DecryptUpdate(work, text, &bytes, nonce + NONCE_BYTES, (int)text_bytes) == 1) &&
        EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
        EVP_DecryptFinal_ex(work, none, &last) == 1;
    return ok ? 0 : PERSONAL_FORGED;
}

static void draw_nonce(struct personal_keys *keys, unsigned char *to)
{
    if (keys->nonces_left == 0) {
        keys->medium.random(keys->medium.owner, keys->nonces, sizeof keys->nonces);
        keys->nonces_left = NONCES;
    }
    memcpy(to, keys->nonces[--keys->nonces_left], NONCE_BYTES);
}

/* --- slots --- */

static uint32_t slot_crc(const struct slot *slot, uint32_t number)
{
    uint32_t little = htole32(number);
    return htole32(crc32c(crc32c(0, &little, sizeof little), slot, SLOT_BYTES - sizeof slot->crc));
}

static int wrap(struct personal_keys *keys, const char *purpose, uint32_t number,
                const unsigned char key[KEY_BYTES], struct slot *ret)
{
    draw_nonce(keys, ret->nonce);
    TRY(encrypt(keys, keys->master, place_of(purpose, number), slice_of(key, KEY_BYTES),
                (unsigned char *)ret));
    ret->crc = slot_crc(ret, number);
    return 0;
}

/* The slot's state, with its key when it has one; -ERR_CORRUPT. */
static int unwrap(struct personal_keys *keys, const char *purpose, uint32_t number,
                  const struct slot *slot, unsigned char ret_key[KEY_BYTES])
{
    static const struct slot zeros;
    if (memcmp(slot, &zeros, SLOT_BYTES - sizeof slot->crc) == 0 &&
        (slot->crc == 0 || slot->crc == htole32(ERASED)))
        return slot->crc == 0 ? STATE_NONE : STATE_ERASED;
    if (slot->crc != slot_crc(slot, number))
        return -ERR_CORRUPT;
    struct slice sealed = slice_of(slot, SLOT_BYTES - sizeof slot->crc);
    int result = decrypt(keys, keys->master, place_of(purpose, number), sealed, ret_key);
    return result == 0 ? STATE_KEY : -ERR_CORRUPT;
}

bool personal_slot_is_sound(uint64_t index, const void *at)
{
    static const struct slot zeros;
    struct slot slot;
    memcpy(&slot, at, sizeof slot);
    if (index > HEAD_NUMBER)
        return false;
    if (memcmp(&slot, &zeros, SLOT_BYTES - sizeof slot.crc) == 0)
        return slot.crc == 0 || slot.crc == htole32(ERASED);
    return slot.crc == slot_crc(&slot, index == 0 ? HEAD_NUMBER : (uint32_t)(index - 1));
}

enum personal_slot_state personal_slot_state(const void *at)
{
    static const struct slot zeros;
    struct slot slot;
    memcpy(&slot, at, sizeof slot);
    if (memcmp(&slot, &zeros, SLOT_BYTES - sizeof slot.crc) != 0)
        return PERSONAL_SLOT_KEY;
    return slot.crc == 0 ? PERSONAL_SLOT_NONE : PERSONAL_SLOT_ERASED;
}

void personal_slot_erase(void *ret_slot)
{
    const struct slot slot = {.crc = htole32(ERASED)};
    memcpy(ret_slot, &slot, sizeof slot);
}

static uint64_t slot_offset(uint32_t user)
{
    return ((uint64_t)user + 1) * SLOT_BYTES;
}

static int write_slot(const struct personal_keys *keys, uint64_t offset, const struct slot *slot)
{
    const struct personal_medium *medium = &keys->medium;
    TRY(medium->write(medium->owner, offset, slot, SLOT_BYTES));
    return medium->sync(medium->owner);
}

/* 1 when it was read, 0 when the file ends before it. A part of a slot at the end is the rest of
 * a write that was never made durable, so it counts as none. */
static int read_slot(struct personal_keys *keys, uint64_t offset, struct slot *ret)
{
    size_t got = 0;
    TRY(keys->medium.read(keys->medium.owner, offset, ret, SLOT_BYTES, &got));
    return got == SLOT_BYTES;
}

/* The user's state (an enum state other than STATE_UNREAD) with its key in *ret. */
static int look_up(struct personal_keys *keys, uint32_t user, struct cached **ret)
{
    if (user >= keys->count_max)
        return -ERR_LIMIT;
    struct cached *cached = &keys->cached[user];
    *ret = cached;
    if (cached->state != STATE_UNREAD)
        return (int)cached->state;
    struct slot slot;
    int state = STATE_NONE;
    int read = read_slot(keys, slot_offset(user), &slot);
    TRY(read);
    if (read == 1)
        state = unwrap(keys, "key", user, &slot, cached->key);
    TRY(state);
    cached->state = (uint32_t)state;
    return state;
}

static int outcome_of(int state)
{
    switch ((enum state)state) {
    case STATE_KEY:
        return PERSONAL_OK;
    case STATE_ERASED:
        return PERSONAL_ERASED;
    case STATE_UNREAD:
    case STATE_NONE:
        break;
    }
    return PERSONAL_NO_KEY;
}

/* --- opening --- */

/* What the head slot wraps. */
static const unsigned char head_text[KEY_BYTES] = "overround personal keys, head";

/* Checks the head, or writes it into a file that has none yet: nothing else is then in it. */
static int check_head(struct personal_keys *keys)
{
    struct slot slot;
    int read = read_slot(keys, 0, &slot);
    TRY(read);
    if (read == 0) {
        TRY(wrap(keys, "head", HEAD_NUMBER, head_text, &slot));
        return write_slot(keys, 0, &slot);
    }
    return personal_keys_check_head(keys, &slot);
}

static int set_up(struct personal_keys *keys)
{
    void *memory = mmap(NULL, keys->count_max * sizeof(struct cached), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -ERR_MEMORY;
    keys->cached = memory;
    (void)madvise(memory, keys->count_max * sizeof(struct cached), MADV_DONTDUMP);
    keys->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    keys->work = EVP_CIPHER_CTX_new();
    if (keys->cipher == NULL || keys->work == NULL)
        return -ERR_CRYPTO;
    return check_head(keys);
}

static int keys_new(const unsigned char master[PERSONAL_MASTER_BYTES], size_t count_max,
                    struct personal_keys **ret)
{
    struct personal_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return -ERR_MEMORY;
    keys->count_max = count_max;
    memcpy(keys->master, master, sizeof keys->master);
    *ret = keys;
    return 0;
}

int personal_keys_open_on(const struct personal_medium *medium,
                          const unsigned char master[PERSONAL_MASTER_BYTES], size_t count_max,
                          struct personal_keys **ret)
{
    ASSERT(count_max >= 1);
    ASSERT(count_max < HEAD_NUMBER);
    struct personal_keys *keys = NULL;
    int result = keys_new(master, count_max, &keys);
    if (result < 0) {
        medium->close(medium->owner);
        return result;
    }
    keys->medium = *medium;
    result = set_up(keys);
    if (result < 0) {
        personal_keys_free(keys);
        return result;
    }
    *ret = keys;
    return 0;
}

void personal_keys_free(struct personal_keys *keys)
{
    if (keys == NULL)
        return;
    if (keys->cached != NULL) /* unmapped memory is zeroed before anybody gets it */
        (void)munmap(keys->cached, keys->count_max * sizeof(struct cached));
    EVP_CIPHER_CTX_free(keys->work);
    EVP_CIPHER_free(keys->cipher);
    keys->medium.close(keys->medium.owner);
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

/* --- users --- */

/* A write that may not be durable must not be found later as if it were: the page cache could
 * show a key that the disk does not hold. The key was never used, so taking it back is safe
 * whichever of the two the disk has in the end. */
static void take_back(struct personal_keys *keys, uint32_t user)
{
    static const struct slot zeros;
    (void)keys->medium.write(keys->medium.owner, slot_offset(user), &zeros, SLOT_BYTES);
}

int personal_key_make(struct personal_keys *keys, uint32_t user)
{
    struct cached *cached;
    struct slot slot;
    int state = look_up(keys, user, &cached);
    if (state != STATE_NONE)
        return state < 0 ? state : outcome_of(state);
    unsigned char key[KEY_BYTES];
    keys->medium.random(keys->medium.owner, key, sizeof key);
    int result = wrap(keys, "key", user, key, &slot);
    if (result == 0) {
        result = write_slot(keys, slot_offset(user), &slot);
        if (result < 0)
            take_back(keys, user);
    }
    if (result == 0) {
        memcpy(cached->key, key, sizeof key);
        cached->state = STATE_KEY;
    }
    OPENSSL_cleanse(key, sizeof key);
    return result;
}

/* --- keys made ahead --- */

/* Fills the slots of the run: those there are, and new ones where there is none. The new keys stay
 * in `cached` with STATE_NONE until they are written. */
static int fill_run(struct personal_keys *keys, uint32_t first, uint32_t count, struct slot *run)
{
    for (uint32_t i = 0; i < count; i++) {
        struct cached *cached;
        int state = look_up(keys, first + i, &cached);
        TRY(state);
        if (state == STATE_NONE) {
            keys->medium.random(keys->medium.owner, cached->key, sizeof cached->key);
            TRY(wrap(keys, "key", first + i, cached->key, &run[i]));
            continue;
        }
        int read = read_slot(keys, slot_offset(first + i), &run[i]);
        if (read != 1)
            return read < 0 ? read : -ERR_IO;
    }
    return 0;
}

int personal_keys_write(struct personal_keys *keys, uint32_t first, uint32_t count)
{
    static struct slot run[PERSONAL_AHEAD_MAX]; /* wrapped keys only; one user of all functions */
    if (count > PERSONAL_AHEAD_MAX || first >= keys->count_max || keys->count_max - first < count)
        return -ERR_LIMIT;
    TRY(fill_run(keys, first, count, run));
    int written =
        keys->medium.write(keys->medium.owner, slot_offset(first), run, count * sizeof *run);
    if (written < 0) {
        personal_keys_take_back(keys, first, count);
        return written;
    }
    for (uint32_t i = 0; i < count; i++)
        if (keys->cached[first + i].state == STATE_NONE)
            keys->cached[first + i].state = STATE_KEY;
    return 0;
}

void personal_keys_take_back(struct personal_keys *keys, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (keys->cached[i].state == STATE_ERASED)
            continue;
        OPENSSL_cleanse(keys->cached[i].key, sizeof keys->cached[i].key);
        keys->cached[i].state = STATE_NONE;
        take_back(keys, i);
    }
}

int personal_keys_rewrite(const struct personal_keys *keys, uint32_t first, uint32_t count)
{
    struct slot run[PERSONAL_AHEAD_MAX]; /* wrapped keys only */
    const struct personal_medium *medium = &keys->medium;
    size_t bytes = count * sizeof *run, got = 0;
    if (count > PERSONAL_AHEAD_MAX || first >= keys->count_max || keys->count_max - first < count)
        return -ERR_LIMIT;
    TRY(medium->read(medium->owner, slot_offset(first), run, bytes, &got));
    return medium->write(medium->owner, slot_offset(first), run, got / SLOT_BYTES * SLOT_BYTES);
}

int personal_keys_sync(const struct personal_keys *keys)
{
    return keys->medium.sync(keys->medium.owner);
}

uint64_t personal_file_bytes(uint64_t user_last)
{
    return user_last >= UINT32_MAX ? UINT64_MAX : (user_last + 2) * SLOT_BYTES;
}

uint32_t personal_keys_slots(const struct personal_keys *keys)
{
    uint64_t bytes = 0;
    if (keys->medium.size(keys->medium.owner, &bytes) < 0 || bytes < SLOT_BYTES)
        return 0;
    uint64_t slots = bytes / SLOT_BYTES - 1;
    return slots < keys->count_max ? (uint32_t)slots : (uint32_t)keys->count_max;
}

/* --- slots that stand elsewhere --- */

static bool is_run(const struct personal_keys *keys, uint32_t first, uint32_t count)
{
    return count <= PERSONAL_AHEAD_MAX && first < keys->count_max &&
           keys->count_max - first >= count;
}

int personal_keys_read(const struct personal_keys *keys, uint32_t first, uint32_t count,
                       void *ret_slots)
{
    size_t bytes = (size_t)count * SLOT_BYTES, got = 0;
    if (!is_run(keys, first, count))
        return -ERR_LIMIT;
    TRY(keys->medium.read(keys->medium.owner, slot_offset(first), ret_slots, bytes, &got));
    got -= got % SLOT_BYTES;
    memset((char *)ret_slots + got, 0, bytes - got);
    return 0;
}

int personal_keys_fill(struct personal_keys *keys, uint32_t first, uint32_t count, void *ret_slots)
{
    static struct slot run[PERSONAL_AHEAD_MAX]; /* wrapped keys only; one user of all functions */
    if (!is_run(keys, first, count))
        return -ERR_LIMIT;
    int error = fill_run(keys, first, count, run);
    for (uint32_t i = first; i < first + count; i++) /* they are nobody's yet: to be read */
        if (keys->cached[i].state == STATE_NONE)
            OPENSSL_cleanse(&keys->cached[i], sizeof keys->cached[i]);
    if (error == 0)
        memcpy(ret_slots, run, count * sizeof *run);
    return error;
}

int personal_keys_put(const struct personal_keys *keys, uint32_t first, uint32_t count,
                      const void *slots)
{
    if (!is_run(keys, first, count))
        return -ERR_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        if (!personal_slot_is_sound((uint64_t)first + i + 1, (const char *)slots + i * SLOT_BYTES))
            return -ERR_FORMAT;
    return keys->medium.write(keys->medium.owner, slot_offset(first), slots,
                              (size_t)count * SLOT_BYTES);
}

void personal_keys_forget(struct personal_keys *keys)
{
    int dropped = madvise(keys->cached, keys->count_max * sizeof(struct cached), MADV_DONTNEED);
    ASSERT(dropped == 0); /* of memory that is ours; pages are zeros when they are used again */
    /* The context's key schedule may be of one that is no more. */
    (void)EVP_CIPHER_CTX_reset(keys->work);
}

int personal_keys_head(const struct personal_keys *keys, void *ret_slot)
{
    size_t got = 0;
    TRY(keys->medium.read(keys->medium.owner, 0, ret_slot, SLOT_BYTES, &got));
    return got == SLOT_BYTES ? 0 : -ERR_IO;
}

int personal_keys_check_head(struct personal_keys *keys, const void *at)
{
    struct slot slot;
    unsigned char text[KEY_BYTES];
    memcpy(&slot, at, sizeof slot);
    if (slot.crc != slot_crc(&slot, HEAD_NUMBER))
        return -ERR_CORRUPT;
    int state = unwrap(keys, "head", HEAD_NUMBER, &slot, text);
    bool ours = state == STATE_KEY && memcmp(text, head_text, sizeof text) == 0;
    return ours ? 0 : -ERR_CONFIG;
}

int personal_seal(struct personal_keys *keys, uint32_t user, struct slice text,
                  unsigned char *ret_sealed)
{
    struct cached *cached;
    if (text.bytes > PERSONAL_TEXT_BYTES_MAX)
        return -ERR_LIMIT;
    int state = look_up(keys, user, &cached);
    if (state != STATE_KEY)
        return state < 0 ? state : outcome_of(state);
    draw_nonce(keys, ret_sealed);
    return encrypt(keys, cached->key, place_of("field", user), text, ret_sealed);
}

int personal_open(struct personal_keys *keys, uint32_t user, struct slice sealed,
                  unsigned char *ret_text)
{
    struct cached *cached;
    int state = look_up(keys, user, &cached);
    if (state != STATE_KEY)
        return state < 0 ? state : outcome_of(state);
    if (sealed.bytes < PERSONAL_OVERHEAD_BYTES ||
        sealed.bytes > PERSONAL_TEXT_BYTES_MAX + PERSONAL_OVERHEAD_BYTES)
        return PERSONAL_FORGED;
    return decrypt(keys, cached->key, place_of("field", user), sealed, ret_text);
}

int personal_erase(struct personal_keys *keys, uint32_t user)
{
    static const struct slot zeros;
    if (user >= keys->count_max)
        return -ERR_LIMIT;
    struct cached *cached = &keys->cached[user];
    OPENSSL_cleanse(cached->key, sizeof cached->key);
    cached->state = STATE_ERASED;
    struct slot slot = zeros;
    slot.crc = htole32(ERASED);
    /* Also when it is erased already: an earlier try may have failed after memory was cleared. */
    int result = write_slot(keys, slot_offset(user), &slot);
    /* The context's key schedule may be of this user's key. */
    (void)EVP_CIPHER_CTX_reset(keys->work);
    return result;
}
