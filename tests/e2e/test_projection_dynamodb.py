"""The bets of a ledger as items of a table in DynamoDB: one a leg and record, by user and by event,
each once, whatever dies; and projectors of a ledger that stands in DynamoDB itself."""
import tempfile
from decimal import Decimal

import pytest
from conftest import make
from lib.dynamodb import KEYS, DynamoDB, Wire
from lib.load import Load
from lib.projector import DAMAGED, FAILED, Projector, verify
from lib.server import run
from lib.shards import users_of
from lib.until import until


@pytest.fixture(scope='module')
def dynamodb():
    made = DynamoDB(tempfile.mkdtemp(prefix='overround-dynamodb-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture
def table(dynamodb):
    return dynamodb.table().replace('ledger', 'bets')


@pytest.fixture
def wire(dynamodb):
    made = Wire(dynamodb.port)
    yield made
    made.shutdown()


@pytest.fixture
def kept(wire, table, tmp_path):
    """A server whose ledger is in files, with its bets in the table."""
    made = make(tmp_path / 'data', ['--projection', wire.url(table)], environment=KEYS)
    yield made
    made.close()


@pytest.fixture
def ledger(wire, dynamodb):
    """Where a ledger in DynamoDB may stand."""
    return wire.url(dynamodb.table())


@pytest.fixture
def projector(ledger, wire, table, tmp_path):
    """Of that ledger, into the table."""
    made = Projector(str(tmp_path), ledger, '--projection', wire.url(table), environment=KEYS)
    yield made
    made.kill()


def caught_up(server):
    until(lambda: server.metric('overround_projection_lag_events') == 0, 60)


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def good(projection, *source):
    """What `projection verify` says of one that is what the ledger says."""
    done = verify(projection, *source, check=False, environment=KEYS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith('the projection is what the ledger says\n')
    return dict(line.split(' ', 1) for line in done.stdout.splitlines()[:-1])


def bets_of(dynamodb, table, user):
    """{sort key: {attribute: text}} of a user."""
    found = dynamodb.ask('Query', TableName=table, ConsistentRead=True,
                         KeyConditionExpression='user_id = :u',
                         ExpressionAttributeValues={':u': {'S': user}})
    assert 'LastEvaluatedKey' not in found
    return {item['bet_record']['S']: {name: next(iter(value.values()))
                                      for name, value in item.items()}
            for item in found['Items']}


def check_once(dynamodb, table, load):
    """Every bet that was acknowledged is there, once."""
    for customer in load.customers:
        told = {a['bet_id'] for (c, _), a in load.acknowledged.items() if c is customer}
        items = dynamodb.every('Query', TableName=table, ConsistentRead=True,
                               KeyConditionExpression='user_id = :u',
                               ExpressionAttributeValues={':u': {'S': customer.name}})
        placed = [item['bet_id']['N'] for item in items if item['bet_record']['S'][-4:] == '#000']
        assert len(placed) == len(set(placed)) and set(placed) == told


def test_a_bet_has_an_item_for_each_leg_and_record(kept, dynamodb, table):
    first, second = kept.market(event='9001'), kept.market(event='9002')
    customer = kept.bettor(money='100.00')
    single = customer.bet(first, 11, '10.00').json['bet_id']
    legs = [{'market_id': m, 'selection_id': '12', 'odds': Decimal('1.01')}
            for m in (first, second)]
    double = customer.place({'type': 'multiple', 'legs': legs, 'stake': Decimal('5.00'),
                             'currency': 'GBP'}).json['bet_id']
    kept.feed.settle(first, [11])
    customer.wait_bet(single, status='WON')
    caught_up(kept.server)
    items = bets_of(dynamodb, table, customer.name)
    assert items[f'{single}#000']['status'] == 'PLACED' and items[f'{single}#000']['stake'] == '10'
    assert items[f'{single}#001']['status'] == 'WON'
    assert items[f'{single}#001']['market_id'] == first
    assert {items[f'{double}#000']['leg_no'], items[f'{double}#000#002']['leg_no']} == {'1', '2'}
    event = items[f'{single}#000']['event_id']
    found = dynamodb.ask('Query', TableName=table, IndexName='by_event',
                         KeyConditionExpression='event_id = :e',
                         ExpressionAttributeValues={':e': {'S': event}})
    assert f'{single}#000' in {item['bet_record']['S'] for item in found['Items']}


def test_a_customer_s_newest_balance_is_there_and_all_of_it_is_compared(kept, wire, dynamodb,
                                                                        table):
    market = kept.market()
    customer = kept.bettor(money='100.00')
    for _ in range(3):
        assert customer.bet(market, 11, '10.00').status == 201
        caught_up(kept.server)
    key = {'user_id': {'S': customer.name}, 'bet_record': {'S': '#balance#0'}}
    item = dynamodb.ask('GetItem', TableName=table, Key=key, ConsistentRead=True)['Item']
    assert Decimal(item['available']['N']) == customer.balance()
    assert item['available']['N'] == '70' and item['currency']['S'] == 'GBP'
    kept.feed.settle(market, [11])
    until(lambda: all(bet['status'] == 'WON' for bet in customer.bets()))
    caught_up(kept.server)
    item = dynamodb.ask('GetItem', TableName=table, Key=key, ConsistentRead=True)['Item']
    assert Decimal(item['available']['N']) == customer.balance() > 100
    assert kept.server.terminate() == 0
    data = ('--data', kept.server.data)
    said = good(wire.url(table), *data)
    assert said['bets_rows_checked'] == '6' and said['balances_rows_checked'] == '1', said
    assert said['projected'] == said['records'] and said['rows_ahead'] == '0'
    assert_damage_is_found(wire, dynamodb, table, data, item)


def assert_damage_is_found(wire, dynamodb, table, data, item):
    dynamodb.ask('PutItem', TableName=table, Item={**item, 'available': {'N': '1000000'}})
    found = verify(wire.url(table), *data, check=False, environment=KEYS)
    assert found.returncode == DAMAGED and '1000000' in found.stderr, found.stderr
    dynamodb.ask('PutItem', TableName=table, Item=item)
    good(wire.url(table), *data)
    gone = verify(wire.url('no-such-table'), *data, check=False, environment=KEYS)
    assert gone.returncode == FAILED and 'ResourceNotFound' in gone.stderr, gone.stderr


def test_whoever_is_killed_every_bet_is_there_once(kept, wire, dynamodb, table):
    market = kept.market()
    load = Load(kept, market, customers=4)
    for number in range(2):
        join = load.start(number)
        more(load)
        if number == 0:
            dynamodb.kill()  # bets do not wait for it
            more(load)
            dynamodb.start()
            more(load)
        kept.server.kill()
        join()
        kept.server.start()
        kept.feed.again()
        for customer in load.customers:
            customer.reconnect()
        load.retry_unanswered()
        load.check()
    caught_up(kept.server)
    check_once(dynamodb, table, load)
    assert kept.server.terminate() == 0
    assert int(good(wire.url(table), '--data', kept.server.data)['bets_rows_checked']) >= \
        len(load.acknowledged)


def follows_all(dynamodb, ledger, table):
    """The rows are those of the whole ledger, which grows no more."""
    key = {'user_id': {'S': '#projection'}, 'bet_record': {'S': '0'}}
    last = dynamodb.batches(ledger.split('/')[2].split('?')[0])[-1][2]
    until(lambda: int(dynamodb.ask('GetItem', TableName=table, Key=key, ConsistentRead=True)
                      ['Item']['seq']['N']) == last, 60)


def test_a_projector_that_is_killed_goes_on_while_bets_do(dynamodb, wire, table, ledger, projector,
                                                          tmp_path):
    projector.start()  # before there is a ledger
    assert projector.get('/readyz').status == 503
    book = make(tmp_path / 'data', ['--ledger', ledger], environment=KEYS)
    try:
        until(lambda: projector.get('/readyz').status == 200, 60)
        market = book.market()
        load = Load(book, market, customers=4)
        join = load.start(0)
        for _ in range(3):
            until(lambda: projector.metric('overround_projection_steps_total') > 2, 60)
            projector.kill()
            more(load)
            projector.start()
        for _ in range(3):  # at any time
            more(load, 10)
            assert int(good(wire.url(table), '--ledger', ledger)['bets_rows_checked']) > 0
        join()
        load.check()
        book.feed.settle(market, [11])
        assert book.server.terminate() == 0
        follows_all(dynamodb, ledger, table)
        check_once(dynamodb, table, load)
        said = good(wire.url(table), '--ledger', ledger)
        assert said['projected'] == said['records'] and said['balances_kept'] == 'yes', said
        assert projector.terminate() == 0
    finally:
        book.close()


def test_tables_in_postgresql_are_what_the_items_say(database, ledger, tmp_path):
    """Of two shards, with one projector."""
    books = [make(tmp_path / f'data-{shard}', ['--ledger', ledger, '--shards', '2', '--shard',
                                               str(shard)], environment=KEYS)
             for shard in range(2)]
    projector = Projector(str(tmp_path), ledger, '--projection', database.url, environment=KEYS)
    try:
        projector.start()
        for shard, book in enumerate(books):
            market = book.market()
            customer = book.bettor(name=next(users_of(shard, 2)), money='100.00')
            for _ in range(3):
                assert customer.bet(market, 11, '1').status == 201
            book.feed.settle(market, [11])
            until(lambda who=customer: who.bets()[0]['status'] == 'WON')
            assert book.server.terminate() == 0
        def compare(**named):
            return verify(database.url, '--ledger', ledger, environment=KEYS, **named)
        until(lambda: compare(check=False).returncode == 0, 60)
        said = compare().stdout
        assert 'shard 0\n' in said and 'shard 1\n' in said and said.endswith('says\n')
        database.psql('SET session_replication_role = replica; UPDATE bets SET stake = stake + 1 '
                      'WHERE ctid = (SELECT min(ctid) FROM bets)')
        assert compare(check=False).returncode == DAMAGED
        assert projector.terminate() == 0
    finally:
        projector.kill()
        for book in books:
            book.close()


def test_what_a_projector_of_a_table_needs_is_said(ledger):
    done = run('serve', '--roles', 'projector', '--ledger', ledger, check=False, environment=KEYS)
    assert done.returncode == 2 and '--projection' in done.stderr, done.stderr
    done = run('serve', '--roles', 'projector', '--ledger', ledger, '--projection', ledger,
               '--admin', '127.0.0.1:0', check=False)
    assert done.returncode == 2 and 'no keys to sign with' in done.stderr, done.stderr
    done = run('projection', 'verify', '--ledger', ledger, check=False, environment=KEYS)
    assert done.returncode == 2 and '--projection' in done.stderr, done.stderr
