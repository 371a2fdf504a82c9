"""A book of several shards, each with a ledger, a process and users of its own."""
import json
import os
import re

import pytest
from conftest import make
from lib.bettor import Bettor
from lib.fronts import Customer, Front
from lib.server import ROOT, run
from lib.shards import Shards, bet_shard, shard_of, taking, users_of
from lib.until import until


def user(shard, prefix='u'):
    return next(users_of(shard, 2, prefix))


def test_the_published_vectors_are_what_another_implementation_computes():
    with open(os.path.join(ROOT, 'docs', 'LEDGER.md'), encoding='utf-8') as file:
        rows = re.findall(r'^\| `([^`|]+)` \| `0x([0-9a-f]{16})`' + r' \| (\d+)' * 4 + r' \|$',
                          file.read(), re.MULTILINE)
    assert len(rows) >= 6
    for name, _, *of in rows:
        assert [shard_of(name, n) for n in (2, 3, 16, 1024)] == [int(n) for n in of], name


def test_a_shard_takes_its_own_users_and_names_itself_everywhere(tmp_path):
    made = make(tmp_path / 'data', ['--shard', '1', '--shards', '2'])
    try:
        market = made.market()
        ann, bob = user(1), user(0)
        here = made.bettor(name=ann, money='100.00')
        deposit = here.deposit('5.00').json
        assert deposit['ledger_seq'].startswith('1-') and deposit['transaction_id'][:2] == '1-'
        bet = here.bet(market, 11, '1').json
        assert bet_shard(bet['bet_id']) == 1 and bet['ledger_seq'].startswith('1-')
        elsewhere = made.bettor(name=bob, money=None)
        for answer in (elsewhere.deposit('5.00'), elsewhere.call('GET', '/v1/account'),
                       elsewhere.call('GET', '/v1/bets'), elsewhere.bet(market, 11, '1')):
            assert (answer.status, answer.json['code']) == (421, 'WRONG_SHARD'), answer.body
        with made.server.websocket(token=elsewhere.token) as socket:
            socket.send({'op': 'place_bet', 'id': 'r1', 'idempotency_key': 'w1',
                         'bet': elsewhere.slip(market, 11, '1')})
            told = socket.wait_for(op='bet')
            assert told['code'] == 421 and told['bet']['code'] == 'WRONG_SHARD'
        grant = made.server.desk(f'/v1/admin/users/{bob}/grants', {
            'kind': 'bonus', 'amount': 1, 'currency': 'GBP', 'reason': 'x',
            'idempotency_key': 'g1'})
        assert grant.status in (421, 400), grant.body
        assert made.server.metric('overround_requests_misdirected_total') >= 5
        assert made.server.metric('overround_shard') == 1
        assert made.server.metric('overround_shards') == 2
        until(lambda: here.call('GET', f'/v1/bets/{bet["bet_id"]}/proof').status == 200)
        head = made.server.get('/v1/ledger/head?shard=1').json['head']
        assert head['shard'] == 1
        assert made.server.get('/v1/ledger/head?shard=0').json['code'] == 'WRONG_SHARD'
        assert made.server.get('/v1/ledger/keys?shard=0').json['code'] == 'WRONG_SHARD'
        made.server.restart()
        assert here.name == ann and Bettor(made.server, ann, None).balance() == 104
        assert made.server.terminate() == 0
        told = made.server.verify()
        assert 'shard 1\nshards 2\n' in told and 'all invariants hold' in told
        data = ['--data', made.server.data]
        assert 'shard 1\nshards 2\n' in run('ledger', 'stat', *data, '--shard', '1').stdout
        assert json.loads(run('ledger', 'report', 'adjustments', *data).stdout)['shard'] == 1
        first = json.loads(run('ledger', 'dump', '--to', '1', *data).stdout)
        assert (first['shard'], first['shards']) == (1, 2)
        copy = str(tmp_path / 'copy')
        run('ledger', 'backup', *data, '--to', copy, '--keys-to', copy + '-keys')
        run('ledger', 'restore', '--from', copy, '--data', str(tmp_path / 'back'),
            '--keys-from', copy + '-keys')
        assert 'shard 1\n' in run('ledger', 'verify', '--data', str(tmp_path / 'back')).stdout
        assert run('ledger', 'stat', *data, '--shard', '0', check=False).returncode == 2
    finally:
        made.close()


def test_another_number_of_shards_is_refused_by_name(tmp_path):
    made = make(tmp_path / 'data', ['--shard', '1', '--shards', '2'])
    assert made.server.terminate() == 0
    made.close()
    for options, said in (['--shard', '0', '--shards', '2'], "shard 1's, not shard 0's"), \
                         (['--shard', '1', '--shards', '3'], '--shards'), \
                         (['--shard', '2', '--shards', '2'], 'none of --shards 2'), \
                         ([], "shard 1's, not shard 0's"):
        done = run('serve', '--data', made.server.data, *options, check=False)
        assert done.returncode == 2 and said in done.stderr, done.stderr


PRICES = {11: 1.95, 12: 2.05}


@pytest.fixture
def two(tmp_path):
    """Two shards with a front before them."""
    made = Shards(make, tmp_path, 2)
    made.front()
    made.market('1.77', PRICES)
    yield made
    made.close()


