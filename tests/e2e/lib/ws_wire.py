"""WebSocket frames as bytes, right or wrong, and what a server may send (RFC 6455 section 5)."""
import os
import struct
import zlib

from .http import Closed

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1, RSV2, RSV3 = 4, 2, 1


def frame(opcode, payload=b'', *, fin=True, rsv=0, mask=None, masked=True, length=None, form=None):
    """As a client sends it. length: what the header claims; form: bytes of the extended length,
    where it is not the shortest; mask: four bytes instead of random ones."""
    length = len(payload) if length is None else length
    if form is None:
        form = 0 if length < 126 else 2 if length < 65536 else 8
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode,
                  (0x80 if masked else 0) | {0: length, 2: 126, 8: 127}[form]])
    head += length.to_bytes(form, 'big') if form else b''
    if not masked:
        return head + payload
    mask = mask or os.urandom(4)
    wide = int.from_bytes((mask * (len(payload) // 4 + 1))[:len(payload)], 'big')
    payload = (int.from_bytes(payload, 'big') ^ wide).to_bytes(len(payload), 'big')
    return head + mask + payload


def close(code=None, reason=b'', **named):
    return frame(CLOSE, (b'' if code is None else struct.pack('!H', code)) + reason, **named)


def fragments(payload, sizes, *, opcode=TEXT, between=b'', rsv=0):
    """The message in fragments of these sizes and a last one with the rest."""
    cut, at = [], 0
    for size in sizes:
        cut.append(payload[at:at + size])
        at += size
    cut.append(payload[at:])
    return between.join(
        frame(CONTINUATION if n else opcode, piece, fin=n == len(cut) - 1, rsv=0 if n else rsv)
        for n, piece in enumerate(cut))


def pack(payload, *, level=6, bits=15, final=False, stored=False):
    """RFC 7692 section 7.2.1; final: ended by a block with BFINAL (7.2.3.4)."""
    packer = zlib.compressobj(0 if stored else level, zlib.DEFLATED, -bits)
    packed = packer.compress(payload)
    if final:
        return packed + packer.flush(zlib.Z_FINISH) + b'\0'
    return (packed + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def take_frame(http, deflate):
    """(fin, opcode, payload) of the server's next frame, which must be well-formed by itself."""
    first, second = http.take(2)
    opcode, length = first & 0x0f, second & 0x7f
    assert not second & 0x80, '5.1: a server does not mask'
    assert not first & 0x30, '5.2: a reserved bit'
    assert opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG), '5.2: an unknown opcode'
    if opcode >= CLOSE:
        assert first & 0x80 and length <= 125, '5.5: a control frame is short and whole'
    if length == 126:
        length = int.from_bytes(http.take(2), 'big')
        assert length > 125, '5.2: not the shortest length'
    elif length == 127:
        length = int.from_bytes(http.take(8), 'big')
        assert 65535 < length < 1 << 63, '5.2: not the shortest length'
    payload = http.take(length)
    if first & 0x40:
        assert deflate and opcode in (TEXT, BINARY), 'RFC 7692 section 6: RSV1 is not agreed'
        payload = zlib.decompress(payload + b'\0\0\xff\xff\x03\0', -15)
    return bool(first & 0x80), opcode, payload


def is_at_end(http):
    """Waits for the end of the connection; a reset is one. False: bytes came."""
    try:
        http.take(1)
        return False
    except Closed:
        return True
