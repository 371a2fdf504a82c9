"""Every type of bet, taken and settled by a real server: the worked numbers of its rules, and what
an enumeration of the lines says with exact fractions."""
import itertools
from decimal import Decimal
from fractions import Fraction
from math import comb, prod

import pytest
from conftest import make
from lib.desk import post
from lib.until import until

EVENTS = itertools.count(1)
FIELD = {12: 5.0, 13: 6.0}  # who else runs; the one that is backed is 11
WON, LOST, VOID = 'WON', 'LOST', 'VOID'
HALF_WON, HALF_LOST = 'HALF_WON', 'HALF_LOST'


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    """Shows the exchange's prices as they are, and rounds a half up, as the worked numbers do."""
    made = make(tmp_path_factory.mktemp('book') / 'data',
                ['--margin-permyriad', '0', '--rounding', 'half-up'])
    yield made
    made.close()


def tied(numerator, denominator):
    return {'result': 'WON', 'dead_heat_factor': f'{numerator}/{denominator}'}


def card(book, *prices, **definition):
    """One market of an event of its own for each price: their ids."""
    return [book.market({11: float(price), **FIELD}, event=f'event-{next(EVENTS)}', **definition)
            for price in prices]


def legs_of(customer, markets, bankers=(), selection=11):
    rows = []
    for number, market in enumerate(markets):
        odds, version = customer.odds(market, selection)
        rows.append({'market_id': market, 'selection_id': str(selection), 'odds': odds,
                     'odds_version': version, **({'banker': True} if number in bankers else {})})
    return rows


def multiple(customer, markets, stake='10.00', **more):
    return {'type': 'multiple', 'legs': legs_of(customer, markets), 'stake': Decimal(stake),
            'currency': 'GBP', **more}


def system(customer, markets, unit='1.00', bankers=(), **more):
    return {'type': 'system', 'legs': legs_of(customer, markets, bankers),
            'unit_stake': Decimal(unit), 'currency': 'GBP', **more}


def taken(customer, slip, by_socket=False):
    """Places it; the answer's body. Over either transport it is the same bet."""
    if not by_socket:
        response = customer.place(slip)
        assert response.status == 201, response.body
        return response.json
    with customer.server.websocket(token=customer.token) as socket:
        answer = socket.place('r1', customer.key(), slip)
    assert answer['code'] == 201, answer
    return answer['bet']


def decide(book, markets, results, version=1):
    for market, result in zip(markets, results):
        response = post(book, market, version, s11=result, s12=LOST, s13=LOST)
        assert response.status == 200, response.body


def ends(customer, bet, payout, **wanted):
    """The bet is settled so, and its money is in the balance."""
    until(lambda: customer.read(bet['bet_id'])['money'] not in ('OPEN', 'HELD'))
    read = customer.read(bet['bet_id'])
    assert read['payout'] == Decimal(payout), read
    assert {k: read[k] for k in wanted} == wanted
    assert customer.balance() == bet['balance'] + Decimal(payout)
    assert sum(h['delta'] for h in read['history']) == Decimal(payout) - bet['stake']
    assert read['explanation']
    return read


# ---- one leg ----

@pytest.mark.parametrize('stake,price,result,pays', [
    ('10.00', '2.05', HALF_WON, '15.25'), ('10.00', '2.05', HALF_LOST, '5.00'),
    ('10.00', '2.05', VOID, '10.00'), ('10.00', '2.05', LOST, '0.00'),
    ('10.00', '2.05', WON, '20.50'), ('1.01', '2.05', HALF_LOST, '0.51'),
    ('20.00', '4.00', tied(1, 3), '26.67'), ('50.00', '2.50', tied(1, 2), '62.50'),
    ('50.00', '3.00', tied(3, 6), '75.00'), ('10.00', '5.00', tied(1, 2), '25.00')])
def test_a_single_pays_what_the_rules_say(book, stake, price, result, pays):
    """BETTING-RULES 4.1 and 4.2."""
    customer, (market,) = book.bettor(), card(book, price)
    bet = taken(customer, customer.slip(market, 11, stake, type='single'))
    decide(book, [market], [result])
    ends(customer, bet, pays)


# ---- multiples ----

def factor(price, result):
    """BETTING-RULES 4.1: v + (1 - v) * w * d * o."""
    price = Fraction(price)
    if isinstance(result, dict):
        return Fraction(result['dead_heat_factor']) * price
    return {WON: price, LOST: Fraction(0), VOID: Fraction(1), HALF_WON: (1 + price) / 2,
            HALF_LOST: Fraction(1, 2)}[result]


