"""Backup and restore as somebody does it who has lost a machine: copies beside a server that takes
bets, the folder gone, a restore, and every customer's answer still true."""
import os
import random
import shutil
import signal
import subprocess
from decimal import Decimal

import pytest
from conftest import make
from lib.http import Http, loads
from lib.server import BINARY, ENVIRONMENT, Server, run
from lib.until import until
from test_crashes import Load


def rows(text):
    return dict(line.split(' ', 1) for line in text.splitlines() if ' ' in line)


def backup(server, to, *options, **named):
    done = run('ledger', 'backup', '--data', server.data, '--to', str(to), *options, **named)
    assert named.get('check') is False or done.stdout.endswith('backup complete\n')
    return rows(done.stdout) if named.get('check', True) else done


def restore(folder, data, *options, **named):
    done = run('ledger', 'restore', '--from', str(folder), '--data', str(data), *options, **named)
    assert named.get('check') is False or done.stdout.endswith('restore complete\n')
    return rows(done.stdout) if named.get('check', True) else done


def replay(data, *options):
    return rows(run('ledger', 'replay', '--data', str(data), *options).stdout)


def flip(path, offset, bit=4):
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bit]))


def contents(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), 'rb') as file:
                found[os.path.relpath(os.path.join(path, name), folder)] = file.read()
    return found


def served_on(book, data):
    """The same book on another folder."""
    book.server.data = str(data)
    book.server.tokens.clear()
    book.server.start()
    book.feed.again()


# ---- the drill ----

def test_the_drill_a_machine_is_lost_under_load_and_nothing_of_the_backup_is(own_book, tmp_path):
    server, market = own_book.server, own_book.market()
    copy, keys = tmp_path / 'backup', tmp_path / 'keys'
    load = Load(own_book, market, customers=4)
    join = load.start(0)
    known = {}
    for number in range(4):
        until(lambda n=number: len(load.acknowledged) > 40 * (n + 1), 60)
        with load.lock:
            known = dict(load.acknowledged)
        made = backup(server, copy, '--keys-to', str(keys))
    assert 'all invariants hold' in run('ledger', 'verify', '--data', str(copy)).stdout
    until(lambda: len(load.acknowledged) > len(known) + 20, 60)
    server.kill()
    join()
    lost = shutil.move(server.data, tmp_path / 'lost')
    told = restore(copy, server.data, '--keys-from', str(keys))
    assert told['records'] == made['records'] and told['root'] == made['root']
    assert 'all invariants hold' in run('ledger', 'verify', '--data', server.data).stdout
    assert replay(server.data) == replay(lost, '--until', made['records'])
    server.tokens.clear()
    server.start()
    own_book.feed.again()
    last = int(made['records'])
    inside = {k: a for k, a in load.acknowledged.items()
              if int(a['ledger_seq'].split('-')[1]) <= last}
    assert set(known) - set(inside) <= newest_of(known), 'acknowledged before, and not in it'
    assert len(inside) > 100
    with Http(server.public) as http:  # a retry of a key gets the stored answer
        for customer, key in random.sample(list(inside), min(300, len(inside))):
            customer.token = server.token(customer.name)
            assert load.one(customer, key, http) == 200
    load.acknowledged = inside
    until(lambda: own_book.bettor().bet(market, 11, '1').status == 201)
    load.check()
    own_book.feed.settle(market, {11})
    for customer in load.customers:
        mine = [a for (c, _), a in inside.items() if c is customer]
        pays = sum(Decimal(a['potential_return']) - Decimal(a['stake']) for a in mine)
        until(lambda c=customer, p=pays: c.balance() == 100000 + p, 60)
    server.kill()
    server.verify()


def newest_of(known):
    """The bets of the newest group that was acknowledged: a backup beside a server that is busy for
    seconds may end before it, and then says so."""
    return set(sorted(known, key=lambda k: int(known[k]['ledger_seq'].split('-')[1]))[-64:])


# ---- a point in time ----

@pytest.fixture(scope='module')
def kept(tmp_path_factory):
    """(data, backup, stats of it): a server that has ended, with deposits, bets and heads."""
    folder = tmp_path_factory.mktemp('kept')
    book = make(folder / 'data', options=('--head-interval-ms', '10'))
    ann, market = book.bettor(name='ann'), book.market()
    for number in range(40):
        assert ann.bet(market, 11, '0.10').status == 201
        if number == 20:
            until(lambda: book.server.metric('overround_tree_heads') > 3)
    book.feed.settle(market, {11})
    until(lambda: ann.balance() > 1000)
    assert book.server.terminate() == 0
    book.close()
    made = backup(book.server, folder / 'backup')
    return book.server.data, folder / 'backup', made


