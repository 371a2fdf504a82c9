"""A feed of one's own, a JSON object a line: from a price to a bet to money, with corrections, a
provider that falls silent, and a recording of it that is replayed."""
import itertools
import json
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from lib.bettor import Bettor
from lib.http import Closed, Http, dumps
from lib.server import Server, run
from lib.until import until

NAMES = itertools.count(1)


def stamp(seconds=0):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime(
        '%Y-%m-%dT%H:%M:%S.%fZ')


class JsonFeed:
    """A provider that lives, unless it is told to be silent."""

    def __init__(self, server, provider='club'):
        self.server, self.provider, self.silent = server, provider, False
        self.ended, self.lock, self.http = threading.Event(), threading.Lock(), None
        self.heart = threading.Thread(target=self.beat, daemon=True)
        self.heart.start()

    def beat(self):
        while not self.ended.wait(1):
            if not self.silent:
                try:
                    self.say({'op': 'heartbeat'})
                except (OSError, Closed, AssertionError):
                    pass  # the server is down just now, or ends

    def say(self, *messages):
        """What was counted."""
        lines = ''.join(dumps({'provider': self.provider, **m}) + '\n' for m in messages)
        with self.lock, Http(self.server.admin) as http:
            answer = http.request('POST', '/v1/feed/json', lines,
                                  self.server.token('feed-1', 'feed'))
        assert answer.status == 200, answer.body
        return answer.json

    def close(self):
        self.ended.set()
        self.heart.join()


class Book:
    def __init__(self, folder, *options):
        self.server = Server(folder, *options).start()
        self.feed = JsonFeed(self.server)

    def image(self, ident, odds='2.10', **more):
        return {'op': 'market', 'ts': stamp(), 'market_id': ident, 'event_id': f'event-{ident}',
                'event_name': 'Home v Away', 'sport': 'football', 'name': 'To win', 'kind': '1x2',
                'status': 'active', 'selections': [
                    {'id': 'home', 'name': 'Home', 'odds': Decimal(odds)},
                    {'id': 'away', 'name': 'Away', 'odds': Decimal('1.62'),
                     'odds_exact': '21/13'}], **more}

    def market(self, **more):
        ident = f'own-{next(NAMES)}'
        counted = self.feed.say(self.image(ident, **more))
        assert (counted['malformed'], counted['market_changes']) == (0, 1)
        return ident

    def shown(self, ident):
        return self.server.get(f'/v1/odds/{ident}').json

    def bettor(self):
        return Bettor(self.server, money='100.00')

    def close(self):
        self.feed.close()
        self.server.kill()


@pytest.fixture
def own(tmp_path):
    made = Book(tmp_path / 'data')
    yield made
    made.close()


def result(ident, version, **named):
    return {'op': 'result', 'market_id': ident, 'result_version': version, 'ts': stamp(),
            'selections': [{'selection_id': k, 'result': v} for k, v in named.items()]}


def comes_to(customer, bet, status, balance):
    customer.wait_bet(bet['bet_id'], status=status)
    until(lambda: customer.balance() == Decimal(balance))


def test_from_a_price_to_money_and_back(own):
    ident = own.market(in_play=True, score=[1, 0])
    shown = own.shown(ident)
    assert (shown['event_id'], shown['status']) == (f'event-{ident}', 'active')
    assert {s['id']: s.get('odds_exact', s['odds']) for s in shown['selections']} == \
        {'home': Decimal('2.1'), 'away': '21/13'}
    customer = own.bettor()
    bet = customer.bet(ident, 'home', '10.00').json
    own.feed.say(own.image(ident, odds='1.50'))
    assert customer.place({**customer.slip(ident, 'home', '1.00'), 'odds': Decimal('2.10')}
                          ).code == 'ODDS_CHANGED'
    own.feed.say(result(ident, 1, home='WON', away='LOST'))
    comes_to(customer, bet, 'WON', '111.00')
    own.feed.say(result(ident, 2, home='LOST', away='WON'), result(ident, 1, home='WON'))
    comes_to(customer, bet, 'LOST', '90.00')
    own.feed.say({'op': 'rollback', 'market_id': ident, 'result_version': 3})
    comes_to(customer, bet, 'PLACED', '90.00')
    own.feed.say({'op': 'cancel', 'market_id': ident, 'result_version': 1,
                  'void_from': stamp(-60), 'void_until': stamp(60)})
    comes_to(customer, bet, 'VOID', '100.00')
    own.server.terminate()
    own.server.verify()


def test_who_falls_silent_offers_nothing(own):
    ident = own.market()
    customer = own.bettor()
    assert customer.bet(ident, 'home', '1.00').status == 201
    own.feed.silent = True
    until(lambda: own.shown(ident)['status'] == 'suspended')
    assert customer.place({'market_id': ident, 'selection_id': 'home', 'odds': Decimal('2.10'),
                           'stake': Decimal('1.00'), 'currency': 'GBP'}).code == 'MARKET_SUSPENDED'
    own.feed.silent = False
    until(lambda: own.shown(ident)['status'] == 'active')
    own.feed.say({'op': 'late', 'late': True})
    assert own.shown(ident)['status'] == 'suspended'
    own.feed.say({'op': 'late', 'late': False})
    until(lambda: own.shown(ident)['status'] == 'active')
    own.feed.say({'op': 'removed', 'market_id': ident})
    assert own.server.get(f'/v1/odds/{ident}').status == 404 or \
        own.shown(ident)['status'] != 'active'


def test_rubbish_among_good_lines_is_counted(own):
    good = own.image('own-good')
    bad = dumps({**good, 'status': 'settled'})
    with Http(own.server.admin) as http:
        answer = http.request('POST', '/v1/feed/json', f'{bad}\n{{"op":\n{dumps(good)}\n',
                              own.server.token('feed-1', 'feed'))
    assert (answer.json['messages'], answer.json['malformed']) == (1, 2)
    assert own.shown('own-good')['status'] == 'active'


def test_a_recording_is_replayed_at_its_pace(own, tmp_path):
    ident, begin = 'own-replayed', 1_700_000_000
    lines = []
    for n, odds in enumerate(('2.00', '3.00', '4.00')):
        at = datetime.fromtimestamp(begin + n, timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        lines.append(dumps({'provider': 'club', **own.image(ident, odds), 'ts': at}))
    path = tmp_path / 'own.jsonl'
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    started = time.monotonic()
    done = run('feed', 'replay', '--format', 'json', '--speed', '4', '--to',
               'http://{}:{}'.format(*own.server.admin), '--data', own.server.data, str(path))
    assert time.monotonic() - started >= 0.5  # two seconds, four times as fast
    assert json.loads(done.stdout)['messages'] >= 3
    assert own.shown(ident)['selections'][0]['odds'] == Decimal('4')
