"""Every role in processes of its own, two of each, killed at random while customers bet, prices
move and markets are settled: a desk apart and its spare, a bet-service and its spare, on one
PostgreSQL, of which one has the lease; two gateways, two odds services behind a Redis, two
projectors, two members of each group that follows a Kafka; and a disk that is slow. Behind it:
each bet once and paid once, the tables as the ledger has them, streams
without a gap, prices that never fell, wallets with an order that explains every answer. By
counters, each process did work. DRILL_SECONDS, DRILL_SEED: how long, and which."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest
from conftest import MARKETS, PRICES
from lib.bet_totals import moved, notified, totals_by_ledger, totals_of
from lib.consumer import SECRET, Consumer, Receiver
from lib.desk_apart import ROLES
from lib.drills import SECONDS, say
from lib.feed import Feed
from lib.followers import Follower, Followers
from lib.fronts import Fronts
from lib.http import Closed, Http
from lib.kafka import Kafka
from lib.load import Load
from lib.projector import Projector, verify, wait_projected
from lib.redis import Redis
from lib.server import ROOT, Server, run
from lib.standby import Proxy
from lib.strace import SYNCS, Strace
from lib.until import until
from test_odds_service import OddsService
from test_streams import expected, seen

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'foreign'))
from wallet_history import CLIENTS, Client, Customer  # noqa: E402

SEED = os.environ.get('DRILL_SEED') or '1'
WALLETS, PUNTERS = 3, 4
PAUSE_SECONDS_MAX = 0.6
SLOW_DISK = 'delay_enter=50000'
PRICE_LAG_MS = 10000  # so that no slow disk makes a bet wait whose stake is then given back
# What each kind of process counts of its own work.
WORK = {'gateway': 'overround_link_questions_total', 'odds': 'overround_push_deliveries_total',
        'projector': 'overround_projection_steps_total',
        'analytics': 'overround_totals_events_total', 'notification': 'overround_notices_total',
        'bets': 'overround_ledger_commit_seconds_count',
        'desk': 'overround_odds_store_writes_total'}


class Punters(Load):
    """Customers who ask again with the same key, at any front, until they have a verdict."""

    def bet_until_broken(self, customer, stop, number):
        while not stop.is_set():
            key = f'{customer.name}-{number}-{random.randrange(10 ** 12)}'
            self.sent[customer, key] = self.slip(Decimal(random.randrange(1, 100)) / 100)
            while not self.has_verdict(customer, key):
                time.sleep(0.02)

    def has_verdict(self, customer, key):
        try:
            with Http(random.choice(self.book.fronts).public, timeout=20) as http:
                status = self.one(customer, key, http)
        except (OSError, Closed, ValueError):
            return False
        if status not in (200, 201, 503):  # of a market that is settled, or known to nobody
            assert self.refused[customer, key].code in ('MARKET_SUSPENDED', 'MARKET_CLOSED')
            del self.sent[customer, key]
        return status != 503


class Screen(Follower):
    """Of an odds service, which shows the version that it has once more, as suspended, while its
    provider's lease is not known (docs/decisions/0011)."""

    def note(self, channel, market, version, kind):
        before = self.seen.get((channel, market), [(0, 'whole')])[-1]
        super().note(channel, market, version, 'whole' if version == before[0] else kind)


class Leased:
    """Two processes on one ledger: one has the lease of it, and the other waits for that."""

    def __init__(self, *both):
        self.has, self.waits = both
        self.has.start()

    def kill(self):
        """Until the one that waited has it; the one that was killed waits."""
        gone = self.has
        gone.kill()
        self.waits.public = self.waits.wait_address('ready ')
        self.waits.admin = self.waits.wait_address('admin ')
        self.has, self.waits = self.waits, gone
        gone.spawn()
        return gone

    def end(self):
        """First who waits, who would go on."""
        self.waits.kill()
        return self.has.terminate()

    def close(self):
        self.has.kill()
        self.waits.kill()


