"""A primary and its standby: nothing acknowledged is lost, only one of them is the primary, and
both have the same log."""
import json
import os
import random
import shutil
import struct
import subprocess
import time
from decimal import Decimal

import pytest
from lib.http import Http
from lib.pki import Pki
from lib.server import ROOT, Server, run
from lib.standby import SECRETS, Pair, Standby, dump, ends
from lib.until import until
from lib.ws import BINARY, CLOSE, WebSocket
from test_crashes import Load, Strace

TAKEOVERS = 10


@pytest.fixture
def pair(tmp_path, request):
    made = Pair(tmp_path, **getattr(request, 'param', {}))
    until(made.caught_up, 60)
    yield made
    made.close()


def acknowledged_after(load, count, seconds=60):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, seconds)


def same_log(*folders):
    """The same state and the same tree at the end of the shorter log."""
    tails = [int(dump(f)[-1].split('"seq":')[1].split(',')[0]) for f in folders]
    shorter = str(min(tails))
    states = {run('ledger', 'replay', '--data', f, '--until', shorter).stdout for f in folders}
    assert len(states) == 1, states
    lines = [dump(f, '--to', shorter) for f in folders]
    assert all(other == lines[0] for other in lines)
    for folder in folders:
        assert 'all invariants hold' in run('ledger', 'verify', '--data', folder).stdout
    return int(shorter)


@pytest.mark.parametrize('pair', [{'after': 'sync'}], indirect=True)
def test_ten_takeovers_at_random_moments_lose_and_double_nothing(pair):
    market = pair.market()
    load = Load(pair, market)
    version = load.version
    for number in range(TAKEOVERS):
        join = load.start(number)
        acknowledged_after(load, 20)
        time.sleep(random.random() * 0.2)
        pair.server.kill()
        join()
        pair.promote()
        # The one that was killed comes back as the standby of the new one.
        gone = pair.ended.pop()
        pair.rejoin(os.path.basename(gone.data))
        for customer in load.customers:
            customer.reconnect()
        _, newer = load.customers[0].odds(market, 11)
        assert newer > version, 'P1: a version fell at the takeover'
        version = newer
        before = dict(load.acknowledged)
        with Http(pair.server.public) as http:
            for customer, key in random.sample(list(before), min(30, len(before))):
                # 503: its standby stood still just then, and nothing is told.
                told = until(lambda c=customer, k=key: (s := load.one(c, k, http)) != 503 and s)
                assert told == 200, 'an acknowledged bet is unknown'
    probe = pair.bettor(name='probe')
    until(lambda: probe.bet(market, 11, '1').status == 201)
    load.retry_unanswered()
    load.check()
    pair.feed.settle(market, {11})
    for customer in load.customers:
        mine = [a for (c, _), a in load.acknowledged.items() if c is customer]
        pays = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, p=pays: c.balance() == 100000 + p, 60)
    until(pair.caught_up)
    pair.server.kill()
    pair.standby.kill()
    assert same_log(pair.server.data, pair.standby.data) > 100


def test_what_was_told_before_a_takeover_can_be_proved_after_it(pair, tmp_path):
    """Tokens, the key of the heads and the personal keys are the same, and so is the history."""
    market = pair.market()
    customer = pair.bettor()
    bet = customer.bet(market, 11, '5').json
    head = until(lambda: (r := pair.server.get('/v1/ledger/head')).status == 200 and r.json)
    receipt = until(lambda: (r := customer.call('GET', f'/v1/bets/{bet["bet_id"]}/proof')).status
                    == 200 and r)

    def keys(of):
        with open(os.path.join(of.data, 'keys', 'personal.keys'), 'rb') as file:
            return file.read()
    assert len(keys(pair.server)) > 64
    until(lambda: keys(pair.server) == keys(pair.standby))
    pair.server.kill()
    pair.promote()
    customer.reconnect()
    assert customer.read(bet['bet_id'])['bet_id'] == bet['bet_id']
    size = head['head']['tree_size']
    newer = until(lambda: (r := pair.server.get(f'/v1/ledger/head?from={size}')).status == 200 and
                  r.json['head']['tree_size'] > size and r)
    files = []
    for name, text in (('old', json.dumps(head)), ('new', newer.body.decode()),
                       ('receipt', receipt.body.decode())):
        files.append(tmp_path / name)
        files[-1].write_text(text)
    verify = os.path.join(ROOT, 'tools', 'verify-receipt')
    subprocess.run([verify, 'consistency', files[0], files[1]], check=True)
    subprocess.run([verify, 'receipt', files[2]], check=True)
    assert newer.json['head']['key'] == head['head']['key']


