/* personal.h - personal fields sealed under a key per user, so that erasing a person from a
 * ledger that never forgets is destroying one key (DESIGN part 8; GDPR art. 17).
 *
 * AES-256-GCM with a fresh random nonce and the user's number as associated data: a sealed
 * field moved to another user does not open. Sealed form: nonce 12, ciphertext, tag 16.
 *
 * The keys are in one file of 64-byte slots by user number, outside the ledger, each wrapped by
 * AES-256-GCM under a master key that is in another file, so either file alone is useless, and
 * a backup of the ledger holds neither. Erasing overwrites the slot and makes that durable before
 * it answers; a copy-on-write file system, a flash controller and backups of the key file
 * may keep old blocks, so operations must back the two key files up apart from the ledger and
 * for a short time only.
 *
 * Memory: 40 bytes for each user seen since start, mapped for all, excluded from core files.
 * The file is locked: one process at a time. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define PERSONAL_OVERHEAD_BYTES 28
#define PERSONAL_MASTER_BYTES   32
#define PERSONAL_TEXT_BYTES_MAX 4096

struct personal_keys;

/* Refusals, as positive results of the functions below. */
enum personal_outcome {
    PERSONAL_OK = 0,
    PERSONAL_NO_KEY, /* personal_key_make was never called for this user */
    PERSONAL_ERASED, /* the key was destroyed, for ever */
    PERSONAL_FORGED, /* not sealed by this key, or changed since */
};

/* Opens (or makes) the file `name` in the folder (a descriptor, see key_files_open) for users 0
 * to count_max - 1. `master` is copied. 0; -ERR_IO; -ERR_MEMORY; -ERR_BUSY when another process has
 * it; -ERR_CONFIG for a file that others can reach, or another master key; -ERR_CORRUPT. The caller
 * owns *ret and ends it with personal_keys_free (accepts NULL). */
int personal_keys_open(int folder, const char *name,
                       const unsigned char master[PERSONAL_MASTER_BYTES], size_t count_max,
                       struct personal_keys **ret);
void personal_keys_free(struct personal_keys *keys);

/* Where the slots are, and where keys and nonces come from, for those who keep them elsewhere than
 * in a file of the folder: 0 or a negative error. Thread: sync may be called beside the others. */
struct personal_medium {
    int (*read)(void *owner, uint64_t offset, void *to, size_t bytes, size_t *ret_bytes);
    int (*write)(void *owner, uint64_t offset, const void *from, size_t bytes);
    int (*sync)(void *owner);
    int (*size)(void *owner, uint64_t *ret_bytes);
    void (*close)(void *owner);
    void (*random)(void *owner, void *to, size_t bytes);
    void *owner;
};
/* As personal_keys_open(); takes the medium, which is closed by personal_keys_free or a failure. */
int personal_keys_open_on(const struct personal_medium *medium,
                          const unsigned char master[PERSONAL_MASTER_BYTES], size_t count_max,
                          struct personal_keys **ret);

/* Makes the user's key, durable when it returns (an fdatasync: when an account is opened, never
 * on the bet path). PERSONAL_OK also when there is one; PERSONAL_ERASED; -ERR_IO (may be tried
 * again) or -ERR_NO_SPACE; -ERR_LIMIT beyond count_max; -ERR_CORRUPT for a damaged slot. */
int personal_key_make(struct personal_keys *keys, uint32_t user);

/* Keys made ahead, so that nobody waits for a disk when an account is opened. write makes one for
 * each of the users first .. first + count - 1 who has none and writes them in one piece; they may
 * be used only after a sync that was called behind it has answered 0. take_back undoes a write
 * whose sync failed. 0; -ERR_LIMIT (beyond count_max, or count above PERSONAL_AHEAD_MAX), -ERR_IO,
 * -ERR_NO_SPACE, -ERR_CORRUPT, -ERR_CRYPTO: then none of them was made. */
#define PERSONAL_AHEAD_MAX 1024
int personal_keys_write(struct personal_keys *keys, uint32_t first, uint32_t count);
void personal_keys_take_back(struct personal_keys *keys, uint32_t first, uint32_t count);
/* Writes these slots once more, as they are: a sync that failed may have left some that are read
 * and are not on the disk. 0; -ERR_LIMIT as above, or the medium's error. */
