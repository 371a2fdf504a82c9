"""HAProxy in front, with customers.cfg and book.cfg of deploy/haproxy as they are: TLS and HTTP/2
end there, and the book learns of the real client by the PROXY header."""
import json
import os
import socket
import struct
import subprocess
import threading

import pytest
from conftest import Book
from lib.bettor import Bettor
from lib.haproxy import HAProxy
from lib.http import Closed, Http
from lib.pki import Pki
from lib.ports import free_port
from lib.server import Server
from lib.until import until
from lib.ws import WebSocket

SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp('pki')).issue('server')


@pytest.fixture(scope='module')
def proxied(tmp_path_factory, pki):
    folder = tmp_path_factory.mktemp('proxied')
    port = free_port()  # the book keeps its place when it is started again
    server = Server(folder / 'data', '--listen-proxies', '127.0.0.1', '--address-requests', '100',
                    listen=f'127.0.0.1:{port}')
    book = Book(server.start())
    proxy = HAProxy(folder, pki, 'book.cfg', {'OVERROUND_BOOK': server.public})
    server.direct, server.public = server.public, proxy.address
    yield book, proxy
    proxy.close()
    book.close()


def curl(pki, *arguments):
    done = subprocess.run(['curl', '-sS', '--cacert', pki.cert('ca'), '--max-time', '30',
                           *arguments], check=True, stdout=subprocess.PIPE, timeout=60)
    return done.stdout.decode()


def market_through(proxied, pki):
    """A market whose prices can be read at the proxy."""
    book, proxy = proxied
    ident = f'1.{free_port()}{os.getpid()}'
    book.feed.market(ident, {11: 2.0, 12: 3.5})

    def shown():
        with Http(proxy.address, tls=pki.client()) as http:
            return http.request('GET', f'/v1/odds/{ident}').status == 200
    until(shown)
    return ident


def test_http_2_at_the_proxy(proxied, pki):
    market = market_through(proxied, pki)
    url = 'https://{}:{}'.format(*proxied[1].address)
    urls = [f'{url}/v1/odds/{market}', f'{url}/healthz'] * 20
    shown = curl(pki, '--http2', '-w', '\\n%{http_version} %{http_code} %{num_connects}\\n',
                 *urls)
    rows = [line for line in shown.splitlines() if line.startswith('2 ')]
    assert len(rows) == len(urls) and all(row.startswith('2 200 ') for row in rows)
    assert sum(int(row.split()[2]) for row in rows) == 1
    assert market in shown
    # The page, with the header that keeps browsers on https.
    shown = curl(pki, '--http2', '-i', url + '/')
    assert 'strict-transport-security' in shown and '<html' in shown.lower()
    assert curl(pki, '--http1.1', '-w', '%{http_version}', url + '/healthz').endswith('1.1')


def test_plain_http_is_sent_to_https(proxied):
    with Http(proxied[1].strays, foreign=True) as http:
        answer = http.request('GET', '/v1/events')
        assert answer.status == 308 and answer.headers['location'].startswith('https://')


def test_bets_and_streams_through_the_proxy(proxied, pki):
    book, proxy = proxied
    market = market_through(proxied, pki)
    bettor = Bettor.__new__(Bettor)
    bettor.server, bettor.currency, bettor.name = book.server, 'GBP', f'proxied-{market}'
    bettor.token = book.server.token(bettor.name)
    bettor.http = Http(proxy.address, tls=pki.client())
    assert bettor.deposit('100.00').status == 201
    assert bettor.bet(market, 11).status == 201
    with WebSocket(proxy.address, bettor.token, tls=pki.client()) as ws:
        assert ws.handshake.status == 101
        ws.subscribe(f'market:{market}')
        assert ws.receive()['op'] == 'snapshot'
        book.feed.price(market, 11, 2.5)
        assert ws.wait_for(op='delta')['market_id'] == market
        answer = ws.place('r1', bettor.key(), bettor.slip(market, 11))
        assert answer['code'] == 201
    with Http(proxy.address, tls=pki.client()) as http:
        http.begin('GET', f'/v1/stream?channels=market:{market}',
                   headers={'Accept': 'text/event-stream'})
        assert http.head().headers['content-type'].startswith('text/event-stream')
        while b'"op":"snapshot"' not in http.buffer:
            http.fill()


def from_address(proxy, pki, source):
    """A connection to the proxy from another address of this machine."""
    plain = socket.create_connection(proxy.address, timeout=15, source_address=(source, 0))
    return Http(proxy.address, tls=pki.client(), connection=plain)


