"""Every role, two processes of each, with customers who bet all the time, on markets that are calm
and on one that moves and is suspended now and then; and what must be true behind a drill: each bet
once and paid once, none on a suspended or stale price, streams and tables as the ledgers have
them, and each process has done work."""
from collections import Counter

from .bet_totals import notified, records, seen, sums, told_of, totals_of
from .crowd import CalmPunter, LivePunter, Mover, check_fresh
from .drills import say
from .every_role import SHARDS, EveryRole, name_of
from .followers import Follower, Followers
from .http import Closed
from .projector import verify, wait_projected
from .server import run
from .shards import users_of
from .until import until


class Screen(Follower):
    """Of an odds service, which shows the version that it has once more, as suspended, while its
    provider's lease is not known (docs/decisions/0011)."""

    def note(self, channel, market, version, kind):
        before = self.seen.get((channel, market), [(0, 'whole')])[-1]
        super().note(channel, market, version, 'whole' if version == before[0] else kind)


class Scene(EveryRole):
    """`lags`: --price-lag-ms of each shard; of `live` shards there are customers on the market that
    moves."""

    def __init__(self, folder, postgres, odds_store, kafka, seed, lags=(1000, 1000)):
        super().__init__(folder, postgres.url, odds_store, kafka.url, lags, kafka.count)
        self.postgres, self.kafka, self.seed, self.lags = postgres, kafka, seed, lags
        self.calm, self.mover, self.punters, self.of_shard = None, None, [], {}
        self.screens, self.followers, self.settled = [], None, set()

    # ---- the load ----

    def begin(self, calm=2, live=2, live_shards=range(SHARDS)):
        """So many customers of each kind in each shard, and a screen at each odds service."""
        for front in self.of('gateway'):
            until(front.is_ready, 60)
        self.calm = self.market()
        self.mover = Mover(self, self.market(), self.seed)
        self.screens = [Screen(service.public, [f'market:{self.mover.market}'])
                        for service in self.of('odds')]
        self.followers = Followers(self.screens)
        for shard in range(SHARDS):
            names = users_of(shard, SHARDS, 'punter')
            mine = [CalmPunter(self, next(names)) for _ in range(calm)]
            if shard in live_shards:
                mine += [LivePunter(self, next(names)) for _ in range(live)]
            self.of_shard[shard] = mine
            self.punters += mine
        for one in [self.mover, *self.punters]:
            one.start()
        self.more()

    def kill(self, name):
        super().kill(name)
        for screen, service in zip(self.screens, self.of('odds')):
            screen.address = service.public

    def more(self, count=5):
        """Until each customer has so many bets more."""
        before = {punter: len(punter.placed) for punter in self.punters}
        until(lambda: self.look() or all(len(punter.placed) >= count + before[punter] or
                                         punter.failure for punter in self.punters), 120)

    def next_market(self):
        """What was bet on is settled, while the next one is bet on."""
        before, self.calm = self.calm, self.market()
        self.settle(before)

    def settle(self, market):
        self.feed.settle(market, [11])
        self.settled.add(market)

    def end(self):
        """Everybody knows what became of his last bet, and it is settled."""
        self.mover.end()
        for punter in self.punters:
            punter.end()
        for recovery in self.recoveries:
            recovery.join(120)
            assert recovery.took is not None, f'{recovery.name} has not recovered'
        for market in (self.calm, self.mover.market):
            self.settle(market)

    # ---- and behind it ----

    def check_money(self):
        """What is settled was paid, once, and no more than what was acknowledged was taken."""
        def is_right(punter):
            try:
                return punter.balance() == punter.worth(self.settled)
            except (OSError, Closed):
                return False
        for punter in self.punters:
            until(lambda p=punter: is_right(p), 60)

    def check_so_far(self):
        """In the midst of it, while nobody waits for a verdict."""
        for punter in self.punters:
            punter.rests.clear()
            punter.pause.set()
        until(lambda: all(p.rests.is_set() or p.failure for p in self.punters), 60)
        self.next_market()
        self.check_money()
        self.check_fresh()
        for punter in self.punters:
            punter.pause.clear()

    def check_fresh(self):
        """No bet stands on a suspended or stale price; {shard: Counter of versions}."""
        return {shard: check_fresh(self.mover, self.postgres, self.database, shard,
                                   self.lags[shard]) for shard in range(SHARDS)}

    def check_screens(self):
        """Every screen has the newest, and no price fell on the way (P1)."""
        market = self.mover.market
        channel = f'market:{market}', market

        def all_have_it():
            version = self.desk.has.get(f'/v1/odds/{market}').json['odds_version']
            return all(screen.seen[channel][-1][0] == version for screen in self.screens)

        until(all_have_it)
        assert not [problem for screen in self.screens for problem in screen.problems]

    def rows(self, shard):
        return records('--ledger', self.database, '--shard', str(shard))

    def check_streams(self, tail):
        """What the ledgers have is told, once, and counted; each bet that was settled, or not
        accepted after it had waited, has its notice."""
        wanted, ended, totals = set(), set(), (0, 0, 0)
        for shard in range(SHARDS):
            rows = list(self.rows(shard))
            wanted |= told_of(rows, shard)
            ended |= {f"{shard}-{r['seq']}" for r in rows if r['type'] == 'SETTLE' or
                      r['type'] == 'RELEASE' and r['outcome'] not in ('PLACED', 'PENDING')}
            totals = tuple(map(sum, zip(totals, sums(rows))))
        until(lambda: len(tail.lines) >= len(wanted), 90)
        found = seen(list(tail.lines))
        assert found == wanted, f'never told {list(wanted - found)[:9]}, nobody\'s ' \
            f'{list(found - wanted)[:9]}'
        until(lambda: totals_of(self.folder / 'totals') == {'GBP': totals}, 90, 0.2)
        notified(self.receiver, ended)

    def all_work(self):
        """Until each member has done some since the drill began, under this load."""
        until(lambda: not self.idle() or self.next_market(), 120, 0.5)

    def check_work(self):
        """Each process has done some."""
        self.note_all()
        say(f'worked {({name: int(count) for name, count in sorted(self.work.items())})}')
        assert {name for name, count in self.work.items() if count > 0} == self.names

    def check_prices(self):
        """Of bets on the market that moves, against the odds logs of both desks, which have ended,
        and against what they showed when."""
        logs = [word for one in self.desk.both for word in ('--odds-of', one.data)]
        checked = 0
        for shard, versions in self.check_fresh().items():
            told = run('ledger', 'verify', '--ledger', self.database, '--shard', str(shard),
                       *logs).stdout
            assert 'all invariants hold' in told
            checked += int(told.split('legs_checked ')[1].split()[0])
            say(f'shard {shard}: {sum(versions.values())} bets at {len(versions)} versions of the '
                f'market that moves, which was {dict(self.mover.counts)}')
            assert len(versions) > 1 or not any(isinstance(p, LivePunter)
                                                for p in self.of_shard[shard])
        assert checked > 0

    def check_ledgers(self):
        """All have ended. What was acknowledged is settled, once; the files are as the table."""
        settled = Counter()
        for shard, pair in enumerate(self.bets):
            dump = run('ledger', 'dump', '--ledger', self.database, '--shard', str(shard)).stdout
            assert dump == run('ledger', 'dump', '--data', pair.has.data).stdout, \
                f'the copy of {name_of(pair.has)} is another log'
            settled += Counter(r['bet_id'] for r in self.rows(shard) if r['type'] == 'SETTLE')
        said = run('ledger', 'verify', '--ledger', self.database, '--shard', str(SHARDS)).stdout
        assert 'all invariants hold' in said  # of the desk's words
        assert settled == Counter(a['bet_id'] for punter in self.punters
                                  for a in punter.placed.values())
        wait_projected(self.postgres)
        assert 'is what the ledger says' in verify(self.database, '--ledger', self.database).stdout

    def refused(self):
        return sum((punter.refused for punter in self.punters), Counter())

    def close(self):
        if self.followers:
            self.followers.end()
        super().close()
