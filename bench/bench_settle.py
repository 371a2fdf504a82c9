"""Settlement: the engine alone, beside PostgreSQL doing the same; then the running server, whose
bets elsewhere go on meanwhile."""
import http.client
import json
import os
import statistics
import threading
import time

from bench_server import open_accounts
from harness import Feed, Server, documents
from peers.postgres import Postgres

ROUNDS = 3
ACCOUNTS = 100000
ONE_BY_ONE = 5000
# Bets, events, markets of each.
SHAPES = ((500000, 1, 20), (500000, 1, 1), (1000000, 1, 20), (1500000, 15, 20))
# Systems of 8 of 16 legs, 12,870 lines; events of one market each.
SYSTEMS, SYSTEM_EVENTS, SYSTEM_LEGS, SYSTEM_SIZE = 2000, 32, 16, 8
PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers')


def sql_file(name):
    with open(os.path.join(PEERS, name), encoding='utf-8') as file:
        return file.read()


def engine(bench, shape, proofs, *system):
    """One run on a fresh log, its own report."""
    report, = documents(bench.run([bench.program('bench-settle'), bench.fresh('settle'),
                                   *map(str, shape), str(int(proofs)), *map(str, system)])[0])
    report.pop('bench')
    return report


class Tables:
    """The same bets in a PostgreSQL."""

    def __init__(self, postgres, shape):
        self.postgres, (self.bets, events, of_each) = postgres, shape
        self.markets = events * of_each
        postgres.sql(f'''
            DROP SCHEMA public CASCADE; CREATE SCHEMA public;
            {sql_file('settle.sql')}
            INSERT INTO accounts SELECT n, 10000000 FROM generate_series(-1, {ACCOUNTS}) n;
            INSERT INTO bets SELECT n, 1 + (hashint4(n::int) & 2147483647) % {ACCOUNTS},
                n % {self.markets} / {of_each}, n % {self.markets},
                (hashint4(n::int + 1) & 2147483647) % 3, 100, 21, 10, 1, now(), md5(n::text)
                FROM generate_series(1, {self.bets}) n;
            CREATE INDEX ON bets (market) WHERE status = 1;
            VACUUM ANALYZE bets; VACUUM ANALYZE accounts; CHECKPOINT;''')

    def results(self):
        self.postgres.sql(f'INSERT INTO results SELECT 1, m, s, s = 0 FROM '
                          f'generate_series(0, {self.markets - 1}) m, generate_series(0, 2) s;'
                          'ANALYZE results;')

    def settle(self):
        """Seconds of the one statement with its commit."""
        answer, took = self.postgres.sql('SELECT settle();')
        if f'\n{self.bets}\n' not in '\n' + answer:
            raise RuntimeError(f'not all were settled: {answer[-200:]}')
        return took[0]

    def one_by_one(self):
        """Settlements a second, over some of them."""
        return ONE_BY_ONE / self.postgres.sql(f'CALL settle_one_by_one({ONE_BY_ONE});')[1][0]


def peer_settles(postgres, shape):
    tables = Tables(postgres, shape)
    tables.results()
    return tables.settle()


def settle_beside(bench, postgres, shape):
    """Rounds by turns; medians, and the median of the ratios within a round."""
    plain, proofs, theirs = [], [], []
    for _ in range(ROUNDS):
        plain.append(engine(bench, shape, False))
        proofs.append(engine(bench, shape, True))
        if postgres is not None:
            theirs.append(peer_settles(postgres, shape))
    middle = {'rounds': len(plain)}
    for word, reports in (('', plain), ('_with_tree', proofs)):
        middle['seconds' + word] = statistics.median(r['seconds'] for r in reports)
        middle['settlements_per_s' + word] = statistics.median(
            r['settlements_per_s'] for r in reports)
    if theirs:
        middle['postgres_seconds'] = round(statistics.median(theirs), 3)
        middle['times_postgres'] = round(statistics.median(
            its / mine['seconds'] for its, mine in zip(theirs, plain)), 1)
        middle['times_postgres_with_tree'] = round(statistics.median(
            its / mine['seconds'] for its, mine in zip(theirs, proofs)), 1)
    bench.emit('settle_engine', **dict(zip(('bets', 'events', 'markets_per_event'), shape)),
               **middle, postgres=postgres.settings if postgres else None,
               runs={'plain': plain, 'with_tree': proofs, 'postgres_s': theirs})


def one_by_one(bench, postgres):
    tables = Tables(postgres, (50000, 1, 20))
    tables.results()
    bench.emit('settle_one_by_one', settlements_per_s=round(tables.one_by_one()),
               bets=ONE_BY_ONE, postgres=postgres.settings)


