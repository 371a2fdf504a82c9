"""The Unified Odds Feed from message to money: prices, settlements of both certainties, rollbacks,
cancelled windows, producers that fall silent."""
import itertools
import time
from decimal import Decimal
from urllib.parse import quote

import pytest
from lib.bettor import Bettor
from lib.http import Http
from lib.server import Server, run
from lib.uof import UofFeed, market
from lib.until import until

EVENTS = itertools.count(1)
PRICES = {'1': {'odds': '2.5', 'probabilities': '0.38'}, '2': {'odds': '3.2'},
          '3': {'odds': '2.9', 'active': 0}}
PROPOSALS = '/v1/admin/results/proposals'
BEFORE = {'status': 0, 'match_status': 0}


class Book:
    def __init__(self, folder, *options):
        self.server = Server(folder, *options).start()
        self.feed = UofFeed(self.server)

    def bettor(self):
        return Bettor(self.server, money='100.00')

    def shown(self, ident):
        answer = self.server.get(f'/v1/odds/{quote(ident, safe="")}')
        return answer.json if answer.status == 200 else None

    def match(self, ident='1', prices=None, **named):
        """A market of a new event before its start: (event, its id)."""
        event = f'sr:match:{next(EVENTS)}'
        self.feed.odds(event, market(ident, prices or PRICES, **named), status=BEFORE)
        specifiers = named.get('specifiers')
        key = f'{event}/{ident}'
        if specifiers:
            key += '/' + ','.join(sorted(specifiers.split('|')))
        return event, key

    def close(self):
        self.feed.close()
        self.server.kill()


@pytest.fixture
def uof(request, tmp_path):
    made = Book(tmp_path / 'data', *getattr(request, 'param', ()))
    yield made
    made.close()


def results(**won):
    return {k[1:]: {'result': v} for k, v in won.items()}


def comes_to(customer, bet, status, balance):
    customer.wait_bet(bet['bet_id'], status=status)
    until(lambda: customer.balance() == Decimal(balance))


def test_a_match_is_priced_settled_corrected_and_cancelled(uof):
    event, key = uof.match('18', {'12': {'odds': '2.5'}, '13': {'odds': '1.5'}},
                           specifiers='total=2.5')
    shown = uof.shown(key)
    assert (shown['market_id'], shown['event_id'], shown['status']) == (key, event, 'active')
    assert {s['id']: s.get('odds') for s in shown['selections']} == \
        {'12': Decimal('2.50'), '13': Decimal('1.50')}
    customer, line = uof.bettor(), {'specifiers': 'total=2.5'}
    early = customer.bet(key, '12', '10.00').json
    assert early['status'] == 'PLACED' and customer.balance() == 90
    between = uof.feed.now() + 50
    until(lambda: time.time() * 1000 > between + 50)
    late = customer.bet(key, '12', '20.00').json
    assert customer.balance() == 70

    def settle(over, certainty):
        uof.feed.settle(event, market('18', results(s12=over, s13=1 - over), **line),
                        certainty=certainty)

    settle(1, 1)
    comes_to(customer, early, 'WON', '145.00')
    comes_to(customer, late, 'WON', '145.00')
    settle(0, 2)  # confirmed as something else
    comes_to(customer, early, 'LOST', '70.00')
    comes_to(customer, late, 'LOST', '70.00')
    uof.feed.send('rollback_bet_settlement', market('18', **line), event_id=event)
    comes_to(customer, early, 'PLACED', '70.00')
    comes_to(customer, late, 'PLACED', '70.00')
    settle(1, 2)
    comes_to(customer, early, 'WON', '145.00')
    comes_to(customer, late, 'WON', '145.00')
    window = {'event_id': event, 'end_time': between}
    uof.feed.send('bet_cancel', market('18', void_reason=12, **line), **window)
    comes_to(customer, early, 'VOID', '130.00')
    comes_to(customer, late, 'WON', '130.00')
    uof.feed.send('rollback_bet_cancel', market('18', **line), **window)
    comes_to(customer, early, 'WON', '145.00')
    comes_to(customer, late, 'WON', '145.00')
    assert uof.server.terminate() == 0
    uof.server.verify()


