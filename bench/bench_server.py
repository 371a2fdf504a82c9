"""The running server, measured from outside: bets, a recording at full speed, subscribers."""
import bz2
import json
import os
import subprocess
import time

from harness import LOAD_CPU, SERVER_CPU, ROOT, Feed, Server, clean_environment, end_process, pinned

MARKETS = 20
P99_US_MAX, FAILED_PPM_MAX, ACHIEVED_MIN = 50000, 1000, 0.98
BETS_P99_US_MAX, HIGHEST_BEGIN = (5000, 50000), {5000: 10000, 50000: 40000}
RATE_MAX = 400000
ATTEMPTS = 3
RECORDING = '1-206064380.bz2'
# Clients, changes a second.
SUBSCRIBERS = ((1, 1000), (1000, 100), (1000, 1000), (1000, 2000), (1000, 3000), (1000, 5000))
SUBSCRIBER_ROUNDS = 3  # of all ways by turns
FRAME_BYTES, BARE_WINDOW_MS = 256, 10


def failed_ppm(report):
    asked = report['answered'] + report['lost']
    return report['failed'] * 1000000 // asked if asked else 1000000


def sustained(report, p99_us_max):
    """Whether the server kept up with what it was asked."""
    return (report['latency_us']['p99'] < p99_us_max and failed_ppm(report) < FAILED_PPM_MAX and
            report['achieved_per_s'] >= ACHIEVED_MIN * report['rate'])


def tried(probe, rate, p99_us_max):
    """A rate counts as failed when it failed ATTEMPTS times: a neighbour's burst of work is no
    limit of ours. How often it took is in the report."""
    for attempt in range(1, ATTEMPTS + 1):
        report = probe(rate)
        report['attempts'] = attempt
        if sustained(report, p99_us_max):
            break
    return report


