"""TLS: what is offered and what is not, certificates that change under load, and clients that never
finish what they began."""
import json
import os
import re
import signal
import socket
import ssl
import threading
import time

import pytest
from conftest import Book
from lib.bettor import Bettor
from lib.http import Closed, Http
from lib.pki import Pki, openssl
from lib.server import Server, run
from lib.until import until
from lib.ws import WebSocket


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    made = Pki(tmp_path_factory.mktemp('pki'))
    return made.issue('server').issue('desk')


def tls_server(folder, pki, *options, name='server', **named):
    return Server(folder, '--tls-listen', '127.0.0.1:0', *pki.options(name), *options, **named)


@pytest.fixture(scope='module')
def tls_book(tmp_path_factory, pki):
    book = Book(tls_server(tmp_path_factory.mktemp('tls') / 'data', pki).start())
    yield book
    book.close()


def ask_openssl(address, *options):
    """What s_client shows of a connection that ends after one answer."""
    request = b'GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
    return openssl('s_client', '-ign_eof', '-connect', f'{address[0]}:{address[1]}', *options,
                   check=False, data=request)


def closed_by(server, reason, listener='public'):
    return server.metric('overround_connections_closed_total', reason=reason, listener=listener)


# ---- what is offered ----

def test_tls_1_3_and_nothing_older(tls_book, pki):
    address = tls_book.server.tls
    shown = ask_openssl(address, '-CAfile', pki.cert('ca'), '-verify_return_error')
    assert 'Verify return code: 0 (ok)' in shown and 'TLSv1.3' in shown
    assert 'Early data was not sent' in shown and 'Max Early Data: 0' in shown
    assert 'Compression: NONE' in shown
    for version in ('-tls1_2', '-tls1_1', '-tls1'):
        shown = ask_openssl(address, version, '-cipher', 'ALL:@SECLEVEL=0')
        assert 'Cipher is (NONE)' in shown, (version, shown)
    for suite in ('TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
                  'TLS_AES_128_GCM_SHA256'):
        assert f'Cipher is {suite}' in ask_openssl(address, '-ciphersuites', suite)
    assert 'Cipher is (NONE)' in ask_openssl(address, '-ciphersuites', 'TLS_AES_128_CCM_SHA256')
    assert 'Cipher is (NONE)' in ask_openssl(address, '-groups', 'ffdhe2048')


def test_tls_1_2_only_where_it_is_asked_for_and_with_modern_ciphers(tmp_path, pki):
    pki.issue('rsa', rsa=True)
    with tls_server(tmp_path / 'data', pki, '--tls-min', '1.2', name='rsa') as server:
        shown = ask_openssl(server.tls, '-tls1_2')
        assert re.search(r'Cipher is ECDHE-RSA-AES\d+-GCM|Cipher is ECDHE-RSA-CHACHA20', shown)
        assert 'TLSv1.3' in ask_openssl(server.tls)
        for weak in ('AES256-GCM-SHA384', 'ECDHE-RSA-AES256-SHA384', 'DHE-RSA-AES256-GCM-SHA384'):
            assert 'Cipher is (NONE)' in ask_openssl(server.tls, '-tls1_2', '-cipher', weak), weak
        assert 'Cipher is (NONE)' in ask_openssl(server.tls, '-tls1_1', '-cipher',
                                                 'ALL:@SECLEVEL=0')
        # A renegotiation that the client begins is refused, and the connection goes on or ends.
        shown = openssl('s_client', '-connect', f'127.0.0.1:{server.tls[1]}', '-tls1_2',
                        check=False, data=b'R\n')
        assert 'RENEGOTIATING' in shown and 'no renegotiation' in shown, shown
        assert server.get('/healthz').status == 200


