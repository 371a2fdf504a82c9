"""A PostgreSQL of a test's own (tests/lib/run-postgres), or one with synchronous standbys: never
one that runs already."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from .server import ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-postgres')
ABSENT = 77
# Debian's own psql chooses this one, and takes longer for that than this one takes for a question.
PSQL = max(glob.glob('/usr/lib/postgresql/*/bin/psql'), default='psql',
           key=lambda path: int(path.split('/')[4]))


class Postgres:
    """`folder` may be nobody's but ours; its path is short enough for a socket's name."""

    def __init__(self, folder, *settings, standby_of=None, name='', environment=()):
        self.folder, self.settings, self.name = str(folder), settings, name
        self.environment = {**os.environ, **dict(environment)}
        if standby_of:
            self.environment.update(STANDBY_OF=standby_of.folder, STANDBY_NAME=name)
        self.url = f'postgresql:///postgres?host={self.folder}&user=postgres'
        self.process = None

    def spawn(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([RUN, self.folder, *self.settings],
                                        stdin=subprocess.DEVNULL, env=self.environment)
        return self

    def start(self):
        return self.spawn().wait()

    def wait(self):
        until(lambda: self.answers() or self.process.poll() is not None, 60)
        if self.process.poll() == ABSENT:
            pytest.skip('PostgreSQL is not installed')
        assert self.process.poll() is None, self.log()
        return self

    def answers(self):
        if not os.path.exists(os.path.join(self.folder, '.s.PGSQL.5432')):
            return False  # nobody there yet: not worth a process
        return self.psql('SELECT 1', check=False).returncode == 0

    def psql(self, text, check=True):
        return subprocess.run([PSQL, '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', self.url,
                               '-c', text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=check)

    def number(self, text):
        return int(self.psql(text).stdout)

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8', errors='replace') as file:
            return file.read()[-4000:]

    def end(self, sign=signal.SIGINT):
        """SIGINT: as an administrator would; SIGQUIT: as a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait(60)

    def kill(self):
        """As the loss of its machine: no process of it goes on, or says goodbye. The first one is
        stopped before the others are looked for: it begins one for each who connects."""
        self.process.send_signal(signal.SIGSTOP)
        until(lambda: is_stopped(self.process.pid))
        children = subprocess.run(['pgrep', '-P', str(self.process.pid)], stdout=subprocess.PIPE,
                                  text=True, check=True).stdout.split()
        self.end(signal.SIGKILL)
        for child in map(int, children):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
            until(lambda c=child: not os.path.exists(f'/proc/{c}'), 60)

    def follow(self, primary):
        """A standby takes what that one writes from now on."""
        self.psql("ALTER SYSTEM SET primary_conninfo = "
                  f"'host={primary.folder} user=postgres application_name={self.name}'")
        self.psql('SELECT pg_reload_conf()')

    def close(self):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def is_stopped(pid):
    with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
        return file.read().rpartition(')')[2].split()[0] == 'T'


class Quorum:
    """A primary and two standbys, one of which must have what is acknowledged: as in
    docs/OPERATIONS.md, "Standbys of the database"."""
    names = 'a', 'b', 'c'
    setting = f'synchronous_standby_names=ANY 1 ({", ".join(names)})'

    def __init__(self):
        folders = {n: tempfile.mkdtemp(prefix=f'overround-pg-{n}-', dir='/tmp') for n in self.names}
        self.folders = folders
        self.primary = Postgres(folders['a'], self.setting, name='a').start()
        self.standbys = []
        for name in self.names[1:]:  # the checkpoint of one copy ends another that has just begun
            self.add_standby(name)
        self.url = f'postgresql:///postgres?host={",".join(folders.values())}&user=postgres'

    def add_standby(self, name):
        """One more, made from the primary of now; once it counts."""
        self.standbys.append(Postgres(self.folders[name], self.setting, standby_of=self.primary,
                                      name=name).spawn())
        self.wait_counted(self.standbys[-1])

    def wait_counted(self, standby):
        """Until it is one of those that commits wait for."""
        standby.wait()
        until(lambda: self.primary.number(
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND "
            f"sync_state = 'quorum' AND application_name = '{standby.name}'") == 1, 60)

    def fail_over(self):
        """The standby that has most is the primary; the other follows it. What was the primary."""
        gone = self.primary
        for standby in self.standbys:  # what was on its way is there
            until(lambda s=standby: s.number('SELECT count(*) FROM pg_stat_wal_receiver') == 0)
        self.primary = max(self.standbys, key=received)
        self.standbys.remove(self.primary)
        self.primary.psql('SELECT pg_promote(true, 60)')
        for standby in self.standbys:
            standby.follow(self.primary)
            self.wait_counted(standby)
        return gone

    def rejoin(self, gone):
        """What was a primary comes back as a standby, from nothing."""
        shutil.rmtree(os.path.join(gone.folder, 'data'))
        self.add_standby(gone.name)

    def mend(self):
        """All three again: what is gone comes back as a standby, from nothing."""
        self.standbys = [s for s in self.standbys if s.process.poll() is None]
        there = [server.name for server in [self.primary, *self.standbys]]
        for name in self.names:
            if name not in there:
                shutil.rmtree(os.path.join(self.folders[name], 'data'))
                self.add_standby(name)

    def close(self):
        for server in [self.primary, *self.standbys]:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGQUIT)
        for server in [self.primary, *self.standbys]:
            server.process.wait(60)
        for folder in self.folders.values():
            shutil.rmtree(folder, ignore_errors=True)


def received(standby):
    """How much of the primary's log it has, in bytes."""
    return standby.number("SELECT pg_last_wal_receive_lsn() - '0/0'")
