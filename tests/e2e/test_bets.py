"""POST /v1/bets: what is accepted, what is refused, by which code and in which order."""
from decimal import Decimal

import pytest
from conftest import make
from lib.http import dumps
from lib.until import until


@pytest.fixture(scope='module')
def market(book):
    return book.market()


def test_a_bet_is_answered_with_all_of_it(book, market):
    customer = book.bettor(money='100.00')
    odds, version = customer.odds(market, 11)
    response = customer.bet(market, 11, '12.34')
    assert response.status == 201
    bet = response.json
    assert bet['status'] == 'PLACED' and bet['odds'] == odds
    assert bet['stake'] == Decimal('12.34')
    assert bet['potential_return'] == (Decimal('12.34') * odds).quantize(Decimal('.01'),
                                                                         'ROUND_DOWN')
    assert bet['balance'] == Decimal('87.66')
    shard, seq = bet['ledger_seq'].split('-')
    assert shard.isdigit() and seq.isdigit()
    assert bet['created_at'].endswith('Z')
    leg, = bet['legs']
    assert leg['market_id'] == market and leg['selection_id'] == '11'
    assert leg['odds_version'] == version and leg['event_id']
    assert customer.balance() == Decimal('87.66')


def test_money_is_written_with_its_places(book, market):
    response = book.bettor(money='100').bet(market, 11, '10')
    assert b'"stake":10.00' in response.body and b'"balance":90.00' in response.body


def test_a_bet_is_read_back_with_its_history(book, market):
    customer = book.bettor()
    placed = customer.bet(market, 11).json
    bet = customer.read(placed['bet_id'])
    assert bet['status'] == 'PLACED' and bet['money'] == 'OPEN'
    assert [h['ledger_seq'] for h in bet['history']] == [placed['ledger_seq']]


def test_own_bets_are_listed_in_order_and_in_pages(book, market):
    customer = book.bettor()
    placed = [customer.bet(market, 11, '1').json['bet_id'] for _ in range(60)]
    assert [b['bet_id'] for b in customer.bets()] == placed


def test_bet_ids_rise_with_time(book, market):
    customer = book.bettor()
    placed = [customer.bet(market, 11, '1').json['bet_id'] for _ in range(10)]
    assert sorted(placed, key=lambda i: (len(i), i)) == placed


def test_a_foreign_bet_is_404(book, market):
    placed = book.bettor().bet(market, 11).json['bet_id']
    response = book.bettor().call('GET', f'/v1/bets/{placed}')
    assert response.status == 404 and response.code
    for ident in ('0', 'x', '9' * 40, '-1', placed + '0', '%00', '..'):
        assert book.bettor(money=None).call('GET', f'/v1/bets/{ident}').status == 404, ident


FAULTS = {'MALFORMED_JSON', 'UNKNOWN_FIELD', 'DUPLICATE_FIELD', 'MISSING_FIELD', 'INVALID_FIELD',
          'AMOUNT_DIGITS', 'AMOUNT_NOT_POSITIVE', 'ODDS_INVALID', 'CURRENCY_UNKNOWN',
          'IDEMPOTENCY_KEYS_DIFFER'}
GOOD = {'market_id': 'M', 'selection_id': '11', 'odds': 2, 'stake': 10, 'currency': 'GBP',
        'price_policy': 'any'}


def without(*names):
    return dumps({k: v for k, v in GOOD.items() if k not in names})


def with_(**more):
    return dumps({**GOOD, **more})


def text(old, new):
    return dumps(GOOD).replace(old, new)


