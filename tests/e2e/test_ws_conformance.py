"""The WebSocket server by the letter: a table of cases from RFC 6455 (and RFC 7692 for
compression). Each case is a section, what is sent over a raw socket, and what must come back;
afterwards the connection has ended, if a close was due, or still answers. Each is sent twice: in
one piece, and byte by byte."""
import base64
import hashlib
import json
import os
import socket
import struct

import pytest
from lib.http import Http
from lib.ws_wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, RSV2, RSV3, TEXT, close,
                         fragments, frame, is_at_end, pack, take_frame)

ASK = b'{"op":"ping"}'           # answered with an op `pong`: not the frame of that name
MESSAGE_BYTES_MAX = 65536        # ws_message_bytes_max
CHOPPED_BYTES_MAX = 600          # of what is also sent byte by byte
ALIVE = ('op', 'pong')
DEFLATE = 'permessage-deflate; client_max_window_bits'
ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'


def padded(size):
    return ASK + b' ' * (size - len(ASK))


def naming(channel):
    """A subscription that is answered with the channel's name."""
    text = channel if isinstance(channel, bytes) else channel.encode()
    return b'{"op":"subscribe","channels":["market:' + text + b'"]}'


def expect_pong(payload=b''):
    return 'pong', payload


def expect_close(code):
    return 'close', code


def expect_name(channel):
    return 'channel', f'market:{channel}'


MALFORMED = ('error', 'MALFORMED')
BAD_FRAME, BAD_TEXT, TOO_BIG, NO_BINARY = map(expect_close, (1002, 1007, 1009, 1003))

