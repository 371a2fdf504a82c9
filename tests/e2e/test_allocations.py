"""Reads of prices and bets ask for no memory: every allocation of the running program is counted by
a library that is loaded before it (lib/count_allocations.c)."""
import mmap
import os
import socket
import struct

import pytest
from conftest import make
from lib.http import dumps
from lib.server import BINARY
from lib.ws import TEXT

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
        self.book = make(folder / 'data', ['--head-interval-ms', '20'],  # soon a receipt
                         environment={'LD_PRELOAD': COUNTER, 'COUNT_ALLOCATIONS': str(path)})
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
            head, end, body = text[text.rindex(b'HTTP/1.1 '):].partition(b'\r\n\r\n')
            named = [line for line in head.split(b'\r\n') if line.startswith(b'Content-Length: ')]
            seen -= not end or len(body) < (int(named[0][16:]) if named else 0)
    return text


def beat(counted):
    """The feed's heart beats beside the test at any time: so it has done here before."""
    counted.book.feed.send({'ct': 'HEARTBEAT'})


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
        beat(counted)
        before = counted.of_loop()
        for _ in range(50):
            for status, kind in zip((b' 200 ', b' 200 ', b' 304 ', b' 404 '), kinds):
                assert answers(connection, kind, 1).count(status) == 1
                assert answers(connection, kind * 16, 16).count(status) == 16
        assert counted.of_loop() - before == 0


class HttpBets:
    """Bets of one customer, sent together over one connection."""

    def __init__(self, bettor):
        self.bettor, self.http = bettor, bettor.http

    def send(self, keys, slip):
        for key in keys:
            self.http.begin('POST', '/v1/bets', slip, self.bettor.token, {'Idempotency-Key': key})

    def codes(self, count):
        return [self.http.response().status for _ in range(count)]


class WsBets:
    """The same over a stream, to which the customer's own bets and money are pushed as well."""

    def __init__(self, bettor):
        self.ws = bettor.server.websocket(token=bettor.token)
        assert self.ws.handshake.status == 101

    def send(self, keys, slip):
        asked = [{'op': 'place_bet', 'id': k, 'idempotency_key': k, 'bet': slip} for k in keys]
        self.ws.http.send(b''.join(self.ws.frame(TEXT, dumps(ask).encode()) for ask in asked))

    def codes(self, count):
        """Reads to the last receipt: nothing more comes of these bets."""
        seen = {'bet': [], 'receipt': [], 'bet_update': []}
        while len(seen['bet']) < count or len(seen['receipt']) < count:
            message = self.ws.receive()
            seen[message['op']].append(message.get('code'))
        assert len(seen['bet_update']) == count
        return seen['bet']


@pytest.mark.parametrize('bets_of', [HttpBets, WsBets])
def test_a_bet_allocates_nothing(counted, bets_of):
    bettors = [counted.book.bettor() for _ in range(8)]
    slip = bettors[0].slip(counted.markets[0], 11, stake='0.01')
    customers = [(bettor, bets_of(bettor)) for bettor in bettors]

    def place(count, chosen):
        for bettor, bets in chosen:
            bets.send([bettor.key() for _ in range(count)], slip)
        for _, bets in chosen:
            assert bets.codes(count) == [201] * count

    # What is made once, and more of it than is ever in use below: a round there has half as many
    # customers and bets as here, and begins when everything of the one before has been read.
    for _ in range(3):
        place(16, customers)
        beat(counted)
    before = counted.of_loop()
    for _ in range(20):
        place(1, customers[:4])
        place(8, customers[:4])
    assert counted.of_loop() - before == 0
