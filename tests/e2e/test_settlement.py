"""Suspension, results and settlement: from the feed and from the desk, once and corrected."""
from decimal import Decimal

import pytest
from lib.desk import post
from lib.http import Http
from lib.until import until


def settled(stake, odds):
    return (Decimal(stake) * odds).quantize(Decimal('.01'), 'ROUND_DOWN')


def place_all(book, market, stake='10.00'):
    """A customer with one bet on each runner: ({runner: bet}, customer)."""
    customer = book.bettor(money='100.00')
    return {r: customer.bet(market, r, stake).json for r in (11, 12, 13)}, customer


def test_the_feed_closes_a_market_and_every_bet_is_settled(book):
    market = book.market()
    bets, customer = place_all(book, market)
    with book.server.websocket(token=customer.token) as socket:
        book.feed.settle(market, {12}, removed={13})
        won = customer.wait_bet(bets[12]['bet_id'], status='WON')
        socket.wait_for(op='bet_update')
    lost = customer.wait_bet(bets[11]['bet_id'], status='LOST')
    void = customer.wait_bet(bets[13]['bet_id'], status='VOID')
    pays = settled('10.00', bets[12]['odds'])
    assert won['payout'] == pays and won['money'] == 'SETTLED'
    assert lost['payout'] == 0
    assert void['payout'] == 10 and void['money'] in ('VOIDED', 'SETTLED')
    assert customer.balance() == 70 + pays + 10
    step = won['history'][-1]
    assert step['settlement'] == 1 and step['payout'] == step['delta'] == pays
    assert won['legs'][0]['result'] == 'WON'


def test_the_same_closing_again_pays_nothing_more(book):
    market = book.market()
    bets, customer = place_all(book, market)
    book.feed.settle(market, {11})
    customer.wait_bet(bets[13]['bet_id'], status='LOST')
    balance = customer.wait_bet(bets[11]['bet_id'], status='WON') and customer.balance()
    for _ in range(3):
        book.feed.settle(market, {11})
    marker, _ = place_all(book, book.market())
    assert marker
    assert customer.balance() == balance
    assert len(customer.read(bets[11]['bet_id'])['history']) == 2


def test_another_closing_is_a_reversal_and_a_new_settlement(book):
    """As market 1.131162830 did: first one side, half an hour later the other."""
    market = book.market()
    bets, customer = place_all(book, market)
    book.feed.settle(market, {11})
    customer.wait_bet(bets[11]['bet_id'], status='WON')
    book.feed.settle(market, {12}, at='2030-01-01T17:34:00.000Z')
    now_lost = customer.wait_bet(bets[11]['bet_id'], status='LOST')
    now_won = customer.wait_bet(bets[12]['bet_id'], status='WON')
    assert customer.balance() == 70 + settled('10.00', bets[12]['odds'])
    assert now_lost['payout'] == 0 and now_lost['money'] == 'RESETTLED'
    assert sum(h.get('delta', 0) for h in now_lost['history']
               if 'settlement' in h or 'reverses' in h) == 0
    assert any(h.get('reverses') for h in now_lost['history'])
    assert now_won['history'][-1]['settlement'] == 2


def test_a_correction_may_take_a_balance_below_zero(book):
    market = book.market()
    customer = book.bettor(money='10.00')
    bet = customer.bet(market, 11, '10.00').json
    book.feed.settle(market, {11})
    customer.wait_bet(bet['bet_id'], status='WON')
    balance = customer.balance()
    assert customer.withdraw(str(balance)).status == 201
    book.feed.settle(market, {12}, at='2030-01-01T17:34:00.000Z')
    customer.wait_bet(bet['bet_id'], status='LOST')
    assert customer.balance() == -balance
    assert customer.bet(book.market(), 11, '1.00').code == 'INSUFFICIENT_BALANCE'


def test_the_desk_suspends_and_resumes(book):
    market = book.market()
    customer = book.bettor()
    slip = customer.slip(market, 11, price_policy='any')
    for _ in range(2):  # the second one changes nothing
        assert book.server.desk(f'/v1/admin/markets/{market}/suspend',
                                {'reason': 'VAR'}).status in (200, 201)
        assert customer.place(slip).code == 'MARKET_SUSPENDED'
    book.feed.price(market, 11, 2.4)  # the feed does not lift what the desk holds
    book.feed.define(market, status='OPEN')
    assert customer.place(slip).code == 'MARKET_SUSPENDED'
    assert book.server.desk(f'/v1/admin/markets/{market}/resume',
                            {'reason': 'no VAR'}).status in (200, 201)
    assert customer.place(slip).status == 201


