"""A ledger in a PostgreSQL with two synchronous standbys, one of which must have what is
acknowledged: the loss of the primary loses nothing, and what no standby has is not acknowledged,
though the primary has it (L2). Nor is it while replication goes elsewhere than it should."""
import shutil
import tempfile
import threading
import time

import pytest
from conftest import make
from lib.drills import SECONDS, say
from lib.load import Load
from lib.postgres import Postgres, Quorum
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
    servers.mend()
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


# ---- replication that goes elsewhere than it should ----

@pytest.fixture
def stranger():
    """A server of its own folder, started as it is named."""
    made = []

    def begin(**named):
        made.append(Postgres(tempfile.mkdtemp(prefix='overround-pg-x-', dir='/tmp'), **named))
        return made[-1].start()
    yield begin
    for one in made:
        one.close()


def streaming(quorum):
    return quorum.primary.number("SELECT count(*) FROM pg_stat_replication "
                                 "WHERE state = 'streaming'")


class Waiting:
    """A bet that is asked for, and what came of it."""

    def __init__(self, customer, slip):
        self.answers = []
        self.thread = threading.Thread(
            target=lambda: self.answers.append(customer.place(slip, 'waits')))
        self.thread.start()

    def end(self):
        self.thread.join(60)
        assert self.answers[0].status == 201, self.answers[0].body


def check_refused(kept, market, probe):
    """A bet is refused clearly; prices go on."""
    until(lambda: kept.server.metric('overround_database_away') == 1)
    refused = probe.bet(market, 12, '1')
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED', refused.body
    assert kept.server.get('/readyz').status == 503
    assert kept.server.get(f'/v1/odds/{market}').status == 200


def begin(kept):
    """A load that has had some bets taken and has ended, and a customer with a bet in mind."""
    market = kept.market()
    load = Load(kept, market, customers=2)
    join = load.start(0)
    more(load)
    join()
    customer = kept.bettor(money='100.00')
    return market, load, kept.bettor(money='100.00'), (customer, customer.slip(market, 12, '1'))


def test_a_server_of_another_name_is_nobodys_second_copy(kept, quorum, stranger):
    market, load, probe, wish = begin(kept)
    other = stranger(standby_of=quorum.primary, name='x')
    until(lambda: streaming(quorum) == 3)
    for standby in quorum.standbys:
        standby.kill()
    until(lambda: streaming(quorum) == 1)
    rows = quorum.primary.number('SELECT count(*) FROM ledger')
    waiting = Waiting(*wish)
    until(lambda: quorum.primary.number(WAITING) == 1)
    check_refused(kept, market, probe)
    assert not waiting.answers  # the stranger streams, and counts for nothing
    assert quorum.primary.number('SELECT count(*) FROM ledger') == rows
    for standby in quorum.standbys:
        standby.start()
    waiting.end()
    until(lambda: other.number('SELECT count(*) FROM ledger') > rows)
    check_end(kept, load, quorum)


def test_standbys_that_follow_a_wrong_primary_are_missed_at_once(kept, quorum, stranger):
    market, load, probe, wish = begin(kept)
    wrong = stranger(name='a')  # of somebody else's book
    for standby in quorum.standbys:
        standby.follow(wrong)
    until(lambda: streaming(quorum) == 0)
    waiting = Waiting(*wish)
    until(lambda: quorum.primary.number(WAITING) == 1)
    check_refused(kept, market, probe)
    for standby in quorum.standbys:
        until(lambda s=standby: 'identifier differs' in s.log())
    assert not waiting.answers
    for standby in quorum.standbys:
        standby.follow(quorum.primary)
    waiting.end()
    for standby in quorum.standbys:
        quorum.wait_counted(standby)
    check_end(kept, load, quorum)


def test_a_standby_that_lacks_what_was_acknowledged_is_not_written_to(kept, quorum):
    market, load, probe, _ = begin(kept)
    behind, level = quorum.standbys
    behind.end()
    had = quorum.primary.number('SELECT max(batch_no) FROM ledger')
    join = load.start(1)
    more(load)  # all of it is on the other one
    join()
    quorum.primary.kill()
    level.kill()
    behind.spawn().wait()
    behind.psql('SELECT pg_promote(true, 60)')
    # Alone it would acknowledge nothing. It gets a standby, so nothing but the rows speaks for it.
    right, quorum.primary = quorum.primary, behind
    quorum.standbys.clear()
    shutil.rmtree(f'{level.folder}/data')
    quorum.add_standby(level.name)
    try:
        assert behind.number('SELECT max(batch_no) FROM ledger') == had
        refused = probe.bet(market, 12, '1')
        assert refused.status == 503, refused.body
        until(lambda: 'lacks what an earlier one had' in kept.server.log_text())
        assert probe.bet(market, 12, '1').status == 503
        assert behind.number('SELECT max(batch_no) FROM ledger') == had
        assert kept.server.get('/readyz').status == 503
        # Nor is it begun with: the copy has more.
        kept.server.kill()
        kept.server.spawn()
        assert kept.server.process.wait(60) != 0
        assert behind.number('SELECT max(batch_no) FROM ledger') == had
    finally:  # the one that has all of it
        for server in quorum.standbys[0], behind:
            server.end()
            shutil.rmtree(f'{server.folder}/data')
        quorum.primary = right.spawn()
        quorum.standbys.clear()
        until(right.answers, 60)
        for server in level, behind:
            quorum.add_standby(server.name)
    kept.server.start()
    kept.feed.again()
    probe.reconnect()
    until(lambda: probe.bet(market, 12, '1').status == 201)
    check_end(kept, load, quorum)
