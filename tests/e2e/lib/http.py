"""HTTP/1.1 on a raw socket: keep-alive, pipelining, and whatever bytes a test wants to send."""
import json
import select
import socket
import ssl
from dataclasses import dataclass, field
from decimal import Decimal

from . import api
from .api import loads


def dumps(value):
    """JSON that writes Decimal digit by digit."""
    if isinstance(value, dict):
        return '{' + ','.join(f'{json.dumps(k)}:{dumps(v)}' for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ','.join(dumps(v) for v in value) + ']'
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


class Closed(Exception):
    """The peer closed (or reset) the connection where an answer was due."""


@dataclass
class Response:
    status: int
    headers: dict = field(default_factory=dict)  # names in lower case
    body: bytes = b''

    @property
    def json(self):
        return loads(self.body.decode('utf-8'))

    @property
    def code(self):
        """The stable code of a refusal; checks the form of RFC 9457 on the way."""
        kind = self.headers.get('content-type', '')
        assert kind.startswith('application/problem+json'), (self.status, kind, self.body)
        problem = self.json
        assert problem.get('status', self.status) == self.status, problem
        assert isinstance(problem['code'], str) and problem['code'].isupper(), problem
        return problem['code']


class Http:
    """One connection. Requests may be sent ahead; responses are read in order, and each is held
    against docs/api (lib/api.py)."""

    def __init__(self, address, timeout=60, tls=None, session=None, connection=None,
                 foreign=False):
        """tls: an SSLContext; session: of an earlier connection, to resume; connection: a socket
        that is connected already; foreign: another program answers, of which docs/api knows
        nothing."""
        self.address = address
        self.foreign = foreign
        self.asked = []  # (method, path, body) of requests that have no answer yet
        self.socket = connection or socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            # An end without close_notify is an error here, not an end.
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0],
                                          suppress_ragged_eofs=False, session=session)
        self.buffer = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass  # an early refusal; the answer is read below

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def take_line(self):
        while b'\n' not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.rstrip(b'\r').decode('latin-1')

    def head(self):
        version, status = self.take_line().split(' ')[:2]
        assert version == 'HTTP/1.1', version
        response = Response(int(status))
        while line := self.take_line():
            name, _, value = line.partition(':')
            response.headers[name.lower()] = value.strip()
        return response

    def response(self, method='GET'):
        response = self.read_response(method)
        if self.foreign:
            return response
        if self.asked:
            api.http(*self.asked.pop(0), response)
        else:
            api.anonymous(response)
        return response

    def read_response(self, method):
        response = self.head()
        while response.status == 100:
            response = self.head()
        if method == 'HEAD' or response.status in (101, 204, 304):
            return response
        if response.headers.get('transfer-encoding') == 'chunked':
            while size := int(self.take_line().split(';')[0], 16):
                response.body += self.take(size)
                self.take_line()
            self.take_line()
        else:
            response.body = self.take(int(response.headers['content-length']))
        return response

    def begin(self, method, path, body=None, token=None, headers=()):
        """Sends a request without waiting for its answer."""
        if isinstance(body, (dict, list)):
            body = dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self.asked.append((method, path, body))
        lines = [f'{method} {path} HTTP/1.1', f'Host: {self.address[0]}:{self.address[1]}']
        if token:
            lines.append(f'Authorization: Bearer {token}')
        if body is not None:
            lines += ['Content-Type: application/json', f'Content-Length: {len(body)}']
        lines += [f'{name}: {value}' for name, value in dict(headers).items()]
        self.send('\r\n'.join(lines).encode('latin-1') + b'\r\n\r\n' + (body or b''))

    def request(self, method, path, body=None, token=None, headers=()):
        self.begin(method, path, body, token, headers)
        return self.response(method)

    def has_answer(self):
        """Whether bytes of one are there."""
        return bool(self.buffer or select.select([self.socket], [], [], 0)[0])

    def is_closed_by_peer(self):
        """Waits for the end of the connection; False when bytes come instead."""
        try:
            self.fill()
            return False
        except Closed:
            return True
