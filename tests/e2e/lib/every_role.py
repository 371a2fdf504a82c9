"""Every role in processes of its own, two of each, on a ledger in a database, a Redis and a Kafka:
a desk apart and its spare, a bet-service for each of two shards and its spare, back-offices,
gateways, odds services, projectors, and members of each group that follows `bet-events`."""
import itertools
import shutil
import threading
import time
from collections import Counter

from .consumer import SECRET, Consumer, Receiver
from .desk_apart import ROLES
from .drills import say
from .feed import Feed
from .fronts import Front
from .http import Closed
from .odds_service import OddsService
from .offices import Office
from .ports import free_port
from .projector import Projector
from .server import Server
from .until import until

SHARDS = 2
PRICES = {11: 2.0, 12: 3.5, 13: 4.2}
# What each kind of process counts of its own work.
WORK = {'gateway': 'overround_link_questions_total', 'odds': 'overround_push_deliveries_total',
        'office': 'overround_office_questions_total',
        'projector': 'overround_projection_steps_total',
        'analytics': 'overround_totals_events_total', 'notification': 'overround_notices_total',
        'bets': 'overround_ledger_commit_seconds_count',
        'desk': 'overround_odds_store_writes_total'}


class Leased:
    """Two processes on one log: one has the lease of it, and the other waits for that. Each has
    one address for ever, so that others look for it at both."""

    def __init__(self, name, make):
        """make(its name, where its admin listener is)"""
        self.name, ports = name, [f'127.0.0.1:{free_port()}' for _ in range(2)]
        self.places = ','.join(ports)
        self.has, self.waits = (make(f'{name}-{n}', port) for n, port in enumerate(ports))

    @property
    def both(self):
        return self.has, self.waits

    def kill(self):
        """Until the one that waited has it; the one that was killed waits. Who that is."""
        gone = self.has
        gone.kill()
        self.waits.public = self.waits.wait_address('ready ')
        self.waits.admin = self.waits.wait_address('admin ')
        self.has, self.waits = self.waits, gone
        gone.spawn()
        return gone

    def hand_over(self):
        """As an administrator does: who ends gives the lease to the one that waits."""
        gone = self.has
        assert gone.terminate() == 0, gone.log_text()
        self.kill()

    def look(self):
        """Who has it by now; who has ended, as it lost it, begins again and waits."""
        for one in self.both:
            if one.process.poll() is not None:
                one.spawn()
            if any(line and line.startswith('admin ') for line in list(one.lines.queue)):
                one.public, one.admin = one.wait_address('ready '), one.wait_address('admin ')
                if one is self.waits:
                    self.has, self.waits = self.waits, self.has

    def end(self):
        """First who waits, who would go on."""
        self.waits.kill()
        return self.has.terminate()

    def close(self):
        for one in self.both:
            one.kill()


def name_of(server):
    return server.data.rpartition('/')[2]


class Recovery(threading.Thread):
    """Says when what was killed is ready again, while the drill goes on."""

    def __init__(self, name, is_ready):
        super().__init__(daemon=True)
        self.name, self.is_ready, self.took = name, is_ready, None
        self.begun = time.monotonic()

    def run(self):
        while not self.looks():
            time.sleep(0.05)
        self.took = time.monotonic() - self.begun
        say(f'{self.name}: ready again after {self.took:.1f} s')

    def looks(self):
        try:
            return self.is_ready()
        except (OSError, Closed, ValueError, AssertionError):  # killed once more
            return False


