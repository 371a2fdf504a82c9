"""Shards that processes take by a lease in the database, keep while they live, and give."""
import contextlib
import itertools
import json
import os
import shutil
import signal
import threading
import time
from decimal import Decimal

import pytest
from conftest import Book
from lib.bettor import Bettor
from lib.fronts import Front
from lib.http import Closed, Http
from lib.ports import free_port
from lib.server import Server, run
from lib.shards import bet_shard, copy_keys, taking, users_of
from lib.until import until

PRICES = {11: 1.95, 12: 2.05}
LEASE_MS = 4000  # a busy machine stands still for a second or two, and nobody has died
MOVED = 4
CROWDS = itertools.count()


class Node(Server):
    """`serve --shard any`: ready when it has one."""

    def __init__(self, data, url, *options):
        super().__init__(data, '--ledger', url, '--shards', '2', '--shard', 'any', '--lease-ms',
                         str(LEASE_MS), *options, admin_at=f'127.0.0.1:{free_port()}')

    def wait_ready(self):
        self.public = self.wait_address('ready ')
        self.admin = self.wait_address('admin ')
        return self

    def has(self):
        return int(self.metric('overround_shard'))


class Cluster:
    """Nodes before one database, all of which may have any of two shards; two fronts."""

    def __init__(self, database, folder, nodes):
        self.url, self.folder = database.url, folder
        with Server(str(folder / 'secrets')) as server:  # what all have is made as a server does
            assert server.terminate() == 0
        self.nodes = [self.node(n) for n in range(2)]
        for node in self.nodes:
            node.wait_ready()
        self.nodes += [self.node(n) for n in range(2, nodes)]  # the spare ones
        self.fronts = [self.front(n) for n in range(2)]

    def node(self, number):
        data = self.folder / f'node-{number}'
        copy_keys(self.folder / 'secrets', data)
        made = Node(str(data), self.url)
        made.spawn()
        return made

    def front(self, number):
        ways = ','.join(node.admin_at for node in self.nodes)
        secrets = Server(str(self.folder / 'secrets'))
        made = Front(str(self.folder / f'front-{number}'), secrets, None, '--shards', '2',
                     '--book', ways).start()
        until(lambda: taking(made) == 2)
        return made

    def holder(self, shard):
        """(the node that has it, the spare ones)"""
        ready = [node for node in self.nodes if node.admin and node.process.poll() is None]
        return next(node for node in ready if node.has() == shard)

    def close(self):
        for node in self.fronts + self.nodes:
            node.kill()

    def verify(self, shard):
        told = run('ledger', 'verify', '--ledger', self.url, '--shard', str(shard)).stdout
        assert f'shard {shard}\nshards 2\n' in told and 'all invariants hold' in told
        return told


@pytest.fixture
def cluster(request, database, tmp_path):
    made = Cluster(database, tmp_path, getattr(request, 'param', 3))
    yield made
    made.close()


class Depositors(threading.Thread):
    """Customers of one shard who pay in a pound at a time, each under a key of its own, at either
    front, and ask again with the same key until they know."""

    def __init__(self, cluster, shard):
        super().__init__(daemon=True)
        names = users_of(shard, 2, f'd{next(CROWDS)}')
        self.customers = [Bettor(cluster.fronts[n % 2], next(names), '1.00') for n in range(2)]
        self.done = {customer.name: 1 for customer in self.customers}
        self.times, self.over, self.refused = [], False, 0

    def run(self):
        while not self.over:
            for customer in self.customers:
                self.pay(customer, customer.key())

    def pay(self, customer, key):
        while True:
            try:
                answer = customer.deposit('1.00', key)
                if answer.status in (200, 201):
                    break
                assert answer.status == 503, answer.body
                self.refused += 1
                time.sleep(0.01)
            except (OSError, Closed):
                customer.reconnect()
        self.times.append(time.monotonic())
        self.done[customer.name] += 1

    def more(self, count=20):
        before = len(self.times)
        until(lambda: len(self.times) > before + count, 60)

    def end(self):
        self.over = True
        self.join(60)
        assert not self.is_alive()
        for customer in self.customers:
            assert customer.balance() == self.done[customer.name]

    def gap(self):
        """The longest time that nobody was answered, in seconds."""
        return max(b - a for a, b in zip(self.times, self.times[1:]))


