"""A server and its customers with a bad wire between them, which loses packets, is cut in one
direction, is narrow or slow: whatever each client was shown is in the odds log, versions only rise
(P1), what was left out is told to the very number, a bet that is asked for again with its key is
there once (L2, L3), and when the trouble ends everybody has the newest. Who vanishes without a word
is closed by name and costs nothing (P3). TROUBLE_SECONDS: how long each trouble lasts."""
import os
import random
import time
from decimal import Decimal

import pytest
from conftest import make
from lib import netns
from lib.delay import Delay
from lib.followers import Followers
from lib.held import closed, held, held_by_nobody
from lib.http import Closed, Http
from lib.load import Load
from lib.price_watch import EventWatcher, Log, Storm, Watcher
from lib.until import until
from lib.ws import WebSocket

SEED = 1
MARKETS, EVENTS = 30, ['9001', '9002', '9003']
WATCHERS, CUSTOMERS, VANISHED = 9, 4, 40
SECONDS = float(os.environ.get('TROUBLE_SECONDS') or 1)
CHANGES_A_STEP, STEP_SECONDS = 10, 0.02
ANSWER_SECONDS = 1.5  # without an answer so long: again, with the same key
OPTIONS = ('--ping-ms', '1000', '--pong-ms', '2000', '--lag-ms', '30000')


@pytest.fixture(scope='module')
def wire():
    try:
        with netns.link() as made:
            yield made
    except netns.Unavailable as error:
        pytest.skip(f'no network namespaces can be made here: {error}')


def begun(wire, folder, options):
    """A book on the server's machine, and this thread there."""
    with wire.server_side():
        made = make(folder / 'data', options, listen=f'{wire.server_address}:0')
        yield made
        made.close()
    wire.lose()


@pytest.fixture
def book(wire, tmp_path):
    yield from begun(wire, tmp_path, OPTIONS)


@pytest.fixture
def patient(wire, tmp_path):
    """One that waits longer for a pong."""
    yield from begun(wire, tmp_path, ('--ping-ms', '1000', '--pong-ms', '8000'))


class Impatient(Watcher):
    """Gives up a connection on which nothing comes, as the reference client does."""
    patience = {'open_timeout': 2, 'ping_interval': 0.5, 'ping_timeout': 1, 'close_timeout': 0.5}


class ImpatientEvents(EventWatcher):
    silence_seconds = 1.5


def channels_of(number, dice):
    if number % 3 == 0:
        return ['sport:football']
    markets = [f'market:1.{500000 + n}' for n in dice.sample(range(MARKETS), 6)]
    return markets if number % 3 == 1 else [f'event:{dice.choice(EVENTS)}', *markets]


def watchers_of(address, kinds):
    made = []
    for number in range(WATCHERS):
        dice = random.Random(SEED * 1000 + number)
        made.append(kinds[number % 4 == 2](address, channels_of(number, dice), dice,
                                           dice.choice((0, 0, 50)), binary=number % 4 == 1))
    return made


class Bets(Load):
    """Customers who ask again with the same key until they know; every second one over a stream."""

    def __init__(self, book, address):
        super().__init__(book, book.market(), CUSTOMERS)
        self.address, self.asked_again, self.lines = address, 0, {}

    def connect(self, customer):
        if self.customers.index(customer) % 2:
            return WebSocket(self.address, token=customer.token, timeout=ANSWER_SECONDS)
        return Http(self.address, timeout=ANSWER_SECONDS)

    def ask(self, customer, key):
        line = self.lines.get(customer) or self.connect(customer)
        self.lines[customer] = line
        if isinstance(line, Http):
            assert self.one(customer, key, line) in (200, 201), self.refused[customer, key].body
            return
        line.send({'op': 'place_bet', 'id': key, 'idempotency_key': key,
                   'bet': self.sent[customer, key]})
        answer = line.wait_for(ANSWER_SECONDS, op='bet', id=key)
        assert answer['code'] in (200, 201), answer
        with self.lock:
            self.remember(customer, key, answer['bet'])

    def insist(self, customer, key):
        while (customer, key) not in self.acknowledged:
            try:
                self.ask(customer, key)
            except (OSError, Closed):
                self.asked_again += 1
                self.hang_up(customer)

    def hang_up(self, customer):
        line = self.lines.pop(customer, None)
        if line:
            getattr(line, 'http', line).close()

    def bet_until_broken(self, customer, stop, number):
        while not stop.is_set():
            key = f'{number}-{customer.name}-{len(self.sent)}'
            self.sent[customer, key] = self.slip(Decimal(random.randrange(1, 100)) / 100)
            self.insist(customer, key)
        self.hang_up(customer)


