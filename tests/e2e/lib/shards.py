"""Which shard a user belongs to, by another implementation of SipHash-2-4 (docs/LEDGER.md)."""
import itertools
import os
import shutil
import struct

from .fronts import Front
from .standby import Proxy
from .until import until

KEY = b'overround.shards'
MASK = (1 << 64) - 1


def rotate(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


def round_of(v):
    v[0] = (v[0] + v[1]) & MASK
    v[1] = rotate(v[1], 13) ^ v[0]
    v[0] = rotate(v[0], 32)
    v[2] = (v[2] + v[3]) & MASK
    v[3] = rotate(v[3], 16) ^ v[2]
    v[0] = (v[0] + v[3]) & MASK
    v[3] = rotate(v[3], 21) ^ v[0]
    v[2] = (v[2] + v[1]) & MASK
    v[1] = rotate(v[1], 17) ^ v[2]
    v[2] = rotate(v[2], 32)


def siphash(text, key=KEY):
    low, high = struct.unpack('<QQ', key)
    v = [low ^ 0x736f6d6570736575, high ^ 0x646f72616e646f6d,
         low ^ 0x6c7967656e657261, high ^ 0x7465646279746573]
    words = text + bytes((8 - (len(text) + 1) % 8) % 8) + bytes([len(text) & 255])
    for (word,) in struct.iter_unpack('<Q', words):
        v[3] ^= word
        round_of(v)
        round_of(v)
        v[0] ^= word
    v[2] ^= 0xff
    for _ in range(4):
        round_of(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def shard_of(user, shards):
    return siphash(user.encode()) % shards


def users_of(shard, shards, prefix='user'):
    """Names of its users, without end."""
    return (name for name in (f'{prefix}-{n}' for n in itertools.count(1))
            if shard_of(name, shards) == shard)


def bet_shard(bet_id):
    return int(bet_id) >> 12 & 1023


class Shards:
    """A book of several shards, each a server with a feed, and fronts before all of them."""

    def __init__(self, make, folder, shards, options=()):
        self.shards, self.make, self.folder = shards, make, folder
        self.options = list(options)
        self.books = [self.open(n) for n in range(shards)]
        self.ways = [Proxy(book.server.admin) for book in self.books]
        self.fronts = []

    def open(self, shard):
        """Its server; all have the same secrets."""
        data = self.folder / f'shard-{shard}'
        if shard > 0:
            copy_keys(self.folder / 'shard-0', data)
        return self.make(data, ['--shard', str(shard), '--shards', str(self.shards),
                                *self.options])

    def front(self, *options):
        ways = [f'--book={n}={way.address[0]}:{way.address[1]}' for n, way in enumerate(self.ways)]
        front = Front(str(self.folder / f'front-{len(self.fronts)}'), self.books[0].server, None,
                      '--shards', str(self.shards), *ways, *options).start()
        self.fronts.append(front)
        until(lambda: taking(front) == self.shards)
        return front

    def restart(self, shard):
        self.books[shard].server.start()
        self.ways[shard].target = self.books[shard].server.admin
        self.books[shard].feed.again()

    def market(self, ident, prices):
        for book in self.books:
            book.feed.market(ident, prices)
            assert book.server.get(f'/v1/odds/{ident}').status == 200
        return ident

    def close(self):
        for front in self.fronts:
            front.kill()
        for way in self.ways:
            way.close()
        for book in self.books:
            book.close()


class Desk(Shards):
    """The same with a link of each to its desk, the process of shard 0."""

    def open(self, shard):
        if shard == 0:
            made = super().open(0)
            self.desk_way = Proxy(made.server.admin)
            self.token_file = self.folder / 'desk.token'
            self.token_file.write_text(made.server.token('shard-1', 'shard') + '\n')
            return made
        host, port = self.desk_way.address
        data = self.folder / f'shard-{shard}'
        copy_keys(self.folder / 'shard-0', data)
        return self.make(data, ['--shard', str(shard), '--shards', str(self.shards),
                                '--desk', f'{host}:{port}', '--desk-token', str(self.token_file),
                                *self.options])

    def restart(self, shard):
        super().restart(shard)
        if shard == 0:
            self.desk_way.target = self.books[0].server.admin

    def granted(self):
        """Whether all others may take bets."""
        return all(book.server.metric('overround_desk_granted') == 1 for book in self.books[1:])

    def close(self):
        self.desk_way.close()
        super().close()


def copy_keys(of, to):
    """Secrets that every process of a book has; not those of its users."""
    os.makedirs(to / 'keys', mode=0o700)
    for name in 'jwt-hs256.key', 'personal-master.key':
        shutil.copy(of / 'keys' / name, to / 'keys')


def taking(front):
    """How many shards' books a front sees taking bets."""
    return front.metric('overround_link_takes_bets')
