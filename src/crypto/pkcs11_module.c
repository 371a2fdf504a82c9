/* pkcs11_module.c - contract in pkcs11_module.h. */
#include "crypto/pkcs11_module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define PATH_BYTES_MAX 512

struct pkcs11_module {
    struct pkcs11_module *next;
    unsigned users;
    bool begun;
    void *library; /* owned */
    struct ck_function_list *calls;
    char path[PATH_BYTES_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct pkcs11_module *modules;

static bool begin(struct pkcs11_module *module)
{
    struct ck_c_initialize_args args = {.flags = CKF_OS_LOCKING_OK};
    ck_rv_t rv = module->calls->C_Initialize(&args);
    module->begun = rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
    return module->begun;
}

static void end(struct pkcs11_module *module)
{
    if (module->begun)
        (void)module->calls->C_Finalize(NULL); /* there is nothing to be done about it */
    module->begun = false;
}

static int load(struct pkcs11_module *module, struct buf *why)
{
    /* Never unloaded: some leave threads or handlers behind. */
    module->library = dlopen(module->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module->library == NULL) {
        buf_printf(why, "the PKCS#11 module cannot be loaded: %s", dlerror());
        return -ERR_CONFIG;
    }
    void *symbol = dlsym(module->library, "C_GetFunctionList");
    CK_C_GetFunctionList list = NULL;
    memcpy(&list, &symbol, sizeof list); /* a data pointer is no function pointer in C */
    if (list == NULL || list(&module->calls) != CKR_OK || module->calls == NULL) {
        buf_printf(why, "%s is no PKCS#11 module", module->path);
        return -ERR_CONFIG;
    }
    if (begin(module))
        return 0;
    buf_printf(why, "the PKCS#11 module %s does not begin", module->path);
    return -ERR_CONFIG;
}

static void module_free(struct pkcs11_module *module)
{
    end(module);
    if (module->library != NULL)
        (void)dlclose(module->library);
    free(module);
}

static struct pkcs11_module *find(const char *path)
{
    struct pkcs11_module *module = modules;
    while (module != NULL && strcmp(module->path, path) != 0)
        module = module->next;
    return module;
}

static int pkcs11_module_new(const char *path, struct pkcs11_module **ret_module, struct buf *why)
{
    struct pkcs11_module *module = calloc(1, sizeof *module);
    if (module == NULL)
        return -ERR_MEMORY;
    memcpy(module->path, path, strlen(path));
    int error = load(module, why);
    if (error < 0) {
        module_free(module);
        return error;
    }
    module->next = modules;
    modules = *ret_module = module;
    return 0;
}

int pkcs11_module_take(const char *path, struct pkcs11_module **ret_module, struct buf *why)
{
    int error = 0;
    if (path[0] != '/' || strlen(path) >= PATH_BYTES_MAX) {
        buf_put_text(why, "the path of a PKCS#11 module begins with / and is not longer than 511");
        return -ERR_CONFIG;
    }
    pthread_mutex_lock(&lock);
    struct pkcs11_module *module = find(path);
    if (module == NULL)
        error = pkcs11_module_new(path, &module, why);
    if (error == 0) {
        module->users++;
        *ret_module = module;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

void pkcs11_module_give(struct pkcs11_module *module)
{
    if (module == NULL)
        return;
    pthread_mutex_lock(&lock);
    if (--module->users == 0) {
        struct pkcs11_module **at = &modules;
        while (*at != module)
            at = &(*at)->next;
        *at = module->next;
        module_free(module);
    }
    pthread_mutex_unlock(&lock);
}

int pkcs11_module_begin_again(struct pkcs11_module *module)
{
    pthread_mutex_lock(&lock);
    bool ok = module->users > 1;
    if (!ok) {
        end(module);
        ok = begin(module);
    }
    pthread_mutex_unlock(&lock);
    return ok ? 0 : -ERR_ABSENT;
}

struct ck_function_list *pkcs11_module_calls(struct pkcs11_module *module)
{
    return module->calls;
}