CASES = [
    # ---- 5.2 framing: lengths in each form, at the edges ----
    ('5.2', 'an empty text', [frame(TEXT)], [MALFORMED]),
    *[('5.2', f'a text of {n} bytes', [frame(TEXT, padded(n))], [ALIVE])
      for n in (13, 14, 124, 125, 126, 127, 128, 65535, 65536)],
    ('5.2', 'a text above the limit', [frame(TEXT, padded(65537))], [TOO_BIG]),
    ('5.2', 'a length above the limit, and nothing of it', [frame(TEXT, length=65537)], [TOO_BIG]),
    ('5.2', 'a length of 2^40', [frame(TEXT, length=1 << 40)], [TOO_BIG]),
    ('5.2', 'a length of 2^63 - 1', [frame(TEXT, length=(1 << 63) - 1)], [TOO_BIG]),
    ('5.2', 'a length with its highest bit set', [frame(TEXT, length=1 << 63)], [BAD_FRAME]),
    ('5.2', '16 bits for 125', [frame(TEXT, padded(125), form=2)], [BAD_FRAME]),
    ('5.2', '64 bits for 125', [frame(TEXT, padded(125), form=8)], [BAD_FRAME]),
    ('5.2', '64 bits for 65535', [frame(TEXT, padded(65535), form=8)], [BAD_FRAME]),
    ('5.2', 'many messages in one piece', [frame(TEXT, ASK) * 50], [ALIVE] * 50),
    *[('5.2', f'reserved bits {rsv} on a text', [frame(TEXT, ASK, rsv=rsv)], [BAD_FRAME])
      for rsv in range(1, 8)],
    *[('5.2', f'reserved bits {rsv} on a ping', [frame(PING, rsv=rsv)], [BAD_FRAME])
      for rsv in (RSV1, RSV2, RSV3)],
    *[('5.2', f'reserved opcode {opcode}', [frame(opcode, b'x')], [BAD_FRAME])
      for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    ('5.2', 'what was asked before a bad frame is answered',
     [frame(TEXT, ASK) + frame(3) + frame(TEXT, ASK)], [ALIVE, BAD_FRAME]),

    # ---- 5.3 masking ----
    ('5.1', 'a text without mask', [frame(TEXT, ASK, masked=False)], [BAD_FRAME]),
    ('5.1', 'a ping without mask', [frame(PING, masked=False)], [BAD_FRAME]),
    ('5.1', 'a close without mask', [close(1000, masked=False)], [BAD_FRAME]),
    ('5.3', 'a mask of zeros', [frame(TEXT, ASK, mask=bytes(4))], [ALIVE]),
    ('5.3', 'a mask of ones', [frame(TEXT, ASK, mask=b'\xff' * 4)], [ALIVE]),
    *[('5.3', f'masked pings of {n} bytes', [frame(PING, bytes(range(n)), mask=b'\1\2\3\4')],
       [expect_pong(bytes(range(n)))]) for n in range(1, 18)],

    # ---- 5.4 fragmentation ----
    ('5.4', 'two fragments', [fragments(ASK, [5])], [ALIVE]),
    ('5.4', 'a fragment a byte', [fragments(ASK, [1] * len(ASK))], [ALIVE]),
    ('5.4', 'empty fragments before, between, behind', [fragments(ASK, [0, 0, 5, 0, 8])], [ALIVE]),
    ('5.4', 'an empty message in fragments', [fragments(b'', [0, 0])], [MALFORMED]),
    ('5.4', 'ten thousand empty fragments', [fragments(ASK, [0] * 10000)], [ALIVE]),
    ('5.4', 'fragments up to the limit', [fragments(padded(65536), [30000, 30000])], [ALIVE]),
    ('5.4', 'fragments above the limit', [fragments(padded(65537), [30000, 30000])], [TOO_BIG]),
    ('5.4', 'a first fragment above the limit',
     [frame(TEXT, fin=False, length=65537)], [TOO_BIG]),
    ('5.4', 'a ping between fragments is answered first',
     [fragments(ASK, [5], between=frame(PING, b'now'))], [expect_pong(b'now'), ALIVE]),
    ('5.4', 'pings between all fragments', [fragments(ASK, [3, 3, 3], between=frame(PING, b'p'))],
     [expect_pong(b'p')] * 3 + [ALIVE]),
    ('5.4', 'a pong between fragments', [fragments(ASK, [5], between=frame(PONG, b'x'))], [ALIVE]),
    ('5.4', 'a close between fragments', [frame(TEXT, ASK[:5], fin=False) + close(1000)],
     [expect_close(1000)]),
    ('5.4', 'a text between fragments', [fragments(ASK, [5], between=frame(TEXT, ASK))],
     [BAD_FRAME]),
    ('5.4', 'a second first fragment',
     [frame(TEXT, ASK[:5], fin=False) * 2], [BAD_FRAME]),
    ('5.4', 'a binary between fragments of a text',
     [fragments(ASK, [5], between=frame(BINARY, b'x'))], [BAD_FRAME]),
    ('5.4', 'a continuation of nothing', [frame(CONTINUATION, ASK)], [BAD_FRAME]),
    ('5.4', 'an unfinished continuation of nothing', [frame(CONTINUATION, fin=False)],
     [BAD_FRAME]),
    ('5.4', 'a continuation of what was whole', [frame(TEXT, ASK) + frame(CONTINUATION, b' ')],
     [ALIVE, BAD_FRAME]),
    ('5.4', 'a message after one in fragments', [fragments(ASK, [5]) + frame(TEXT, ASK)],
     [ALIVE, ALIVE]),

    # ---- 5.5 control frames ----
    *[('5.5', f'control frame {opcode} in fragments', [frame(opcode, fin=False)], [BAD_FRAME])
      for opcode in (CLOSE, PING, PONG)],
    *[('5.5', f'control frame {opcode} of 126 bytes', [frame(opcode, b'\x03\xe8' + b'x' * 124)],
       [BAD_FRAME]) for opcode in (CLOSE, PING, PONG)],
    ('5.5', 'a ping whose length takes 64 bits', [frame(PING, form=8)], [BAD_FRAME]),
    ('5.5.2', 'an empty ping', [frame(PING)], [expect_pong()]),
    ('5.5.2', 'a ping of 125 bytes', [frame(PING, b'\xfe' * 125)], [expect_pong(b'\xfe' * 125)]),
    ('5.5.2', 'pings are answered in order', [b''.join(frame(PING, b'%d' % n) for n in range(100))],
     [expect_pong(b'%d' % n) for n in range(100)]),
    ('5.5.3', 'a pong that nobody asked for', [frame(PONG, b'x')], []),
    ('5.5.3', 'a pong, then a ping', [frame(PONG, b'x') + frame(PING, b'y')], [expect_pong(b'y')]),

    # ---- 5.5.1, 7 closing ----
    ('5.5.1', 'a close without code', [close()], [expect_close(None)]),
    *[('7.4.1', f'close code {code} comes back', [close(code)], [expect_close(code)])
      for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                   3000, 3999, 4000, 4999)],
    *[('7.4.2', f'close code {code} is never sent', [close(code)], [BAD_FRAME])
      for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)],
    ('5.5.1', 'a close of one byte', [frame(CLOSE, b'\x03')], [BAD_FRAME]),
    ('5.5.1', 'the longest reason', [close(1000, b'r' * 123)], [expect_close(1000)]),
    ('7.1.6', 'a reason that is no UTF-8', [close(1000, b'\xce\xba\xe1\xbd\xb9\xff')], [BAD_TEXT]),
    ('7.1.6', 'a reason cut inside of a character', [close(1000, b'\xe2\x82')], [BAD_TEXT]),
    ('5.5.1', 'a text after a close is dropped', [close(1000) + frame(TEXT, ASK)],
     [expect_close(1000)]),
    ('5.5.1', 'a ping after a close is dropped', [close(1001) + frame(PING)],
     [expect_close(1001)]),
    ('5.5.1', 'a second close is dropped', [close(1000) + close(1001)], [expect_close(1000)]),
    ('5.5.1', 'what was asked before a close is answered', [frame(TEXT, ASK) + close(4000)],
     [ALIVE, expect_close(4000)]),
    ('7.1.7', 'nothing is answered behind a failure', [frame(3) + frame(PING) + close(1000)],
     [BAD_FRAME]),

    # ---- 5.6 what messages hold ----
    ('5.6', 'a binary message', [frame(BINARY, ASK)], [NO_BINARY]),
    ('5.6', 'an empty binary message', [frame(BINARY)], [NO_BINARY]),
    ('5.6', 'a binary message in fragments', [fragments(ASK, [5], opcode=BINARY)], [NO_BINARY]),

    # ---- 8.1 UTF-8 ----
    *[('8.1', f'{name} is text', [frame(TEXT, naming(text))], [expect_name(text)])
      for name, text in (
          ('Greek', '\u03ba\u03cc\u03c3\u03bc\u03b5'), ('U+0080', '\x80'), ('U+07FF', '\u07ff'),
          ('U+0800', '\u0800'), ('U+D7FF', '\ud7ff'), ('U+E000', '\ue000'), ('U+FFFD', '\ufffd'),
          ('U+FFFE', '\ufffe'), ('U+FFFF', '\uffff'), ('U+10000', '\U00010000'),
          ('U+10FFFF', '\U0010ffff'), ('a byte order mark', '\ufeff'))],
    *[('8.1', f'{text.hex()} is no text', [frame(TEXT, naming(text))], [BAD_TEXT])
      for text in (
          b'\x80', b'\xbf', b'\xc0\x80', b'\xc0\xaf', b'\xc1\xbf', b'\xc2', b'\xc3\x28',
          b'\xe0\x80\xaf', b'\xe0\x9f\xbf', b'\xe2\x28\xa1', b'\xe2\x82', b'\xed\xa0\x80',
          b'\xed\xaf\xbf', b'\xed\xbf\xbf', b'\xed\xa0\x80\xed\xb0\x80', b'\xf0\x80\x80\x80',
          b'\xf0\x8f\xbf\xbf', b'\xf0\x90\x80', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80',
          b'\xf8\x88\x80\x80\x80', b'\xfc\x84\x80\x80\x80\x80', b'\xfe', b'\xff',
          b'\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80')],
    ('8.1', 'a character across fragments, cut everywhere',
     [fragments(naming('\u20ac\U0001f3c7'), [1] * 49)], [expect_name('\u20ac\U0001f3c7')]),
    ('8.1', 'a character across fragments with a ping inside',
     [fragments(naming('\U0001f3c7'), [len(naming('')) - 3 + 2], between=frame(PING, b'p'))],
     [expect_pong(b'p'), expect_name('\U0001f3c7')]),
    ('8.1', 'a message that ends inside of a character',
     [fragments(b'"\xe2\x82', [2])], [BAD_TEXT]),
    ('8.1', 'a character that a fragment breaks', [fragments(b'"\xe2\x82x"', [3])], [BAD_TEXT]),
    ('8.1', 'a bad fragment fails at once, whatever would follow',
     [frame(TEXT, b'"\xff', fin=False)], [BAD_TEXT]),
    ('8.1', 'a bad second fragment fails at once',
     [frame(TEXT, b'"\xf4', fin=False) + frame(CONTINUATION, b'\x90', fin=False)], [BAD_TEXT]),

    # ---- RFC 7692, not agreed ----
    ('7692 6', 'a packed text where none was agreed', [frame(TEXT, pack(ASK), rsv=RSV1)],
     [BAD_FRAME]),
]