class Apart:
    """What tests call a book: feeds and prices are a desk's, accounts and bets a bet-service's."""

    def __init__(self, folder, *engines):
        self.folder, self.engines = folder, ['--lease', 'on', *engines]
        self.desk = Leased(*(Server(folder / f'desk-{n}', '--roles', ROLES, *self.engines)
                             for n in range(2)))
        self.keys('desk-1')
        self.desk.waits.spawn()
        self.feed, self.way = Feed(self.desk.has), Proxy(self.desk.has.admin)
        self.token = folder / 'shard.token'
        self.token.write_text(self.desk.has.token('shard-0', 'shard') + '\n')
        self.bets = Leased(*(self.bet_service(f'bets-{n}') for n in range(2)))
        self.bets.waits.spawn()

    def keys(self, name):
        shutil.copytree(self.folder / 'desk-0' / 'keys', self.folder / name / 'keys')

    def bet_service(self, name):
        self.keys(name)
        return Server(self.folder / name, '--roles', 'bet-service', '--price-lag-ms',
                      str(PRICE_LAG_MS), '--desk', '%s:%d' % self.way.address, '--desk-apart', 'on',
                      '--desk-token', str(self.token), *self.engines)

    @property
    def server(self):
        return self.bets.has

    def market(self, **definition):
        """A new one that can be bet on."""
        ident = f'1.{900000 + next(MARKETS)}'
        self.feed.market(ident, PRICES, **definition)
        until(lambda: self.server.get(f'/v1/odds/{ident}').status == 200, 60)
        return ident

    def kill(self, name):
        if name == 'bets':
            return self.bets.kill()
        gone = self.desk.kill()
        self.way.target = self.desk.has.admin
        self.feed.server = self.desk.has
        self.feed.again()
        return gone

    def close(self):
        self.feed.close()
        self.bets.close()
        self.desk.close()
        self.way.close()


