"""Customers who bet through everything that is done to a scene of every role (every_role.py), and
who moves a market under them; and whether a bet stands on what was no longer offered."""
import bisect
import datetime
import itertools
import random
import threading
import time
from collections import Counter
from decimal import Decimal

from .bet_totals import records
from .bettor import Bettor
from .http import Closed, Http

MONEY = Decimal('100000.00')
POLICIES = ('any', 'better', 'exact')
AGAIN = (429, 503)  # no verdict yet
REFUSALS = {'ODDS_CHANGED', 'MARKET_SUSPENDED', 'MARKET_CLOSED'}
# A price may be as old as the lag when a bet is written; and how long word of it was on its way is
# known only as what it took longer than the quickest (docs/decisions/0014).
SLACK_SECONDS = 2.0
AWAY = (OSError, Closed, ValueError)  # who was asked is not there just now, or died over it


class Punter(threading.Thread):
    """Bets at any front, and asks again with the same key until there is a verdict."""
    numbers = itertools.count(1)

    def __init__(self, scene, name):
        super().__init__(daemon=True)
        self.scene, self.name = scene, name
        self.customer = Bettor(scene.of('gateway')[0], name=name, money=MONEY)
        self.dice, self.stop = random.Random(name), threading.Event()
        self.placed, self.markets = {}, {}  # of each key that was taken: the answer, and on what
        self.refused, self.late, self.failure = Counter(), set(), None
        self.pause, self.rests = threading.Event(), threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                if self.pause.is_set():
                    self.rests.set()
                    time.sleep(0.02)
                    continue
                slip = self.choose()
                if slip:
                    self.bet(f'{self.name}-{next(self.numbers)}', slip)
        except BaseException as error:  # pylint: disable=broad-except
            self.failure = error

    def choose(self):
        """The next slip, or None: not now."""
        raise NotImplementedError

    def slip(self, market, odds, **more):
        return {'market_id': market, 'selection_id': '11', 'odds': odds,
                'stake': Decimal(self.dice.randrange(1, 100)) / 100, 'currency': 'GBP', **more}

    def bet(self, key, slip):
        while not self.has_verdict(key, slip):
            time.sleep(0.02)

    def has_verdict(self, key, slip):
        try:
            with Http(self.dice.choice(self.scene.of('gateway')).public, timeout=20) as http:
                answer = http.request('POST', '/v1/bets', slip, self.customer.token,
                                      {'Idempotency-Key': key})
        except AWAY:
            return False
        if answer.status in AGAIN:
            return False
        if answer.status == 202:  # it was written too late for its price, and is decided again
            self.late.add(key)
            return False
        if answer.status in (200, 201):
            self.placed[key], self.markets[key] = answer.json, slip['market_id']
        else:
            assert answer.code in REFUSALS, answer.body
            self.refused[answer.code] += 1
        return True

    def end(self):
        self.stop.set()
        self.join()
        if self.failure:
            raise self.failure

    def worth(self, settled):
        """His money, once the first selection of each of these markets has won."""
        return MONEY + sum(
            (Decimal(a['potential_return']) if self.markets[key] in settled else 0) -
            Decimal(a['stake']) for key, a in self.placed.items())

    def balance(self):
        with Http(self.scene.of('gateway')[0].public) as http:
            answer = http.request('GET', '/v1/account', None, self.customer.token)
        return Decimal(answer.json['balance']) if answer.status == 200 else None


class CalmPunter(Punter):
    """On the market of the moment, whatever its price."""

    def choose(self):
        return self.slip(self.scene.calm, Decimal('1.01'))


class LivePunter(Punter):
    """On the market that moves, at the price that an odds service shows, by any policy."""

    def choose(self):
        try:
            shown = self.dice.choice(self.scene.of('odds')).get(
                f'/v1/odds/{self.scene.mover.market}').json
            row = next(s for s in shown['selections'] if s['id'] == '11')
            return self.slip(self.scene.mover.market, row['odds'],
                             odds_version=shown['odds_version'],
                             price_policy=self.dice.choice(POLICIES))
        except (*AWAY, KeyError):
            time.sleep(0.02)
            return None


def now():
    return datetime.datetime.now(datetime.timezone.utc)


