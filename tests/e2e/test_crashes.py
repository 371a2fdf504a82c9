"""SIGTERM, SIGKILL under load, failing and stalling disks, damaged files: what was acknowledged
is there, once; what was not is not paid."""
import os
import random
import time
from decimal import Decimal

import pytest
from lib.bettor import Bettor
from lib.http import Http, loads
from lib.load import Load
from lib.server import run
from lib.strace import SYNCS, Strace
from lib.until import until

KILLS = 20


def test_twenty_kills_under_load_lose_and_double_nothing(own_book):
    market = own_book.market()
    load = Load(own_book, market)
    for number in range(KILLS):
        acknowledged = len(load.acknowledged)
        join = load.start(number)
        until(lambda a=acknowledged: len(load.acknowledged) > a + 20)
        time.sleep(random.random() * 0.3)
        own_book.server.kill()
        join()
        if number % 5 == 0:
            own_book.server.verify()
        own_book.server.start()
        own_book.feed.again()
        before = dict(load.acknowledged)
        sample = random.sample(list(before), min(30, len(before)))
        with Http(own_book.server.public) as http:
            for customer, key in sample:
                assert load.one(customer, key, http) == 200, 'an acknowledged bet is unknown'
    until(lambda: own_book.bettor().bet(market, 11, '1').status == 201)
    load.retry_unanswered()
    load.check()
    # Nothing unacknowledged is paid: what is paid out is exactly what the known bets win.
    own_book.feed.settle(market, {11})
    for customer in load.customers:
        mine = [a for (c, _), a in load.acknowledged.items() if c is customer]
        pays = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, p=pays: c.balance() == 100000 + p, 60)
    own_book.server.kill()
    own_book.server.verify()
    live = run('ledger', 'replay', '--data', own_book.server.data).stdout
    assert run('ledger', 'replay', '--data', own_book.server.data).stdout == live


@pytest.mark.parametrize('own_book', [(), ('--loops', '3')], ids=['one', 'loops'], indirect=True)
def test_sigterm_answers_what_is_under_way_and_exits_0(own_book):
    market = own_book.market()
    load = Load(own_book, market)
    join = load.start(0)
    until(lambda: len(load.acknowledged) > 50)
    sockets = [own_book.server.websocket() for _ in range(8)]
    for socket in sockets:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
    assert own_book.server.terminate() == 0
    assert [socket.close_code() for socket in sockets] == [1001] * len(sockets)
    join()
    own_book.server.verify()
    own_book.server.start()
    own_book.feed.again()
    load.retry_unanswered()
    load.check()


def test_a_second_server_on_the_same_data_does_not_start(own_book):
    done = run('serve', '--data', own_book.server.data, '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', check=False)
    assert done.returncode != 0 and done.stderr
    assert 'ready' not in done.stdout
    assert own_book.bettor().bet(own_book.market(), 11).status == 201


def test_a_sync_that_fails_stops_betting_and_loses_nothing(own_book):
    """After EIO nobody knows what the disk holds: 503, no blind second try, prices go on."""
    market = own_book.market()
    load = Load(own_book, market)
    join = load.start(0)
    until(lambda: len(load.acknowledged) > 50)
    with Strace(own_book.server, SYNCS, 'error=EIO'):
        until(lambda: any(r.status == 503 for r in list(load.refused.values())))
        join()
        customer = load.customers[0]
        customer.reconnect()
        assert customer.place(load.slip(1), 'after').status == 503
        assert own_book.server.get(f'/v1/odds/{market}').status == 200
        assert own_book.server.get('/readyz').status == 503
        assert own_book.server.get('/healthz').status in (200, 503)
    customer.reconnect()
    assert customer.place(load.slip(1), 'still').status == 503, 'it went on after a failed sync'
    own_book.server.kill()
    own_book.server.verify()
    own_book.server.start()
    own_book.feed.again()
    load.retry_unanswered()
    load.check()


def test_a_full_disk_is_answered_and_forgotten_when_there_is_room(own_book):
    market = own_book.market()
    load = Load(own_book, market)
    join = load.start(0)
    until(lambda: len(load.acknowledged) > 50)
    with Strace(own_book.server, 'pwrite64,pwritev,pwritev2,fallocate', 'error=ENOSPC'):
        until(lambda: any(r.status == 503 for r in list(load.refused.values())))
        assert own_book.server.get(f'/v1/odds/{market}').status == 200
    join()
    own_book.server.restart()
    own_book.feed.again()
    load.retry_unanswered()
    load.check()
    own_book.server.kill()
    own_book.server.verify()


