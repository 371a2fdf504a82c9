"""An event that two books settle at once, on one shard in one PostgreSQL: the older one stands
still between its decision and its append, the newer one takes over, and each bet is paid once
(L7)."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from decimal import Decimal

import pytest
from conftest import make
from lib.load import Load
from lib.server import run
from lib.until import until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
END_WAITING = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE wait_event_type = 'Lock'")


@pytest.fixture
def older(database, tmp_path):
    made = make(tmp_path / 'older', ['--ledger', database.url])
    yield made
    made.server.process.send_signal(signal.SIGCONT)
    made.close()


@contextlib.contextmanager
def held(database):
    """Inserts wait meanwhile."""
    with subprocess.Popen(['psql', '-X', '-q', '-d', database.url], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as session:
        session.stdin.write('BEGIN; LOCK TABLE ledger IN SHARE MODE;\n')
        session.stdin.flush()
        until(lambda: database.number("SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' "
                                      "AND relation = 'ledger'::regclass AND granted") == 1)
        yield
        session.stdin.close()


def take_over(older, database, folder):
    """A newer book on the same shard, with the same feed."""
    shutil.copytree(os.path.join(older.server.data, 'keys'), folder / 'keys')
    newer = make(folder, ['--ledger', database.url])
    newer.feed.markets = older.feed.markets
    newer.feed.clock = older.feed.clock
    newer.feed.again()
    return newer


def settlements(database):
    """{bet: how often it was settled}, by the log in the table."""
    lines = run('ledger', 'dump', '--ledger', database.url).stdout.splitlines()
    return Counter(record['bet_id'] for record in map(json.loads, lines)
                   if record['type'] == 'SETTLE')


def use(load, book):
    load.book = book
    for customer in load.customers:
        customer.server = book.server
        customer.reconnect()


def wait_paid(load):
    """All bets won: each customer has what that comes to, no more and no less."""
    for customer in load.customers:
        mine = [a for (c, _), a in load.acknowledged.items() if c is customer]
        won = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, w=won: c.balance() == 100000 + w, 60)


@pytest.mark.parametrize('stands', [True, False])
def test_a_settlement_that_is_taken_over_in_its_middle_pays_once(older, database, tmp_path, stands):
    """The append of the older one reaches the database while nobody there knows of it, or not."""
    first, second, live = (older.market(event=name) for name in ('9001', '9001', '9002'))
    load = Load(older, first, customers=4)
    for market in first, second:
        load.market, before = market, len(load.acknowledged)
        join = load.start(market)
        until(lambda n=before: len(load.acknowledged) > n + 300, 60)
        join()
    older.feed.settle(first, [11])
    until(lambda: settlements(database))
    bets = {answer['bet_id'] for answer in load.acknowledged.values()}
    with held(database):
        settling = threading.Thread(target=older.feed.settle, args=(second, [11]))
        settling.start()
        until(lambda: database.number(WAITING) == 1)
        older.server.process.send_signal(signal.SIGSTOP)
        assert 0 < len(settlements(database)) < len(bets), 'it is not in its middle'
        if not stands:
            database.psql(END_WAITING)
    until(lambda: database.number(WAITING) == 0)
    newer = take_over(older, database, tmp_path / 'newer')
    try:
        for market in first, second:
            newer.feed.settle(market, [11])
        use(load, newer)
        wait_paid(load)
        older.server.process.send_signal(signal.SIGCONT)
        settling.join()
        until(lambda: older.server.metric('overround_database_answers_total', kind='moved') == 1)
        refused = older.bettor(money=None).deposit('1.00')
        assert refused.status == 503, refused.body
        assert newer.bettor(money='5.00').bet(live, 11, '1').status == 201
        wait_paid(load)
        assert newer.server.terminate() == 0
        assert settlements(database) == Counter(bets)
        assert 'all invariants hold' in run('ledger', 'verify', '--ledger', database.url).stdout
    finally:
        newer.close()
