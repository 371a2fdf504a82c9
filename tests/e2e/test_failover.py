"""A ledger in two directories, and disks that hang, fail and fill: bets go on or are refused by
name, prices go on in any case, and what was acknowledged is there, once."""
import itertools
import os
import random
import shutil
import signal
import subprocess
from decimal import Decimal

import pytest
from conftest import make
from lib.http import Http
from lib.load import Load
from lib.server import run
from lib.strace import SYNCS, Strace
from lib.until import until

LONG = 'delay_enter=600000000'  # ten minutes: hangs until strace goes


@pytest.fixture
def two(tmp_path):
    """A server whose log has two directories."""
    second = tmp_path / 'second'
    made = make(tmp_path / 'data', ['--log-second', str(second), '--stall-ms', '1000',
                                    '--segment-bytes', '1048576', '--reserve-bytes', '2097152'])
    made.first, made.second = os.path.join(made.server.data, 'ledger'), str(second)
    yield made
    made.close()


def volume(book):
    return book.server.metric('overround_ledger_volume')


PRICES = itertools.cycle([2.5, 2.6, 2.7, 2.8])


def assert_prices_go_on(book, market):
    price = next(PRICES)
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        book.feed.price(market, 11, price)
        socket.wait_for(op='delta')
    assert book.server.get(f'/v1/odds/{market}').status == 200


def retry(load):
    until(lambda: load.customers[0].bet(load.market, 12, '1').status == 201)
    load.retry_unanswered()


def restart_and_check(book, load):
    """After a SIGKILL: everything acknowledged is there once, and nothing else is wrong. The volume
    that it began with."""
    book.server.kill()
    assert 'all invariants hold' in book.server.verify()
    book.server.start()
    begun = volume(book) if '--log-second' in book.server.options else 1
    book.feed.again()
    for customer in load.customers:
        customer.reconnect()
    sample = random.sample(list(load.acknowledged), min(30, len(load.acknowledged)))
    with Http(book.server.public) as http:
        for customer, key in sample:
            assert load.one(customer, key, http) == 200, 'an acknowledged bet is unknown'
    load.retry_unanswered()
    load.check()
    return begun


def more(load, count=50):
    """Waits until so many further bets are acknowledged."""
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def test_a_first_volume_that_hangs_leaves_bets_to_the_second(two):
    market = two.market()
    load = Load(two, market, customers=4)
    join = load.start(0)
    more(load)
    before = two.server.metrics()
    # Where the disk has been busy for a second before, it is the second that leaves to the first.
    hung, other = ((two.first, 2), (two.second, 1))[int(before['overround_ledger_volume']) - 1]
    with Strace(two.server, SYNCS, LONG, hung):
        until(lambda: volume(two) == other, 60)
        more(load)
        assert two.server.metric('overround_ledger_failovers_total') == \
            before['overround_ledger_failovers_total'] + 1
        until(lambda: two.server.get('/readyz').status == 200)
        assert_prices_go_on(two, market)
        two.server.process.send_signal(signal.SIGKILL)  # one thread hangs in that volume
    join()
    assert restart_and_check(two, load) == other


def test_the_log_fails_back_when_the_second_hangs_and_the_first_is_well_again(two, tmp_path):
    market = two.market()
    load = Load(two, market, customers=4)
    join = load.start(0)
    for hung, other in ((two.first, 2), (two.second, 1), (two.first, 2)):
        more(load, 20)
        with Strace(two.server, SYNCS, LONG, hung):
            until(lambda o=other: volume(two) == o, 60)
            more(load, 20)
    join()
    # A proof reads the records of every directory, and each kept head is of the log that counts.
    bet = next(iter(load.acknowledged.values()))['bet_id']
    customer = next(c for (c, _), a in load.acknowledged.items() if a['bet_id'] == bet)
    customer.reconnect()
    until(lambda: customer.call('GET', f'/v1/bets/{bet}/proof').status == 200)
    assert two.server.terminate() == 0
    assert 'all invariants hold' in two.server.verify()
    # A backup brings both directories into one, and what is restored is the same ledger.
    copy, restored = str(tmp_path / 'copy'), str(tmp_path / 'restored')
    where = two.server.ledger_options()
    assert run('ledger', 'backup', '--to', copy, check=False, *where[:2]).returncode != 0
    run('ledger', 'backup', '--to', copy, *where)
    run('ledger', 'restore', '--from', copy, '--data', restored)
    assert run('ledger', 'replay', '--data', restored).stdout == \
        run('ledger', 'replay', *where).stdout
    two.server.start()
    two.feed.again()
    load.retry_unanswered()
    load.check()