@pytest.mark.parametrize('pair', [{'proxy': True}], indirect=True)
def test_a_cut_link_cannot_make_two_primaries_when_shipping_is_synchronous(pair):
    market = pair.market()
    load = Load(pair, market)
    join = load.start(0)
    acknowledged_after(load, 50)
    pair.proxy.stop(silent=True)
    until(lambda: any(r.status == 503 for r in list(load.refused.values())))
    join()
    customer = load.customers[0]
    customer.reconnect()
    refused = customer.place(load.slip(1), 'alone')
    assert refused.status == 503 and refused.json['limit'] == 'standby_away', refused.body
    assert pair.server.get(f'/v1/odds/{market}').status == 200, 'prices go on'
    until(lambda: pair.server.metric('overround_ship_away') == 1)
    old = pair.server
    pair.promote()
    load.retry_unanswered()
    load.check()
    with Http(old.public) as http:  # still up, still alone: it takes nothing
        slip = load.slip(1)
        assert http.request('POST', '/v1/bets', slip, customer.token,
                            {'Idempotency-Key': 'split'}).status == 503
    pair.proxy.stop()
    pair.proxy.go()
    until(lambda: old.metric('overround_ship_fenced') == 1, 60)
    old.kill()
    status, said = ends(old)
    assert status == 2 and 'fenced' in said, said
    assert customer.place(load.slip(1), 'goes-on').status == 201


@pytest.mark.parametrize('pair', [{'proxy': True, 'ship': 'async', 'after': 'async'}],
                         indirect=True)
def test_a_cut_link_shows_what_is_lost_when_shipping_is_asynchronous(pair):
    """Both may take bets for a while; then one is fenced, and what it alone has is named."""
    market = pair.market()
    customer = pair.bettor()
    both = customer.bet(market, 11, '1').json
    until(pair.caught_up)
    pair.proxy.stop()
    lost = [customer.bet(market, 11, '2').json['bet_id'] for _ in range(5)]
    until(lambda: pair.server.metric('overround_ship_lag_records') >= 5)
    assert pair.server.metric('overround_ship_lag_bytes') > 0
    until(lambda: pair.server.metric('overround_ship_lag_seconds') > 0)
    old = pair.server
    said = json.loads(pair.promote())
    customer.reconnect()
    assert customer.read(both['bet_id'])['bet_id'] == both['bet_id']
    assert not set(lost) & {b['bet_id'] for b in customer.bets()}
    pair.proxy.go()
    until(lambda: old.metric('overround_ship_fenced') == 1, 60)
    with Http(old.public) as http:
        assert http.request('POST', '/v1/bets', customer.slip(market, 11), customer.token,
                            {'Idempotency-Key': 'late'}).status == 503
    old.kill()
    status, words = ends(old)
    assert status == 2 and 'fenced' in words
    # It cannot follow as it is: its records from here on are its own.
    pair.proxy.target = pair.server.admin
    rejoin = pair.make_standby(os.path.basename(old.data))
    status, words = ends(rejoin)
    first = said['ledger_records'] + 1
    assert status == 3 and f'records {first} to ' in words, words
    own = dump(old.data, '--from', str(first))
    assert [b for b in lost if any(f'"bet_id":"{b}"' in line for line in own)] == lost
    status, words = ends(old)
    assert status == 2, 'it is still fenced'
    # Set aside by a command, it can.
    told = run('rejoin', '--data', old.data, '--from', str(first)).stdout
    assert str(len(own)) in told
    pair.standby = pair.make_standby(os.path.basename(old.data)).start()
    until(pair.caught_up, 60)
    aside = [n for n in os.listdir(old.data) if n.startswith('ledger.aside')]
    assert len(aside) == 1
    pair.server.kill()
    pair.standby.kill()
    same_log(pair.server.data, pair.standby.data)


