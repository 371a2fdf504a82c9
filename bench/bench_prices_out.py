"""Prices told to Redis and to a Kafka at once: 50,000 moves of prices a second into a book that
writes each version to both, one server and one broker. The book has one core; Redis, the broker and
the feed share the other."""
import subprocess
import time

from bench_odds_store import WRITES, Redis, percentile_ms
from bench_streams import EVENTS, LAG, RUN, Broker, cpu_of
from harness import Feed, Server

RATE, MARKETS, ROUNDS, SECONDS = 50000, 2000, 3, 8
SETTLE_SECONDS_MAX = 45
CONFLATED = 'overround_odds_store_conflated_total'
PRICES = 'overround_prices_total'


def settle(server):
    """Until the topics are there and what came meanwhile was told."""
    end = time.monotonic() + SETTLE_SECONDS_MAX
    while time.monotonic() < end:
        time.sleep(0.5)
        metrics = server.metrics()
        if metrics.get(EVENTS, 0) > RATE and metrics.get(LAG, 0) < RATE / 4:
            return


def one_round(bench, redis, broker):
    redis.ask('FLUSHALL')  # this book's versions begin anew
    options = ('--odds-store', f'redis://127.0.0.1:{redis.port}', '--streams',
               f'kafka://{broker.address}', '--streams-create', '1')
    pids = {'redis': redis.process.pid, 'broker': broker.process.pid}
    with Server(bench, '--markets-max', str(2 * MARKETS), *options) as server, \
            Feed(server, MARKETS, RATE) as feed:
        settle(server)
        before, cpu, begin = server.metrics(), server.cpu_seconds(), time.monotonic()
        others, lags = {name: cpu_of(pid) for name, pid in pids.items()}, []
        while time.monotonic() < begin + SECONDS:
            time.sleep(0.1)
            lags.append(server.metrics().get(LAG, 0))
        after, took = server.metrics(), time.monotonic() - begin
        cpu = server.cpu_seconds() - cpu
        others = {name: cpu_of(pid) - others[name] for name, pid in pids.items()}
        late = feed.end()
    change = {name: (after.get(name, 0) - before.get(name, 0)) / took
              for name in (PRICES, WRITES % 'taken', CONFLATED, EVENTS)}
    lags.sort()
    told = change[EVENTS] or 1
    return {'versions_per_s': round(change[PRICES]),
            'redis': {'taken_per_s': round(change[WRITES % 'taken']),
                      'conflated_per_s': round(change[CONFLATED]),
                      'freshness_ms_p50': percentile_ms(before, after, 0.5),
                      'freshness_ms_p99': percentile_ms(before, after, 0.99)},
            'kafka': {'events_per_s': round(change[EVENTS]),
                      'lag_ms_p50': round(lags[len(lags) // 2] / told * 1000, 1),
                      'lag_ms_p99': round(lags[len(lags) * 99 // 100] / told * 1000, 1)},
            'cpu': {'server': round(cpu / took, 2),
                    **{name: round(seconds / took, 2) for name, seconds in others.items()}},
            'feed': late}


def bench_prices_out(bench):
    """Each round has a broker of its own: a topic tells of one book. All rounds are told, and the
    one in the middle by what Redis took."""
    if subprocess.run([RUN, '--fetch'], check=False).returncode != 0:
        bench.note('prices_out', "no Java, no Maven, or Kafka's jars are out of reach")
        return
    rounds = []
    with Redis() as redis:
        for _ in range(ROUNDS):
            broker = Broker(bench)
            try:
                rounds.append(one_round(bench, redis, broker))
            finally:
                broker.close()
    rounds.sort(key=lambda row: row['redis']['taken_per_s'])
    bench.emit('prices_out', rate=RATE, markets=MARKETS, seconds=SECONDS, rounds=rounds,
               **rounds[ROUNDS // 2], settings=redis.settings)
