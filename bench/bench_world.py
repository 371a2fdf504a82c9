"""Fan-out as a whole: one change at a time to all, and a world of markets and watchers."""
import http.client
import json
import os
import statistics
import subprocess
import time

from harness import LOAD_CPU, SERVER_CPU, Feed, Server, pinned

ONE_AT_A_TIME = (1000, 10000)  # clients
ROUNDS = 3                     # of ours and the bare sender by turns
FRAME_BYTES = 256
WORLD = {'markets': 100000, 'rate': 50000, 'clients': 10000, 'each': 20}
WARM_UP_SECONDS = 10
SETTLE_SECONDS = 3
READ_AT_ONCE = 100
SILENCE_MS = '120000'  # the feed ends before what it left is compared


def watchers_command(bench, url, numbers, pid):
    """numbers: clients, channels of each, markets, seconds, seconds before those."""
    return pinned(LOAD_CPU, [bench.program('bench-watchers'), url, *map(str, numbers),
                             os.path.join(bench.folder, 'final'), str(pid)])


def built(bench, name):
    for program in ('watchers', 'market-feed', 'ref-fanout'):
        if bench.program(f'bench-{program}') is None:
            bench.note(name, f'bench/bench-{program} is not built')
            return False
    return True


# ---- one at a time ----

def ask_and_watch(bench, url, clients, asks, pid):
    argv = watchers_command(bench, url, (clients, 1, 1, -bench.seconds, 1), pid)
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, stdout=asks,
                          stderr=subprocess.PIPE, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-400:])
    return json.loads(done.stderr)


def one_of_ours(bench, clients):
    with Server(bench) as server, Feed(server, 1, 0) as feed:
        return ask_and_watch(bench, server.url, clients, feed.asks, server.pid)


def one_bare(bench, clients):
    argv = pinned(SERVER_CPU, [bench.program('bench-ref-fanout'), '0', str(FRAME_BYTES)])
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as sender:
        try:
            url = sender.stdout.readline().strip()
            return ask_and_watch(bench, url, clients, sender.stdin, sender.pid)
        finally:
            sender.terminate()


def middle(reports, of):
    return statistics.median(of(report) for report in reports)


def bench_one_at_a_time(bench):
    """The next change is asked for when everybody has the last one."""
    if not built(bench, 'one_at_a_time'):
        return
    for clients in ONE_AT_A_TIME:
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(one_of_ours(bench, clients))
            bare.append(one_bare(bench, clients))
        values = {}
        for name, reports in (('ours', ours), ('bare_sender', bare)):
            values[name] = {
                'deliveries_per_s': middle(reports, lambda r: r['deliveries_per_s']),
                'server_cpu_us_per_delivery':
                    middle(reports, lambda r: float(r['server_cpu_us_per_delivery'])),
                'client_p99_us': middle(reports, lambda r: r['client_us']['p99']),
                'round_p50_us': middle(reports, lambda r: r['round_us']['p50']),
                'round_p99_us': middle(reports, lambda r: r['round_us']['p99'])}
        bench.emit('one_at_a_time', clients=clients, rounds=ROUNDS, **values,
                   rate_ratio=round(values['ours']['deliveries_per_s'] /
                                    values['bare_sender']['deliveries_per_s'], 3),
                   p99_ratio=round(values['ours']['client_p99_us'] /
                                   values['bare_sender']['client_p99_us'], 3),
                   reports={'ours': ours, 'bare_sender': bare})


# ---- the world ----

def shown_versions(server, idents):
    """What the server says at the end, by REST."""
    connection = http.client.HTTPConnection(server.url.split('//')[1], timeout=30)
    shown = {}
    for at in range(0, len(idents), READ_AT_ONCE):
        query = '&'.join('market_id=' + ident for ident in idents[at:at + READ_AT_ONCE])
        connection.request('GET', '/v1/odds?' + query)
        body = json.loads(connection.getresponse().read())
        for market in body['markets']:
            shown[market['market_id']] = market['odds_version']
    connection.close()
    return shown


def compare_final(server, path):
    with open(path, encoding='ascii') as file:
        watched = {ident: int(version) for ident, version in (line.split() for line in file)}
    shown = shown_versions(server, list(watched))
    return len(watched), sum(shown.get(ident) != version for ident, version in watched.items())


def wait_for_all(server, watchers):
    """Until all channels are followed and the server has caught up with what that cost it."""
    subscribed = 0
    while watchers.poll() is None and subscribed < WORLD['clients'] * WORLD['each']:
        time.sleep(0.5)
        subscribed = server.metrics().get('overround_push_subscriptions', 0)
    time.sleep(WARM_UP_SECONDS)
    return server.metrics(), time.monotonic()


def bench_world(bench):
    """Every client on markets of its own choice while all markets move; every version counted."""
    if not built(bench, 'world'):
        return
    with Server(bench, '--markets-max', str(WORLD['markets']), '--silence-ms',
                SILENCE_MS) as server, \
            Feed(server, WORLD['markets'], WORLD['rate']) as feed:
        numbers = (WORLD['clients'], WORLD['each'], WORLD['markets'], bench.seconds,
                   WARM_UP_SECONDS)
        # pylint: disable=consider-using-with
        watchers = subprocess.Popen(watchers_command(bench, server.url, numbers, server.pid),
                                    stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before, begin = wait_for_all(server, watchers)
        time.sleep(bench.seconds + 1)
        after, took = server.metrics(), time.monotonic() - begin
        fed = feed.end()
        time.sleep(SETTLE_SECONDS)
        _, errors = watchers.communicate('\n')
        if watchers.returncode != 0:
            raise RuntimeError(errors[-400:])
        compared, different = compare_final(server, os.path.join(bench.folder, 'final'))

    def rate(name):
        return round((after.get(name, 0) - before.get(name, 0)) / took)

    report = json.loads(errors)
    bench.emit('world', markets=WORLD['markets'], rate=WORLD['rate'], seconds=bench.seconds,
               feed=fed,
               prices_per_s=rate('overround_prices_total'),
               writes_per_s=rate('overround_writes_total{listener="public"}'),
               flushes_per_s=rate('overround_push_flushes_total'),
               markets_compared=compared, markets_that_differ_at_the_end=different, **report)
