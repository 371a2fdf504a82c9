"""Starts build/overround as a user would, in a folder of its own."""
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from urllib.parse import urlsplit

from .http import Http
from .ws import WebSocket

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..', '..'))
BINARY = os.environ.get('OVERROUND_BINARY') or os.path.join(ROOT, 'build', 'overround')
START_SECONDS_MAX = 60
# Ours are for the tests; the program refuses variables that it does not know.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith('OVERROUND_')}
# Of every server of a run: SERVER_OPTIONS='--loops 3' make test T=e2e/test_bets
OPTIONS = shlex.split(os.environ.get('SERVER_OPTIONS', ''))
# Where a test does not say how large the ledger's segments are. The program would write and sync a
# quarter of a GiB at each first start, and of a thousand servers that is what a run waits for.
SMALL = {'--segment-bytes': str(8 << 20), '--reserve-bytes': str(16 << 20)}


def run(*arguments, check=True, seconds=120, text=True, environment=()):
    """One of the other commands, to its end."""
    done = subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, text=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                          env={**ENVIRONMENT, **dict(environment)}, check=False)
    assert not check or done.returncode == 0, (arguments, done.returncode, done.stdout[-2000:],
                                               done.stderr[-2000:])
    return done


class Server:
    """`overround serve` on free ports. It may be stopped, killed and started again on its data."""
    says = 'ready '  # before the address of its public listener

    def __init__(self, data, *options, profile='bench', command='serve', environment=(),
                 listen='127.0.0.1:0', admin_at='127.0.0.1:0'):
        self.listen, self.admin_at, self.tls = listen, admin_at, None
        self.data, self.options, self.profile = str(data), list(options), profile
        self.command, self.environment = command, {**ENVIRONMENT, **dict(environment)}
        self.process, self.log, self.tokens = None, '', {}
        self.public = self.admin = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def argv(self):
        return [BINARY, *self.command.split(), '--data', self.data, '--listen', self.listen,
                '--admin', self.admin_at]

    def spawn(self):
        argv = self.argv()
        if self.profile:
            argv += ['--profile', self.profile]
        if self.command == 'serve' and '--loops' not in self.options:
            argv += OPTIONS
        if self.command in ('serve', 'demo', 'standby'):
            for name, value in SMALL.items():
                argv += [name, value] if name not in self.options else []
        os.makedirs(self.data, exist_ok=True)
        self.log = os.path.join(self.data, '..', os.path.basename(self.data) + '.log')
        with open(self.log, 'ab') as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(argv + self.options, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True,
                                            env=self.environment)
        self.lines = queue.Queue()
        threading.Thread(target=self.read_lines, args=(self.process.stdout, self.lines),
                         daemon=True).start()

    @staticmethod
    def read_lines(stream, lines):
        for line in stream:
            lines.put(line.rstrip('\n'))
        lines.put(None)

    def start(self):
        self.spawn()
        self.public = self.wait_address(self.says)
        self.admin = self.wait_address('admin ')
        if '--tls-listen' in self.options:
            self.tls = self.wait_address('tls ')
        return self

    def is_ready(self):
        return self.get('/readyz').status == 200

    def wait_address(self, word):
        end = time.monotonic() + START_SECONDS_MAX
        while True:
            line = self.lines.get(timeout=max(0.1, end - time.monotonic()))
            assert line is not None, f'the server ended: {self.process.wait()}\n{self.log_text()}'
            if line.startswith(word):
                url = urlsplit(line[len(word):].strip())
                return url.hostname, url.port

    def log_text(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-8000:]

    def kill(self):
        """SIGKILL: no chance to tidy up."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def terminate(self, seconds=60):
        """SIGTERM; answers the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def restart(self):
        self.kill()
        return self.start()

    def token(self, user, role='bettor', ttl=None):
        key = user, role, ttl
        if key not in self.tokens:
            more = ['--ttl', str(ttl)] if ttl is not None else []
            self.tokens[key] = run('token', '--user', user, '--role', role, '--data', self.data,
                                   *more).stdout.strip()
        return self.tokens[key]

    def http(self, **named):
        return Http(self.public, **named)

    def websocket(self, **named):
        return WebSocket(self.public, **named)

    def get(self, path, **named):
        with self.http() as http:
            return http.request('GET', path, **named)

    def post(self, path, body, **named):
        with self.http() as http:
            return http.request('POST', path, body, **named)

    def desk(self, path, body, role='trader', method='POST'):
        """A request to the admin listener."""
        with Http(self.admin) as http:
            return http.request(method, path, body, self.token(f'{role}-1', role))

    def metrics(self):
        """{name with labels: value} of /metrics."""
        with Http(self.admin) as http:
            text = http.request('GET', '/metrics', token=self.token('admin-1', 'admin')).body
        return {line.rsplit(' ', 1)[0]: float(line.rsplit(' ', 1)[1])
                for line in text.decode().splitlines() if line and line[0] != '#'}

    def metric(self, name, **labels):
        """The sum of a metric over all its labels but the given ones."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [v for k, v in self.metrics().items()
                 if k.split('{')[0] == name and all(w in k for w in wanted)]
        assert found, name
        return sum(found)

    def resident_bytes(self):
        with open(f'/proc/{self.process.pid}/statm', encoding='ascii') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE')

    def verify(self):
        """All invariants, offline; the server must have ended."""
        return run('ledger', 'verify', *self.ledger_options()).stdout

    def ledger_options(self):
        """Where the ledger is, for `overround ledger`."""
        options = ['--data', self.data]
        if '--log-second' in self.options:
            at = self.options.index('--log-second')
            options += self.options[at:at + 2]
        return options