def test_a_standby_that_returns_catches_up_and_bets_go_on(pair):
    market = pair.market()
    load = Load(pair, market)
    join = load.start(0)
    for _ in range(3):
        acknowledged_after(load, 30)
        pair.standby.kill()
        refused = len(load.refused)
        until(lambda n=refused: len(load.refused) > n)
        pair.standby = pair.make_standby('b').start()
    acknowledged_after(load, 30)
    join()
    until(pair.caught_up, 60)
    load.retry_unanswered()
    load.check()
    pair.server.restart()  # what it has, its standby has: it may tell again
    pair.use(pair.server)
    pair.feed.again()
    pair.standby.kill()
    pair.standby = pair.make_standby('b').start()
    until(pair.caught_up, 60)
    load.retry_unanswered()
    load.check()
    pair.server.kill()
    pair.standby.kill()
    same_log(pair.server.data, pair.standby.data)


def test_a_restart_without_its_standby_tells_nothing_that_the_standby_may_lack(pair):
    market = pair.market()
    customer = pair.bettor()
    slip = customer.slip(market, 11)
    assert customer.place(slip, 'told').status == 201
    pair.standby.kill()
    pair.server.restart()
    customer.reconnect()
    again = customer.place(slip, 'told')
    assert again.status == 503 and again.json['limit'] in ('unconfirmed', 'standby_away')
    assert customer.call('GET', '/v1/account').status == 503
    pair.standby = pair.make_standby('b').start()
    until(lambda: customer.place(slip, 'told').status == 200, 60)
    assert customer.account()


@pytest.mark.parametrize('pair', [{'options': ('--ship-degrade', 'async',
                                               '--ship-timeout-ms', '200')}], indirect=True)
def test_a_stated_choice_lets_bets_go_on_without_the_standby(pair):
    market = pair.market()
    customer = pair.bettor()
    pair.standby.kill()
    until(lambda: customer.bet(market, 11, '1').status == 201)
    until(lambda: pair.server.metric('overround_ship_degraded') == 1)
    pair.standby = pair.make_standby('b').start()
    until(lambda: pair.server.metric('overround_ship_degraded') == 0, 60)
    until(lambda: customer.bet(market, 11, '1').status == 201)
    until(pair.caught_up)


def test_a_standby_whose_disk_fails_says_so_and_acknowledges_nothing(pair):
    market = pair.market()
    load = Load(pair, market)
    join = load.start(0)
    acknowledged_after(load, 30)
    with Strace(pair.standby, 'fdatasync,fsync,sync_file_range,pwritev2', 'error=EIO'):
        assert pair.standby.process.wait(60) == 1
    assert 'disk failed' in pair.standby.log_text()
    until(lambda: pair.server.metric('overround_ship_away') == 1)
    pair.standby = pair.make_standby('b').start()
    acknowledged_after(load, 30)
    join()
    pair.server.kill()
    pair.promote()
    load.retry_unanswered()
    load.check()


def test_only_its_own_standby_is_served(pair, tmp_path):
    second = pair.make_standby('c').start()
    until(lambda: 'another standby is attached' in second.log_text())
    second.kill()
    stranger = pair.make_standby('d')
    with open(os.path.join(stranger.data, 'keys', 'personal-master.key'), 'r+b') as file:
        digit = file.read(1)
        file.seek(0)
        file.write(b'0' if digit != b'0' else b'1')
    pair.standby.kill()
    status, said = ends(stranger)
    assert status == 2 and 'secrets' in said, said
    other = Server(tmp_path / 'other').start()  # a book of its own
    other.kill()
    status, said = ends(pair.make_standby('other'))
    assert status == 2 and 'another log' in said, said
    assert not any('duty' in n for n in os.listdir(os.path.join(other.data, 'ledger')))


def test_a_standbys_folder_is_no_servers(pair):
    customer = pair.bettor()
    assert customer.bet(pair.market(), 11, '1').status == 201
    with Http(pair.standby.admin) as http:
        ready = http.request('GET', '/readyz')
        assert ready.status == 503 and ready.code == 'STANDBY'
        assert http.request('POST', '/v1/admin/promote').status == 401
        token = pair.server.token('t', 'trader')
        assert http.request('POST', '/v1/admin/promote', token=token).status == 403
    with Http(pair.standby.public) as http:
        assert http.request('GET', '/v1/odds').code == 'STANDBY'
    pair.server.kill()
    pair.standby.kill()
    status, said = ends(Server(pair.standby.data))
    assert status == 2 and 'standby' in said
    run('promote', '--data', pair.standby.data)
    server = Server(pair.standby.data).start()
    pair.ended.append(server)
    pair.use(server)
    customer.reconnect()
    assert Decimal(customer.account()['balance']) == 999


