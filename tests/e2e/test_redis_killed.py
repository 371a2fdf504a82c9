"""A node of a cluster, and the master of a Redis with sentinels, are killed while prices move and
customers bet at two books: nobody bets on what has moved meanwhile (L6) or is suspended, while a
node is away only its markets refuse bets, and behind it every bet is paid once. How long it took
until all was bet on again is said."""
import contextlib
import datetime
import shutil
import time
from decimal import Decimal

import pytest
from lib.bet_service import Books
from lib.bettor import Bettor
from lib.drills import SECONDS, say, some
from lib.load import Load
from lib.redis import Cluster, Watched
from lib.server import run
from lib.until import until
from test_partitions import more, suspended
from test_partitions_redis import check_fresh, check_paid, refuses

MARKETS = 2  # of each master, at least
MADE_MAX = 60  # markets in all; that one of three masters has less: (2/3) ** 60 * 31


class Seat:
    """One of the books, as the load and what is checked behind it want to have it."""

    def __init__(self, scene, server):
        self.scene, self.server = scene, server

    def bettor(self, **named):
        return Bettor(self.server, **named)


class Scene(Books):
    """Two books, in each a load on a market of each master."""

    def __init__(self, redis, folder):
        super().__init__(redis, folder, more=((), ()))
        self.folder = folder
        self.seats = [Seat(self, service) for service in self.services]
        self.markets = self.spread()
        self.dead = redis.node_of(f'odds:{next(iter(self.markets))}')
        self.its = [market for market, node in self.markets.items() if node is self.dead]
        self.others = [market for market in self.markets if market not in self.its]
        self.stopped = self.its.pop()  # suspended meanwhile
        self.probes = [seat.bettor(money='100000.00') for seat in self.seats]
        self.loads = [Load(seat, market, customers=2, name=f'load-{n}') for seat in self.seats
                      for n, market in enumerate((self.its[0], *self.others[:1]))]

    def spread(self):
        """New ones, as many at each master as there are to be: {market: its master}."""
        masters, made = self.redis.masters(), {}
        while any(list(made.values()).count(m) < MARKETS for m in masters):
            assert len(made) < MADE_MAX
            market = self.market()
            made[market] = self.redis.node_of(f'odds:{market}')
        return made

    @contextlib.contextmanager
    def loaded(self):
        joins = [load.start(0) for load in self.loads]
        for load in self.loads:
            more(load)
        yield
        for load in self.loads:
            more(load)
        for join in joins:
            join()

    def all_bet(self, markets, seconds=60):
        for market in markets:
            for probe in self.probes:
                until(lambda m=market, p=probe: p.bet(m, 11, '1').status == 201, seconds)

    def all_refuse(self, markets):
        return all(refuses(probe, market) for market in markets for probe in self.probes)

    def move(self):
        """Every price, and one market is suspended: {market: (version, when)}."""
        for market in (*self.its, *self.others):
            self.feed.price(market, 11, 1.5)
        self.feed.define(self.stopped, status='SUSPENDED')
        shown = {market: self.shown(market)['odds_version'] for market in self.markets}
        told = datetime.datetime.now(datetime.timezone.utc)
        return {market: (version, told) for market, version in shown.items()}

    def recovered(self, begun, what):
        for market in self.markets:
            self.level(market, 'suspended' if market == self.stopped else 'active')
        self.all_bet((*self.its, *self.others))
        say(f'{what}: all prices were bet on again after {time.monotonic() - begun:.1f} s')
        for probe in self.probes:
            answer = probe.bet(self.stopped, 11, '1', odds=1.01, price_policy='any')
            assert suspended(answer), answer.body

    def check(self, moved):
        """What came of every bet, in both ledgers."""
        self.feed.define(self.stopped, status='OPEN')
        self.all_bet([self.stopped])
        for load in self.loads:
            load.retry_unanswered()
            load.check()
            check_paid(load.book, load)
        assert self.writer.server.terminate() == 0
        shutil.copytree(self.writer.server.data + '/odds', self.folder / 'copy' / 'odds')
        for seat in self.seats:
            assert seat.server.terminate() == 0
            done = run('ledger', 'verify', '--data', seat.server.data, '--odds-of',
                       str(self.folder / 'copy'))
            assert 'all invariants hold' in done.stdout, done.stdout
            check_fresh(seat, moved)


@pytest.fixture(name='begin')
def made_scene(tmp_path):
    with contextlib.ExitStack() as closing:
        def begin(redis):
            closing.callback(redis.close)
            scene = Scene(redis, tmp_path)
            closing.callback(scene.close)
            return scene
        yield begin


def while_it_is_away(scene, begun):
    """Its markets are refused at both books, and all others are bet on as they are now."""
    until(lambda: scene.all_refuse((*scene.its, scene.stopped)), 60)
    while True:
        scene.all_bet(scene.others)
        assert scene.all_refuse((*scene.its, scene.stopped))
        for load in scene.loads:
            if load.market in scene.others:
                more(load)
        if time.monotonic() - begun > SECONDS:
            break
    assert all(service.metric('overround_odds_deaf_total') == 0 for service in scene.services)
    scene.redis.keep_down(scene.dead, False)


HOW = {'a node of a cluster, kept away': (Cluster, True),
       'a node of a cluster': (Cluster, False),
       'a master with sentinels': (Watched, False)}


@pytest.mark.parametrize('how', some(HOW, list(HOW)[:1]))
def test_a_master_that_is_killed_takes_its_own_markets_along_and_no_others(begin, how):
    make_redis, stays_away = HOW[how]
    scene = begin(make_redis())
    if stays_away:
        scene.redis.keep_down(scene.dead, True)
    with scene.loaded():
        scene.dead.end()
        begun = time.monotonic()
        moved = scene.move()
        if stays_away:
            while_it_is_away(scene, begun)
        again = time.monotonic()
        scene.recovered(again, f'{how}, was killed' + (
            f'; {again - begun:.1f} s later its replica might take its place' if stays_away
            else ''))
    scene.check(moved)