def test_rate_limits_know_the_customers_behind_the_proxy(proxied, pki):
    book, proxy = proxied
    counted = book.server.metric('overround_proxied_connections_total', listener='public')
    with from_address(proxy, pki, '127.77.0.1') as greedy:
        statuses = set()
        for _ in range(60):
            for _ in range(50):
                greedy.begin('GET', '/v1/events', headers={'X-Forwarded-For': '10.9.8.7'})
            statuses |= {greedy.response().status for _ in range(50)}
            if 429 in statuses:
                break
        assert 429 in statuses
        # The same moment, the same proxy, another customer.
        with from_address(proxy, pki, '127.77.0.2') as modest:
            assert modest.request('GET', '/v1/events').status == 200
    after = book.server.metric('overround_proxied_connections_total', listener='public')
    assert after >= counted + 2


def test_requests_wait_while_the_book_starts_again(proxied, pki):
    book, proxy = proxied
    market = market_through(proxied, pki)
    with WebSocket(proxy.address, tls=pki.client()) as ws:
        ws.subscribe(f'market:{market}')
        assert ws.receive()['op'] == 'snapshot'
        book.server.kill()
        assert ws.close_code() == 1006
    answers = []

    def ask():
        with Http(proxy.address, tls=pki.client(), timeout=60) as http:
            answers.append(http.request('GET', '/healthz').status)
    asking = [threading.Thread(target=ask, daemon=True) for _ in range(5)]
    for thread in asking:
        thread.start()
    book.server.start()
    book.server.direct, book.server.public = book.server.public, proxy.address
    for thread in asking:
        thread.join(60)
    assert answers == [200] * 5
    book.feed.market(market, {11: 2.0, 12: 3.5})
    with WebSocket(proxy.address, tls=pki.client()) as ws:
        ws.subscribe(f'market:{market}')
        assert ws.receive()['op'] == 'snapshot'


# ---- what comes without a proxy, or with a bad one ----

def header(family=0x11, command=0x21, addresses=b'\xc0\x00\x02\x07\x0a\0\0\x01\xc3\x50\x01\xbb'):
    return SIGNATURE + struct.pack('!BBH', command, family, len(addresses)) + addresses


def ends(address, data):
    """Sends, and answers what comes until the end."""
    with socket.create_connection(address, timeout=15) as plain:
        plain.sendall(data)
        text = b''
        try:
            while part := plain.recv(65536):
                text += part
        except ConnectionResetError:
            pass
        return text


REQUEST = b'GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'


def test_a_header_is_wanted_of_every_connection(proxied):
    server = proxied[0].server

    def closed():
        return server.metric('overround_connections_closed_total', reason='proxy_header',
                             listener='public')
    before = closed()
    assert b'200 OK' in ends(server.direct, header() + REQUEST)
    bad = [REQUEST, b'PROXY TCP4 192.0.2.7 10.0.0.1 50000 443\r\n' + REQUEST,
           header(command=0x22) + REQUEST, header(family=0x12) + REQUEST,
           header(addresses=b'\xc0\x00\x02') + REQUEST, SIGNATURE + b'\x21\x11\xff\xff']
    for data in bad:
        assert ends(server.direct, data) == b''
    until(lambda: closed() == before + len(bad))


def test_a_stranger_may_not_claim_to_be_a_proxy(tmp_path):
    with Server(tmp_path / 'data', '--listen-proxies', '192.0.2.0/24') as server:
        assert ends(server.public, header() + REQUEST) == b''
        until(lambda: server.metric('overround_connections_closed_total',
                                    reason='proxy_untrusted', listener='public') == 1)


def test_a_header_before_tls(tmp_path, pki):
    with Server(tmp_path / 'data', '--tls-listen', '127.0.0.1:0', *pki.options('server'),
                '--tls-listen-proxies', '127.0.0.0/8', '--address-requests', '1') as server:
        def through(address):
            plain = socket.create_connection(server.tls, timeout=15)
            plain.sendall(header(addresses=address + b'\x0a\0\0\x01\xc3\x50\x01\xbb'))
            with Http(server.tls, tls=pki.client(), connection=plain) as http:
                for _ in range(8):
                    http.begin('GET', '/v1/events')
                return {http.response().status for _ in range(8)}
        assert through(b'\xc0\x00\x02\x07') == {200, 429}
        assert 200 in through(b'\xc0\x00\x02\x08')
        # Without the header a ClientHello is none, and the plain listener wants none.
        with pytest.raises((OSError, Closed)):
            Http(server.tls, tls=pki.client())
        assert server.get('/healthz').status == 200
        assert json.loads(server.get('/v1/events').body)['events'] == []