@pytest.mark.parametrize('body', [
    '', '{', 'null', '[]', '"x"', '{}', '{"a":1}}', dumps(GOOD) + 'x', dumps(GOOD) + dumps(GOOD),
    without('market_id'), without('selection_id'), without('stake'),
    with_(market_id=1), with_(market_id=''), with_(market_id='x' * 1000),
    with_(selection_id=11), with_(selection_id=None),
    with_(stake='10'), with_(stake=None), with_(stake=True), with_(stake=[10]),
    with_(stake=0), with_(stake=-10), with_(stake=Decimal('-0.01')), with_(stake=Decimal('0.00')),
    with_(stake=Decimal('10.001')), with_(stake=Decimal('0.001')), with_(stake=10 ** 30),
    with_(stake=10 ** 15), text('"stake":10', '"stake":1e1000'), text('"stake":10', '"stake":1e-9'),
    text('"stake":10', '"stake":010'), text('"stake":10', '"stake":+10'),
    text('"stake":10', '"stake":10.'), text('"stake":10', '"stake":.5'),
    text('"stake":10', '"stake":0x10'), text('"stake":10', '"stake":NaN'),
    text('"stake":10', '"stake":Infinity'), text('"stake":10', '"stake":' + '1' * 500),
    text('"stake":10', '"stake":10,"stake":10'), text('"stake":10', '"stake":10,"stake":1000'),
    text('"odds":2', '"odds":2,"odds":2'), text('"odds":2', '"odds":2,"\\u006fdds":2'),
    with_(odds=0), with_(odds=-2), with_(odds=1), with_(odds=Decimal('0.99')), with_(odds='2'),
    text('"odds":2', '"odds":2.00000000000000000001'),
    with_(odds_version=-1), with_(odds_version=2 ** 53), with_(odds_version=2 ** 64),
    with_(odds_version=Decimal('1.5')), with_(odds_version='1'),
    with_(currency='gbp'), with_(currency='XYZ'), with_(currency=826), with_(currency=''),
    with_(price_policy='best'), with_(price_policy=None), with_(price_policy='BETTER'),
    with_(price_polici='exact'), with_(max_stake=1), with_(legs=[]), with_(type='single', x=1),
    with_(idempotency_key='other'), with_(idempotency_key=7),
    text('GBP', 'G\ud800P'), text('GBP', 'GBP\\u0000'), text('GBP', '\\ud800'),
    text('"GBP"', '"GBP'), text('"GBP"', "'GBP'"), text(',', ',,'), text('}', ',}'),
    '[' * 5000, '{"a":' * 5000, ' ' * 70000,
])
def test_a_malformed_bet_is_400_and_does_not_use_up_the_key(book, market, body):
    customer = book.bettor(money='100.00')
    body = body.replace('"M"', f'"{market}"').encode('utf-8', 'surrogatepass')
    key = customer.key()
    response = customer.call('POST', '/v1/bets', body, key)
    if len(body) > 64 << 10:
        assert response.status == 413
        customer.reconnect()
    else:
        assert response.status == 400, response.body
        assert response.code in FAULTS
    assert customer.balance() == 100
    slip = {**GOOD, 'market_id': market}
    assert customer.place(slip, key).status == 201  # the key is still free
    assert customer.balance() == 90


def test_bytes_that_are_no_utf8_are_400(book, market):
    customer = book.bettor()
    body = dumps({**GOOD, 'market_id': market}).encode()
    for bad in (b'\xff', b'\xc0\xaf', b'\xed\xa0\x80', b'\xf5\x80\x80\x80', b'\xe2\x82'):
        assert customer.call('POST', '/v1/bets', body.replace(b'11', b'11' + bad),
                             customer.key()).status == 400


@pytest.mark.parametrize('key', [None, '', 'x' * 1000, 'a\tb', 'gr\u00fc\u00dfe'])
def test_a_bet_needs_a_sensible_key(book, market, key):
    customer = book.bettor()
    response = customer.call('POST', '/v1/bets', {**GOOD, 'market_id': market}, key)
    assert response.status == 400 and response.code


def test_the_key_may_stand_in_the_body(book, market):
    customer = book.bettor()
    slip = {**GOOD, 'market_id': market, 'idempotency_key': 'in-the-body'}
    first = customer.call('POST', '/v1/bets', slip)
    again = customer.call('POST', '/v1/bets', {**GOOD, 'market_id': market}, 'in-the-body')
    assert (first.status, again.status) == (201, 200)
    assert again.json['bet_id'] == first.json['bet_id']


