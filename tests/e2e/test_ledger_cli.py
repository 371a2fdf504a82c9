"""`overround ledger`: the audit of a server's folder, offline. What is counted and summed here is
the dump's own postings; what is forged has right checksums, so that only the fold can object."""
import fcntl
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from conftest import make
from lib.http import loads
from lib.server import BINARY, ENVIRONMENT, run

COMMANDS = ('verify', 'stat', 'dump', 'replay')
SECTOR, PAYLOAD, SECTOR_HEAD, GROUP_HEAD = 512, 496, 16, 48


def ledger(command, data, *options, **named):
    return run('ledger', command, '--data', str(data), *options, **named)


def dump(data, *options):
    return [loads(line) for line in ledger('dump', data, *options).stdout.splitlines()]


def rows(text):
    """{first words: last word or words} of an answer's lines."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == 'type':
            found[f'type {words[1]}'] = int(words[2]), int(words[3])
        else:
            found[' '.join(words[:-1])] = words[-1]
    return found


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """The folder of a server that has ended: bets won, lost and refused, two currencies."""
    book = make(tmp_path_factory.mktemp('ledger') / 'data')
    ann, ben = book.bettor(name='ann', money='100.00'), book.bettor(name='ben', money='50.00')
    eva = book.bettor(name='eva', money='70.00', currency='EUR')
    market, other = book.market(), book.market()
    won = ann.bet(market, 11, '10.00').json
    lost = ben.bet(market, 12, '5.00').json
    assert eva.bet(other, 11, '7.00').status == 201
    assert ann.bet(market, 11, '5000.00').status == 400  # INSUFFICIENT_BALANCE
    assert ben.withdraw('20.00').status == 201
    assert ben.withdraw('900.00').status == 400
    book.feed.settle(market, {11})
    ann.wait_bet(won['bet_id'], status='WON')
    ben.wait_bet(lost['bet_id'], status='LOST')
    assert book.server.terminate() == 0
    book.close()
    return book.server.data


@pytest.fixture
def own(data, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(data, tmp_path / 'copy')


def contents(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), 'rb') as file:
                found[os.path.join(path, name)] = file.read()
    return found


# ---- stat ----

def test_stat_counts_and_sums_what_the_dump_says(data):
    lines, stat = dump(data), rows(ledger('stat', data).stdout)
    assert stat['last_seq'] == str(len(lines))
    assert stat['bytes'] == str(sum(line['bytes'] for line in lines))
    counts = Counter(line['type'] for line in lines)
    for name in ('GENESIS', 'OPENED', 'ACCOUNT', 'MARKET', 'SELECTIONS', 'MONEY', 'BET', 'RELEASE',
                 'FENCE', 'RESULT', 'SETTLE', 'REVERSE'):
        of_type = sum(line['bytes'] for line in lines if line['type'] == name)
        assert stat[f'type {name}'] == (counts[name], of_type), name
    sums = defaultdict(Decimal)
    for line in lines:
        for posting in line.get('postings', []):
            sums[posting['kind'], posting['currency']] += Decimal(posting['amount'])
    for currency in ('GBP', 'EUR'):
        for kind in ('available', 'held'):
            assert Decimal(stat[f'customers_{kind} {currency}']) == sums[kind, currency]
        for kind in ('house_cash', 'house_stakes', 'house_result'):
            assert Decimal(stat[f'{kind} {currency}']) == sums[kind, currency]
        assert sum(value for (_, c), value in sums.items() if c == currency) == 0  # L4


def test_stat_tells_bets_by_state(data):
    stat = rows(ledger('stat', data).stdout)
    assert (stat['now_settled'], stat['now_open'], stat['now_pending']) == ('2', '1', '0')
    assert (stat['bets_placed'], stat['bets_refused']) == ('3', '1')
    assert stat['accounts'] == '3' and stat['money_refused'] == '1'
    pays = sum(line['payout'] for line in dump(data) if line['type'] == 'SETTLE')
    assert Decimal(stat['customers_available GBP']) == 90 + pays + 25  # of ann, and of ben
    assert stat['house_stakes EUR'] == '7.00'


# ---- dump ----

def test_dump_tells_a_part_of_the_records(data):
    whole = dump(data)
    assert dump(data, '--from', '5', '--to', '9') == whole[4:9]
    assert dump(data, '--from', '5') == whole[4:]
    assert dump(data, '--to', '3') == whole[:3]
    assert dump(data, '--from', str(len(whole) + 1)) == []


def test_dump_tells_the_records_of_one_user(data):
    whole, bens = dump(data), dump(data, '--user', 'ben')
    assert bens == [line for line in whole if line.get('user_id') == 'ben']
    assert [line['type'] for line in bens] == ['ACCOUNT', 'MONEY', 'BET', 'MONEY', 'MONEY',
                                               'SETTLE']
    assert dump(data, '--user', 'ben', '--from', str(bens[2]['seq'])) == bens[2:]
    unknown = ledger('dump', data, '--user', 'nobody', check=False)
    assert unknown.returncode == 1 and 'nobody' in unknown.stderr and not unknown.stdout


def test_dump_names_what_it_knows_and_shows_no_personal_field(data):
    bet = next(line for line in dump(data) if line['type'] == 'BET')
    leg = bet['legs'][0]
    assert bet['user_id'] == 'ann' and bet['stake'] == Decimal('10.00')
    assert leg['selection_id'] == '11' and leg['market_id'].startswith('1.')
    over, under = map(int, leg['odds_exact'].split('/'))
    assert Decimal(over) / under == leg['odds'] and bet['potential_return'] == 10 * leg['odds']
    assert re.fullmatch(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z', bet['time'])
    assert bet['personal_bytes'] > 0
    assert '127.0.0.1' not in ledger('dump', data).stdout


# ---- personal ----

def personal(data, user, *options, **named):
    return ledger('personal', data, '--user', user, *options, **named)


def test_personal_fields_are_opened_and_a_key_is_erased(own):
    told = [loads(line) for line in personal(own, 'ann').stdout.splitlines()]
    assert [line['address'] for line in told] == ['127.0.0.1'] * 2  # the refused one as well
    bets = [line['seq'] for line in dump(own, '--user', 'ann') if line['type'] == 'BET']
    assert [line['seq'] for line in told] == bets
    assert 'key erased' in personal(own, 'ann', '--erase', 'yes').stdout
    assert personal(own, 'ann').stdout.count('"erased":true') == 2
    assert '127.0.0.1' not in personal(own, 'ann').stdout
    assert personal(own, 'ann', '--erase', 'yes').returncode == 0  # as often as one likes
    assert '127.0.0.1' in personal(own, 'ben').stdout
    assert 'all invariants hold' in ledger('verify', own).stdout
    for asked in ['nobody'], ['nobody', '--erase', 'yes']:
        done = personal(own, *asked, check=False)
        assert done.returncode == 1 and 'nobody' in done.stderr, done.stderr
    done = ledger('personal', own, check=False)
    assert done.returncode == 2 and '--user' in done.stderr
    os.remove(own / 'keys' / 'personal-master.key')
    done = personal(own, 'ben', check=False)
    assert done.returncode == 1 and 'personal-master.key' in done.stderr
    assert not os.path.exists(own / 'keys' / 'personal-master.key')


# ---- replay ----

def test_replay_gives_the_state_at_any_record(data):
    last = len(dump(data))
    whole = rows(ledger('replay', data).stdout)
    assert rows(ledger('replay', data, '--until', str(last)).stdout) == whole
    assert whole['records'] == str(last)
    states = {rows(ledger('replay', data, '--until', str(n)).stdout)['state']
              for n in range(1, last + 1)}
    assert len(states) == last and whole['state'] in states


def test_replay_gives_the_state_at_an_instant(data):
    lines = dump(data)
    at = next(line for line in lines if line['type'] == 'BET')['time']
    last = max(line['seq'] for line in lines if line['time'] <= at)
    by_time, by_number = (ledger('replay', data, '--until', until).stdout
                          for until in (at, str(last)))
    assert by_time == by_number and rows(by_time)['records'] == str(last)
    assert rows(ledger('replay', data, '--until', '2999-01-01T00:00:00Z').stdout)['records'] == \
        str(len(lines))
    nothing = rows(ledger('replay', data, '--until', '1999-01-01T00:00:00Z').stdout)
    assert nothing['records'] == '0' and nothing['accounts'] == '0'


def test_a_copy_replays_to_the_same_state(data, own):
    """L5."""
    assert ledger('replay', own).stdout == ledger('replay', data).stdout


# ---- verify ----

def test_verify_proves_the_book(data):
    done = ledger('verify', data)
    found = rows(done.stdout)
    assert done.stdout.endswith('all invariants hold\n')
    assert found['records'] == str(len(dump(data)))
    assert int(found['legs_checked']) + int(found['legs_unlogged']) == 3
    assert found['state'] == rows(ledger('replay', data).stdout)['state']


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Segment:
    """The first file of a log, and how to write in it: docs/LEDGER.md, "The log on disk"."""

    def __init__(self, data):
        folder = os.path.join(data, 'ledger')
        self.name = sorted(n for n in os.listdir(folder) if n.endswith('.seg'))[0]
        self.path = os.path.join(folder, self.name)
        with open(self.path, 'rb') as file:
            self.bytes = bytearray(file.read())

    def groups(self):
        """(offset of the first sector, count of sectors) of each."""
        begin = SECTOR
        for sector in range(SECTOR, len(self.bytes), SECTOR):
            used = struct.unpack_from('<H', self.bytes, sector + 10)[0]
            if used & 0x8000:
                yield begin, (sector - begin) // SECTOR + 1
                begin = sector + SECTOR

    @staticmethod
    def byte_of(begin, payload):
        return begin + payload // PAYLOAD * SECTOR + SECTOR_HEAD + payload % PAYLOAD

    def payload(self, begin, sectors):
        return b''.join(bytes(self.bytes[at + SECTOR_HEAD:at + SECTOR_HEAD + (
            struct.unpack_from('<H', self.bytes, at + 10)[0] & 0x7FFF)])
            for at in range(begin, begin + sectors * SECTOR, SECTOR))

    def records(self):
        """(offset in the file, bytes) of each record."""
        for begin, sectors in self.groups():
            payload, at = self.payload(begin, sectors), GROUP_HEAD
            while at < len(payload):
                size = struct.unpack_from('<I', payload, at)[0]
                yield self.byte_of(begin, at), payload[at:at + size]
                at += size

    def forge(self, at, record):
        """Puts a record of the same size there, with right checksums all the way to the end."""
        behind = [(place, raw) for place, raw in self.records() if place > at]
        groups = list(self.groups())
        changed = next(n for n, (begin, sectors) in enumerate(groups)
                       if begin <= at < begin + sectors * SECTOR)
        before = record[36:40]
        for place, raw in [(at, record)] + behind:
            raw = raw[:36] + before + raw[40:]
            before = struct.pack('<I', crc32c(raw[8:]))
            self.put(groups, place, raw[:4] + before + raw[8:])
        previous = None
        for begin, sectors in groups[changed:]:
            self.seal(begin, sectors, previous)
            previous = self.bytes[begin:begin + 4]
        with open(self.path, 'r+b') as file:
            file.write(self.bytes)

    def put(self, groups, at, record):
        begin = next(begin for begin, sectors in groups if begin <= at < begin + sectors * SECTOR)
        first = (at - begin) // SECTOR * PAYLOAD + (at - begin) % SECTOR - SECTOR_HEAD
        for n, byte in enumerate(record):
            self.bytes[self.byte_of(begin, first + n)] = byte

    def seal(self, begin, sectors, previous):
        """The checksums of a group: its other sectors, its head, its first sector."""
        head, crcs = begin + SECTOR_HEAD, b''
        for sector in range(begin + SECTOR, begin + sectors * SECTOR, SECTOR):
            struct.pack_into('<I', self.bytes, sector,
                             crc32c(self.bytes[sector + 4:sector + SECTOR]))
            crcs += self.bytes[sector:sector + 4]
        if previous is not None:
            self.bytes[head + 36:head + 40] = previous
        struct.pack_into('<I', self.bytes, head + 40, crc32c(crcs))
        struct.pack_into('<I', self.bytes, head + 44, crc32c(self.bytes[head:head + 44]))
        struct.pack_into('<I', self.bytes, begin, crc32c(self.bytes[begin + 4:begin + SECTOR]))


LEG = 40 + 112  # the first leg of a BET, behind head and body


def record_of(segment, kind):
    return next((at, raw) for at, raw in segment.records()
                if struct.unpack_from('<H', raw, 24)[0] == kind)


@pytest.mark.parametrize('kind,offset,form,value,reason', [
    (6, 40 + 24, '<q', 10 ** 9, 'L4: the balance is the fold'),
    (7, 40 + 24, '<q', 1, 'L4: '),
    (7, 16, '<q', 1, 'L1: record time never falls'),
    (11, 40 + 40, '<q', 99999, 'L7: the payout follows from stake, odds and factors'),
    (7, LEG + 8, '<I', 9, 'L'),
])
def test_verify_finds_a_forged_record_and_says_where_it_stands(own, kind, offset, form, value,
                                                               reason):
    segment = Segment(own)
    at, raw = record_of(segment, kind)
    forged = bytearray(raw)
    struct.pack_into(form, forged, offset, value)
    segment.forge(at, bytes(forged))
    seq = struct.unpack_from('<Q', raw, 8)[0]
    for command in ('verify', 'stat', 'replay'):
        done = ledger(command, own, check=False)
        assert done.returncode == 3 and 'all invariants' not in done.stdout, done
        assert f'record 0-{seq}: {reason}' in done.stderr, done.stderr
        assert f'{segment.name} at byte {at}' in done.stderr, done.stderr


@pytest.fixture
def explained(tmp_path):
    """A folder with a settled double, and what the server said of it."""
    book = make(tmp_path / 'data')
    ann, markets = book.bettor(name='ann'), [book.market(event=f'e{n}') for n in range(2)]
    legs = [{'market_id': m, 'selection_id': '11', 'odds': ann.odds(m, 11)[0]} for m in markets]
    bet = ann.place({'type': 'multiple', 'legs': legs, 'stake': 10}).json['bet_id']
    for market in markets:
        book.feed.settle(market, {11})
    said = ann.wait_bet(bet, status='WON')['explanation']
    open_bet = ann.bet(book.market(), 11).json['bet_id']
    assert book.server.terminate() == 0
    book.close()
    return book.server.data, bet, said, open_bet


def test_explain_says_what_the_server_says(explained):
    data, bet, said, open_bet = explained
    assert ledger('explain', data, bet).stdout.splitlines() == said
    assert ledger('explain', data, open_bet).stdout == 'The bet is not settled.\n'
    assert ledger('explain', data, '7', check=False).returncode == 1
    for nonsense in ((), ('x',), ('0',), (bet, bet), (bet + '0000',)):
        assert ledger('explain', data, *nonsense, check=False).returncode == 2


def test_a_changed_factor_changes_the_explanation_and_is_found_by_verify(explained):
    """The text is of the record alone; L7 is what the record has to follow."""
    data, bet, said, _ = explained
    segment = Segment(data)
    at, raw = record_of(segment, 11)
    forged = bytearray(raw)
    struct.pack_into('<HH', forged, 40 + 72 + 16 + 4, 1, 2)  # the first leg: a dead heat
    segment.forge(at, bytes(forged))
    now = ledger('explain', data, bet).stdout.splitlines()
    assert now != said and 'The dead heat factor is 1/2.' in now[1]
    done = ledger('verify', data, check=False)
    assert done.returncode == 3 and 'L7' in done.stderr


def test_a_forger_who_keeps_every_sum_is_found_by_the_tree(own):
    """The forger of these tests does its checksums right, and changes what no sum knows."""
    segment = Segment(own)
    at, raw = record_of(segment, 7)
    before = bytes(segment.bytes)
    segment.forge(at, raw)
    assert bytes(segment.bytes) == before
    assert 'all invariants hold' in ledger('verify', own).stdout
    forged = bytearray(raw)
    struct.pack_into('<q', forged, LEG + 48, 123456789)  # the age of a price
    segment.forge(at, bytes(forged))
    done = ledger('verify', own, check=False)
    assert done.returncode == 3
    assert "the tree's hash" in done.stderr and 'does not fit the log' in done.stderr
    ages = [line['legs'][0]['price_age_us'] for line in dump(own) if line['type'] == 'BET']
    assert 123456789 in ages


def test_verify_finds_damage_below_the_records(own):
    segment = Segment(own)
    at, _ = record_of(segment, 7)
    with open(segment.path, 'r+b') as file:
        file.seek(at + 60)
        file.write(bytes([segment.bytes[at + 60] ^ 1]))
    done = ledger('verify', own, check=False)
    assert done.returncode == 3
    assert f'{segment.name} at byte {at - at % SECTOR}' in done.stderr


def test_verify_finds_a_price_that_was_never_offered(own):
    """Bet, potential return and settlement agree with each other; the odds log does not."""
    segment = Segment(own)
    at, raw = next((at, raw) for at, raw in segment.records()
                   if struct.unpack_from('<H', raw, 24)[0] == 7
                   and struct.unpack_from('<q', raw, 40 + 24)[0] == 700)
    forged = bytearray(raw)
    struct.pack_into('<q', forged, 40 + 32, 2100)  # potential return: 7.00 at 3
    struct.pack_into('<II', forged, LEG + 8, 3, 1)
    segment.forge(at, bytes(forged))
    assert ledger('replay', own).returncode == 0
    done = ledger('verify', own, check=False)
    assert done.returncode == 3 and 'L6' in done.stderr
    assert f'{segment.name} at byte {at}' in done.stderr


# ---- what is asked wrongly ----

@pytest.mark.parametrize('arguments,code,word', [
    (['stat', '--from', '3'], 2, '--from'), (['verify', '--user', 'ann'], 2, '--user'),
    (['dump', '--until', '3'], 2, '--until'), (['dump', '--from', 'x'], 2, 'from'),
    (['dump', '--from', '0'], 2, 'from'), (['dump', '--from', '9', '--to', '8'], 2, '--to'),
    (['replay', '--until', 'yesterday'], 2, 'yesterday'), (['replay', '--until', ''], 2, '--until'),
    (['replay', '--until', '2026-02-30T00:00:00Z'], 2, '2026-02-30'),
    (['replay', '--until', '999999'], 1, '999999'), (['dump', 'more'], 2, 'more')])
def test_what_makes_no_sense_is_named(data, arguments, code, word):
    done = ledger(arguments[0], data, *arguments[1:], check=False)
    assert (done.returncode, done.stdout) == (code, ''), done
    assert word in done.stderr, done.stderr


def test_a_ledger_above_the_limits_says_so(data):
    done = ledger('stat', data, '--accounts-max', '1', check=False)
    assert done.returncode == 1 and 'limits' in done.stderr


def test_a_ledger_in_use_is_not_audited(tmp_path):
    book = make(tmp_path / 'data')
    for command in COMMANDS:
        done = ledger(command, book.server.data, check=False)
        assert done.returncode == 1 and 'server' in done.stderr
    book.close()


# ---- nothing is changed ----

def traces(folder):
    """All that a look at it might have changed, but for the time of the last look."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in [path] + [os.path.join(path, name) for name in names]:
            status = os.lstat(name)
            found[name] = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino,
                           status.st_blocks)
    return found, contents(folder)