class Scene:
    """All of them, and what was done to whom."""

    def __init__(self, database, redis, kafka, folder):
        self.database, self.kafka, self.folder, self.seed = database, kafka, folder, SEED
        self.dice, self.stop = random.Random(SEED), threading.Event()
        self.kills, self.work, self.slow_disks, self.markets = Counter(), Counter(), 0, []
        self.book = Apart(folder, '--ledger', database.url, '--odds-store', redis.url, '--streams',
                          kafka.url, '--streams-create', '1')
        self.live, self.calm = self.open_market(), self.open_market()
        self.fronts = Fronts(self.book, folder)
        self.receiver = Receiver()
        self.members = dict(self.make_members(redis))
        self.follow()

    def make_members(self, redis):
        secret = self.folder / 'secret'
        secret.write_text(f'whsec_{SECRET}\n', encoding='ascii')
        secret.chmod(0o600)
        follow = {'analytics': ('--totals', self.folder / 'totals'),
                  'notification': ('--notify-webhook', self.receiver.url, '--notify-secret',
                                   secret)}
        for n in range(2):
            yield f'gateway-{n}', self.fronts.fronts[n]
            yield f'odds-{n}', OddsService(self.folder / f'odds-{n}', redis.url).start()
            folder = self.folder / f'projector-{n}'
            folder.mkdir()
            yield f'projector-{n}', Projector(str(folder), self.database.url).start()
            for name, more in follow.items():
                yield f'{name}-{n}', Consumer(self.folder / f'{name}-{n}', f'{name}-service',
                                              self.kafka.url, name, *more).start()

    def follow(self):
        """A customer's screen at each odds service."""
        services = [self.members[f'odds-{n}'] for n in range(2)]
        for service in services:
            until(service.is_ready, 60)
        self.screens = [Screen(service.public, [f'market:{self.live}']) for service in services]
        self.followers = Followers(self.screens)

    def open_market(self):
        """Of an event of its own, so that its bets are told in another partition."""
        return self.book.market(event=f'90{len(self.book.feed.markets)}')

    def note_work(self, name, server):
        self.work[name] += server.metric(WORK[name.split('-')[0]])

    def all_worked(self):
        """A group may have taken a member in only now."""
        return all(self.work[name] + member.metric(WORK[name.split('-')[0]]) > 0
                   for name, member in self.members.items())

    def kill_leased(self, name):
        """The spare takes over on the same ledger, with files of its own."""
        self.note_leased(name)
        begun = time.monotonic()
        gone = self.book.kill(name)
        for front in self.fronts.fronts:
            front.book = self.book.server
        self.fronts.way.target = self.book.server.admin
        say(f'{name}: the spare took over in {time.monotonic() - begun:.1f} s')
        self.kills[os.path.basename(gone.data)] += 1

    def note_leased(self, name):
        server = getattr(self.book, name).has
        self.note_work(os.path.basename(server.data), server)

    def kill(self, name):
        if name in ('desk', 'bets'):
            self.kill_leased(name)
            return
        member = self.members[name]
        self.note_work(name, member)
        member.kill()
        member.start()
        if name.startswith('odds'):
            self.screens[int(name[-1])].address = member.public
        self.kills[name] += 1

    def slow_disk(self):
        """The bet-service's, for a while."""
        with Strace(self.book.server, SYNCS, SLOW_DISK):
            time.sleep(PAUSE_SECONDS_MAX)
        self.slow_disks += 1

    def harm(self, what):
        self.book.feed.price(self.live, 11, self.dice.choice([2.0, 2.5, 3.0, 3.5]))
        if what == 'disk':
            self.slow_disk()
        else:
            self.kill(what)

    def next_market(self):
        """What was bet on is settled, while the next one is bet on."""
        before = self.punters.market
        self.punters.market = self.open_market()
        self.markets.append(before)
        self.book.feed.settle(before, [11])

    def slip(self, amount):
        return {'market_id': self.calm, 'selection_id': '11', 'odds': Decimal('1.01'),
                'stake': Decimal(amount) / 100, 'currency': 'GBP'}

    def wallets(self):
        for n in range(WALLETS):
            name = f'wallet-{n}'
            customer = Customer(name, self.book.server.token(name))
            yield from (Client(self, customer, c) for c in range(CLIENTS))

    def run(self, seconds):
        for front in self.fronts.fronts:
            until(front.is_ready, 60)
        self.punters = Punters(self.fronts, self.open_market(), PUNTERS)
        self.clients = list(self.wallets())
        for client in self.clients[::CLIENTS]:
            client.one('deposit', 'first', 5000)
        join, end = self.punters.start(0), time.monotonic() + seconds
        for client in self.clients:
            client.start()
        everybody = [*self.members, 'desk', 'desk', 'bets', 'bets', 'disk']
        todo = self.dice.sample(everybody, len(everybody))  # each once, and then whoever
        while todo or time.monotonic() < end:
            time.sleep(self.dice.random() * PAUSE_SECONDS_MAX)
            self.harm(todo.pop() if todo else self.dice.choice(everybody))
            if self.dice.random() < 0.3:
                self.next_market()
        until(lambda: self.all_worked() or self.next_market(), 120, 0.5)
        join()
        self.stop.set()
        for client in self.clients:
            client.join()
        for front in self.fronts.fronts:
            until(front.is_ready, 60)
        self.next_market()

    def close(self):
        self.followers.end()
        for member in self.members.values():
            member.kill()
        self.fronts.close()
        self.book.close()
        self.receiver.close()


def check_money(scene):
    """Each bet of the punters won, once."""
    for customer in scene.punters.customers:
        customer.server = scene.fronts.fronts[0]
        customer.reconnect()
        mine = [a for (c, _), a in scene.punters.acknowledged.items() if c is customer]
        won = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, w=won: c.balance() == 100000 + w, 60)
    missing = set(scene.punters.sent) - set(scene.punters.acknowledged)
    assert not missing, f'never answered: {missing}'


