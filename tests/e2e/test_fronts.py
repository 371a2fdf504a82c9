"""`serve --roles gateway`: what customers reach is in processes of its own, before a book in
another one, and nobody can tell: one key is one bet at whichever front, own messages find their
user, and whoever is killed, nothing acknowledged is lost and nothing is taken twice."""
import threading
import time
from decimal import Decimal

import pytest
from lib.fronts import Fronts
from lib.http import Http
from lib.load import Load
from lib.server import run
from lib.until import until
from lib.ws import BINARY, WebSocket

PROTOCOL = 'overround-bets.1'


@pytest.fixture
def fronts(own_book, tmp_path):
    made = Fronts(own_book, tmp_path)
    for front in made.fronts:
        until(front.is_ready)
    yield made
    made.close()


def asked(front):
    return front.metric('overround_link_questions_total')


def test_every_question_is_answered_at_every_front(fronts):
    market = fronts.book.market()
    one, other = (fronts.bettor(front, name='ann', money=None) for front in fronts.fronts)
    assert one.deposit('100.00').status == 201
    slip = one.slip(market, 11)
    placed = other.place(slip, 'first')
    assert placed.status == 201
    again = one.place(slip, 'first')
    assert again.status == 200 and again.json['bet_id'] == placed.json['bet_id']
    assert again.headers['idempotent-replayed'] == 'true'
    for customer in one, other:
        assert customer.balance() == 90
        assert [bet['bet_id'] for bet in customer.bets()] == [placed.json['bet_id']]
        assert customer.read(placed.json['bet_id'])['status'] == 'PLACED'
    assert one.call('GET', f'/v1/bets/{placed.json["bet_id"]}/cash-out').status == 200
    assert one.withdraw('1000.00').json['code'] == 'INSUFFICIENT_BALANCE'
    stranger = fronts.bettor(name='bob', money=None)
    assert stranger.call('GET', f'/v1/bets/{placed.json["bet_id"]}').status == 404
    until(lambda: other.call('GET', f'/v1/bets/{placed.json["bet_id"]}/proof').status == 200)
    assert fronts.server.get('/v1/ledger/head').status == 200
    assert fronts.server.get('/v1/ledger/keys').status == 200
    assert fronts.server.get('/v1/account').status == 401
    assert all(asked(front) > 0 for front in fronts.fronts)
    until(lambda: fronts.book.server.metric('overround_links_attached') == 2)


def test_own_messages_find_their_user_at_any_front(fronts):
    market = fronts.book.market()
    ann = fronts.bettor(fronts.fronts[0], name='ann')
    with WebSocket(fronts.fronts[0].public, token=ann.token) as here, \
            WebSocket(fronts.fronts[1].public, token=ann.token) as there:
        here.send({'op': 'place_bet', 'id': 'r1', 'idempotency_key': 'w1',
                   'bet': ann.slip(market, 11)})
        answer = here.wait_for(op='bet')
        assert answer['code'] == 201 and answer['id'] == 'r1'
        assert there.wait_for(op='bet_update')['balance'] == Decimal('990.00')
        fronts.feed.settle(market, {11})
        for socket in here, there:
            told = socket.wait_for(op='bet_update', bet_id=answer['bet']['bet_id'])
            assert told['status'] == 'WON' and told['balance'] == Decimal('1009.50')
        assert ann.deposit('5.00').status == 201
        for socket in here, there:
            assert socket.wait_for(op='balance')['balance'] == Decimal('1014.50')


def test_kills_of_fronts_lose_and_double_nothing(fronts):
    market = fronts.book.market()
    load = Load(fronts, market)
    for number in range(6):
        victim = fronts.fronts[number % 2]
        fronts.server = victim
        acknowledged = len(load.acknowledged)
        join = load.start(number)
        until(lambda a=acknowledged: len(load.acknowledged) > a + 20)
        victim.kill()
        join()
        fronts.server = fronts.fronts[(number + 1) % 2]
        load.retry_unanswered()
        victim.start()
        until(victim.is_ready)
    for customer in load.customers:
        customer.server = fronts.server
    load.check()
    assert fronts.book.server.metric('overround_links_sessions_total') >= 8


def test_a_book_that_is_killed_is_waited_for(fronts):
    market = fronts.book.market()
    load = Load(fronts, market)
    for number in range(4):
        acknowledged = len(load.acknowledged)
        join = load.start(number)
        until(lambda a=acknowledged: len(load.acknowledged) > a + 20)
        fronts.book.server.kill()
        until(lambda: not fronts.server.is_ready())
        refused = fronts.bettor(name='load-0', money=None).deposit('1.00', 'meanwhile')
        assert refused.status == 503 and refused.json['code'] == 'BOOK_AWAY'
        assert refused.headers['retry-after'] == '1'
        assert fronts.server.get('/healthz').status == 200
        join()
        fronts.restart_book()
        until(fronts.server.is_ready)
        load.retry_unanswered()
    load.check()
    assert fronts.server.metric('overround_link_sessions_total') >= 5
    fronts.book.server.kill()
    fronts.book.server.verify()