def test_alpn_chooses_http_1_1_or_refuses(tls_book, pki):
    for offered, chosen in ((('h2', 'http/1.1'), 'http/1.1'), (None, None)):
        with Http(tls_book.server.tls, tls=pki.client(alpn=offered)) as http:
            assert http.socket.selected_alpn_protocol() == chosen
            assert http.request('GET', '/healthz').status == 200
    with pytest.raises(ssl.SSLError, match='no application protocol|NO_APPLICATION_PROTOCOL'):
        Http(tls_book.server.tls, tls=pki.client(alpn=('h2',)))


def test_a_session_is_resumed(tls_book, pki):
    context = pki.client()
    before = tls_book.server.metric('overround_tls_handshakes_total', kind='resumed')
    with Http(tls_book.server.tls, tls=context) as http:
        assert http.request('GET', '/healthz').status == 200
        session = http.socket.session
        assert not http.socket.session_reused
    with Http(tls_book.server.tls, tls=context, session=session) as http:
        assert http.request('GET', '/healthz').status == 200
        assert http.socket.session_reused
    assert tls_book.server.metric('overround_tls_handshakes_total', kind='resumed') == before + 1


# ---- everything works as it does in the clear ----

def test_bets_prices_and_streams(tls_book, pki):
    server, market = tls_book.server, tls_book.market()
    bettor = Bettor(server)
    bettor.http = Http(server.tls, tls=pki.client())
    placed = bettor.bet(market, 11)
    assert placed.status == 201
    with WebSocket(server.tls, bettor.token, tls=pki.client()) as ws:
        assert ws.handshake.status == 101
        ws.subscribe(f'market:{market}')
        assert ws.receive()['op'] == 'snapshot'
        tls_book.feed.price(market, 11, 2.5)
        assert ws.wait_for(op='delta')['market_id'] == market
        answer = ws.place('r1', bettor.key(), bettor.slip(market, 11))
        assert answer['code'] == 201
    with Http(server.tls, tls=pki.client()) as http:
        http.begin('GET', f'/v1/stream?channels=market:{market}',
                   headers={'Accept': 'text/event-stream'})
        assert http.head().headers['content-type'].startswith('text/event-stream')
        while b'"op":"snapshot"' not in http.buffer:
            http.fill()


def test_pipelined_requests_and_long_answers(tls_book, pki):
    market = tls_book.market()
    with Http(tls_book.server.tls, tls=pki.client()) as http:
        query = '&'.join(f'market_id={market}' for _ in range(20))
        for _ in range(200):
            http.begin('GET', f'/v1/odds?{query}' if _ % 2 else '/healthz')
        bodies = [http.response() for _ in range(200)]
    assert {r.status for r in bodies} == {200}
    assert all(market.encode() in r.body for r in bodies[1::2])


def test_plain_http_on_the_port_is_told_so(tls_book):
    before = closed_by(tls_book.server, 'not_tls')
    with Http(tls_book.server.tls) as http:
        answer = http.request('GET', '/')
        assert answer.status == 400 and answer.code == 'TLS_REQUIRED'
        assert http.is_closed_by_peer()
    until(lambda: closed_by(tls_book.server, 'not_tls') == before + 1)


# ---- the end of connections ----

def test_the_server_says_that_it_ends(tls_book, pki):
    with Http(tls_book.server.tls, tls=pki.client()) as http:
        answer = http.request('GET', '/healthz', headers={'Connection': 'close'})
        assert answer.status == 200
        assert http.is_closed_by_peer()  # without close_notify this would raise


def in_memory(address, context):
    """A TLS connection whose bytes we carry ourselves."""
    plain = socket.create_connection(address, timeout=15)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    machine = context.wrap_bio(incoming, outgoing, server_hostname=address[0])
    while True:
        try:
            machine.do_handshake()
            break
        except ssl.SSLWantReadError:
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
    plain.sendall(outgoing.read())
    return plain, machine, incoming, outgoing


def read_to_end(plain, machine, incoming):
    """What comes up to close_notify; raises when the connection just breaks off."""
    text = b''
    while True:
        try:
            piece = machine.read(65536)
            if piece == b'':
                return text
            text += piece
        except ssl.SSLZeroReturnError:
            return text
        except ssl.SSLWantReadError as want:
            data = plain.recv(65536)
            if not data:
                raise Closed from want
            incoming.write(data)


