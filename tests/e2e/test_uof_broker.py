"""The Unified Odds Feed through a broker (AMQP): the same messages as by HTTP, and what becomes of
bets when the broker refuses us, stands still, dies, and comes back."""
import itertools
import socket
import threading
from decimal import Decimal
from urllib.parse import quote

import pytest
from lib.bettor import Bettor
from lib.pki import Pki
from lib.rabbitmq import PASSWORD, BrokerFeed, Rabbit
from lib.server import Server, run
from lib.uof import market
from lib.until import until

EVENTS = itertools.count(1)
PRICES = {'1': {'odds': '2.5'}, '2': {'odds': '3.2'}}
BEFORE = {'status': 0, 'match_status': 0}


@pytest.fixture(scope='module')
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp('pki')).issue('broker')


@pytest.fixture(scope='module')
def rabbit(pki):
    made = Rabbit(pki).start()
    yield made
    made.close()


class Book:
    """A server that hears the broker, and a producer that lives."""

    def __init__(self, folder, rabbit, *options, url=None):
        self.server = Server(folder, '--uof', url or rabbit.url(), *options).start()
        self.up()
        self.feed = BrokerFeed(rabbit)

    def up(self):
        until(lambda: self.metric('overround_uof_connected') == 1, 60)

    def metric(self, name, **labels):
        return self.server.metric(name, **labels)

    def limit(self, name):
        return self.metric('overround_limit_reached_total', limit=name)

    def shown(self, key):
        answer = self.server.get(f'/v1/odds/{quote(key, safe="")}')
        return answer.json if answer.status == 200 else None

    def status(self, key):
        return (self.shown(key) or {}).get('status')

    def match(self, odds='2.5'):
        """A market of a new event before its start, once its price can be read: (event, its id)."""
        event = f'sr:match:{next(EVENTS)}'
        self.feed.odds(event, market('1', {**PRICES, '1': {'odds': odds}}), status=BEFORE)
        until(lambda: self.status(f'{event}/1') == 'active')
        return event, f'{event}/1'

    def bettor(self):
        return Bettor(self.server, money='1000.00')

    def recover(self):
        """As a producer does whose recovery was asked for."""
        self.feed.alive()
        self.feed.send('snapshot_complete', request_id=5)

    def close(self):
        self.feed.close()
        self.server.kill()


@pytest.fixture
def book(tmp_path, rabbit):
    made = Book(tmp_path / 'data', rabbit)
    yield made
    made.close()


def refused(bettor, key):
    """Not with a price, and not for it."""
    answer = bettor.place({'market_id': key, 'selection_id': '1', 'odds': Decimal('2.5'),
                           'stake': Decimal('1.00'), 'currency': 'GBP'})
    return (answer.status, answer.code) == (409, 'MARKET_SUSPENDED')


def test_a_match_is_priced_bet_on_and_settled(book):
    event, key = book.match()
    assert {s['id']: s['odds'] for s in book.shown(key)['selections']} == \
        {'1': Decimal('2.50'), '2': Decimal('3.20')}
    customer = book.bettor()
    bet = customer.bet(key, '1', '10.00').json
    assert bet['status'] == 'PLACED' and customer.balance() == 990
    book.feed.odds(event, market('1', {'1': {'odds': '1.9'}, '2': {'odds': '4.0'}}))
    until(lambda: book.shown(key)['selections'][0]['odds'] == Decimal('1.90'))
    book.feed.settle(event, market('1', {'1': {'result': 1}, '2': {'result': 0}}))
    customer.wait_bet(bet['bet_id'], status='WON')
    until(lambda: customer.balance() == 1015)
    book.feed.send('rollback_bet_settlement', market('1'), event_id=event)
    customer.wait_bet(bet['bet_id'], status='PLACED')
    until(lambda: customer.balance() == 990)
    book.feed.publish('-.-.-.alive.-.-.-.-', '<alive product="1"')  # no XML
    until(lambda: book.metric('overround_uof_malformed_total') == 1)
    until(lambda: book.metric('overround_uof_messages_total') == book.feed.published)
    assert book.metric('overround_uof_freshness_seconds_count') >= 2
    assert book.metric('overround_uof_losses_total') == 0
    assert book.server.terminate() == 0
    book.server.verify()


