"""deploy/cluster: every role in processes of their own, on engines of their own, begun and ended
by one command; some of them are killed in between."""
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import tempfile
from decimal import Decimal
from urllib.parse import quote

import pytest
from lib.http import Closed, Http
from lib.ports import free_port
from lib.projector import verify
from lib.server import ENVIRONMENT, ROOT, run
from lib.shards import bet_shard, users_of
from lib.until import until

CLUSTER = os.path.join(ROOT, 'deploy', 'cluster', 'cluster')
START_SECONDS = 240
SHARDS = 2
FRONTS = ('front-blue-1', 'front-blue-2')
LEASED = ('desk', *(f'bets-{shard}' for shard in range(SHARDS)))  # by one of two


class Cluster:
    """One that runs."""

    def __init__(self, folder):
        self.data, self.port = str(folder), free_port()
        self.out = os.path.join(self.data, 'out')
        with open(self.out, 'wb') as out:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([CLUSTER, '--brokers', '1', '--port', str(self.port),
                                             '--data', self.data], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, env=ENVIRONMENT)
        until(lambda: '(Ctrl-C ends it' in self.said() or self.process.poll() is not None,
              START_SECONDS)
        if 'is not installed' in self.said():
            self.end()
            pytest.skip("no Java, no Maven, or Kafka's jars are out of reach")
        assert self.process.poll() is None, self.said()

    def said(self):
        with open(self.out, encoding='utf-8') as file:
            return file.read()

    def members(self):
        with open(os.path.join(self.data, 'logs', 'members.json'), encoding='ascii') as file:
            return json.load(file)

    def token(self, user, role='bettor'):
        return run('token', '--user', user, '--role', role, '--data',
                   os.path.join(self.data, 'desk-1')).stdout.strip()

    def customer(self):
        """A connection through the proxy, whose certificate nobody vouches for."""
        return Http(('127.0.0.1', self.port), foreign=True,
                    tls=ssl._create_unverified_context())  # pylint: disable=protected-access

    def metric(self, name, member):
        host, port = self.members()[member]['admin'].split(':')
        with Http((host, int(port))) as http:
            lines = http.request('GET', '/metrics', token=self.admin).body.decode().splitlines()
        return sum(float(line.rsplit(' ', 1)[1]) for line in lines if line.startswith(name))

    @property
    def admin(self):
        return self.token('admin-1', 'admin')

    def is_ready(self, member):
        host, port = self.members()[member]['admin'].split(':')
        try:
            with Http((host, int(port))) as http:
                return http.request('GET', '/readyz').status == 200
        except (OSError, Closed):
            return False

    def starts(self, member):
        return self.members()[member]['starts']

    def kill(self, member, ready=None):
        """Until it is there again, by itself."""
        before = self.starts(member)
        os.kill(self.members()[member]['pid'], signal.SIGKILL)
        until(lambda: self.starts(member) > before)
        until(ready or (lambda: self.is_ready(member)), 60)

    def holder(self, name):
        """Of the two that may have it: (who has the lease, who waits)"""
        both = [f'{name}-{n}' for n in (1, 2)]
        has = until(lambda: next((one for one in both if self.is_ready(one)), None), 60)
        return has, next(one for one in both if one != has)

    def kill_holder(self, name):
        """The one that waited has the lease then, and the one that was killed waits."""
        has, waits = self.holder(name)
        before = self.starts(has)
        os.kill(self.members()[has]['pid'], signal.SIGKILL)
        until(lambda: self.is_ready(waits), 60)
        until(lambda: self.starts(has) > before)
        return has, waits

    def end(self, sign=signal.SIGTERM):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(120)


@pytest.fixture(scope='module')
def cluster():
    folder = tempfile.mkdtemp(prefix='overround-', dir='/tmp')  # short, for sockets' names
    made = Cluster(folder)
    yield made
    made.end()
    shutil.rmtree(folder, ignore_errors=True)


