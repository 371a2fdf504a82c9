"""Prices in Redis: what a node writes there, and that its book never waits for it."""
import contextlib
import itertools
import json
import os
import signal
import subprocess
import time

import pytest
from conftest import make
from lib.pki import Pki
from lib.ports import free_port
from lib.redis import Redis
from lib.server import run
from lib.until import until

MEMBERS = {'market_id', 'event_id', 'selections', 'status', 'odds_version', 'updated_at'}


@pytest.fixture
def redis():
    made = Redis().start()
    yield made
    made.close()


@pytest.fixture
def shared(redis, tmp_path):
    """A node that writes its prices there."""
    made = make(tmp_path / 'data', ['--odds-store', redis.url])
    yield made
    made.close()


def shown(book, market):
    return book.server.get(f'/v1/odds/{market}').json


def first_price(book, market):
    return float(shown(book, market)['selections'][0]['odds'])


def is_written(book, redis, market):
    value = redis.value(f'odds:{market}')
    return value and value['odds_version'] == shown(book, market)['odds_version'] and value


def is_written_behind(book, redis, market, before):
    """The newest one, and it is a newer one than that."""
    value = is_written(book, redis, market)
    return value and value['odds_version'] > before['odds_version']


def test_a_price_is_written_as_the_contract_says(shared, redis):
    market = shared.market()
    value = until(lambda: is_written(shared, redis, market))
    read = shown(shared, market)
    assert MEMBERS <= set(value)
    for member in ('market_id', 'event_id', 'status', 'odds_version', 'updated_at'):
        assert value[member] == read[member], member
    assert [(s['id'], s['odds']) for s in value['selections']] == \
        [(s['id'], float(s['odds'])) for s in read['selections']]
    assert 0 < int(redis.cli('pttl', f'odds:{market}')) <= 60000
    lease = until(lambda: redis.value('feed:betfair'))
    assert set(lease) == {'epoch', 'valid_until'}
    assert lease['epoch'] == read['odds_version'] >> 32


def test_each_version_replaces_the_one_before(shared, redis):
    market = shared.market()
    for number in range(50):
        shared.feed.price(market, 11, 2.5 if number % 2 else 3.0)
    value = until(lambda: is_written(shared, redis, market))
    assert value['selections'][0]['odds'] == first_price(shared, market)
    # Redis has it before its answer is back here.
    until(lambda: shared.server.metric('overround_odds_store_writes_total', outcome='taken') > 0)
    assert shared.server.metric('overround_odds_store_writes_total', outcome='older') == 0


@pytest.mark.parametrize('first', ['odds_version', 'market_id'])
def test_an_older_version_never_takes_the_place_of_a_newer_one(shared, redis, first):
    """Wherever the version stands in the value."""
    market = shared.market()
    value = until(lambda: is_written(shared, redis, market))
    newer = dict(value, odds_version=value['odds_version'] + (5 << 32))
    newer = {first: newer.pop(first), **newer}
    redis.cli('set', f'odds:{market}', json.dumps(newer, separators=(',', ':')))
    shared.feed.price(market, 11, 2.5)
    until(lambda: shared.server.metric('overround_odds_store_writes_total', outcome='older'))
    assert redis.value(f'odds:{market}')['odds_version'] == newer['odds_version']


@contextlib.contextmanager
def heard(redis):
    """What the channel says from now on: a file of lines."""
    path = os.path.join(redis.folder, 'heard')
    with open(path, 'w', encoding='utf-8') as file, subprocess.Popen(
            ['redis-cli', '-p', str(redis.port), 'subscribe', 'odds-changes'], stdout=file) as ear:
        try:
            until(lambda: redis.cli('pubsub', 'numsub', 'odds-changes').split()[-1] == '1')
            yield path
        finally:
            ear.kill()


def said_in(path):
    """[(session, number, what)] of the messages of writers."""
    with open(path, encoding='utf-8') as file:
        lines = [line[:-1] for line in file  # of the last one there may be a part
                 if line.endswith('\n') and (line.startswith('{') or ' ' in line)]
    said = []
    for line in lines:
        if line.startswith('{'):
            assert line.startswith('{"odds_version":') and line.endswith('}')
            session, number = json.loads(line)['said'].split()
            said.append((session, int(number), json.loads(line)))
        else:
            session, number, rest = line.split(' ', 2)
            said.append((session, int(number), rest))
    return said