def refuse(book, customer, slip, status, code):
    response = customer.place(slip)
    assert (response.status, response.code) == (status, code)
    return response.json


def test_an_unknown_market_is_suspended(book):
    """A missing entry of the odds store is MARKET_SUSPENDED."""
    refuse(book, book.bettor(), {**GOOD, 'market_id': '1.404'}, 409, 'MARKET_SUSPENDED')


def test_an_unknown_selection_is_422(book, market):
    refuse(book, book.bettor(), {**GOOD, 'market_id': market, 'selection_id': '99'}, 422,
           'UNKNOWN_SELECTION')


def test_a_suspended_market_is_409(book):
    market = book.market()
    customer = book.bettor()
    slip = customer.slip(market, 11)
    book.feed.define(market, status='SUSPENDED')
    refuse(book, customer, slip, 409, 'MARKET_SUSPENDED')
    book.feed.define(market, status='OPEN')
    assert customer.bet(market, 11).status == 201


def test_a_closed_market_is_409(book):
    market = book.market()
    customer = book.bettor()
    slip = customer.slip(market, 11)
    book.feed.settle(market, {11})
    refuse(book, customer, slip, 409, 'MARKET_CLOSED')


def test_a_removed_runner_takes_no_bets(book):
    market = book.market()
    customer = book.bettor()
    slip = customer.slip(market, 13)
    book.feed.define(market, {13: 'REMOVED'})
    response = customer.place(slip)
    assert response.status == 409 and response.code in ('MARKET_SUSPENDED', 'MARKET_CLOSED')
    assert customer.bet(market, 11).status == 201


def test_too_little_money_is_400(book, market):
    customer = book.bettor(money='5.00')
    refuse(book, customer, customer.slip(market, 11, '5.01'), 400, 'INSUFFICIENT_BALANCE')
    assert customer.bet(market, 11, '5.00').json['balance'] == 0


def test_without_an_account_there_is_no_money(book, market):
    customer = book.bettor(money=None)
    refuse(book, customer, customer.slip(market, 11), 400, 'INSUFFICIENT_BALANCE')


def test_another_currency_is_422(book, market):
    customer = book.bettor()
    refuse(book, customer, customer.slip(market, 11, currency='EUR'), 422, 'CURRENCY_MISMATCH')


def test_a_stake_above_the_limit_names_the_stake_that_would_pass(book, market):
    customer = book.bettor(money='50000.00')
    problem = refuse(book, customer, customer.slip(market, 11, '10000.01'), 422, 'STAKE_LIMIT')
    passing = [v for k, v in problem.items() if 'stake' in k]
    assert Decimal(10000) in passing, problem
    assert customer.bet(market, 11, '10000.00').status == 201


class TestPricePolicies:
    """better (default), exact, within and any, when the price has moved from 2.00."""

    @pytest.mark.parametrize('policy,moved,status', [
        (None, '2.5', 201), (None, '1.98', 409), ('better', '2.5', 201), ('better', '1.98', 409),
        ('exact', '2.5', 409), ('exact', '1.98', 409), ('within', '2.5', 201),
        ('within', '1.96', 201), ('within', '1.5', 409), ('any', '1.2', 201), ('any', '3', 201)])
    def test_a_moved_price(self, book, policy, moved, status):
        market = book.market()
        customer = book.bettor()
        slip = customer.slip(market, 11, price_policy=policy)
        book.feed.price(market, 11, float(moved))
        now, version = customer.odds(market, 11)
        assert now != slip['odds']
        response = customer.place(slip)
        assert response.status == status, response.body
        if status == 201:
            assert response.json['odds'] == now
        else:
            assert response.code == 'ODDS_CHANGED'
            assert response.json['odds'] == now and response.json['odds_version'] == version
            assert customer.balance() == 1000

    def test_exact_compares_the_version_too(self, book):
        market = book.market()
        customer = book.bettor()
        slip = customer.slip(market, 11, price_policy='exact')
        book.feed.price(market, 12, 3.8)  # another selection: the version rises
        refuse(book, customer, slip, 409, 'ODDS_CHANGED')
        del slip['odds_version']
        assert customer.place(slip).status == 201

    def test_a_version_that_was_never_shown_is_refused(self, book, market):
        customer = book.bettor()
        slip = customer.slip(market, 11, price_policy='any')
        slip['odds_version'] += 1
        refuse(book, customer, slip, 409, 'ODDS_CHANGED')

    def test_an_older_version_is_only_evidence(self, book, market):
        customer = book.bettor()
        slip = customer.slip(market, 11)
        slip['odds_version'] -= 1
        assert customer.place(slip).status == 201