NOT_WHERE_PACKED = ('reserved bits 4 on a text', 'a packed text where none was agreed')

# A stored block, a fixed one with BFINAL, and an empty one behind it.
BLOCKS = (b'\x00' + struct.pack('<HH', 6, 0xffff - 6) + ASK[:6] +
          pack(ASK[6:], final=True)[:-1] + b'\x00')
BOMB = pack(b' ' * (1 << 26))  # 64 KiB on the wire

PACKED_CASES = [
    ('7692 6', 'a packed text', [frame(TEXT, pack(ASK), rsv=RSV1)], [ALIVE]),
    ('7692 6', 'a text that is not packed', [frame(TEXT, ASK)], [ALIVE]),
    ('7692 6', 'packed and plain ones mixed',
     [frame(TEXT, pack(ASK), rsv=RSV1) + frame(TEXT, ASK) + frame(TEXT, pack(ASK), rsv=RSV1)],
     [ALIVE] * 3),
    ('7692 6.1', 'packed, in fragments', [fragments(pack(ASK), [3, 4], rsv=RSV1)], [ALIVE]),
    ('7692 6.1', 'packed, a fragment a byte',
     [fragments(pack(ASK), [1] * (len(pack(ASK)) - 1), rsv=RSV1)], [ALIVE]),
    ('7692 6.1', 'packed, with empty fragments', [fragments(pack(ASK), [0, 5, 0], rsv=RSV1)],
     [ALIVE]),
    ('7692 6.1', 'packed, with a ping between',
     [fragments(pack(ASK), [3], between=frame(PING, b'p'), rsv=RSV1)],
     [expect_pong(b'p'), ALIVE]),
    ('7692 6.1', 'RSV1 on a continuation',
     [frame(TEXT, pack(ASK)[:3], fin=False, rsv=RSV1) +
      frame(CONTINUATION, pack(ASK)[3:], rsv=RSV1)], [BAD_FRAME]),
    ('7692 6.1', 'RSV1 on the continuation of a plain one',
     [frame(TEXT, ASK[:3], fin=False) + frame(CONTINUATION, ASK[3:], rsv=RSV1)], [BAD_FRAME]),
    *[('7692 6', f'RSV1 on control frame {opcode}', [frame(opcode, rsv=RSV1)], [BAD_FRAME])
      for opcode in (CLOSE, PING, PONG)],
    *[('7692 6', f'reserved bits {rsv}', [frame(TEXT, pack(ASK), rsv=rsv)], [BAD_FRAME])
      for rsv in (RSV2, RSV3, RSV1 | RSV2, RSV1 | RSV3, 7)],
    *[('7692 7.2.1', f'packed at level {level} in a window of {bits} bits',
       [frame(TEXT, pack(padded(4000), level=level, bits=bits), rsv=RSV1)], [ALIVE])
      for level in (1, 6, 9) for bits in (9, 12, 15)],
    ('7692 7.2.3.3', 'blocks that are stored', [frame(TEXT, pack(ASK, stored=True), rsv=RSV1)],
     [ALIVE]),
    ('7692 7.2.3.4', 'a block with BFINAL', [frame(TEXT, pack(ASK, final=True), rsv=RSV1)],
     [ALIVE]),
    ('7692 7.2.3.5', 'blocks of several kinds', [frame(TEXT, BLOCKS, rsv=RSV1)], [ALIVE]),
    ('7692 7.2.3.6', 'an empty message', [frame(TEXT, b'\x00', rsv=RSV1)], [MALFORMED]),
    ('7692 7.2.2', 'no byte at all', [frame(TEXT, b'', rsv=RSV1)], [MALFORMED]),
    ('7692 7.2.2', 'no DEFLATE', [frame(TEXT, b'\xff' * 8, rsv=RSV1)], [BAD_TEXT]),
    ('7692 7.2.2', 'a stored block that contradicts itself',
     [frame(TEXT, b'\x00\x01\x00\x01\x00x', rsv=RSV1)], [BAD_TEXT]),
    ('7692 7.1.1.2', 'what looks back at the message before',
     [frame(TEXT, pack(ASK), rsv=RSV1) + frame(TEXT, b'\xf2\x00\x11\x00\x00', rsv=RSV1)],
     [ALIVE, BAD_TEXT]),
    ('7692 8', 'up to the limit, unpacked', [frame(TEXT, pack(padded(65536)), rsv=RSV1)], [ALIVE]),
    ('7692 8', 'a byte above the limit, unpacked', [frame(TEXT, pack(padded(65537)), rsv=RSV1)],
     [TOO_BIG]),
    ('7692 8', 'a bomb', [frame(TEXT, BOMB[:65536], rsv=RSV1)], [TOO_BIG]),
    ('7692 8', 'a bomb in fragments', [fragments(BOMB[:65000], [30000, 30000], rsv=RSV1)],
     [TOO_BIG]),
    ('7692 6.2', 'no UTF-8, unpacked', [frame(TEXT, pack(b'"\xff"'), rsv=RSV1)], [BAD_TEXT]),
    ('7692 6.2', 'UTF-8, unpacked, in fragments that cut it',
     [fragments(pack(naming('\u20ac')), [1] * 20, rsv=RSV1)], [expect_name('\u20ac')]),
    ('7692 6', 'a packed binary message', [frame(BINARY, pack(b'x'), rsv=RSV1)], [NO_BINARY]),
    ('7692 6', 'a close after packed ones', [frame(TEXT, pack(ASK), rsv=RSV1) + close(1000)],
     [ALIVE, expect_close(1000)]),
]


