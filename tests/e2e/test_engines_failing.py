"""Engines that fail under two processes of every role, while customers bet on a calm market and on
one that moves and is suspended: PostgreSQL is restarted, crashes, its disk is slow; one Kafka
broker of three is killed, then all; their disks are slow; the master of a Redis with sentinels is
killed; the wire to an engine is cut, one way and both. Behind each of them: what was acknowledged
is paid once, no bet stands on a suspended or stale price, all of it was told to the streams once,
and each process does its work again. One scene for all."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from functools import partial

import pytest
from lib import netns
from lib.drill_scene import Scene
from lib.drills import SECONDS, say, some
from lib.kafka import RUN as RUN_KAFKA
from lib.kafka import Kafka
from lib.postgres import Postgres
from lib.redis import Watched
from lib.slow_disk import SlowDisk
from lib.until import until

HERE = '127.0.0.1'
BROKERS = 3 if SECONDS else 1
LASTS = min(SECONDS, 5)     # all brokers are away for longer
SLOW_SECONDS = 0.02         # each call of PostgreSQL's disk
SLOW_BROKER_SECONDS = 0.1
CUTS = {'to the engine': 'dport', 'from the engine': 'sport', 'both ways': 'dport sport'}


@pytest.fixture(scope='module')
def network():
    """All of them are in one namespace, so that its wires can be cut; its name, or None."""
    subprocess.run([RUN_KAFKA, '--fetch'], check=False)  # from outside
    with contextlib.ExitStack() as closing:
        try:
            name = closing.enter_context(netns.namespace())
            closing.enter_context(netns.inside(name))
        except netns.Unavailable:
            name = None
        yield name


def folder_of(name):
    return tempfile.mkdtemp(prefix=f'overround-{name}-', dir='/tmp')


def begin_postgres(network, disk):
    """Within a namespace it is reached by its wire."""
    folder, settings = folder_of('pg'), ()
    if network:
        access = os.path.join(folder, 'access')
        with open(access, 'w', encoding='ascii') as file:
            file.write('local all all trust\nhost all all samehost trust\n')
        os.chmod(access, 0o644)
        settings = f'listen_addresses={HERE}', f'hba_file={access}'
    made = Postgres(folder, *settings, environment=disk.environment).start()
    if network:
        made.url = f'postgresql://postgres@{HERE}/postgres'
    return made


class Drill:
    """The engines, and the scene on them."""

    def __init__(self, network, folder, closing):
        def kept(made):
            closing.callback(made.close)
            return made
        self.network, self.handed_over, self.disk = network, False, kept(SlowDisk())
        self.disks = [kept(SlowDisk()) for _ in range(BROKERS)]
        self.postgres = kept(begin_postgres(network, self.disk))
        self.redis = kept(Watched())
        self.kafka = kept(Kafka(folder_of('kafka'), BROKERS, disks=self.disks)).start()
        self.scene = kept(Scene(folder, self.postgres, self.redis.url, self.kafka, 'engines'))
        self.tail = self.kafka.tail('bet-events')
        closing.callback(self.tail.end)
        self.scene.begin(calm=1, live=1)

    def told(self):
        """Whether the stream has every bet that was acknowledged until now."""
        taken = {a['bet_id'] for punter in self.scene.punters
                 for a in list(punter.placed.values())}
        return lambda: taken <= {line['value']['bet_id'] for line in list(self.tail.lines)}

    def through(self, what, harm, mend=lambda: None, seen=lambda: True, seconds=LASTS):
        """Bets before, meanwhile as far as they are taken, and behind; `seen`: whether somebody
        has met what was done."""
        scene = self.scene
        harm()
        try:
            until(seen, 60)
            time.sleep(seconds)
        finally:
            mend()
        begun, before = time.monotonic(), scene.counters()
        scene.more(3)
        say(f'{what}: all customers had bets again after {time.monotonic() - begun:.1f} s')
        until(self.told(), 120, 0.2)
        say(f'{what}: all was told after {time.monotonic() - begun:.1f} s')
        scene.check_so_far()
        until(lambda: not scene.still(before) or scene.next_market(), 120, 0.5)
        if SECONDS or not self.handed_over:  # who waited works from now on
            scene.hand_over()
            self.handed_over = True

    def last(self):
        """Behind all of it."""
        scene = self.scene
        scene.more(3)
        scene.all_work()
        scene.end()
        scene.check_money()
        scene.check_screens()
        scene.check_work()
        scene.check_streams(self.tail)
        for pair in [*scene.bets, scene.desk]:
            assert pair.end() == 0
        scene.check_ledgers()
        scene.check_prices()


@pytest.fixture(scope='module')
def drill(network, tmp_path_factory):
    with contextlib.ExitStack() as closing:
        yield Drill(network, tmp_path_factory.mktemp('engines'), closing)


def postgres_ends(sign, drill, what):
    drill.through(what, lambda: drill.postgres.end(sign), drill.postgres.start)


def brokers_end(count, drill, what):
    """Nobody waits for one of three; without any the streams wait, in the ledgers, and no bet."""
    def harm():
        for node in range(count):
            drill.kafka.end(node)
        drill.scene.more(3)
        if count < BROKERS:
            until(drill.told(), 120, 0.2)

    def met():
        return count < BROKERS or all(
            pair.has.metric('overround_stream_lag_events', topic='bet-events') > 10
            for pair in drill.scene.bets)
    drill.through(what, harm, drill.kafka.start, met, SECONDS)


def disks_are_slow(of, seconds, drill, what):
    disks = of(drill)
    before = [disk.calls for disk in disks]

    def take(seconds):
        for disk in disks:
            disk.takes(seconds)
    drill.through(what, lambda: take(seconds), lambda: take(0),
                  lambda: all(disk.calls > count for disk, count in zip(disks, before)))


def redis_loses_its_master(drill, what):
    """Bets are taken again once its replica is the master; then it comes back as a replica."""
    both = [drill.redis.master, drill.redis.replica]
    gone = next(one for one in both if one.cli('role').startswith('master'))
    other = next(one for one in both if one is not gone)
    drill.through(what, gone.end)
    assert other.cli('role').startswith('master')
    gone.start()
    until(lambda: 'master_link_status:up' in gone.cli('info', 'replication', check=False), 60)


def wire_is_cut(engine, how, drill, what):
    if drill.network is None:
        pytest.skip('no network namespaces can be made here')
    ports = {'PostgreSQL': [5432], 'Kafka': drill.kafka.ports,
             'Redis': [drill.redis.master.port, drill.redis.replica.port,
                       *(sentinel.port for sentinel in drill.redis.sentinels)]}[engine]
    numbers = ', '.join(map(str, ports))
    rules = [f'tcp {end} {{ {numbers} }} counter drop' for end in CUTS[how].split()]
    drill.through(what, lambda: netns.filters(drill.network, 'input', *rules),
                  lambda: netns.filters(drill.network, 'input'),
                  lambda: netns.dropped(drill.network) > 3)


FAULTS = {
    'PostgreSQL crashes': partial(postgres_ends, signal.SIGQUIT),
    'PostgreSQL is restarted': partial(postgres_ends, signal.SIGINT),
    'the disk of PostgreSQL is slow': partial(disks_are_slow, lambda d: [d.disk], SLOW_SECONDS),
    'one broker of three is killed': partial(brokers_end, 1),
    'all brokers are away': partial(brokers_end, BROKERS),
    'the disks of brokers are slow': partial(disks_are_slow, lambda d: d.disks,
                                             SLOW_BROKER_SECONDS),
    'the master of Redis is killed': redis_loses_its_master,
    **{f'{engine} is cut off, {how}': partial(wire_is_cut, engine, how)
       for engine in ('PostgreSQL', 'Redis', 'Kafka') for how in CUTS}}


FEW = ('PostgreSQL crashes', 'the master of Redis is killed',
       'PostgreSQL is cut off, from the engine')


@pytest.mark.parametrize('what', some(FAULTS, FEW))
def test_an_engine_fails_under_every_role(drill, what):
    FAULTS[what](drill, what)


def test_behind_all_of_it_books_streams_and_tables_say_the_same(drill):
    drill.last()
