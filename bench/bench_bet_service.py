"""Bets in processes that follow prices (`serve --roles bet-service`), the ledger in PostgreSQL and
prices by Redis from a writer whose prices move: one such process at fixed rates, its bets spread
over many markets and all on one, by turns, and then a transaction a bet on the same server; then
two shards of them behind a front, with a desk without users. The bet-services have one core; all
that stands before and beside them, the generator as well, shares the other; PostgreSQL may use
both. What became of the bets is the servers' own counters."""
import os
import shutil
import time

from bench_database import NAIVE_CLIENTS, TABLES, naive
from bench_fronts import Front, Redis
from bench_server import bets_at, open_accounts, sustained
from harness import LOAD_CPU, Feed, Server
from peers.postgres import Postgres

ROUNDS, SECONDS, MARKETS, MOVES = 3, 3, 1000, 3000
P99_US_MAX, RATES = 200000, (20000, 35000, 50000, 65000)
SHARDS, SHARDED_RATES = 2, (5000, 10000, 20000, 30000)
WAYS = {'spread': 'sport:football', 'one_market': 'market:1.7000'}
WIRE = {'connections': 64, 'pipeline': 16, 'policy': 'any', 'seconds': SECONDS}
READY_SECONDS_MAX = 30
VERDICT, LATE = 'overround_bets_total{verdict="', 'overround_bets_late_total'
OLD = 'overround_limit_reached_total{limit="price_lag_ms_max"}'
FRESHNESS = 'overround_odds_freshness_seconds_'


class Beside(Server):
    """On the generator's core."""
    cpu = LOAD_CPU


def copy_keys(of, to):
    keys = os.path.join(to.data, 'keys')
    os.makedirs(keys, mode=0o700)
    for name in ('jwt-hs256.key', 'personal-master.key'):
        shutil.copy(os.path.join(of.data, 'keys', name), keys)


def token_file(server, role):
    path = os.path.join(server.data, role + '.token')
    with open(path, 'w', encoding='ascii') as file:
        file.write(server.token(role))
    return path


def until(what, *args):
    end = time.monotonic() + READY_SECONDS_MAX
    while not what(*args):
        if time.monotonic() > end:
            raise RuntimeError(f'{what.__name__}: not in time')
        time.sleep(0.1)


def follows(service):
    metrics = service.metrics()
    return metrics.get('overround_odds_follower_ready') == 1 and \
        metrics.get('overround_odds_follower_markets') == MARKETS


def counted(servers):
    """What became of bets, by the servers' counters, and how old prices were when they came."""
    total = {}
    for server in servers:
        for name, value in server.metrics().items():
            if name.startswith((VERDICT, LATE, OLD, FRESHNESS + 'sum', FRESHNESS + 'count')):
                total[name] = total.get(name, 0) + value
    return total


def outcomes(before, after):
    change = {name: value - before.get(name, 0) for name, value in after.items()}
    prices = change.get(FRESHNESS + 'count', 0)
    return {'verdicts': {name[len(VERDICT):-2]: round(value) for name, value in change.items()
                         if name.startswith(VERDICT) and value},
            'late': round(change.get(LATE, 0)), 'price_too_old': round(change.get(OLD, 0)),
            'price_age_ms_mean': round(1000 * change[FRESHNESS + 'sum'] / prices, 1)
            if prices else None}


def told(report):
    """What of a report says how a rate went."""
    return {'rate': report['rate'], 'achieved_per_s': report['achieved_per_s'],
            'latency_us': report['latency_us'], 'failed': report['failed'], 'lost': report['lost'],
            'cpu_us_per_bet': report['cpu_us_per_bet'],
            'records_per_commit': report['records_per_commit'],
            'saturated': report['generator']['saturated'], **report['outcomes']}


def probe(service, rate, channels):
    before = counted([service])
    report = bets_at(service, rate, channels=channels, **WIRE)
    report['outcomes'] = outcomes(before, counted([service]))
    return report


