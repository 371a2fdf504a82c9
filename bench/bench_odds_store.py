"""Prices through to Redis: what a feed of rising rates comes to there, and how fresh, beside a bare
pipelined SET of equal bytes into the same Redis; rounds of both by turns, medians."""
import re
import shutil
import socket
import time

from harness import LOAD_CPU, SERVER_CPU, Feed, Server
from peers.process import Peer, free_port, version

ROUNDS, SECONDS, MARKETS = 3, 4, 2000
RATES = (5000, 20000, 40000, 80000)
PATHS = '/usr/bin:/usr/local/bin'
WRITES = 'overround_odds_store_writes_total{outcome="%s"}'
FRESHNESS = 'overround_odds_store_freshness_seconds_bucket{le="%s"}'


class Redis(Peer):
    """On the feed's core: the book has one of its own."""

    def __init__(self):
        program, port = shutil.which('redis-server', path=PATHS), free_port()
        if program is None:
            raise OSError('no redis-server: tools/install-deps peers')
        super().__init__(['taskset', '-c', str(LOAD_CPU), program, '--bind', '127.0.0.1', '--port',
                          str(port), '--save', '', '--appendonly', 'no'], port)
        self.settings = version(program, '-v')[:40] + '; nothing saved'

    def ask(self, *words):
        with socket.create_connection(('127.0.0.1', self.port)) as client:
            client.sendall(b'*%d\r\n' % len(words) + b''.join(
                b'$%d\r\n%s\r\n' % (len(word), word.encode()) for word in words))
            return client.recv(65536).decode()

    def value_bytes(self):
        key = self.ask('RANDOMKEY').split('\r\n')[1]
        return int(self.ask('STRLEN', key)[1:]) if key.startswith('odds:') else self.value_bytes()


def bare(bench, redis, value_bytes):
    """SETs a second over one connection, 64 under way."""
    text, _ = bench.run(['redis-benchmark', '-p', str(redis.port), '-t', 'set', '-n', '200000',
                         '-c', '1', '-P', '64', '-d', str(value_bytes), '-r', str(MARKETS),
                         '--csv'], SERVER_CPU)
    return float(re.search(r'"SET","([0-9.]+)"', text)[1])


def percentile_ms(before, after, share):
    """The bound of the bucket in which it lies."""
    bounds = [name.split('"')[1] for name in after if name.startswith(FRESHNESS.split('%')[0])]
    counts = [after[FRESHNESS % bound] - before[FRESHNESS % bound] for bound in bounds]
    for bound, count in zip(bounds, counts):
        if count >= share * counts[-1]:
            return float(bound) * 1000
    return None


def ours(bench, redis, rate):
    """One rate: what was taken a second, what was left out for a newer one, and how fresh."""
    redis.ask('FLUSHALL')  # each server has a ledger of its own, and its versions begin anew
    with Server(bench, '--odds-store', f'redis://127.0.0.1:{redis.port}') as server:
        with Feed(server, MARKETS, rate) as feed:
            time.sleep(1)
            before, begin, used = server.metrics(), time.monotonic(), server.cpu_seconds()
            time.sleep(SECONDS)
            after, seconds = server.metrics(), time.monotonic() - begin
            used = server.cpu_seconds() - used
            report = feed.end()
        value_bytes = redis.value_bytes()
    changed, taken, same, conflated, lost, older = (after[name] - before[name] for name in (
        'overround_prices_total', WRITES % 'taken', WRITES % 'same',
        'overround_odds_store_conflated_total', WRITES % 'lost', WRITES % 'older'))
    return {'asked': rate, 'versions_per_s': round(changed / seconds),
            'taken_per_s': round(taken / seconds),
            'conflated_per_s': round(conflated / seconds), 'renewed_per_s': round(same / seconds),
            'lost': lost, 'older': older, 'value_bytes': value_bytes,
            'freshness_ms_p50': percentile_ms(before, after, 0.5),
            'freshness_ms_p99': percentile_ms(before, after, 0.99),
            'server_cpu': round(used / seconds, 2), 'feed': report}


def bench_odds_store(bench):
    rounds, sets = {rate: [] for rate in RATES}, []
    with Redis() as redis:
        for _ in range(ROUNDS):
            for rate in RATES:
                rounds[rate].append(ours(bench, redis, rate))
            sets.append(bare(bench, redis, rounds[RATES[0]][0]['value_bytes']))
    medians = [sorted(rows, key=lambda row: row['taken_per_s'])[ROUNDS // 2]
               for rows in rounds.values()]
    bare_per_s = sorted(sets)[ROUNDS // 2]
    best = max(row['taken_per_s'] for row in medians)
    bench.emit('odds_store', rounds=ROUNDS, seconds=SECONDS, markets=MARKETS, peer='redis',
               settings=redis.settings, set_per_s=round(bare_per_s), rates=medians,
               share_of_set=round(best / bare_per_s, 3))