def peer_settles_systems(postgres):
    """The same systems, as doubles, line by line."""
    tables = Tables(postgres, (1, SYSTEM_EVENTS, 1))
    tables.results()
    postgres.sql(f'''
        {sql_file('systems.sql')}
        INSERT INTO systems
        SELECT n, 1 + (hashint4(n) & 2147483647) % {ACCOUNTS}, 1,
            (SELECT array_agg((n + i) % {SYSTEM_EVENTS} ORDER BY i)
             FROM generate_series(0, {SYSTEM_LEGS - 1}) i),
            (SELECT array_agg(((hashint4(n * 16 + i) >> 8) & 1)::smallint ORDER BY i)
             FROM generate_series(0, {SYSTEM_LEGS - 1}) i),
            array_fill(2.1::float8, ARRAY[{SYSTEM_LEGS}]), 1, md5(n::text)
        FROM generate_series(1, {SYSTEMS}) n;
        VACUUM ANALYZE systems; VACUUM ANALYZE lines; CHECKPOINT;''')
    answer, took = postgres.sql('SELECT settle_systems();')
    if f'\n{SYSTEMS}\n' not in '\n' + answer:
        raise RuntimeError(f'not all were settled: {answer[-200:]}')
    return took[0]


def systems_beside(bench, postgres):
    """Systems of 12,870 lines: by the polynomial here, line by line there, by turns."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(engine(bench, (SYSTEMS, SYSTEM_EVENTS, 1), False, SYSTEM_LEGS, SYSTEM_SIZE))
        if postgres is not None:
            theirs.append(peer_settles_systems(postgres))
    row = {'seconds': statistics.median(r['seconds'] for r in ours)}
    if theirs:
        row['postgres_seconds'] = round(statistics.median(theirs), 3)
        row['times_postgres'] = round(statistics.median(
            its / mine['seconds'] for its, mine in zip(theirs, ours)), 1)
    bench.emit('settle_systems', bets=SYSTEMS, legs=SYSTEM_LEGS, size=SYSTEM_SIZE,
               lines_per_bet=ours[0]['lines_per_bet'], rounds=ROUNDS, **row,
               postgres=postgres.settings if postgres else None,
               runs={'plain': ours, 'postgres_s': theirs})


def bench_settle_engine(bench, shapes=SHAPES):
    if bench.program('bench-settle') is None:
        bench.note('settle_engine', 'bench/bench-settle is not built')
        return
    try:
        peer = Postgres(bench)
    except (OSError, RuntimeError) as error:
        bench.note('settle_engine', f'postgresql is not here: {error}')
        for shape in shapes:
            settle_beside(bench, None, shape)
        systems_beside(bench, None)
        return
    with peer:
        for shape in shapes:
            settle_beside(bench, peer, shape)
        systems_beside(bench, peer)
        one_by_one(bench, peer)


# ---- the running server ----

RATE = 5000              # bets a second on other markets, before and meanwhile
# The bets that are open, and on what: the markets of an event, one market, 15 events.
OPEN = ((500000, 'event'), (500000, 'market'), (1000000, 'event'), (1000000, 'market'),
        (1500000, 'events'))
FILL_RATE, FILL_SECONDS = 40000, 120
FEED_MARKETS = 64        # four to an event: bets elsewhere go to the last of them
BIG_EVENT, ELSEWHERE = '9000', 'event:9015'
EVENTS = 15
BEFORE_SECONDS, CALM_SECONDS_MAX = 3, 20


FEED_SELECTIONS = ('11', '12', '13')


def post_results(server, markets, event=BIG_EVENT, selections=FEED_SELECTIONS):
    """By hand, all in one request: the first selection won."""
    body = {'result_version': 1, 'reason': 'full time', 'markets': [
        {'market_id': market, 'selections': [
            {'selection_id': selection, 'result': 'WON' if n == 0 else 'LOST'}
            for n, selection in enumerate(selections)]} for market in markets]}
    connection = http.client.HTTPConnection(server.admin, timeout=30)
    connection.request('POST', f'/v1/admin/events/{event}/results', json.dumps(body),
                       {'Authorization': 'Bearer ' + server.token('trader'),
                        'Content-Type': 'application/json'})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f'the result was refused: {answer.status} {text[:300]}')


def fill(server, count, channel):
    """Open bets on the channel's markets, as fast as they are taken."""
    name, options = 'overround_bets_total{verdict="PLACED"}', {}
    begin = server.metrics()[name]
    end = time.monotonic() + FILL_SECONDS
    while (placed := server.metrics()[name] - begin) < count and time.monotonic() < end:
        seconds = max(1, min(10, round((count - placed) / FILL_RATE)))
        server.load('bets', rate=FILL_RATE, seconds=seconds, warmup=0, transport='ws',
                    connections=500, pipeline=32, users=2000, channels=channel, **options)
        options = {'deposit': 0}
    if placed < count:
        raise RuntimeError(f'{placed:.0f} of {count} bets were placed in {FILL_SECONDS} s')
    return placed


