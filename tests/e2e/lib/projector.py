"""A process of the role `projector`, and `overround projection verify`."""
import os
import signal
import subprocess
from urllib.parse import urlsplit

from .http import Http
from .server import BINARY, ENVIRONMENT, run
from .until import until

FAILED, DAMAGED = 1, 3


class Projector:
    """Follows the ledger in the database at `ledger`."""

    def __init__(self, folder, ledger, *options, environment=()):
        self.argv = [BINARY, 'serve', '--roles', 'projector', '--ledger', ledger, '--admin',
                     '127.0.0.1:0', *options]
        self.log = os.path.join(folder, 'projector.log')
        self.environment = {**ENVIRONMENT, **dict(environment)}
        self.process, self.admin = None, None

    def start(self):
        with open(self.log, 'ab') as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, text=True,
                                            stdout=subprocess.PIPE, stderr=log,
                                            env=self.environment)
        line = self.process.stdout.readline()
        assert line.startswith('projector '), self.log_text()
        url = urlsplit(line.split()[1])
        self.admin = url.hostname, url.port
        return self

    def log_text(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-8000:]

    def get(self, path):
        with Http(self.admin) as http:
            return http.request('GET', path)

    def is_ready(self):
        return self.get('/readyz').status == 200

    def metric(self, name):
        """The sum over all shards; 0: nothing is followed yet."""
        lines = self.get('/metrics').body.decode().splitlines()
        return sum(float(line.rsplit(' ', 1)[1]) for line in lines if line.startswith(name))

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def verify(projection, *source, check=True, environment=()):
    """`source`: ('--ledger', URL) or ('--data', DIR)."""
    return run('projection', 'verify', '--projection', projection, *source, check=check,
               environment=environment)


def wait_projected(database, seconds=60):
    """Of a ledger in the same database: until the tables have all of it, of each shard."""
    until(lambda: database.number(
        'SELECT count(*) FROM (SELECT shard, max(seq_last) AS last FROM ledger GROUP BY shard)'
        ' AS logs LEFT JOIN projection USING (shard) WHERE coalesce(seq, 0) < last') == 0, seconds)