def test_each_number_of_the_channel_is_said_also_where_nothing_is_taken(shared, redis):
    market = shared.market()
    value = until(lambda: is_written(shared, redis, market))
    newer = dict(value, odds_version=value['odds_version'] + (5 << 32))
    with heard(redis) as path:
        shared.feed.price(market, 11, 2.5)
        until(lambda: is_written_behind(shared, redis, market, value))
        redis.cli('set', f'odds:{market}', json.dumps(newer, separators=(',', ':')))
        shared.feed.price(market, 11, 3.0)
        until(lambda: f'{newer["odds_version"]} ' in [what for *_, what in said_in(path)])
        said = said_in(path)
    assert len({session for session, *_ in said}) == 1
    numbers = [number for _, number, _ in said]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert any(isinstance(what, dict) and what['market_id'] == market for *_, what in said)


def test_betting_goes_on_while_redis_is_away_and_it_gets_all_when_it_is_back(shared, redis):
    markets = [shared.market() for _ in range(5)]
    customer = shared.bettor(money='100.00')
    until(lambda: is_written(shared, redis, markets[0]))
    redis.end()
    for market in markets:
        shared.feed.price(market, 11, 2.5)
        assert customer.bet(market, 11, '1').status == 201
    redis.start()  # empty
    for market in markets:
        value = until(lambda market=market: is_written(shared, redis, market))
        assert value['selections'][0]['odds'] == first_price(shared, market)
    until(lambda: shared.server.metric('overround_redis_losses_total') >= 1)


def test_a_server_that_stands_still_costs_the_book_nothing(shared, redis):
    market = shared.market()
    customer = shared.bettor(money='100.00')
    until(lambda: is_written(shared, redis, market))
    redis.pause(True)
    for number in range(200):
        shared.feed.price(market, 11, 2.5 if number % 2 else 3.0)
    assert customer.bet(market, 11, '1').status == 201
    until(lambda: shared.server.metric('overround_redis_timeouts_total') >= 1)
    for number in range(20):
        shared.feed.price(market, 11, 3.0 if number % 2 else 3.5)
    until(lambda: shared.server.metric('overround_odds_store_conflated_total') >= 1)
    redis.pause(False)
    until(lambda: is_written(shared, redis, market))


def test_a_script_that_was_flushed_is_loaded_again(shared, redis):
    market = shared.market()
    until(lambda: is_written(shared, redis, market))
    redis.cli('script', 'flush')
    shared.feed.price(market, 11, 2.5)
    value = until(lambda: is_written(shared, redis, market))
    assert value['selections'][0]['odds'] == first_price(shared, market)


def test_a_market_that_ends_is_written_so(shared, redis):
    market = shared.market()
    until(lambda: is_written(shared, redis, market))
    version = shown(shared, market)['odds_version']
    shared.feed.settle(market, [11])
    until(lambda: shown(shared, market)['status'] == 'settled')
    value = until(lambda: is_written(shared, redis, market))
    assert value['status'] == 'settled' and value['odds_version'] > version


def test_what_another_program_wrote_there_does_no_harm(shared, redis):
    market = shared.market()
    until(lambda: is_written(shared, redis, market))
    redis.cli('set', f'odds:{market}', 'nonsense')
    shared.feed.price(market, 11, 2.5)
    until(lambda: is_written(shared, redis, market))
    redis.cli('eval', "redis.call('del', KEYS[1]) redis.call('lpush', KEYS[1], 'a list')", '1',
              f'odds:{market}')
    shared.feed.price(market, 11, 3.0)
    until(lambda: shared.server.metric('overround_odds_store_writes_total', outcome='refused'))
    redis.cli('del', f'odds:{market}')
    until(lambda: is_written(shared, redis, market))