def test_a_promotion_that_failed_leaves_a_standby_and_fences_nobody(pair):
    customer, market = pair.bettor(), pair.market()
    assert customer.bet(market, 11, '1').status == 201
    obstacle = os.path.join(pair.standby.data, 'ledger', 'duty-0000.new')
    os.mkdir(obstacle)  # the mark cannot be written
    with Http(pair.standby.admin) as http:
        token = pair.server.token('admin-1', 'admin')
        assert http.request('POST', '/v1/admin/promote', token=token).code == 'PROMOTE_FAILED'
        assert http.request('GET', '/v1/admin/status', token=token).json['role'] == 'standby'
    assert customer.bet(market, 11, '1').status == 201  # it follows on
    for end in (pair.standby.terminate, pair.standby.kill):
        end()
        pair.standby.start()
        until(pair.caught_up, 60)
        assert customer.bet(market, 11, '1').status == 201
    pair.standby.kill()
    assert run('promote', '--data', pair.standby.data, check=False).returncode == 1
    os.rmdir(obstacle)
    pair.standby.start()
    until(pair.caught_up, 60)
    assert pair.server.metric('overround_ship_fenced') == 0
    assert customer.bet(market, 11, '1').status == 201
    old = pair.server
    pair.promote()  # now it can be
    until(lambda: old.metric('overround_ship_fenced') == 1)
    customer.reconnect()
    assert Decimal(customer.account()['balance']) == 995


def test_hostile_bytes_on_the_ship_port_are_refused_and_counted(pair):
    admin = pair.server.admin
    with Http(admin) as http:
        assert http.request('GET', '/v1/ship').status == 401
        assert http.request('GET', '/v1/ship', token=pair.server.token('x')).status == 403
        token = pair.server.token('standby-1', 'standby')
        assert http.request('GET', '/v1/ship', token=token).code == 'SHIP_PROTOCOL'
        assert http.request('POST', '/v1/ship', '', token=token).status == 405
    pair.standby.kill()
    until(lambda: pair.server.metric('overround_ship_attached') == 0)
    counted = pair.server.metric('overround_ship_bad_messages_total')
    rng = random.Random(7)
    hello = struct.pack('<IHHII', 0x5052564F, 1, 1, 96, 0) + bytes(80)
    for bad in (b'', b'x', os.urandom(100), hello, hello[:50], rng.randbytes(60000),
                struct.pack('<IHHII', 0x5052564F, 5, 1, 0xFFFFFFFF, 0) + bytes(100)):
        until(lambda: pair.server.metric('overround_ship_attached') == 0)
        with WebSocket(admin, path='/v1/ship', token=token,
                       headers={'Sec-WebSocket-Protocol': 'overround-ship.1'}) as peer:
            assert peer.handshake.status == 101
            peer.send_frame(BINARY, bad)
            opcode = None
            while opcode != CLOSE:
                _, opcode, said = peer.receive_frame()
                assert opcode == CLOSE or said[4:6] == b'\x08\x00', 'refused, and no more'
    until(lambda: pair.server.metric('overround_ship_bad_messages_total') == counted + 7)
    assert pair.server.metric('overround_ship_fenced') == 0
    pair.standby = pair.make_standby('b').start()
    until(pair.caught_up, 60)
    customer = pair.bettor()
    assert customer.bet(pair.market(), 11, '1').status == 201


def test_the_link_can_be_encrypted_and_a_stranger_is_no_primary(tmp_path):
    pki = Pki(tmp_path / 'pki').issue('admin')
    other = Pki(tmp_path / 'other')
    server = Server(tmp_path / 'a', '--ship', 'sync', *pki.options('admin', 'admin-')).start()
    token = tmp_path / 'token'
    token.write_text(server.token('standby-1', 'standby'))
    made = []
    try:
        for name, authority in (('b', other), ('c', pki)):
            keys = tmp_path / name / 'keys'
            keys.mkdir(mode=0o700, parents=True)
            for secret in SECRETS:
                shutil.copy(tmp_path / 'a' / 'keys' / secret, keys)
            made.append(Standby(tmp_path / name, server.admin, str(token), '--primary-ca',
                                authority.cert('ca')).start())
            words = 'the primary is not there' if authority is other else 'the standby has all'
            where = made[-1] if authority is other else server
            until(lambda w=where, t=words: t in w.log_text(), 60)
            if authority is other:
                assert 'a standby follows' not in server.log_text()
    finally:
        for process in (server, *made):
            process.kill()
