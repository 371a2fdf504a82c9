"""Segments of the ledger: they are compressed behind a running server, which goes on answering from
them, and the log is the log it was."""
import contextlib
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


def begun(server):
    """Segments, the prepared one among them."""
    return sum(len(files(server, ending)) for ending in ('.seg', '.segz', '.away'))


def fill(book, market, segments, rate=8000):
    """Bets until more segments are begun than that."""
    for turn in range(200):
        if begun(book.server) > segments:
            return
        run('load', 'bets', '--url', 'http://%s:%d' % book.server.public, '--data',
            book.server.data, '--seconds', '1', '--warmup', '0', '--channels', f'market:{market}',
            '--rate', str(rate), '--users', '20', '--connections', '10', '--user-prefix',
            f'f{turn}')
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
    after = server.metric('overround_ledger_compressed_after_bytes_total')
    before = server.metric('overround_ledger_compressed_before_bytes_total')
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
    fill(small_book, small_book.market(), 5)
    server.kill()
    tail = re.search(r'^records (\d+)', run('ledger', 'replay', '--data', server.data).stdout,
                     re.M)[1]
    before = state_of(server, until=tail)
    server.start()
    until(lambda: len(files(server, '.segz')) >= 2)
    server.kill()
    assert 'all invariants hold' in server.verify()
    assert state_of(server, until=tail) == before


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


@pytest.fixture
def archived(tmp_path):
    """A book with an archive, and the folder of that."""
    folder = tmp_path / 'archive'
    folder.mkdir()
    made = make(tmp_path / 'data', options=(
        '--segment-bytes', str(MIB), '--compress-keep', '0', '--archive', str(folder),
        '--archive-keep', '2', '--snapshot-records', '1000', '--snapshot-keep', '1'))
    yield made, folder
    made.close()


def test_old_segments_move_into_the_archive_and_are_asked_for_by_name(archived):
    book, folder = archived
    server, bettor = book.server, book.bettor()
    market = book.market()
    fill(book, market, 2, rate=2500)
    first = bettor.bet(market, 11, '0.10')
    assert first.status == 201
    count = begun(server)
    fill(book, market, count + 2, rate=2500)
    until(lambda: len(files(server, '.away')) >= count - 2)  # up to the segment of that bet
    until(lambda: server.metric('overround_ledger_archived_segments_total') >= 1)
    bet = first.json['bet_id']
    assert bettor.call('GET', f'/v1/bets/{bet}').status == 200
    assert server.terminate() == 0
    told = run('ledger', 'verify', '--data', server.data, '--archive', str(folder)).stdout
    assert 'all invariants hold' in told
    checked = re.search(r'^archived_files_checked (\d+)', told, re.M)[1]
    assert int(checked) == len(os.listdir(folder))
    missing = run('ledger', 'verify', '--data', server.data, check=False)
    assert missing.returncode == 1
    assert 'ledger-0000-0000000001.segz is not in the archive' in missing.stdout + missing.stderr

    away = folder.rename(folder.with_name('elsewhere'))
    server.start()  # from a snapshot: it needs nothing of the archive
    bettor.reconnect()
    assert server.metric('overround_ledger_archive_missing') == 1
    assert bettor.call('GET', f'/v1/bets/{bet}').status == 503
    assert server.terminate() == 0

    away.rename(folder)
    server.start()
    bettor.reconnect()
    assert server.metric('overround_ledger_archive_missing') == 0
    assert bettor.call('GET', f'/v1/bets/{bet}').status == 200
    assert server.terminate() == 0
    name = sorted(folder.iterdir())[0]
    content = bytearray(name.read_bytes())
    content[-1] ^= 1
    name.write_bytes(content)
    done = run('ledger', 'verify', '--data', server.data, '--archive', str(folder), check=False)
    assert done.returncode == 3
    assert f'{name.name} in the archive: is not the file' in done.stdout + done.stderr