class Scene:
    """Watchers and bettors on the clients' machine; a storm of prices on the server's."""

    def __init__(self, wire, book, kinds=(Watcher, EventWatcher), address=None):
        self.book = book
        self.storm = Storm(book.feed, random.Random(SEED), MARKETS, EVENTS)
        self.bets = Bets(book, address or book.server.public)
        self.watchers = watchers_of(address or book.server.public, kinds)
        with wire.client_side():
            self.followers = Followers(self.watchers)
            self.join = self.bets.start(0)
        until(lambda: all(set(w.seq) == set(w.channels) for w in self.watchers), 60)

    def go_on(self, seconds, enough=lambda: True):
        """So long, and until what the trouble is to do has happened."""
        end = time.monotonic() + seconds

        def step():
            self.storm.step(CHANGES_A_STEP)
            return time.monotonic() > end and enough()
        until(step, seconds + 60, STEP_SECONDS)

    def end(self):
        """The trouble is over: all is well again, and was never wrong."""
        server = self.book.server
        for watcher in self.watchers:
            watcher.calm = True
        until(lambda: len(self.bets.acknowledged) > CUSTOMERS)
        self.join()
        newest = {m: server.get(f'/v1/odds/{m}').json['odds_version'] for m in self.markets()}
        until(lambda: all(is_newest(w, newest, self.markets_of) for w in self.watchers))
        self.followers.end()
        self.bets.check()
        for customer in self.bets.customers:
            customer.http.close()  # else the server lingers for them
        assert len(self.bets.acknowledged) == len(self.bets.sent) > CUSTOMERS
        assert server.terminate() == 0
        assert 'all invariants hold' in server.verify()
        assert not [p for w in self.watchers for p in w.problems][:3]
        log = Log(server.data)
        for watcher in self.watchers:
            log.check_end(watcher, self.markets_of)
        self.tell()

    def tell(self):
        print(f'{self.storm.changes} changes; {sum(len(w.rows) for w in self.watchers)} states '
              f'shown, {sum(w.skips for w in self.watchers)} skipped frames, '
              f'{sum(w.connections - 1 for w in self.watchers)} reconnects, '
              f'{len(self.bets.sent)} bets, {self.bets.asked_again} asked again')

    def markets(self):
        return {**self.storm.markets, self.bets.market: '9000'}

    def markets_of(self, channel):
        kind, ident = channel.split(':')
        return [m for m, event in self.markets().items()
                if kind == 'sport' or ident in (m, event)]


def is_newest(watcher, newest, markets_of):
    """Whether it has all that is there, in the newest version."""
    have = dict(watcher.markets)
    return all((channel, market) in have and
               have[channel, market]['odds_version'] == newest[market]
               for channel in watcher.channels for market in markets_of(channel))


@pytest.mark.parametrize('percent', [5, 20])
def test_lost_packets_lose_nothing(wire, book, percent):
    scene = Scene(wire, book)
    wire.lose(percent, percent)
    scene.go_on(SECONDS, lambda: min(wire.lost()) > 20)
    wire.lose()
    scene.end()


@pytest.mark.parametrize('cut', ['to_server', 'to_client'])
def test_a_wire_cut_in_one_direction_is_nobodys_loss(wire, book, cut):
    scene = Scene(wire, book, (Impatient, ImpatientEvents))
    scene.go_on(0.3)
    broken = [w.broken for w in scene.watchers]

    def noticed():
        return max(wire.lost()) > 20 and scene.bets.asked_again >= CUSTOMERS and \
            all(w.broken > before for w, before in zip(scene.watchers, broken))
    wire.lose(**{cut: 100})
    scene.go_on(SECONDS + 1, noticed)
    assert min(wire.lost()) == 0
    connections = [w.connections for w in scene.watchers]
    wire.lose()
    scene.go_on(0.3, lambda: all(w.connections > before
                                 for w, before in zip(scene.watchers, connections)))
    scene.end()


def test_a_narrow_wire_brings_the_newest(wire, book):
    scene = Scene(wire, book)
    with wire.narrow(256):
        scene.go_on(SECONDS, lambda: sum(w.skips for w in scene.watchers) > 0)
        assert book.server.metric('overround_push_conflated_total') > 0
    scene.end()


def test_a_slow_wire_is_only_slow(wire, book):
    with wire.client_side():
        delay = Delay(book.server.public, 0.2, 0.1, random.Random(SEED))
    scene = Scene(wire, book, address=delay.address)
    scene.go_on(SECONDS, lambda: delay.passed > 100)
    scene.end()
    delay.close()


def test_who_vanishes_is_closed_by_name_and_gives_everything_back(wire, patient):
    """They are not read until they vanish, and answer no ping: that may take a while."""
    book, server, market = patient, patient.server, patient.market()
    before = held_by_nobody(server)
    with wire.client_side():
        gone = [server.websocket(timeout=60) for _ in range(VANISHED)]
    for socket in gone:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
    assert held(server)['overround_push_subscriptions'] == VANISHED
    wire.lose(100, 100)
    for step in range(50):  # something waits for each of them
        book.feed.price(market, 11, round(2.5 + step * 0.02, 2))
    assert held(server)['overround_connections'] == VANISHED
    until(lambda: held(server) == before)
    assert closed(server, 'no_pong') == VANISHED
    wire.lose()
    for socket in gone:  # whoever comes back finds out
        socket.send({'op': 'ping'})
        with pytest.raises(Closed):
            while True:
                socket.receive(30)