def rounded(amount):
    """Half up, to pennies."""
    return Decimal(int(amount * 100 + Fraction(1, 2))).scaleb(-2)


PRICES = ('2.00', '1.75', '2.05', '1.90', '1.96')


@pytest.mark.parametrize('results', [
    (WON, WON, WON, WON, WON), (WON, WON, HALF_WON, WON, WON), (HALF_LOST, WON, WON, WON, WON),
    (VOID, WON, WON, tied(1, 2), WON), (VOID, VOID, VOID, VOID, VOID), (WON, LOST, WON, WON, WON),
    (HALF_WON, HALF_LOST, tied(2, 3), VOID, WON)])
@pytest.mark.parametrize('by_socket', [False, True])
def test_an_accumulator_pays_the_product_of_its_legs(book, results, by_socket):
    """BETTING-RULES 4.5, first line."""
    customer, markets = book.bettor(), card(book, *PRICES)
    bet = taken(customer, multiple(customer, markets), by_socket)
    assert bet['type'] == 'multiple' and len(bet['legs']) == 5
    product = prod(Fraction(price) for price in PRICES)
    assert Fraction(bet['potential_return']) == Fraction(rounded(10 * product))
    assert Fraction(bet.get('odds_exact') or bet['odds']) == product
    decide(book, markets, results)
    read = ends(customer, bet, rounded(10 * prod(map(factor, PRICES, results))))
    assert len(read['legs']) == 5 and read['odds'] == bet['odds']


def test_the_odds_of_a_double_are_the_product_and_exact_where_a_decimal_says_it(book):
    customer = book.bettor()
    bet = taken(customer, multiple(customer, card(book, '2.00', '3.50')))
    assert bet['odds'] == Decimal('7.00') and 'odds_exact' not in bet
    row = customer.bets()[-1]
    assert row['odds'] == Decimal('7.00') and row['type'] == 'multiple'
    assert 'odds' not in taken(customer, system(customer, card(book, '2.00', '3.50'),
                                                system=[1]))


def test_a_multiple_is_lost_at_once_when_a_leg_is_and_a_correction_revives_it(book):
    customer, markets = book.bettor(), card(book, '2.00', '3.00', '4.00')
    bet = taken(customer, multiple(customer, markets))
    decide(book, markets[1:2], [LOST])
    lost = ends(customer, bet, '0.00', status='LOST')
    assert [leg['result'] for leg in lost['legs']] == ['OPEN', 'LOST', 'OPEN']
    decide(book, markets[1:2], [WON], version=2)
    alive = customer.wait_bet(bet['bet_id'], status='PLACED', money='OPEN')
    assert [h['event'] for h in alive['history']] == ['PLACED', 'SETTLED', 'REVERSED']
    assert alive['explanation'] == []
    decide(book, markets[:1], [WON])
    decide(book, markets[2:], [WON])
    won = ends(customer, bet, '240.00', status='WON', money='RESETTLED')
    assert [leg['result'] for leg in won['legs']] == ['WON', 'WON', 'WON']


def test_what_comes_later_of_the_open_legs_changes_nothing_of_a_lost_multiple(book):
    customer, markets = book.bettor(), card(book, '2.00', '3.00')
    bet = taken(customer, multiple(customer, markets))
    decide(book, markets[:1], [LOST])
    customer.wait_bet(bet['bet_id'], status='LOST')
    decide(book, markets[1:], [WON])
    marker = taken(customer, customer.slip(card(book, '2.00')[0], 11))
    assert marker['balance'] == bet['balance'] - marker['stake']
    assert len(customer.read(bet['bet_id'])['history']) == 2


# ---- systems ----

NAMED = {'TRIXIE': (3, 4), 'PATENT': (3, 7), 'YANKEE': (4, 11), 'LUCKY_15': (4, 15),
         'CANADIAN': (5, 26), 'LUCKY_31': (5, 31), 'HEINZ': (6, 57), 'LUCKY_63': (6, 63),
         'SUPER_HEINZ': (7, 120), 'GOLIATH': (8, 247)}
SPREAD = ('2.00', '3.00', '1.50', '4.00', '1.80', '2.50', '1.20', '6.00')
MIXED = (WON, HALF_WON, tied(1, 2), WON, VOID, WON, HALF_LOST, WON)


def by_lines(prices, results, sizes, bankers=()):
    """The sum over all lines, each the product of its legs and of the bankers."""
    factors = [factor(*row) for row in zip(prices, results)]
    chosen = [f for n, f in enumerate(factors) if n not in bankers]
    always = prod((factors[n] for n in bankers), start=Fraction(1))
    return sum(always * prod(line, start=Fraction(1)) for size in sizes
               for line in itertools.combinations(chosen, size))


