"""A Kafka of three brokers with three copies of everything: the loss of one is not noticed by who
writes and who reads; without a majority the stream waits in the log, and bets go on."""
import tempfile

import pytest
from conftest import make
from lib.kafka import Kafka
from lib.load import Load
from lib.until import until
from test_streams import expected, seen


@pytest.fixture(scope='module')
def kafka():
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp'), 3).start()
    yield made
    made.close()


def bets(load, number, count=200):
    join = load.start(number)
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count, 60)
    join()


def test_one_broker_of_three_is_killed_and_two_go_on(kafka, tmp_path):
    book = make(tmp_path / 'data', ['--streams', kafka.url, '--streams-create', '3'])
    try:
        until(lambda: book.server.metric('overround_stream_away') == 0, 60)
        load = Load(book, book.market(), customers=4)
        with kafka.tail('bet-events') as tail:
            bets(load, 0)
            kafka.end(1)
            bets(load, 1)
            until(lambda: len(tail.lines) >= len(load.acknowledged), 90)
            kafka.end(0)
            bets(load, 2)  # no majority: nothing can be written, and every bet is taken
            until(lambda: book.server.metric('overround_stream_lag_events',
                                             topic='bet-events') >= 100, 60)
            kafka.start()
            until(lambda: len(tail.lines) >= len(load.acknowledged), 120)
            load.check()
            assert book.server.terminate() == 0
            until(lambda: seen(tail.lines) >= expected(book.server), 60)
            assert seen(tail.lines) == expected(book.server)
    finally:
        book.close()
