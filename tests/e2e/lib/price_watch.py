"""Clients that know everything they were shown, and the checker that compares it with the odds log:
each state, field by field, at every version that a client saw, and what stood for the others."""
import asyncio
import bisect
from fractions import Fraction

from . import odds_log
from .followers import Events, Follower

MARKET_STATUS = ['', 'active', 'suspended', 'closed', 'settled', 'cancelled']
SELECTION_STATUS = ['', 'active', 'suspended', 'removed', 'won', 'lost', 'void']


def exact(selection):
    """The price that binds, or None."""
    if selection.get('odds') is None:
        return None
    # A JSON float of at most 4 places is read back to its digits by str().
    return Fraction(selection.get('odds_exact') or str(selection['odds']))


class Watcher(Follower):
    """One client. It stalls, disconnects and resumes as its random numbers say."""

    buffers = {'read_limit': 4096, 'max_queue': 4}
    stream_bytes = 4096

    def __init__(self, address, channels, dice, conflate_ms=0, **named):
        super().__init__(address, channels, **named)
        self.dice, self.conflate_ms, self.calm = dice, conflate_ms, False
        self.query = f'&conflate_ms={conflate_ms}' if conflate_ms else ''
        self.markets = {}    # (channel, market) -> its state
        self.rows = []       # every state that was shown: see show()
        self.base = {}       # channel -> (seq, {market: version}) of its last whole snapshot
        self.owed = {}       # channel -> (market, changes) of a `skipped`, until its image
        self.stalls = self.skips = self.partials = 0

    # ---- what it does ----

    async def pause(self, transport):
        throw = self.dice.random()
        if self.calm or throw > 0.02:
            return
        if throw < 0.001:
            transport.abort()
            raise ConnectionResetError
        self.stalls += 1
        await asyncio.sleep(self.dice.choice((0.01, 0.05, 0.3, 1.2)))

    def ask(self):
        if not self.seq:
            asked = {'op': 'subscribe'}
        elif self.dice.random() < 0.3:
            versions = {}
            for (_, market), state in self.markets.items():
                versions[market] = min(state['odds_version'],
                                       versions.get(market, state['odds_version']))
            asked = {'op': 'resume', 'have': versions}
        else:
            asked = {'op': 'resume', **self.exact()}
        return {**asked, 'channels': self.channels, 'conflate_ms': self.conflate_ms}

    # ---- what it knows ----

    def show(self, channel, market, kind, changes):
        """kind: 'delta', 'image' (behind `skipped`, of so many changes), 'snapshot'."""
        state = self.markets[channel, market]
        shown = (state['status'], state['event_id'], tuple(
            (s['id'], s['status'], exact(s)) for s in state['selections'].values()))
        self.rows.append((channel, market, state['odds_version'], kind, changes, shown))

    def put(self, channel, news, kind, changes=0):
        key = channel, news['market_id']
        known = self.markets.get(key)
        if kind == 'delta' and 'event_id' not in news:
            if known is None or news['odds_version'] <= known['odds_version']:
                self.problems.append(f'{key}: delta {news["odds_version"]} onto {known}')
                return
        elif known is not None and news['odds_version'] < known['odds_version']:
            self.problems.append(f'{key}: {news["odds_version"]} falls')  # P1
        selections = {s['id']: dict(s) for s in known['selections'].values()} if known else {}
        if 'event_id' in news:
            selections = {}  # a whole image
        for selection in news['selections']:
            kept = {'name': selections.get(selection['id'], {}).get('name')}
            selections[selection['id']] = {**kept, **selection}
        self.markets[key] = {**(known or {}), **news, 'selections': selections}
        self.show(channel, news['market_id'], kind, changes)

    def take_snapshot(self, message):
        channel, seq = message['channel'], message['seq']
        self.snapshots += 1
        changes = message.get('changes', 0)
        if changes and not 0 < changes:
            self.problems.append(f'{channel}: {changes} changes')
        self.number(channel, message)
        for market in message['markets']:
            self.put(channel, market, 'snapshot')
        if message.get('partial') or message.get('more'):
            self.partials += 1
            self.base.pop(channel, None)
        else:
            self.base[channel] = seq, {m['market_id']: m['odds_version']
                                       for m in message['markets']}

    def take(self, message):
        op, channel = message['op'], message.get('channel')
        if channel in self.owed and op != 'image':
            self.problems.append(f'{channel}: {op} between skipped and its image')
        if op == 'snapshot':
            self.take_snapshot(message)
        elif op == 'resumed':
            self.take_resumed(message)
        elif op == 'delta':
            self.next_seq(message)
            self.put(channel, message, 'delta')
        elif op == 'skipped':
            self.skips += 1
            self.seq[channel] = message['seq']
            self.owed[channel] = message['market_id'], message['changes']
        elif op == 'image' and 'seq' in message:
            self.next_seq(message)
            self.put(channel, message['market'], 'delta')
        elif op == 'image':
            market, changes = self.owed.pop(channel, (None, 0))
            if market != message['market']['market_id']:
                self.problems.append(f'{channel}: an image that no `skipped` announced')
            self.put(channel, message['market'], 'image', changes)
        else:
            self.problems.append(f'{message}')

    async def follow(self):
        self.owed = {}  # what was cut off in between is told anew
        await super().follow()