def test_a_client_that_ends_its_direction_still_gets_its_answer(tls_book, pki):
    plain, machine, incoming, outgoing = in_memory(tls_book.server.tls, pki.client())
    machine.write(b'GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n')
    try:
        machine.unwrap()
    except ssl.SSLWantReadError:
        pass  # our close_notify is written; the server's is awaited below
    plain.sendall(outgoing.read())
    data = b''
    while chunk := plain.recv(65536):
        data += chunk
    assert len(data) > 40  # an answer and a close_notify, in records
    incoming.write(data)
    plain.close()


def test_a_request_that_breaks_off_is_none(tls_book, pki):
    server, market = tls_book.server, tls_book.market()
    bettor = Bettor(server)
    before = server.metric('overround_tls_truncated_total', listener='public')
    slip = json.dumps({k: str(v) if k != 'stake' else float(v)
                       for k, v in bettor.slip(market, 11).items()}).encode()
    plain, machine, _, outgoing = in_memory(server.tls, pki.client())
    machine.write(b'POST /v1/bets HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ' +
                  bettor.token.encode() + b'\r\nIdempotency-Key: cut\r\nContent-Type: '
                  b'application/json\r\nContent-Length: %d\r\n\r\n' % (len(slip) + 1) + slip)
    plain.sendall(outgoing.read())
    plain.shutdown(socket.SHUT_WR)
    while plain.recv(65536):
        pass
    plain.close()
    until(lambda: server.metric('overround_tls_truncated_total', listener='public') == before + 1)
    assert bettor.bets() == []


def test_a_record_that_was_changed_on_the_way_ends_the_connection(tls_book, pki):
    before = closed_by(tls_book.server, 'tls_record')
    plain, machine, incoming, outgoing = in_memory(tls_book.server.tls, pki.client())
    machine.write(b'GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n')
    record = bytearray(outgoing.read())
    record[-1] ^= 1
    plain.sendall(record)
    with pytest.raises(ssl.SSLError, match='(?i)bad record mac'):
        read_to_end(plain, machine, incoming)
    plain.close()
    until(lambda: closed_by(tls_book.server, 'tls_record') == before + 1)


def private_bytes(server):
    with open(f'/proc/{server.process.pid}/smaps_rollup', encoding='ascii') as file:
        return next(int(line.split()[1]) * 1024 for line in file
                    if line.startswith('Private_Dirty'))


@pytest.mark.resident
def test_an_idle_connection_costs_less_than_40_kib(tls_book, pki):
    server, context = tls_book.server, pki.client()
    standing = [WebSocket(server.tls, tls=context) for _ in range(30)]  # what is taken once
    before, count = private_bytes(server), 400
    standing += [WebSocket(server.tls, tls=context) for _ in range(count)]
    assert all(ws.handshake.status == 101 for ws in standing)
    each = (private_bytes(server) - before) / count
    for ws in standing:
        ws.http.close()
    assert each < 40 * 1024


# ---- clients that do not mean it ----

@pytest.mark.one_loop
def test_half_open_handshakes_are_in_nobodys_way(tls_book, pki):
    server = tls_book.server
    hello = b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
    idle = [socket.create_connection(server.tls) for _ in range(1500)]
    for number, connection in enumerate(idle):
        if number % 2:
            connection.sendall(hello[:1 + number % len(hello)])
    limit = 'overround_limit_reached_total'
    until(lambda: server.metric(limit, limit='tls_handshakes_max',
                                listener='public') >= 1500 - 1024)
    assert server.metric('overround_tls_handshaking', listener='public') <= 1024
    for _ in range(5):
        with Http(server.tls, tls=pki.client()) as http:
            assert http.request('GET', '/healthz').status == 200
    for connection in idle:
        connection.close()
    until(lambda: server.metric('overround_tls_handshaking', listener='public') == 0)


