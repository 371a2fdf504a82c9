"""A PostgreSQL of a test's own (tests/lib/run-postgres): never one that runs already."""
import os
import shutil
import signal
import subprocess

import pytest

from .server import ROOT
from .until import until

RUN = os.path.join(ROOT, 'tests', 'lib', 'run-postgres')
ABSENT = 77


class Postgres:
    """`folder` may be nobody's but ours; its path is short enough for a socket's name."""

    def __init__(self, folder, *settings):
        self.folder, self.settings = str(folder), settings
        self.url = f'postgresql:///postgres?host={self.folder}&user=postgres'
        self.process = None

    def start(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([RUN, self.folder, *self.settings],
                                        stdin=subprocess.DEVNULL)
        until(lambda: self.answers() or self.process.poll() is not None, 60)
        if self.process.poll() == ABSENT:
            pytest.skip('PostgreSQL is not installed')
        assert self.process.poll() is None, self.log()
        return self

    def answers(self):
        return self.psql('SELECT 1', check=False).returncode == 0

    def psql(self, text, check=True):
        return subprocess.run(['psql', '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', self.url,
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

    def close(self):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