@pytest.mark.parametrize('body', [[], {'reason': 5}, {'reason': 'x', 'y': 1}, 'x',
                                  {'reason': 'x' * 10000}])
def test_a_malformed_suspension_suspends_nothing(book, body):
    market = book.market()
    response = book.server.desk(f'/v1/admin/markets/{market}/suspend', body)
    assert response.status in (400, 422) and response.code
    assert book.bettor().bet(market, 11).status == 201


def test_an_unknown_market_is_404_for_the_desk(book):
    for verb in ('suspend', 'resume'):
        response = book.server.desk(f'/v1/admin/markets/1.404/{verb}', {'reason': 'x'})
        assert response.status == 404 and response.code


def test_a_suspension_by_the_desk_outlives_a_restart(own_book):
    market = own_book.market()
    own_book.server.desk(f'/v1/admin/markets/{market}/suspend', {'reason': 'x'})
    own_book.server.restart()
    own_book.feed.again()
    customer = own_book.bettor(name='after')
    assert customer.bet(market, 11, price_policy='any', odds=Decimal('1.5')).code == \
        'MARKET_SUSPENDED'


@pytest.mark.parametrize('result,factor', [
    ('WON', lambda o: o), ('LOST', lambda o: 0), ('VOID', lambda o: 1),
    ('HALF_WON', lambda o: (1 + o) / 2), ('HALF_LOST', lambda o: Decimal('0.5')),
    ({'result': 'WON', 'dead_heat_factor': Decimal('0.5')}, lambda o: o / 2),
    ({'result': 'WON', 'void_factor': Decimal('0.5')}, lambda o: (1 + o) / 2),
    ({'result': 'LOST', 'void_factor': Decimal('0.5')}, lambda o: Decimal('0.5')),
    ({'result': 'LOST', 'void_factor': 1}, lambda o: 1)])
def test_a_posted_result_pays_by_its_factors(book, result, factor):
    market = book.market()
    bets, customer = place_all(book, market)
    response = post(book, market, 1, s11=result, s12='LOST', s13='LOST')
    assert response.status in (200, 201), response.body
    customer.wait_bet(bets[12]['bet_id'], status='LOST')
    pays = settled('10.00', factor(bets[11]['odds']))
    until(lambda: customer.balance() == 70 + pays)
    bet = customer.read(bets[11]['bet_id'])
    assert bet['payout'] == pays
    if result in ('WON', 'LOST', 'VOID'):
        assert bet['status'] == result


def test_only_a_higher_result_version_changes_anything(book):
    market = book.market()
    bets, customer = place_all(book, market)
    assert post(book, market, 5, s11='WON', s12='LOST', s13='LOST').status in (200, 201)
    customer.wait_bet(bets[11]['bet_id'], status='WON')
    for version in (1, 4, 5):
        post(book, market, version, s11='LOST', s12='WON', s13='LOST')
    assert customer.read(bets[11]['bet_id'])['status'] == 'WON'
    assert post(book, market, 6, s11='LOST', s12='WON', s13='LOST').status in (200, 201)
    customer.wait_bet(bets[11]['bet_id'], status='LOST')
    assert customer.wait_bet(bets[12]['bet_id'], status='WON')['money'] == 'RESETTLED'


@pytest.mark.parametrize('rows', [
    {'s11': 'PERHAPS'}, {'s99': 'WON'}, {'s11': {'result': 'WON', 'void_factor': 2}},
    {'s11': {'result': 'WON', 'void_factor': -1}},
    {'s11': {'result': 'WON', 'dead_heat_factor': 0}},
    {'s11': {'result': 'WON', 'dead_heat_factor': Decimal('1.5')}},
    {'s11': {'result': 'WON', 'bonus': 1}}, {'s11': {}}])
def test_an_impossible_result_is_refused_and_settles_nothing(book, rows):
    market = book.market()
    bets, customer = place_all(book, market)
    response = post(book, market, 1, **rows)
    assert response.status in (400, 422) and response.code
    assert customer.read(bets[11]['bet_id'])['status'] == 'PLACED'
    assert customer.bet(market, 11, '1.00').status == 201


def test_a_market_with_a_result_does_not_reopen(book):
    market = book.market()
    customer = book.bettor()
    slip = customer.slip(market, 11)
    post(book, market, 1, s11='WON', s12='LOST', s13='LOST')
    book.feed.define(market, status='OPEN')
    book.feed.send(book.feed.image(market))
    assert customer.place(slip).code == 'MARKET_CLOSED'


