"""The disk below a ledger's PostgreSQL is slow, and stands still: bets are late, then refused, and
prices go on; none is placed at a price that has moved meanwhile (P1), each is in the table once,
and paid once, when the disk is as it was. Disks of a Kafka's brokers: test_streams_brokers.py."""
import tempfile
import time
from contextlib import nullcontext as here
from decimal import Decimal

import pytest
from lib.bet_service import LAG_MS
from lib.drills import SECONDS, say, some
from lib.postgres import Postgres
from lib.redis import Redis
from lib.server import run
from lib.slow_disk import SlowDisk
from lib.until import until
from test_partitions import STALL_MS, more, suspended
from test_partitions_redis import CLAIM_MS, Apart, check_books, check_fresh, check_paid, steady_load

STANDS_STILL = 3600


@pytest.fixture(scope='module')
def disk():
    made = SlowDisk()
    yield made
    made.close()


@pytest.fixture
def database(disk):
    made = Postgres(tempfile.mkdtemp(prefix='overround-pg-', dir='/tmp'),
                    environment=disk.environment).start()
    yield made
    disk.takes(0)
    made.close()


@pytest.fixture
def scene(database, tmp_path):
    """Prices come from another process, so they have an age."""
    redis = Redis().start()
    made = Apart(redis, tmp_path, here, here, '--ledger', database.url, '--stall-ms', STALL_MS)
    yield made
    made.close()
    redis.close()


def slower_and_slower(scene, load, disk, pace):
    """Bets are late. Prices move at another pace, and are bet on as they are."""
    for seconds in pace:
        disk.takes(seconds)
        before, begun = disk.calls, time.monotonic()
        for price in (1.6, 1.7, 1.8):
            scene.feed.price(load.market, 11, price)
            more(load, 10)
        more(load, int(20 * SECONDS))
        assert disk.calls > before
        say(f'{seconds} s a call: a bet each '
            f'{(time.monotonic() - begun) / (30 + int(20 * SECONDS)):.3f} s')
    disk.takes(0)


def stands_still(scene, load, disk, market):
    """Bets are refused; a market is suspended, and a price moves. What was told when."""
    probe = scene.bettor()
    slip = {**load.slip(Decimal('1.00')), 'market_id': market}
    disk.takes(STANDS_STILL)
    until(lambda: scene.server.metric('overround_database_away') == 1, 60)
    refused = probe.place(slip)
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED', refused.body
    told = {load.market: scene.tell(load.market), market: scene.tell(market, status='SUSPENDED')}
    for one in told:
        scene.level(one)  # prices go on
    moved = {one: (scene.version(one), when) for one, when in told.items()}
    time.sleep(max(SECONDS, 2))
    disk.takes(0)
    begun = time.monotonic()
    answer = until(lambda: (a := probe.place(slip)).status != 503 and a, 60)
    until(lambda: probe.bet(load.market, 12, '1').status == 201, 60)
    say(f'the disk stood still: bets were taken again after {time.monotonic() - begun:.1f} s')
    assert suspended(answer), answer.body
    return moved


def wait_over_meanwhile(scene, disk, probe, market, count=8):
    """Bets whose delay ends while the disk stands still, and whose price falls behind that."""
    told = [until(lambda: (a := probe.bet(market, 11, '1.00')).status == 202 and a)
            for _ in range(count)]  # refused where a price is late
    disk.takes(STANDS_STILL)
    until(lambda: scene.server.metric('overround_bets_pending') == 0, 60)  # all are decided
    scene.feed.price(market, 11, 1.5)
    scene.level(market)
    time.sleep(2 * (LAG_MS + CLAIM_MS) / 1000)
    disk.takes(0)
    return [answer.json['bet_id'] for answer in told]


def test_bets_whose_delay_ends_while_the_disk_stands_still_are_decided_again(scene, database, disk):
    _, load, join = steady_load(scene)
    live, probe = scene.worker.market(inPlay=True, betDelay=5), scene.bettor()
    scene.level(live)
    late = wait_over_meanwhile(scene, disk, probe, live)
    for bet in late:
        ended = probe.wait_bet(bet, 60, status='NOT_ACCEPTED')
        assert [event['event'] for event in ended['history']] == ['PENDING', 'PENDING',
                                                                  'NOT_ACCEPTED'], ended
        assert ended['history'][-1]['reason'] == 'ODDS_CHANGED'
    assert scene.server.metric('overround_releases_late_total') == len(late)
    until(lambda: probe.balance() == 1000, 60)
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    check_books(scene)
    assert 'all invariants hold' in run('ledger', 'verify', '--ledger', database.url).stdout


def test_a_database_on_a_slow_disk_makes_bets_late_and_none_of_them_wrong(scene, database, disk):
    market, load, join = steady_load(scene)
    slower_and_slower(scene, load, disk, some((0.005, 0.02, 0.1), (0.02,)))
    moved = stands_still(scene, load, disk, market)
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    until(lambda: scene.server.metric('overround_database_away') == 0)
    check_paid(scene, load)
    check_books(scene)
    check_fresh(scene, moved)
    assert 'all invariants hold' in run('ledger', 'verify', '--ledger', database.url).stdout
