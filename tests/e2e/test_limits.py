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