def test_the_order_of_refusals_is_status_selection_price_limit_balance(book):
    """One slip with every fault at once; each is mended in turn and the next shows."""
    market = book.market()
    customer = book.bettor(money='20000.00')
    right = customer.slip(market, 11, '10.00')
    slip = {**right, 'selection_id': '99', 'odds': Decimal('50'), 'stake': Decimal('30000.00')}
    book.feed.define(market, status='SUSPENDED')
    refuse(book, customer, slip, 409, 'MARKET_SUSPENDED')
    book.feed.define(market, status='OPEN')
    refuse(book, customer, slip, 422, 'UNKNOWN_SELECTION')
    slip['selection_id'] = '11'
    refuse(book, customer, slip, 409, 'ODDS_CHANGED')
    slip['odds'] = right['odds']
    refuse(book, customer, slip, 422, 'STAKE_LIMIT')
    slip['stake'] = Decimal('10000.00')
    assert customer.place(slip).status == 201
    refuse(book, customer, slip, 422, 'STAKE_LIMIT')  # the same again is summed
    assert customer.bet(market, 12, '10000.00').status == 201
    slip = customer.slip(market, 13, '10000.00')
    refuse(book, customer, slip, 400, 'INSUFFICIENT_BALANCE')


def test_legs_that_make_no_bet_are_refused_by_name(book, market):
    customer = book.bettor()
    leg = {k: v for k, v in customer.slip(market, 11).items()
           if k in ('market_id', 'selection_id', 'odds', 'odds_version')}
    rows = (({'type': 'multiple', 'legs': [leg, leg], 'stake': 10}, 'RELATED_LEGS'),
            ({'type': 'system', 'system': [2], 'legs': [leg], 'unit_stake': 1},
             'UNSUPPORTED_BET_TYPE'),
            ({'type': 'multiple', 'legs': [leg], 'stake': 10, 'each_way': True},
             'NO_PLACE_TERMS'))
    for slip, code in rows:
        response = customer.place({**slip, 'currency': 'GBP'})
        assert response.status == 422 and response.code == code


def test_a_silent_provider_takes_its_prices_away_at_once(own_book):
    """P2: 5 s without a byte, and no bet on its prices; the next byte gives them back."""
    market = own_book.market()
    customer = own_book.bettor()
    slip = customer.slip(market, 11, price_policy='any')
    assert customer.place(slip).status == 201
    with own_book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        own_book.feed.silent = True
        until(lambda: customer.place(slip).status == 409, pause=0.2)
        refuse(own_book, customer, slip, 409, 'MARKET_SUSPENDED')
        socket.wait_for(op='delta', status='suspended')  # pushed too
        assert own_book.server.get(f'/v1/odds/{market}').json['status'] == 'suspended'
        own_book.feed.silent = False
        until(lambda: customer.place(slip).status == 201, pause=0.2)
        socket.wait_for(op='delta', status='active')


def test_in_play_bets_wait_with_their_stake_held(book):
    market = book.market(inPlay=True, betDelay=5)
    customer = book.bettor(money='100.00')
    response = customer.bet(market, 11)
    assert response.status == 202 and response.json['status'] == 'PENDING'
    assert response.json['decide_at'].endswith('Z')
    account = customer.account()
    assert Decimal(account['held']) == 10 and Decimal(account['balance']) == 90
    bet = customer.wait_bet(response.json['bet_id'], status='PLACED')
    assert bet['money'] == 'OPEN'
    assert Decimal(customer.account()['held']) == 0 and customer.balance() == 90


