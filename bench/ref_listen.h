/* ref_listen.h - where the bare responder and the bare sender listen. */
#pragma once

/* A listening socket at a port of the kernel's choice on 127.0.0.1, written to standard output as
 * `scheme`127.0.0.1:PORT and a line's end; -1 and errno: there is none. */
int ref_listen(const char *scheme);
