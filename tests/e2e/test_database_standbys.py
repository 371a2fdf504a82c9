"""A ledger in a PostgreSQL with two synchronous standbys, one of which must have what is
acknowledged: the loss of the primary loses nothing, and what no standby has is not acknowledged,
though the primary has it (L2)."""
import threading
import time

import pytest
from conftest import make
from lib.drills import SECONDS, say
from lib.load import Load
from lib.postgres import Quorum
from lib.server import run
from lib.until import until

ROUNDS = 4 if SECONDS else 1
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope='module')
def servers():
    made = Quorum()
    yield made
    made.close()


@pytest.fixture
def quorum(servers):
    servers.primary.psql('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    return servers


@pytest.fixture
def kept(quorum, tmp_path):
    made = make(tmp_path / 'data', ['--ledger', quorum.url, '--stall-ms', '500'])
    yield made
    made.close()


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def check_end(book, load, quorum):
    for customer in load.customers:
        customer.reconnect()
    load.retry_unanswered()
    load.check()
    assert book.server.terminate() == 0
    assert 'all invariants hold' in book.server.verify()
    assert 'all invariants hold' in run('ledger', 'verify', '--ledger', quorum.url).stdout


def test_primaries_are_killed_under_load_and_nothing_acknowledged_is_lost(kept, quorum):
    market = kept.market()
    load = Load(kept, market, customers=4)
    probe = kept.bettor(money='100.00')
    join = load.start(0)
    for left in reversed(range(ROUNDS)):
        more(load)
        quorum.primary.kill()
        begun = time.monotonic()
        until(lambda: kept.server.metric('overround_database_away') == 1)
        assert kept.server.get(f'/v1/odds/{market}').status == 200
        gone = quorum.fail_over()
        promoted = time.monotonic()
        until(lambda: probe.bet(market, 12, '1').status == 201, 60)
        say(f'the primary was killed: a standby was one after {promoted - begun:.1f} s, the '
            f'book took bets again {time.monotonic() - promoted:.1f} s later')
        more(load)
        if left:
            quorum.rejoin(gone)
    join()
    check_end(kept, load, quorum)


def test_what_no_standby_has_is_not_acknowledged_though_the_primary_has_it(kept, quorum):
    market = kept.market()
    load = Load(kept, market, customers=2)
    join = load.start(0)
    more(load)
    join()
    probe, waiting = kept.bettor(money='100.00'), kept.bettor(money='100.00')
    slip = waiting.slip(market, 12, '1')
    for standby in quorum.standbys:
        standby.kill()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(waiting.place(slip, 'waits')))
    asking.start()
    until(lambda: quorum.primary.number(WAITING) == 1)
    # Others are refused clearly, and prices go on.
    until(lambda: kept.server.metric('overround_database_away') == 1)
    refused = probe.bet(market, 12, '1')
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED', refused.body
    assert int(refused.headers['retry-after']) >= 1
    assert kept.server.get('/readyz').status == 503
    assert kept.server.get(f'/v1/odds/{market}').status == 200
    # The row is in the primary's log, so it is there after a crash: but there only.
    quorum.primary.kill()
    quorum.primary.start()
    until(lambda: answers or quorum.primary.number(WAITING) == 1, 60)
    assert not answers, answers[0].body
    quorum.standbys[0].start()
    asking.join(60)
    assert answers[0].status == 201, answers[0].body
    until(lambda: probe.bet(market, 12, '1').status == 201, 60)
    check_end(kept, load, quorum)
