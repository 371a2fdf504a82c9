/* pkcs11_module.h - a token maker's PKCS#11 library in this process; for sign_pkcs11.c only.
 *
 * A library has one state for the whole process, so all keys that name the same path share one
 * module; the last one that lets go ends it. Thread: any. */
#pragma once

#define CRYPTOKI_GNU /* names in our manner */
#include <p11-kit/pkcs11.h>

#include "base/buf.h"

struct pkcs11_module;

/* Loads the library at `path` and initializes it for use by many threads. 0, -ERR_MEMORY, or
 * -ERR_CONFIG with a sentence in `why`. Released with pkcs11_module_give. */
int pkcs11_module_take(const char *path, struct pkcs11_module **ret_module, struct buf *why);
void pkcs11_module_give(struct pkcs11_module *module); /* accepts NULL */
/* Ends and begins the library's state, because many look for tokens only then; every session is
 * gone. Not done, and answered as done, while another key uses it. 0 or -ERR_ABSENT. */
int pkcs11_module_begin_again(struct pkcs11_module *module);
/* Valid until given. */
struct ck_function_list *pkcs11_module_calls(struct pkcs11_module *module);
