"""A hot range of keys: all bets of one shard, one customer and one market, in a database that holds
another shard as well. Nobody else is refused anything for it, nothing is lost, and a group of bets
is one row, however hot it is (docs/LEDGER.md, "The log in a database")."""
import threading

import pytest
from conftest import make
from lib.drills import SECONDS, say
from lib.load import Load
from lib.server import run
from lib.shards import Shards, users_of
from lib.until import until

HOT, COLD = 0, 1
BETS = 3000 if SECONDS else 300
ANSWERS = 'overround_database_answers_total'
ROWS = 'SELECT count(*) FROM ledger WHERE seq_last >= seq_first AND shard = '
NONE = {'lost': 0, 'moved': 0, 'full': 0}
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


class OfShard:
    """The book of a shard, whose customers are that shard's."""

    def __init__(self, book, shard, prefix):
        self.book, self.server = book, book.server
        self.names = users_of(shard, 2, prefix)

    def bettor(self, **named):
        return self.book.bettor(**{**named, 'name': next(self.names)})


def crowd(shards, shard, market, prefix, customers):
    return Load(OfShard(shards.books[shard], shard, prefix), market, customers)


def start(load, connections):
    """Each customer at so many connections at once."""
    joins = [load.start(number) for number in range(connections)]
    return lambda: [join() for join in joins]


def more(load, count):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) >= before + count, 240)


@pytest.fixture
def shards(database, tmp_path):
    made = Shards(make, tmp_path, 2, ['--ledger', database.url, '--stall-ms', '4000'])
    yield made
    made.close()


def refusals(load):
    return {key: answer.body for key, answer in load.refused.items()}


def troubles(shards, shard):
    """Not of kind `again`: one of two shards that are on the same page of the index yet may be
    refused so (40001), and is tried again."""
    server = shards.books[shard].server
    return {kind: server.metric(ANSWERS, kind=kind) for kind in ('lost', 'moved', 'full')}


def check_end(shards, loads, url):
    for load in loads:
        load.retry_unanswered()
        load.check()
    for book in shards.books:
        assert book.server.terminate() == 0
    for shard in HOT, COLD:
        told = run('ledger', 'verify', '--ledger', url, '--shard', str(shard)).stdout
        assert 'all invariants hold' in told, told


def test_one_customer_and_one_market_take_nothing_from_others(shards, database):
    hot_market, other_market = shards.market('1.7', {11: 1.95, 12: 2.05}), shards.market(
        '1.8', {11: 1.95, 12: 2.05})
    hot = crowd(shards, HOT, hot_market, 'hot', customers=1)
    beside = crowd(shards, HOT, other_market, 'beside', customers=2)
    away = crowd(shards, COLD, other_market, 'away', customers=2)
    joins = start(hot, 24), start(beside, 1), start(away, 1)
    more(hot, BETS)
    for load in beside, away:  # they go on in the midst of it
        more(load, 20)
    for join in joins:
        join()
    for load in hot, beside, away:
        assert not refusals(load)
    assert troubles(shards, HOT) == troubles(shards, COLD) == NONE
    bets = len(hot.acknowledged) + len(beside.acknowledged)
    rows = database.number(ROWS + str(HOT))
    assert rows < bets  # the range grows by groups
    assert database.number('SELECT count(DISTINCT prefix) FROM ledger') == 2
    say(f'hot: {bets} bets in {rows} rows, beside {len(away.acknowledged)} of the other shard in '
        f'{database.number(ROWS + str(COLD))}')
    check_end(shards, [hot, beside, away], database.url)


def test_a_range_that_is_held_stops_its_shard_and_no_other(shards, database):
    market = shards.market('1.7', {11: 1.95, 12: 2.05})
    hot, away = (crowd(shards, shard, market, f'h{shard}', customers=2) for shard in (HOT, COLD))
    probe = OfShard(shards.books[HOT], HOT, 'probe').bettor(money='10.00')
    joins = start(hot, 2), start(away, 2)
    more(hot, 50)
    holder = Holder(database, HOT)
    until(lambda: shards.books[HOT].server.metric('overround_database_away') == 1)
    more(away, 100)
    assert shards.books[COLD].server.metric('overround_database_away') == 0
    refused = probe.bet(market, 12, '1')
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED', refused.body
    assert shards.books[HOT].server.get(f'/v1/odds/{market}').status == 200
    until(lambda: database.number(WAITING) == 1)
    holder.end()
    until(lambda: probe.bet(market, 12, '1').status == 201)
    more(hot, 50)
    for join in joins:
        join()
    assert not refusals(away)
    assert troubles(shards, COLD) == NONE
    check_end(shards, [hot, away], database.url)


class Holder:
    """A transaction that holds the lock which a trigger asks of each row of that shard."""

    def __init__(self, database, shard):
        self.database = database
        database.psql(
            'CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
            f'IF NEW.shard = {shard} THEN PERFORM pg_advisory_xact_lock(77); END IF; '
            'RETURN NEW; END $$; CREATE TRIGGER hold BEFORE INSERT ON ledger FOR EACH ROW '
            'EXECUTE FUNCTION hold()')
        self.thread = threading.Thread(target=database.psql, args=(
            "SELECT pg_advisory_lock(77); SELECT pg_sleep(600)", False))
        self.thread.start()

    def end(self):
        self.database.psql("SELECT pg_terminate_backend(pid) FROM pg_locks "
                           "WHERE locktype = 'advisory' AND granted AND objid = 77")
        self.thread.join(60)
        assert not self.thread.is_alive()