def test_a_bet_that_waits_when_the_result_comes_is_not_accepted(book):
    market = book.market(inPlay=True, betDelay=3)
    customer = book.bettor(money='100.00')
    response = customer.bet(market, 11)
    assert response.status == 202
    book.feed.settle(market, {11})
    customer.wait_bet(response.json['bet_id'], status='NOT_ACCEPTED')
    assert customer.balance() == 100


def test_a_big_settlement_reaches_everyone_once(own_book):
    """Two hundred customers, four thousand bets; betting elsewhere goes on meanwhile."""
    market, other = own_book.market(), own_book.market()
    customers = [own_book.bettor(name=f'c{n}', money='100.00') for n in range(200)]
    odds, version = customers[0].odds(market, 11)
    for customer in customers:
        for number in range(20):
            customer.http.begin('POST', '/v1/bets', {
                'market_id': market, 'selection_id': '11', 'odds': odds, 'odds_version': version,
                'stake': 1, 'currency': 'GBP'}, customer.token, {'Idempotency-Key': f'{number}'})
    for customer in customers:
        assert {customer.http.response().status for _ in range(20)} == {201}
    own_book.feed.settle(market, {11})
    assert customers[0].bet(other, 11, '1.00').status == 201
    pays = 20 * settled('1.00', odds)
    for customer in customers[1:]:
        until(lambda c=customer: c.balance() == 80 + pays)
    assert own_book.server.terminate() == 0
    own_book.server.verify()


def test_settlement_goes_on_after_a_crash_in_its_middle(own_book):
    """L7: whatever was settled stays so, the rest follows, and nothing is paid twice."""
    market = own_book.market()
    customers = [own_book.bettor(name=f'c{n}', money='100.00') for n in range(50)]
    odds, version = customers[0].odds(market, 11)
    for customer in customers:
        for number in range(40):
            customer.http.begin('POST', '/v1/bets', {
                'market_id': market, 'selection_id': '11', 'odds': odds, 'odds_version': version,
                'stake': 1, 'currency': 'GBP'}, customer.token, {'Idempotency-Key': f'{number}'})
    for customer in customers:
        assert {customer.http.response().status for _ in range(40)} == {201}
    own_book.feed.silent = True
    own_book.feed.settle(market, {11})
    own_book.server.kill()
    own_book.server.verify()
    own_book.server.start()
    own_book.feed.settle(market, {11})
    pays = 40 * settled('1.00', odds)
    for customer in customers:
        customer.reconnect()
        until(lambda c=customer: c.balance() == 60 + pays)
    assert own_book.server.terminate() == 0
    own_book.server.verify()


def test_how_far_settlements_have_come_is_told(own_book):
    market = own_book.market()
    bets, customer = place_all(own_book, market)
    own_book.feed.settle(market, {11})
    for runner, bet in bets.items():
        customer.wait_bet(bet['bet_id'], status='WON' if runner == 11 else 'LOST')
    told = until(lambda: (own_book.server.desk('/v1/admin/settlements', None, method='GET').json
                          if own_book.server.metric('overround_settle_backlog') == 0 else None))
    assert told == {'markets': 0, 'bets': 3, 'bets_left': 0, 'under_way': []}
    assert own_book.server.metric('overround_settlement_bets') == 3
    assert own_book.server.metric('overround_settlement_bets_left') == 0
    assert own_book.server.desk('/v1/admin/settlements', {}).status == 405
    with Http(own_book.server.admin) as http:
        assert http.request('GET', '/v1/admin/settlements').status == 401


def test_a_market_of_fifty_thousand_selections_is_suspended_and_counted(own_book):
    other = own_book.market()
    own_book.feed.send({'mc': [{'id': '1.777', 'img': True, 'marketDefinition': {
        'status': 'OPEN', 'bettingType': 'ODDS', 'eventId': '9000', 'runners': [
            {'id': n, 'status': 'ACTIVE'} for n in range(1, 50001)]}, 'rc': [
                {'id': n, 'atb': [[2.0, 5]], 'ltp': 2.0} for n in (1, 2, 50000)]}]})
    odds = own_book.server.get('/v1/odds/1.777').json
    assert odds['status'] == 'suspended' and len(odds['selections']) == 512
    assert own_book.server.metric('overround_limit_reached_total', limit='feed_source') > 0
    customer = own_book.bettor(money='100.00')
    assert customer.bet('1.777', 1, '1.00').json['code'] == 'MARKET_SUSPENDED'
    assert customer.bet(other, 11, '1.00').status == 201
