"""The binary form of the stream: the same messages in CBOR, read by a decoder that others wrote."""
import json
import re
from decimal import Decimal
from pathlib import Path

import cbor2
import pytest
from lib.binary import KEYS, PROTOCOL, WORDS, plain
from lib.http import dumps
from lib.ws import TEXT


class Binary:
    """A socket that speaks it."""

    def __init__(self, book, token=None, **named):
        protocols = PROTOCOL if token is None else f'{PROTOCOL}, bearer.{token}'
        self.socket = book.server.websocket(
            headers={'Sec-WebSocket-Protocol': protocols}, **named)
        assert self.socket.handshake.headers['sec-websocket-protocol'] == PROTOCOL
        self.bytes = 0

    def send(self, message):
        self.socket.send_frame(TEXT, dumps(message).encode())

    def receive(self):
        fin, opcode, payload = self.socket.receive_frame()
        while opcode in (9, 10):
            fin, opcode, payload = self.socket.receive_frame()
        assert (bool(fin), opcode) == (True, 2), (opcode, payload)
        self.bytes += len(payload)
        return plain(cbor2.loads(payload))

    def wait_for(self, **wanted):
        while True:
            message = self.receive()
            if all(message.get(k) == v for k, v in wanted.items()):
                return message


def same(message):
    """Numbers by value: 2.10 is 2.1."""
    return json.loads(dumps(message), parse_float=lambda d: Decimal(d).normalize())


@pytest.mark.one_loop
@pytest.mark.parametrize('extensions', [None, 'permessage-deflate'])
def test_the_same_messages_come_in_both_forms(book, extensions):
    market = book.market({n: round(2 + (n - 11) / 50, 2) for n in range(11, 31)}, event='4711')
    channels = [f'market:{market}', 'event:4711']
    text = book.server.websocket()
    binary = Binary(book, extensions=extensions)
    for socket in (text, binary):
        socket.send({'op': 'subscribe', 'channels': channels})
    heard = {text: [], binary: []}
    for socket, messages in heard.items():
        while len(messages) < 2:
            messages.append(socket.receive())
    before = binary.bytes
    for step in range(6):
        book.feed.price(market, 12, round(2.2 + step / 50, 2))
    book.feed.define(market, status='SUSPENDED')
    for socket, messages in heard.items():
        while not (messages[-1].get('status') == 'suspended'
                   and messages[-2].get('status') == 'suspended'):
            messages.append(socket.receive())
    texts, binaries = ([same(m) for m in sorted(ms, key=lambda m: (m['channel'], m['seq']))]
                       for ms in heard.values())
    assert texts == binaries
    deltas = [m for m in heard[text] if m['op'] == 'delta']
    assert binary.bytes - before < sum(len(dumps(m)) for m in deltas) / 2
    text.http.close()
    binary.socket.http.close()


def test_bets_and_money_come_in_it_too(book):
    bettor = book.bettor()
    market = book.market()
    binary = Binary(book, token=bettor.token)
    binary.send({'op': 'place_bet', 'id': 'r1', 'idempotency_key': 'k1',
                 'bet': bettor.slip(market, 11, stake='1.50')})
    answer = binary.wait_for(op='bet', id='r1')
    assert answer['code'] == 201 and answer['bet']['status'] == 'PLACED'
    assert answer['bet']['stake'] == Decimal('1.50')
    assert str(answer['bet']['stake']) == '1.50', 'the digits of money are kept'
    assert binary.wait_for(op='receipt')['bet_id'] == answer['bet']['bet_id']
    assert bettor.deposit('0.25').status == 201
    assert str(binary.wait_for(op='balance')['balance']) == '998.75'
    binary.send({'op': 'nonsense'})
    assert binary.wait_for(op='error')['code'] == 'UNKNOWN_OP'
    binary.socket.http.close()


def test_a_slow_reader_of_it_is_conflated_like_any_other(book):
    market = book.market()
    binary = Binary(book)
    binary.send({'op': 'subscribe', 'channels': [f'market:{market}'], 'conflate_ms': 300})
    binary.wait_for(op='snapshot')
    for step in range(40):
        book.feed.price(market, 11, round(2 + step / 50, 2))
    shown = book.server.get(f'/v1/odds/{market}').json
    version, frames = 0, 0
    while version < shown['odds_version']:
        message = binary.receive()
        frames += 1
        version = message.get('market', message).get('odds_version', version)
    assert frames < 40
    binary.socket.http.close()


def test_the_numbers_of_the_program_are_those_of_the_documentation():
    source = (Path(__file__).parents[2] / 'src/roles/odds/odds_cbor.h').read_text()
    listed = source.split('ODDS_CBOR_KEY_LIST(X)')[1].split('ODDS_CBOR_WORD_LIST(X)')
    for part, documented in zip(listed, (KEYS, WORDS)):
        found = {int(n): w for n, w in re.findall(r'X\((\d+), "([^"]+)"\)', part)}
        assert found == documented
