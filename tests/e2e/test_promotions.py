"""Free bets and bonus money: granted and taken by the desk, staked, paid, and never withdrawn."""
import json
from decimal import Decimal

import pytest
from conftest import make
from lib.desk import post
from lib.http import Http
from lib.server import run
from lib.until import until


@pytest.fixture(scope='module')
def book(tmp_path_factory):
    made = make(tmp_path_factory.mktemp('book') / 'data', ['--margin-permyriad', '0'])
    yield made
    made.close()


def grant(customer, kind, amount, key=None, role='trader', **more):
    server = customer.server
    body = {'kind': kind, 'amount': Decimal(amount), 'currency': 'GBP', 'reason': 'welcome', **more}
    with Http(server.admin) as http:
        return http.request('POST', f'/v1/admin/users/{customer.name}/grants', body,
                            server.token(f'{role}-1', role),
                            {'Idempotency-Key': key} if key else {})


def given(customer, kind, amount):
    response = grant(customer, kind, amount, customer.key())
    assert response.status == 201, response.body
    return response.json


def purse(customer):
    account = customer.account()
    return tuple(account[name] for name in ('balance', 'free_bets', 'bonus'))


def settled(book, customer, bet, result):
    """Over the leg's market; the bet as it is then."""
    post(book, bet['legs'][0]['market_id'], 1, s11=result, s12='LOST', s13='LOST')
    until(lambda: customer.read(bet['bet_id'])['money'] != 'OPEN')
    return customer.read(bet['bet_id'])


def test_a_grant_is_told_once_and_shown(book):
    customer = book.bettor(money='100.00')
    told = given(customer, 'free_bet', '10.00')
    assert (told['user_id'], told['kind'], told['amount'], told['balance']) == (
        customer.name, 'free_bet', 10, 100)
    assert purse(customer) == (100, 10, 0)
    first = grant(customer, 'bonus', '5.00', 'k1')
    again = grant(customer, 'bonus', '5.00', 'k1')
    assert (first.status, again.status) == (201, 200) and again.body == first.body
    assert again.headers['idempotent-replayed'] == 'true'
    assert grant(customer, 'free_bet', '5.00', 'k1').code == 'IDEMPOTENCY_CONFLICT'
    assert purse(customer) == (100, 10, 5)


@pytest.mark.parametrize('result,pays,free', [
    ('WON', 10, 0), ('LOST', 0, 0), ('VOID', 0, 10), ('HALF_WON', 5, 0)])
def test_of_a_free_bet_the_winnings_alone_are_paid(book, result, pays, free):
    """BETTING-RULES 4.9: stake * (o - 1); a void bet gives the token back."""
    customer, market = book.bettor(money='100.00'), book.market()
    given(customer, 'free_bet', '10.00')
    bet = customer.bet(market, 11, '10.00', stake_kind='free').json  # at 2.00
    assert (bet['stake_kind'], bet['potential_return'], bet['balance']) == ('free', 10, 100)
    assert purse(customer) == (100, 0, 0)
    read = settled(book, customer, bet, result)
    assert read['payout'] == pays and purse(customer) == (100 + pays, free, 0)
    assert 'of a free bet' in read['explanation'][0]


@pytest.mark.parametrize('result,pays', [('WON', 20), ('LOST', 0), ('VOID', 10)])
def test_a_bet_of_bonus_money_is_paid_into_bonus_money(book, result, pays):
    customer, market = book.bettor(money='100.00'), book.market()
    given(customer, 'bonus', '10.00')
    bet = customer.bet(market, 11, '10.00', stake_kind='bonus').json
    assert bet['balance'] == 100 and purse(customer) == (100, 0, 0)
    assert settled(book, customer, bet, result)['payout'] == pays
    assert purse(customer) == (100, 0, pays)


