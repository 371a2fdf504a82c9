"""Results by hand that wait: for a second person, and for a time in which somebody may object."""
from decimal import Decimal

import pytest
from lib.http import Http
from lib.until import until

APPROVAL = ['--results-approval', 'second-person']
PROPOSALS = '/v1/admin/results/proposals'


def call(book, who, method, path, body=None):
    with Http(book.server.admin) as http:
        return http.request(method, path, body, book.server.token(who, 'trader'))


def post(book, who, market, version=1):
    event = book.server.get(f'/v1/odds/{market}').json['event_id']
    return call(book, who, 'POST', f'/v1/admin/events/{event}/results', {
        'result_version': version, 'reason': 'seen', 'markets': [
            {'market_id': market, 'selections': [
                {'selection_id': '11', 'result': 'WON', 'reason': 'by a nose'},
                {'selection_id': '12', 'result': 'LOST'},
                {'selection_id': '13', 'result': 'LOST'}]}]})


def waiting(book):
    return call(book, 'eve', 'GET', PROPOSALS).json['proposals']


def decide(book, who, proposal, word):
    return call(book, who, 'POST', f'{PROPOSALS}/{proposal}/{word}', {'reason': 'looked at it'})


@pytest.mark.parametrize('own_book', [APPROVAL], indirect=True)
def test_two_traders_settle_a_market(own_book):
    market = own_book.market()
    customer = own_book.bettor(money='100.00')
    bet = customer.bet(market, 11, '10.00').json
    response = post(own_book, 'tom', market)
    outcome = response.json['markets'][0]
    assert response.status == 200 and outcome['outcome'] == 'PROPOSED', response.body
    row, = waiting(own_book)
    assert row['proposal_id'] == outcome['proposal_id']
    assert (row['market_id'], row['actor'], row['reason']) == (market, 'tom', 'seen')
    assert [s['result'] for s in row['selections']] == ['WON', 'LOST', 'LOST']
    assert row['selections'][0]['reason'] == 'by a nose'
    assert customer.read(bet['bet_id'])['status'] == 'PLACED'
    own_book.server.restart()
    customer.reconnect()
    ident = outcome['proposal_id']
    same = decide(own_book, 'tom', ident, 'approve')
    assert (same.status, same.code) == (403, 'SAME_ACTOR')
    assert decide(own_book, 'eve', '0-1', 'approve').status == 404
    approved = decide(own_book, 'eve', ident, 'approve')
    assert (approved.status, approved.json['decision']) == (200, 'approved'), approved.body
    won = customer.wait_bet(bet['bet_id'], status='WON')
    assert customer.balance() == 90 + won['payout']
    assert waiting(own_book) == []
    assert decide(own_book, 'eve', ident, 'reject').status == 404
    assert own_book.server.terminate() == 0
    own_book.server.verify()


@pytest.mark.parametrize('own_book', [APPROVAL], indirect=True)
def test_what_is_rejected_settles_nothing(own_book):
    market = own_book.market()
    customer = own_book.bettor(money='100.00')
    bet = customer.bet(market, 11, '10.00').json
    ident = post(own_book, 'tom', market).json['markets'][0]['proposal_id']
    assert decide(own_book, 'eve', ident, 'reject').json['decision'] == 'rejected'
    assert waiting(own_book) == []
    assert customer.read(bet['bet_id'])['status'] == 'PLACED'
    assert customer.balance() == Decimal('90')


@pytest.mark.parametrize('own_book', [APPROVAL], indirect=True)
def test_who_proposed_it_may_withdraw_it(own_book):
    market = own_book.market()
    ident = post(own_book, 'tom', market).json['markets'][0]['proposal_id']
    other = decide(own_book, 'eve', ident, 'withdraw')
    assert (other.status, other.code) == (403, 'OTHER_ACTOR')
    assert decide(own_book, 'tom', ident, 'withdraw').json['decision'] == 'withdrawn'
    assert waiting(own_book) == []


@pytest.mark.parametrize('own_book', [['--results-objection-s', '2']], indirect=True)
def test_without_an_objection_it_takes_force_by_itself(own_book):
    market = own_book.market()
    customer = own_book.bettor(money='100.00')
    bet = customer.bet(market, 11, '10.00').json
    assert post(own_book, 'tom', market).json['markets'][0]['outcome'] == 'PROPOSED'
    own_book.server.restart()
    customer.reconnect()
    until(lambda: waiting(own_book) == [])
    customer.wait_bet(bet['bet_id'], status='WON')