def test_a_way_that_swallows_is_noticed_and_the_key_tells(fronts):
    market = fronts.book.market()
    ann = fronts.bettor(name='ann')
    slip = ann.slip(market, 11)
    with WebSocket(fronts.server.public, token=ann.token) as socket:
        fronts.way.stop(silent=True)
        unknown = ann.place(slip, 'swallowed')
        assert unknown.status == 503 and unknown.json['code'] == 'ANSWER_DELAYED'
        # Own messages may have been missed: the socket is sent away to read the account again.
        assert socket.close_code() in (1001, 1012)
    fronts.way.stop()
    fronts.way.go()
    until(fronts.server.is_ready)
    assert ann.place(slip, 'swallowed').status == 201
    assert ann.balance() == 990
    assert fronts.server.metric('overround_link_unanswered_total', reason='link_ended') == 1


def test_a_front_that_ends_answers_what_is_under_way(fronts):
    market = fronts.book.market()
    load = Load(fronts, market)
    join = load.start(0)
    until(lambda: len(load.acknowledged) > 50)
    assert fronts.fronts[0].terminate() == 0
    join()
    fronts.server = fronts.fronts[1]
    load.retry_unanswered()
    for customer in load.customers:
        customer.server = fronts.server
    load.check()


def test_who_may_come_and_with_what(own_book):
    admin = own_book.server.admin
    with Http(admin) as http:
        assert http.request('GET', '/v1/link').status == 401
        assert http.request('GET', '/v1/link', token=own_book.server.token('a', 'admin')).status \
            == 403
        gateway = own_book.server.token('g', 'gateway')
        answer = http.request('GET', '/v1/link', token=gateway)
        assert answer.status == 400 and answer.json['code'] == 'LINK_PROTOCOL'
        # A gateway has no other right.
        assert http.request('GET', '/v1/admin/status', token=gateway).status == 403
        assert http.request('POST', '/v1/admin/markets/m/suspend', {'reason': 'x'},
                            token=gateway).status == 403
    before = own_book.server.metric('overround_links_bad_batches_total')
    for rubbish in b'x', bytes(64), b'\xff' * 70000:
        with WebSocket(admin, gateway, path='/v1/link',
                       headers={'Sec-WebSocket-Protocol': PROTOCOL}) as socket:
            socket.send_frame(BINARY, rubbish)
            assert socket.close_code() == 1000
    assert own_book.server.metric('overround_links_bad_batches_total') == before + 3
    assert own_book.bettor().bet(own_book.market(), 11).status == 201


@pytest.mark.parametrize('options, word', [
    (('--roles', 'gateway'), '--book'),
    (('--roles', 'gateway', '--book', 'nowhere'), '--book'),
    (('--roles', 'gateway', '--book', '127.0.0.1:1', '--token', '/nonexistent'), 'token'),
    (('--roles', 'gateway,gateway'), 'twice'),
    (('--roles', 'dealer'), 'odds-worker'),
    (('--roles', ''), '--roles'),
    (('--roles', 'bet-service'), '--odds-store'),
    (('--roles', 'settlement-worker'), 'gateway'),
])
def test_roles_that_cannot_be_run_are_refused_by_name(tmp_path, options, word):
    done = run('serve', '--data', str(tmp_path / 'data'), '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', *options, check=False)
    assert done.returncode == 2
    assert word in done.stderr


def test_many_fronts_share_one_book(own_book, tmp_path):
    """All at once, one customer at all of them: as many bets as keys."""
    made = Fronts(own_book, tmp_path, count=4)
    try:
        market = own_book.market()
        ann = made.bettor(name='ann')
        slip = ann.slip(market, 11, '1.00')
        placed, lock = [], threading.Lock()

        def race(front):
            customer = made.bettor(front, name='ann', money=None)
            for n in range(25):
                answer = customer.place(slip, f'key-{n}')
                with lock:
                    placed.append((answer.status, answer.json['bet_id']))
                time.sleep(0)

        for front in made.fronts:
            until(front.is_ready)
        threads = [threading.Thread(target=race, args=(front,)) for front in made.fronts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(placed) == 100 and {status for status, _ in placed} == {200, 201}
        assert [status for status, _ in placed].count(201) == 25
        assert len({bet for _, bet in placed}) == 25
        assert ann.balance() == 975
    finally:
        made.close()
