"""A wire between who makes prices, or who bets at them, and a Redis with sentinels, and a cluster's
nodes; cut in one direction and in both, beside those that keep their Redis and in the midst of it,
so that each side has a master of its own. Nobody bets on a price that has moved elsewhere (P1, P2)
or on a market that is suspended there; behind it all is as if nothing had been, and every bet is
paid once."""
import contextlib
import datetime
import json
import shutil
import time
from decimal import Decimal

import pytest
from conftest import make
from lib import netns
from lib.bet_service import LAG_MS, BetService
from lib.bettor import Bettor
from lib.desk import post
from lib.drills import SECONDS, say, some
from lib.load import Load
from lib.redis import Cluster, Watched
from lib.server import run
from lib.until import until
from test_partitions import CUTS, more, suspended

KINDS = {'sentinels': Watched, 'cluster': Cluster}
WHO = ('odds-worker', 'bet-service')
# A claim's way is known only as what it took longer than the quickest (docs/decisions/0014).
CLAIM_MS = 250
MARKETS = 6  # so that a cluster's nodes have some each


@pytest.fixture(scope='module')
def wire():
    try:
        with netns.link() as made:
            yield made
    except netns.Unavailable as error:
        pytest.skip(f'no network namespaces can be made here: {error}')


@pytest.fixture
def cut(wire):
    """Cuts it in that way."""
    yield lambda how: wire.lose(**CUTS[how])
    wire.lose()


def ends(wire):
    """(host, side) of the wire's two ends, as the servers of Redis want it."""
    return (wire.server_address, wire.server_side), (wire.client_address, wire.client_side)


@pytest.fixture(scope='module')
def there(wire):
    """A Redis of each kind at the client's end, made when it is asked for."""
    made = {}
    yield lambda kind: made.get(kind) or made.setdefault(kind, KINDS[kind](rest=ends(wire)[1]))
    for one in made.values():
        one.close()


@pytest.fixture
def midst(wire):
    """A Redis of that kind, one master of which is at the server's end."""
    with contextlib.ExitStack() as closing:
        def begin(kind):
            first, rest = ends(wire)
            one = KINDS[kind](first=first, rest=rest)
            closing.callback(one.close)
            return one
        yield begin


class Apart:
    """Who makes prices and who bets at them, each at its own end; whoever bets is the `server`
    of a load."""

    def __init__(self, redis, folder, worker_side, bets_side, *options):
        self.worker_side, self.bets_side = worker_side, bets_side
        with worker_side():
            self.worker = make(folder / 'worker', ['--odds-store', redis.url])
        with bets_side():
            self.server = BetService(folder / 'bets', redis.url, *options).start()
            until(self.server.is_ready, 60)
        self.feed, self.folder = self.worker.feed, folder

    def bettor(self, **named):
        return Bettor(self.server, **named)

    def market(self):
        with self.worker_side():
            market = self.worker.market()
        self.level(market)
        return market

    def level(self, market):
        """Who bets shows the newest version of who makes them."""
        def same():
            made = self.version(market)
            with self.bets_side():
                return made if self.server.shown(market).get('odds_version') == made else 0
        return until(same)

    def tell(self, market, **definition):
        """The feed's word: a price that moves, or a definition. When it had been taken."""
        with self.worker_side():
            if definition:
                self.feed.define(market, **definition)
            else:
                self.feed.price(market, 11, 1.5)
        return datetime.datetime.now(datetime.timezone.utc)

    def version(self, market):
        with self.worker_side():
            return self.worker.server.get(f'/v1/odds/{market}').json['odds_version']

    def close(self):
        self.server.kill()
        with self.worker_side():
            self.worker.close()


@pytest.fixture
def apart(tmp_path):
    with contextlib.ExitStack() as closing:
        def begin(redis, worker_side, bets_side):
            one = Apart(redis, tmp_path, worker_side, bets_side)
            closing.callback(one.close)
            return one
        yield begin


def placed(dump):
    """(when, market, version) of each leg of a bet that was taken, by the ledger."""
    for record in map(json.loads, dump.splitlines()):
        if record['type'] in ('BET', 'RELEASE') and record['outcome'] == 'PLACED':
            when = datetime.datetime.fromisoformat(record['time'].replace('Z', '+00:00'))
            yield from ((when, leg['market_id'], leg['odds_version']) for leg in record['legs'])


def check_fresh(scene, moved):
    """No bet at what was no longer so, `moved`: {market: (first version, when)}."""
    last = datetime.timedelta(milliseconds=LAG_MS + CLAIM_MS)
    rows = list(placed(run('ledger', 'dump', '--data', scene.server.data).stdout))
    old = [(when, market) for when, market, version in rows if version < moved[market][0]]
    assert 0 < len(old) < len(rows), 'bets before and behind'
    late = [(when, market) for when, market in old if when > moved[market][1] + last]
    assert not late, f'{late[:3]}: {moved}'