def tear(data):
    """As a crash would: the last group lacks its last sector, the odds log ends in half a record.
    What standard error then says of each."""
    segment = Segment(data)
    begin, sectors = [group for group in segment.groups() if group[1] > 1][-1]
    end = begin + (sectors - 1) * SECTOR
    with open(segment.path, 'r+b') as file:
        file.seek(end)
        file.write(bytes(len(segment.bytes) - end))
    odds = os.path.join(data, 'odds')
    newest = max(name for name in os.listdir(odds) if name.endswith('.log'))
    size = os.path.getsize(os.path.join(odds, newest))
    with open(os.path.join(odds, newest), 'ab') as file:
        file.write(b'\x01\x02\x03\x04\x40\x00half a record')
    return (f'{segment.name} at byte {begin}: a torn last group of {sectors - 1} sectors',
            f'{newest} at byte {size}: a torn tail of 19 bytes')


def test_no_command_leaves_a_trace_in_the_folder(own):
    before = traces(own)
    for command in COMMANDS + COMMANDS:
        assert ledger(command, own).stderr == ''
    assert traces(own) == before


def test_what_a_crash_tore_is_told_and_left_for_the_server(own):
    shutil.rmtree(own / 'tree')  # a group that a crash tore was never hashed, let alone signed
    whole, (group, tail) = len(dump(own)), tear(own)
    before = traces(own)
    for command in COMMANDS + COMMANDS:
        done = ledger(command, own)
        assert group in done.stderr
        assert (tail in done.stderr) == (command == 'verify')
    assert 0 < len(dump(own)) < whole
    assert rows(ledger('verify', own).stdout)['records'] == str(len(dump(own)))
    assert traces(own) == before


