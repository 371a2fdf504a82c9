"""What stands beside V0, the naive book: deploy/naive-jobs flags who bets too fast, forgets who
asks for it and whose bets are old, and fills the sessions after a deployment."""
import os
import subprocess
from decimal import Decimal

import pytest
from lib.naive import Customer, NaiveBook
from lib.server import ROOT
from lib.until import until


@pytest.fixture(scope='module')
def naive(tmp_path_factory):
    made = NaiveBook(tmp_path_factory.mktemp('naive') / 'data', '--bets-per-minute', '0')
    yield made
    made.close()


def job(naive, name, *words, **variables):
    """(exit status, what it printed)"""
    environment = {**os.environ, 'OVERROUND_DATABASE': naive.postgres.url,
                   'OVERROUND_REDIS': f'127.0.0.1:{naive.redis.port}',
                   **{f'OVERROUND_{key}': str(value) for key, value in variables.items()}}
    done = subprocess.run([os.path.join(ROOT, 'deploy', 'naive-jobs', name), *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment, check=False)
    return done.returncode, done.stdout.split() or done.stderr


def placed(naive, customer, seconds_ago, now='now'):
    """A bet, as if it had been placed then."""
    bet = customer.bet(naive.market(), stake='1.00').json['bet_id']
    naive.postgres.psql(f"UPDATE bets SET created_at = timestamptz '{now}' - "
                        f"interval '{seconds_ago} seconds' WHERE bet_id = '{bet}'")
    return bet


def test_who_bets_faster_than_a_human_is_flagged_once(naive):
    quick, slow = Customer(naive), Customer(naive)
    now = naive.postgres.psql('SELECT now()').stdout.strip()
    for at in (100.0, 99.6, 99.2):
        placed(naive, quick, at, now)
    for at in (100.0, 99.6, 98.9):
        placed(naive, slow, at, now)
    assert job(naive, 'velocity') == (0, [quick.name])
    assert job(naive, 'velocity') == (0, '')
    assert job(naive, 'velocity', SECONDS=2) == (0, [slow.name])
    assert quick.bet(naive.market()).status == 201  # flagged, and no more


def test_who_asks_for_it_is_forgotten_and_the_bets_are_kept(naive):
    customer, other = Customer(naive, money='10.00'), Customer(naive)
    market = naive.market()
    bet = customer.bet(market, 'away', '10.00').json['bet_id']
    others = other.bet(market, 'away', '10.00').json['bet_id']
    assert job(naive, 'forget', customer.name)[0] == 1  # the bet is open
    naive.say(naive.result(market))
    until(lambda: customer.status(bet) == 'LOST' and other.status(others) == 'LOST')
    assert job(naive, 'forget', other.name)[0] == 1  # there is money
    assert job(naive, 'forget', 'nobody')[0] == 1
    assert job(naive, 'forget', customer.name) == (0, '')
    for table in ('bets', 'accounts', 'account_flags'):
        exists = naive.postgres.psql(f"SELECT to_regclass('{table}') IS NOT NULL").stdout.strip()
        assert exists == 'f' or naive.postgres.number(
            f"SELECT count(*) FROM {table} WHERE user_id = '{customer.name}'") == 0
    assert naive.session(customer) == ''
    assert naive.count(market, 'LOST') == 2
    assert naive.postgres.number(
        f"SELECT count(*) FROM bets WHERE user_id LIKE 'forgotten-%' AND bet_id = '{bet}'") == 1
    assert other.status(others) == 'LOST'  # as it was


def test_after_so_many_days_a_bet_is_nobodys(naive):
    customer, market = Customer(naive), naive.market()
    bets = [customer.bet(market, 'away', '1.00').json['bet_id'] for _ in range(2)]
    naive.say(naive.result(market))
    until(lambda: naive.count(market, 'LOST') == 2)
    open_bet = placed(naive, customer, 400 * 86400)
    naive.postgres.psql("UPDATE bets SET created_at = now() - interval '91 days' "
                        f"WHERE bet_id = '{bets[0]}'")
    assert job(naive, 'retention', '90') == (0, ['1'])
    assert job(naive, 'retention', '90') == (0, ['0'])
    assert customer.call('GET', f'/bets/{bets[0]}').status == 404
    assert customer.status(bets[1]) == 'LOST' and customer.status(open_bet) == 'PLACED'


def test_sessions_are_there_after_a_deployment_that_emptied_them(naive):
    customers = [Customer(naive, 'a"quoted"%s'), Customer(naive, r"\it's"), Customer(naive)]
    for customer in customers:
        assert customer.bet(naive.market()).status == 201
    away = Customer(naive)
    naive.redis.cli('flushall')
    naive.redis.cli('set', f'session:{customers[2].name}', '1.23')  # newer than the deployment
    assert job(naive, 'warm') == (0, '')
    misses = naive.server.metric('overround_naive_sessions_total', outcome='miss')
    assert [c.balance() for c in customers] == [Decimal('90.00'), Decimal('90.00'), Decimal('1.23')]
    assert naive.server.metric('overround_naive_sessions_total', outcome='miss') == misses
    assert 43000 < int(naive.redis.cli('ttl', r"session:\it's")) <= 43200
    assert away.balance() == Decimal('100.00')  # did not bet: from the database
    assert naive.server.metric('overround_naive_sessions_total', outcome='miss') == misses + 1
