"""A bet is decided, and its record is not in the log yet: whoever decided it, or what the log is
written to, stands still. Meanwhile its market is suspended, by a trader or by the feed, or its
price moves, and all hear of it. When that goes on, the bet does not stand: it is decided once more
(L6), in two shards at once, one with its log in PostgreSQL and one in files. A book that makes its
prices itself has one order for both: there it stands, before what came later."""
import datetime
import json
import shutil
import signal
import subprocess
import threading
import time
from contextlib import ExitStack

import pytest
from conftest import make
from lib.bet_service import LAG_MS
from lib.bettor import Bettor
from lib.desk_apart import DeskApart
from lib.drills import say
from lib.redis import Redis
from lib.server import run
from lib.shards import users_of
from lib.slow_disk import SlowDisk
from lib.until import until
from test_partitions_redis import placed

MEANWHILE = ('a price', 'the feed', 'the desk')
CAUSES = {'the feed': 'feed', 'the desk': 'trader'}  # of their fences
STANDS_STILL = 3600
NO_STALL = '--stall-ms', '60000'


def in_background(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    return thread, answers


def decided(service):
    """How many bets it has decided, durable or not."""
    return service.metric('overround_bets_total')


class Table:
    """A log in PostgreSQL, the table of which is locked: the bet waits within its insert."""

    def __init__(self, postgres):
        self.postgres, self.held = postgres, None
        self.options, self.environment = ('--ledger', postgres.url), {}

    def hold(self, _apart, _shard):
        # pylint: disable=consider-using-with
        self.held = subprocess.Popen(['psql', '-X', '-q', '-d', self.postgres.url], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.held.stdin.write('BEGIN; LOCK TABLE ledger IN SHARE MODE;\n')
        self.held.stdin.flush()
        until(lambda: self.postgres.number(
            "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted "
            "AND relation = 'ledger'::regclass"))

    def is_asked(self):
        return self.postgres.number(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def go_on(self):
        self.held.communicate('COMMIT;\n')

    def check_first(self):
        pass


class Files:
    """A log in files, whose disk has another bet and does not answer: the bet waits behind it."""

    def __init__(self, disk):
        self.disk, self.options, self.environment = disk, (), disk.environment
        self.first = None

    def hold(self, apart, shard):
        other, service = apart.market(), apart.services[shard]
        until(lambda: apart.bet(shard, other) == 'placed')
        slip = apart.customers[shard].slip(other, 11, '1.00')
        before = decided(service)
        self.disk.takes(STANDS_STILL)
        self.first = in_background(lambda: apart.customers[shard].place(slip))
        until(lambda: decided(service) > before)

    def is_asked(self):
        return True

    def go_on(self):
        self.disk.takes(0)

    def check_first(self):
        thread, answers = self.first
        thread.join()
        assert answers[0].status in (201, 202, 409), answers[0].body


@pytest.fixture
def disk():
    made = SlowDisk()
    yield made
    made.close()


class Scene:
    """Shard 0 in files, shard 1 in PostgreSQL, their desk and its feed apart."""

    def __init__(self, redis, folder, disk, postgres):
        self.logs = [Files(disk), Table(postgres)]
        self.apart = DeskApart(redis, folder, more={n: (*log.options, *NO_STALL)
                                                    for n, log in enumerate(self.logs)},
                               environments={n: log.environment
                                             for n, log in enumerate(self.logs)})
        self.names = [users_of(n, 2, 'late') for n in range(2)]
        self.begun = {}  # market -> when its bets on their way were asked for

    def pause(self, stopped):
        for service in self.apart.services:
            service.process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def tell(self, market, what):
        """Until all may know of it."""
        if what == 'a price':
            self.apart.feed.price(market, 11, 1.5)
        elif what == 'the feed':
            self.apart.feed.define(market, status='SUSPENDED')
        else:
            said = self.apart.say(f'markets/{market}/suspend')['shards']
            assert said == {'have_it': 0, 'away': [0, 1]}
        version = self.apart.shown(market)['odds_version']
        until(lambda: (self.apart.redis.value(f'odds:{market}') or {}).get('odds_version') ==
              version)

    def take_back(self, market, what):
        if what == 'the feed':
            self.apart.feed.define(market, status='OPEN')
        elif what == 'the desk':
            until(self.apart.granted)
            self.apart.say(f'markets/{market}/resume')

    def on_their_way(self, market):
        """A bet in each shard, decided, and its log does not have it."""
        bettors = [Bettor(service, next(names))
                   for service, names in zip(self.apart.services, self.names)]
        slips = [bettor.slip(market, 11, '1.00') for bettor in bettors]
        keys = [bettor.key() for bettor in bettors]
        for shard, log in enumerate(self.logs):
            log.hold(self.apart, shard)
        self.begun[market] = datetime.datetime.now(datetime.timezone.utc)
        before = [decided(service) for service in self.apart.services]
        asked = [in_background(lambda b=b, s=s, k=k: b.place(s, k))
                 for b, s, k in zip(bettors, slips, keys)]
        for service, log, count in zip(self.apart.services, self.logs, before):
            until(lambda s=service, c=count: decided(s) == c + 1)
            until(log.is_asked)
        return list(zip(bettors, slips, keys, asked))

    def stands_still(self, what, stopped):
        """False: on a busy machine a price was too old before it was bet on, and what waited was a
        refusal."""
        market = self.apart.market()
        self.apart.bets(market)
        bets = self.on_their_way(market)
        late = [s.metric('overround_bets_late_total') for s in self.apart.services]
        if stopped:
            self.pause(True)
        self.tell(market, what)
        time.sleep(1.1 * LAG_MS / 1000)  # only then must it not be written any more
        assert all(thread.is_alive() for _, _, _, (thread, _) in bets), 'told before it was written'
        for log in self.logs:
            log.go_on()
        self.pause(False)
        begun = time.monotonic()
        for log in self.logs:
            log.check_first()
        for bet in bets:
            check_refused(what, *bet)
        say(f'{what}, while {"all" if stopped else "the log"} stood still: both bets were refused '
            f'{time.monotonic() - begun:.1f} s behind it')
        were_late = all(service.metric('overround_bets_late_total') > count
                        for service, count in zip(self.apart.services, late))
        self.take_back(market, what)
        self.apart.all_bet(market)  # the book goes on
        return were_late

    def check_logs(self):
        self.apart.verify()
        shutil.copytree(self.apart.desk.server.data + '/odds', self.apart.folder / 'copy' / 'odds')
        for service in self.apart.services:
            of = service.ledger_options()
            audit = run('ledger', 'verify', *of, '--odds-of', str(self.apart.folder / 'copy'))
            assert 'all invariants hold' in audit.stdout and 'legs_checked 0' not in audit.stdout
            first = {}  # the version of each market that was bet on before
            rows = list(placed(run('ledger', 'dump', *of).stdout))
            for when, market, version in rows:
                if market in self.begun and when <= self.begun[market]:
                    first[market] = version
            assert set(first) == set(self.begun)
            assert not [row for row in rows if first.get(row[1]) == row[2] and
                        row[0] > self.begun[row[1]]], rows

    def close(self):
        for log in self.logs:
            if isinstance(log, Files):
                log.disk.takes(0)
        self.pause(False)
        self.apart.close()


def reason(answer):
    return answer.json.get('reason') or answer.json.get('code')


# pylint: disable-next=too-many-arguments
def check_refused(what, bettor, slip, key, asked):
    """By what its shard knows when it goes on: the newest, or not yet any price."""
    thread, answers = asked
    thread.join()
    assert answers[0].status in (202, 409), answers[0].body  # never 201: it was not placed
    if answers[0].status == 202:
        bettor.wait_bet(answers[0].json['bet_id'], status='NOT_ACCEPTED')
    again = bettor.place(slip, key)
    wanted = ('MARKET_SUSPENDED', 'ODDS_CHANGED')[:2 if what == 'a price' else 1]
    assert reason(again) in wanted, again.body
    assert bettor.balance() == 1000


@pytest.mark.parametrize('what', MEANWHILE)
def test_a_bet_that_was_decided_before_it_does_not_stand_behind_it(tmp_path, disk, database, what):
    with ExitStack() as closing:
        scene = Scene(Redis().start(), tmp_path, disk, database)
        closing.callback(scene.close)
        for stopped in (False, True):
            until(lambda s=stopped: scene.stands_still(what, s), 120)
        scene.check_logs()


def test_where_prices_are_made_it_stands_before_what_came_later(tmp_path, disk):
    book = make(tmp_path / 'data', NO_STALL, environment=disk.environment)
    try:
        came = {what: while_the_disk_stands_still(book, disk, what) for what in MEANWHILE}
        assert book.server.terminate() == 0
        audit = run('ledger', 'verify', '--data', book.server.data, '--odds-of', book.server.data)
        assert 'all invariants hold' in audit.stdout
        records = [json.loads(line) for line in
                   run('ledger', 'dump', '--data', book.server.data).stdout.splitlines()]
        for what, (market, bet, version) in came.items():
            at = [r for r in records if r.get('bet_id') == bet]
            assert [(r['type'], r['outcome']) for r in at] == [('BET', 'PLACED')]
            assert at[0]['legs'][0]['odds_version'] == version
            behind = [r['cause'] for r in records
                      if r['type'] == 'FENCE' and r['seq'] > at[0]['seq'] and
                      any(of['market_id'] == market for of in r['markets'])]
            if what != 'a price':
                assert CAUSES[what] in behind, (at, behind)
    finally:
        disk.takes(0)
        book.close()


def while_the_disk_stands_still(book, disk, what):
    """(market, bet, the version that it took)"""
    market, bettor = book.market(), book.bettor()
    slip = bettor.slip(market, 11, '1.00')
    before = decided(book.server)
    disk.takes(STANDS_STILL)
    bet, answers = in_background(lambda: bettor.place(slip))
    until(lambda: decided(book.server) > before)
    said, told = in_background(lambda: {
        'a price': lambda: book.feed.price(market, 11, 1.5),
        'the feed': lambda: book.feed.define(market, status='SUSPENDED'),
        'the desk': lambda: book.server.desk(f'/v1/admin/markets/{market}/suspend',
                                             {'reason': 'x'})}[what]())
    until(lambda: book.server.get(f'/v1/odds/{market}').json['odds_version'] >
          slip['odds_version'])  # all see it
    assert bet.is_alive() and (what != 'the desk' or said.is_alive()), 'L2'
    disk.takes(0)
    bet.join()
    said.join()
    assert told, 'it was taken'
    assert answers[0].status == 201, answers[0].body
    assert reason(bettor.place(slip)) == ('ODDS_CHANGED' if what == 'a price'
                                          else 'MARKET_SUSPENDED')
    assert bettor.balance() == 999
    return market, answers[0].json['bet_id'], slip['odds_version']