def shake(address, extensions=None):
    """A WebSocket as a raw socket behind its handshake."""
    http = Http(address)
    headers = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
               'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
               **({'Sec-WebSocket-Extensions': extensions} if extensions else {})}
    http.begin('GET', '/v1/stream', headers=headers)
    answer = http.response()
    assert answer.status == 101
    assert ('sec-websocket-extensions' in answer.headers) == (extensions is not None)
    return http


def came(http, deflate):
    """The next frame in the words of the table."""
    fin, opcode, payload = take_frame(http, deflate)
    assert fin and opcode != CONTINUATION, 'we never send fragments'
    if opcode == PONG:
        return 'pong', payload
    if opcode == CLOSE:
        assert len(payload) != 1
        payload[2:].decode('utf-8')
        return 'close', int.from_bytes(payload[:2], 'big') if payload else None
    message = json.loads(payload.decode('utf-8'))
    member = {'error': 'code', 'snapshot': 'channel'}.get(message['op'])
    return (member if member == 'channel' else message['op'],
            message[member]) if member else ('op', message['op'])


def run(address, sent, expected, extensions, chopped):
    with shake(address, extensions) as http:
        for piece in sent:
            for at in range(0, len(piece), 1 if chopped else len(piece)):
                http.send(piece[at:at + (1 if chopped else len(piece))])
        for wanted in expected:
            assert came(http, extensions) == wanted
        if expected and expected[-1][0] == 'close':
            http.send(close(1000))
            assert is_at_end(http)
            return
        http.send(frame(TEXT, ASK))
        assert came(http, extensions) == ALIVE


