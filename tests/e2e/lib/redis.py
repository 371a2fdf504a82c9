"""Redis servers of a test's own (tests/lib/run-redis): one, a master with replicas and sentinels,
or a cluster; never one that runs already."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from .ports import free_port
from .server import ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-redis')
ABSENT = 77
HERE = '127.0.0.1', contextlib.nullcontext


class Redis:
    """One server on a port that stays the same when it is started again; on the machine whose
    network `side()` is (lib/netns.py)."""

    def __init__(self, *settings, sentinel=None, host='127.0.0.1', side=contextlib.nullcontext):
        self.settings, self.sentinel, self.host, self.side = settings, sentinel, host, side
        if host != '127.0.0.1':
            self.settings += '--bind', host, '--protected-mode', 'no'
        self.folder = tempfile.mkdtemp(prefix='overround-redis-', dir='/tmp')
        self.port, self.process = free_port(bus=True), None
        self.url = f'redis://{host}:{self.port}'

    def spawn(self):
        environment = dict(os.environ)
        if self.sentinel:
            path = os.path.join(self.folder, 'sentinel.conf')
            if not os.path.exists(path):
                with open(path, 'w', encoding='ascii') as file:
                    file.write(self.sentinel)
            environment['SENTINEL'] = path
        with self.side():
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([RUN, self.folder, str(self.port), *self.settings],
                                            stdin=subprocess.DEVNULL, env=environment)
        return self

    def wait(self):
        until(lambda: self.answers() or self.process.poll() is not None, 60)
        if self.process.poll() == ABSENT:
            pytest.skip('Redis is not installed')
        assert self.process.poll() is None, self.log()
        return self

    def start(self):
        return self.spawn().wait()

    def cli(self, *words, check=True):
        with self.side():
            done = subprocess.run(['redis-cli', '-h', self.host, '-p', str(self.port), *words],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
        assert not check or done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def answers(self):
        with self.side(), socket.socket() as probe:
            if probe.connect_ex((self.host, self.port)) != 0:
                return False  # nobody there yet: not worth a process
        return self.cli('ping', check=False).startswith(('PONG', 'NOAUTH'))

    def value(self, key):
        """None: there is none, or nobody answered just then."""
        text = self.cli('get', key, check=False)
        return json.loads(text) if text.startswith('{') else None

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8', errors='replace') as file:
            return file.read()[-4000:]

    def end(self, sign=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(sign)
            self.process.wait(60)

    def pause(self, stopped):
        """It stands still, with its connections open."""
        self.process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def close(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def is_level(replica):
    return 'master_link_status:up' in replica.cli('info', 'replication', check=False)


class Watched:
    """A master, a replica, and three sentinels that need two for a failover. `first`, `rest`:
    where the master is, and where the others are: (host, side)."""

    def __init__(self, rest=HERE, first=None):
        (first, first_side), (rest, rest_side) = first or rest, rest
        self.master = Redis('--repl-diskless-sync-delay', '0', host=first, side=first_side).start()
        self.replica = Redis('--replicaof', f'{first} {self.master.port}', host=rest,
                             side=rest_side).start()
        until(lambda: is_level(self.replica))
        conf = (f'sentinel monitor odds {first} {self.master.port} 2\n'
                'sentinel down-after-milliseconds odds 1000\n'
                'sentinel failover-timeout odds 4000\n')
        self.sentinels = [Redis(sentinel=conf, host=rest, side=rest_side).start()
                          for _ in range(3)]
        until(lambda: all('slaves=1,sentinels=3' in s.cli('info', 'sentinel', check=False)
                          for s in self.sentinels))
        hosts = ','.join(f'{rest}:{s.port}' for s in self.sentinels)
        self.url = f'redis+sentinel://{hosts}/odds'

    def left_first(self):
        """Whether the others have a master of their own. It closes connections as it becomes it."""
        return self.replica.cli('role', check=False).startswith('master')

    def masters(self):
        return [self.master]

    def node_of(self, _key):
        """The first master: it has all keys."""
        return self.master

    def close(self):
        for server in [*self.sentinels, self.replica, self.master]:
            server.close()


class Cluster:
    """Three masters with a replica each. `first`, `rest`: where one of the masters is, and where
    the others are: (host, side)."""

    def __init__(self, timeout_ms=2000, rest=HERE, first=None):
        settings = ('--cluster-enabled', 'yes', '--cluster-node-timeout', str(timeout_ms),
                    '--cluster-require-full-coverage', 'no', '--repl-diskless-sync-delay', '0')
        self.nodes = [Redis(*settings, host=host, side=side).spawn()
                      for host, side in [first or rest, *[rest] * 5]]
        for node in self.nodes:
            node.wait()
        hosts = [f'{node.host}:{node.port}' for node in self.nodes]
        self.nodes[0].cli('--cluster', 'create', *hosts, '--cluster-replicas', '1',
                          '--cluster-yes')
        until(lambda: all('cluster_state:ok' in n.cli('cluster', 'info', check=False)
                          for n in self.nodes))
        for node in self.nodes:  # a replica that has never been level takes nothing over
            until(lambda node=node: node.cli('role', check=False).startswith('master') or
                  is_level(node))
        self.url = 'redis+cluster://' + ','.join(hosts[:3])
        self.kept = set()  # replicas that may not take their master's place

    def left_first(self):
        """Whether the others have three masters without it."""
        return sum(node.cli('role', check=False).startswith('master')
                   for node in self.nodes[1:]) == 3

    def node_of(self, key):
        """The master that has this key, of those that live."""
        for node in self.nodes:
            if node.process.poll() is None and 'MOVED' not in node.cli('get', key, check=False) \
                    and node.cli('role', check=False).startswith('master'):
                return node
        return None

    def value(self, key):
        node = self.node_of(key)
        return node.value(key) if node else None

    def masters(self):
        return [node for node in self.nodes if node.cli('role', check=False).startswith('master')]

    def keep_down(self, master, down):
        """Nobody takes its place when it is lost; or somebody may, however long it was away."""
        if down:
            ident = master.cli('cluster', 'myid')
            rows = [row.split() for row in master.cli('cluster', 'nodes').splitlines()]
            self.kept = {row[1].split('@')[0] for row in rows if row[3] == ident}
            assert self.kept
        for node in self.nodes:
            if f'{node.host}:{node.port}' in self.kept:
                node.cli('config', 'set', 'cluster-replica-validity-factor', '0')
                node.cli('config', 'set', 'cluster-replica-no-failover', 'yes' if down else 'no')

    def begin_move(self, key, target):
        """Its slot goes to that master: what is still there is served there, the rest is not."""
        source = until(lambda: self.node_of(key))
        slot = self.nodes[0].cli('cluster', 'keyslot', key)
        target.cli('cluster', 'setslot', slot, 'importing', source.cli('cluster', 'myid'))
        source.cli('cluster', 'setslot', slot, 'migrating', target.cli('cluster', 'myid'))
        return source, slot

    def end_move(self, slot, target):
        for node in [target, *self.masters()]:
            node.cli('cluster', 'setslot', slot, 'node', target.cli('cluster', 'myid'))

    def close(self):
        for node in self.nodes:
            node.close()