def test_a_first_volume_that_fails_leaves_bets_to_the_second_at_once(two):
    market = two.market()
    load = Load(two, market, customers=4)
    join = load.start(0)
    more(load)
    with Strace(two.server, SYNCS, 'error=EIO', two.first):
        until(lambda: volume(two) == 2, 60)
        more(load)
        assert_prices_go_on(two, market)
    join()
    restart_and_check(two, load)


def test_when_both_volumes_fail_bets_stop_and_nothing_is_lost(two):
    market = two.market()
    load = Load(two, market, customers=4)
    join = load.start(0)
    more(load)
    with Strace(two.server, SYNCS, 'error=EIO'):
        until(lambda: any(b'LEDGER_UNAVAILABLE' in r.body for r in list(load.refused.values())), 60)
        assert_prices_go_on(two, market)
        assert two.server.get('/readyz').status == 503
    join()
    restart_and_check(two, load)


def serve(data, *options):
    return run('serve', '--data', data, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0',
               *options, check=False, seconds=60)


def test_a_missing_or_swapped_volume_is_refused_by_name(two, tmp_path):
    assert two.bettor().bet(two.market(), 11).status == 201
    assert two.server.terminate() == 0
    data, second = two.server.data, two.second
    alone = serve(data)
    assert alone.returncode == 2 and '--log-second' in alone.stderr
    for command in ('verify', 'stat', 'replay', 'dump', 'head'):
        done = run('ledger', command, '--data', data, check=False)
        assert done.returncode == 2 and '--log-second' in done.stderr
        assert run('ledger', command, '--data', data, '--log-second', second).returncode == 0
    empty = serve(data, '--log-second', str(tmp_path / 'empty'))
    assert empty.returncode == 2 and 'not mounted' in empty.stderr
    os.rename(two.first, tmp_path / 'was-first')
    os.rename(second, two.first)
    os.rename(tmp_path / 'was-first', second)
    swapped = serve(data, '--log-second', second)
    assert swapped.returncode == 2 and 'swapped' in swapped.stderr
    os.rename(two.first, tmp_path / 'is-second')
    os.rename(second, two.first)
    os.rename(tmp_path / 'is-second', second)
    two.server.start()


def test_a_volume_that_is_gone_for_good_is_given_up_by_an_explicit_command(two):
    market = two.market()
    load = Load(two, market, customers=2)
    join = load.start(0)
    more(load, 10)
    with Strace(two.server, SYNCS, LONG, two.first):  # and so it does until the end
        until(lambda: volume(two) == 2, 60)
        more(load, 10)
        join()
        bet = list(load.acknowledged.values())[-1]['bet_id']  # a proof: signed, kept in the tree
        owner = next(c for (c, _), a in load.acknowledged.items() if a['bet_id'] == bet)
        owner.reconnect()
        until(lambda: owner.call('GET', f'/v1/bets/{bet}/proof').status == 200)
        two.server.process.send_signal(signal.SIGKILL)
    two.server.kill()
    shutil.rmtree(two.second)
    told = run('ledger', 'volume-lost', '--data', two.server.data).stdout
    assert 'nothing was changed' in told and 'what was acknowledged after record' in told
    assert serve(two.server.data).returncode == 2
    done = run('ledger', 'volume-lost', '--data', two.server.data, '--accept-loss', 'yes').stdout
    assert 'all of the ledger' in done
    # The tree has signed what is lost now: that is said, and is the operator's to put aside.
    refused = serve(two.server.data)
    assert refused.returncode != 0 and 'tree' in refused.stderr + refused.stdout
    tree = os.path.join(two.server.data, 'tree')
    os.rename(tree, tree + '-of-before')
    two.server.options = ['--segment-bytes', '1048576']
    two.server.start()
    two.feed.again()
    until(lambda: two.bettor().bet(market, 11, '1').status == 201)
    two.server.kill()
    assert 'all invariants hold' in two.server.verify()