def named(cases):
    return [pytest.param(*case[2:], id=f'{case[0]}-{case[1]}'.replace(' ', '_'))
            for case in cases]


def is_short(sent):
    return sum(map(len, sent)) <= CHOPPED_BYTES_MAX


@pytest.mark.parametrize('sent,expected', named(CASES))
def test_frames(book, sent, expected):
    run(book.server.public, sent, expected, None, False)
    if is_short(sent):
        run(book.server.public, sent, expected, None, True)


@pytest.mark.parametrize('sent,expected', named(PACKED_CASES))
def test_packed_frames(book, sent, expected):
    run(book.server.public, sent, expected, DEFLATE, False)
    if is_short(sent):
        run(book.server.public, sent, expected, DEFLATE, True)


@pytest.mark.parametrize('sent,expected', named(
    case for case in CASES if case[1] not in NOT_WHERE_PACKED))
def test_what_is_not_packed_means_the_same_where_packing_was_agreed(book, sent, expected):
    run(book.server.public, sent, expected, DEFLATE, False)


# ---- section 4: the opening handshake ----

KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
GOOD = [('Host', 'x'), ('Upgrade', 'websocket'), ('Connection', 'Upgrade'),
        ('Sec-WebSocket-Version', '13'), ('Sec-WebSocket-Key', KEY)]


