"""Two machines and the wire between them, as network namespaces: what is started within
`server_side()` or `client_side()`, threads and programs too, has that machine's network. The wire
loses packets, is cut in one direction, or is narrow. Packets are dropped where they arrive: who
sends does not notice."""
import contextlib
import ctypes
import itertools
import os
import subprocess

CLONE_NEWNET = 0x40000000
SILENT_MARK = 0x66  # a socket with this SO_MARK sends nothing any more, from within one namespace
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = itertools.count(1)


class Unavailable(Exception):
    """There are no network namespaces here, or no packet filter."""


def run(*argv, text=None):
    done = subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f'{argv}: {done.stderr.strip()}')
    return done.stdout


def enter(descriptor):
    """This thread, and what it starts from now on."""
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


@contextlib.contextmanager
def inside(name):
    """The network of this namespace, for this thread."""
    before = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    wanted = os.open(f'/run/netns/{name}', os.O_RDONLY)
    try:
        enter(wanted)
        yield
    finally:
        enter(before)
        os.close(before)
        os.close(wanted)


@contextlib.contextmanager
def namespace():
    """A new one with its loopback; its name."""
    name = f'overround-{os.getpid()}-{next(NUMBERS)}'
    try:
        run('ip', 'netns', 'add', name)
    except FileNotFoundError as error:
        raise Unavailable('no ip') from error
    try:
        run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        yield name
    finally:
        subprocess.run(['ip', 'netns', 'del', name], check=True)


def silence_marked(name):
    """From now on a socket with SILENT_MARK says nothing any more, not even an acknowledgement."""
    filters(name, 'output', f'meta mark {SILENT_MARK} counter drop')


def filters(name, hook, *rules):
    """Instead of those that were there."""
    lines = ['table inet trouble', 'delete table inet trouble', 'table inet trouble {',
             'chain arrivals {', f'type filter hook {hook} priority 0; policy accept;', *rules,
             '}', '}']
    run('ip', 'netns', 'exec', name, 'nft', '-f', '-', text='\n'.join(lines))


def dropped(name):
    """How many packets the present rules have dropped."""
    words = run('ip', 'netns', 'exec', name, 'nft', 'list', 'table', 'inet', 'trouble').split()
    return sum(int(words[n + 1]) for n, word in enumerate(words) if word == 'packets')


class Link:
    """The wire, and what troubles it."""
    server_address = '10.77.0.1'
    client_address = '10.77.0.2'

    def __init__(self, server, client):
        self.server, self.client = server, client
        run('ip', 'link', 'add', 'wire', 'netns', server, 'type', 'veth', 'peer', 'name', 'wire',
            'netns', client)
        for name, address in ((server, self.server_address), (client, self.client_address)):
            run('ip', '-n', name, 'addr', 'add', f'{address}/24', 'dev', 'wire')
            # Packets as on a cable: without this 64 KiB travel, and are lost, as one.
            run('ip', '-n', name, 'link', 'set', 'wire', 'gso_max_segs', '1', 'up')
        self.lose()

    def server_side(self):
        return inside(self.server)

    def client_side(self):
        return inside(self.client)

    def lose(self, to_server=0, to_client=0):
        """Per cent of the packets in each direction; 100 cuts it."""
        for name, percent in ((self.server, to_server), (self.client, to_client)):
            chance = '' if percent == 100 else f'numgen random mod 100 < {percent}'
            filters(name, 'input', f'iifname "wire" {chance} counter drop' if percent else '')

    def lost(self):
        """Packets, to the server and to the clients, since lose()."""
        return dropped(self.server), dropped(self.client)

    @contextlib.contextmanager
    def narrow(self, kbit):
        """What the server sends passes at this rate; a queue of a second is before it."""
        run('tc', '-n', self.server, 'qdisc', 'replace', 'dev', 'wire', 'root', 'tbf', 'rate',
            f'{kbit}kbit', 'burst', '4kb', 'latency', '1s')
        try:
            yield
        finally:
            run('tc', '-n', self.server, 'qdisc', 'del', 'dev', 'wire', 'root')


@contextlib.contextmanager
def link():
    """Two namespaces and their wire."""
    with namespace() as server, namespace() as client:
        yield Link(server, client)