def test_a_disk_that_stalls_delays_bets_and_nothing_else(own_book):
    market = own_book.market()
    customer = own_book.bettor()
    slip = customer.slip(market, 11, price_policy='any')
    with Strace(own_book.server, SYNCS, 'delay_enter=600000000') as disk:  # until strace goes
        customer.http.begin('POST', '/v1/bets', slip, customer.token, {'Idempotency-Key': 'slow'})
        until(disk.holds_back)
        with own_book.server.websocket() as socket:
            socket.subscribe(f'market:{market}')
            socket.wait_for(op='snapshot')
            for step in range(10):  # none of them waits for the disk
                own_book.feed.price(market, 11, 2.5 + step / 10)
                assert own_book.server.get(f'/v1/odds/{market}').status == 200
                socket.wait_for(op='delta')
        assert disk.holds_back() and not customer.http.has_answer()
    assert customer.http.response().status == 201
    own_book.server.kill()
    own_book.server.verify()


def log_files(data):
    """Files of the ledger's log, newest last."""
    found = [os.path.join(folder, name) for folder, _, names in os.walk(data) for name in names
             if os.path.getsize(os.path.join(folder, name)) >= 4096
             and name.startswith('ledger-')]
    return sorted(found)


def test_a_byte_changed_in_the_ledger_is_found_and_named(own_book):
    """Damage never starts: an acknowledged bet would be cut away silently."""
    customer = own_book.bettor()
    market = own_book.market()
    for _ in range(50):
        assert customer.bet(market, 11, '1').status == 201
    assert own_book.server.terminate() == 0
    files = log_files(own_book.server.data)
    assert files, os.listdir(own_book.server.data)
    with open(files[0], 'rb') as file:
        content = file.read()
    at = content.find(customer.name.encode())
    assert at > 0, 'the user of a bet is not found in the log'
    with open(files[0], 'r+b') as file:
        file.seek(at)
        file.write(b'X')
    done = run('ledger', 'verify', '--data', own_book.server.data, check=False)
    assert done.returncode != 0
    done = run('serve', '--data', own_book.server.data, '--listen', '127.0.0.1:0', '--admin',
               '127.0.0.1:0', check=False)
    assert done.returncode != 0 and 'ready' not in done.stdout
    assert any(c.isdigit() for c in done.stderr), 'the offset is not named'
    with open(files[0], 'r+b') as file:
        file.write(content)
    own_book.server.start()
    customer.reconnect()
    assert customer.balance() == 950


@pytest.mark.parametrize('cut', [1, 4095, 4096, 100000])
def test_a_shortened_ledger_is_found(own_book, cut):
    customer = own_book.bettor()
    market = own_book.market()
    for _ in range(300):
        assert customer.bet(market, 11, '1').status == 201
    last_seq = int(customer.bet(market, 11, '1').json['ledger_seq'].split('-')[1])
    assert own_book.server.terminate() == 0
    newest = log_files(own_book.server.data)[-1]
    os.truncate(newest, max(0, os.path.getsize(newest) - cut))
    verify = run('ledger', 'verify', '--data', own_book.server.data, check=False)
    stat = run('ledger', 'stat', '--data', own_book.server.data, check=False)
    # Prepared zeros may go; a record may not.
    assert verify.returncode != 0 or str(last_seq) in stat.stdout


def test_the_dump_tells_every_record_and_adds_up(own_book):
    market = own_book.market()
    customer = own_book.bettor(money='100.00')
    bet = customer.bet(market, 11, '10.00').json
    customer.bet(market, 11, '500.00')
    own_book.feed.settle(market, {11})
    customer.wait_bet(bet['bet_id'], status='WON')
    assert own_book.server.terminate() == 0
    lines = [loads(line) for line in
             run('ledger', 'dump', '--data', own_book.server.data).stdout.splitlines()]
    text = str(lines)
    assert bet['bet_id'] in text and 'INSUFFICIENT_BALANCE' in text
    assert [line['seq'] for line in lines] == list(range(1, len(lines) + 1))  # L1: dense
    for line in lines:  # L4: what a record posts sums to zero
        assert sum(posting['amount'] for posting in line.get('postings', [])) == 0, line
    assert any(line.get('postings') for line in lines)


def test_personal_fields_are_never_in_the_clear(own_book):
    """The address of a bet enters the log as ciphertext only."""
    market = own_book.market()
    customer = Bettor(own_book.server, 'private')
    slip = customer.slip(market, 11)
    assert customer.call('POST', '/v1/bets', slip, 'k').status == 201
    assert customer.http.request('POST', '/v1/bets', slip, customer.token, {
        'Idempotency-Key': 'k2', 'User-Agent': 'A-Device-Nobody-Else-Has'}).status == 201
    assert own_book.server.terminate() == 0
    for folder, _, names in os.walk(own_book.server.data):
        for name in names:
            with open(os.path.join(folder, name), 'rb') as file:
                content = file.read()
            assert b'A-Device-Nobody-Else-Has' not in content, name
            assert b'127.0.0.1' not in content, name
