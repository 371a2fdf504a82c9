"""Ports of 127.0.0.1 for who is started later: not of those that the kernel gives to whoever
connects or asks for any, or a connection of somebody else might have one by then. As a program:
prints one, or as many as are asked for, a line each; with --bus such that the number plus 10000 is
free as well, as a node of a Redis cluster needs."""
import random
import socket
import sys

BUS = 10000
LOWEST = 10000
RANGE = '/proc/sys/net/ipv4/ip_local_port_range'
TRIES_MAX = 10000
given = set()  # to who may not have begun yet


def kernels_lowest():
    with open(RANGE, encoding='ascii') as file:
        return int(file.read().split()[0])


def bind(port):
    """A socket that has the port, or None."""
    found = socket.socket()
    try:
        found.bind(('127.0.0.1', port))
    except OSError:
        found.close()
        return None
    return found


def take(bus):
    """Sockets that have a port and, with `bus`, the other one."""
    highest = kernels_lowest() - 1 - (BUS if bus else 0)
    for _ in range(TRIES_MAX):
        # Where the kernel gives nearly all of them, one of those has to do.
        port = random.randint(LOWEST, highest) if highest > LOWEST + 1000 else \
            random.randint(LOWEST, 65535 - BUS)
        numbers = [port, port + BUS] if bus else [port]
        if given.intersection(numbers):
            continue
        found = [bind(number) for number in numbers]
        if None not in found:
            given.update(numbers)
            return found
        for one in found:
            if one:
                one.close()
    raise OSError('no free port')


def free_ports(count, bus=False):
    """All different, and none that this process has been given before."""
    taken = [take(bus) for _ in range(count)]
    ports = [sockets[0].getsockname()[1] for sockets in taken]
    for sockets in taken:
        for one in sockets:
            one.close()
    return ports


if __name__ == '__main__':
    COUNTS = [int(word) for word in sys.argv[1:] if word != '--bus']
    print(*free_ports(COUNTS[0] if COUNTS else 1, '--bus' in sys.argv), sep='\n')
