"""Limits and liability: what is refused, what would pass, whose limit it was."""
from decimal import Decimal

import pytest
from conftest import make


@pytest.fixture(scope='module')
def limited(tmp_path_factory):
    made = make(tmp_path_factory.mktemp('limits') / 'data',
                ('--stake-minor-max', '5000', '--liability-minor-max', '10000', '--legs-max', '3',
                 '--total-odds-max', '50'))
    yield made
    made.close()


def multiple(customer, markets, stake='1.00', **more):
    legs = [{'market_id': m, 'selection_id': '11', 'odds': customer.odds(m, 11)[0]}
            for m in markets]
    return customer.place({'type': 'multiple', 'legs': legs, 'stake': Decimal(stake),
                           'currency': 'GBP', **more})


def test_an_outcome_costs_no_more_than_the_option_says(limited):
    market = limited.market()
    one, other = limited.bettor(), limited.bettor()
    odds, _ = one.odds(market, 12)
    assert one.bet(market, 12, '30').status == 201
    refused = other.bet(market, 12, '50')
    assert refused.status == 422 and refused.code == 'LIABILITY_LIMIT'
    most = refused.json['stake_max']
    won = (30 * odds).quantize(Decimal('.01'), 'ROUND_DOWN') - 30
    assert (most * odds).quantize(Decimal('.01'), 'ROUND_DOWN') - most <= 100 - won
    assert other.bet(market, 12, str(most + Decimal('0.01'))).code == 'LIABILITY_LIMIT'
    assert other.bet(market, 12, str(most)).status == 201
    assert other.bet(market, 11, '1').status == 201  # what it stakes is cover for the other
    assert other.bet(market, 12, '0.40').status == 201


def test_repeated_identical_bets_are_summed(limited):
    market, customer = limited.market(), limited.bettor()
    assert customer.bet(market, 11, '40').status == 201
    refused = customer.bet(market, 11, '10.01')
    assert refused.status == 422 and refused.code == 'STAKE_LIMIT'
    assert refused.json['stake_max'] == 10
    assert limited.bettor().bet(market, 11, '10.01').status == 201
    assert customer.bet(market, 11, '10').status == 201
    assert customer.bet(market, 11, '0.01').json['stake_max'] == 0


def test_legs_and_total_odds_have_their_limits(limited):
    markets = [limited.market({11: 4.0, 12: 3.5}, event=str(9100 + n)) for n in range(4)]
    customer = limited.bettor()
    assert multiple(customer, markets).code == 'LEGS_LIMIT'
    assert multiple(customer, markets[:3]).code == 'ODDS_LIMIT'
    assert multiple(customer, markets[:2]).status == 201


LIMITS = '/v1/admin/limits/'


def put(book, path, **body):
    return book.server.desk(LIMITS + path, {'reason': 'sharp', **body}, method='PUT')


def test_the_desk_limits_a_customer_a_market_an_event_and_a_sport(book):
    market, customer = book.market(event='9500'), book.bettor()
    assert customer.bet(market, 11, '100').status == 201
    rows = (('sport/football', 9000, 'SPORT'), ('event/9500', 8000, 'EVENT'),
            (f'market/{market}', 7000, 'MARKET'), (f'customer/{customer.name}', 6000, 'PLAYER'))
    sport = book.server.get('/v1/events').json['events'][0]['sport']
    for path, most, scope in rows:
        path = path.replace('football', sport)
        response = put(book, path, stake_minor_max=most)
        assert response.status == 200, response.body
        assert response.json['ledger_seq'].startswith('0-')
        assert response.json['liability_minor_max'] is None
        assert book.server.desk(LIMITS + path, None, method='GET').json == response.json
        refused = customer.bet(market, 12, str(Decimal(most + 1) / 100))
        assert refused.status == 422 and refused.json['limited_by'] == scope
        assert refused.json['stake_max'] == Decimal(most) / 100
    for path, _, _ in rows:
        path = path.replace('football', sport)
        gone = book.server.desk(LIMITS + path, {'reason': 'over'}, method='DELETE')
        assert gone.status == 200 and gone.json['removed']
        assert book.server.desk(LIMITS + path, None, method='GET').status == 404
    assert customer.bet(market, 12, '91').status == 201


