"""Bets with the ledger on a server of DynamoDB's API, beside a put a bet on the same server. The
server is npm's dynalite, one process of node over LevelDB: what this compares is how often somebody
else's store is asked, and it says nothing about what DynamoDB itself does or takes."""
import json
import os
import subprocess
import time

from bench_server import MARKETS, bets_at, open_accounts, record_bytes, sustained
from harness import LOAD_CPU, ROOT, Feed, Server, clean_environment, end_process

ROUNDS, SECONDS, CONNECTIONS = 3, 2, 16
RATES = (5000, 10000, 15000, 20000, 25000, 30000, 40000)
P99_US_MAX = 200000  # a batch is an item, and an item goes by HTTP
START_SECONDS_MAX = 60
PUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers', 'puts.mjs')
RUN = os.path.join(ROOT, 'tests', 'lib', 'run-dynamodb')


class Dynalite:
    """It may use either core."""

    def __init__(self, bench):
        self.folder = bench.fresh('dynamodb')

    def __enter__(self):
        place, end = os.path.join(self.folder, 'port'), time.monotonic() + START_SECONDS_MAX
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([RUN, self.folder], stdin=subprocess.DEVNULL,
                                        env=clean_environment())
        while not os.path.exists(place) and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.05)
        if not os.path.exists(place):
            end_process(self.process)
            raise OSError('no server of DynamoDB\'s API: no npm, or its registry is out of reach')
        with open(place, encoding='ascii') as file:
            self.port = int(file.read())
        return self

    def __exit__(self, *_):
        end_process(self.process)


def put_a_bet(bench, dynalite, table):
    argv = ['node', PUTS, str(dynalite.port), table, str(CONNECTIONS), str(SECONDS)]
    return json.loads(bench.run(argv, LOAD_CPU)[0])


def ours(bench, dynalite, table):
    """The highest of the rates that is kept up with, and the record's bytes."""
    url = f'dynamodb://{table}?region=eu-west-1&endpoint=http://127.0.0.1:{dynalite.port}/'
    best = None
    with Server(bench, '--ledger', url) as server, Feed(server, MARKETS, 10):
        open_accounts(server)
        for rate in RATES:
            report = bets_at(server, rate, seconds=SECONDS, connections=64, pipeline=16)
            if not sustained(report, P99_US_MAX):
                break
            best = report
    return best, record_bytes(bench, server.data)


def bench_dynamodb(bench):
    os.environ.update(AWS_ACCESS_KEY_ID='AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY='of-a-measurement')
    rounds = {'ours': [], 'puts': []}
    try:
        with Dynalite(bench) as dynalite:
            for number in range(ROUNDS):
                best, record = ours(bench, dynalite, f'ledger-{number}')
                rounds['ours'].append(best)
                rounds['puts'].append(put_a_bet(bench, dynalite, f'bets-{number}'))
    except OSError as why:
        bench.note('dynamodb', str(why))
        return
    best = sorted(rounds['ours'], key=lambda report: report['rate'] if report else 0)[ROUNDS // 2]
    puts = sorted(rounds['puts'], key=lambda report: report['puts_per_s'])[ROUNDS // 2]
    bench.emit('dynamodb', rounds=ROUNDS, record_bytes=record, server='dynalite 4.0.0',
               put_a_bet={**puts, 'connections': CONNECTIONS}, ledger=best,
               times_put_a_bet=round(best['rate'] / puts['puts_per_s'], 1) if best else 0)