def test_an_audit_of_nothing_makes_nothing(tmp_path):
    for folder in ('ledger', 'odds'):
        (tmp_path / folder).mkdir()
    for command in COMMANDS:
        done = ledger(command, tmp_path, check=False)
        assert done.returncode == 1 and 'there is no log' in done.stderr, done
    assert contents(tmp_path) == {}


@pytest.mark.parametrize('name', ['ledger/ledger-0000.lock', 'odds/odds.lock'])
def test_several_audits_may_look_at_once_but_none_beside_a_writer(own, name):
    with open(own / name, 'rb') as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert 'all invariants hold' in ledger('verify', own).stdout
    with open(own / name, 'rb') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = ledger('verify', own, check=False)
        assert done.returncode == 1 and 'server' in done.stderr, done
    assert 'all invariants hold' in ledger('verify', own).stdout


NOBODY = 65534


class Sealed:
    """A copy that its reader may not change: with a program of its own, for somebody else cannot
    come to the one that is tested. Root may do anything, so it becomes somebody else."""

    def __init__(self, data):
        self.folder = tempfile.mkdtemp(prefix='overround-sealed-')
        self.data, self.binary = f'{self.folder}/data', f'{self.folder}/overround'
        shutil.copytree(data, self.data)
        shutil.copy(BINARY, self.binary)
        self.root = os.geteuid() == 0
        for path, _, names in os.walk(self.folder):
            for name in names:
                self.seal(os.path.join(path, name), 0o500)
            self.seal(path, 0o500)

    def seal(self, path, mode):
        os.chmod(path, mode)
        if self.root:
            os.chown(path, NOBODY, NOBODY)

    def ledger(self, command, *before):
        become = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups']
        argv = [*before, *(become if self.root else []), self.binary, 'ledger', command, '--data',
                self.data]
        return subprocess.run(argv, env=ENVIRONMENT, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120, check=False)

    def mounted(self):
        """What runs a command where the copy is mounted read-only; None where nobody may."""
        mount = f'mount --bind {self.folder} {self.folder} && ' \
            f'mount -o remount,bind,ro {self.folder} && exec "$@"'
        argv = ['unshare', '-m' if self.root else '-rm', 'sh', '-c', mount, 'sh']
        try:
            done = subprocess.run([*argv, 'true'], capture_output=True, timeout=60, check=False)
        except FileNotFoundError:
            return None
        return argv if done.returncode == 0 else None

    def remove(self):
        for path, _, _ in os.walk(self.folder):
            os.chmod(path, 0o700)
        shutil.rmtree(self.folder)


@pytest.fixture
def sealed(data):
    made = Sealed(data)
    yield made
    made.remove()


def test_who_may_not_write_may_audit(data, sealed):
    before = traces(sealed.folder)
    for command in COMMANDS:
        done = sealed.ledger(command)
        assert (done.returncode, done.stderr) == (0, ''), done
        assert done.stdout == ledger(command, data).stdout
    assert traces(sealed.folder) == before


@pytest.mark.parametrize('name', ['ledger/ledger-0000.lock', 'odds/odds.lock'])
def test_who_may_not_lock_may_audit_only_what_nobody_can_write(data, sealed, name):
    sealed.seal(f'{sealed.data}/{name}', 0)
    done = sealed.ledger('verify')
    assert done.returncode == 1 and os.path.basename(name) in done.stderr, done
    before = sealed.mounted()
    if before is None:  # this machine lets nobody mount: the refusal is what can be shown
        return
    done = sealed.ledger('verify', *before)
    assert (done.returncode, done.stderr) == (0, ''), done
    assert done.stdout == ledger('verify', data).stdout
