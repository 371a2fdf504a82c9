"""What bad WebSocket frames get: the right close code, and no effect on anyone else."""
import time

import pytest
from lib.http import Closed
from lib.until import until
from lib.ws import BINARY, CLOSE, PING, PONG, TEXT


@pytest.fixture(autouse=True)
def others_are_served(book):
    """Whatever the test did: another client gets its snapshot at once afterwards."""
    yield
    market = book.market()
    begin = time.monotonic()
    with book.server.websocket() as other:
        other.subscribe(f'market:{market}')
        other.wait_for(op='snapshot')
    assert time.monotonic() - begin < 5


SUBSCRIBE = b'{"op":"ping"}'


@pytest.mark.parametrize('code,frames', [
    (1002, [dict(opcode=TEXT, payload=SUBSCRIBE, masked=False)]),
    (1002, [dict(opcode=PING, masked=False)]),
    (1002, [dict(opcode=TEXT, payload=SUBSCRIBE, rsv=4)]),
    (1002, [dict(opcode=TEXT, payload=SUBSCRIBE, rsv=1)]),
    (1002, [dict(opcode=3, payload=b'x')]),
    (1002, [dict(opcode=11)]),
    (1002, [dict(opcode=PING, fin=False)]),
    (1002, [dict(opcode=PING, payload=b'x' * 126)]),
    (1002, [dict(opcode=0, payload=b'x')]),
    (1002, [dict(opcode=TEXT, payload=b'{', fin=False), dict(opcode=TEXT, payload=b'}')]),
    (1002, [dict(opcode=CLOSE, payload=b'\x03')]),
    (1002, [dict(opcode=CLOSE, payload=b'\x03\xed')]),       # 1005 is never sent
    (1002, [dict(opcode=CLOSE, payload=b'\x00\x01')]),
    (1007, [dict(opcode=TEXT, payload=b'{"op":"\xff"}')]),
    (1007, [dict(opcode=TEXT, payload=b'\xed\xa0\x80')]),     # a surrogate
    (1007, [dict(opcode=TEXT, payload=b'\xc0\xaf')]),         # overlong
    (1007, [dict(opcode=TEXT, payload=b'\xe2\x82', fin=False), dict(opcode=0, payload=b'x')]),
    (1007, [dict(opcode=CLOSE, payload=b'\x03\xe8\xff')]),
    (1003, [dict(opcode=BINARY, payload=b'x')]),
    (1009, [dict(opcode=TEXT, payload=b'x' * 70000)]),
    (1009, [dict(opcode=TEXT, payload=b'', length=1 << 40)]),
    (1009, [dict(opcode=TEXT, payload=b'x' * 40000, fin=False),
            dict(opcode=0, payload=b'x' * 40000)]),
])
def test_a_wrong_frame_closes_with_the_right_code(book, code, frames):
    with book.server.websocket() as socket:
        assert socket.handshake.status == 101
        for frame in frames:
            socket.send_frame(**frame)
        assert socket.close_code() == code


def test_a_length_with_its_highest_bit_set_is_a_protocol_error(book):
    with book.server.websocket() as socket:
        socket.http.send(b'\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00')
        assert socket.close_code() in (1002, 1009)


@pytest.mark.parametrize('text', [
    '', '{', 'null', '[]', '"op"', '{"op":1}', '{"op":"dance"}', '{}', '{"op":"ping"} x',
    '{"op":"subscribe"}', '{"op":"subscribe","channels":"market:1"}',
    '{"op":"subscribe","channels":[1]}', '{"op":"subscribe","channels":["nothing:1"]}',
    '{"op":"ping","op":"ping"}', '{"op":"place_bet","id":"r1"}',
    '[' * 10000])
def test_a_message_that_means_nothing_gets_an_error_and_the_socket_lives(book, text):
    with book.server.websocket() as socket:
        socket.send_frame(TEXT, text.encode())
        error = socket.receive()
        assert error['op'] in ('error', 'bet') and error['code'], error
        socket.send({'op': 'ping'})
        socket.wait_for(op='pong')