def test_up_to_a_record_is_the_state_that_it_was_then(kept, tmp_path):
    data, copy, made = kept
    last = int(made['records'])
    assert 'records_left_out' not in made and last == int(replay(data)['records'])
    for number, seq in enumerate((1, 7, last // 2, last - 1, last)):
        to = tmp_path / f'to-{number}'
        done = restore(copy, to, '--until', str(seq), check=False)
        assert done.returncode == 0, done.stderr
        told = rows(done.stdout)
        assert replay(to) == replay(data, '--until', str(seq))
        text = run('ledger', 'verify', '--data', str(to)).stdout
        assert 'all invariants hold' in text and f'root {told["root"]}' in text
        assert ('acknowledged are left out' in done.stdout) == (seq < last)
        assert 'published after record' in done.stdout
        aside = int(told['heads_set_aside'])
        assert aside + int(told['heads_kept']) == int(made['heads_kept'])
        assert ('set aside in tree/' in done.stdout) == (aside > 0)
        if aside:
            path = to / 'tree' / f'heads-0000-above-{seq}'
            assert path.stat().st_size == 192 * aside
            check = run('ledger', 'verify', '--data', str(to), '--head', str(path), check=False)
            assert check.returncode in (2, 3)  # binary: no text of a head, or a cut log


def test_up_to_a_time_is_the_last_record_not_after_it(kept, tmp_path):
    data, copy, made = kept
    moment = replay(data, '--until', str(int(made['records']) // 2))['time']
    told = restore(copy, tmp_path / 'to', '--until', moment)
    assert replay(tmp_path / 'to') == replay(data, '--until', moment)
    assert told['records'] == replay(data, '--until', moment)['records']
    done = restore(copy, tmp_path / 'never', '--until', '2001-01-01T00:00:00Z', check=False)
    assert done.returncode == 1 and 'no record up to that time' in done.stderr
    assert not (tmp_path / 'never').exists()


def test_a_server_starts_on_a_point_in_time_under_a_new_epoch(kept, tmp_path):
    data, copy, made = kept
    to = tmp_path / 'to'
    restore(copy, to, '--until', str(int(made['records']) - 5))
    # Without its keys nobody signs in the book's name, until somebody says that they are lost.
    refused = run('serve', '--data', str(to), '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0',
                  check=False)
    assert refused.returncode != 0 and 'rotate-key' in refused.stderr
    run('ledger', 'rotate-key', '--data', str(to), '--lost', 'yes')
    with Server(to) as server:
        assert server.get('/healthz').status == 200
        assert server.terminate() == 0
    dump = run('ledger', 'dump', '--data', str(to)).stdout
    epochs = [line['epoch'] for line in map(loads, dump.splitlines()) if line['type'] == 'OPENED']
    assert epochs == sorted(set(epochs)) and len(epochs) == 2
    assert 'all invariants hold' in run('ledger', 'verify', '--data', str(to)).stdout


def test_heads_beyond_the_cut_convict_the_book(kept, tmp_path):
    """L8: whoever holds a head of the lost part can show that there was one."""
    data, copy, made = kept
    to, head = tmp_path / 'to', tmp_path / 'head.json'
    head.write_text(run('ledger', 'head', '--data', data).stdout)
    restore(copy, to, '--until', str(int(made['records']) - 5))
    done = run('ledger', 'verify', '--data', str(to), '--head', str(head), check=False)
    assert done.returncode == 3 and 'the log ends at record' in done.stderr


# ---- what is refused ----

def test_a_restore_is_never_over_anything(kept, tmp_path):
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'mine').write_text('precious')
    done = restore(kept[1], tmp_path / 'full', check=False)
    assert done.returncode == 2 and 'not empty' in done.stderr
    assert contents(tmp_path / 'full') == {'mine': b'precious'}
    done = restore(tmp_path / 'nothing', tmp_path / 'new', check=False)
    assert done.returncode == 1 and not (tmp_path / 'new').exists()
    done = restore(kept[1], tmp_path / 'new', '--until', 'yesterday', check=False)
    assert done.returncode == 2 and 'yesterday' in done.stderr


def test_a_damaged_backup_is_refused_with_file_and_byte(kept, tmp_path):
    own = shutil.copytree(kept[1], tmp_path / 'own')
    for name, offset, where in (('ledger/ledger-0000-0000000000.seg', 5000, 'at byte 4608'),
                                ('odds/odds-0000000000.log', 80, 'at byte 64'),
                                ('tree/heads-0000', 200, 'at byte 192'),
                                ('manifest', 300, '')):
        flip(own / name, offset)
        done = restore(own, tmp_path / 'new', check=False)
        assert done.returncode == 3, (name, done.stderr)
        assert os.path.basename(name) in done.stderr and where in done.stderr
        assert not (tmp_path / 'new').exists()
        flip(own / name, offset)
    (own / 'odds' / 'odds-0000000000.log').unlink()
    done = restore(own, tmp_path / 'new', check=False)
    assert done.returncode == 3 and 'odds-0000000000.log' in done.stderr


def test_a_damaged_ledger_is_not_copied_over_a_good_backup(kept, tmp_path):
    data = shutil.copytree(kept[0], tmp_path / 'data')
    copy = shutil.copytree(kept[1], tmp_path / 'copy')
    before = contents(copy)
    flip(data / 'ledger' / 'ledger-0000-0000000000.seg', 5000)
    done = run('ledger', 'backup', '--data', str(data), '--to', str(copy), check=False)
    assert done.returncode == 3
    assert 'ledger-0000-0000000000.seg at byte 4608' in done.stderr
    after = contents(copy)
    assert {n: b for n, b in after.items() if n in before} == before
    restore(copy, tmp_path / 'new')


def test_a_backup_goes_to_a_folder_of_its_own_book(kept, own_book, tmp_path):
    server = own_book.server
    own_book.bettor().bet(own_book.market(), 11)
    copy = shutil.copytree(kept[1], tmp_path / 'copy')
    done = backup(server, copy, check=False)
    assert done.returncode == 2 and 'another ledger' in done.stderr
    done = backup(server, server.data, check=False)
    assert done.returncode == 2 and 'that of a server' in done.stderr
    done = backup(server, tmp_path / 'x', '--recheck', 'maybe', check=False)
    assert done.returncode == 2 and 'recheck' in done.stderr


# ---- what is interrupted ----

def test_an_interrupted_backup_leaves_the_one_before_and_is_continued(own_book, tmp_path):
    server, market = own_book.server, own_book.market()
    copy, bettor = tmp_path / 'backup', own_book.bettor()
    for _ in range(20):
        assert bettor.bet(market, 11, '0.10').status == 201
    first = backup(server, copy)
    for _ in range(20):
        assert bettor.bet(market, 11, '0.10').status == 201
    argv = [BINARY, 'ledger', 'backup', '--data', server.data, '--to', str(copy)]
    for call in ('pwrite64', 'fdatasync', 'renameat,renameat2', 'fsync'):
        for nth in (1, 3):  # SIGKILL at this call of its own
            done = subprocess.run(['strace', '-f', '-qq', '-o', os.devnull, '-e', f'trace={call}',
                                   '-e', f'inject={call}:signal=SIGKILL:when={nth}', *argv],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=120, env=ENVIRONMENT, check=False)
            assert done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
            told = restore(copy, tmp_path / f'to-{call}-{nth}')
            assert int(told['records']) >= int(first['records'])
    second = backup(server, copy)
    assert int(second['records']) > int(first['records']) + 19
    assert 'all invariants hold' in run('ledger', 'verify', '--data', str(copy)).stdout
    assert not [n for n in contents(copy) if n.endswith('.new')]


def test_a_backup_of_a_server_that_was_killed_has_everything_that_was_acknowledged(own_book,
                                                                                   tmp_path):
    server, market = own_book.server, own_book.market()
    load = Load(own_book, market)
    join = load.start(0)
    until(lambda: len(load.acknowledged) > 100)
    server.kill()
    join()
    made = backup(server, tmp_path / 'backup')
    newest = max(int(a['ledger_seq'].split('-')[1]) for a in load.acknowledged.values())
    assert int(made['records']) >= newest
    assert made['records'] == replay(server.data)['records']


# ---- keys ----

def test_keys_go_only_where_they_are_told_to(own_book, tmp_path):
    server, bettor = own_book.server, own_book.bettor(name='kim')
    market = own_book.market()
    assert bettor.bet(market, 11).status == 201
    made = backup(server, tmp_path / 'backup')
    names = set(contents(tmp_path / 'backup'))
    assert not [n for n in names if 'key' in n or n.endswith('.pem')]
    keys = tmp_path / 'keys'
    backup(server, tmp_path / 'backup', '--keys-to', str(keys))
    assert oct(keys.stat().st_mode & 0o777) == '0o700'
    copied = contents(keys)
    assert copied == contents(os.path.join(server.data, 'keys'))
    assert all(oct((keys / n).stat().st_mode & 0o777) == '0o600' for n in copied)
    (keys / 'old.key').write_text('of a server before')
    backup(server, tmp_path / 'backup', '--keys-to', str(keys))
    assert 'old.key' not in contents(keys), 'a copy keeps no key that is gone'
    server.kill()
    told = restore(tmp_path / 'backup', tmp_path / 'new', '--keys-from', str(keys),
                   '--until', made['records'])
    vault = contents(tmp_path / 'new' / 'keys')['personal.keys']
    assert len(vault) == 64 * (int(told['accounts']) + 2), 'keys of numbers that nobody has now'
    assert copied['personal.keys'].startswith(vault)
    served_on(own_book, tmp_path / 'new')
    bettor.token = server.token('kim')
    bettor.reconnect()
    until(lambda: bettor.bet(market, 11).status == 201)
    new = own_book.bettor(name='new-after')
    assert new.bet(market, 11).status == 201
