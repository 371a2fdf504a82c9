"""Bets with the ledger in PostgreSQL, beside a transaction a bet on the same server and beside the
ledger in files: rounds of all three by turns, medians."""
import os
import re
import subprocess

from bench_server import MARKETS, bets_at, highest, open_accounts, record_bytes
from harness import LOAD_CPU, Feed, Server, clean_environment, pinned
from peers.postgres import Postgres

ROUNDS, SECONDS = 3, 4
BEGIN = {'database': 20000, 'files': 30000}
NAIVE_CLIENTS = (8, 32)
TABLES = """
DROP TABLE IF EXISTS bets, customers, odds;
CREATE TABLE customers (customer bigint PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE odds (market bigint PRIMARY KEY, odds bigint NOT NULL, status text NOT NULL);
CREATE TABLE bets (bet bigserial PRIMARY KEY, customer bigint NOT NULL, market bigint NOT NULL,
    stake bigint NOT NULL, odds bigint NOT NULL, status text NOT NULL DEFAULT 'PLACED',
    placed_at timestamptz NOT NULL DEFAULT now());
INSERT INTO customers SELECT n, 1000000000 FROM generate_series(1, 2000) AS n;
INSERT INTO odds SELECT n, 210, 'active' FROM generate_series(1, 20) AS n;
VACUUM ANALYZE;
"""
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers', 'naive.sql')


def naive(postgres, clients):
    """Bets a second of transactions that read the price, lock the balance, write the bet and debit
    it, each durable; and their mean latency."""
    argv = [os.path.join(postgres.bin, 'pgbench'), '-n', '-h', '127.0.0.1', '-p',
            str(postgres.port), '-U', 'postgres', '-f', SCRIPT, '-c', str(clients), '-T',
            str(SECONDS), '-M', 'prepared', 'postgres']
    text = subprocess.run(pinned(LOAD_CPU, argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=True, env=clean_environment()).stdout
    return (float(re.search(r'tps = ([0-9.]+)', text)[1]),
            float(re.search(r'latency average = ([0-9.]+)', text)[1]))


def ours(bench, way, *options):
    """The highest rate that is kept up with, and the record's bytes."""
    with Server(bench, *options) as server, Feed(server, MARKETS, 10):
        open_accounts(server)
        best, _ = highest(lambda rate: bets_at(server, rate, seconds=SECONDS, connections=64,
                                               pipeline=16), BEGIN[way])
    return best, record_bytes(bench, server.data)


def bench_database(bench):
    rounds = {'database': [], 'files': [], 'naive': []}
    with Postgres(bench) as postgres:
        url = f'postgresql://postgres@127.0.0.1:{postgres.port}/postgres'
        for _ in range(ROUNDS):
            # All that a book made there.
            postgres.sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public;')
            postgres.sql(TABLES)
            best, record = ours(bench, 'database', '--ledger', url)
            rounds['database'].append(best)
            rounds['naive'].append(max(naive(postgres, clients) for clients in NAIVE_CLIENTS))
            rounds['files'].append(ours(bench, 'files')[0])
        settings = postgres.settings

    def median(way, key=lambda report: report['rate'] if report else 0):
        return sorted(rounds[way], key=key)[ROUNDS // 2]

    in_database, per_bet = median('database'), median('naive', lambda pair: pair[0])
    bench.emit('database', rounds=ROUNDS, record_bytes=record, peer='postgresql', settings=settings,
               naive={'bets_per_s': per_bet[0], 'latency_ms_mean': per_bet[1],
                      'clients': NAIVE_CLIENTS},
               database=in_database, files=median('files'),
               times_naive=round(in_database['rate'] / per_bet[0], 1) if in_database else 0)