def test_values_are_renewed_before_they_expire(redis, tmp_path):
    book = make(tmp_path / 'data', ['--odds-store', redis.url, '--odds-store-refresh-ms', '300'])
    try:
        market = book.market()
        until(lambda: is_written(book, redis, market))
        redis.cli('pexpire', f'odds:{market}', '1000000')
        until(lambda: int(redis.cli('pttl', f'odds:{market}')) <= 60000)
        redis.cli('del', f'odds:{market}')
        until(lambda: is_written(book, redis, market))
    finally:
        book.close()


def test_a_market_that_moves_is_renewed_as_others_are(redis, tmp_path):
    """A new version goes on with the life that the key has; a renewal, each 300 ms here, is one
    of the versions where they come that often."""
    slow = make(tmp_path / 'slow', ['--odds-store', redis.url, '--odds-store-refresh-ms', '30000'])
    try:
        market = slow.market()
        value = until(lambda: is_written(slow, redis, market))
        redis.cli('pexpire', f'odds:{market}', '1000000')
        slow.feed.price(market, 11, 2.5)
        until(lambda: is_written_behind(slow, redis, market, value))
        assert int(redis.cli('pttl', f'odds:{market}')) > 60000
    finally:
        slow.close()
    redis.cli('flushall')
    quick = make(tmp_path / 'quick', ['--odds-store', redis.url, '--odds-store-refresh-ms', '300'])
    try:
        market, number = quick.market(), itertools.count()
        until(lambda: is_written(quick, redis, market))
        redis.cli('pexpire', f'odds:{market}', '1000000')

        def move():
            quick.feed.price(market, 11, 2.5 if next(number) % 2 else 3.0)
            return int(redis.cli('pttl', f'odds:{market}')) <= 60000

        until(move)
    finally:
        quick.close()


@pytest.mark.parametrize('url', ['redis://', 'redis://na me:1', 'http://127.0.0.1:1', 'redis',
                                 'redis+sentinel://127.0.0.1:1', 'redis://127.0.0.1:1/3',
                                 'redis://127.0.0.1:1,127.0.0.1:2', 'rediss://127.0.0.1:1'])
def test_a_place_that_is_none_is_refused(url, tmp_path):
    done = run('serve', '--data', str(tmp_path / 'data'), '--odds-store', url, check=False)
    assert done.returncode == 2 and '--odds-store' in done.stderr, done.stderr


def test_a_password_is_sent_and_never_told(tmp_path):
    redis = Redis('--requirepass', 'hunter2').start()
    book = make(tmp_path / 'data', ['--odds-store', redis.url.replace('//', '//:hunter2@')])
    try:
        market = book.market()
        until(lambda: redis.cli('-a', 'hunter2', 'get', f'odds:{market}'))
        assert 'hunter2' not in book.server.log_text()
    finally:
        book.close()
        redis.close()


def test_over_tls_the_server_is_verified(tmp_path):
    pki, port = Pki(tmp_path / 'pki').issue('redis'), free_port()
    other = Pki(tmp_path / 'other')
    redis = Redis('--tls-port', str(port), '--tls-cert-file', pki.cert('redis'), '--tls-key-file',
                  pki.key('redis'), '--tls-ca-cert-file', pki.cert('ca'), '--tls-auth-clients',
                  'no').start()
    place = ['--odds-store', f'rediss://127.0.0.1:{port}', '--odds-store-ca']
    book = make(tmp_path / 'data', [*place, pki.cert('ca')])
    stranger = make(tmp_path / 'stranger', [*place, other.cert('ca')])
    try:
        market = book.market()
        until(lambda: is_written(book, redis, market))
        until(lambda: stranger.server.metric('overround_redis_connects_total') >= 2)
        assert stranger.server.metric('overround_redis_masters_up') == 0
    finally:
        stranger.close()
        book.close()
        redis.close()


def test_an_end_does_not_wait_for_redis(shared, redis):
    shared.market()
    redis.pause(True)
    begun = time.monotonic()
    assert shared.server.terminate() == 0
    assert time.monotonic() - begun < 30
    redis.pause(False)
    redis.end(signal.SIGTERM)