class EveryRole:
    """`lags`: --price-lag-ms of each shard; `brokers`: copies of what is in the topics."""

    def __init__(self, folder, database, odds_store, streams, lags=(1000, 1000), brokers=1):
        self.folder, self.database, self.streams = folder, database, streams
        self.odds_store, self.numbers = odds_store, itertools.count(900001)
        self.work, self.kills, self.recoveries = Counter(), Counter(), []
        self.engines = ['--shards', str(SHARDS), '--lease', 'on', '--ledger', database,
                        '--odds-store', odds_store, '--streams', streams]
        self.receiver = Receiver()
        self.desk = Leased('desk', lambda name, at: Server(
            folder / name, '--roles', ROLES, '--streams-create', str(brokers), *self.engines,
            admin_at=at))
        self.desk.has.start()
        self.copy_keys('desk-1')
        self.desk.waits.spawn()
        self.feed = Feed(self.desk.has)
        self.token = folder / 'shard.token'
        self.token.write_text(self.desk.has.token('shard', 'shard') + '\n')
        self.bets = [self.bet_service(shard, lag) for shard, lag in enumerate(lags)]
        self.members = dict(self.make_members())
        for member in self.members.values():
            until(member.is_ready, 60)

    def copy_keys(self, name):
        """All of a book's processes have the same."""
        shutil.copytree(self.folder / 'desk-0' / 'keys', self.folder / name / 'keys')

    def bet_service(self, shard, lag):
        def make(name, at):
            self.copy_keys(name)
            return Server(self.folder / name, '--roles', 'bet-service', '--shard', str(shard),
                          '--price-lag-ms', str(lag), '--desk', self.desk.places, '--desk-apart',
                          'on', '--desk-token', str(self.token), *self.engines, admin_at=at)
        pair = Leased(f'bets-{shard}', make)
        pair.has.start()
        pair.waits.spawn()
        return pair

    def make_members(self):
        secret, folder = self.folder / 'secret', self.folder
        secret.write_text(f'whsec_{SECRET}\n', encoding='ascii')
        secret.chmod(0o600)
        follow = {'analytics': ('--totals', folder / 'totals'),
                  'notification': ('--notify-webhook', self.receiver.url, '--notify-secret',
                                   secret)}
        books = [f'--book={n}={pair.places}' for n, pair in enumerate(self.bets)]
        for n in range(2):
            yield f'gateway-{n}', Front(str(folder / f'gateway-{n}'), self.desk.has, None,
                                        '--shards', str(SHARDS), *books).start()
            yield f'odds-{n}', OddsService(folder / f'odds-{n}', self.odds_store).start()
            yield f'office-{n}', Office(str(folder / f'office-{n}'), self.desk.has, None,
                                        '--book', self.desk.places).start()
            (folder / f'projector-{n}').mkdir()
            yield f'projector-{n}', Projector(str(folder / f'projector-{n}'),
                                              self.database).start()
            for name, more in follow.items():
                yield f'{name}-{n}', Consumer(folder / f'{name}-{n}', f'{name}-service',
                                              self.streams, name, *more).start()

    def of(self, kind):
        return [member for name, member in self.members.items() if name.startswith(kind)]

    @property
    def pairs(self):
        return {'desk': self.desk, **{pair.name: pair for pair in self.bets}}

    @property
    def names(self):
        """Of all processes."""
        return {*self.members, *(name_of(one) for pair in self.pairs.values()
                                 for one in pair.both)}

    # ---- what it has ----

    def market(self, event=None, **definition):
        """A new one that can be bet on in each shard; of an event of its own, so that its bets are
        told in another partition."""
        number = next(self.numbers)
        ident = f'1.{number}'
        self.feed.market(ident, PRICES, event or f'{number}', **definition)
        for pair in self.bets:
            until(lambda pair=pair: pair.has.get(f'/v1/odds/{ident}').status == 200, 60)
        return ident

    # ---- what is done to it ----

    def kill(self, name):
        """A member, which begins again at once, or who has the lease of a pair."""
        if name in self.pairs:
            self.kill_leased(self.pairs[name])
            return
        member = self.members[name]
        self.note_work(name, member)
        self.recoveries.append(Recovery(name, member.is_ready))
        member.kill()
        member.start()
        self.kills[name] += 1
        self.recoveries[-1].start()

    def kill_leased(self, pair):
        """The spare takes over on the same ledger, with files of its own."""
        self.note_work(name_of(pair.has), pair.has)
        begun = time.monotonic()
        gone = name_of(pair.kill())
        say(f'{gone}: the spare took over in {time.monotonic() - begun:.1f} s')
        self.kills[gone] += 1
        if pair is self.desk:
            self.feed_again()

    def hand_over(self):
        """All that waited have the leases then."""
        for pair in self.pairs.values():
            self.note_work(name_of(pair.has), pair.has)
            pair.hand_over()
        self.feed_again()

    def look(self):
        """Who has which lease by now."""
        for pair in self.pairs.values():
            pair.look()
        if self.feed.server is not self.desk.has:
            self.feed_again()

    def feed_again(self):
        self.feed.server = self.desk.has
        self.feed.again()

    # ---- what it did ----

    def note_work(self, name, server):
        """What a process has counted is gone with it."""
        self.work[name] += server.metric(WORK[name.split('-')[0]])

    def worked(self, name, server):
        return self.work[name] + server.metric(WORK[name.split('-')[0]])

    def idle(self):
        """Members that have done nothing yet: a group may have taken one in only now."""
        return [name for name, member in self.members.items() if self.worked(name, member) == 0]

    def working(self):
        """{name: process} of all but those that wait for a lease."""
        return {**self.members, **{name_of(pair.has): pair.has for pair in self.pairs.values()}}

    def counters(self):
        """What each has counted, and as which process; once all of them answer."""
        def ask():
            self.look()
            try:
                return {name: (one.process.pid, one.metric(WORK[name.split('-')[0]]))
                        for name, one in self.working().items()}
            except (OSError, Closed):
                return None
        return until(ask, 120)

    def still(self, before):
        """Of all that work now, those that have done nothing since then."""
        now = self.counters()
        return [name for name, (pid, count) in now.items()
                if count <= (before[name][1] if before.get(name, (0,))[0] == pid else 0)]

    def note_all(self):
        for name, one in self.working().items():
            self.note_work(name, one)

    def close(self):
        self.feed.close()
        for one in [*self.members.values(), *self.bets, self.desk]:
            (one.close if isinstance(one, Leased) else one.kill)()
        self.receiver.close()