def test_keys_choose_what_comes(tmp_path, rabbit):
    keys = '*.*.*.*.*.sr:match.900001.# -.-.-.alive.#'
    book = Book(tmp_path / 'data', rabbit, '--uof-keys', keys)
    try:
        book.feed.odds('sr:match:900002', market('1', PRICES), status=BEFORE)
        book.feed.odds('sr:match:900001', market('1', PRICES), status=BEFORE)
        until(lambda: book.status('sr:match:900001/1') == 'active')
        assert book.shown('sr:match:900002/1') is None
    finally:
        book.close()


def test_a_long_message_comes_in_many_frames(book):
    event = f'sr:match:{next(EVENTS)}'
    many = {str(i): {'odds': '2.5', 'team': '1' * 100} for i in range(200)}
    book.feed.odds(event, *(market(str(i), many) for i in range(40)), status=BEFORE)
    until(lambda: book.status(f'{event}/39') == 'active')
    book.feed.publish('-.-.-.alive.-.-.-.-', ' ' * (4 * 1024 * 1024 + 1))
    until(lambda: book.limit('uof_bytes_max') == 1)  # what is lost with it is not known
    until(lambda: book.status(f'{event}/39') == 'suspended')
    book.up()
    assert book.metric('overround_uof_losses_total') == 1


def test_the_broker_is_believed_by_its_certificate_only(tmp_path, rabbit, pki):
    book = Book(tmp_path / 'data', rabbit, '--uof-ca', pki.cert('ca'), url=rabbit.tls_url)
    try:
        book.match()
    finally:
        book.close()
    other = Pki(tmp_path / 'other')
    with Server(tmp_path / 'stranger', '--uof', rabbit.tls_url, '--uof-ca',
                other.cert('ca')) as server:
        until(lambda: server.metric('overround_uof_connects_total') >= 3)
        assert server.metric('overround_uof_ups_total') == 0


def test_a_wrong_password_is_told_once_and_never_in_the_log(tmp_path, rabbit):
    url = rabbit.url(password='t0psecret')
    with Server(tmp_path / 'data', '--uof', url) as server:
        until(lambda: server.metric('overround_uof_connects_total') >= 3, 60)
        log = server.log_text()
        assert log.count('the broker says 403: ACCESS_REFUSED') == 1
        assert 't0psecret' not in log and PASSWORD not in log
        assert server.metric('overround_uof_ups_total') == 0


def test_options_are_checked_before_anything_begins(tmp_path):
    for options, sentence in ((['--uof', 'http://127.0.0.1:1'], 'amqp://'),
                              (['--uof', 'amqps://127.0.0.1:1'], '--uof-ca'),
                              (['--uof', 'amqp://u:t0psecret%@127.0.0.1:1'], 'percent-encoded'),
                              (['--uof', 'amqp://127.0.0.1:1', '--uof-keys', ' '], 'routing key'),
                              (['--uof', 'amqp://127.0.0.1:1', '--uof-exchange', ''],
                               '--uof-exchange')):
        done = run('serve', '--data', tmp_path / 'data', *options, check=False)
        assert done.returncode == 2 and sentence in done.stderr, (options, done.stderr)
        assert 't0psecret' not in done.stderr


def test_a_broker_that_stands_still_suspends_until_all_is_recovered(book, rabbit):
    _, key = book.match()
    customer = book.bettor()
    assert customer.bet(key, '1', '1.00').status == 201
    rabbit.pause(True)
    try:
        until(lambda: book.status(key) == 'suspended')
        assert refused(customer, key)
        until(lambda: book.limit('uof_silence_us_max') == 1)
        assert book.metric('overround_uof_connected') == 0
    finally:
        rabbit.pause(False)
    book.up()
    book.feed.alive()
    before = book.metric('overround_uof_messages_total')
    book.feed.alive()
    until(lambda: book.metric('overround_uof_messages_total') > before)
    assert refused(customer, key)  # it lives, but nobody knows what was missed
    book.recover()
    until(lambda: book.status(key) == 'active')
    assert customer.bet(key, '1', '1.00').status == 201


