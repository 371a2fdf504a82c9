"""One key, one verdict, for ever: on every transport, after every restart, in any race."""
import threading
from decimal import Decimal

import pytest


@pytest.fixture(scope='module')
def market(book):
    return book.market()


def test_the_same_key_and_bet_again_is_a_replay(book, market):
    customer = book.bettor()
    slip = customer.slip(market, 11)
    first = customer.place(slip, 'k')
    assert 'idempotent-replayed' not in first.headers
    replayed = book.server.metric('overround_bets_replayed_total')
    for _ in range(3):
        again = customer.place(slip, 'k')
        assert again.status == 200 and again.headers['idempotent-replayed'] == 'true'
        assert again.json == first.json
    assert customer.balance() == 990
    assert book.server.metric('overround_bets_replayed_total') == replayed + 3


def test_the_balance_in_a_replay_is_that_of_its_record(book, market):
    customer = book.bettor()
    slip = customer.slip(market, 11)
    customer.place(slip, 'k')
    customer.bet(market, 11, '100.00')
    assert customer.place(slip, 'k').json['balance'] == 990


def test_the_same_bet_means_decoded_and_not_the_same_bytes(book, market):
    customer = book.bettor()
    first = customer.call('POST', '/v1/bets', f'{{"market_id":"{market}","selection_id":"11",'
                          '"odds":1.5,"stake":10,"currency":"GBP"}', 'k')
    assert first.status == 201
    again = customer.call('POST', '/v1/bets', ' { "currency" : "GBP", "stake": 10.00, "odds":1.50,'
                          f'"selection_id":"\\u0031\\u0031","market_id":"{market}",'
                          '"price_policy":"better","type":"single"}', 'k')
    assert again.status == 200 and again.json['bet_id'] == first.json['bet_id']


@pytest.mark.parametrize('change', [
    {'stake': Decimal('10.01')}, {'selection_id': '12'}, {'odds': Decimal('1.01')},
    {'price_policy': 'any'}, {'market_id': '1.5'}, {'currency': 'EUR'}])
def test_the_same_key_for_another_bet_is_a_conflict(book, market, change):
    customer = book.bettor()
    slip = customer.slip(market, 11)
    assert customer.place(slip, 'k').status == 201
    response = customer.place({**slip, **change}, 'k')
    assert (response.status, response.code) == (409, 'IDEMPOTENCY_CONFLICT')
    assert customer.place(slip, 'k').status == 200
    assert customer.balance() == 990


def test_a_key_belongs_to_its_user_and_operation(book, market):
    first, second = book.bettor(), book.bettor()
    assert first.bet(market, 11, key='same').status == 201
    assert second.bet(market, 11, key='same').status == 201
    assert first.deposit('5.00', 'same').status == 201
    assert first.withdraw('5.00', 'same').status == 201
    assert first.balance() == 990


def test_refusals_are_kept_too(book, market):
    customer = book.bettor(money='5.00')
    slip = customer.slip(market, 11, '10.00')
    first = customer.place(slip, 'k')
    assert first.code == 'INSUFFICIENT_BALANCE'
    customer.deposit('100.00')
    again = customer.place(slip, 'k')
    assert (again.status, again.code) == (400, 'INSUFFICIENT_BALANCE')
    assert again.headers['idempotent-replayed'] == 'true'
    assert customer.balance() == 105


def test_money_movements_are_idempotent_too(book):
    customer = book.bettor(money=None)
    for move, total in (('deposit', 50), ('withdraw', 40)):
        call = getattr(customer, move)
        first = call('50.00' if move == 'deposit' else '10.00', move)
        again = call('50.00' if move == 'deposit' else '10.00', move)
        assert (first.status, again.status) == (201, 200)
        assert again.json == first.json and customer.balance() == total
        other = call('7.00', move)
        assert (other.status, other.code) == (409, 'IDEMPOTENCY_CONFLICT')