@pytest.mark.parametrize('name', NAMED)
def test_a_named_system_pays_the_sum_of_its_lines(book, name):
    count, lines = NAMED[name]
    sizes = range(1 if name.startswith('LUCKY') or name == 'PATENT' else 2, count + 1)
    customer, markets = book.bettor(), card(book, *SPREAD[:count])
    bet = taken(customer, system(customer, markets, '0.10', system_name=name))
    assert bet['stake'] == lines * Decimal('0.10') and bet['system'] == list(sizes)
    assert sum(comb(count, k) for k in sizes) == lines
    decide(book, markets, MIXED)
    ends(customer, bet, rounded(by_lines(SPREAD, MIXED[:count], sizes) / 10))


@pytest.mark.parametrize('name,prices,results,staked,pays', [
    ('YANKEE', ('2.00', '3.00', '2.00', '4.00'), (WON, WON, LOST, WON), '11.00', '50.00'),
    ('LUCKY_15', ('2.00', '3.00', '2.00', '4.00'), (WON, WON, LOST, VOID), '15.00', '23.00')])
def test_the_worked_systems(book, name, prices, results, staked, pays):
    """BETTING-RULES 4.5."""
    customer, markets = book.bettor(), card(book, *prices)
    bet = taken(customer, system(customer, markets, system_name=name))
    assert bet['stake'] == Decimal(staked)
    decide(book, markets, results)
    ends(customer, bet, pays)


@pytest.mark.parametrize('sizes,bankers', [([2], ()), ([2, 4], ()), ([2], (1,)), ([1, 3], (0, 4))])
def test_a_system_by_sizes_with_bankers(book, sizes, bankers):
    """[2] of five is the American round robin "by twos"."""
    customer, markets = book.bettor(), card(book, *SPREAD[:5])
    slip = system(customer, markets, '0.50', bankers, system=sizes)
    bet = taken(customer, slip, by_socket=True)
    lines = sum(comb(5 - len(bankers), k) for k in sizes)
    assert bet['stake'] == lines * Decimal('0.50')
    assert [n for n, leg in enumerate(bet['legs']) if leg.get('banker')] == list(bankers)
    decide(book, markets, MIXED)
    ends(customer, bet, rounded(by_lines(SPREAD, MIXED[:5], sizes, bankers) / 2))


# ---- each-way ----

TERMS = {'marketType': 'EACH_WAY', 'numberOfWinners': 3}


@pytest.mark.parametrize('stake,price,divisor,won,placed', [
    ('200.00', '3.75', 5, '530.00', '155.00'), ('20.00', '2.75', 5, '41.00', '13.50'),
    ('20.00', '2.75', 4, '41.88', '14.38')])
def test_each_way_pays_the_win_and_the_place(book, stake, price, divisor, won, placed):
    """BETTING-RULES 4.4; the stake is of both ways together."""
    customer = book.bettor()
    for payout, how in ((won, {'winners': {11}}), (placed, {'winners': {12}, 'placed': {11}}),
                        ('0.00', {'winners': {12}, 'placed': {13}})):
        market, = card(book, price, eachWayDivisor=divisor, **TERMS)
        shown = book.server.get(f'/v1/odds/{market}').json
        assert (shown['places'], shown['place_terms']) == (3, f'1/{divisor}')
        assert shown['each_way_only'] is True
        bet = taken(customer, customer.slip(market, 11, stake, each_way=True))
        leg, = bet['legs']
        assert (leg['places'], leg['place_terms']) == (3, f'1/{divisor}')
        book.feed.settle(market, **how)
        ends(customer, bet, payout)


def test_an_each_way_multiple_is_a_win_and_a_place_multiple(book):
    customer = book.bettor()
    markets = card(book, '3.00', '5.00', eachWayDivisor=4, **TERMS)
    bet = taken(customer, multiple(customer, markets, '20.00', each_way=True), by_socket=True)
    assert bet['each_way'] is True and bet['potential_return'] == 150 + 30
    book.feed.settle(markets[0], {11})
    book.feed.settle(markets[1], {12}, placed={11})
    read = ends(customer, bet, '30.00')  # 10 x 1.5 x 2 of the places, nothing to win
    assert [(leg['result'], leg['place_result']) for leg in read['legs']] == [
        ('WON', 'WON'), ('LOST', 'WON')]