def but(*changes, line='GET /v1/stream HTTP/1.1'):
    """The good request with these headers replaced (None: left out), and others added."""
    headers = [(n, v) for n, v in GOOD if n not in {c[0] for c in changes}]
    headers += [(n, v) for n, v in changes if v is not None]
    return '\r\n'.join([line] + [f'{n}: {v}' for n, v in headers]).encode() + b'\r\n\r\n'


HANDSHAKES = [
    ('1.3', 'the example of the RFC', but(), 101),
    ('4.1', 'names and words in any case',
     but(('Upgrade', None), ('uPGRADE', 'WebSocket'), ('Connection', 'UPGRADE')), 101),
    ('4.1', 'upgrade among others in Connection', but(('Connection', 'keep-alive, Upgrade')), 101),
    ('4.1', 'Connection in two lines',
     but(('Connection', 'keep-alive'), ('connection', 'Upgrade')), 101),
    ('4.1', 'an Origin', but(('Origin', 'https://elsewhere.example')), 101),
    ('4.1', 'unknown headers', but(('Sec-WebSocket-Future', '1'), ('X-Any', 'y')), 101),
    ('4.2.1', 'another method', but(line='POST /v1/stream HTTP/1.1'), 405),
    ('4.2.1', 'HTTP/1.0', but(line='GET /v1/stream HTTP/1.0'), 400),
    ('4.2.1', 'no Host', but(('Host', None)), 400),
    ('4.2.1', 'no Upgrade', but(('Upgrade', None)), 426),
    ('4.2.1', 'another Upgrade', but(('Upgrade', 'h2c')), 426),
    ('4.2.1', 'no Connection', but(('Connection', None)), 426),
    ('4.2.1', 'another Connection', but(('Connection', 'keep-alive')), 426),
    ('4.2.1', 'no key', but(('Sec-WebSocket-Key', None)), 400),
    ('4.2.1', 'an empty key', but(('Sec-WebSocket-Key', '')), 400),
    ('4.2.1', 'a key of 15 bytes', but(('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25j')), 400),
    ('4.2.1', 'a key of 17 bytes', but(('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZXg=')), 400),
    ('4.2.1', 'a key that is no base64',
     but(('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25j*Q==')), 400),
    ('4.2.1', 'a key with bits behind its end',
     but(('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZR==')), 400),
    ('11.3.1', 'two keys', but(('Sec-WebSocket-Key', KEY), ('sec-websocket-key', KEY)), 400),
    ('4.2.1', 'no version', but(('Sec-WebSocket-Version', None)), 400),
    *[('4.2.2', f'version {text}', but(('Sec-WebSocket-Version', text)), 426)
      for text in ('0', '7', '8', '12', '14', '013', '13, 8', '130', 'x')],
    ('11.3.5', 'two versions',
     but(('Sec-WebSocket-Version', '13'), ('sec-websocket-version', '13')), 400),
    ('4.2.2', 'another resource', but(line='GET /v1/nothing HTTP/1.1'), 404),
]


