"""Recoveries of the Unified Odds Feed, asked for at the provider's API, and answered through the
broker."""
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from lib.bettor import Bettor
from lib.rabbitmq import USER, BrokerFeed, Rabbit
from lib.server import Server, run
from lib.uof import market
from lib.until import until

PRICES = {'1': {'odds': '2.5'}, '2': {'odds': '3.2'}}
BEFORE = {'status': 0, 'match_status': 0}
KEY = 'sr:match:1/1'
WINDOW_MS = 170 * 60 * 1000


class Api:
    """The provider's: keeps what it was asked for, and accepts, unless its status is another."""

    def __init__(self):
        self.asked, self.status = queue.Queue(), 202
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                url = urlsplit(self.path)
                api.asked.put((url.path, dict(parse_qsl(url.query)),
                               self.headers.get('x-access-token')))
                body = b'<response response_code="ACCEPTED"/>'
                self.send_response(api.status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_address[1]}/v1/liveodds/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope='module')
def rabbit():
    made = Rabbit().start()
    yield made
    made.close()


@pytest.fixture
def api():
    made = Api()
    yield made
    made.close()


def status(server):
    answer = server.get(f'/v1/odds/{quote(KEY, safe="")}')
    return answer.json['status'] if answer.status == 200 else None


def all_heard(server, feed):
    """Everything that was published was taken."""
    feed.alive()
    until(lambda: server.metric('overround_uof_messages_total') >= feed.published)


def test_what_is_missing_is_asked_for_and_brings_prices_back(tmp_path, rabbit, api):
    with Server(tmp_path / 'data', '--uof', rabbit.url(), '--uof-recovery', f'1={api.url}',
                '--uof-node', '7') as server:
        until(lambda: server.metric('overround_uof_connected') == 1, 60)
        feed = BrokerFeed(rabbit)
        try:
            path, query, token = api.asked.get(timeout=60)
            assert (path, token) == ('/v1/liveodds/recovery/initiate_request', USER)
            assert query['node_id'] == '7'
            assert int(query['after']) <= feed.now() - WINDOW_MS
            feed.odds('sr:match:1', market('1', PRICES), status=BEFORE)
            feed.send('snapshot_complete', request_id=int(query['request_id']) + 1)
            all_heard(server, feed)
            assert status(server) == 'suspended'  # nobody knows what was before
            feed.send('snapshot_complete', request_id=query['request_id'])
            until(lambda: status(server) == 'active')
            before = feed.now()
            all_heard(server, feed)
            rabbit.end()
            until(lambda: status(server) == 'suspended')
            feed.forget()
            rabbit.start()
            until(lambda: server.metric('overround_uof_connected') == 1, 60)
            path, query, token = api.asked.get(timeout=90)
            assert before <= int(query['after']) < feed.now()
            feed.send('snapshot_complete', request_id=query['request_id'])
            until(lambda: status(server) == 'active')
            assert Bettor(server).bet(KEY, '1', '1.00').status == 201
            assert server.metric('overround_uof_recoveries_total') == 2
            assert server.metric('overround_uof_recoveries_failed_total') == 0
            assert server.terminate() == 0
            server.verify()
        finally:
            feed.close()


def test_an_api_that_refuses_is_asked_again_and_its_token_kept(tmp_path, rabbit, api):
    api.status = 403
    with Server(tmp_path / 'data', '--uof', rabbit.url(), '--uof-recovery', f'1={api.url}') \
            as server:
        until(lambda: server.metric('overround_uof_connected') == 1, 60)
        feed = BrokerFeed(rabbit)
        try:
            first = api.asked.get(timeout=60)[1]
            until(lambda: server.metric('overround_uof_recoveries_failed_total') == 1)
            api.status = 202
            again = api.asked.get(timeout=90)[1]
            assert first['request_id'] != again['request_id'] and 'node_id' not in again
            feed.odds('sr:match:1', market('1', PRICES), status=BEFORE)
            feed.send('snapshot_complete', request_id=again['request_id'])
            until(lambda: status(server) == 'active')
            log = server.log_text()
            assert 'the provider takes no recovery' in log and USER not in log
        finally:
            feed.close()


def test_its_options_are_checked_before_anything_begins(tmp_path):
    for wrong in ('1', '1=ftp://127.0.0.1/', '1=http://127.0.0.1/v1', '0=http://127.0.0.1/'):
        done = run('serve', '--data', tmp_path / 'data', '--uof', 'amqp://127.0.0.1:1',
                   '--uof-recovery', wrong, check=False)
        assert done.returncode == 2 and '--uof-recovery' in done.stderr, (wrong, done.stderr)
