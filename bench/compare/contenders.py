"""The three that are compared, each with its engines, started and ended by deploy/cluster's own
parts. Everything is on this machine and listens on 127.0.0.1 only."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'deploy', 'cluster'))
# pylint: disable=wrong-import-position
import engines  # noqa: E402
import roles  # noqa: E402
from supervisor import Member, Supervisor, Trouble  # noqa: E402

PROGRAM = roles.PROGRAM
TICKS = os.sysconf('SC_CLK_TCK')
READ_BYTES = 2 ** 20
LAST = 19  # of contenders and engines: as nice
COMPRESSED = 'overround_ledger_compressed_'
# Of both who have a PostgreSQL: what statements took is asked of it.
SETTINGS = ('shared_preload_libraries=pg_stat_statements',)


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


def used_bytes(path):
    """Of a file, without the zeros at its end: segments of a log are made whole. One that is gone,
    as it was replaced by another, has none."""
    try:
        file = open(path, 'rb')  # pylint: disable=consider-using-with
    except FileNotFoundError:
        return 0
    with file:
        at = file.seek(0, os.SEEK_END)
        while at > 0:
            begin = max(0, at - READ_BYTES)
            file.seek(begin)
            if piece := file.read(at - begin).rstrip(b'\0'):
                return begin + len(piece)
            at = begin
    return 0


def metric(contender, name, admin=None):
    """Of the contender, or of the process with that port: the sum of all that begin so."""
    address = f'http://{engines.local(admin)}' if admin else contender.admin
    request = urllib.request.Request(
        address + '/metrics', headers={'Authorization': f'Bearer {contender.token("admin")}'})
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(' ', 1)[1]) for line in lines if line.startswith(name))


def give_way(pid):
    """The generator goes before: else it is late where a contender takes all processors, and what
    is measured is its own. Linux shares between sessions first (autogroups), where it has that."""
    os.setpriority(os.PRIO_PGRP, pid, LAST)
    for _ in range(20):
        try:
            with open(f'/proc/{pid}/autogroup', 'w', encoding='ascii') as file:
                file.write(str(LAST))
            return
        except BlockingIOError:  # not more than ten times a second
            time.sleep(0.1)
        except OSError:
            return


class Engines(Supervisor):
    """Ends what it started when a signal comes, whatever is being measured."""

    gives_way = False

    def spawn(self, member):
        super().spawn(member)
        if self.gives_way:
            give_way(member.process.pid)

    def ask_to_end(self, *_):
        if not self.asked:
            self.asked = True
            raise Trouble('ended by a signal')


class Contender:
    """One that runs: `url` for customers, `admin` for the feed, `data` with the keys. `gives_way`:
    to the generator; and to whatever else runs, so only where nothing does."""

    name, title, bettors = None, None, 'stream'

    def __init__(self, gives_way=False):
        self.data = tempfile.mkdtemp(prefix='overround-compare-', dir='/tmp')
        os.chmod(self.data, 0o711)
        self.logs = self.folder('logs')
        self.supervisor = Engines(self.logs, lambda text: None)
        self.supervisor.gives_way = gives_way
        self.ledger = self.odds_store = self.streams = None
        self.brokers, self.tokens = 1, {}

    def folder(self, name):
        path = os.path.join(self.data, name)
        os.makedirs(path, exist_ok=True)
        return path

    def __enter__(self):
        try:
            for member in self.members():
                self.supervisor.start(member)
            if self.ledger is not None:
                self.sql('CREATE EXTENSION pg_stat_statements')
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

    def token(self, role):
        if role not in self.tokens:
            self.tokens[role] = subprocess.run(
                [PROGRAM, 'token', '--user', 'compare', '--role', role, '--data', self.keys],
                check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        return self.tokens[role]

    def kept_bytes(self):
        """Where bets are: what it takes on disk."""
        return int(self.sql('SELECT pg_database_size(current_database())'))


class Naive(Contender):
    """V0: a monolith, a PostgreSQL, a session cache."""

    name, title, bettors = 'naive', 'V0: naive', 'poll'

    def members(self):
        yield engines.postgres(self, *SETTINGS)
        port = engines.free_ports(1)[0]
        yield Member('redis', [os.path.join(engines.RUN, 'run-redis'), self.folder('redis'), port],
                     lambda: engines.answers(port))
        public, admin = engines.free_ports(2)
        self.url, self.admin = (f'http://{engines.local(p)}' for p in (public, admin))
        self.keys = self.folder('naive')
        self.redis = engines.local(port)
        yield Member('naive', self.command(public, admin), lambda: roles.says_ready(public))

    def command(self, public, admin):
        """Of one of its processes, by its ports."""
        return [PROGRAM, 'naive', 'serve', '--data', self.keys, '--listen', engines.local(public),
                '--admin', engines.local(admin), '--database', self.ledger, '--redis', self.redis,
                '--bets-per-minute', '0']

    def put_bets(self, market, count):
        """So many open bets of a thousand users; both selections alike."""
        self.sql("INSERT INTO accounts (user_id, balance) SELECT 'settle-' || n, 0 "
                 'FROM generate_series(1, 1000) n ON CONFLICT DO NOTHING')
        self.sql('INSERT INTO bets (user_id, market_id, selection_id, odds, odds_version, stake) '
                 f"SELECT 'settle-' || (1 + n % 1000), '{market}', "
                 "CASE n % 2 WHEN 0 THEN 'home' ELSE 'away' END, 2.0, 1, 1.00 "
                 f'FROM generate_series(1, {count}) n; ANALYZE bets')


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

    def kept_bytes(self):
        """Before old segments of the ledger are compressed, which happens meanwhile."""
        saved = metric(self, COMPRESSED + 'before_bytes_total') - \
            metric(self, COMPRESSED + 'after_bytes_total')
        return int(saved) + sum(
            used_bytes(os.path.join(folder, name))
            for folder, _, names in os.walk(self.keys) for name in names
            if not name.startswith('reserve-') and not name.endswith(('.sock', '.new')))


class Distributed(Contender):
    """V1 on Redis, Kafka and PostgreSQL, with a front in a process of its own."""

    name, title = 'distributed', 'V1: Redis, Kafka, PostgreSQL'

    def members(self):
        yield engines.postgres(self, *SETTINGS)
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