def alone(bench, postgres, store, url):
    """One bet-service: fixed rates of each way by turns, then a transaction a bet."""
    rounds = {way: {rate: [] for rate in RATES} for way in WAYS}
    postgres.sql(TABLES)
    with Beside(bench, '--odds-store', store, name='writer') as writer, \
            Feed(writer, MARKETS, MOVES), \
            Server(bench, '--roles', 'bet-service', '--odds-store', store, '--ledger', url,
                   name='bets') as service:
        until(follows, service)
        open_accounts(service)
        for _ in range(ROUNDS):
            for rate in RATES:
                for way, channels in WAYS.items():
                    rounds[way][rate].append(probe(service, rate, channels))
    per_bet = max(naive(postgres, clients) for clients in NAIVE_CLIENTS)
    medians = {way: [sorted(reports, key=lambda one: one['achieved_per_s'])[ROUNDS // 2]
                     for reports in rates.values()] for way, rates in rounds.items()}
    best = {way: max((one['rate'] for one in reports if sustained(one, P99_US_MAX)), default=0)
            for way, reports in medians.items()}
    bench.emit('bet_service', rounds=ROUNDS, markets=MARKETS, moves_per_s=MOVES,
               p99_us_max=P99_US_MAX, peer='postgresql', settings=postgres.settings,
               naive={'bets_per_s': per_bet[0], 'latency_ms_mean': per_bet[1]},
               kept_up_with=best, times_naive=round(best['spread'] / per_bet[0], 1),
               **{way: [told(one) for one in reports] for way, reports in medians.items()})


class ShardFront(Front):
    """Before all shards."""

    def __init__(self, bench, desk, services, store):
        super().__init__(bench, desk, store)
        at = self.options.index('--book')
        books = [f'--book={n}={service.admin}' for n, service in enumerate(services)]
        self.options = (*self.options[:at], *self.options[at + 2:], '--shards', str(SHARDS), *books)


def takes_bets(front):
    taking = [value for name, value in front.metrics().items()
              if name.startswith('overround_link_takes_bets')]
    return len(taking) == SHARDS and all(taking)


def sharded_at(front, desk, services, rate):
    processes = {'front': [front], 'desk': [desk], 'bet_services': services}

    def used():
        return {name: sum(one.cpu_seconds() for one in group)
                for name, group in processes.items()}

    before, cpu = counted(services), used()
    report = desk.load('bets', url=front.url, rate=rate, deposit=0, channels=WAYS['spread'], **WIRE)
    cpu = {name: seconds - cpu[name] for name, seconds in used().items()}
    result = outcomes(before, counted(services))
    placed = result['verdicts'].get('PLACED', 0)
    return {'rate': rate, 'achieved_per_s': report['achieved_per_s'],
            'latency_us': report['latency_us'], 'failed': report['failed'],
            'lost': report['lost'], 'saturated': report['generator']['saturated'],
            'cpu_us_per_bet': {name: round(seconds * 1e6 / placed, 1)
                               for name, seconds in cpu.items()} if placed else None, **result}


def sharded(bench, postgres, store, url):
    """Two shards behind one front, with a desk apart: fixed rates."""
    with Beside(bench, '--roles', 'odds-worker,back-office', '--shards', str(SHARDS),
                '--odds-store', store, name='desk') as desk:
        desk_token = token_file(desk, 'shard')
        services = [Server(bench, '--roles', 'bet-service', '--odds-store', store, '--ledger', url,
                           '--shard', str(n), '--shards', str(SHARDS), '--desk', desk.admin,
                           '--desk-apart', 'on', '--desk-token', desk_token, name=f'bets-{n}')
                    for n in range(SHARDS)]
        for service in services:
            copy_keys(desk, service)
        with Feed(desk, MARKETS, MOVES), services[0], services[1], \
                ShardFront(bench, desk, services, store) as front:
            for service in services:
                until(follows, service)
            until(takes_bets, front)
            desk.load('bets', url=front.url, rate=100, seconds=1, warmup=0, users=2000)
            desk.load('bets', url=front.url, rate=4000, seconds=8, warmup=0, users=2000, deposit=0)
            rates = [sharded_at(front, desk, services, rate) for rate in SHARDED_RATES]
    bench.emit('bet_service_shards', shards=SHARDS, markets=MARKETS, moves_per_s=MOVES,
               peer='postgresql', settings=postgres.settings, rates=rates)


def bench_bet_service(bench):
    with Postgres(bench) as postgres:
        url = f'postgresql://postgres@127.0.0.1:{postgres.port}/postgres'
        with Redis(bench) as store:
            alone(bench, postgres, store, url)
        postgres.sql('DROP TABLE IF EXISTS ledger, ledger_schema;'
                     'DROP FUNCTION IF EXISTS ledger_is_insert_only();')
        with Redis(bench) as store:
            sharded(bench, postgres, store, url)