def test_a_disk_that_hangs_without_a_second_refuses_bets_at_once(tmp_path):
    book = make(tmp_path / 'data', ['--stall-ms', '200'])
    market = book.market()
    waiting, other = book.bettor(), book.bettor()
    slip = waiting.slip(market, 11, price_policy='any')
    before = book.server.metric('overround_limit_reached_total', limit='ledger_stalled')
    with Strace(book.server, SYNCS, LONG):
        waiting.http.begin('POST', '/v1/bets', slip, waiting.token, {'Idempotency-Key': 'slow'})
        until(lambda: book.server.metric('overround_ledger_stalled') == 1)
        refused = other.bet(market, 11)
        assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED'
        assert int(refused.headers['retry-after']) > 0
        assert other.deposit('1.00').json['code'] == 'LEDGER_STALLED'
        assert book.server.get('/readyz').status == 503
        assert_prices_go_on(book, market)
        assert book.server.metric('overround_limit_reached_total',
                                  limit='ledger_stalled') == before + 2
    assert waiting.http.response().status == 201
    until(lambda: book.server.metric('overround_ledger_stalled') == 0)
    assert other.bet(market, 11).status == 201
    book.server.kill()
    book.server.verify()
    book.close()


@pytest.fixture
def small_disk(tmp_path):
    """DATA/ledger on a file system of 16 MiB."""
    folder = tmp_path / 'data' / 'ledger'
    os.makedirs(folder)
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', str(folder)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip('no file system can be mounted here')
    yield str(folder)
    subprocess.run(['umount', '-l', str(folder)], check=True)


def test_a_full_disk_takes_no_bets_pays_results_and_is_well_again_without_a_restart(small_disk,
                                                                                    tmp_path):
    book = make(tmp_path / 'data', ['--segment-bytes', '1048576', '--reserve-bytes', '2097152',
                                    '--free-bytes-min', '0'])
    market = book.market()
    customer = book.bettor(money='1000.00')
    bet = customer.bet(market, 11, '10.00').json
    ballast = os.path.join(small_disk, 'ballast')
    with open(ballast, 'wb', buffering=0) as file, pytest.raises(OSError):
        while file.write(bytes(65536)):
            pass
    # Bets go on in what is prepared, to its end; the first file of the reserve is not for them.
    load = Load(book, book.market(), customers=4)
    join = load.start(0)
    until(lambda: any(b'LEDGER_FULL' in r.body for r in list(load.refused.values())), 120)
    assert book.server.metric('overround_ledger_full') == 1
    assert book.server.metric('overround_ledger_reserve_used_bytes') == 1048576
    assert book.server.metric('overround_limit_reached_total', limit='ledger_full') > 0
    assert book.server.get('/readyz').status == 503
    customer.reconnect()
    assert customer.bet(load.market, 12).json['code'] == 'LEDGER_FULL'
    assert customer.deposit('1.00').json['code'] == 'LEDGER_FULL'
    book.feed.settle(market, {11})
    customer.wait_bet(bet['bet_id'], status='WON')
    won = Decimal(bet['potential_return']) - Decimal(bet['stake'])
    assert customer.balance() == 1000 + won
    assert_prices_go_on(book, load.market)
    join()
    os.unlink(ballast)
    until(lambda: book.server.metric('overround_ledger_full') == 0, 60)
    until(lambda: book.server.metric('overround_ledger_reserve_used_bytes') == 0, 60)
    assert customer.bet(load.market, 12, '1.00').status == 201
    restart_and_check(book, load)
    customer.reconnect()
    assert customer.balance() == 1000 + won - 1
    book.close()