def test_garbage_is_closed_and_counted(tls_book, pki):
    server = tls_book.server
    before = closed_by(server, 'tls_handshake')
    garbage = [b'\x16' + os.urandom(2000), os.urandom(1) * 0 + b'\x00' * 500,
               b'\x16\x03\x01\xff\xff' + os.urandom(9000), b'\x80\x2e\x01\x00\x02' + os.urandom(60),
               b'\x15\x03\x01\x00\x02\x02\x28', b'\x17\x03\x03\x00\x10' + os.urandom(16),
               b'\xff\xfe' + os.urandom(100)]
    for text in garbage:
        with socket.create_connection(server.tls, timeout=15) as plain:
            plain.sendall(text)
            plain.shutdown(socket.SHUT_WR)
            try:
                while plain.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    until(lambda: closed_by(server, 'tls_handshake') == before + len(garbage))
    with Http(server.tls, tls=pki.client()) as http:
        assert http.request('GET', '/healthz').status == 200


def test_a_client_that_does_not_trust_us_is_counted(tls_book, tmp_path):
    before = closed_by(tls_book.server, 'tls_handshake')
    with pytest.raises(ssl.SSLCertVerificationError):
        Http(tls_book.server.tls, tls=Pki(tmp_path / 'other').client())
    until(lambda: closed_by(tls_book.server, 'tls_handshake') == before + 1)


# ---- certificates that change ----

def shown_name(address, context):
    with Http(address, tls=context) as http:
        return dict(pair[0] for pair in http.socket.getpeercert()['subject'])['commonName']


def hangup(server, outcome):
    before = server.metric('overround_tls_reloads_total', outcome=outcome)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.metric('overround_tls_reloads_total', outcome=outcome) == before + 1)


class Requests(threading.Thread):
    """Asks on one connection, one request after the other, until it is told to end."""

    def __init__(self, address, context):
        super().__init__(daemon=True)
        self.http, self.answers, self.failure = Http(address, tls=context), 0, None
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                assert self.http.request('GET', '/healthz').status == 200
                self.answers += 1
        except (OSError, Closed, AssertionError) as error:
            self.failure = error

    def end(self):
        self.ended.set()
        self.join()
        assert self.failure is None and self.answers > 0, self.failure


def test_a_new_certificate_is_taken_and_no_connection_is_dropped(tmp_path, tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp('reload')).issue('first').issue('current')
    book = Book(tls_server(tmp_path / 'data', pki, name='current').start())
    try:
        server, market = book.server, book.market()
        busy = [Requests(server.tls, pki.client()) for _ in range(4)]
        for thread in busy:
            thread.start()
        with WebSocket(server.tls, tls=pki.client()) as ws:
            ws.subscribe(f'market:{market}')
            assert ws.receive()['op'] == 'snapshot'
            for name in ('second', 'third', 'fourth'):
                pki.issue(name, days=30, as_name='current')
                hangup(server, 'read')
                assert shown_name(server.tls, pki.client()) == name
                answers = [thread.answers for thread in busy]
                until(lambda a=answers: all(t.answers > n for t, n in zip(busy, a)))
            book.feed.price(market, 11, 2.9)
            assert ws.wait_for(op='delta')['market_id'] == market
        for thread in busy:
            thread.end()
        expiry = server.metric('overround_tls_certificate_expiry_seconds', listener='public')
        assert 29 * 86400 < expiry - time.time() < 31 * 86400
    finally:
        book.close()


