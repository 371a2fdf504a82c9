"""Streams on a Kafka: every event of every bet is in `bet-events`, once for who reads committed
messages, whatever dies; and a stream that is away stops no bet."""
import json
import shutil
import tempfile
from decimal import Decimal

import pytest
from conftest import make
from lib import odds_log
from lib.bet_totals import records, seen, told_of
from lib.kafka import Kafka
from lib.load import Load
from lib.ports import free_port
from lib.until import until


@pytest.fixture(scope='module')
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp')).start()
    yield made
    made.close()


@pytest.fixture(scope='module')
def told(kafka, tmp_path_factory):
    """A server whose events are told; the tests of this file share it, and its topics."""
    made = make(tmp_path_factory.mktemp('told') / 'data',
                ['--streams', kafka.url, '--streams-create', '1', '--snapshot-records', '50'])
    until(lambda: made.server.metric('overround_stream_away') == 0)
    yield made
    made.close()


@pytest.fixture(scope='module')
def tail(told, kafka):
    reading = kafka.tail('bet-events')
    yield reading
    reading.end()


def expected(server):
    """{(seq, event_id)} of all records that move a bet, by the ledger's own dump."""
    return told_of(records('--data', server.data))


def again(book, customers=()):
    book.feed.again()
    for customer in customers:
        customer.reconnect()


def check_all(told, tail):
    """Nothing is missing, nothing is twice, and nothing was invented."""
    assert told.server.terminate() == 0
    wanted = expected(told.server)
    told.server.start()
    again(told)
    until(lambda: seen(tail.lines) == wanted, 60)
    return wanted


def of_bet(tail, bet_id, count):
    def look():
        found = [line for line in list(tail.lines) if line['value']['bet_id'] == bet_id]
        return found if len(found) >= count else None
    return until(look)


def test_every_event_of_a_bet_is_told_with_its_key_and_seq(told, tail):
    market = told.market()
    customer = told.bettor(money='100.00')
    placed = customer.bet(market, 11, '5')
    assert placed.status == 201
    told.feed.settle(market, [11])
    customer.wait_bet(placed.json['bet_id'], status='WON')
    mine = of_bet(tail, placed.json['bet_id'], 2)
    assert [line['value']['type'] for line in mine] == ['placed', 'settled']
    first, last = (line['value'] for line in mine)
    assert mine[0]['seq'] == placed.json['ledger_seq'] == first['seq']
    assert first['user_id'] == customer.name and first['market_id'] == market
    assert first['selection_id'] == '11' and first['stake'] == 5 and first['currency'] == 'GBP'
    assert {line['key'] for line in mine} == {first['event_id']}
    assert last['outcome'] == 'WON' and last['settlement'] == 1
    assert last['payout'] == last['delta'] == first['potential_return']
    assert len({line['partition'] for line in mine}) == 1


def test_a_bet_on_two_events_is_told_to_both(told, tail):
    markets = [told.market(event=f'two-{n}') for n in range(2)]
    customer = told.bettor(money='100.00')
    legs = [{'market_id': market, 'selection_id': '11', 'odds': customer.odds(market, 11)[0]}
            for market in markets]
    placed = customer.place({'type': 'multiple', 'legs': legs, 'stake': Decimal('2.00'),
                             'currency': 'GBP'})
    assert placed.status == 201, placed.body
    mine = of_bet(tail, placed.json['bet_id'], 2)
    assert {line['key'] for line in mine} == {'two-0', 'two-1'}
    assert {line['seq'] for line in mine} == {placed.json['ledger_seq']}
    for line in mine:
        value = line['value']
        assert value['events_count'] == value['legs_count'] == 2 and value['stake'] == 2
        assert [leg['market_id'] for leg in value['legs']] == [value['market_id']]
    assert {line['value']['event_no'] for line in mine} == {1, 2}


def test_a_correction_and_a_cash_out_are_told(told, tail):
    market = told.market()
    customer = told.bettor(money='100.00')
    bet = customer.bet(market, 11, '5').json['bet_id']
    sold = customer.bet(market, 12, '4').json['bet_id']
    path = f'/v1/bets/{sold}/cash-out'
    offer = customer.call('GET', path).json
    answer = customer.call('POST', path, {'offer_id': offer['offer_id'],
                                          'amount': offer['amount']}, customer.key())
    assert answer.status == 201, answer.body
    told.feed.settle(market, [11])
    customer.wait_bet(bet, status='WON')
    told.feed.settle(market, [12])
    customer.wait_bet(bet, status='LOST')
    lines = [line['value'] for line in of_bet(tail, bet, 4)]
    assert [v['type'] for v in lines] == ['placed', 'settled', 'reversed', 'settled']
    assert [v.get('outcome') for v in lines] == [None, 'WON', None, 'LOST']
    assert lines[2]['delta'] == -lines[1]['payout'] and lines[2]['reverses'] == lines[1]['seq']
    assert lines[3]['settlement'] == 2 and lines[3]['payout'] == 0
    sale = of_bet(tail, sold, 2)[1]['value']
    assert sale['type'] == 'cash_out' and sale['payout'] == offer['amount']
    assert sale['stake_left'] == 0


def test_what_the_ledger_says_is_told_once_through_kills_of_the_server(told, tail):
    market = told.market()
    load = Load(told, market, customers=4)
    for number in range(3):
        before = len(load.acknowledged)
        join = load.start(number)
        until(lambda before=before: len(load.acknowledged) > before + 200, 60)
        told.server.kill()
        join()
        told.server.start()
        again(told, load.customers)
        load.retry_unanswered()
        load.check()
    told.feed.settle(market, [11])
    until(lambda: told.server.metric('overround_settled_bets_total') >= len(load.acknowledged))
    check_all(told, tail)