@pytest.mark.parametrize('uof', [('--results-certainty-least', '2')], indirect=True)
def test_a_live_result_waits_until_it_is_confirmed(uof):
    event, key = uof.match()
    customer = uof.bettor()
    bet = customer.bet(key, '1', '10.00').json

    def proposals():
        with Http(uof.server.admin) as http:
            return http.request('GET', PROPOSALS, None,
                                uof.server.token('eve', 'trader')).json['proposals']

    uof.feed.settle(event, market('1', results(s1=1, s2=0, s3=0)), certainty=1)
    until(lambda: [p['market_id'] for p in proposals()] == [key])
    assert customer.read(bet['bet_id'])['status'] == 'PLACED' and customer.balance() == 90
    uof.feed.settle(event, market('1', results(s1=1, s2=0, s3=0)), certainty=2)
    comes_to(customer, bet, 'WON', '115.00')
    until(lambda: proposals() == [])


def test_a_line_is_settled_from_the_score(uof):
    event, key = uof.match('16', {'1714': {'odds': '2.0'}, '1715': {'odds': '1.8'}},
                           specifiers='hcp=-0.25')
    customer = uof.bettor()
    bet = customer.bet(key, '1714', '10.00').json
    uof.feed.odds(event, status={'status': 4, 'match_status': 100, 'home_score': 1,
                                 'away_score': 1})
    wrong = market('16', results(s1714=0, s1715=1), specifiers='hcp=-0.25')
    assert uof.feed.settle(event, wrong)['results'] == 0
    assert customer.read(bet['bet_id'])['status'] == 'PLACED'
    uof.feed.settle(event, market('16', {
        '1714': {'result': 0, 'void_factor': '0.5'}, '1715': {'result': 1, 'void_factor': '0.5'}},
        specifiers='hcp=-0.25'))
    comes_to(customer, bet, 'SETTLED', '95.00')
    assert customer.read(bet['bet_id'])['legs'][0]['result'] == 'HALF_LOST'


def test_a_settlement_may_name_outcomes_that_were_never_offered(uof):
    event, key = uof.match()
    customer = uof.bettor()
    bet = customer.bet(key, '1', '10.00').json
    uof.feed.settle(event, market('1', results(s1=1, s2=0, s77=0)), market('99', results(s1=1)))
    comes_to(customer, bet, 'WON', '115.00')


def test_a_producer_that_lost_us_takes_its_own_markets_away(uof):
    _, key = uof.match()
    other = UofFeed(uof.server, product=3)
    try:
        event = f'sr:match:{next(EVENTS)}'
        other.odds(event, market('1', PRICES), status=BEFORE)
        uof.feed.alive(subscribed=0)
        until(lambda: uof.shown(key)['status'] == 'suspended')
        refused = uof.bettor().bet(key, '1', '10.00')
        assert (refused.status, refused.code) == (409, 'MARKET_SUSPENDED')
        assert uof.shown(f'{event}/1')['status'] == 'active'
        uof.feed.alive()
        uof.feed.send('snapshot_complete', request_id=5)
        until(lambda: uof.shown(key)['status'] == 'active')
    finally:
        other.close()


def test_bets_in_play_wait_and_a_bet_stop_refuses_them(uof):
    event, key = uof.match()
    uof.feed.odds(event, market('1', PRICES), status={'status': 1, 'match_status': 6})
    assert uof.shown(key)['in_play']
    customer = uof.bettor()
    bet = customer.bet(key, '1', '10.00')
    assert bet.status == 202, bet.body
    uof.feed.send('bet_stop', event_id=event, groups='all')
    assert uof.shown(key)['status'] == 'suspended'
    customer.wait_bet(bet.json['bet_id'], status='NOT_ACCEPTED')
    assert customer.balance() == 100


def test_the_command_plays_a_recording_with_line_breaks(uof, tmp_path):
    now = uof.feed.now()
    path = tmp_path / 'match.xml'
    path.write_text(f'''<?xml version="1.0" encoding="UTF-8"?>
<odds_change product="1" event_id="sr:match:900"
             timestamp="{now}">
  <odds>
    <market id="1"><outcome id="1" odds="4.4"/></market>
  </odds>
</odds_change>
<alive product="1" timestamp="{now + 1}" subscribed="1"/>
<not closed>
''')
    host, port = uof.server.admin
    done = run('feed', 'replay', '--format', 'uof', '--speed', 'max', '--to',
               f'http://{host}:{port}', '--token', uof.server.token('feed-1', 'feed'), path)
    assert '"messages":2,"malformed":1' in done.stdout
    assert uof.shown('sr:match:900/1')['selections'][0]['odds'] == Decimal('4.40')
