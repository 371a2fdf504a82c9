"""A Kafka of three brokers with three copies of everything: the loss of one is not noticed by who
writes and who reads; without a majority, and without any, the stream waits in the log, bets go on,
and all is told when they are back; slow brokers, and slow disks below them, make it late, and
nobody else waits for them."""
import random
import tempfile
import time

import pytest
from conftest import make
from lib.delay import Delay
from lib.drills import SECONDS, say, some
from lib.kafka import Kafka
from lib.load import Load
from lib.slow_disk import SlowDisk
from lib.until import until
from test_streams import again, expected, seen

SLOW_SECONDS = 0.3
SLOW_DISK_SECONDS = 0.1  # each call
WAITING_BYTES_MAX = (8 + 64) << 20  # docs/OPERATIONS.md, "Streams on a Kafka"
BOOK_BYTES = 64 << 20               # what some ten thousand bets cost the book itself


@pytest.fixture(scope='module')
def kafka():
    """`made.ways`: what clients reach them by, each as slow as its `seconds`."""
    made = Kafka(tempfile.mkdtemp(prefix='overround-kafka-', dir='/tmp'), 3,
                 disks=[SlowDisk() for _ in range(3)])
    made.ways = [Delay(('127.0.0.1', port), 0, 0, random.Random(port)) for port in made.ports]
    made.shown = [way.address[1] for way in made.ways]
    made.start()
    yield made
    made.close()
    for one in [*made.ways, *made.disks]:
        one.close()


@pytest.fixture(scope='module')
def book(kafka, tmp_path_factory):
    made = make(tmp_path_factory.mktemp('told') / 'data',
                ['--streams', kafka.url, '--streams-create', '3'])
    until(lambda: made.server.metric('overround_stream_away') == 0, 60)
    yield made
    made.close()


@pytest.fixture(scope='module')
def tail(book, kafka):
    with kafka.tail('bet-events') as reading:
        yield reading


@pytest.fixture(scope='module')
def load(book):
    return Load(book, book.market(), customers=4)


def bets(load, number, count=200, seconds=0):
    join, end = load.start(number), time.monotonic() + seconds
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) > before + count and time.monotonic() > end, 60 + seconds)
    join()


def lag(book):
    return book.server.metric('overround_stream_lag_events', topic='bet-events')


def check_told(book, load, tail):
    """Every event of every bet, and none twice."""
    load.check()
    assert book.server.terminate() == 0
    wanted = expected(book.server)
    book.server.start()
    again(book, load.customers)
    until(lambda: seen(list(tail.lines)) >= wanted, 60)
    assert seen(list(tail.lines)) == wanted


def test_one_broker_of_three_is_killed_and_two_go_on(kafka, book, load, tail):
    bets(load, 0)
    kafka.end(1)
    bets(load, 1)
    until(lambda: len(tail.lines) >= len(load.acknowledged), 90)
    kafka.end(0)
    bets(load, 2)  # no majority: nothing can be written, and every bet is taken
    until(lambda: lag(book) >= 100, 60)
    kafka.end(2)
    before = book.server.resident_bytes()
    bets(load, 3, 200, SECONDS)  # and now there is none at all
    until(lambda: lag(book) >= 300, 60)
    assert book.server.resident_bytes() - before < WAITING_BYTES_MAX + BOOK_BYTES
    waiting, begun = lag(book), time.monotonic()
    kafka.start()
    up = time.monotonic()
    until(lambda: len(tail.lines) >= len(load.acknowledged), 120)
    say(f'{waiting:.0f} events waited for brokers: told {time.monotonic() - begun:.1f} s after '
        f'their start, {time.monotonic() - up:.1f} s after they were up')
    check_told(book, load, tail)


def busiest(kafka, load, tail):
    """The broker that bets go through, as who leads their partition is for Kafka to choose."""
    before = [way.passed for way in kafka.ways]
    bets(load, 'busiest')
    until(lambda: len(tail.lines) >= len(load.acknowledged), 90)
    return max(range(len(before)), key=lambda node: kafka.ways[node].passed - before[node])


@pytest.mark.parametrize('slow', some(['one', 'all'], ['one']))
def test_slow_brokers_make_the_stream_late_and_no_bet(kafka, book, load, tail, slow):
    until(lambda: len(tail.lines) >= len(load.acknowledged), 90)
    chosen = [busiest(kafka, load, tail)] if slow == 'one' else range(len(kafka.ways))
    passed = [way.passed for way in kafka.ways]
    for node in chosen:
        kafka.ways[node].seconds = SLOW_SECONDS
    try:
        bets(load, f'slow-{slow}', 500, SECONDS)
        until(lambda: len(tail.lines) >= len(load.acknowledged), 120)  # late, and whole
        assert any(kafka.ways[node].passed > passed[node] for node in chosen)
    finally:
        for way in kafka.ways:
            way.seconds = 0
    check_told(book, load, tail)


@pytest.mark.parametrize('slow', some(['one', 'all'], ['all']))
def test_slow_disks_of_brokers_make_the_stream_late_and_no_bet(kafka, book, load, tail, slow):
    until(lambda: len(tail.lines) >= len(load.acknowledged), 90)
    chosen = kafka.disks[:1] if slow == 'one' else kafka.disks
    before = [disk.calls for disk in chosen]
    for disk in chosen:
        disk.takes(SLOW_DISK_SECONDS)
    try:
        bets(load, f'disk-{slow}', 500, SECONDS)
        waiting, begun = lag(book), time.monotonic()
        until(lambda: len(tail.lines) >= len(load.acknowledged), 120)  # late, and whole
        assert all(disk.calls > count for disk, count in zip(chosen, before))
    finally:
        for disk in chosen:
            disk.takes(0)
    say(f'slow disks ({slow}): {waiting:.0f} events waited, the last was told '
        f'{time.monotonic() - begun:.1f} s after its bet')
    check_told(book, load, tail)
