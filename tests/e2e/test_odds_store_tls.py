"""Prices in Redis over TLS, where a set of servers says where its masters are: every connection of
a writer and of who follows it, servers without a port that is plain, and sentinels with a password
of their own."""
import contextlib

import pytest
from conftest import make
from lib.bet_service import BetService
from lib.bettor import Bettor
from lib.pki import Pki
from lib.redis import Redis
from lib.server import run
from lib.until import until


class TlsRedis(Redis):
    """It listens over TLS only; to nodes, replicas and masters it speaks so too."""

    def __init__(self, pki, *settings, password=None, **named):
        super().__init__('--port', '0', '--tls-cert-file', pki.cert('redis'), '--tls-key-file',
                         pki.key('redis'), '--tls-ca-cert-file', pki.cert('ca'),
                         '--tls-auth-clients', 'no', '--tls-replication', 'yes', *settings,
                         **named)
        self.settings += ('--tls-port', str(self.port))
        self.words = ('--tls', '--cacert', pki.cert('ca'),
                      *(('-a', password, '--no-auth-warning') if password else ()))

    def cli(self, *words, check=True):
        return super().cli(*self.words, *words, check=check)


@pytest.fixture(name='pki')
def made_pki(tmp_path):
    return Pki(tmp_path / 'pki').issue('redis')


@contextlib.contextmanager
def books(folder, url, options):
    """A writer and a bet-service."""
    writer = make(folder / 'writer', ['--odds-store', url, *options])
    service = None
    try:
        service = BetService(folder / 'bets', url, *options).start()
        until(service.is_ready, 30)
        yield writer, service
    finally:
        if service:
            service.kill()
        writer.close()


def takes_bets(writer, service, count=1):
    bettor = Bettor(service)
    for market in [writer.market() for _ in range(count)]:
        until(lambda market=market: service.get(f'/v1/odds/{market}').status == 200, 30)
        until(lambda market=market: bettor.bet(market, 11, '1.00', odds=2.0,
                                               price_policy='any').status == 201, 30)


def test_sentinels_and_their_master_over_tls_each_with_a_password_of_its_own(tmp_path, pki):
    with contextlib.ExitStack() as made:
        master = TlsRedis(pki, '--requirepass', 'hunter2', password='hunter2').start()
        made.callback(master.close)
        sentinel = TlsRedis(pki, password='watchword', sentinel=(
            f'requirepass watchword\nsentinel monitor odds 127.0.0.1 {master.port} 1\n'
            'sentinel auth-pass odds hunter2\n')).start()
        made.callback(sentinel.close)
        url = f'rediss+sentinel://:hunter2@127.0.0.1:{sentinel.port}/odds'
        trust = ['--odds-store-ca', pki.cert('ca')]
        stranger = make(tmp_path / 'stranger', ['--odds-store', url, *trust])
        made.callback(stranger.close)
        options = [*trust, '--odds-store-sentinel-auth', ':watchword']
        writer, service = made.enter_context(books(tmp_path, url, options))
        takes_bets(writer, service)
        assert stranger.server.metric('overround_redis_masters_up') == 0
        for server in (writer.server, service):
            assert 'hunter2' not in server.log_text() and 'watchword' not in server.log_text()


def test_a_cluster_over_tls(tmp_path, pki):
    with contextlib.ExitStack() as made:
        nodes = [TlsRedis(pki, '--cluster-enabled', 'yes', '--tls-cluster', 'yes').spawn()
                 for _ in range(3)]
        for node in nodes:
            made.callback(node.close)
        for node in nodes:
            node.wait()
        hosts = [f'127.0.0.1:{node.port}' for node in nodes]
        nodes[0].cli('--cluster', 'create', *hosts, '--cluster-yes')
        until(lambda: all('cluster_state:ok' in n.cli('cluster', 'info') for n in nodes), 60)
        options = ['--odds-store-ca', pki.cert('ca')]
        url = f'rediss+cluster://{hosts[0]}'  # it says where the others are
        writer, service = made.enter_context(books(tmp_path, url, options))
        takes_bets(writer, service, 12)
        until(lambda: writer.server.metric('overround_redis_masters_up') == 3)
        assert all(int(node.cli('dbsize')) > 0 for node in nodes)


@pytest.mark.parametrize('options, why', [
    (('--odds-store', 'rediss+sentinel://127.0.0.1:1/odds'), '--odds-store-ca'),
    (('--odds-store', 'rediss+cluster://127.0.0.1:1'), '--odds-store-ca'),
    (('--odds-store', 'redis+cluster://127.0.0.1:1', '--odds-store-sentinel-auth', ':watchword'),
     '--odds-store-sentinel-auth'),
    (('--odds-store', 'redis+sentinel://127.0.0.1:1/odds', '--odds-store-sentinel-auth',
      'watchword'), '--odds-store-sentinel-auth'),
])
def test_what_is_missing_is_said_and_no_password(tmp_path, options, why):
    done = run('serve', '--data', str(tmp_path / 'data'), *options, check=False)
    assert done.returncode == 2 and why in done.stderr and 'watchword' not in done.stderr
