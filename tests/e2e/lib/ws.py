"""A WebSocket client that sends any frame, right or wrong."""
import base64
import os
import socket
import struct
import time
import zlib

from . import api
from .http import Closed, Http, dumps, loads

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def pack(payload):
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


class WebSocket:
    """Handshakes at once. `closed` is the close code the server sent, or 1006 without one.
    extensions: what is offered; `deflate` is whether permessage-deflate was agreed, and `packed`
    counts the compressed messages that came."""

    def __init__(self, address, token=None, subprotocol=False, path='/v1/stream', headers=(),
                 timeout=60, extensions=None, tls=None, foreign=False):
        self.http = Http(address, timeout, tls, foreign=foreign)
        self.closed, self.waiting = None, []
        headers = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
                   'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
                   **dict(headers)}
        if token and subprotocol:
            headers['Sec-WebSocket-Protocol'] = f'bearer.{token}'
            token = None
        if extensions:
            headers['Sec-WebSocket-Extensions'] = extensions
        self.http.begin('GET', path, token=token, headers=headers)
        self.handshake = self.http.response()
        self.deflate = 'permessage-deflate' in self.handshake.headers.get(
            'sec-websocket-extensions', '')
        self.packed = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def frame(self, opcode, payload=b'', fin=True, masked=True, rsv=0, length=None):
        """length: what the header claims, if not the truth."""
        length = len(payload) if length is None else length
        first = (0x80 if fin else 0) | rsv << 4 | opcode
        bit = 0x80 if masked else 0
        if length < 126:
            head = struct.pack('!BB', first, bit | length)
        elif length < 65536:
            head = struct.pack('!BBH', first, bit | 126, length)
        else:
            head = struct.pack('!BBQ', first, bit | 127, length)
        if masked:
            mask = os.urandom(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
            head += mask
        return head + payload

    def send_frame(self, *args, **named):
        self.http.send(self.frame(*args, **named))

    def send(self, message):
        self.send_frame(TEXT, dumps(message).encode())

    def send_packed(self, payload, opcode=TEXT):
        self.send_frame(opcode, pack(payload), rsv=4)

    def receive_frame(self):
        first, second = self.http.take(2)
        assert not second & 0x80, 'the server masks its frames'
        assert not first & (0x30 if self.deflate else 0x70), 'a reserved bit is set'
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack('!H', self.http.take(2))
        elif length == 127:
            length, = struct.unpack('!Q', self.http.take(8))
        payload = self.http.take(length)
        if first & 0x40:
            payload = zlib.decompress(payload + b'\0\0\xff\xff\x03\0', -15)
            self.packed += 1
        return first & 0x80, first & 0x0f, payload

    def receive(self, seconds=60):
        """The next message; answers pings. Raises Closed at the end, and sets `closed`."""
        message, end = b'', time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f'no message within {seconds} s')
            self.http.socket.settimeout(left)
            try:
                fin, opcode, payload = self.receive_frame()
            except socket.timeout as error:
                raise TimeoutError(f'no message within {seconds} s') from error
            except Closed:
                self.closed = self.closed or 1006
                raise
            if opcode == CLOSE:
                self.closed = struct.unpack('!H', payload[:2])[0] if payload else 1005
                self.send_frame(CLOSE, payload[:2])
                raise Closed
            if opcode == PING:
                self.send_frame(PONG, payload)
                continue
            if opcode == PONG:
                self.waiting.append(payload)
                continue
            message += payload
            if fin:
                text = message.decode('utf-8')
                return loads(text) if self.http.foreign else api.message_text(text)

    def wait_for(self, seconds=60, **wanted):
        """The next message with these fields; what comes before is dropped."""
        end = time.monotonic() + seconds
        while True:
            message = self.receive(max(0.001, end - time.monotonic()))
            if all(message.get(k) == v for k, v in wanted.items()):
                return message

    def close_code(self, seconds=60):
        """Reads on to the end and answers the close code."""
        try:
            while True:
                self.receive(seconds)
        except Closed:
            return self.closed

    def subscribe(self, *channels, **more):
        self.send({'op': 'subscribe', 'channels': list(channels), **more})

    def place(self, ident, key, bet):
        self.send({'op': 'place_bet', 'id': ident, 'idempotency_key': key, 'bet': bet})
        return self.wait_for(op='bet', id=ident)