def test_promotional_money_is_never_withdrawn_until_it_is_cash(book):
    customer = book.bettor(money='1.00')
    given(customer, 'free_bet', '10.00')
    given(customer, 'bonus', '10.00')
    assert customer.withdraw('1.01').code == 'INSUFFICIENT_BALANCE'
    assert customer.bet(book.market(), 11, '1.01').code == 'INSUFFICIENT_BALANCE'
    assert given(customer, 'bonus_to_cash', '4.00')['balance'] == 5
    assert customer.withdraw('5.00').status == 201
    given(customer, 'forfeit_bonus', '6.00')
    given(customer, 'forfeit_free_bet', '9.00')
    assert purse(customer) == (0, 1, 0)


def test_a_free_bet_stakes_no_more_than_its_tokens(book):
    customer = book.bettor(money='100.00')
    given(customer, 'free_bet', '10.00')
    response = customer.bet(book.market(), 11, '10.01', stake_kind='free')
    assert response.code == 'INSUFFICIENT_BALANCE' and purse(customer) == (100, 10, 0)


def test_what_the_desk_may_not_do_is_refused(book):
    customer = book.bettor(money='1.00')
    for kind in ('forfeit_bonus', 'forfeit_free_bet', 'bonus_to_cash'):
        assert grant(customer, kind, '0.01', customer.key()).code == 'INSUFFICIENT_BALANCE'
    assert grant(customer, 'bonus', '1.00', customer.key(), currency='EUR').code == (
        'CURRENCY_MISMATCH')
    assert grant(customer, 'bonus', '100000.01', customer.key()).code == 'AMOUNT_LIMIT'
    assert grant(customer, 'bonus', '1.00').code == 'IDEMPOTENCY_KEY_REQUIRED'
    assert grant(customer, 'bonus', '1.00', 'two words').code == 'IDEMPOTENCY_KEY_INVALID'
    assert grant(customer, 'bonus', '1.00', 'k', role='support').status == 403
    assert grant(customer, 'bonus', '1.00', 'k', role='bettor').status == 403
    for wrong, code in (({'kind': 'gift'}, 'INVALID_FIELD'), ({'reason': ''}, 'INVALID_FIELD'),
                        ({'reason': 'x' * 97}, 'INVALID_FIELD'), ({'more': 1}, 'UNKNOWN_FIELD'),
                        ({'amount': Decimal('0.001')}, 'AMOUNT_DIGITS'),
                        ({'amount': 0}, 'AMOUNT_NOT_POSITIVE'), ({'currency': 'X'},
                                                                 'CURRENCY_UNKNOWN')):
        response = grant(customer, wrong.pop('kind', 'bonus'), wrong.pop('amount', '1.00'), 'k',
                         **wrong) if 'kind' in wrong or 'amount' in wrong else grant(
                             customer, 'bonus', '1.00', 'k', **wrong)
        assert (response.status, response.code) == (400, code), response.body
    assert purse(customer) == (1, 0, 0)


def test_promotions_stand_apart_in_the_ledger(own_book):
    customer, market = own_book.bettor(name='ann', money='100.00'), own_book.market()
    given(customer, 'free_bet', '10.00')
    given(customer, 'bonus', '7.00')
    bet = customer.bet(market, 11, '4.00', stake_kind='free').json
    settled(own_book, customer, bet, 'LOST')
    assert own_book.server.terminate() == 0
    assert 'all invariants hold' in own_book.server.verify()
    stat = run('ledger', 'stat', '--data', own_book.server.data).stdout
    for line in ('customers_free_bets GBP 6.00', 'customers_bonus GBP 7.00',
                 'house_promo GBP -13.00', 'house_result GBP 0.00'):
        assert line in stat, stat
    lines = run('ledger', 'dump', '--data', own_book.server.data, '--user', 'ann').stdout
    assert '"kind":"grant_free_bet"' in lines and '"actor":"trader-1","reason":"welcome"' in lines


