"""Which shard a user belongs to, by another implementation of SipHash-2-4 (docs/LEDGER.md)."""
import itertools
import struct

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