def wait_calm(server):
    """What the filling has left to do beside (the second fold, segments to compress) is done."""
    end, used = time.monotonic() + CALM_SECONDS_MAX, server.cpu_seconds()
    while time.monotonic() < end:
        time.sleep(1)
        before, used = used, server.cpu_seconds()
        if used - before < 0.1:
            return


class Elsewhere(threading.Thread):
    """Bets at a steady rate on the other markets; `report` at its end."""

    def __init__(self, server, seconds, warmup=1):
        super().__init__()
        self.server, self.report = server, None
        self.options = {'rate': RATE, 'seconds': seconds, 'warmup': warmup, 'connections': 64,
                        'pipeline': 4, 'users': 2000, 'channels': ELSEWHERE, 'deposit': 0}

    def run(self):
        self.report = self.server.load('bets', **self.options)

    def wait_warm(self, placed_before):
        name = 'overround_bets_total{verdict="PLACED"}'
        while self.is_alive() and \
                self.server.metrics()[name] < placed_before + RATE * self.options['warmup']:
            time.sleep(0.02)

    def finish(self):
        self.join()
        if self.report is None:
            raise RuntimeError('the bets elsewhere failed')
        keys = ('latency_us', 'service_us', 'achieved_per_s', 'failed', 'lost', 'saturated',
                'own_late_us')
        return {key: self.report[key] for key in keys if key in self.report}


def wait_settled(server, count, begun):
    """Seconds from `begun` until so many are settled and nothing waits for the disk, to within the
    time between two looks."""
    while True:
        now = server.metrics()
        if now['overround_settled_bets_total'] >= count and \
                now['overround_settle_backlog'] == 0:
            return time.monotonic() - begun
        if time.monotonic() - begun > FILL_SECONDS:
            raise RuntimeError('the settlement does not end')
        time.sleep(0.1)


def settle_meanwhile(server, count, events, seconds):
    """Bets elsewhere; when they are under way, the results."""
    sum_name = 'overround_settlement_seconds_sum'
    before = server.metrics()
    bets = Elsewhere(server, seconds)
    bets.start()
    bets.wait_warm(before['overround_bets_total{verdict="PLACED"}'])
    settled, begun = before['overround_settled_bets_total'], time.monotonic()
    for event, markets in events.items():
        post_results(server, markets, event)
    settle_s = wait_settled(server, settled + count, begun)
    meanwhile = bets.finish()
    return {'settle_s': round(settle_s, 3),
            'settle_server_s': round(server.metrics()[sum_name] - before.get(sum_name, 0), 3),
            'meanwhile_window_s': seconds, 'meanwhile': meanwhile}


def compared(row):
    before, meanwhile = row['before']['latency_us'], row['meanwhile']['latency_us']
    row['p99_ratio'] = round(meanwhile['p99'] / before['p99'], 2)
    return row


def quiet_elsewhere(server):
    before = Elsewhere(server, BEFORE_SECONDS)
    before.start()
    return before.finish()


def markets_of(way):
    """{event: markets}, and the channels on which they are."""
    if way == 'market':
        return {BIG_EVENT: ['1.7000']}, 'market:1.7000'
    events = {str(int(BIG_EVENT) + n): [f'1.{7000 + 4 * n + m}' for m in range(4)]
              for n in range(1 if way == 'event' else EVENTS)}
    return events, ' '.join(f'event:{event}' for event in events)


def bench_settle_server(bench, rows=OPEN):
    """A huge settlement: over the markets of an event, on one market, over many events at once."""
    for count, way in rows:
        events, channels = markets_of(way)
        with Server(bench) as server, Feed(server, FEED_MARKETS, 10):
            open_accounts(server)
            placed = fill(server, count, channels)
            wait_calm(server)
            row = {'before': quiet_elsewhere(server),
                   **settle_meanwhile(server, placed, events, max(1, count // 500000))}
        bench.emit('settle_server', way=way, open_bets=int(placed), rate=RATE, **compared(row))
