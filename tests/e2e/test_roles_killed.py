"""Every role in processes of its own, two of each, killed at random while customers bet, prices
move, markets are suspended and settled: a desk apart and its spare, a bet-service of each of two
shards and its spare, on one PostgreSQL, of which one has the lease; two gateways, two
back-offices, two odds services behind a Redis, two projectors, two members of each group that
follows a Kafka; and a disk that is slow, and a Redis that stands still. Behind it: each bet once
and paid once, none on a suspended or stale price, the tables as the ledgers have them, streams
without a gap, prices that never fell, wallets with an order that explains every answer. By
counters, each process did work. DRILL_SECONDS, DRILL_SEED: how long, and which."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace

import pytest
from lib.drill_scene import Scene
from lib.drills import SECONDS, say
from lib.kafka import Kafka
from lib.redis import Redis
from lib.server import ROOT
from lib.shards import users_of
from lib.strace import SYNCS, Strace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'foreign'))
from wallet_history import CLIENTS, Client, Customer  # noqa: E402

SEED = os.environ.get('DRILL_SEED') or '1'
WALLETS = 3
PAUSE_SECONDS_MAX = 0.6
SLOW_DISK = 'delay_enter=50000'
STILL_SECONDS = 4  # longer than a price may be old, with all that a check of that allows for
# The wallets' shard has so much that no slow disk makes a bet wait whose stake is then given back:
# their checker knows no such answer. Customers of the other one bet on what moves.
LAGS_MS = 10000, 1000


class Drill:
    """All of them, customers with wallets besides, and what is done to whom."""

    def __init__(self, postgres, redis, kafka, folder):
        self.dice, self.stop, self.seed = random.Random(SEED), threading.Event(), SEED
        self.scene = Scene(folder, postgres, redis.url, kafka, SEED, LAGS_MS)
        self.redis = redis
        self.fronts = SimpleNamespace(fronts=self.scene.of('gateway'))  # as wallets find them
        self.others, self.clients = Counter(), []

    def slip(self, amount):
        return {'market_id': self.wallets_market, 'selection_id': '11', 'odds': Decimal('1.01'),
                'stake': Decimal(amount) / 100, 'currency': 'GBP'}

    def begin(self):
        self.scene.begin(live_shards=[1])
        self.wallets_market = self.scene.market()
        for _, name in zip(range(WALLETS), users_of(0, 2, 'wallet')):
            customer = Customer(name, self.scene.desk.has.token(name))
            self.clients += [Client(self, customer, c) for c in range(CLIENTS)]
        for client in self.clients[::CLIENTS]:
            client.one('deposit', 'first', 5000)
        for client in self.clients:
            client.start()

    def slow_disk(self):
        """A bet-service's, for a while."""
        with Strace(self.dice.choice(self.scene.bets).has, SYNCS, SLOW_DISK):
            time.sleep(PAUSE_SECONDS_MAX)

    def redis_stands_still(self):
        """While prices move; then bets at them are refused, and taken again behind it."""
        self.redis.pause(True)
        time.sleep(STILL_SECONDS)
        self.redis.pause(False)
        begun = time.monotonic()
        self.scene.more(1)
        say(f'redis stood still: all customers had bets again after '
            f'{time.monotonic() - begun:.1f} s')

    def harm(self, what):
        other = {'disk': self.slow_disk, 'redis': self.redis_stands_still}.get(what)
        if other:
            other()
            self.others[what] += 1
        else:
            self.scene.kill(what)

    def run(self, seconds):
        self.begin()
        end = time.monotonic() + seconds
        everybody = [*self.scene.members, *2 * list(self.scene.pairs), 'disk', 'redis']
        todo = self.dice.sample(everybody, len(everybody))  # each once, and then whoever
        while todo or time.monotonic() < end:
            time.sleep(self.dice.random() * PAUSE_SECONDS_MAX)
            self.harm(todo.pop() if todo else self.dice.choice(everybody))
            if self.dice.random() < 0.3:
                self.scene.next_market()
        self.scene.more()
        self.scene.all_work()
        self.stop.set()
        for client in self.clients:
            client.join()
        self.scene.end()

    def check_kills(self):
        kills = dict(sorted(self.scene.kills.items()))
        say(f'killed {kills}, others {dict(self.others)}; refused {dict(self.scene.refused())}')
        assert set(kills) == self.scene.names and set(self.others) == {'disk', 'redis'}


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
    drill = Drill(database, redis, kafka, tmp_path)
    scene = drill.scene
    try:
        with kafka.tail('bet-events') as tail:
            drill.run(SECONDS)
            scene.check_money()
            scene.check_screens()
            scene.check_work()
            drill.check_kills()
            scene.check_streams(tail)
        for pair in [*scene.bets, scene.desk]:
            assert pair.end() == 0
        scene.check_ledgers()
        scene.check_prices()
        with open(history, 'w', encoding='utf-8') as file:
            for client in drill.clients:
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