@pytest.mark.parametrize('cluster', [2], indirect=True)
def test_two_shards_stand_in_one_database(cluster):
    for node in cluster.nodes:
        Book(node).feed.market('1.88', PRICES)
    assert {node.has() for node in cluster.nodes} == {0, 1}
    for shard in range(2):
        names = users_of(shard, 2, 'p')
        for front in cluster.fronts:
            customer = Bettor(front, next(names))
            seller = Bettor(cluster.holder(shard), customer.name, None)
            bet = customer.place(seller.slip('1.88', 11), customer.key()).json
            assert bet['status'] == 'PLACED' and bet_shard(bet['bet_id']) == shard, bet
            assert bet['ledger_seq'].startswith(f'{shard}-')
            assert customer.balance() == 990
    for node in cluster.nodes:
        assert node.terminate() == 0
    for shard in range(2):
        assert 'accounts 2\n' in run('ledger', 'stat', '--ledger', cluster.url, '--shard',
                                     str(shard)).stdout
        cluster.verify(shard)
    done = run('ledger', 'stat', '--ledger', cluster.url, check=False)
    assert done.returncode == 2 and '--shard' in done.stderr, done.stderr
    done = run('serve', '--data', str(cluster.folder / 'x'), '--ledger', cluster.url, '--shard',
               'any', '--shards', '3', check=False)
    assert done.returncode == 2 and '--shards' in done.stderr, done.stderr


def test_a_spare_takes_the_shard_of_a_holder_that_was_killed(cluster):
    load, other = Depositors(cluster, 0), Depositors(cluster, 1)
    load.start()
    other.start()
    load.more()
    victim, spare = cluster.holder(0), next(n for n in cluster.nodes if n.admin is None)
    victim.kill()
    spare.wait_ready()
    load.more()
    load.end()
    other.end()
    assert spare.has() == 0
    print(f'nobody answered for {load.gap():.2f} s after kill -9 (lease {LEASE_MS} ms), '
          f'at the other shard for {other.gap():.2f} s')
    for node in cluster.nodes:
        if node is not victim:
            assert node.terminate() == 0
    for shard in range(2):
        cluster.verify(shard)


def test_a_shard_is_moved_by_ending_its_holder(cluster):
    load = Depositors(cluster, 0)
    load.start()
    load.more()
    holder, spare = cluster.holder(0), next(n for n in cluster.nodes if n.admin is None)
    assert holder.terminate() == 0
    spare.wait_ready()
    load.more()
    load.end()
    assert spare.has() == 0
    print(f'moved: nobody answered for {load.gap():.2f} s, {load.refused} were told to come again')
    for node in cluster.nodes:
        if node.process.poll() is None:
            assert node.terminate() == 0
    cluster.verify(0)


def test_a_holder_that_stood_still_beyond_its_lease_places_nothing(cluster):
    holder, spare = cluster.holder(0), next(n for n in cluster.nodes if n.admin is None)
    name = next(users_of(0, 2, 's'))
    customer = Bettor(cluster.fronts[0], name)
    holder.process.send_signal(signal.SIGSTOP)
    spare.wait_ready()  # its lease is over, and the other has it
    assert spare.has() == 0
    with Http(holder.public) as late:
        late.begin('POST', '/v1/account/deposits', {'amount': Decimal(5), 'currency': 'GBP'},
                   customer.token, {'Idempotency-Key': 'late'})
        # The kernel has taken it; nobody answers yet.
        until(lambda: customer.deposit('7.00', 'in-time').status in (200, 201), 60)
        holder.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(OSError, Closed):  # it has ended, with the connection
            assert late.response().status == 503
    assert holder.process.wait(60) == MOVED
    assert 'shard 0 has moved to another process' in holder.log_text()
    assert customer.balance() == 1007
    assert customer.deposit('5.00', 'late').status == 201  # not a replay: it was never taken
    holder.spawn()  # as its supervisor would: it waits for a shard
    until(lambda: 'waiting for a shard' in holder.log_text())
    assert spare.terminate() == 0
    assert holder.wait_ready().has() == 0
    until(lambda: taking(cluster.fronts[0]) == 2, 60)
    assert customer.balance() == 1012
    cluster.verify(0)