def test_a_customer_is_told_of_limits_of_their_own(book):
    customer, other = book.bettor(), book.bettor()

    def told(of):
        return book.server.get('/v1/account', token=of.token).json['limits']

    platform = told(customer)
    assert put(book, f'customer/{customer.name}', stake_minor_max=6000,
               payout_minor_max=20000).status == 200
    assert told(customer) == {**platform, 'stake_max': 60, 'return_max': 200}
    assert put(book, f'customer/{customer.name}', factor_permyriad=2500).status == 200
    assert told(customer) == {**platform, 'stake_max': platform['stake_max'] / 4}
    assert told(other) == platform


def test_what_a_customers_bets_of_a_day_pay_has_an_end(book):
    market, customer = book.market({11: 2.0, 12: 2.0}), book.bettor()
    assert put(book, f'customer/{customer.name}', payout_day_minor_max=10000).status == 200
    limits = book.server.get('/v1/account', token=customer.token).json['limits']
    assert limits['return_day_max'] == 100
    first = customer.bet(market, 11, '10').json
    refused = customer.bet(market, 12, '500')
    assert refused.code == 'STAKE_LIMIT' and refused.json['limited_by'] == 'PLAYER'
    most = refused.json['stake_max']
    assert most * first['odds'] <= 100 - first['potential_return'] < (most + 1) * first['odds']
    assert customer.bet(market, 12, str(most)).status == 201


def test_limits_outlive_a_restart_and_delay_a_customers_bets(own_book):
    customer = own_book.bettor()
    assert put(own_book, f'customer/{customer.name}', delay_ms=1500).status == 200
    own_book.server.restart()
    own_book.feed.again()
    customer.reconnect()
    market = own_book.market()
    placed = customer.bet(market, 11)
    assert placed.status == 202
    assert customer.wait_bet(placed.json['bet_id'], status='PLACED')
    assert own_book.server.terminate() == 0
    assert 'all invariants hold' in own_book.server.verify()


@pytest.mark.parametrize('path,body,status', [
    ('customer/nobody', {'reason': 'x'}, 404), ('market/1.0', {'reason': 'x'}, 404),
    ('league/1', {'reason': 'x'}, 404), ('platform/1', {'reason': 'x'}, 404),
    ('sport/golf', {}, 400), ('sport/golf', {'reason': ''}, 400),
    ('sport/golf', {'reason': 'x', 'stake_minor_max': -1}, 400),
    ('sport/golf', {'reason': 'x', 'stake_minor_max': 1.5}, 400),
    ('sport/golf', {'reason': 'x', 'delay_ms': 60001}, 400),
    ('sport/golf', {'reason': 'x', 'factor_permyriad': 100001}, 400),
    ('sport/golf', {'reason': 'x', 'payout_day_minor_max': 1}, 400),
    ('sport/golf', {'reason': 'x', 'limit': 1}, 400), ('sport/golf', [], 400)])
def test_what_is_no_limit_is_refused(book, path, body, status):
    response = book.server.desk(LIMITS + path, body, method='PUT')
    assert response.status == status and response.code, response.body
    assert book.server.desk(LIMITS + path, {'reason': 'x'}, role='support',
                            method='PUT').status in (403, 404)


def test_who_accepts_an_alternative_is_told_both_stakes(limited):
    market, customer = limited.market(), limited.bettor()
    key = customer.key()
    slip = customer.slip(market, 11, '80', accept_alternative=True)
    placed = customer.place(slip, key)
    assert placed.status == 201
    assert placed.json['stake'] == 50 and placed.json['stake_asked'] == 80
    assert placed.json['balance'] == 950
    again = customer.place(slip, key)
    assert again.status == 200 and again.json['stake_asked'] == 80
    assert customer.place({**slip, 'accept_alternative': False}, key).code == 'IDEMPOTENCY_CONFLICT'
    assert customer.bet(market, 12, '80', accept_alternative=False).code == 'STAKE_LIMIT'
