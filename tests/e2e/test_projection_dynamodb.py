"""The bets of a ledger as items of a table in DynamoDB: one a leg and record, by user and by event,
each once, whatever dies."""
import tempfile
from decimal import Decimal

import pytest
from conftest import make
from lib.dynamodb import KEYS, DynamoDB, Wire
from lib.load import Load
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
def kept(dynamodb, table, tmp_path):
    """A server whose ledger is in files, with its bets in the table."""
    wire = Wire(dynamodb.port)
    made = make(tmp_path / 'data', ['--projection', wire.url(table)], environment=KEYS)
    yield made
    made.close()
    wire.shutdown()


def caught_up(server):
    until(lambda: server.metric('overround_projection_lag_events') == 0, 60)


def more(load, count=50):
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)


def bets_of(dynamodb, table, user):
    """{sort key: {attribute: text}} of a user."""
    found = dynamodb.ask('Query', TableName=table, ConsistentRead=True,
                         KeyConditionExpression='user_id = :u',
                         ExpressionAttributeValues={':u': {'S': user}})
    assert 'LastEvaluatedKey' not in found
    return {item['bet_record']['S']: {name: next(iter(value.values()))
                                      for name, value in item.items()}
            for item in found['Items']}


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


def test_whoever_is_killed_every_bet_is_there_once(kept, dynamodb, table):
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
    for customer in load.customers:
        told = {a['bet_id'] for (c, _), a in load.acknowledged.items() if c is customer}
        items = dynamodb.every('Query', TableName=table, ConsistentRead=True,
                               KeyConditionExpression='user_id = :u',
                               ExpressionAttributeValues={':u': {'S': customer.name}})
        placed = [item['bet_id']['N'] for item in items if item['bet_record']['S'][-4:] == '#000']
        assert len(placed) == len(set(placed)) and set(placed) == told