def fields(of, user, *options):
    """Personal fields of a user's bets, as the operator's command opens them."""
    done = run('ledger', 'personal', *of, '--user', user, *options).stdout
    return [json.loads(line) for line in done.splitlines()]


def opened(told):
    return [line.get('address') if 'opened' in line else 'erased' for line in told]


def test_keys_of_personal_fields_move_with_the_shard_and_an_erased_one_stays_erased(cluster):
    holder, spare = cluster.holder(0), next(n for n in cluster.nodes if n.admin is None)
    at = ['--ledger', cluster.url, '--shard', '0', '--data', str(cluster.folder / 'secrets')]
    names = users_of(0, 2, 'k')
    kept, gone = (Bettor(cluster.fronts[0], next(names)) for _ in range(2))
    Book(holder).feed.market('1.88', PRICES)

    def bet(customer, at_node):
        seller = Bettor(at_node, customer.name, None)
        assert customer.place(seller.slip('1.88', 11), customer.key()).json['status'] == 'PLACED'

    bet(kept, holder)
    bet(gone, holder)
    assert opened(fields(at, kept.name)) == opened(fields(at, gone.name)) == ['127.0.0.1']
    # A copy of its keys from before the erasing lies where the next holder will look.
    old = os.path.join(spare.data, 'shard-0000', 'keys')
    os.makedirs(old, mode=0o700)
    shutil.copy(os.path.join(holder.data, 'shard-0000', 'keys', 'personal.keys'), old)
    assert 'key erased' in run('ledger', 'personal', *at, '--user', gone.name, '--erase',
                               'yes').stdout
    until(lambda: holder.metric('overround_personal_erased_total') == 1, 60)
    bet(gone, holder)  # as before, but nothing personal is recorded any more
    assert opened(fields(at, gone.name)) == ['erased']
    holder.kill()
    shutil.rmtree(holder.data)
    spare.wait_ready()
    assert spare.has() == 0
    Book(spare).feed.market('1.88', PRICES)
    until(lambda: taking(cluster.fronts[0]) == 2, 60)
    bet(kept, spare)
    bet(gone, spare)
    new = Bettor(cluster.fronts[0], next(names))
    bet(new, spare)
    assert opened(fields(at, kept.name)) == ['127.0.0.1'] * 2
    assert opened(fields(at, gone.name)) == ['erased']
    assert opened(fields(at, new.name)) == ['127.0.0.1']
    cluster.verify(0)
    assert spare.terminate() == 0
    # Its file is a copy that opens the same, and nothing more.
    copy = ['--data', os.path.join(spare.data, 'shard-0000')]
    assert opened(fields(copy, kept.name)) == ['127.0.0.1'] * 2
    assert opened(fields(copy, gone.name)) == ['erased']


@pytest.mark.parametrize('cluster', [2], indirect=True)
def test_shards_stay_where_they_are_while_the_database_is_away(cluster, database):
    before = [cluster.holder(shard) for shard in range(2)]
    load = Depositors(cluster, 0)
    load.start()
    load.more()
    database.end()
    until(lambda: before[0].metric('overround_lease_held') == 0)
    until(lambda: taking(cluster.fronts[0]) == 0, 60)
    database.start()
    load.more()
    load.end()
    assert [cluster.holder(shard) for shard in range(2)] == before


def test_a_lease_needs_postgresql(tmp_path):
    for options in (['--lease', 'on'], ['--shard', 'any', '--shards', '2']):
        done = run('serve', '--data', str(tmp_path), *options, check=False)
        assert done.returncode == 2 and '--lease' in done.stderr, done.stderr