class Nonsense:
    """Who is no broker, at a port: says these bytes to whoever comes, without end."""

    def __init__(self, words):
        self.words, self.listener = words, socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            with peer:
                try:
                    while True:
                        peer.sendall(self.words)
                except OSError:
                    pass

    def close(self):
        self.listener.close()


@pytest.mark.parametrize('words, counter', [
    (b'HTTP/1.1 200 OK\r\n\r\n' * 4096, 'overround_uof_broken_total'),
    (b'\x01\x00\x00\x7f\xff\xff\xff' + b'\0' * 65536, 'overround_limit_reached_total'),
    (b'\x08\x00\x00\x00\x00\x00\x00\xce' * 8192, 'overround_limit_reached_total'),
], ids=('another protocol', 'a huge frame', 'heartbeats for ever'))
def test_who_is_no_broker_costs_little_and_no_bet(tmp_path, words, counter):
    peer = Nonsense(words)
    labels = {} if 'broken' in counter else \
        {'limit': 'uof_bytes_max' if words[0] == 1 else 'uof_setup_us_max'}
    try:
        with Server(tmp_path / 'data', '--uof', f'amqp://127.0.0.1:{peer.port}') as server:
            until(lambda: server.metric(counter, **labels) >= 1, 60)
            before = server.resident_bytes()
            until(lambda: server.metric(counter, **labels) >= 2, 60)
            assert server.resident_bytes() < before + 32 * 1024 * 1024
            assert server.metric('overround_uof_messages_total') == 0
            assert Bettor(server, money='10.00').balance() == 10
            assert server.terminate() == 0
    finally:
        peer.close()


def test_the_broker_is_killed_under_load_and_started_again(book, rabbit):
    markets = [book.match() for _ in range(8)]
    ended, placed, answers = threading.Event(), [], set()

    def prices():
        for n in itertools.count():
            event, _ = markets[n % len(markets)]
            if ended.wait(0.002):
                return
            try:
                book.feed.odds(event, market('1', {**PRICES, '1': {'odds': f'2.{n % 90 + 10}'}}))
            except Exception:  # pylint: disable=broad-except
                book.feed.forget()  # the broker is down

    def bets():
        customer = book.bettor()
        for n in itertools.count():
            if ended.is_set():
                return
            _, key = markets[n % len(markets)]
            answer = customer.place({'market_id': key, 'selection_id': '2', 'currency': 'GBP',
                                     'odds': Decimal('3.2'), 'stake': Decimal('0.10')})
            if answer.status == 201:
                placed.append(answer.json['bet_id'])
            else:
                answers.add((answer.status, answer.code))

    threads = [threading.Thread(target=work) for work in (prices, bets)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(placed) > 50 and book.metric('overround_uof_messages_total') > 200, 60)
        rabbit.end()
        until(lambda: all(book.status(key) == 'suspended' for _, key in markets))
        assert book.metric('overround_uof_losses_total') == 1
        before = len(placed)
        until(lambda: (409, 'MARKET_SUSPENDED') in answers)
        until(lambda: book.metric('overround_uof_connects_total') >= 4)
        rabbit.start()
        book.up()
        heard = book.metric('overround_uof_messages_total')
        until(lambda: book.metric('overround_uof_messages_total') > heard + 100, 60)
        assert len(placed) <= before + 1  # one was under way
        assert all(book.status(key) == 'suspended' for _, key in markets)
        until(lambda: recovered(book, markets), 60)
        until(lambda: len(placed) > before + 50, 60)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert {code for _, code in answers} <= {'MARKET_SUSPENDED', 'RATE_LIMITED'}, answers
    assert book.server.terminate() == 0
    book.server.verify()


def recovered(book, markets):
    """The producer's answer to a recovery; publishing may meet the broker's first moments."""
    try:
        book.recover()
    except Exception:  # pylint: disable=broad-except
        book.feed.forget()
    return all(book.status(key) == 'active' for _, key in markets)