SCRUB = ('--segment-bytes', str(MIB), '--compress-segments', 'off', '--scrub-interval-s', '1',
         '--scrub-bytes-per-second', '100000000')


def flip(path, at):
    with open(path, 'r+b') as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 16]))


def flip_sealed(server):
    """One bit of a sealed segment, while the server runs."""
    name = files(server, '.seg')[0]
    flip(name, 5000)
    return os.path.basename(name)


def test_what_the_scrub_finds_in_the_tree_or_in_old_keys_is_made_again(tmp_path):
    """And neither stops bets: both are made of the ledger."""
    book = make(tmp_path / 'data', options=(*SCRUB, '--scrub-damage', 'stop', '--verdicts-max',
                                            '256'))
    try:
        server, bettor = book.server, book.bettor()

        def deposit(key):  # so many keys at once may be more than there is memory for just then
            return until(lambda: (a := bettor.deposit('0.01', key)).status != 503 and a)
        deposits = {f'd{n}': deposit(f'd{n}') for n in range(300)}

        def old():
            folder = os.path.join(server.data, 'verdicts')
            return sorted(n for n in os.listdir(folder) if n.endswith('.run'))
        until(lambda: old() and server.metric('overround_tree_behind_records') == 0)
        while 'a file of old keys is damaged' not in server.log_text():
            run_name = old()[0]
            with contextlib.suppress(FileNotFoundError):
                flip(os.path.join(server.data, 'verdicts', run_name), 4095)
            # One that is merged with others just then may have been read before: the next one.
            until(lambda: 'a file of old keys is damaged' in server.log_text() or
                  run_name not in old())  # pylint: disable=cell-var-from-loop
        until(lambda: server.metric('overround_verdict_runs_rebuilt_total') >= 1)
        until(lambda: run_name not in old())
        until(lambda: server.metric('overround_scrub_damaged_files') == 0)
        assert server.metric('overround_scrub_damage_total') >= 1
        server.terminate()
        server.start()
        until(lambda: os.path.exists(os.path.join(server.data, 'tree', 'tree-0000-0')))
        flip(os.path.join(server.data, 'tree', 'tree-0000-0'), 40)
        until(lambda: server.metric('overround_scrub_damaged_files') == 1)
        until(lambda: re.search('the tree is damaged.*tree-0000-0 at byte', server.log_text()))
        bettor.reconnect()
        assert bettor.deposit('0.02', 'more').status == 201
        server.terminate()
        server.start()
        rounds = server.metric('overround_scrub_rounds_total')
        until(lambda: server.metric('overround_scrub_rounds_total') > rounds + 1)
        assert server.metric('overround_scrub_damaged_files') == 0
        bettor.reconnect()
        for key, answer in deposits.items():
            assert deposit(key).json == answer.json
    finally:
        book.close()
    assert 'all invariants hold' in server.verify()


@pytest.mark.parametrize('damage', ['alert', 'stop'])
def test_the_scrub_finds_a_bit_that_fell_under_a_running_server(tmp_path, damage):
    book = make(tmp_path / 'data', options=(*SCRUB, '--scrub-damage', damage))
    try:
        server, bettor = book.server, book.bettor()
        market = book.market()
        fill(book, market, 2)
        rounds = server.metric('overround_scrub_rounds_total')
        until(lambda: server.metric('overround_scrub_rounds_total') > rounds + 1)
        assert server.metric('overround_scrub_damage_total') == 0
        assert server.metric('overround_scrub_bytes_total') > MIB
        assert server.metric('overround_scrub_round_age_seconds') < 60
        name = flip_sealed(server)
        until(lambda: server.metric('overround_scrub_damaged_files') == 1)
        until(lambda: re.search(r'%s at byte 4608: sector: wrong checksum' % name,
                                server.log_text()))
        if damage == 'stop':
            until(lambda: bettor.bet(market, 11, '0.10').status == 503)
            assert server.get(f'/v1/odds/{market}').status == 200
        else:
            assert bettor.bet(market, 11, '0.10').status == 201
    finally:
        book.close()