class Mover(threading.Thread):
    """Moves the prices of a market and suspends it now and then, as its feed and by a word of the
    desk; `shown`: (when it was so already, version) of what the desk showed; `held`: (from when, to
    when) the desk's word held."""

    def __init__(self, scene, market, seed):
        super().__init__(daemon=True)
        self.scene, self.market, self.dice = scene, market, random.Random(f'{seed} mover')
        self.stop, self.shown, self.held = threading.Event(), [], []
        self.suspended, self.counts, self.failure = set(), Counter(), None
        self.words = itertools.count()

    def run(self):
        try:
            while not self.stop.is_set():
                self.tries(self.step)
                time.sleep(self.dice.uniform(0.05, 0.3))
            while self.suspended:
                self.tries(self.restore)
        except BaseException as error:  # pylint: disable=broad-except
            self.failure = error

    def tries(self, what):
        """The desk may be away: then nothing is known of what was said, and it is said again."""
        try:
            what()
        except (*AWAY, AssertionError):
            time.sleep(0.1)

    def step(self):
        self.restore()
        self.scene.feed.price(self.market, 11, self.dice.choice([2.0, 2.5, 3.0, 3.5]))
        self.note('moved')
        if self.dice.random() < 0.3:
            self.suspend(self.dice.choice(('feed', 'desk')))
            time.sleep(self.dice.uniform(0.1, 0.5))
            self.restore()

    def suspend(self, who):
        self.suspended.add(who)
        if who == 'feed':
            self.scene.feed.define(self.market, status='SUSPENDED')
            self.note('suspended by the feed')
        elif self.word('suspend'):
            self.held.append((now(), None))
            self.note('suspended by the desk')

    def restore(self):
        if 'feed' in self.suspended:
            self.scene.feed.define(self.market, status='OPEN')
            self.suspended.remove('feed')
        if 'desk' in self.suspended:
            if self.held and self.held[-1][1] is None:
                self.held[-1] = self.held[-1][0], now()
            if self.word('resume'):
                self.suspended.remove('desk')

    def word(self, word):
        """At one office after the other; whether it was taken."""
        office = self.scene.of('office')[next(self.words) % 2]
        answer = office.say(f'markets/{self.market}/{word}')
        assert answer.status in (200, 404, *AGAIN), answer.body  # 404: a desk that has just begun
        return answer.status == 200

    def note(self, what):
        self.counts[what] += 1
        shown = self.scene.desk.has.get(f'/v1/odds/{self.market}').json
        if not self.shown or shown['odds_version'] > self.shown[-1][1]:
            self.shown.append((now(), shown['odds_version']))

    def end(self):
        self.stop.set()
        self.join()
        if self.failure:
            raise self.failure


def placed_on(market, rows):
    """(record, version) of each bet that was taken on it."""
    for record in rows:
        if record['type'] in ('BET', 'RELEASE') and record['outcome'] == 'PLACED':
            yield from ((record, leg['odds_version']) for leg in record['legs']
                        if leg['market_id'] == market)


class Written:
    """When the database wrote a record of a shard, by its own clock."""

    def __init__(self, postgres, shard):
        text = postgres.psql('SELECT seq_last, extract(epoch FROM written_at) FROM ledger WHERE '
                             f'shard = {shard} AND seq_last >= seq_first ORDER BY seq_last').stdout
        rows = [line.split('|') for line in text.split()]
        self.last, self.when = [int(row[0]) for row in rows], [float(row[1]) for row in rows]

    def of(self, record):
        when = self.when[bisect.bisect_left(self.last, record['seq'])]
        return datetime.datetime.fromtimestamp(when, datetime.timezone.utc)


def check_fresh(mover, postgres, database, shard, lag_ms):
    """No bet of the shard was written at what the desk had replaced for longer than a price may be
    old, and none was decided while its word held. How many bets that were."""
    allowed = datetime.timedelta(seconds=lag_ms / 1000 + SLACK_SECONDS)
    times, written, versions, old = [when for when, _ in mover.shown], Written(postgres, shard), \
        Counter(), []
    for record, version in placed_on(mover.market, records('--ledger', database, '--shard',
                                                           str(shard))):
        versions[version] += 1
        known = bisect.bisect_left(times, written.of(record) - allowed)
        if known and version < mover.shown[known - 1][1]:
            old.append((record['seq'], version, mover.shown[known - 1]))
        decided = datetime.datetime.fromisoformat(record['time'].replace('Z', '+00:00'))
        assert not [held for held in mover.held if held[0] < decided < (held[1] or now())], \
            f'a bet on a suspended market: {record}'
    assert not old, f'bets at prices that had moved: {old[:3]} of {len(old)}'
    return versions
