"""What a bet costs the book's process when customers come to a front in a process of its own, and
what it costs the front: by turns with the same bets at the book itself. The book has one core; the
front, Redis (which has the prices) and the generator share the other, so times are of a crowded
core and only processor time is compared."""
import os
import shutil
import statistics
import subprocess
import tempfile

from bench_server import MARKETS, bets_at
from harness import LOAD_CPU, Feed, Server, clean_environment, end_process, pinned

ROUNDS, RATE, SECONDS, USERS = 3, 10000, 4, 2000
OPTIONS = {'connections': 64, 'pipeline': 8, 'seconds': SECONDS, 'users': USERS}


class Redis:
    """On a socket of its own port, nothing on disk."""

    def __init__(self, bench):
        self.folder, self.port = bench.fresh('redis'), 17379

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            pinned(LOAD_CPU, ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1',
                              '--save', '', '--appendonly', 'no', '--dir', self.folder]),
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return f'redis://127.0.0.1:{self.port}'

    def __exit__(self, *_):
        end_process(self.process)


class Front(Server):
    """`serve --roles gateway,odds-service` beside the generator."""

    def __init__(self, bench, book, store):
        super().__init__(bench, '--roles', 'gateway,odds-service', '--odds-store', store, '--book',
                         book.admin, name='front')
        keys = os.path.join(self.data, 'keys')
        os.makedirs(keys, mode=0o700)
        shutil.copy(os.path.join(book.data, 'keys', 'jwt-hs256.key'), keys)
        with tempfile.NamedTemporaryFile('w', dir=self.data, delete=False) as file:
            file.write(book.token('gateway'))
        self.options += ('--token', file.name)

    def __enter__(self):
        argv = [self.bench.binary, 'serve', '--data', self.data, '--listen', '127.0.0.1:0',
                '--admin', '127.0.0.1:0', '--profile', 'bench', '--log-level', 'warn',
                *self.options]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(pinned(LOAD_CPU, argv), stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True,
                                        env=clean_environment())
        self.url, self.admin_url = self.wait_for('front '), self.wait_for('admin ')
        self.tokens = {}
        return self


def measure(book, url, front=None):
    used = front.cpu_seconds() if front else 0
    report = bets_at(book, RATE, url=url, **OPTIONS)
    bets = report['answered']
    return {'achieved_per_s': report['achieved_per_s'], 'latency_us': report['latency_us'],
            'failed': report['failed'], 'book_cpu_us_per_bet': report['cpu_us_per_bet'],
            'front_cpu_us_per_bet': round((front.cpu_seconds() - used) * 1e6 / bets, 2)
            if front else 0, 'saturated': report['generator']['saturated']}


def bench_fronts(bench):
    runs = {'at_the_book': [], 'at_a_front': []}
    with Redis(bench) as store, Server(bench, '--odds-store', store) as book, \
            Feed(book, MARKETS, 10), Front(bench, book, store) as front:
        book.load('bets', rate=2000, seconds=2, warmup=0, users=USERS)
        for _ in range(ROUNDS):
            runs['at_the_book'].append(measure(book, book.url))
            runs['at_a_front'].append(measure(book, front.url, front))
    loops = {way: statistics.median(r['book_cpu_us_per_bet']['loop'] for r in rows)
             for way, rows in runs.items()}
    bench.emit('fronts', rate=RATE, rounds=ROUNDS, book_loop_us_per_bet=loops,
               loop_ratio=round(loops['at_a_front'] / loops['at_the_book'], 3),
               front_us_per_bet=statistics.median(r['front_cpu_us_per_bet']
                                                  for r in runs['at_a_front']), runs=runs)
