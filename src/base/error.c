/* error.c - contract in error.h. */
#include "base/error.h"

const char *error_text(int error)
{
    static const char *const texts[] = {"no error",
#define ERR_TEXT(name, text) text,
                                        ERR_LIST(ERR_TEXT)
#undef ERR_TEXT
    };
    unsigned index = error < 0 ? (unsigned)-error : (unsigned)error;
    return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown error";
}
