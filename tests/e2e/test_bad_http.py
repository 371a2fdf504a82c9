"""What bad HTTP gets: a clear answer with a stable code, and no effect on anyone else."""
import json
import socket
import time

import pytest
from lib.http import Closed, Http


@pytest.fixture(autouse=True)
def others_are_served(book):
    """Whatever the test did: another client is answered at once afterwards."""
    yield
    begin = time.monotonic()
    assert book.server.get('/healthz').status == 200
    assert time.monotonic() - begin < 5


def raw(book, data):
    """The answer to these bytes, and whether the connection was closed after it."""
    with book.server.http() as http:
        http.send(data)
        response = http.response()
        closed = response.headers.get('connection', '').lower() == 'close' \
            and http.is_closed_by_peer()
        return response, closed


@pytest.mark.parametrize('data,status,code', [
    (b'GARBAGE\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /healthz HTTP/1.1\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'GET /health\x01z HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400,
     'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400,
     'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n'
     b'\r\n0\r\n\r\n', 400, 'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400,
     'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
     b'FFFFFFFFFFFFFFFFF\r\n', 400, 'MALFORMED_REQUEST'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 501,
     'NOT_IMPLEMENTED'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\nContent-Length: 2\r\n\r\n', 417,
     'EXPECTATION_FAILED'),
    (b'GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n', 505, 'VERSION_NOT_SUPPORTED'),
    (b'GET /' + b'a' * 4000 + b' HTTP/1.1\r\nHost: a\r\n\r\n', 414, 'TARGET_TOO_LONG'),
    (b'GET /healthz HTTP/1.1\r\nHost: a\r\nX: ' + b'a' * 20000 + b'\r\n\r\n', 431,
     'HEAD_TOO_LARGE'),
    (b'GET /healthz HTTP/1.1\r\nHost: a\r\n' + b'X: a\r\n' * 100 + b'\r\n', 431,
     'HEAD_TOO_LARGE'),
    (b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n', 413,
     'BODY_TOO_LARGE'),
])
def test_a_broken_request_is_answered_and_the_connection_closed(book, data, status, code):
    response, closed = raw(book, data)
    assert (response.status, response.code) == (status, code)
    assert closed


def test_a_chunked_body_beyond_the_limit_is_refused_while_it_comes(book):
    with book.server.http() as http:
        http.send(b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
        for _ in range(40):
            http.send(b'1000\r\n' + b' ' * 4096 + b'\r\n')
        response = http.response()
        assert (response.status, response.code) == (413, 'BODY_TOO_LARGE')


@pytest.mark.parametrize('method,path,status', [
    ('GET', '/nothing', 404), ('GET', '/v1/odds/', 404), ('GET', '/v1/odds/1.1', 404),
    ('DELETE', '/v1/account', 405), ('PUT', '/v1/bets', 405), ('BREW', '/healthz', 501),
    ('GET', '/v1/admin/markets/1.1/suspend', 404), ('POST', '/v1/feed/betfair', 404),
    ('GET', '/metrics', 404)])
def test_what_is_not_there_is_said_so(book, method, path, status):
    """The last three exist on the admin listener only."""
    token = book.server.token('u404')
    body = {} if method in ('PUT', 'POST') else None
    with book.server.http() as http:
        response = http.request(method, path, body, token)
    assert response.status == status and response.code
    if status == 405:
        assert response.headers['allow']


def test_requests_in_one_packet_are_answered_in_order(book):
    market = book.market()
    with book.server.http() as http:
        http.send(b''.join(f'GET {path} HTTP/1.1\r\nHost: a\r\n\r\n'.encode() for path in
                           ('/healthz', '/nothing', f'/v1/odds/{market}') * 20))
        statuses = [http.response().status for _ in range(60)]
    assert statuses == [200, 404, 200] * 20


def test_a_request_that_comes_byte_by_byte_is_a_request(book):
    with book.server.http() as http:
        for byte in b'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n':
            http.send(bytes([byte]))
            time.sleep(0.002)
        assert http.response().status == 200


def test_after_a_refused_request_the_connection_goes_on(book):
    with book.server.http() as http:
        assert http.request('GET', '/nothing').status == 404
        assert http.request('POST', '/v1/bets', {}).status == 401
        assert http.request('GET', '/healthz').status == 200


def test_expect_100_continue_is_answered_before_the_body(book):
    token = book.server.token('patient')
    with book.server.http() as http:
        http.send(f'POST /v1/bets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n'
                  'Expect: 100-continue\r\nContent-Length: 2\r\n\r\n'.encode())
        assert http.head().status == 100
        http.send(b'{}')
        assert http.response().status == 400


def test_half_open_connections_cost_nobody_anything(book):
    idle = [socket.create_connection(book.server.public) for _ in range(300)]
    for number, connection in enumerate(idle):
        connection.sendall([b'', b'G', b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Le',
                            b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{'
                            ][number % 4])
    customer = book.bettor()
    assert customer.bet(book.market(), 11).status == 201
    for connection in idle:
        connection.close()


def test_a_sender_of_slow_heads_is_cut_off(book):
    """http_header_ms_max is 10 s, however steadily the bytes drip."""
    with book.server.http(timeout=30) as http:
        http.send(b'GET /healthz HTTP/1.1\r\nHost: a\r\n')
        begin = time.monotonic()
        http.socket.settimeout(1)
        while time.monotonic() - begin < 25:
            http.send(b'X: a\r\n')
            try:
                http.fill()
            except socket.timeout:
                continue
            except Closed:
                break
            http.socket.settimeout(5)
            response = http.response()
            assert (response.status, response.code) == (408, 'REQUEST_TIMEOUT')
            break
        assert time.monotonic() - begin < 20


def test_a_reader_who_never_reads_does_not_stop_the_others(book):
    """Pipelines requests and takes no answers: it is paused at its limit, or closed."""
    market = book.market()
    lazy = Http(book.server.public)
    lazy.socket.settimeout(0.2)
    request = f'GET /v1/odds/{market} HTTP/1.1\r\nHost: a\r\n\r\n'.encode() * 100
    sent = 0
    try:
        while sent < 64 << 20:
            sent += lazy.socket.send(request)
    except (socket.timeout, OSError):
        pass
    assert sent < 64 << 20
    assert book.server.get(f'/v1/odds/{market}').status == 200
    lazy.close()


@pytest.mark.parametrize('line', ['this is no feed', '{"op":"mcm"', '[]', '{"op":"mcm","mc":7}',
                                  '{"op":"mcm","mc":[{"id":"1.1","rc":{}}]}', '\xff'])
def test_the_feed_counts_what_means_nothing_and_goes_on(book, line):
    """A stream is not ended by one bad line: the next one counts."""
    market = book.market()
    good = json.dumps({'op': 'mcm', **book.feed.image(market)})
    with Http(book.server.admin) as http:
        response = http.request('POST', '/v1/feed/betfair', f'{line}\r\n{good}\r\n',
                                book.server.token('feed-1', 'feed'))
    assert response.status == 200
    assert (response.json['malformed'], response.json['messages']) == (1, 1)
    assert book.bettor().bet(market, 11).status == 201


def test_each_limit_that_was_reached_is_counted(book):
    def reached(name):
        return book.server.metric('overround_limit_reached_total', limit=name, listener='public')

    before = reached('http_body_bytes_max')
    raw(book, b'POST /v1/bets HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n')
    assert reached('http_body_bytes_max') == before + 1
