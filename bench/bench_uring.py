"""The bare sender's sends by epoll and send(2), and by io_uring: what the kernel would save us."""
import json
import statistics
import subprocess

from bench_world import ask_and_watch
from harness import LOAD_CPU, SERVER_CPU, end_process, pinned

MODES = ('send', 'uring', 'uring-zc', 'uring-bundle')
FRAME_BYTES = 256
CLIENTS = 1000
LOADS = ((0, 0), (1000, 0), (1000, 10), (2000, 10))  # changes a second (0: one at a time), window
ROUNDS = 3


class Bare:
    """bench-ref-fanout, sending in one of these ways."""

    def __init__(self, bench, rate, window_ms, mode):
        self.argv = pinned(SERVER_CPU, [bench.program('bench-ref-fanout'), str(rate),
                                        str(FRAME_BYTES), str(window_ms), mode])

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        end_process(self.process)


def measure(bench, load, mode):
    """(server's microseconds of a delivery, p99 in microseconds, deliveries a second), or None."""
    rate, window_ms = load
    with Bare(bench, rate, window_ms, mode) as bare:
        if not bare.url:
            return None
        if rate == 0:
            report = ask_and_watch(bench, bare.url, CLIENTS, bare.process.stdin, bare.process.pid)
            return (float(report['server_cpu_us_per_delivery']), report['client_us']['p99'],
                    report['deliveries_per_s'])
        argv = [bench.binary, 'load', 'subscribe', '--url', bare.url, '--clients', str(CLIENTS),
                '--channels', 'market:1.7000', '--seconds', str(bench.seconds),
                '--server-pid', str(bare.process.pid)]
        report = json.loads(bench.run(argv, LOAD_CPU)[0])
        return (float(report['server']['cpu_us_per_delivery']), report['latency_us']['p99'],
                report['deliveries_per_s'])


def bench_uring(bench):
    if bench.program('bench-ref-fanout') is None or bench.program('bench-watchers') is None:
        bench.note('uring', 'bench/bench-ref-fanout or bench/bench-watchers is not built')
        return
    for load in LOADS:
        found = {mode: [] for mode in MODES}
        for _ in range(ROUNDS):
            for mode in MODES:
                found[mode].append(measure(bench, load, mode))
        values = {mode: 'not here: liburing was not there, or the kernel refuses' if None in runs
                  else dict(zip(('cpu_us_per_delivery', 'p99_us', 'deliveries_per_s'),
                                (statistics.median(column) for column in zip(*runs))))
                  for mode, runs in found.items()}
        bench.emit('uring', clients=CLIENTS, changes_per_s=load[0], window_ms=load[1],
                   rounds=ROUNDS, **values)
