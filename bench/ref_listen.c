/* ref_listen.c - contract in ref_listen.h. */
#include "ref_listen.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int ref_listen(const char *scheme)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4096) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1; /* whoever called ends */
    printf("%s127.0.0.1:%d\n", scheme, ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}