def test_what_a_correction_took_is_forgiven_and_reported(tmp_path):
    own = make(tmp_path / 'data', ['--margin-permyriad', '0', '--write-off-minor-max', '2500'])
    try:
        market = own.market()
        small, large = own.bettor(money='5.00'), own.bettor(money='20.00')
        bets = [small.bet(market, 11, '5.00').json, large.bet(market, 11, '20.00').json]
        post(own, market, 1, s11='WON', s12='LOST', s13='LOST')
        for customer, bet in zip((small, large), bets):
            until(lambda c=customer, b=bet: c.read(b['bet_id'])['status'] == 'WON')
            customer.withdraw(customer.balance())
        post(own, market, 2, s11='LOST', s12='WON', s13='LOST')
        until(lambda: large.balance() < 0)
        until(lambda: small.balance() == 0)
        owed = -large.balance()
        assert grant(large, 'write_off', owed + 1, large.key()).code == 'AMOUNT_LIMIT'
        assert given(large, 'write_off', owed)['balance'] == 0
        assert own.server.terminate() == 0
        report = run('ledger', 'report', 'adjustments', '--data', own.server.data).stdout
        told = json.loads(report, parse_float=Decimal)
        assert [row['kind'] for row in told['rows']].count('written_off') == 2
        assert told['rows'][-1]['reason'] == 'welcome' and told['rows'][-1]['amount'] == owed
        total, = told['totals']
        assert (total['currency'], total['reversed'], total['resettled']) == ('GBP', 2, 2)
        assert 'note' not in told
        none = run('ledger', 'report', 'adjustments', '--data', own.server.data, '--to', '5').stdout
        assert json.loads(none)['note'] == 'No activity'
    finally:
        own.close()


def owes(own, customer, market):
    """All that a bet won is withdrawn, and then it has lost."""
    bet = customer.bet(market, 11, customer.balance()).json
    post(own, market, 1, s11='WON', s12='LOST', s13='LOST')
    until(lambda: customer.read(bet['bet_id'])['status'] == 'WON')
    customer.withdraw(customer.balance())
    post(own, market, 2, s11='LOST', s12='WON', s13='LOST')
    until(lambda: customer.read(bet['bet_id'])['status'] == 'LOST')


def test_the_desk_lists_what_was_written_off_and_who_owes(tmp_path):
    own = make(tmp_path / 'data', ['--margin-permyriad', '0', '--write-off-minor-max', '2500'])

    def ask(query='', role='auditor'):
        with Http(own.server.admin) as http:
            return http.request('GET', '/v1/admin/adjustments' + query, None,
                                own.server.token('eve', role))

    try:
        assert ask().json == {'written_off': [], 'next_cursor': None}
        assert ask('?list=below_zero').json == {'below_zero': [], 'next_cursor': None}
        small, large, other = own.bettor(money='5.00'), own.bettor(money='20.00'), \
            own.bettor(money='3.00')
        with own.server.websocket(token=small.token) as stream:
            owes(own, small, own.market())
            pushed = [stream.wait_for(op='balance') for _ in range(2)]  # withdrawn, written off
            assert pushed[-1]['balance'] == 0
        owes(own, large, own.market())
        owes(own, other, own.market())
        until(lambda: other.balance() == 0)
        owed = -large.balance()
        assert ask('?list=below_zero').json == {'below_zero': [
            {'user_id': large.name, 'balance': -owed, 'free_bets': 0, 'bonus': 0,
             'currency': 'GBP'}], 'next_cursor': None}
        rows = ask().json['written_off']
        assert [(row['user_id'], row['of'], row['balance']) for row in rows] == [
            (other.name, 'balance', 0), (small.name, 'balance', 0)]
        assert rows[1]['ledger_seq'] == pushed[-1]['ledger_seq'] and rows[1]['amount'] > 5
        assert own.server.terminate() == 0
        own.server.start()
        oldest = ask('?cursor=' + rows[1]['ledger_seq'].split('-')[1])
        assert oldest.json == {'written_off': rows[1:], 'next_cursor': None}
        for query in '?list=all', '?cursor=x', '?cursor=1', '?cursor=999999':
            assert (ask(query).status, ask(query).code) == (400, 'INVALID_PARAMETER')
        assert ask(role='bettor').code == 'ROLE_REQUIRED'
    finally:
        own.close()
