"""A fast feed, and clients of all forms that stall, break off and resume at random: every state
that each of them was ever in is one of the odds log, field by field; versions only rise (P1); what
was left out is told to the very number; and all of them end with the newest.

WATCH_SEED and WATCH_SECONDS make other and longer runs; a failure prints its seed."""
import os
import random
import time

import pytest
from conftest import make
from lib.followers import Followers
from lib.price_watch import EventWatcher, Log, Storm, Watcher
from lib.until import until

SEED = int(os.environ.get('WATCH_SEED') or 1)
SECONDS = float(os.environ.get('WATCH_SECONDS') or 3)
MARKETS, EVENTS = 90, ['9001', '9002', '9003']
WATCHERS = 24
CHANGES_A_STEP, STEP_SECONDS = 25, 0.02


def channels_of(number, dice):
    if number % 4 == 0:
        return ['sport:football']
    if number % 4 == 1:
        return [f'event:{event}' for event in dice.sample(EVENTS, 2)]
    markets = [f'market:1.{500000 + n}' for n in dice.sample(range(MARKETS), 6)]
    return markets if number % 4 == 2 else [f'event:{dice.choice(EVENTS)}', *markets]


def make_watcher(address, number):
    dice = random.Random(SEED * 1000 + number)
    kind = EventWatcher if number % 3 == 2 else Watcher
    return kind(address, channels_of(number, dice), dice, dice.choice((0, 0, 50, 400)),
                binary=number % 3 == 1)


@pytest.fixture
def book(tmp_path):
    made = make(tmp_path / 'data')
    yield made
    made.close()


def of_channels(storm):
    """A function: the markets of a channel."""
    def markets_of(channel):
        kind, ident = channel.split(':')
        return [m for m, event in storm.markets.items()
                if kind == 'sport' or ident in (m, event)]
    return markets_of


def is_newest(watcher, newest, markets_of):
    """Whether it has all that is there, in the newest version."""
    have = dict(watcher.markets)
    return all((channel, market) in have and
               have[channel, market]['odds_version'] == newest[market]
               for channel in watcher.channels for market in markets_of(channel))


def disturbed(watchers):
    """Some skipped, some stalled, some came back; on a busy machine all that takes longer."""
    return all(sum(counts) > 0 for counts in zip(*[
        (w.skips, w.stalls, w.connections - 1) for w in watchers]))


def test_every_client_agrees_with_the_odds_log_at_every_version(book):
    storm = Storm(book.feed, random.Random(SEED), MARKETS, EVENTS)
    watchers = [make_watcher(book.server.public, n) for n in range(WATCHERS)]
    followers = Followers(watchers)
    until(lambda: all(set(w.seq) == set(w.channels) for w in watchers), 60)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or (not disturbed(watchers) and time.monotonic() < end + 60):
        storm.step(CHANGES_A_STEP)
        time.sleep(STEP_SECONDS)
    for watcher in watchers:
        watcher.calm = True
    newest = {m: book.server.get(f'/v1/odds/{m}').json['odds_version'] for m in storm.markets}
    until(lambda: all(is_newest(w, newest, of_channels(storm)) for w in watchers), 60)
    followers.end()
    conflated = book.server.metric('overround_push_conflated_total')
    assert book.server.terminate() == 0
    log = Log(book.server.data)
    print(f'seed {SEED}: {storm.changes} changes; {sum(len(w.rows) for w in watchers)} states '
          f'shown, {sum(w.skips for w in watchers)} skipped frames, {conflated:.0f} conflated, '
          f'{sum(w.stalls for w in watchers)} stalls, {sum(w.resumed for w in watchers)} resumed, '
          f'{sum(w.connections for w in watchers) - WATCHERS} reconnects')
    assert not [p for w in watchers for p in w.problems][:3]
    for watcher in watchers:
        log.check_end(watcher, of_channels(storm))
    assert disturbed(watchers), 'nobody was disturbed'


def test_the_checker_finds_what_is_wrong(book):
    """On clients whose memory is falsified afterwards."""
    storm = Storm(book.feed, random.Random(SEED), 4, EVENTS)
    watchers = [Watcher(book.server.public, ['sport:football'], random.Random(SEED), conflate_ms)
                for conflate_ms in (0, 1000)]
    for watcher in watchers:
        watcher.calm = True
    followers = Followers(watchers)
    until(lambda: all(w.seq for w in watchers), 60)
    for _ in range(10):
        storm.step(5)
    newest = {m: book.server.get(f'/v1/odds/{m}').json['odds_version'] for m in storm.markets}
    until(lambda: all(is_newest(w, newest, of_channels(storm)) for w in watchers), 60)
    followers.end()
    assert book.server.terminate() == 0
    log = Log(book.server.data)
    for watcher in watchers:
        log.check_end(watcher, lambda _: storm.markets)
    for damage in ('odds', 'status', 'version', 'gap', 'skipped', 'stale'):
        watcher = watchers[damage == 'skipped']
        kept = list(watcher.rows)
        falsify(watcher, damage)
        with pytest.raises(AssertionError):
            log.check_end(watcher, lambda _: storm.markets)
        watcher.rows = kept


def falsify(watcher, damage):
    at = next(n for n, row in enumerate(watcher.rows)
              if row[3] == ('image' if damage == 'skipped' else 'delta') and n > 5)
    channel, market, version, kind, changes, (status, event, selections) = watcher.rows[at]
    if damage == 'odds':
        ident, state, odds = selections[0]
        selections = ((ident, state, (odds or 1) + 1), *selections[1:])
    elif damage == 'status':
        status = 'active' if status == 'suspended' else 'suspended'
    elif damage == 'version':
        version += 1 << 32
    elif damage == 'skipped':
        changes += 1
    watcher.rows[at] = channel, market, version, kind, changes, (status, event, selections)
    if damage == 'gap':
        del watcher.rows[at]
    elif damage == 'stale':
        last = max(n for n, row in enumerate(watcher.rows) if row[1] == market)
        del watcher.rows[last:]
