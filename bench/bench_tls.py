"""TLS beside the clear on the same server and in the same run: handshakes, deliveries, bets, and
what an idle connection costs."""
import os
import subprocess
import time

from bench_server import bets_at, highest, open_accounts
from harness import LOAD_CPU, Feed, Server, clean_environment, pinned

IDLE = 5000
ROUNDS = 3  # of each, in turn: a neighbour's burst hits both


def openssl(*arguments):
    subprocess.run(['openssl', *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Pki:
    """An authority and a server's certificate (ECDSA P-256, or RSA 2048)."""

    def __init__(self, folder, rsa=False):
        kind = ['rsa:2048'] if rsa else ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
        path = {name: os.path.join(folder, name) for name in
                ('ca.key', 'ca.pem', 'key.pem', 'request', 'names', 'cert.pem')}
        self.ca, self.cert, self.key = path['ca.pem'], path['cert.pem'], path['key.pem']
        with open(path['names'], 'w', encoding='ascii') as file:
            file.write('subjectAltName=IP:127.0.0.1\n')
        openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                '-subj', '/CN=authority', '-keyout', path['ca.key'], '-out', self.ca)
        openssl('req', '-newkey', *kind, '-nodes', '-subj', '/CN=book', '-keyout', self.key, '-out',
                path['request'])
        openssl('x509', '-req', '-in', path['request'], '-CA', self.ca, '-CAkey', path['ca.key'],
                '-CAcreateserial', '-days', '30', '-extfile', path['names'], '-out', self.cert)

    def options(self):
        return ['--tls-listen', '127.0.0.1:0', '--tls-cert', self.cert, '--tls-key', self.key]


class TlsServer(Server):
    """Listens in the clear and with TLS; `ways` are the options of the generator for each."""

    def __init__(self, bench, pki):
        super().__init__(bench, *pki.options())
        self.pki = pki

    def __enter__(self):
        super().__enter__()
        self.tls_url = self.wait_for('tls ')
        self.ways = {'plain': {}, 'tls': {'url': self.tls_url, 'ca': self.pki.ca}}
        return self

    def private_bytes(self):
        with open(f'/proc/{self.pid}/smaps_rollup', encoding='utf-8') as file:
            rows = dict(line.split(':', 1) for line in file if ':' in line)
        return int(rows['Private_Dirty'].split()[0]) * 1024


def connects(bench, pki, certificate):
    with TlsServer(bench, pki) as server:
        for _ in range(ROUNDS):
            for way, options in (('plain', {}), ('full', {'resume': 'off'}), ('resumed', {})):
                tls = server.ways['plain' if way == 'plain' else 'tls']
                report = server.load('connects', clients=16, **tls, **options)
                bench.emit('tls_connects', way=way, certificate=certificate, **report)


def deliveries(bench, pki):
    with TlsServer(bench, pki) as server, Feed(server, 1, 1000):
        for _ in range(ROUNDS):
            for way, options in server.ways.items():
                report = server.load('subscribe', clients=1000, channels='market:1.7000', **options)
                bench.emit('tls_subscribers', way=way, changes_per_s=1000, **report)


def bets(bench, pki):
    with TlsServer(bench, pki) as server, Feed(server, 20, 10):
        open_accounts(server)
        for connections, pipeline in ((256, 1), (64, 16)):
            for way, options in server.ways.items():
                best, failed = highest(
                    lambda rate, s=server, o=options, c=connections, p=pipeline: bets_at(
                        s, rate, seconds=3, connections=c, pipeline=p, **o), 20000)
                bench.emit('tls_bets_highest', way=way, connections=connections, pipeline=pipeline,
                           rate=best['rate'] if best else 0, best=best, first_failed=failed)


def idle(bench, pki):
    """A new server for each way: what one leaves behind would be the other's."""
    for way in ('plain', 'tls'):
        with TlsServer(bench, pki) as server:
            time.sleep(1)
            before = server.private_bytes()
            options = {'url': server.url, 'clients': IDLE, 'channels': 'sport:none', 'seconds': 5,
                       **server.ways[way]}
            argv = [bench.binary, 'load', 'subscribe']
            for name, value in options.items():
                argv += [f'--{name}', str(value)]
            # pylint: disable=consider-using-with
            crowd = subprocess.Popen(pinned(LOAD_CPU, argv), stdout=subprocess.DEVNULL,
                                     env=clean_environment())
            count = 'overround_connections{listener="public"}'
            end = time.monotonic() + 120
            while server.metrics()[count] < IDLE and time.monotonic() < end:
                time.sleep(0.2)
            time.sleep(1)
            standing, bytes_now = server.metrics()[count], server.private_bytes()
            crowd.wait()
        bench.emit('tls_idle', way=way, connections=standing,
                   bytes_per_connection=round((bytes_now - before) / standing))


def bench_tls(bench):
    for certificate in ('ecdsa', 'rsa'):
        pki = Pki(bench.fresh('pki-' + certificate), rsa=certificate == 'rsa')
        connects(bench, pki, certificate)
    pki = Pki(bench.fresh('pki'))
    idle(bench, pki)
    deliveries(bench, pki)
    bets(bench, pki)
