"""Reads of prices and bets ask for no memory: every allocation of the running program is counted by
a library that is loaded before it (lib/count_allocations.c)."""
import json
import mmap
import os
import socket
import struct

import pytest
from conftest import make
from lib.server import BINARY, run

COUNTER = os.path.join(os.path.dirname(BINARY), 'tests', 'count-allocations.so')
MARKETS = 4


class Counted:
    """A book whose program counts; the counts so far."""

    def __init__(self, folder):
        path = folder / 'allocations'
        path.write_bytes(bytes(16))
        # pylint: disable=consider-using-with
        self.file = open(path, 'r+b')
        self.memory = mmap.mmap(self.file.fileno(), 16)
        self.book = make(folder / 'data', environment={'LD_PRELOAD': COUNTER,
                                                       'COUNT_ALLOCATIONS': str(path)})
        self.markets = [self.book.market(event='77') for _ in range(MARKETS)]
        assert self.of_loop() > 100, 'nothing is counted'

    def of_loop(self):
        return struct.unpack('QQ', self.memory[:])[0]

    def close(self):
        self.book.close()
        self.memory.close()
        self.file.close()


@pytest.fixture(scope='module')
def counted(tmp_path_factory):
    made = Counted(tmp_path_factory.mktemp('counted'))
    yield made
    made.close()


def answers(connection, requests, count):
    """Sends requests together and reads to the end of so many answers with a body."""
    connection.sendall(requests)
    text, seen = b'', 0
    while seen < count:
        piece = connection.recv(1 << 20)
        assert piece, text[-500:]
        text += piece
        seen = text.count(b'HTTP/1.1 ')
        if seen == count:
            head, _, body = text[text.rindex(b'HTTP/1.1 '):].partition(b'\r\n\r\n')
            named = [line for line in head.split(b'\r\n') if line.startswith(b'Content-Length: ')]
            seen -= not head or len(body) < (int(named[0][16:]) if named else 0)
    return text


def get(path, more=''):
    return f'GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n'.encode()


def test_reading_prices_allocates_nothing(counted):
    one, all_of_them = counted.markets[0], ','.join(counted.markets)
    etag = counted.book.server.get(f'/v1/odds/{one}').headers['etag']
    kinds = (get(f'/v1/odds/{one}'), get(f'/v1/odds?market_id={all_of_them}'),
             get(f'/v1/odds/{one}', f'If-None-Match: {etag}\r\n'), get('/v1/odds/1.1'))
    with socket.create_connection(counted.book.server.public) as connection:
        for kind in kinds:  # what is made once: the encoded markets, blocks of an outbox
            answers(connection, kind * 16, 16)
        before = counted.of_loop()
        for _ in range(50):
            for status, kind in zip((b' 200 ', b' 200 ', b' 304 ', b' 404 '), kinds):
                assert answers(connection, kind, 1).count(status) == 1
                assert answers(connection, kind * 16, 16).count(status) == 16
        assert counted.of_loop() - before == 0


@pytest.mark.parametrize('transport', ['http', 'ws'])
def test_a_bet_allocates_nothing(counted, transport):
    def bets(seconds, *more):
        done = run('load', 'bets', '--url', 'http://%s:%d' % counted.book.server.public, '--data',
                   counted.book.server.data, '--channels', 'event:77', '--rate', '1500',
                   '--connections', '24', '--pipeline', '4', '--users', '24', '--warmup', '0',
                   '--user-prefix', transport, '--transport', transport, '--seconds', seconds,
                   *more)
        report = json.loads(done.stdout)
        assert report['codes'] == [{'status': 201, 'code': '', 'count': 1500 * int(seconds)}]

    def asked_for(seconds):
        before = counted.of_loop()
        bets(seconds, '--deposit', '0')
        return counted.of_loop() - before

    bets('1')  # opens the accounts
    bets('1', '--deposit', '0', '--burst', '192')  # many outboxes in use at once
    # Each run of the generator connects, and asks for markets and money; a moment in which the
    # machine did something else leaves more outboxes in use at once than there were before.
    fewer, more = asked_for('1'), asked_for('4')
    assert more - fewer < 4500 // 10, f'{more} for 6,000 bets, {fewer} for 1,500'