def highest(probe, begin, p99_us_max=P99_US_MAX):
    """The highest sustained rate to within 5 %: raised by half until it fails, then bisected.
    Answers the reports of the best rate and of the lowest that failed."""
    best, failed, rate = None, None, begin
    while failed is None and rate <= RATE_MAX:
        report = tried(probe, rate, p99_us_max)
        if sustained(report, p99_us_max):
            best, rate = report, rate * 3 // 2
        else:
            failed = report
    if best is None:
        return highest(probe, begin // 2, p99_us_max) if begin > 100 else (None, failed)
    while failed is not None and failed['rate'] > best['rate'] * 1.05:
        report = tried(probe, (failed['rate'] + best['rate']) // 2, p99_us_max)
        if sustained(report, p99_us_max):
            best = report
        else:
            failed = report
    return best, failed


STAGE = 'overround_stage_cycles_total{stage="'


def stages(before, after, seconds, bets):
    """Microseconds of the deciding loop for each bet by stage. The loop is always in one stage, so
    all of them together over the time between the two readings say how long a cycle is. The stage
    "wait" is mostly idleness; a stage also counts what the log's thread took of the same core."""
    spent = {name[len(STAGE):-2]: value - before.get(name, 0)
             for name, value in after.items() if name.startswith(STAGE)}
    total = sum(spent.values())
    if not total or not bets:
        return None
    return {name: round(cycles / total * seconds * 1e6 / bets, 3)
            for name, cycles in spent.items()}


def record_bytes(bench, data):
    """Of a placed bet, as the ledger has it."""
    argv = [bench.binary, 'ledger', 'dump', '--data', data]
    # pylint: disable=consider-using-with
    dump = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=clean_environment())
    found = None
    for line in dump.stdout:
        record = json.loads(line)
        if record['type'] == 'BET' and record['outcome'] == 'PLACED':
            found = record['bytes']
            break
    dump.kill()
    dump.wait()
    return found


def open_accounts(server, users=2000):
    """Everybody's money, once, and bets enough that the tables are resident, which their first
    few thousand keys make them: neither is what is measured."""
    server.load('bets', rate=100, seconds=1, warmup=0, users=users)
    server.load('bets', rate=2000, seconds=5, warmup=0, users=users, deposit=0)


def bets_at(server, rate, **options):
    before, threads, begin = server.metrics(), server.threads(), time.monotonic()
    report = server.load('bets', rate=rate, deposit=0, **options)
    after, seconds = server.metrics(), time.monotonic() - begin

    def change(name):
        return after.get(name, 0) - before.get(name, 0)

    groups = change('overround_ledger_commit_seconds_count') or change(
        'overround_ledger_groups_total')
    report['records_per_commit'] = round(change('overround_ledger_records_total') / groups, 1) \
        if groups else None
    commit = change('overround_ledger_commit_seconds_count')
    if commit:
        report['commit_us_mean'] = round(
            change('overround_ledger_commit_seconds_sum') * 1e6 / commit, 1)
    bets = change('overround_bets_total{verdict="PLACED"}')
    report['stage_us_per_bet'] = stages(before, after, seconds, bets)
    report['cpu_us_per_bet'] = {
        name: round((value - threads.get(name, 0)) * 1e6 / bets, 2)
        for name, value in server.threads().items()} if bets else None
    return report


WAYS = (
    # name, options, fixed rates that are measured too
    ('http', {'connections': 256, 'pipeline': 1}, (1000, 20000, 50000, 60000)),
    ('http_pipelined', {'connections': 64, 'pipeline': 16}, (100000,)),
    ('ws', {'connections': 2000, 'pipeline': 4, 'transport': 'ws', 'users': 2000}, (100000,)),
    ('http_one_market', {'connections': 256, 'pipeline': 1, 'channels': 'market:1.7000'},
     (50000,)),
)


def asked_ways(bench, ways):
    return [way for way in ways if not bench.ways or way[0] in bench.ways]


def bench_bets(bench):
    for name, options, fixed in asked_ways(bench, WAYS):
        for rate in fixed:
            with Server(bench) as server, Feed(server, MARKETS, 10):
                open_accounts(server)
                report = bets_at(server, rate, **options)
            bench.emit('bets', way=name, record_bytes=record_bytes(bench, server.data), **report)
        for p99_us_max in BETS_P99_US_MAX:
            with Server(bench) as server, Feed(server, MARKETS, 10):
                open_accounts(server)
                best, failed = highest(
                    lambda rate, s=server, o=options: bets_at(s, rate, **{'seconds': 3, **o}),
                    HIGHEST_BEGIN[p99_us_max], p99_us_max)
            bench.emit('bets_highest', way=name, record_bytes=record_bytes(bench, server.data),
                       limits={'p99_us': p99_us_max, 'failed_ppm': FAILED_PPM_MAX,
                               'achieved': ACHIEVED_MIN, 'attempts': ATTEMPTS},
                       rate=best['rate'] if best else 0, best=best, first_failed=failed)


# ---- bets while others are pushed to ----

PUSHED_CLIENTS, PUSHED_CHANNEL = 2000, 'event:9000'  # of four markets
PUSHED_MARKETS, PUSHED_MOVES = 1000, 2500            # so each client gets ten changes a second
PUSHED_RATE = 50000
PUSHED_BEGIN = 30000


class Crowd:
    """Subscribers of moving prices on the generator's core, for as long as it is open."""

    def __init__(self, server, seconds=86400):
        self.argv = pinned(LOAD_CPU, [server.bench.binary, 'load', 'subscribe', '--url', server.url,
                                      '--clients', str(PUSHED_CLIENTS), '--channels',
                                      PUSHED_CHANNEL, '--seconds', str(seconds)])
        self.server = server

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True,
                                        env=clean_environment())
        while self.server.metrics().get('overround_push_subscriptions', 0) < PUSHED_CLIENTS:
            if self.process.poll() is not None:
                raise RuntimeError('the subscribers ended')
            time.sleep(0.2)
        return self

    def report(self):
        report = json.loads(self.process.communicate()[0])
        return {name: report[name] for name in ('deliveries_per_s', 'latency_us', 'closed', 'gaps',
                                                'skipped')}

    def __exit__(self, *_):
        end_process(self.process)


def bets_and_pushes(server, rate, **options):
    name = 'overround_push_deliveries_total'
    before, begin = server.metrics()[name], time.monotonic()
    report = bets_at(server, rate, **options)
    report['pushes_per_s'] = round((server.metrics()[name] - before) / (time.monotonic() - begin))
    return report


def bench_bets_pushed(bench, ways=None):
    """A fixed rate with the subscribers' own latency; then the highest of each way."""
    crowd = {'clients': PUSHED_CLIENTS, 'channel': PUSHED_CHANNEL, 'markets': PUSHED_MARKETS,
             'moves_per_s': PUSHED_MOVES}
    for name, options, fixed in ways or asked_ways(bench, WAYS):
        with Server(bench) as server, Feed(server, PUSHED_MARKETS, PUSHED_MOVES):
            open_accounts(server)
            if PUSHED_RATE in fixed:
                with Crowd(server, bench.seconds) as subscribers:
                    report = bets_and_pushes(server, PUSHED_RATE, **options)
                    report['subscribers'] = subscribers.report()
                bench.emit('bets_pushed', way=name, crowd=crowd, **report)
            with Crowd(server):
                best, failed = highest(
                    lambda rate, s=server, o=options:
                        bets_and_pushes(s, rate, **{'seconds': 3, **o}), PUSHED_BEGIN)
        bench.emit('bets_pushed_highest', way=name, crowd=crowd,
                   record_bytes=record_bytes(bench, server.data), rate=best['rate'] if best else 0,
                   best=best, first_failed=failed)