def an_open_market(http, by_broker=False):
    """One of the matches of a desk that was killed may still be shown, until its keys expire. Those
    of the provider behind the broker end soon, some between two questions."""
    answer = http.request('GET', '/v1/events')
    events = answer.json['events'] if answer.status == 200 else []
    shown = [market['market_id'] for event in events
             for market in event['markets'] if market['status'] == 'active' and
             market['market_id'].startswith('sr:') == by_broker]
    if not shown:
        return None
    market = http.request('GET', f'/v1/odds/{quote(random.choice(shown), safe="")}')
    priced = market.status == 200 and 'odds' in market.json['selections'][0]
    return market.json if priced else None


def bet(cluster, token, key, by_broker=False):
    """The answer, or None: nobody could be asked."""
    try:
        with cluster.customer() as http:
            shown = an_open_market(http, by_broker)
            if shown is None:
                return None
            first = shown['selections'][0]
            slip = {'market_id': shown['market_id'], 'selection_id': first['id'],
                    'odds': first['odds'], 'odds_version': shown['odds_version'],
                    'stake': Decimal('1.00'), 'currency': 'GBP', 'price_policy': 'any'}
            return http.request('POST', '/v1/bets', slip, token, {'Idempotency-Key': key})
    except (OSError, Closed):
        return None


def bets(cluster, customers, word):
    """Of a customer of each shard, so many that both fronts have served."""
    for shard, token in enumerate(customers):
        for n in range(4):
            def placed(token=token, key=f'{word}-{shard}-{n}', tried=iter(range(1000))):
                answer = bet(cluster, token, f'{key}-{next(tried)}')
                return answer if answer is not None and answer.status in (201, 202) else None
            assert bet_shard(until(placed, 90, 0.2).json['bet_id']) == shard


def by_broker(cluster, customers, word):
    """A bet of a customer of each shard on what the broker brings; the tokens by the bets."""
    def placed(token, tried):
        answer = bet(cluster, token, f'{word}-{next(tried)}', True)
        return answer is not None and answer.status == 201 and answer.json['bet_id']
    return {until(lambda token=token, tried=iter(range(10000)): placed(token, tried), 90, 0.2):
            token for token in customers}


def is_settled(cluster, ident, token):
    with cluster.customer() as http:
        answer = http.request('GET', f'/v1/bets/{ident}', token=token)
    return answer.status == 200 and answer.json['status'] in ('WON', 'LOST')


class BrokerDies:
    """And a while later its provider. What is bet on before is settled behind it."""

    def __init__(self, cluster, customers):
        self.cluster, self.customers = cluster, customers
        self.bets = by_broker(cluster, customers, 'broker')
        self.desk = cluster.holder('desk')[0]
        self.recoveries = self.count('recoveries')
        cluster.kill('rabbitmq', lambda: self.count('losses') > 0)

    def count(self, what):
        return self.cluster.metric(f'overround_uof_{what}_total', self.desk)

    def is_mended(self):
        until(lambda: self.count('recoveries') > self.recoveries, 90)

    def check(self):
        self.cluster.kill('provider', lambda: True)
        by_broker(self.cluster, self.customers, 'broker-again')
        for ident, token in self.bets.items():
            until(lambda i=ident, t=token: is_settled(self.cluster, i, t), 120, 0.2)


def accepted(cluster, member):
    """Bets that this process has placed or keeps waiting."""
    return cluster.metric('overround_bets_total{verdict="PLACED"', member) + \
        cluster.metric('overround_bets_total{verdict="PENDING"', member)


def customers_of_all(cluster):
    """The token of a customer of each shard, with money."""
    tokens = [cluster.token(next(users_of(shard, SHARDS, 'customer')))
              for shard in range(SHARDS)]
    for token in tokens:
        def paid(token=token):
            with cluster.customer() as http:
                answer = http.request('POST', '/v1/account/deposits',
                                      {'amount': Decimal('500.00'), 'currency': 'GBP'}, token,
                                      {'Idempotency-Key': 'money'})
            return answer.status in (200, 201)
        until(paid, 60, 0.2)
    return tokens


def told(cluster):
    """How many notices the receiver has."""
    with open(cluster.members()['receiver']['file'], encoding='utf-8') as file:
        return sum(1 for _ in file)