def test_a_goal_during_the_delay_gives_the_stake_back(book):
    market = book.market(inPlay=True, betDelay=5)
    customer = book.bettor(money='100.00')
    with book.server.websocket(token=customer.token) as socket:
        response = customer.bet(market, 11)
        assert response.status == 202
        book.feed.define(market, status='SUSPENDED')
        bet = customer.wait_bet(response.json['bet_id'], status='NOT_ACCEPTED')
        assert bet['payout'] == 0 or bet['payout'] is None
        update = socket.wait_for(op='bet_update')
        assert 'NOT_ACCEPTED' in str(update) or socket.wait_for(op='bet_update')
    assert customer.balance() == 100 and Decimal(customer.account()['held']) == 0


def test_a_suspension_that_ended_before_the_release_refuses_too(book):
    """BETTING-RULES 4.7: what stopped the market is what the delay is there for."""
    market = book.market(inPlay=True, betDelay=5)
    customer = book.bettor(money='100.00')
    response = customer.bet(market, 11, price_policy='any')
    book.feed.define(market, status='SUSPENDED')
    book.feed.define(market, status='OPEN')
    assert customer.bet(market, 11, price_policy='any').status == 202  # later: not concerned
    bet = customer.wait_bet(response.json['bet_id'], status='NOT_ACCEPTED')
    assert bet['history'][-1]['reason'] == 'MARKET_SUSPENDED'
    until(lambda: customer.balance() == 90 and Decimal(customer.account()['held']) == 0)


@pytest.mark.parametrize('body,status', [
    ({'amount': 0, 'currency': 'GBP'}, 400), ({'amount': -1, 'currency': 'GBP'}, 400),
    ({'amount': Decimal('0.001'), 'currency': 'GBP'}, 400),
    ({'amount': '5', 'currency': 'GBP'}, 400),
    ({'amount': 5, 'currency': 'ABC'}, 400), ({'currency': 'GBP'}, 400),
    ({'amount': 5, 'currency': 'GBP', 'bonus': 5}, 400), ([], 400)])
def test_a_malformed_deposit_is_refused(book, body, status):
    customer = book.bettor(money='10.00')
    for path in ('deposits', 'withdrawals'):
        response = customer.call('POST', f'/v1/account/{path}', body, customer.key())
        assert response.status == status and response.code, response.body
    assert customer.balance() == 10


def test_money_goes_in_and_out_and_never_below_zero(book):
    customer = book.bettor(money='10.00')
    response = customer.withdraw('4.50')
    assert response.status == 201 and response.json['balance'] == Decimal('5.50')
    assert response.json['transaction_id'] and response.json['ledger_seq']
    response = customer.withdraw('5.51')
    assert (response.status, response.code) == (400, 'INSUFFICIENT_BALANCE')
    assert customer.withdraw('5.50').json['balance'] == 0


def test_the_first_deposit_fixes_the_currency(book):
    customer = book.bettor(money='10.00')
    customer.currency = 'EUR'
    response = customer.deposit('10.00')
    assert (response.status, response.code) == (422, 'CURRENCY_MISMATCH')
    yen = book.bettor(money='100', currency='JPY')
    assert yen.deposit('1.5').status == 400
    assert yen.balance() == 100


def test_too_many_bets_a_minute_are_429_and_use_up_no_key(tmp_path):
    """The limit is an option, and every option can be set by the environment."""
    book = make(tmp_path / 'data', profile='demo',
                environment={'OVERROUND_BETS_PER_MINUTE': '5', 'OVERROUND_ADDRESS_REQUESTS': '0'})
    try:
        market = book.market()
        customer = book.bettor()
        answers = [customer.bet(market, 11, '1', key=f'k{n}') for n in range(8)]
        assert [a.status for a in answers] == [201] * 5 + [429] * 3
        assert int(answers[-1].headers['retry-after']) >= 1 and answers[-1].code
        assert book.bettor().bet(market, 11).status == 201  # nobody else is limited
    finally:
        book.close()
