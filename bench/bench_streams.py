"""Odds updates into one broker of a Kafka, at a rate: the server that publishes them, the same
server that does not, and librdkafka's own producer with the same messages, in turns. The broker and
the feed share one core, the server has the other."""
import json
import os
import socket
import subprocess
import time

from harness import LOAD_CPU, ROOT, SERVER_CPU, Feed, Server, clean_environment, documents, pinned

RATE, MARKETS, ROUNDS, SECONDS = 50000, 1000, 2, 8
RUN = os.path.join(ROOT, 'tests', 'lib', 'run-kafka')
SAMPLE = 5000
SETTLE_SECONDS_MAX = 20
LAG = 'overround_stream_lag_events{topic="odds-updates"}'
EVENTS = 'overround_stream_events_total{topic="odds-updates"}'


class Broker:
    def __init__(self, bench):
        sockets = [socket.socket() for _ in range(3)]
        for one in sockets:
            one.bind(('127.0.0.1', 0))
        ports = [one.getsockname()[1] for one in sockets]
        for one in sockets:
            one.close()
        self.address = f'127.0.0.1:{ports[0]}'
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            pinned(LOAD_CPU, [RUN, bench.fresh('kafka'), '1', ':'.join(map(str, ports))]),
            stdin=subprocess.DEVNULL, env=clean_environment())
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(('127.0.0.1', ports[0])) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError('no Kafka here')

    def close(self):
        self.process.kill()
        self.process.wait()


def cpu_of(pid):
    with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def settle(server):
    """Until what came while the feed and the topics began was told."""
    end = time.monotonic() + SETTLE_SECONDS_MAX
    time.sleep(3)
    while server.metrics().get(LAG, 0) > RATE / 4 and time.monotonic() < end:
        time.sleep(0.1)


def served(bench, broker, *options):
    """What the server did in SECONDS, with the lag sampled ten times a second, as milliseconds of
    its rate."""
    with Server(bench, '--markets-max', str(2 * MARKETS), *options) as server, \
            Feed(server, MARKETS, RATE) as feed:
        settle(server)
        before, cpu, begin = server.metrics(), server.cpu_seconds(), time.monotonic()
        broker_cpu, lags = cpu_of(broker.process.pid), []
        while time.monotonic() < begin + SECONDS:
            time.sleep(0.1)
            lags.append(server.metrics().get(LAG, 0))
        after, took = server.metrics(), time.monotonic() - begin
        result = {'cpu_seconds': round(server.cpu_seconds() - cpu, 2),
                  'broker_cpu_seconds': round(cpu_of(broker.process.pid) - broker_cpu, 2),
                  'feed_late': feed.end()}
        rate = (after.get(EVENTS, 0) - before.get(EVENTS, 0)) / took
        if rate > 0:
            lags.sort()
            result.update(events_per_second=round(rate),
                          lag_ms_p50=round(lags[len(lags) // 2] / rate * 1000, 1),
                          lag_ms_p99=round(lags[len(lags) * 99 // 100] / rate * 1000, 1))
        return result


def sample(bench, broker, path):
    """Messages as they were told, for the bare producer."""
    argv = [bench.binary, 'stream', 'tail', '--streams', f'kafka://{broker.address}', '--topic',
            'odds-updates', '--group', 'sample']
    with open(path, 'w', encoding='utf-8') as file, subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, env=clean_environment()) as tail:
        for _, text in zip(range(SAMPLE), tail.stdout):
            line = json.loads(text)
            value = text[text.index('"value":') + len('"value":'):].rstrip()[:-1]
            file.write(f"{line['key']}\t{value}\n")
        tail.kill()


def one_round(bench, number):
    """With a broker of its own: a topic tells of one book."""
    broker = Broker(bench)
    path = os.path.join(bench.fresh('sample'), 'messages')
    words = {'rate': RATE, 'round': number}
    try:
        bench.emit('streams', way='none', **words, **served(bench, broker))
        bench.emit('streams', way='streams', **words,
                   **served(bench, broker, '--streams', f'kafka://{broker.address}',
                            '--streams-create', '1'))
        sample(bench, broker, path)
        before = cpu_of(broker.process.pid)
        report, = documents(bench.run([bench.program('bench-ref-kafka'), broker.address,
                                       'odds-updates', str(RATE), str(SECONDS), path],
                                      cpu=SERVER_CPU)[0])
        bench.emit('streams', way='bare', **words, **report,
                   broker_cpu_seconds=round(cpu_of(broker.process.pid) - before, 2))
    finally:
        broker.close()


def bench_streams(bench):
    if subprocess.run([RUN, '--fetch'], check=False).returncode != 0:
        bench.note('streams', "no Java, no Maven, or Kafka's jars are out of reach")
        return
    for number in range(ROUNDS):
        one_round(bench, number)
