"""Whether the trouble of some is felt by the others: the latency of healthy subscribers, with bad
clients beside them and without, by turns."""
import json
import os
import statistics
import subprocess
import sys

from harness import LOAD_CPU, Feed, Server, pinned

CLIENTS, RATE = 500, 500  # healthy ones, changes a second of their market
CHANNEL = 'market:1.7000'
EACH = 10  # of five kinds
ROUNDS = 5
WAYS = ('alone', 'elsewhere', 'beside')


class BadClients:
    """bad_clients.py on the generator's core, where it gives way."""

    def __init__(self, server):
        host, port = server.url.split('//')[1].split(':')
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bad_clients.py')
        self.argv = pinned(LOAD_CPU, [sys.executable, program, host, port, CHANNEL, str(EACH)])

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.process.stdout.readline()
        return self

    def end(self):
        return json.loads(self.process.communicate('')[0])

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def healthy(server):
    return server.load('subscribe', clients=CLIENTS, channels=CHANNEL)


def closed(server):
    """How the public listener's connections ended."""
    return {name.split('reason="')[1].split('"')[0]: int(value)
            for name, value in server.metrics().items()
            if name.startswith('overround_connections_closed_total') and
            'listener="public"' in name and value > 0}


def one_round(bench, way):
    """On servers of its own: what bad clients leave behind is not in the next round. 'elsewhere':
    they are as bad, to another server on the same core."""
    with Server(bench) as server, Feed(server, 1, RATE):
        if way == 'alone':
            return healthy(server), None
        with Server(bench, name='other') as other, Feed(other, 1, 1):
            troubled = server if way == 'beside' else other
            with BadClients(troubled) as crowd:
                report = healthy(server)
                return report, {'closed': closed(troubled), **crowd.end()}


def summary(reports):
    def middle(of):
        return statistics.median(of(report) for report in reports)

    return {'p50_us': middle(lambda r: r['latency_us']['p50']),
            'p99_us': middle(lambda r: r['latency_us']['p99']),
            'p99_us_rounds': [r['latency_us']['p99'] for r in reports],
            'cpu_us_per_delivery': middle(lambda r: float(r['server']['cpu_us_per_delivery'])),
            **{name: sum(r[name] for r in reports) for name in ('gaps', 'skipped', 'closed')},
            'saturated': sum(r['generator']['saturated'] for r in reports)}


def bench_bad_clients(bench):
    found, bad = {way: [] for way in WAYS}, {}
    for _ in range(ROUNDS):
        for way in WAYS:
            report, told = one_round(bench, way)
            found[way].append(report)
            bad[way] = told
    values = {way: summary(reports) for way, reports in found.items()}
    p99 = {way: value['p99_us'] for way, value in values.items()}
    bench.emit('bad_clients', clients=CLIENTS, changes_per_s=RATE, bad_clients=5 * EACH,
               rounds=ROUNDS, seconds=bench.seconds,
               p99_ratio_to_alone=round(p99['beside'] / p99['alone'], 3),
               p99_ratio_to_elsewhere=round(p99['beside'] / p99['elsewhere'], 3),
               **values, bad={way: bad[way] for way in WAYS[1:]})