@pytest.mark.parametrize('request_bytes,status', named(HANDSHAKES))
@pytest.mark.parametrize('chopped', [False, True])
def test_handshakes(book, request_bytes, status, chopped):
    with Http(book.server.public) as http:
        for at in range(0, len(request_bytes), 1 if chopped else len(request_bytes)):
            http.send(request_bytes[at:at + (1 if chopped else len(request_bytes))])
        answer = http.response()
        assert answer.status == status, answer
        if status == 426:
            assert answer.headers['upgrade'] == 'websocket'
        if b'Version: 13\r\n' not in request_bytes and status == 426:
            assert answer.headers['sec-websocket-version'] == '13'  # 4.4
        if status != 101:
            assert answer.code
            return
        digest = hashlib.sha1((KEY + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
        assert answer.headers['sec-websocket-accept'] == base64.b64encode(digest).decode()
        assert answer.headers['upgrade'].lower() == 'websocket'
        assert answer.headers['connection'].lower() == 'upgrade'
        assert 'sec-websocket-protocol' not in answer.headers
        assert 'sec-websocket-extensions' not in answer.headers
        http.send(frame(TEXT, ASK))
        assert came(http, None) == ALIVE


@pytest.mark.parametrize('offers,chosen', [
    ([], None), (['other'], None), (['other, one-more'], None),
    (['overround.cbor.v1'], 'overround.cbor.v1'),
    (['other,overround.cbor.v1'], 'overround.cbor.v1'),
    (['other', 'overround.cbor.v1'], 'overround.cbor.v1'), (['OVERROUND.CBOR.V1'], None),
    (['bearer.TOKEN', 'overround.cbor.v1'], 'overround.cbor.v1'),
    (['other, bearer.TOKEN'], 'bearer.TOKEN')])
def test_subprotocols(book, offers, chosen):
    """4.2.2: one of those that were offered, or none."""
    token = book.server.token('protocol')
    lines = [('Sec-WebSocket-Protocol' if n == 0 else 'sec-websocket-protocol',
              offer.replace('TOKEN', token)) for n, offer in enumerate(offers)]
    with Http(book.server.public) as http:
        http.send(but(*lines))
        answer = http.response()
        assert answer.status == 101
        wanted = chosen.replace('TOKEN', token) if chosen else None
        assert answer.headers.get('sec-websocket-protocol') == wanted


def test_frames_behind_the_handshake_in_the_same_piece_are_taken(book):
    """4.1: a client waits for the answer; one that does not loses nothing here."""
    with Http(book.server.public) as http:
        http.send(but() + frame(TEXT, ASK) + frame(PING, b'p'))
        assert http.response().status == 101
        assert [came(http, None) for _ in range(2)] == [ALIVE, expect_pong(b'p')]


@pytest.mark.parametrize('part', range(0, len(but()) - 2, 23))
def test_a_handshake_that_breaks_off_is_none(book, part):
    with Http(book.server.public) as http:
        http.send(but()[:part])
        http.socket.shutdown(socket.SHUT_WR)
        assert b' 101 ' not in b''.join(iter(lambda: http.socket.recv(4096), b''))


# ---- RFC 7692 section 7.1: what is agreed ----

BITS_15 = ANSWER + '; server_max_window_bits=15'
OFFERS = [
    ('permessage-deflate', ANSWER),
    ('permessage-deflate; server_no_context_takeover', ANSWER),
    ('permessage-deflate; client_no_context_takeover', ANSWER),
    ('permessage-deflate;client_no_context_takeover;server_no_context_takeover', ANSWER),
    ('permessage-deflate; client_max_window_bits', ANSWER),
    *[(f'permessage-deflate; client_max_window_bits={n}', ANSWER) for n in range(8, 16)],
    ('permessage-deflate; client_max_window_bits="10"', ANSWER),
    # 7.1.2.1: who asks for a limit of ours is told which it is.
    ('permessage-deflate; server_max_window_bits=15', BITS_15),
    ('permessage-deflate; client_max_window_bits; server_max_window_bits="15"', BITS_15),
    *[(f'permessage-deflate; server_max_window_bits={n}', None) for n in range(8, 15)],
    ('permessage-deflate; server_max_window_bits', None),
    *[(f'permessage-deflate; {side}_max_window_bits={n}', None) for side in ('client', 'server')
      for n in ('', '7', '16', '0', '-9', '010', '1e1', 'x', '""', '"15', '150')],
    ('permessage-deflate; server_no_context_takeover=1', None),
    ('permessage-deflate; client_no_context_takeover=""', None),
    ('permessage-deflate; unknown', None),
    ('permessage-deflate; client_max_window_bits; client_max_window_bits', None),
    ('permessage-deflate; server_no_context_takeover; server_no_context_takeover', None),
    ('permessage-deflate;', ANSWER), ('permessage-deflate; ;', None),
    ('x-webkit-deflate-frame', None), ('permessage-bzip2', None), ('permessage', None),
    ('permessage-deflate-more', None),
    # 5.1: alternatives in the client's order.
    ('permessage-deflate; server_max_window_bits=9, permessage-deflate', ANSWER),
    ('permessage-deflate; server_max_window_bits=15, permessage-deflate', BITS_15),
    ('permessage-deflate, permessage-deflate; server_max_window_bits=15', ANSWER),
    ('foo; bar="1, 2", permessage-deflate', ANSWER),
    ('permessage-deflate; unknown, other', None),
]


@pytest.mark.parametrize('offer,answer', OFFERS)
def test_what_is_agreed_about_packing(book, offer, answer):
    with Http(book.server.public) as http:
        http.send(but(('Sec-WebSocket-Extensions', offer)))
        shaken = http.response()
        assert shaken.status == 101
        assert shaken.headers.get('sec-websocket-extensions') == answer
        http.send(frame(TEXT, pack(ASK), rsv=RSV1))
        assert came(http, answer) == (ALIVE if answer else BAD_FRAME)


def test_what_is_agreed_in_two_lines(book):
    """9.1: headers of one name are one list."""
    with Http(book.server.public) as http:
        http.send(but(('Sec-WebSocket-Extensions', 'other'),
                      ('sec-websocket-extensions', 'permessage-deflate')))
        assert http.response().headers.get('sec-websocket-extensions') == ANSWER


def test_long_messages_come_packed_and_short_ones_do_not(book):
    """6.1: RSV1 on the first frame of what is packed, and only there."""
    market = book.market({n: round(2 + (n - 11) / 50, 2) for n in range(11, 51)})
    with shake(book.server.public, DEFLATE) as http:
        http.send(frame(TEXT, naming(market)))
        first, second = http.take(2)
        assert first == 0x80 | 0x40 | TEXT and second == 126
        http.take(int.from_bytes(http.take(2), 'big'))
        http.send(frame(TEXT, ASK))
        assert http.take(1)[0] == 0x80 | TEXT
