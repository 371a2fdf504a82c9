"""Snapshots: a start that does not fold everything, and a second fold that agrees with the live
state while bets are taken."""
import os
import re

import pytest
from conftest import make
from lib.server import run
from lib.until import until
from test_crashes import Load


@pytest.fixture
def snap_book(tmp_path):
    made = make(tmp_path / 'data', options=('--snapshot-records', '40'))
    yield made
    made.close()


def snapshots(server):
    folder = os.path.join(server.data, 'ledger')
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith('.snap'))


def bets(bettor, market, count):
    for _ in range(count):
        assert bettor.bet(market, 11, '0.10').status == 201


def bets_with_two_snapshots(book, bettor):
    """A market with bets on it. When a snapshot is written depends on how far the second fold got,
    but never later than 40 records after the one before."""
    market = book.market()
    for number in (1, 2):
        bets(bettor, market, 50)
        until(lambda n=number: len(snapshots(book.server)) == n)
    return market


def started_from(server):
    """Record of the snapshot that the newest start used."""
    return int(re.findall(r'started.*\bsnapshot=(\d+)', server.log_text())[-1])


def test_a_start_uses_the_newest_snapshot_and_the_ledger_stays_whole(snap_book):
    server, bettor = snap_book.server, snap_book.bettor()
    assert started_from(server) == 0
    market = bets_with_two_snapshots(snap_book, bettor)
    until(lambda: server.metric('overround_reconcile_rounds_total') > 2)
    bets(bettor, market, 5)
    key = bettor.key()
    slip = bettor.slip(market, 12, '0.50')
    first = bettor.place(slip, key=key)
    assert first.status == 201
    before = bettor.balance()
    server.restart()
    bettor.reconnect()
    snap_book.feed.again()
    assert started_from(server) > 60
    assert bettor.balance() == before
    again = bettor.place(slip, key=key)
    assert again.status == 200
    assert again.json['bet_id'] == first.json['bet_id']
    until(lambda: bettor.bet(market, 11, '0.10').status == 201)
    bets(bettor, market, 60)
    until(lambda: server.metric('overround_snapshots_total') > 0)
    until(lambda: server.metric('overround_reconcile_samples_total') > 5)
    assert server.metric('overround_reconcile_drift') == 0
    assert server.metric('overround_shadow_failed') == 0
    assert server.terminate() == 0
    assert len(snapshots(server)) == 2
    told = server.verify()
    assert 'snapshots_checked 2' in told and 'all invariants hold' in told


def test_replay_from_a_snapshot_is_the_whole_replay(snap_book):
    server, bettor = snap_book.server, snap_book.bettor()
    bets_with_two_snapshots(snap_book, bettor)
    server.kill()
    tail = int(re.search(r'^records (\d+)', run('ledger', 'replay', '--data', server.data).stdout,
                         re.M)[1])
    for until_seq in (1, 30, 70, tail - 1, tail):
        whole, fast = (run('ledger', 'replay', '--data', server.data, '--until', str(until_seq),
                           '--fast', word).stdout for word in ('no', 'yes'))
        assert whole == fast and f'records {until_seq}\n' in whole
    moment = re.search(r'^time (\S+)', run('ledger', 'replay', '--data', server.data, '--until',
                                           str(tail - 3)).stdout, re.M)[1]
    whole, fast = (run('ledger', 'replay', '--data', server.data, '--until', moment, '--fast',
                       word).stdout for word in ('no', 'yes'))
    assert whole == fast


def test_a_damaged_snapshot_is_told_and_passed_over(snap_book):
    server, bettor = snap_book.server, snap_book.bettor()
    bets_with_two_snapshots(snap_book, bettor)
    balance = bettor.balance()
    server.kill()
    newest = snapshots(server)[-1]
    with open(newest, 'r+b') as file:
        file.seek(700)
        byte = file.read(1)
        file.seek(700)
        file.write(bytes([byte[0] ^ 8]))
    done = run('ledger', 'verify', '--data', server.data, check=False)
    assert done.returncode == 3 and os.path.basename(newest) in done.stderr
    assert 'the ledger is sound' in done.stderr
    server.start()
    bettor.reconnect()
    assert bettor.balance() == balance
    assert os.path.basename(newest) in server.log_text()
    assert 0 < started_from(server) < int(newest.rsplit('-', 1)[1].split('.')[0])


def test_without_snapshots_none_are_written(tmp_path):
    book = make(tmp_path / 'data', options=('--snapshots', 'off', '--snapshot-records', '10'))
    try:
        bets(book.bettor(), book.market(), 30)
        book.server.restart()
        assert not snapshots(book.server)
        assert started_from(book.server) == 0
    finally:
        book.close()


def test_damage_far_below_a_snapshot_still_refuses_a_start(tmp_path):
    """The fold begins behind the snapshot; a second thread has read what is below it."""
    options = ('--segment-bytes', '1048576', '--compress-segments', 'off', '--snapshot-records',
               '1000')
    book = make(tmp_path / 'data', options=options)
    server = book.server
    folder = os.path.join(server.data, 'ledger')
    try:
        load = Load(book, book.market())
        join = load.start(0)
        until(lambda: os.path.exists(os.path.join(folder, 'ledger-0000-0000000005.seg')), 120)
        join()
        until(lambda: server.metric('overround_snapshot_lag_records') == 0, 60)
        assert server.metric('overround_snapshot_seq') > 3000
        server.kill()
        path = os.path.join(folder, 'ledger-0000-0000000001.seg')
        with open(path, 'r+b') as file:
            file.seek(40960)
            byte = file.read(1)
            file.seek(40960)
            file.write(bytes([byte[0] ^ 16]))
        done = run('serve', '--data', server.data, '--listen', '127.0.0.1:0', '--admin',
                   '127.0.0.1:0', *options, check=False)
        assert done.returncode == 3 and 'ready' not in done.stdout
        assert 'ledger-0000-0000000001.seg at byte 40960' in done.stderr
        server.options += ['--start-check', 'newest']
        server.start()
        assert started_from(server) > 3000
    finally:
        book.close()