def test_a_file_that_cannot_serve_changes_nothing(tmp_path, tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp('bad')).issue('current').issue('other')
    with tls_server(tmp_path / 'data', pki, name='current') as server:
        expiry = server.metric('overround_tls_certificate_expiry_seconds')
        with open(pki.cert('current'), 'rb') as file:
            good = file.read()

        def still_serves(words):
            hangup(server, 'kept')
            assert shown_name(server.tls, pki.client()) == 'current'
            assert server.metric('overround_tls_certificate_expiry_seconds') == expiry
            assert words in server.log_text()

        for content, words in ((b'', 'no certificate in'), (good[:200], 'no certificate in'),
                               (open(pki.cert('other'), 'rb').read(), 'key values mismatch')):
            with open(pki.cert('current'), 'wb') as file:
                file.write(content)
            still_serves(words)
        os.unlink(pki.cert('current'))
        still_serves('cannot read')
        with open(pki.cert('current'), 'wb') as file:
            file.write(good)
        os.chmod(pki.key('current'), 0o644)
        still_serves('within reach of others')
        os.chmod(pki.key('current'), 0o600)
        pki.issue('old', days=-1, as_name='current')
        still_serves('has expired')
        pki.issue('new', as_name='current')
        hangup(server, 'read')
        assert shown_name(server.tls, pki.client()) == 'new'


def test_a_hangup_without_certificates_is_no_end(tmp_path):
    with Server(tmp_path / 'data') as server:
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'nothing to read again' in server.log_text())
        assert server.get('/healthz').status == 200


# ---- the admin listener ----

