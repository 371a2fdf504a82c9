"""The three that are compared, each with its engines, started and ended by deploy/cluster's own
parts. Everything is on this machine and listens on 127.0.0.1 only."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'deploy', 'cluster'))
# pylint: disable=wrong-import-position
import engines  # noqa: E402
import roles  # noqa: E402
from supervisor import Member, Supervisor, Trouble  # noqa: E402

PROGRAM = roles.PROGRAM
TICKS = os.sysconf('SC_CLK_TCK')


def children():
    """{pid: [pids of its children]}, and {pid: its seconds of processor time, with those of
    children that have ended}."""
    below, seconds = {}, {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as file:
                fields = file.read().rsplit(')', 1)[1].split()
        except OSError:
            continue
        below.setdefault(int(fields[1]), []).append(int(name))
        seconds[int(name)] = sum(int(f) for f in fields[11:15]) / TICKS
    return below, seconds


class Contender:
    """One that runs: `url` for customers, `admin` for the feed, `data` with the keys."""

    name, title, bettors = None, None, 'stream'

    def __init__(self):
        self.data = tempfile.mkdtemp(prefix='overround-compare-', dir='/tmp')
        os.chmod(self.data, 0o711)
        self.logs = self.folder('logs')
        self.supervisor = Supervisor(self.logs, lambda text: None)
        self.ledger = self.odds_store = self.streams = None
        self.brokers = 1

    def folder(self, name):
        path = os.path.join(self.data, name)
        os.makedirs(path, exist_ok=True)
        return path

    def __enter__(self):
        try:
            for member in self.members():
                self.supervisor.start(member)
        except Trouble:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.supervisor.end()
        shutil.rmtree(self.data, ignore_errors=True)

    def members(self):
        raise NotImplementedError

    def cpu_seconds(self):
        """{member: of it and all below it}"""
        below, seconds = children()
        found = {}
        for member in self.supervisor.members:
            todo, found[member.name] = [member.process.pid], 0.0
            while todo:
                pid = todo.pop()
                found[member.name] += seconds.get(pid, 0.0)
                todo += below.get(pid, [])
        return found

    def sql(self, text):
        return subprocess.run(['psql', '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d',
                               self.ledger, '-c', text], stdin=subprocess.DEVNULL, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def database(self):
        """Transactions and rows that PostgreSQL has had to do with; None: there is none."""
        if self.ledger is None:
            return None
        time.sleep(1.1)  # backends tell the statistics once a second
        row = self.sql('SELECT xact_commit + xact_rollback, tup_returned + tup_inserted + '
                       'tup_updated FROM pg_stat_database WHERE datname = current_database()')
        return [int(n) for n in row.split('|')]


class Naive(Contender):
    """V0: a monolith, a PostgreSQL, a session cache."""

    name, title, bettors = 'naive', 'V0: naive', 'poll'

    def members(self):
        yield engines.postgres(self)
        port = engines.free_ports(1)[0]
        yield Member('redis', [os.path.join(engines.RUN, 'run-redis'), self.folder('redis'), port],
                     lambda: engines.answers(port))
        public, admin = engines.free_ports(2)
        self.url, self.admin = (f'http://{engines.local(p)}' for p in (public, admin))
        self.keys = self.folder('naive')
        yield Member('naive', [PROGRAM, 'naive', 'serve', '--data', self.keys, '--listen',
                               engines.local(public), '--admin', engines.local(admin),
                               '--database', self.ledger, '--redis', engines.local(port),
                               '--bets-per-minute', '0'],
                     lambda: roles.says_ready(public))


    def put_bets(self, market, count):
        """So many open bets of a thousand users; both selections alike."""
        self.sql("INSERT INTO accounts (user_id, balance) SELECT 'settle-' || n, 0 "
                 'FROM generate_series(1, 1000) n ON CONFLICT DO NOTHING')
        self.sql('INSERT INTO bets (user_id, market_id, selection_id, odds, odds_version, stake) '
                 f"SELECT 'settle-' || (1 + n % 1000), '{market}', "
                 "CASE n % 2 WHEN 0 THEN 'home' ELSE 'away' END, 2.0, 1, 1.00 "
                 f'FROM generate_series(1, {count}) n; ANALYZE bets')

    def open_bets(self, market):
        return int(self.sql(f"SELECT count(*) FROM bets WHERE market_id = '{market}' "
                            "AND status IN ('PLACED', 'WON')"))


class Embedded(Contender):
    """V1 as one binary, with no other software."""

    name, title = 'embedded', 'V1: one binary'

    def members(self):
        public, admin = engines.free_ports(2)
        self.url, self.admin = (f'http://{engines.local(p)}' for p in (public, admin))
        self.keys = self.folder('book')
        yield Member('book', [PROGRAM, 'serve', '--profile', 'bench', '--data', self.keys,
                              '--listen', engines.local(public), '--admin', engines.local(admin)],
                     lambda: roles.says_ready(public))


class Distributed(Contender):
    """V1 on Redis, Kafka and PostgreSQL, with a front in a process of its own."""

    name, title = 'distributed', 'V1: Redis, Kafka, PostgreSQL'

    def members(self):
        yield engines.postgres(self)
        port = engines.free_ports(1)[0]
        self.odds_store = f'redis://{engines.local(port)}'
        yield Member('redis', [os.path.join(engines.RUN, 'run-redis'), self.folder('redis'), port],
                     lambda: engines.answers(port))
        yield from engines.kafka(self)
        public, admin, front, front_admin = engines.free_ports(4)
        self.url, self.admin = (f'http://{engines.local(p)}' for p in (front, admin))
        self.keys = self.book_data = self.folder('book')
        yield Member('book', [PROGRAM, 'serve', '--profile', 'bench', '--data', self.keys,
                              '--listen', engines.local(public), '--admin', engines.local(admin),
                              '--ledger', self.ledger, '--odds-store', self.odds_store,
                              '--streams', self.streams, '--streams-create', '1'],
                     lambda: roles.says_ready(public))
        folder = self.folder('front')
        keys = os.path.join(folder, 'keys')
        os.makedirs(keys, mode=0o700, exist_ok=True)
        shutil.copy(os.path.join(self.keys, 'keys', 'jwt-hs256.key'), keys)
        yield Member('front', [PROGRAM, 'serve', '--profile', 'bench', '--roles',
                               'gateway,odds-service', '--data', folder, '--listen',
                               engines.local(front), '--admin', engines.local(front_admin),
                               '--book', engines.local(admin), '--token',
                               roles.token(self, 'front-1', 'gateway'), '--odds-store',
                               self.odds_store],
                     lambda: roles.says_ready(front_admin))


ALL = (Naive, Embedded, Distributed)
