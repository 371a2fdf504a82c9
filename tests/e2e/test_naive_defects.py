"""What is wrong with V0, shown: each of these tests expects the defect that the architecture of the
book is there to end. None of them is to be mended."""
import signal
from decimal import Decimal

import pytest
from lib.naive import Customer, Holder, NaiveBook
from lib.until import until


@pytest.fixture(scope='module')
def naive(tmp_path_factory):
    """Shared: what a test breaks is whole again at its end."""
    made = NaiveBook(tmp_path_factory.mktemp('naive') / 'data', '--bets-per-minute', '0',
                     '--pool-connections', '4', '--pool-wait-ms', '300', '--requests-max', '64')
    yield made
    made.close()


def crash(naive, holder, customers):
    """The process dies while the database holds a statement of it back, which dies too."""
    naive.server.kill()
    naive.postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE wait_event_type = 'Lock'")
    until(lambda: naive.blocked() == 0)
    holder.end()
    naive.server.start()
    until(lambda: naive.server.get('/readyz').status == 200)
    for customer in customers:
        customer.reconnect()


def test_a_retry_places_the_bet_twice(naive):
    """V0-41: the key is there, and nobody looks at it."""
    market, customer = naive.market(), Customer(naive)
    slip = customer.slip(market, stake='30.00')
    slip['idempotency_key'] = 'one-and-the-same'
    first, again = (customer.call('POST', '/bets', slip, Idempotency_Key='one-and-the-same')
                    for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.json['bet_id'] != again.json['bet_id']
    assert naive.count(market, 'PLACED') == 2 and naive.money(customer) == Decimal('40.00')


def test_who_excludes_himself_bets_on_until_the_next_login(naive):
    """V0-11."""
    market, customer = naive.market(), Customer(naive)
    login = customer.call('POST', '/login')
    assert login.status == 201
    customer.token = login.json['token']
    assert customer.call('POST', '/account/exclusion').status == 200
    assert customer.bet(market).status == 201
    again = customer.call('POST', '/login')
    assert (again.status, again.code) == (403, 'SELF_EXCLUDED')
    assert customer.bet(market).status == 201


def test_bets_at_once_spend_the_same_money(naive):
    """The balance is compared in the session before anything is locked."""
    market, customer = naive.market(), Customer(naive, money='100.00')
    slip = customer.slip(market, stake='100.00')
    assert customer.balance() == Decimal('100.00')
    holder = Holder(naive.postgres, f"SELECT 1 FROM odds WHERE market_id = '{market}' FOR UPDATE")
    for _ in range(4):
        customer.http.begin('POST', '/bets', slip, customer.token)
    until(lambda: naive.blocked() == 4)  # all are under way at once
    holder.end()
    answers = [customer.http.response('POST') for _ in range(4)]
    assert sum(a.status == 201 for a in answers) > 1
    assert naive.money(customer) < 0


def test_a_session_cache_that_comes_back_older_is_believed(naive):
    """Two stores say what a customer has, and the one that is asked is the copy."""
    market, customer = naive.market(), Customer(naive, money='100.00')
    slip = customer.slip(market, stake='100.00')
    naive.redis.cli('save')
    assert customer.call('POST', '/bets', slip).status == 201
    assert customer.balance() == naive.money(customer) == 0
    naive.redis.end()
    naive.redis.start()  # with what it had saved
    until(lambda: naive.server.metric('overround_naive_session_up') == 1)
    until(lambda: customer.balance() == Decimal('100.00'))
    assert customer.call('POST', '/bets', slip).status == 201
    assert naive.money(customer) == Decimal('-100.00')


def test_a_crash_in_settlement_leaves_some_paid_and_others_not(naive):
    """V0-6, V0-26, as they are without a checkpoint: nobody goes on, and who was in its hands is
    never paid, not even when a person triggers it again."""
    market = naive.market('2.00')
    customers = [Customer(naive, money='10.00') for _ in range(3)]
    bets = [c.bet(market, stake='10.00').json['bet_id'] for c in customers]
    holder = Holder(naive.postgres, "SELECT 1 FROM accounts WHERE user_id = "
                           f"'{customers[1].name}' FOR UPDATE")
    naive.say(naive.result(market))
    until(lambda: naive.count(market, 'WON') == 1 and naive.blocked() == 1)
    crash(naive, holder, customers)
    assert [c.status(b) for c, b in zip(customers, bets)] == ['SETTLED', 'WON', 'PLACED']
    row = {k: v for k, v in naive.result(market).items() if k != 'op'}
    assert naive.server.desk('/v1/admin/events/e/results', {'markets': [row]}).status == 202
    until(lambda: customers[2].status(bets[2]) == 'SETTLED')
    assert customers[1].status(bets[1]) == 'WON'
    assert [naive.money(c) for c in customers] == [20, 0, 20]


def test_a_result_that_waits_is_gone_with_the_process(naive):
    market, customer = naive.market(), Customer(naive)
    bet = customer.bet(market).json['bet_id']
    holder = Holder(naive.postgres, f"SELECT 1 FROM odds WHERE market_id = '{market}' FOR UPDATE")
    naive.say(naive.result(market))
    until(lambda: naive.blocked() == 1)
    crash(naive, holder, [customer])
    assert customer.status(bet) == 'PLACED' and naive.shown(market)['status'] == 'active'


def test_without_the_database_nothing_is_left(naive):
    """V0-23: no price, no bet; and it comes back by itself."""
    market, customer = naive.market(), Customer(naive)
    slip = customer.slip(market)
    naive.postgres.end(signal.SIGQUIT)
    until(lambda: naive.server.get('/readyz').status == 503)
    assert naive.server.get(f'/odds/{market}').code == 'DATABASE_UNAVAILABLE'
    assert customer.call('POST', '/bets', slip).status == 503
    naive.postgres.start()
    until(lambda: naive.server.get('/readyz').status == 200)
    assert customer.call('POST', '/bets', slip).status == 201


def test_bets_that_wait_for_a_lock_take_the_prices_of_all_others(naive):
    """V0-25: the pool is one, so who holds it stops everybody: 503 for other markets' odds too."""
    market, other, customer = naive.market(), naive.market(), Customer(naive)
    slip = customer.slip(market, stake='1.00')
    holder = Holder(naive.postgres, f"SELECT 1 FROM odds WHERE market_id = '{market}' FOR UPDATE")
    for _ in range(4):
        customer.http.begin('POST', '/bets', slip, customer.token)
    until(lambda: naive.blocked() == 4)
    assert naive.server.metric('overround_naive_pool_used_ratio') == 1
    assert naive.server.get(f'/odds/{other}').code == 'DATABASE_UNAVAILABLE'
    assert naive.server.metric('overround_limit_reached_total',
                               limit='naive_pool_wait_us_max') >= 1
    holder.end()
    assert [customer.http.response('POST').status for _ in range(4)] == [201] * 4
    assert naive.server.get(f'/odds/{other}').status == 200


def test_prices_of_a_feed_that_died_are_bet_on(naive):
    """No lease: what was said last stands for ever."""
    market, customer = naive.market(), Customer(naive)
    naive.postgres.psql("UPDATE odds SET updated_at = now() - interval '1 hour'")
    assert customer.bet(market).status == 201