def check_prices(scene):
    """Every screen has the newest, and no price fell on the way (P1)."""
    version = scene.book.desk.has.get(f'/v1/odds/{scene.live}').json['odds_version']
    channel = f'market:{scene.live}', scene.live
    until(lambda: all(screen.seen[channel][-1][0] == version for screen in scene.screens), 60)
    assert not [problem for screen in scene.screens for problem in screen.problems]


def check_streams(scene, tail):
    """What its topic lacks when a process ends is told by the next one."""
    server = scene.book.server
    wanted, totals = expected(server), totals_by_ledger(server)
    settled = {seq for seq, kind in moved(server) if kind == 'SETTLE'}
    server.start()
    until(lambda: seen(list(tail.lines)) >= wanted, 90)
    assert seen(list(tail.lines)) == wanted
    until(lambda: totals_of(scene.folder / 'totals') == totals, 90, 0.2)
    notified(scene.receiver, settled)
    assert server.terminate() == 0


def check_ledger(scene):
    server, url = scene.book.server, scene.database.url
    for shard in ('0', '1'):  # the second: what the desk said
        assert 'all invariants hold' in run('ledger', 'verify', '--ledger', url, '--shard',
                                            shard).stdout
    dump = run('ledger', 'dump', '--ledger', url, '--shard', '0').stdout
    assert dump == run('ledger', 'dump', '--data', server.data).stdout, 'the copy is another log'
    records = [json.loads(line) for line in dump.splitlines()]
    settled = Counter(r['bet_id'] for r in records if r['type'] == 'SETTLE')
    assert settled == Counter(a['bet_id'] for a in scene.punters.acknowledged.values())
    wait_projected(scene.database)
    assert 'is what the ledger says' in verify(url, '--ledger', url).stdout


def check_work(scene):
    for name, member in scene.members.items():
        scene.note_work(name, member)
    for name in ('desk', 'bets'):
        scene.note_leased(name)
    say(f'killed {dict(scene.kills)}, slow disks {scene.slow_disks}')
    work = {name: int(count) for name, count in scene.work.items()}
    say(f'worked {work}')
    everybody = {*scene.members, 'desk-0', 'desk-1', 'bets-0', 'bets-1'}
    assert set(scene.kills) == everybody and scene.slow_disks > 0
    assert {name for name, count in scene.work.items() if count > 0} == everybody


@pytest.fixture(scope='module')
def redis():
    made = Redis().start()
    yield made
    made.close()


@pytest.fixture(scope='module')
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture(scope='module')
def history(tmp_path_factory):
    """What the wallets' customers asked and were answered, a request a line."""
    return tmp_path_factory.mktemp('history') / 'wallets'


def test_every_role_is_killed_and_nothing_is_lost_doubled_or_paid_twice(database, redis, kafka,
                                                                       history, tmp_path):
    scene = Scene(database, redis, kafka, tmp_path)
    try:
        with kafka.tail('bet-events') as tail:
            scene.run(SECONDS)
            check_money(scene)
            check_prices(scene)
            check_work(scene)
            assert scene.book.bets.end() == 0
            check_streams(scene, tail)
            assert scene.book.desk.end() == 0
            check_ledger(scene)
        with open(history, 'w', encoding='utf-8') as file:
            for client in scene.clients:
                file.writelines(json.dumps(row) + '\n' for row in client.requests)
    finally:
        scene.close()


def test_the_wallets_are_linearizable(history):
    build = os.path.join(ROOT, 'build')
    made = subprocess.run([os.path.join(ROOT, 'tests', 'foreign', 'build-porcupine'), build],
                          stderr=subprocess.PIPE, check=False)
    if made.returncode == 75:
        pytest.skip('no Go here, or its registry is out of reach')
    with open(history, 'rb') as file:
        done = subprocess.run([os.path.join(build, 'foreign', 'porcupine')], stdin=file, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
