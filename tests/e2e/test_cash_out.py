"""Bets bought back: offers, the price of now, parts, delays, and what is told of it."""
from decimal import Decimal

from lib.until import until

EVENS = {11: 1.9, 12: 2.98, 13: 2.98}


def path(bet):
    return f"/v1/bets/{bet['bet_id']}/cash-out"


def offer_of(customer, bet):
    response = customer.call('GET', path(bet))
    assert response.status == 200, response.body
    return response.json


def sell(customer, bet, offer, key=None, **more):
    body = {'offer_id': offer['offer_id'], 'amount': offer['amount'], **more}
    return customer.call('POST', path(bet), body, key or customer.key())


def begin(book, stake='100.00'):
    """A customer with a bet on runner 11, whose price has halved since."""
    market = book.market({11: 2.96, 12: 2.96, 13: 2.96})
    customer = book.bettor(money='200.00')
    bet = customer.bet(market, 11, stake).json
    book.feed.prices(market, EVENS)
    return market, customer, bet


def test_an_offer_is_accepted_and_the_bet_is_over(book):
    market, customer, bet = begin(book)
    offer = offer_of(customer, bet)
    assert offer['bet_id'] == bet['bet_id'] and offer['stake'] == 100
    assert offer['versions'] == {market: customer.odds(market, 11)[1]}
    assert 100 < offer['amount'] < 100 * bet['odds']
    key = customer.key()
    with book.server.websocket(token=customer.token) as socket:
        response = sell(customer, bet, offer, key)
        assert response.status == 201, response.body
        push = socket.wait_for(op='bet_update')
    sold = response.json
    assert sold['money'] == 'CASHED_OUT' and sold['amount'] == offer['amount']
    assert sold['stake_left'] == 0 and sold['balance'] == 100 + offer['amount']
    assert push['bet_id'] == bet['bet_id'] and push['money'] == 'CASHED_OUT'
    again = sell(customer, bet, offer, key)
    assert again.status == 200 and again.json == sold
    assert again.headers['idempotent-replayed'] == 'true'
    book.feed.settle(market, {11})
    book.bettor(money='1.00')
    told = customer.read(bet['bet_id'])
    assert told['status'] == 'SETTLED' and told['money'] == 'CASHED_OUT'
    assert told['cashed_out'] == offer['amount'] and told['stake_left'] == 0
    assert [h['event'] for h in told['history']] == ['PLACED', 'CASHED_OUT']
    step = told['history'][-1]
    assert step['delta'] == offer['amount'] == step['value'] and step['fair'] > step['value']
    assert step['margin_permyriad'] == 500
    text = ' '.join(told['explanation'])
    assert f"for {offer['amount']:.2f} GBP: the bet is over" in text and 'a chance of' in text
    assert customer.balance() == 100 + offer['amount']
    assert customer.call('GET', path(bet)).json['code'] == 'CASH_OUT_UNAVAILABLE'


def test_a_part_is_sold_and_the_rest_is_settled(book):
    market, customer, bet = begin(book)
    offer = offer_of(customer, bet)
    half = offer['amount'] / 2
    response = sell(customer, bet, offer, amount=half.quantize(Decimal('.01'), 'ROUND_DOWN'),
                    fraction=Decimal('0.5'))
    assert response.status == 201, response.body
    sold = response.json
    assert sold['money'] == 'PART_CASHED' and sold['stake'] == 50 and sold['stake_left'] == 50
    assert customer.read(bet['bet_id'])['money'] == 'PART_CASHED'
    assert sell(customer, bet, offer).json['code'] == 'OFFER_EXPIRED'  # the bet is another one now
    book.feed.settle(market, {11})
    told = customer.wait_bet(bet['bet_id'], status='WON')
    assert told['payout'] == 50 * bet['odds'] and told['cashed_out'] == sold['amount']
    assert customer.balance() == 100 + sold['amount'] + told['payout']


def test_what_is_refused_says_why_and_moves_nothing(book):
    market, customer, bet = begin(book)
    offer = offer_of(customer, bet)
    book.feed.prices(market, {11: 2.5, 12: 2.6, 13: 2.6})
    worse = sell(customer, bet, offer)
    assert worse.status == 409 and worse.json['code'] == 'CASH_OUT_CHANGED'
    assert worse.json['amount'] < offer['amount']
    within = sell(customer, bet, offer, stake=1, amount=Decimal('1.50'), tolerance=Decimal('0.5'))
    assert within.status == 201, within.body
    book.feed.define(market, status='SUSPENDED')
    for response in (customer.call('GET', path(bet)), sell(customer, bet, offer)):
        assert response.status == 409
        assert response.json['code'] in ('MARKET_SUSPENDED', 'OFFER_EXPIRED')
    stranger = book.bettor()
    assert stranger.call('GET', path(bet)).status == 404
    assert sell(stranger, bet, offer).status == 404
    assert customer.call('DELETE', path(bet)).status == 405
    for body, code in (({}, 'MISSING_FIELD'), ({'offer_id': 'x' * 200}, 'INVALID_FIELD'),
                       ({'offer_id': 'x'}, 'MISSING_FIELD'),
                       ({'offer_id': 'x', 'amount': 0}, 'AMOUNT_NOT_POSITIVE'),
                       ({'offer_id': 'x', 'amount': 1, 'fraction': 2}, 'INVALID_FIELD'),
                       ({'offer_id': 'x', 'amount': 1, 'fraction': 1, 'stake': 1},
                        'INVALID_FIELD'),
                       ({'offer_id': 'x', 'amount': 1, 'tolerance': -1}, 'INVALID_FIELD'),
                       ({'offer_id': 'x', 'amount': 1, 'odds': 1}, 'UNKNOWN_FIELD')):
        response = customer.call('POST', path(bet), body, customer.key())
        assert response.status == 400 and response.json['code'] == code, (body, response.body)


def test_in_play_it_waits_for_the_delay(book):
    market, customer, bet = begin(book)
    book.feed.define(market, inPlay=True, betDelay=1)
    offer = offer_of(customer, bet)
    assert offer['delay_ms'] == 1000
    key = customer.key()
    response = sell(customer, bet, offer, key)
    assert response.status == 202, response.body
    assert response.json['cash_out'] == 'PENDING' and response.json['balance'] == 100
    told = customer.wait_bet(bet['bet_id'], money='CASHED_OUT')
    assert [h['event'] for h in told['history']] == ['PLACED', 'CASH_OUT_PENDING', 'CASHED_OUT']
    final = sell(customer, bet, offer, key)
    assert final.status == 200 and final.json['amount'] == offer['amount']
    def proved():
        proof = customer.call('GET', f"/v1/bets/{bet['bet_id']}/proof")
        return proof.status == 200 and len(proof.json['entries']) == 3
    assert until(proved)


def test_one_that_waits_is_refused_by_a_restart_and_the_ledger_says_so(own_book):
    market, customer, bet = begin(own_book)
    own_book.feed.define(market, inPlay=True, betDelay=60)
    key = customer.key()
    offer = offer_of(customer, bet)
    assert sell(customer, bet, offer, key).status == 202
    own_book.server.kill()
    own_book.server.restart()
    customer.reconnect()
    final = sell(customer, bet, offer, key)
    assert final.status == 409 and final.json['code'] == 'MARKET_SUSPENDED', final.body
    assert customer.balance() == 100
    assert own_book.server.metric('overround_cash_outs_total', verdict='MARKET_SUSPENDED') == 1
    own_book.server.terminate()
    assert 'all invariants hold' in own_book.server.verify()
