"""Segments of the ledger: they are compressed behind a running server, which goes on answering from
them, and the log is the log it was."""
import os
import re

import pytest
from conftest import make
from lib.server import run
from lib.until import until

MIB = 1 << 20


@pytest.fixture
def small_book(tmp_path):
    """Segments of the smallest size; one sealed segment stays plain."""
    made = make(tmp_path / 'data', options=('--segment-bytes', str(MIB), '--compress-keep', '1'))
    yield made
    made.close()


def files(server, ending):
    folder = os.path.join(server.data, 'ledger')
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(ending))


def fill(book, market, segments):
    """Bets until so many segments are begun."""
    for turn in range(200):
        if len(files(book.server, '.seg')) + len(files(book.server, '.segz')) > segments:
            return
        run('load', 'bets', '--url', 'http://%s:%d' % book.server.public, '--data',
            book.server.data, '--seconds', '1', '--warmup', '0', '--channels', f'market:{market}',
            '--rate', '8000', '--users', '20', '--connections', '10', '--user-prefix', f'f{turn}')
    raise AssertionError('the log does not grow')


def state_of(server, **options):
    asked = [word for key, value in options.items() for word in ('--' + key, value)]
    done = run('ledger', 'replay', '--data', server.data, *asked)
    return re.search(r'^state (\S+)', done.stdout, re.M)[1]


def test_old_segments_are_compressed_and_read_as_before(small_book):
    server, bettor = small_book.server, small_book.bettor()
    market = small_book.market()
    key, slip = bettor.key(), bettor.slip(market, 11, '0.10')
    first = bettor.place(slip, key=key)
    assert first.status == 201
    fill(small_book, market, 5)
    until(lambda: server.metric('overround_ledger_compressed_segments_total') >= 3)
    before = server.metric('overround_ledger_compressed_before_bytes_total')
    after = server.metric('overround_ledger_compressed_after_bytes_total')
    assert 0 < after < before / 2 and before % MIB == 0
    assert server.metric('overround_ledger_compress_errors_total') == 0
    until(lambda: len(files(server, '.segz')) >= 3)
    bet = first.json['bet_id']
    shown = bettor.call('GET', f'/v1/bets/{bet}')
    assert shown.status == 200
    assert shown.json['history'][0]['ledger_seq'] == first.json['ledger_seq']
    assert bettor.call('GET', f'/v1/bets/{bet}/proof').status == 200
    server.restart()
    bettor.reconnect()
    assert bettor.place(slip, key=key).json['bet_id'] == bet
    assert bettor.call('GET', f'/v1/bets/{bet}/proof').status == 200
    assert server.terminate() == 0
    assert 'all invariants hold' in server.verify()
    stat = run('ledger', 'stat', '--data', server.data).stdout
    count, size = re.search(r'^segments compressed (\d+) (\d+)', stat, re.M).groups()
    assert int(count) == len(files(server, '.segz'))
    assert int(size) == sum(os.path.getsize(name) for name in files(server, '.segz'))


def test_a_kill_while_segments_are_compressed_loses_nothing(small_book):
    server = small_book.server
    market = small_book.market()
    fill(small_book, market, 5)
    server.kill()
    before = state_of(server)
    server.start()
    until(lambda: len(files(server, '.segz')) >= 2)
    server.kill()
    assert 'all invariants hold' in server.verify()
    tail = re.search(r'^records (\d+)', run('ledger', 'replay', '--data', server.data).stdout, re.M)
    # The second start wrote one record, OPENED, and nothing else.
    assert state_of(server, until=str(int(tail[1]) - 1)) == before


def test_a_damaged_compressed_segment_is_named_with_its_byte(small_book):
    server = small_book.server
    fill(small_book, small_book.market(), 4)
    until(lambda: len(files(server, '.segz')) >= 2)
    assert server.terminate() == 0
    name = files(server, '.segz')[1]
    with open(name, 'r+b') as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 4]))
    done = run('ledger', 'verify', '--data', server.data, check=False)
    assert done.returncode == 3
    assert re.search(r'%s at byte \d+: packed chunk: wrong checksum' % os.path.basename(name),
                     done.stdout + done.stderr)
