"""What crossing between the book's loop and a network loop costs: bets with --loops 0 and with
--loops 1, in turn, with all threads of the server on one core and with both cores for them."""
import os
import statistics

from bench_server import MARKETS, bets_at
from harness import Feed, Server

ROUNDS, RATE, SECONDS = 3, 5000, 3
OPTIONS = {'connections': 256, 'pipeline': 1, 'seconds': SECONDS}


def free(server):
    """All its threads may run on every core, the generator's too."""
    for task in os.listdir(f'/proc/{server.pid}/task'):
        os.sched_setaffinity(int(task), range(os.cpu_count()))


def measure(bench, loops, pinned):
    with Server(bench, '--loops', str(loops)) as server, Feed(server, MARKETS, 10):
        if not pinned:
            free(server)
        server.load('bets', rate=2000, seconds=1, warmup=0, users=2000)
        report = bets_at(server, RATE, **OPTIONS)
    report['p50_us'], report['p99_us'] = (report['latency_us'][p] for p in ('p50', 'p99'))
    report['cpu_us_per_bet_all'] = round(sum((report['cpu_us_per_bet'] or {}).values()), 2)
    return report


def ratio(name, runs):
    """Median over the rounds of one against none."""
    found = [r[1][name] / r[0][name] for r in runs if r[0].get(name) and r[1].get(name)]
    return round(statistics.median(found), 3) if found else None


def bench_loops(bench):
    for pinned in (True, False):
        runs = []
        for number in range(ROUNDS):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            runs.append({loops: measure(bench, loops, pinned) for loops in order})
        names = ('p50_us', 'p99_us', 'cpu_us_per_bet_all')
        bench.emit('loops', cores='one' if pinned else 'both', rounds=ROUNDS, rate=RATE,
                   **{f'{name}_{word}': statistics.median(r[loops][name] for r in runs)
                      for name in names for loops, word in ((0, 'without'), (1, 'with'))},
                   ratios={name: ratio(name, runs) for name in names}, runs=runs)