def test_no_bet_waits_for_a_broker_that_is_away(told, kafka, tail):
    market = told.market()
    customer = told.bettor(money='1000.00')
    kafka.end(0)
    bets = [customer.bet(market, 11, '1').json for _ in range(200)]
    assert all(bet['status'] == 'PLACED' for bet in bets)
    until(lambda: told.server.metric('overround_stream_away', topic='bet-events') == 1, 60)
    until(lambda: told.server.metric('overround_stream_lag_events', topic='bet-events') >= 200, 60)
    until(lambda: 'what it lacks waits in the log' in told.server.log_text())
    kafka.start()
    until(lambda: told.server.metric('overround_stream_away') == 0, 60)
    check_all(told, tail)
    until(lambda: told.server.metric('overround_stream_lag_events', topic='bet-events') == 0)


def test_prices_are_told_whole_and_once(told, kafka):
    market = told.market()
    with kafka.tail('odds-updates', 'prices') as prices:
        for number in range(50):
            told.feed.price(market, 11, 2.0 + number % 7 / 10)
        version = told.server.get(f'/v1/odds/{market}').json['odds_version']

        def mine():
            return [line['value'] for line in list(prices.lines) if line['key'] == market]
        until(lambda: mine() and mine()[-1]['odds_version'] == version)
        shown = told.server.get(f'/v1/odds/{market}').json
        last = mine()[-1]
        assert [(s['id'], s['odds'], s['status']) for s in last['selections']] == [
            (s['id'], s['odds'], s['status']) for s in shown['selections']]
        assert last['provider'] == 'betfair' and last['event_id'] == shown['event_id']
        assert last['status'] == 'active' and 'feed_timestamp' in last and 'updated_at' in last
        versions = [value['odds_version'] for value in mine()]
        assert versions == sorted(set(versions)) and len(versions) >= 40
        assert len({line['partition'] for line in prices.lines if line['key'] == market}) == 1


def test_every_price_of_the_odds_log_is_told_through_a_kill(told, kafka):
    market = told.market()
    for number in range(100):
        told.feed.price(market, 11, 2.0 + number % 7 / 10)
    told.server.kill()
    told.server.start()
    again(told)
    for number in range(100):
        told.feed.price(market, 11, 2.0 + number % 7 / 10)
    assert told.server.terminate() == 0
    logged = {(ident, version) for ident, _, version in odds_log.changes(told.server.data)}
    told.server.start()
    again(told)
    with kafka.tail('odds-updates', 'all-prices') as prices:
        def missing():
            return logged - {(line['key'], line['value']['odds_version'])
                             for line in list(prices.lines)}
        until(lambda: not missing(), 60, 0.2)
        seen(prices.lines)


def test_others_read_what_we_write(told, kafka, tail):
    wanted = check_all(told, tail)
    lines = kafka.foreign('consumer.ConsoleConsumer', '--topic', 'bet-events', '--from-beginning',
                          '--max-messages', str(len(wanted)), '--isolation-level',
                          'read_committed', '--property', 'print.key=true',
                          '--property', 'print.headers=true').splitlines()
    found = set()
    for line in lines:
        headers, key, value = line.split('\t')
        assert json.loads(value)['event_id'] == key
        found.add((headers.partition(':')[2], key))
    assert found == wanted
    described = kafka.foreign('TopicCommand', '--describe', '--topic', 'bet-events|odds-updates')
    for word in ('PartitionCount: 64', 'retention.ms=604800000'):
        assert described.count(word) == 2, described


def test_a_server_begins_without_a_broker(tmp_path):
    url = f'kafka://127.0.0.1:{free_port()}'
    book = make(tmp_path / 'data', ['--streams', url])
    try:
        assert book.bettor(money='5.00').bet(book.market(), 11, '1').status == 201
        until(lambda: book.server.metric('overround_stream_away', topic='bet-events') == 1)
        assert book.server.terminate() == 0
    finally:
        book.close()


def test_the_topics_of_another_book_are_left_alone(told, kafka, tail, tmp_path):
    before = len(check_all(told, tail))
    other = make(tmp_path / 'data', ['--streams', kafka.url])
    try:
        assert other.bettor(money='5.00').bet(other.market(), 11, '1').status == 201
        until(lambda: other.server.metric('overround_stream_ended', topic='bet-events') == 1)
        until(lambda: 'the topic tells of another book' in other.server.log_text())
    finally:
        other.close()
    assert told.bettor(money='5.00').bet(told.market(), 11, '1').status == 201
    until(lambda: len(tail.lines) == before + 1)


def test_a_ledger_that_lost_its_end_is_told_no_more(told, kafka, tail, tmp_path):
    """Restored from an older copy, it is not the log that the topic tells of."""
    assert told.server.terminate() == 0
    shutil.copytree(told.server.data, tmp_path / 'older')
    told.server.start()
    again(told)
    assert told.bettor(money='5.00').bet(told.market(), 11, '1').status == 201
    check_all(told, tail)
    older = make(tmp_path / 'older', ['--streams', kafka.url])
    try:
        until(lambda: older.server.metric('overround_stream_ended', topic='bet-events') == 1)
        until(lambda: 'is ahead of this log' in older.server.log_text())
    finally:
        older.close()