def bench_reads(bench):
    for name, options in (('http', {'connections': 64, 'pipeline': 1}),
                          ('http_pipelined', {'connections': 64, 'pipeline': 16}),
                          ('batch_of_20', {'connections': 16, 'batch': 20})):
        with Server(bench) as server, Feed(server, MARKETS, 10):
            best, failed = highest(
                lambda rate, s=server, o=options: s.load('reads', rate=rate,
                                                         **{'seconds': 3, **o}), 20000)
        bench.emit('reads_highest', way=name, rate=best['rate'] if best else 0, best=best,
                   first_failed=failed)


# ---- a recording ----

def recordings():
    for folder in (os.environ.get('OVERROUND_FEEDS'), os.path.join(ROOT, '..', 'shared', 'feeds')):
        for path in (folder and os.path.join(folder, 'betfair', RECORDING),
                     folder and os.path.join(folder, RECORDING)):
            if path and os.path.exists(path):
                return path
    return None


def count_recording(path):
    messages = runners = 0
    with bz2.open(path, 'rt') as file:
        for line in file:
            messages += 1
            runners += sum(len(change.get('rc', ())) for change in json.loads(line).get('mc', ()))
    return messages, runners


def bench_replay(bench):
    path = recordings()
    if path is None:
        bench.note('replay', f'{RECORDING} is absent: set OVERROUND_FEEDS')
        return
    messages, runners = count_recording(path)
    for _ in range(3):
        with Server(bench) as server:
            cpu = server.cpu_seconds()
            argv = [bench.binary, 'feed', 'replay', '--format', 'betfair', '--speed', 'max',
                    '--to', server.admin_url, '--token', server.token('feed'), path]
            took = bench.run(argv, LOAD_CPU)[1]
            cpu = server.cpu_seconds() - cpu
            metrics = server.metrics()
        bench.emit('replay', recording=RECORDING, messages=messages, runner_changes=runners,
                   seconds=round(took, 3), messages_per_s=round(messages / took),
                   runner_changes_per_s=round(runners / took),
                   server_cpu_seconds=round(cpu, 2),
                   runner_changes_per_server_cpu_s=round(runners / cpu) if cpu else None,
                   server_messages=metrics.get('overround_feed_messages_total'),
                   server_malformed=metrics.get('overround_feed_malformed_total'),
                   server_prices=metrics.get('overround_prices_total'))


# ---- subscribers ----

def bare_sender(bench, clients, rate, window_ms):
    """The bare sender with frames of the same size to the same client; None: it is not built."""
    program = bench.program('bench-ref-fanout')
    if program is None:
        return None
    argv = [program, str(rate), str(FRAME_BYTES), str(window_ms)]
    # pylint: disable=consider-using-with
    sender = subprocess.Popen(pinned(SERVER_CPU, argv), stdout=subprocess.PIPE, text=True)
    try:
        url = sender.stdout.readline().strip()
        argv = [bench.binary, 'load', 'subscribe', '--url', url, '--clients', str(clients),
                '--channels', 'market:1.7000', '--seconds', str(bench.seconds),
                '--server-pid', str(sender.pid)]
        report = json.loads(bench.run(argv, LOAD_CPU)[0])
    finally:
        end_process(sender)
    report.pop('machine', None)
    return report


def our_sender(bench, clients, rate):
    with Server(bench) as server, Feed(server, 1, rate) as feed:
        report = server.load('subscribe', clients=clients, channels='market:1.7000')
        report['flush_interval_us'] = round(
            1e6 * server.metrics().get('overround_push_flush_interval_seconds', 0))
        report['feed'] = feed.end()
    return report


def middle_run(reports):
    """The run in the middle by what a delivery cost the server."""
    if None in reports:
        return None
    return sorted(reports, key=lambda r: float(r['server']['cpu_us_per_delivery']))[
        len(reports) // 2]


def bench_subscribers(bench):
    for clients, rate in SUBSCRIBERS:
        ways = {'ours': lambda c=clients, r=rate: our_sender(bench, c, r),
                'bare_sender': lambda c=clients, r=rate: bare_sender(bench, c, r, 0),
                'bare_sender_window': lambda c=clients, r=rate: bare_sender(
                    bench, c, r, BARE_WINDOW_MS)}
        found = {way: [] for way in ways}
        for _ in range(SUBSCRIBER_ROUNDS):
            for way, run in ways.items():
                found[way].append(run())
        middle = {way: middle_run(reports) for way, reports in found.items()}
        bench.emit('subscribers', changes_per_s=rate, rounds=SUBSCRIBER_ROUNDS,
                   p99_us=[r['latency_us']['p99'] for r in found['ours']],
                   **middle.pop('ours'), window_ms=BARE_WINDOW_MS, reference=middle)
