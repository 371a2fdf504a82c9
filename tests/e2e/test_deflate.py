"""permessage-deflate: the same messages, compressed once for all who agreed to it (RFC 7692)."""
import asyncio
import json

import pytest
import websockets
from lib.http import Closed, dumps
from lib.ws import CLOSE, PING, TEXT, pack

OFFER = 'permessage-deflate; client_max_window_bits'
# A market whose messages are worth it.
MANY = {n: round(2 + (n - 11) / 50, 2) for n in range(11, 51)}


def test_both_sides_keep_no_context(book):
    with book.server.websocket(extensions=OFFER) as socket:
        assert socket.deflate
        assert socket.handshake.headers['sec-websocket-extensions'] == (
            'permessage-deflate; server_no_context_takeover; client_no_context_takeover')


@pytest.mark.parametrize('offer', [
    None, 'x-webkit-deflate-frame', 'permessage-deflate; server_max_window_bits=9',
    'permessage-deflate; unknown=1', 'permessage-deflate; client_max_window_bits=99', ';;,,='])
def test_what_we_cannot_accept_is_passed_over(book, offer):
    market = book.market(MANY)
    with book.server.websocket(extensions=offer) as socket:
        assert socket.handshake.status == 101 and not socket.deflate
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')  # a compressed frame would fail the client
        assert socket.packed == 0


def test_the_same_messages_come_with_and_without_and_are_packed_once(book):
    market = book.market(MANY)
    plain = [book.server.websocket() for _ in range(3)]
    packing = [book.server.websocket(extensions=OFFER) for _ in range(20)]
    first = []
    for socket in plain + packing:
        socket.subscribe(f'market:{market}')
        first.append(socket.wait_for(op='snapshot'))
    assert all(f == first[0] for f in first)
    before = book.server.metric('overround_ws_packed_total')
    for step in range(5):
        book.feed.prices(market, {r: round(2 + (r + step) % 40 / 50, 2) for r in MANY})
    last = book.server.get(f'/v1/odds/{market}').json['odds_version']
    heard = []
    for socket in plain + packing:
        messages = []
        while not messages or messages[-1]['odds_version'] < last:
            messages.append(socket.wait_for(op='delta'))
        heard.append(messages)
    assert all(messages == heard[0] for messages in heard)
    packed = book.server.metric('overround_ws_packed_total') - before
    assert 0 < packed <= len(heard[0]), 'not once for each client'
    assert all(s.packed > 1 for s in packing) and all(s.packed == 0 for s in plain)
    for socket in plain + packing:
        socket.http.close()


def test_ones_own_messages_are_not_packed(book):
    bettor = book.bettor()
    market = book.market(MANY)
    with book.server.websocket(token=bettor.token, extensions=OFFER) as socket:
        socket.place('r1', 'key-1', bettor.slip(market, 11, stake=1))
        assert socket.wait_for(op='receipt')['entries']
        assert socket.packed == 0


def test_a_bet_may_come_packed(book):
    bettor = book.bettor()
    market = book.market()
    with book.server.websocket(token=bettor.token, extensions=OFFER) as socket:
        op = {'op': 'place_bet', 'id': 'r1', 'idempotency_key': 'packed',
              'bet': bettor.slip(market, 11, stake=1)}
        text = dumps(op).encode()
        whole = pack(text)
        socket.send_frame(TEXT, whole[:9], fin=False, rsv=4)
        socket.send_frame(PING, b'between')
        socket.send_frame(0, whole[9:])
        assert socket.wait_for(op='bet', id='r1')['code'] == 201
        socket.send_packed(text)
        assert socket.wait_for(op='bet', id='r1')['replayed'] is True


@pytest.mark.parametrize('code,frames', [
    (1009, [dict(opcode=TEXT, payload=pack(b' ' * 70000), rsv=4)]),
    (1009, [dict(opcode=TEXT, payload=pack(b' ' * (1 << 24)), rsv=4)]),  # a bomb
    (1007, [dict(opcode=TEXT, payload=b'\xff\xff\xff\xff', rsv=4)]),
    (1007, [dict(opcode=TEXT, payload=b'\xf2\x00\x11\x00\x00', rsv=4)]),  # looks back
    (1007, [dict(opcode=TEXT, payload=pack(b'{"op":"\xff"}'), rsv=4)]),
    (1002, [dict(opcode=TEXT, payload=pack(b'{}'), rsv=6)]),
    (1002, [dict(opcode=PING, payload=b'', rsv=4)]),
    (1002, [dict(opcode=CLOSE, payload=b'', rsv=4)]),
    (1002, [dict(opcode=TEXT, payload=b'{', fin=False, rsv=4),
            dict(opcode=0, payload=b'}', rsv=4)]),
    (1003, [dict(opcode=2, payload=pack(b'x'), rsv=4)]),
])
def test_a_wrong_packed_frame_closes_with_the_right_code(book, code, frames):
    with book.server.websocket(extensions=OFFER) as socket:
        for frame in frames:
            socket.send_frame(**frame)
        assert socket.close_code() == code


def test_a_client_that_others_wrote_agrees(book):
    """PyPI's websockets, which offers the extension by itself and checks every frame."""
    market = book.market(MANY)
    host, port = book.server.public

    async def talk():
        async with websockets.connect(f'ws://{host}:{port}/v1/stream') as socket:
            assert [e.name for e in socket.extensions] == ['permessage-deflate']
            await socket.send(json.dumps({'op': 'subscribe', 'channels': [f'market:{market}']}))
            snapshot = json.loads(await asyncio.wait_for(socket.recv(), 60))
            await socket.send(json.dumps({'op': 'ping', 'pad': ' '}) + ' ' * 2000)
            return snapshot, json.loads(await asyncio.wait_for(socket.recv(), 60))

    snapshot, answer = asyncio.run(talk())
    assert len(snapshot['markets'][0]['selections']) == len(MANY)
    assert answer['op'] in ('pong', 'error')


def test_it_can_be_switched_off(tmp_path):
    from conftest import make
    off = make(tmp_path / 'data', ('--ws-deflate', 'off'))
    try:
        with off.server.websocket(extensions=OFFER) as socket:
            assert socket.handshake.status == 101 and not socket.deflate
            socket.send_frame(TEXT, pack(b'{"op":"ping"}'), rsv=4)
            with pytest.raises(Closed):
                socket.receive()
            assert socket.closed == 1002
    finally:
        off.close()