def test_a_key_used_over_the_socket_is_used_over_http_and_back(book, market):
    customer = book.bettor()
    slip = customer.slip(market, 11)
    with book.server.websocket(token=customer.token) as socket:
        first = socket.place('r1', 'ws', slip)
        assert (first['code'], first['replayed']) == (201, False)
        again = customer.place(slip, 'ws')
        assert again.status == 200 and again.json['bet_id'] == first['bet']['bet_id']
        over_http = customer.place(slip, 'http')
        answer = socket.place('r2', 'http', slip)
        assert answer['code'] == 200 and answer['replayed'] is True
        assert answer['bet']['bet_id'] == over_http.json['bet_id']
        conflict = socket.place('r3', 'http', {**slip, 'stake': 11})
        assert conflict['code'] == 409 and 'IDEMPOTENCY_CONFLICT' in str(conflict)
    assert customer.balance() == 980


def test_a_duplicate_waits_for_the_first(book, market):
    """Fifty copies at once, pipelined on ten connections: one bet."""
    customer = book.bettor()
    slip = customer.slip(market, 11)
    connections = [book.server.http() for _ in range(10)]
    for http in connections:
        for _ in range(5):
            http.begin('POST', '/v1/bets', slip, customer.token, {'Idempotency-Key': 'race'})
    answers = [http.response() for http in connections for _ in range(5)]
    assert sorted(a.status for a in answers) == [200] * 49 + [201]
    assert len({a.json['bet_id'] for a in answers}) == 1
    assert customer.balance() == 990 and len(customer.bets()) == 1


def test_two_bets_that_race_for_the_same_money_do_not_both_win(book, market):
    customer = book.bettor(money='10.00')
    slip = customer.slip(market, 11)
    answers, start = [], threading.Barrier(8)

    def bet(number):
        with book.server.http() as http:
            start.wait()
            answers.append(http.request('POST', '/v1/bets', slip, customer.token,
                                        {'Idempotency-Key': f'r{number}'}))

    threads = [threading.Thread(target=bet, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status for a in answers) == [201] + [400] * 7
    assert customer.balance() == 0


def test_a_pending_bet_is_replayed_as_pending_and_then_as_decided(book):
    market = book.market(inPlay=True, betDelay=5)
    customer = book.bettor()
    slip = customer.slip(market, 11)
    first = customer.place(slip, 'k')
    again = customer.place(slip, 'k')
    assert first.status == again.status == 202
    assert again.json['bet_id'] == first.json['bet_id']
    customer.wait_bet(first.json['bet_id'], status='PLACED')
    final = customer.place(slip, 'k')
    assert final.status == 200 and final.headers['idempotent-replayed'] == 'true'
    assert final.json['status'] == 'PLACED' and final.json['bet_id'] == first.json['bet_id']


@pytest.mark.parametrize('how', ['kill', 'terminate'])
def test_verdicts_outlive_the_server(own_book, how):
    """Placed, refused and moved, each asked again after a restart, over the other transport."""
    market = own_book.market()
    customer = own_book.bettor(money='20.00')
    placed = customer.slip(market, 11, '15.00')
    refused = customer.slip(market, 11, '6.00')
    first = customer.place(placed, 'placed')
    assert customer.place(refused, 'refused').code == 'INSUFFICIENT_BALANCE'
    deposit = customer.deposit('100.00', 'money')
    getattr(own_book.server, how)()
    own_book.server.start()
    customer.reconnect()
    again = customer.place(placed, 'placed')
    assert again.status == 200 and again.json == first.json
    with own_book.server.websocket(token=customer.token) as socket:
        assert socket.place('r1', 'placed', placed)['bet']['bet_id'] == first.json['bet_id']
        answer = socket.place('r2', 'refused', refused)
        assert answer['code'] == 400 and answer['replayed'] is True
    assert customer.place(refused, 'refused').code == 'INSUFFICIENT_BALANCE'
    assert customer.deposit('100.00', 'money').json == deposit.json
    assert customer.place({**placed, 'stake': 1}, 'placed').code == 'IDEMPOTENCY_CONFLICT'
    assert customer.balance() == 105 and len(customer.bets()) == 1