int personal_keys_rewrite(const struct personal_keys *keys, uint32_t first, uint32_t count);
/* 0 or -ERR_IO. Thread: any, beside one user of the other functions. */
int personal_keys_sync(const struct personal_keys *keys);
/* Bytes of a key file with the slots of users 0 .. user_last and no more; UINT64_MAX: no limit. */
uint64_t personal_file_bytes(uint64_t user_last);
/* Slots that the file has: users from this number on have no key. 0 also after -ERR_IO. */
uint32_t personal_keys_slots(const struct personal_keys *keys);

/* Is this what the file may have in place `index` (0: the head, n + 1: user n): nobody's, erased,
 * or with its checksum right? Without the master key more cannot be told. Thread: any. */
bool personal_slot_is_sound(uint64_t index, const void *slot);

/* --- slots that stand elsewhere, of which the file is a copy (ports/personal_store.h) --- */

#define PERSONAL_SLOT_BYTES 64
enum personal_slot_state { PERSONAL_SLOT_NONE = 0, PERSONAL_SLOT_KEY, PERSONAL_SLOT_ERASED };
/* What a sound slot says without the master key; and the one that says: erased. Thread: any. */
enum personal_slot_state personal_slot_state(const void *slot);
void personal_slot_erase(void *ret_slot);

/* The slots of users first .. first + count - 1, at most PERSONAL_AHEAD_MAX, of PERSONAL_SLOT_BYTES
 * each. fill: as the file has them, with a new key for each who has none; nothing is written. read:
 * as the file has them, zeros where it has none. put: writes them, which must be sound
 * (-ERR_FORMAT); a sync is due before they are durable, and personal_keys_forget before the owner
 * uses what was put over something. Thread of read and put: any, beside one user of the others.
 * 0; -ERR_LIMIT, -ERR_IO, -ERR_NO_SPACE, -ERR_CORRUPT, -ERR_CRYPTO. */
int personal_keys_fill(struct personal_keys *keys, uint32_t first, uint32_t count, void *ret_slots);
int personal_keys_read(const struct personal_keys *keys, uint32_t first, uint32_t count,
                       void *ret_slots);
int personal_keys_put(const struct personal_keys *keys, uint32_t first, uint32_t count,
                      const void *slots);
/* No key is in memory any more: each is read again at its next use. */
void personal_keys_forget(struct personal_keys *keys);
/* The head as the file has it. 0 or -ERR_IO. Does another file's head come from this master key?
 * 0; -ERR_CONFIG: from another one; -ERR_CORRUPT; -ERR_CRYPTO. */
int personal_keys_head(const struct personal_keys *keys, void *ret_slot);
int personal_keys_check_head(struct personal_keys *keys, const void *slot);

/* Seals up to PERSONAL_TEXT_BYTES_MAX bytes into ret_sealed, which has room for text.bytes +
 * PERSONAL_OVERHEAD_BYTES. Reads the slot (64 bytes) at the user's first use since start, and
 * nothing after. An outcome, or -ERR_LIMIT, -ERR_IO, -ERR_CORRUPT, -ERR_CRYPTO. */
int personal_seal(struct personal_keys *keys, uint32_t user, struct slice text,
                  unsigned char *ret_sealed);

/* Opens into ret_text, which has room for sealed.bytes - PERSONAL_OVERHEAD_BYTES (at least 0);
 * what is there after another result than PERSONAL_OK means nothing. Results as above. */
int personal_open(struct personal_keys *keys, uint32_t user, struct slice sealed,
                  unsigned char *ret_text);

/* Destroys the user's key: gone from memory and overwritten on disk when it returns 0. A user
 * without a key is marked erased as well. -ERR_IO (the key may still be on disk: try again;
 * in memory it is gone), -ERR_NO_SPACE, -ERR_LIMIT. */
int personal_erase(struct personal_keys *keys, uint32_t user);

/* What a function here answered, with its refusals, which are positive, as errors: -ERR_NOT_FOUND
 * where there is no key or it was erased, -ERR_CRYPTO of what is forged. */
static inline int personal_error(int result)
{
    switch (result) {
    case PERSONAL_NO_KEY:
    case PERSONAL_ERASED:
        return -ERR_NOT_FOUND;
    case PERSONAL_FORGED:
        return -ERR_CRYPTO;
    default:
        return result;
    }
}
