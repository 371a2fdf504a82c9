"""A ledger that stands in DynamoDB: what was acknowledged is in its table, once, whatever dies; the
files are a copy that can be lost; haste is waited out; and of two writers one writes."""
import base64
import os
import shutil
import tempfile
from decimal import Decimal

import pytest
from conftest import make
from lib.dynamodb import KEYS, THROTTLED, DynamoDB, Wire
from lib.load import Load
from lib.server import run
from lib.shards import users_of
from lib.until import until


@pytest.fixture(scope='module')
def dynamodb():
    made = DynamoDB(tempfile.mkdtemp(prefix='overround-dynamodb-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture
def wire(dynamodb):
    made = Wire(dynamodb.port)
    yield made
    made.shutdown()


@pytest.fixture
def table(dynamodb):
    return dynamodb.table()


@pytest.fixture
def kept(wire, table, tmp_path):
    """A server whose ledger stands in the table."""
    made = make(tmp_path / 'data', ['--ledger', wire.url(table)], environment=KEYS)
    yield made
    made.close()


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def again(book, load):
    book.feed.again()
    for customer in load.customers:
        customer.reconnect()


def check_end(book, dynamodb, table):
    """The table is dense, and the copy has what it has."""
    assert book.server.terminate() == 0
    assert 'all invariants hold' in book.server.verify()
    batches = dynamodb.batches(table)
    last = 0
    for number, (batch_no, seq_first, seq_last) in enumerate(batches, 1):
        assert batch_no == number and seq_first == last + 1 and seq_last >= last
        last = seq_last
    stat = run('ledger', 'stat', '--data', book.server.data).stdout
    assert str(last) in stat.split(), stat
    log = book.server.log_text()
    assert KEYS['AWS_SECRET_ACCESS_KEY'] not in log and KEYS['AWS_ACCESS_KEY_ID'] not in log


def test_a_killed_server_loses_and_doubles_nothing(kept, dynamodb, table):
    market = kept.market()
    load = Load(kept, market, customers=4)
    for number in range(2):
        join = load.start(number)
        more(load)
        kept.server.kill()
        join()
        if number == 1:  # and its machine with it
            for name in ('ledger', 'tree', 'verdicts'):
                shutil.rmtree(os.path.join(kept.server.data, name))
        kept.server.start()
        again(kept, load)
        load.retry_unanswered()
        load.check()
    check_end(kept, dynamodb, table)


def test_a_service_that_crashes_is_waited_for_and_loses_nothing(kept, dynamodb, table):
    market = kept.market()
    load = Load(kept, market, customers=4)
    customer = kept.bettor(money='100.00')
    join = load.start(0)
    more(load)
    dynamodb.kill()
    until(lambda: kept.server.metric('overround_database_away') == 1)
    with kept.server.websocket() as socket:  # prices go on
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        kept.feed.price(market, 11, 2.5)
        socket.wait_for(op='delta')
    until(lambda: customer.bet(market, 12, '1').status == 503)
    dynamodb.start()
    until(lambda: customer.bet(market, 12, '1').status == 201)
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    assert kept.server.metric('overround_database_away') == 0
    check_end(kept, dynamodb, table)


def test_throttling_that_lasts_is_answered_clearly_and_waited_out(kept, wire, dynamodb, table):
    market = kept.market()
    load = Load(kept, market, customers=2)
    customer = kept.bettor(money='100.00')
    join = load.start(0)
    more(load)
    wire.said = THROTTLED
    until(lambda: kept.server.metric('overround_database_away') == 1)
    until(lambda: customer.bet(market, 12, '1').status == 503)
    refused = customer.bet(market, 12, '1')
    assert refused.status == 503 and refused.json['code'] == 'LEDGER_STALLED'
    assert int(refused.headers['retry-after']) >= 1
    answered = wire.answered
    until(lambda: wire.answered > answered + 1)  # it goes on asking, with pauses
    assert kept.server.metric('overround_database_away') == 1
    wire.said = None
    until(lambda: customer.bet(market, 12, '1').status == 201)
    again_total = kept.server.metric('overround_database_answers_total', kind='again')
    assert again_total >= wire.answered - 1
    more(load)
    join()
    load.retry_unanswered()
    load.check()
    check_end(kept, dynamodb, table)


def test_of_two_writers_the_newer_one_writes(kept, wire, table, tmp_path):
    market = kept.market()
    customer = kept.bettor(money='100.00')
    assert customer.bet(market, 11, '1').status == 201
    shutil.copytree(os.path.join(kept.server.data, 'keys'), tmp_path / 'other' / 'keys')
    other = make(tmp_path / 'other', ['--ledger', wire.url(table)], environment=KEYS)
    try:
        until(lambda: customer.bet(market, 11, '1').status == 503)
        assert kept.server.get(f'/v1/odds/{market}').status == 200
        with other.server.http() as http:
            answer = http.request('GET', '/v1/account', token=customer.token)
        assert answer.json['balance'] == Decimal('99.00')
    finally:
        other.close()


@pytest.mark.parametrize('url, said', [
    ('dynamodb://ledger', 'region=REGION is missing'),
    ('dynamodb://le?region=eu-west-1', 'a table\'s name'),
    ('dynamodb://ledger?region=eu-west-1&colour=red', 'its settings are'),
    ('dynamodb://ledger?region=eu-west-1&endpoint=http://example.com/', 'https://'),
    ('dynamodb://ledger?region=eu-west-1&endpoint=http://127.0.0.1:1/', 'no keys to sign with'),
    ('dynamodb://ledger?region=eu-west-1&credentials=/none', 'no keys to sign with in /none'),
])
def test_what_is_wrong_with_its_url_is_said(tmp_path, url, said):
    done = run('serve', '--data', str(tmp_path / 'data'), '--ledger', url, check=False)
    assert done.returncode != 0 and "the ledger's database" in done.stderr, done.stderr
    assert said in done.stderr, done.stderr
    done = run('ledger', 'verify', '--ledger', url, '--shard', '0', check=False)
    assert done.returncode != 0 and said in done.stderr, done.stderr


def ledger(*arguments, check=True):
    return run('ledger', *arguments, check=check, environment=KEYS)


def told(*arguments):
    """Lines of a command, without those that tell of files only, or of when it was asked."""
    return [line for line in ledger(*arguments).stdout.splitlines()
            if not line.startswith('segments') and '"generated"' not in line]


def filled(book):
    """Bets, and what they came to, in a ledger that has ended."""
    market = book.market()
    customer = book.bettor(money='100.00')
    for _ in range(5):
        assert customer.bet(market, 11, '1').status == 201
    book.feed.settle(market, [11])
    until(lambda: customer.bets()[0]['status'] == 'WON')
    assert book.server.terminate() == 0


def test_the_table_alone_tells_what_the_files_tell(kept, wire, table):
    filled(kept)
    files, items = ('--data', kept.server.data), ('--ledger', wire.url(table))
    for command in ('stat', 'dump', 'replay'):
        assert told(command, *items) == told(command, *files)
    assert told('report', 'adjustments', *items) == told('report', 'adjustments', *files)
    verified = ledger('verify', *items)
    assert 'all invariants hold' in verified.stdout and 'not looked up' in verified.stderr
    with_prices = ledger('verify', *items, '--odds-of', kept.server.data)
    assert 'all invariants hold' in with_prices.stdout and with_prices.stderr == ''
    state = [line for line in told('verify', *files) if line.startswith('state ')]
    assert state == [line for line in verified.stdout.splitlines() if line.startswith('state ')]
    for refused in (['prove', '--bet', '1'], ['head'], ['replay', '--fast', 'yes']):
        done = ledger(*refused, *items, check=False)
        assert done.returncode == 2 and '--data' in done.stderr, done.stderr


def crc32c(text):
    crc = 0xFFFFFFFF
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def flipped(item):
    """One of its records says something else."""
    records = bytearray(base64.b64decode(item['records']['B']))
    records[60] ^= 1
    return {**item, 'records': {'B': base64.b64encode(records).decode()}}


def flipped_with_its_sum(item):
    changed = flipped(item)
    records = base64.b64decode(changed['records']['B'])
    return {**changed, 'crc': {'N': str(crc32c(records))}}


def of_another_range(item):
    return {**item, 'seq_first': {'N': str(int(item['seq_first']['N']) + 1)}}


def without_records(item):
    return {name: value for name, value in item.items() if name != 'records'}


@pytest.mark.parametrize('change, said', [
    (flipped, 'do not match their sum'),
    (flipped_with_its_sum, 'checksum is broken\n'),
    (of_another_range, 'not those that it says'),
    (without_records, 'do not match their sum'),
    (None, 'a batch is missing'),
])
def test_a_changed_item_is_found(kept, wire, dynamodb, table, change, said):
    filled(kept)
    items = ('--ledger', wire.url(table))
    last = dynamodb.batches(table)[-1]
    number = next(batch_no for batch_no, seq_first, seq_last in dynamodb.batches(table)
                  if batch_no > 1 and seq_last >= seq_first)
    assert number < last[0]
    item = dynamodb.item(table, number)
    assert crc32c(base64.b64decode(item['records']['B'])) == int(item['crc']['N'])
    key = {name: item[name] for name in ('shard', 'batch_no')}
    if change:
        dynamodb.ask('PutItem', TableName=table, Item=change(item))
    else:
        dynamodb.ask('DeleteItem', TableName=table, Key=key)
    done = ledger('verify', *items, check=False)
    assert done.returncode == 3 and said in done.stderr, (done.stdout, done.stderr)
    dynamodb.ask('PutItem', TableName=table, Item=item)
    assert 'all invariants hold' in ledger('verify', *items).stdout


def test_which_shard_is_read_is_asked_for_where_there_are_several(wire, table, tmp_path):
    url = wire.url(table)
    for shard in '10':
        made = make(tmp_path / shard, ['--ledger', url, '--shards', '2', '--shard', shard],
                    environment=KEYS)
        made.bettor(name=next(users_of(int(shard), 2)), money='1.00')
        made.close()
        only = ledger('stat', '--ledger', url, check=False)
        assert (only.returncode == 0) == (shard == '1'), only.stderr
    assert only.returncode == 2 and '--shard' in only.stderr and '2 shards' in only.stderr
    for shard in '10':
        assert f'shard {shard}\n' in ledger('stat', '--ledger', url, '--shard', shard).stdout


def test_a_table_that_is_not_there_is_said_and_not_made(wire, dynamodb, table):
    for shard in ([], ['--shard', '0']):
        done = ledger('verify', '--ledger', wire.url(table), *shard, check=False)
        assert done.returncode == 1 and 'ResourceNotFoundException' in done.stderr, done.stderr
    assert table not in dynamodb.ask('ListTables')['TableNames']