def test_a_front_may_have_as_many_shards_as_it_is_said_to(tmp_path):
    """64, whose books need not be there yet."""
    made = make(tmp_path / 'data')
    ways = ' '.join(f'{n}=127.0.0.1:1,127.0.0.1:2' for n in range(64))
    front = Front(str(tmp_path / 'front'), made.server, None, '--shards', '64', '--book', ways)
    try:
        front.start()
        assert taking(front) == 0
        assert front.get('/healthz').status == 200
        assert front.terminate() == 0
    finally:
        front.kill()
        made.close()


class Shopper(Customer):
    """Bets at a front; the prices are those of the book of its shard."""

    def __init__(self, shards, shard, prefix='s', money='100.00', front=0):
        self.shard, self.book = shard, shards.books[shard]
        super().__init__(shards.fronts[front], name=user(shard, prefix), money=money)

    def odds(self, market, selection):
        return Bettor(self.book.server, self.name, None).odds(market, selection)


def test_a_front_asks_the_book_of_each_users_shard(two):
    front, customers = two.fronts[0], [Shopper(two, shard) for shard in range(2)]
    bets = [customer.bet('1.77', 11, '10').json for customer in customers]
    for shard, (customer, bet) in enumerate(zip(customers, bets)):
        assert bet_shard(bet['bet_id']) == shard and bet['ledger_seq'].startswith(f'{shard}-')
        assert customer.balance() == 90
        assert [b['bet_id'] for b in customer.bets()] == [bet['bet_id']]
        other = customers[1 - shard]
        assert other.call('GET', f'/v1/bets/{bet["bet_id"]}').status == 404
        proof = f'/v1/bets/{bet["bet_id"]}/proof'
        until(lambda c=customer, p=proof: c.call('GET', p).status == 200)
        assert front.get(f'/v1/ledger/head?shard={shard}').json['head']['shard'] == shard
        auditor = front.token('auditor-1', 'auditor')
        listed = front.get(f'/v1/bets?user_id={customer.name}', token=auditor).json
        assert [b['bet_id'] for b in listed['bets']] == [bet['bet_id']]
        assert front.get(f'/v1/bets/{bet["bet_id"]}', token=auditor).status == 200
    assert front.get('/v1/ledger/head').json['head']['shard'] == 0
    assert front.get('/v1/ledger/head?shard=2').json['code'] == 'WRONG_SHARD'
    for book, bet in zip(two.books, bets):
        assert book.server.terminate() == 0
        verified = book.server.verify()
        assert 'all invariants hold' in verified
        dumped = run('ledger', 'dump', '--data', book.server.data).stdout
        assert dumped.count('"type":"ACCOUNT"') == 1 and bet['bet_id'] in dumped


def test_own_messages_of_both_shards_come_to_one_front(two):
    for shard in range(2):
        customer = Shopper(two, shard)
        with two.fronts[0].websocket(token=customer.token) as socket:
            socket.send({'op': 'place_bet', 'id': 'r1', 'idempotency_key': 'w1',
                         'bet': customer.slip('1.77', 11)})
            assert socket.wait_for(op='bet')['code'] == 201
            two.books[shard].feed.settle('1.77', {11})
            assert socket.wait_for(op='bet_update', status='WON')['balance'] > 100


def test_a_book_that_is_away_is_away_for_its_own_users_only(two):
    front, customers = two.fronts[0], [Shopper(two, shard) for shard in range(2)]
    with front.websocket(token=customers[0].token) as here, \
            front.websocket(token=customers[1].token) as there:
        for socket in here, there:
            socket.send({'op': 'ping'})
            socket.wait_for(op='pong')
        two.books[1].server.kill()
        until(lambda: taking(front) == 1)
        assert there.close_code() is not None
        here.send({'op': 'ping'})
        here.wait_for(op='pong')
    away = customers[1].deposit('1.00', 'again')
    assert (away.status, away.json['code']) == (503, 'BOOK_AWAY')
    assert customers[0].bet('1.77', 12, '1').status == 201
    assert front.is_ready()  # while a shard's book takes bets
    two.books[0].server.kill()
    until(lambda: not front.is_ready())
    for shard in range(2):
        two.restart(shard)
    until(lambda: taking(front) == 2)
    assert front.is_ready()
    assert customers[1].deposit('1.00', 'again').status == 201
    assert customers[1].balance() == 101 and customers[0].balance() == 99


@pytest.mark.parametrize('options, said', [
    (['--book', '0=127.0.0.1:1'], 'no address of shard 1'),
    (['--book', '2=127.0.0.1:1'], 'none of --shards'),
    (['--book', '0=127.0.0.1'], 'no address'),
    ([f'--book={",".join(["127.0.0.1:1"] * 9)}'], 'more than 8')])
def test_books_that_are_not_named_well_are_refused(tmp_path, options, said):
    done = run('serve', '--data', str(tmp_path), '--roles', 'gateway', '--shards', '2', *options,
               check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_a_book_of_another_shard_is_not_asked(tmp_path):
    """Both addresses, of either shard: the front finds out which is which."""
    made = Shards(make, tmp_path, 2)
    try:
        ways = ','.join(f'{way.address[0]}:{way.address[1]}' for way in made.ways)
        made.ways = made.ways[::-1]  # 0=the way to 1, and the other way round
        made.front('--book', ways)
        for shard in range(2):
            assert Shopper(made, shard).balance() == 100
        assert made.fronts[0].metric('overround_link_other_shards_total') >= 2
        assert made.fronts[0].metric('overround_link_bad_batches_total') == 0
    finally:
        made.close()
