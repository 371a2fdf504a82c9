"""Heads posted to a server of somebody else's, by https: who is believed, and what happens when it
is slow, dead and back."""
import http.server
import json
import ssl
import threading

import pytest
from conftest import make
from lib.pki import Pki, openssl
from lib.ports import free_port
from lib.server import run
from lib.until import until


class Keeper:
    """An https server that keeps what is posted; `answers` are the statuses of the first ones."""

    def __init__(self, certificate, key, port=0, answers=(), pause=0):
        keeper = self
        self.got, self.asked, self.answers = [], 0, list(answers)
        self.closed = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers['Content-Length']))
                keeper.asked += 1
                status = keeper.answers.pop(0) if keeper.answers else 200
                if pause:
                    keeper.closed.wait(pause)
                if status == 200:
                    keeper.got.append(json.loads(body))
                self.send_response(status)
                if status == 302:
                    self.send_header('Location', f'https://localhost:{keeper.port}/elsewhere')
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients that do not believe us

        self.server = Server(('127.0.0.1', port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    made = Pki(tmp_path_factory.mktemp('pki'))
    made.issue('good').issue('elsewhere', altnames='DNS:elsewhere.test')
    made.issue('expired', days=-1)
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-days', '90', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
            '-keyout', made.key('self'), '-out', made.cert('self'))
    return made


@pytest.fixture
def begin(tmp_path, pki):
    """A server whose heads go to localhost at that port; trusts our authority."""
    books = []

    def begin_at(port, *more):
        books.append(make(tmp_path / 'data', [
            '--head-interval-ms', '50', '--heads-webhook', f'https://localhost:{port}/in?t=geheim',
            '--heads-webhook-ca', pki.cert('ca'), *more]))
        return books[-1]

    yield begin_at
    for book in books:
        book.close()


def count(book, result):
    return book.server.metric('overround_heads_webhook_total', result=result)


def test_heads_and_links_are_posted_in_order(begin, pki):
    keeper = Keeper(pki.cert('good'), pki.key('good'), answers=[503, 302, 404])
    book = begin(keeper.port)
    try:
        until(lambda: count(book, 'posted') >= 1)
        assert count(book, 'failed') == 3  # a redirect is followed by nobody
        assert book.server.desk('/v1/admin/ledger/rotate-key', {'to': 'file'},
                                role='admin').status == 200
        until(lambda: any(doc.get('kind') == 'rotation' for doc in keeper.got))
        link = next(doc for doc in keeper.got if 'kind' in doc)
        assert link == book.server.get('/v1/ledger/keys').json['links'][0]
        until(lambda: keeper.got[-1].get('key') == link['new_key'])
        heads = [doc['tree_size'] for doc in keeper.got]
        assert heads == sorted(heads)
        log = book.server.log_text()
        assert log.count('the webhook does not take') == 1
        assert 'takes what is signed again' in log and 'geheim' not in log
    finally:
        keeper.close()


@pytest.mark.parametrize('name, said', [
    ('elsewhere', 'no alternative certificate subject name matches'),
    ('expired', 'expired'),
    ('self', 'self-signed certificate'),
])
def test_nobody_is_believed_without_a_good_certificate(begin, pki, name, said):
    keeper = Keeper(pki.cert(name), pki.key(name))
    book = begin(keeper.port)
    try:
        until(lambda: count(book, 'failed') >= 1)
        assert keeper.asked == 0 and count(book, 'posted') == 0
        assert said in book.server.log_text()
        assert 'geheim' not in book.server.log_text()
    finally:
        keeper.close()


def test_the_authorities_of_the_system_do_not_know_ours(tmp_path, pki):
    keeper = Keeper(pki.cert('good'), pki.key('good'))
    book = make(tmp_path / 'data', ['--heads-webhook', f'https://localhost:{keeper.port}/'])
    try:
        until(lambda: count(book, 'failed') >= 1)
        assert keeper.asked == 0
    finally:
        book.close()
        keeper.close()


def test_a_dead_server_gets_what_waits_when_it_is_back(begin, pki):
    port = free_port()
    book = begin(port)
    ident, customer = book.market(), book.bettor()
    until(lambda: count(book, 'failed') >= 1)
    # A head for each bet or two, until more wait than may.
    until(lambda: customer.bet(ident, 11, '1').status == 201 and count(book, 'dropped') >= 2, 60)
    keeper = Keeper(pki.cert('good'), pki.key('good'), port=port)
    try:
        size = book.server.get('/v1/ledger/head').json['head']['tree_size']
        until(lambda: keeper.got and keeper.got[-1]['tree_size'] >= size, 60)
        heads = [doc['tree_size'] for doc in keeper.got]
        assert heads == sorted(heads)
        # The last one is counted when its answer has come back, which is behind its arrival here.
        until(lambda: len(keeper.got) == count(book, 'posted'))
    finally:
        keeper.close()


def test_a_server_that_never_answers_is_given_up_and_bets_do_not_wait(begin, pki):
    keeper = Keeper(pki.cert('good'), pki.key('good'), pause=3600)
    book = begin(keeper.port)
    try:
        until(lambda: keeper.asked >= 1)
        ident, customer = book.market(), book.bettor()
        for _ in range(5):
            assert customer.bet(ident, 11, '1').status == 201
        assert count(book, 'posted') == 0
        until(lambda: count(book, 'failed') >= 1, 60)
        assert 'timed out' in book.server.log_text().lower()
        assert book.server.terminate() == 0  # with one under way
    finally:
        keeper.close()


def test_urls_and_files_that_cannot_be_meant(tmp_path):
    serve = ['serve', '--data', str(tmp_path / 'data'), '--listen', '127.0.0.1:0', '--admin',
             '127.0.0.1:0']
    for url in ('ftp://localhost/', 'localhost:80', 'https://', 'https://host/#part',
                'file:///etc/passwd', 'https://h/' + 'x' * 2000):
        done = run(*serve, '--heads-webhook', url, check=False)
        assert done.returncode == 1 and '--heads-webhook' in done.stderr, (url, done.stderr)
        assert url == 'https://' or url not in done.stderr
    done = run(*serve, '--heads-webhook', 'https://localhost/', '--heads-webhook-ca', '/nowhere',
               check=False)
    assert done.returncode == 1 and '/nowhere' in done.stderr