def of_both(cluster, name, role):
    """The counter of both members, each of which has something to do."""
    return [cluster.metric(name, f'{role}-{n}') for n in (1, 2)]


def works(cluster, which):
    """Each who has a lease has done its work since then: of a shard it has taken bets, and told the
    stream of them; the desk has written prices, told the stream of them, and let the shards bet."""
    def tells(member, topic):
        return cluster.metric(f'overround_stream_events_total{{topic="{topic}"', member) > 0

    for name in LEASED:
        member = f'{name}-{which}'
        assert cluster.metric('overround_lease_held', member) == 1
        topic = 'odds-updates' if name == 'desk' else 'bet-events'
        until(lambda member=member, topic=topic: tells(member, topic), 60)
        if name != 'desk':
            assert accepted(cluster, member) > 0
    member = f'desk-{which}'
    assert accepted(cluster, member) == 0
    for name in ('overround_odds_store_writes_total', 'overround_desk_grants_total',
                 'overround_uof_messages_total'):
        assert cluster.metric(name, member) > 0


def desk(cluster, office, market, word):
    """What the shards say to it; None: the market is one of a desk that was killed, or the office
    has not found the one that works yet."""
    host, port = cluster.members()[office]['admin'].split(':')
    with Http((host, int(port))) as http:
        answer = http.request('POST', f'/v1/admin/markets/{quote(market, safe="")}/{word}',
                              {'reason': 'drill'}, cluster.admin)
    assert answer.status in (200, 404, 503), answer.body
    return answer.json['shards'] if answer.status == 200 else None


def one_desk(cluster):
    """What is said at any office is in the logs of all."""
    def known():
        with cluster.customer() as http:
            market = an_open_market(http)
        return market and desk(cluster, 'office-1', market['market_id'], 'suspend') and \
            market['market_id']

    market = until(known, 90, 0.2)
    for office, word in (('office-1', 'suspend'), ('office-2', 'resume')):
        until(lambda office=office, word=word: desk(cluster, office, market, word) ==
              {'have_it': SHARDS, 'away': []}, 60, 0.2)
    assert all(of_both(cluster, 'overround_office_questions_total', 'office'))


def test_every_role_works_is_killed_and_works_again(cluster):
    customers = customers_of_all(cluster)
    ledger = cluster.members()['postgres']['url']
    bets(cluster, customers, 'first')
    works(cluster, 1)
    for name in LEASED:
        assert cluster.kill_holder(name) == (f'{name}-1', f'{name}-2')
    for member in ('front-blue-1', 'projector-1', 'notification-1', 'front-blue-2',
                   'projector-2', 'analytics-1', 'office-1', 'office-2'):
        cluster.kill(member)
    broker = BrokerDies(cluster, customers)
    bets(cluster, customers, 'second')
    works(cluster, 2)
    broker.is_mended()
    for name in LEASED:  # and back to those that began
        assert cluster.kill_holder(name)[0] == f'{name}-2'
    bets(cluster, customers, 'third')
    works(cluster, 1)
    one_desk(cluster)
    broker.check()
    for front in FRONTS:
        until(lambda front=front: bet(cluster, customers[0], 'again') is not None and
              cluster.metric('overround_link_questions_total', front) > 0, 60)
    until(lambda: told(cluster) > 0, 60)
    until(lambda: all(of_both(cluster, 'overround_totals_events_total', 'analytics')), 90)
    until(lambda: verify(ledger, '--ledger', ledger, check=False).returncode == 0, 60)
    assert cluster.metric('overround_link_questions_total', 'front-house') > 0, 'simulated bettors'
    assert 'ended with -9: it is started again' in cluster.said()


def test_it_ends_all_that_it_began(cluster):
    pids = [member['pid'] for member in cluster.members().values()]
    assert cluster.end(signal.SIGINT) == 0, cluster.said()
    assert cluster.said().rstrip().endswith('all have ended')
    assert not [pid for pid in pids if os.path.exists(f'/proc/{pid}')]