class EventWatcher(Watcher, Events):
    """The same over server-sent events."""

    def ask(self):
        raise AssertionError('an event stream asks by its request')


class Log:
    """The odds log, read from its files."""

    def __init__(self, data):
        self.versions, self.states = {}, {}
        selections = {}  # of each market: a record has those that changed
        for change in odds_log.records(data):
            rows = self.versions.setdefault(change.market, [])
            assert not rows or change.version > rows[-1]  # P1
            rows.append(change.version)
            now = selections.setdefault(change.market, {})
            for ident, status, numerator, denominator in change.selections:
                odds = Fraction(numerator, denominator) if numerator else None
                now[ident] = ident, SELECTION_STATUS[status], odds
            self.states[change.market, change.version] = (
                MARKET_STATUS[change.status], change.event, tuple(now.values()))

    def between(self, market, after, to):
        """How many versions there are in (after, to]."""
        rows = self.versions[market]
        return bisect.bisect_right(rows, to) - bisect.bisect_right(rows, after)

    def check(self, watcher):
        """Every state that the client was in is one that was offered; nothing is missing that was
        not told."""
        known = {}
        for channel, market, version, kind, changes, shown in watcher.rows:
            where = f'{channel} {market} {version} ({kind})'
            assert (market, version) in self.states, f'{where}: nobody offered it'
            assert shown == self.states[market, version], \
                f'{where}: {shown}, not {self.states[market, version]}'
            before = known.get((channel, market))
            if kind == 'delta' and before is not None:
                assert self.between(market, before, version) == 1, f'{where}: a gap behind {before}'
            if kind == 'image' and before is not None:
                told = self.between(market, before, version)
                assert changes == told, f'{where}: skipped {changes}, but there were {told}'
            known[channel, market] = version
        return known

    def check_end(self, watcher, markets_of):
        """At the end it has all of each channel, in the newest version, and as many numbers went by
        as there were changes."""
        known = self.check(watcher)
        for channel in watcher.channels:
            markets = markets_of(channel)
            have = {m for c, m in known if c == channel}
            assert have == set(markets), f'{channel}: {sorted(have ^ set(markets))}'
            for market in markets:
                assert known[channel, market] == self.versions[market][-1], f'{channel} {market}'
            if channel not in watcher.base:
                continue
            seq, versions = watcher.base[channel]
            passed = sum(self.between(m, versions.get(m, 0), self.versions[m][-1])
                         for m in markets)
            assert watcher.seq[channel] - seq == passed, \
                f'{channel}: {watcher.seq[channel] - seq} numbers for {passed} changes'


class Storm:
    """A fast feed: some changes of some markets a step, statuses, runners that go and come back,
    and markets that are new."""

    def __init__(self, feed, dice, markets, events):
        self.feed, self.dice, self.changes = feed, dice, 0
        self.markets, self.events = {}, events  # market -> event
        for number in range(markets):
            self.add(f'1.{500000 + number}')

    def add(self, market):
        self.markets[market] = self.events[len(self.markets) % len(self.events)]
        self.feed.market(market, {11: 2.0, 12: 2.5, 13: 2.9}, event=self.markets[market])

    def price_rows(self, market):
        prices, rows = self.feed.markets[market]['prices'], []
        for runner in self.dice.sample(sorted(prices), self.dice.randint(1, 3)):
            old, new = prices[runner], round(2 + self.dice.randrange(49) * 0.02, 2)
            prices[runner] = new
            rows.append({'id': runner, 'ltp': new, 'atb': [[old, 0], [new, 500.0]],
                         'atl': [[round(old + 0.02, 2), 0], [round(new + 0.02, 2), 500.0]]})
        return {'id': market, 'rc': rows}

    def step(self, count):
        throw = self.dice.random()
        market = self.dice.choice(sorted(self.markets))
        if throw < 0.05:
            status = self.dice.choice(('SUSPENDED', 'OPEN', 'OPEN'))
            self.feed.define(market, status=status, inPlay=self.dice.random() < 0.5)
        elif throw < 0.08:
            self.feed.define(market, {13: self.dice.choice(('REMOVED', 'ACTIVE'))})
        elif throw < 0.1:
            self.add(f'1.{500000 + len(self.markets)}')
        chosen = self.dice.choices(sorted(self.markets), k=count)
        self.feed.send(*[{'mc': [self.price_rows(m)]} for m in chosen])
        self.changes += count
