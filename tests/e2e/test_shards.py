"""A book of several shards, each with a ledger, a process and users of its own."""
import json
import os
import re

import pytest
from conftest import make
from lib.bettor import Bettor
from lib.server import ROOT, run
from lib.shards import bet_shard, shard_of, users_of
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


@pytest.mark.parametrize('options, said', [
    (['--shard', '0', '--shards', '2'], "shard 1's, not shard 0's"),
    (['--shard', '1', '--shards', '3'], '--shards'),
    (['--shard', '2', '--shards', '2'], 'none of --shards 2'),
    ([], "shard 1's, not shard 0's")])
def test_another_number_of_shards_is_refused_by_name(tmp_path, options, said):
    made = make(tmp_path / 'data', ['--shard', '1', '--shards', '2'])
    assert made.server.terminate() == 0
    made.close()
    done = run('serve', '--data', made.server.data, *options, check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    made.server.start()
    made.close()