def test_the_desk_shows_a_certificate_of_its_own(tmp_path, pki):
    options = [*pki.options('server', 'admin-'), '--admin-client-ca', pki.cert('ca')]
    with Server(tmp_path / 'data', *options) as server:
        token = server.token('admin-1', 'admin')
        for context in (pki.client(), Pki(tmp_path / 'other').issue('desk').client('desk')):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with pytest.raises((ssl.SSLError, ConnectionResetError, Closed)):
                with Http(server.admin, tls=context) as http:
                    http.request('GET', '/metrics', token=token)
        with Http(server.admin, tls=pki.client('desk')) as http:
            answer = http.request('GET', '/metrics', token=token)
            assert answer.status == 200 and len(answer.body) > 20000
            text = answer.body.decode()
            session = http.socket.session
            assert 'overround_connections_closed_total{reason="tls_handshake",' \
                'listener="admin"} 2' in text
            # A token is wanted all the same.
            assert http.request('GET', '/v1/admin/status').status == 401
        # No connection rests on the verification of another.
        with Http(server.admin, tls=pki.client('desk')) as http:
            assert session is None or not session.has_ticket
            assert http.request('GET', '/healthz').status == 200
        # Long uploads, in records of all sizes.
        with Http(server.admin, tls=pki.client('desk'), timeout=60) as http:
            line = b'{"op":"mcm","clk":"C1","pt":1,"ct":"HEARTBEAT"}\r\n'
            body = line * (2000000 // len(line))
            answer = http.request('POST', '/v1/feed/betfair', body,
                                  server.token('feed-1', 'feed'))
            assert answer.status == 200 and answer.json['messages'] == len(body) // len(line)


# ---- our own tools ----

def test_the_load_generator_verifies_the_server_and_loads_it(tls_book, pki):
    server, market = tls_book.server, tls_book.market()
    url = 'https://{}:{}'.format(*server.tls)

    def load(kind, *options, check=True, ca=pki.cert('ca')):
        return run('load', kind, '--url', url, '--ca', ca, '--data', server.data, '--seconds', '1',
                   '--warmup', '0', *options, check=check)
    for transport in ('http', 'ws'):
        report = json.loads(load('bets', '--channels', f'market:{market}', '--rate', '200',
                                 '--users', '20', '--connections', '10', '--transport', transport,
                                 '--user-prefix', 'tls-' + transport).stdout)
        assert report['codes'] == [{'status': 201, 'code': '', 'count': 200}]
    report = json.loads(load('subscribe', '--channels', f'market:{market}', '--clients',
                             '50').stdout)
    assert report['clients_open'] == 50 and report['closed'] == 0
    for resume, kind in (('off', 'full'), ('on', 'resumed')):
        before = server.metric('overround_tls_handshakes_total', listener='public', kind=kind)
        report = json.loads(load('connects', '--clients', '4', '--resume', resume).stdout)
        assert report['visits'] > 0 and report['failed'] == 0 and report['tls'] is True
        after = server.metric('overround_tls_handshakes_total', listener='public', kind=kind)
        assert after - before >= report['visits'] - 4  # the first four have no ticket yet
    # A server that nobody vouches for is not loaded.
    done = load('connects', check=False, ca=pki.cert('desk'))
    assert done.returncode == 1 and 'nobody was served' in done.stderr


def test_a_recording_is_played_into_a_desk_with_tls(tmp_path, pki):
    options = [*pki.options('server', 'admin-'), '--admin-client-ca', pki.cert('ca')]
    recording = tmp_path / 'recording'
    recording.write_text('{"op":"mcm","clk":"C1","pt":1700000000000,"ct":"HEARTBEAT"}\n' * 50)
    with Server(tmp_path / 'data', *options) as server:
        replay = ['feed', 'replay', '--format', 'betfair', '--speed', 'max', '--data', server.data,
                  '--to', 'https://{}:{}'.format(*server.admin), '--ca', pki.cert('ca')]
        done = run(*replay, '--client-cert', pki.cert('desk'), '--client-key', pki.key('desk'),
                   str(recording))
        assert json.loads(done.stdout)['messages'] >= 50
        assert run(*replay, str(recording), check=False).returncode == 1
        assert 'needs --ca' in run(*replay[:-2], str(recording), check=False).stderr


def test_promote_speaks_to_a_desk_with_tls(tmp_path, pki):
    token = tmp_path / 'token'
    with Server(tmp_path / 'data', *pki.options('server', 'admin-')) as server:
        token.write_text(server.token('admin-1', 'admin'))
        promote = ['promote', '--admin', '{}:{}'.format(*server.admin), '--token', str(token)]
        done = run(*promote, '--ca', pki.cert('ca'), check=False)
        # It has reached a primary, which says so.
        assert done.returncode == 1 and re.search(r'4\d\d: ', done.stderr), done
        done = run(*promote, '--ca', pki.cert('desk'), check=False)
        assert done.returncode == 1 and 'no answer from' in done.stderr, done


# ---- options ----

@pytest.mark.parametrize('options, words', [
    (['--tls-listen', '127.0.0.1:0'], 'come together'),
    (['--tls-cert', 'CERT', '--tls-key', 'KEY'], 'come together'),
    (['--tls-listen', '127.0.0.1:0', '--tls-cert', 'CERT'], '--tls-cert and --tls-key'),
    (['--tls-listen', 'here', '--tls-cert', 'CERT', '--tls-key', 'KEY'], 'numeric host'),
    (['--tls-listen', '127.0.0.1:0', '--tls-cert', 'CERT', '--tls-key', 'KEY', '--tls-min', '1.1'],
     '--tls-min is 1.3 or 1.2'),
    (['--tls-listen', '127.0.0.1:0', '--tls-cert', 'CERT', '--tls-key', '/nowhere'],
     'cannot read /nowhere'),
    (['--admin-client-ca', 'CERT'], 'needs --admin-tls-cert'),
    (['--listen', 'off'], 'nobody could connect'),
    (['--listen-proxies', '10.0.0.1/8'], 'is networks such as'),
    (['--listen-proxies', ''], 'is networks such as'),
    (['--tls-listen-proxies', '10.0.0.0/8'], 'a listener that is not there'),
])
def test_options_that_make_no_sense_are_refused(tmp_path, pki, options, words):
    named = {'CERT': pki.cert('server'), 'KEY': pki.key('server')}
    done = run('serve', '--data', str(tmp_path / 'd'), '--admin', '127.0.0.1:0',
               *(['--listen', '127.0.0.1:0'] if '--listen' not in options else []),
               *(named.get(o, o) for o in options), check=False)
    assert done.returncode in (1, 2) and words in done.stderr, done


def test_without_a_plain_listener_ready_names_the_one_with_tls(tmp_path, pki):
    with tls_server(tmp_path / 'data', pki, listen='off') as server:
        assert server.public == server.tls
        with Http(server.tls, tls=pki.client()) as http:
            assert http.request('GET', '/readyz').status == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