def test_fragments_with_a_ping_between_them_are_one_message(book):
    market = book.market()
    with book.server.websocket() as socket:
        text = ('{"op":"subscribe","channels":["market:' + market + '"]}').encode()
        socket.send_frame(TEXT, text[:10], fin=False)
        socket.send_frame(PING, b'between')
        for at in range(10, len(text)):
            socket.send_frame(0, text[at:at + 1], fin=at == len(text) - 1)
        socket.wait_for(op='snapshot')
        assert socket.waiting == [b'between']


def test_pongs_nobody_asked_for_are_ignored(book):
    with book.server.websocket() as socket:
        socket.send_frame(PONG, b'hello')
        socket.send({'op': 'ping'})
        socket.wait_for(op='pong')


def test_a_close_is_answered_with_its_code(book):
    with book.server.websocket() as socket:
        socket.send_frame(CLOSE, b'\x03\xe8bye')
        assert socket.close_code() == 1000


@pytest.mark.parametrize('headers,status', [
    ({'Sec-WebSocket-Version': '8'}, 426), ({'Sec-WebSocket-Key': 'short'}, 400),
    ({'Sec-WebSocket-Key': ''}, 400), ({'Connection': 'keep-alive'}, 426)])
def test_a_wrong_handshake_is_refused(book, headers, status):
    with book.server.websocket(headers=headers) as socket:
        assert socket.handshake.status == status, socket.handshake


def test_a_bad_token_is_refused_at_the_handshake(book):
    for subprotocol in (False, True):
        with book.server.websocket(token='a.b.c', subprotocol=subprotocol) as socket:
            assert socket.handshake.status == 401


def test_the_token_as_subprotocol_is_chosen_back(book):
    token = book.server.token('subprotocol')
    with book.server.websocket(token=token, subprotocol=True) as socket:
        assert socket.handshake.status == 101
        assert socket.handshake.headers['sec-websocket-protocol'] == f'bearer.{token}'


def test_bets_need_a_token_and_prices_do_not(book):
    market = book.market()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        answer = socket.place('r1', 'k1', {'market_id': market, 'selection_id': '11', 'odds': 2,
                                           'stake': 10, 'currency': 'GBP'})
        assert answer['code'] == 401


def test_a_socket_that_never_reads_costs_bounded_memory(book):
    """P3: the lazy one is lagged or closed; its neighbour gets every price."""
    market = book.market()
    with book.server.websocket() as lazy, book.server.websocket() as neighbour:
        for socket in (lazy, neighbour):
            socket.subscribe(f'market:{market}')
        neighbour.wait_for(op='snapshot')
        before = book.server.resident_bytes()
        for step in range(300):
            book.feed.price(market, 11, round(1.5 + step * 0.01, 2))
        newest = book.server.get(f'/v1/odds/{market}').json['odds_version']
        until(lambda: neighbour.receive().get('odds_version') == newest)
        assert book.server.resident_bytes() - before < 32 << 20


def test_an_abrupt_end_is_noticed(book):
    def open_now():
        return book.server.metric('overround_connections', listener='public')

    before = open_now()
    sockets = [book.server.websocket() for _ in range(20)]
    assert open_now() >= before + 20
    for socket in sockets:
        socket.http.close()
    until(lambda: open_now() <= before + 1)


def test_too_many_channels_are_refused_by_name(book):
    with book.server.websocket() as socket:
        refused = None
        try:
            for block in range(200):
                socket.subscribe(*[f'market:none-{block}-{n}' for n in range(500)])
                socket.send({'op': 'ping'})
                while (message := socket.receive())['op'] != 'pong':
                    if message['op'] == 'error':
                        refused = message['code']
                if refused:
                    break
        except Closed:
            refused = socket.closed
        assert refused