def test_each_way_lines_of_a_system_count_twice(book):
    customer = book.bettor()
    markets = card(book, '3.00', '5.00', '2.00', eachWayDivisor=4, **TERMS)
    bet = taken(customer, system(customer, markets, system_name='TRIXIE', each_way=True))
    assert bet['stake'] == 8
    for market in markets:
        book.feed.settle(market, {12}, placed={11})
    places = [Fraction(3, 2), Fraction(2), Fraction(5, 4)]
    ends(customer, bet, rounded(sum(prod(line) for size in (2, 3)
                                    for line in itertools.combinations(places, size))))


# ---- refused ----

def test_a_market_that_is_each_way_by_nature_takes_nothing_to_win_only(book):
    """Betfair's EACH_WAY: one price of two bets, so it is no price of a bet to win."""
    customer = book.bettor()
    race, = card(book, '3.00', eachWayDivisor=5, **TERMS)
    match, = card(book, '2.00')
    refused(customer, customer.slip(race, 11, '2.00'), 422, 'EACH_WAY_ONLY')
    legs = multiple(customer, [match, race], '2.00')
    assert refused(customer, legs, 422, 'EACH_WAY_ONLY')['leg'] == 2
    assert refused(customer, {**legs, 'each_way': True}, 422, 'NO_PLACE_TERMS')['leg'] == 1
    taken(customer, customer.slip(race, 11, '2.00', each_way=True))
    taken(customer, customer.slip(match, 11, '2.00'))


def refused(customer, slip, status, code):
    response = customer.place(slip)
    assert (response.status, response.code) == (status, code), response.body
    return response.json


def test_legs_of_one_event_do_not_multiply(book):
    customer = book.bettor()
    first, second = [book.market(event='together') for _ in range(2)]
    (other,) = card(book, '2.00')
    problem = refused(customer, multiple(customer, [first, other, second]), 422, 'RELATED_LEGS')
    assert problem['leg'] == 3
    refused(customer, system(customer, [first, second, other], system=[1, 2]), 422, 'RELATED_LEGS')


def test_more_legs_or_lines_than_are_taken_are_refused(book):
    customer = book.bettor()
    markets = card(book, *['1.05'] * 31)
    refused(customer, multiple(customer, markets), 422, 'LEGS_LIMIT')
    refused(customer, system(customer, markets[:18], '0.01', system=list(range(1, 19))), 422,
            'LINES_LIMIT')
    slip = multiple(customer, markets)
    slip['legs'] = slip['legs'] * 4
    refused(customer, slip, 400, 'TOO_MANY_LEGS')
    assert customer.balance() == 1000


def test_a_refusal_names_the_leg_and_its_price_now(book):
    customer, markets = book.bettor(), card(book, '2.00', '3.00')
    slip = multiple(customer, markets)
    book.feed.price(markets[1], 11, 2.9)
    problem = refused(customer, slip, 409, 'ODDS_CHANGED')
    assert problem['leg'] == 2 and problem['market_id'] == markets[1]
    assert problem['odds'] == Decimal('2.90')


# ---- many legs ----

def many(book, count):
    """A bet of so many legs, by every way that it is told."""
    customer, markets = book.bettor(), card(book, *['1.05'] * count)
    slip = multiple(customer, markets)
    with book.server.websocket(token=customer.token) as asker, \
            book.server.websocket(token=customer.token) as follower:
        answer = asker.place('r1', 'the-key', slip)
        bet = answer['bet']
        assert answer['code'] == 201 and len(bet['legs']) == count
        pushed = follower.wait_for(op='bet_update', bet_id=bet['bet_id'])
        assert len(pushed['legs']) == count
        assert follower.wait_for(op='receipt', bet_id=bet['bet_id'])['entries']
    again = customer.place(slip, 'the-key')
    assert again.status == 200 and again.json['legs'] == bet['legs']
    row, = customer.bets()
    assert len(row['legs']) == count
    proof = customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof')
    assert proof.status == 200 and proof.json['entries']
    decide(book, markets, [WON] * count)
    read = ends(customer, bet, rounded(10 * Fraction('1.05') ** count))
    assert len(read['explanation']) == count + 3
    return customer, bet


def test_a_bet_of_thirty_legs_is_told_by_every_way(book):
    many(book, 30)


@pytest.mark.parametrize('options', [(), ('--loops', '2')])
def test_a_bet_of_a_hundred_legs_is_told_by_every_way(tmp_path, options):
    made = make(tmp_path / 'data', ['--margin-permyriad', '0', '--rounding', 'half-up',
                                    '--legs-max', '100', *options])
    try:
        customer, bet = many(made, 100)
        made.server.restart()
        customer.reconnect()
        until(lambda: made.server.get('/readyz').status == 200)
        assert len(customer.read(bet['bet_id'])['legs']) == 100
        assert made.server.terminate() == 0
        made.server.verify()
    finally:
        made.close()