def check_books(scene):
    """Each price that a bet was taken at is one of who made it."""
    with scene.worker_side():
        assert scene.worker.server.terminate() == 0
    assert scene.server.terminate() == 0
    shutil.copytree(scene.worker.server.data + '/odds', scene.folder / 'copy' / 'odds')
    done = run('ledger', 'verify', '--data', scene.server.data, '--odds-of',
               str(scene.folder / 'copy'))
    assert 'all invariants hold' in done.stdout, done.stdout


def check_paid(scene, load):
    """Once each, when the desk says who has won."""
    post(scene, load.market, 1, s11='WON', s12='LOST', s13='LOST')
    for customer in load.customers:
        mine = [a for (c, _), a in load.acknowledged.items() if c is customer]
        won = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, w=won: c.balance() == 100000 + w, 60)


def steady_load(scene):
    """(a market that nobody bets on, a load on another one, what ends it)"""
    market, load = scene.market(), Load(scene, scene.market(), customers=3)
    join = load.start(0)
    more(load)
    return market, load, join


def cut_off(scene, wire, cut, how, settled=lambda: True):
    """Prices move and a market is suspended while the wire is cut under load, at least until what
    is left of Redis has `settled`."""
    with scene.bets_side():
        stopped, load, join = steady_load(scene)
        markets = [load.market, *(scene.market() for _ in range(MARKETS - 1))]
        slip, probe = {**load.slip(Decimal('1.00')), 'market_id': stopped}, scene.bettor()
        cut(how)
        begun = time.monotonic()
        told = {market: scene.tell(market) for market in markets}
        told[stopped] = scene.tell(stopped, status='SUSPENDED')
        until(lambda: all(refuses(probe, market) for market in told), 60)
        until(settled, 60)
        time.sleep(max(SECONDS, 2 * (LAG_MS + CLAIM_MS) / 1000 - (time.monotonic() - begun)))
        assert max(wire.lost()) > 0
        all_refused(load)
        count = len(load.acknowledged)
        moved = {market: (scene.version(market), when) for market, when in told.items()}
        assert len(load.acknowledged) == count, 'a bet was taken while nothing was known'
        wire.lose()
        healed(scene, probe, markets, how)
        assert suspended(probe.place(slip))
        scene.tell(stopped, status='OPEN')
        until(lambda: probe.bet(stopped, 11, '1').status == 201, 60)
        more(load)
        join()
        load.retry_unanswered()
        load.check()
        check_paid(scene, load)
        check_books(scene)
        check_fresh(scene, moved)


def all_refused(load):
    """Until each customer has been refused once more: whatever was taken before is known then."""
    before = set(load.refused)
    until(lambda: {c for c, _ in set(load.refused) - before} == set(load.customers))


def refuses(bettor, market):
    """Whatever the customer would take."""
    answer = bettor.bet(market, 11, '1.00', odds=1.01, price_policy='any')
    if answer.status == 202:  # it was decided as the last was heard, and too late to be written
        bettor.wait_bet(answer.json['bet_id'], status='NOT_ACCEPTED')
        return True
    return suspended(answer)


def healed(scene, probe, markets, how):
    begun = time.monotonic()
    for market in markets:
        scene.level(market)
        until(lambda market=market: probe.bet(market, 11, '1').status == 201, 60)
    say(f'cut {how}: all prices were bet on again after {time.monotonic() - begun:.1f} s')


def of_one_each(kinds, who, how):
    return [(k, w, h) for k in kinds for w in who for h in how]


@pytest.mark.parametrize('kind, who, how', some(
    of_one_each(KINDS, WHO, CUTS),
    [('sentinels', 'bet-service', 'to the book'), ('cluster', 'odds-worker', 'both ways')]))
def test_who_is_cut_off_from_redis_bets_on_nothing_that_moved(there, apart, wire, cut, kind, who,
                                                              how):
    sides = [wire.client_side, wire.client_side]
    sides[WHO.index(who)] = wire.server_side  # it alone is before the wire
    cut_off(apart(there(kind), *sides), wire, cut, how)


@pytest.mark.parametrize('kind, how', some([(k, h) for k in KINDS for h in CUTS],
                                           [('sentinels', 'both ways')]))
def test_a_master_with_the_odds_worker_is_left_by_the_others_and_comes_back(midst, apart, wire,
                                                                            cut, kind, how):
    """Each side has a master meanwhile: the worker tells the one that nobody else hears."""
    redis = midst(kind)
    scene = apart(redis, wire.server_side, wire.client_side)
    cut_off(scene, wire, cut, how, redis.left_first)
