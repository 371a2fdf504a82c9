"""Log shipping: what a standby on the same machine costs, and how long a takeover takes."""
import http.client
import os
import shutil
import signal
import subprocess
import time

from bench_server import MARKETS, bets_at, highest, open_accounts
from harness import LOAD_CPU, Feed, Server, clean_environment, pinned

RATES = (1000, 10000)
SECRETS = ('jwt-hs256.key', 'personal-master.key', 'ledger-ed25519.pem')
CAUGHT_UP_SECONDS_MAX = 120
# A neighbour's burst of work is no outage of the standby.
TIMEOUT = ('--ship-timeout-ms', '20000')


class Standby:
    """`overround standby` of a server, on the generator's core: the server keeps its own."""

    def __init__(self, bench, server):
        self.bench, self.server, self.data = bench, server, bench.fresh('standby')

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)
        return path

    def __enter__(self):
        keys = os.path.join(self.data, 'keys')
        os.mkdir(keys, 0o700)
        for secret in SECRETS:
            shutil.copy(os.path.join(self.server.data, 'keys', secret), keys)
        argv = [self.bench.binary, 'standby', '--data', self.data, '--listen', '127.0.0.1:0',
                '--admin', '127.0.0.1:0', '--profile', 'bench', '--log-level', 'warn',
                '--bets-max', '40000000', '--verdicts-max', '40000000',
                '--primary', self.server.admin,
                '--token', self.write('token', self.server.token('standby'))]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(pinned(LOAD_CPU, argv), stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True,
                                        env=clean_environment())
        self.url = self.wait_for('standby ')
        self.admin = self.wait_for('admin ').split('//')[1]
        self.wait_caught_up()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait_for(self, word):
        for line in self.process.stdout:
            if line.startswith(word):
                return line[len(word):].strip()
        raise RuntimeError('the standby ended')

    def wait_caught_up(self):
        end = time.monotonic() + CAUGHT_UP_SECONDS_MAX
        while not self.server.metrics()['overround_ship_caught_up']:
            if time.monotonic() > end:
                raise RuntimeError('the standby does not catch up')
            time.sleep(0.05)


def shipped(server, report):
    """A report with what the primary knows of its standby."""
    metrics = server.metrics()
    for name in ('lag_records', 'lag_bytes', 'lag_seconds'):
        report[name] = metrics.get(f'overround_ship_{name}')
    return report


def measure(bench, mode, server):
    options = {'connections': 256, 'pipeline': 1}
    bets_at(server, RATES[0], **options)  # segments are prepared: alike for all modes
    for rate in RATES:
        bench.emit('ship', mode=mode, **shipped(server, bets_at(server, rate, **options)))
    best, failed = highest(lambda rate: bets_at(server, rate, seconds=3, **options), 10000)
    bench.emit('ship_highest', mode=mode, rate=best['rate'] if best else 0, best=best,
               first_failed=failed)


def deposit(url, token, key):
    """Whether the book takes money: a record, durable wherever it must be."""
    connection = http.client.HTTPConnection(url.split('//')[1], timeout=10)
    try:
        connection.request('POST', '/v1/account/deposits', '{"amount":1.00,"currency":"GBP"}',
                           {'Authorization': f'Bearer {token}', 'Idempotency-Key': key,
                            'Content-Type': 'application/json'})
        return connection.getresponse().status == 201
    except OSError:
        return False
    finally:
        connection.close()


def measure_takeover(bench, server, standby):
    """From the command to the first accepted record; a cold start of the same ledger beside it."""
    records = server.metrics()['overround_ledger_records_total']
    token, admin = server.token('bettor'), standby.write('admin', server.token('admin'))
    standby.wait_caught_up()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    begin = time.monotonic()
    bench.run([bench.binary, 'promote', '--admin', standby.admin, '--token', admin])
    url = standby.wait_for('ready ')
    ready = time.monotonic() - begin
    while not deposit(url, token, 'after'):
        time.sleep(0.001)
    accepted = time.monotonic() - begin
    standby.process.kill()
    standby.process.wait()
    argv = [bench.binary, 'serve', '--data', standby.data, '--listen', '127.0.0.1:0', '--admin',
            '127.0.0.1:0', '--profile', 'bench', '--log-level', 'warn', '--bets-max', '40000000',
            '--verdicts-max', '40000000']
    begin = time.monotonic()
    # pylint: disable=consider-using-with
    standby.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                       text=True, env=clean_environment())
    standby.wait_for('ready ')
    bench.emit('takeover', records=records, ready_ms=round(ready * 1000, 1),
               first_accepted_ms=round(accepted * 1000, 1),
               cold_start_ms=round((time.monotonic() - begin) * 1000, 1))


def bench_ship(bench):
    with Server(bench) as server, Feed(server, MARKETS, 10):
        open_accounts(server)
        measure(bench, 'off', server)
    for mode in ('async', 'sync'):
        with Server(bench, '--ship', mode, *TIMEOUT) as server, Standby(bench, server) as standby:
            with Feed(server, MARKETS, 10):
                open_accounts(server)
                measure(bench, mode, server)
            measure_takeover(bench, server, standby)


__all__ = ['bench_ship']
