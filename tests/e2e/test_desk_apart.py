"""A desk in a process without users (docs/decisions/0021): feeds, prices, holds and results there,
customers and bets in two shards that follow it."""
import json

import pytest
from lib.bettor import Bettor
from lib.desk import results
from lib.desk_apart import ROLES, DeskApart
from lib.redis import Redis
from lib.server import Server, run
from lib.shards import copy_keys
from lib.until import until

ALL = {'have_it': 2, 'away': []}


@pytest.fixture(name='apart')
def made_apart(tmp_path):
    made = DeskApart(Redis().start(), tmp_path)
    yield made
    made.close()


def types(dumped):
    return {json.loads(line)['type'] for line in dumped.splitlines()}


def test_prices_holds_and_results_of_the_desk_reach_both_shards(apart):
    market = apart.market()
    apart.all_bet(market)
    assert apart.say(f'markets/{market}/suspend')['shards'] == ALL
    apart.all_bet(market, 'MARKET_SUSPENDED')
    assert apart.say(f'markets/{market}/resume')['shards'] == ALL
    apart.level(market)
    apart.all_bet(market)
    apart.feed.define(market, status='SUSPENDED')
    apart.level(market, 'suspended')
    apart.all_bet(market, 'MARKET_SUSPENDED')
    apart.feed.define(market, status='OPEN')
    apart.level(market)
    bets = apart.bets(market)
    apart.feed.settle(market, {11})
    for customer, bet in zip(apart.customers, bets):
        assert customer.wait_bet(bet['bet_id'], status='WON')
    other = apart.market()
    apart.all_bet(other)
    event = apart.shown(other)['event_id']
    said = apart.say(f'events/{event}/results',
                     {**results(other, 1, s11='LOST', s12='WON', s13='LOST'), 'reason': 'x'})
    assert said['shards'] == ALL
    apart.all_bet(other, 'MARKET_CLOSED')
    desk = apart.desk.server
    assert desk.metric('overround_desk_shards_attached') == 2
    until(lambda: desk.metric('overround_desk_bets_left') == 0)
    assert (desk.metric('overround_shard'), desk.metric('overround_shards')) == (2, 2)
    apart.verify()
    told = types(apart.dump(desk))
    assert 'RESULT' in told and 'FENCE' in told
    assert not told & {'ACCOUNT', 'BET', 'DEPOSIT', 'RELAYED'}
    for service in apart.services:
        assert {'BET', 'RELAYED', 'RESULT'} <= types(apart.dump(service))


def test_the_desk_has_no_customers(apart):
    market = apart.market()
    for shard in range(2):
        customer = apart.customers[shard]
        stray = Bettor(apart.desk.server, customer.name, money=None)
        for answer in (stray.deposit('1.00'), stray.withdraw('1.00'),
                       stray.bet(market, 11, '1.00'), stray.call('GET', '/v1/account')):
            assert (answer.status, answer.json['code']) == (421, 'WRONG_SHARD'), answer.body
    assert apart.desk.server.metric('overround_requests_misdirected_total') == 8
    apart.verify()
    assert 'ACCOUNT' not in types(apart.dump(apart.desk.server))


def test_a_desk_that_is_killed_stops_both_shards_until_it_is_back(apart):
    market, held = apart.market(), apart.market()
    bets = apart.bets(market)
    assert apart.say(f'markets/{held}/suspend')['shards'] == ALL
    apart.desk.server.kill()
    for shard, service in enumerate(apart.services):
        until(lambda shard=shard: apart.bet(shard, market) == 'DESK_AWAY', 30)
        assert service.get('/readyz').status == 503
        assert apart.customers[shard].deposit('1.00').status == 201
        assert apart.customers[shard].read(bets[shard]['bet_id'])['status'] == 'PLACED'
    apart.again()
    until(apart.granted, 30)
    apart.all_bet(market)
    apart.all_bet(held, 'MARKET_SUSPENDED')
    apart.feed.settle(market, {11})
    for customer, bet in zip(apart.customers, bets):
        assert customer.wait_bet(bet['bet_id'], status='WON')
    apart.verify()


def test_a_shard_that_is_killed_has_what_was_said_before_its_next_bet(apart):
    market = apart.market()
    apart.all_bet(market)
    apart.services[0].kill()
    assert apart.say(f'markets/{market}/suspend')['shards'] == {'have_it': 1, 'away': [0]}
    apart.services[0].start()
    apart.customers[0].reconnect()
    codes = set()
    until(lambda: codes.add(apart.bet(0, market)) or apart.granted(), 30)
    assert 'placed' not in codes
    assert apart.say(f'markets/{market}/resume')['shards'] == ALL
    apart.all_bet(market)
    apart.verify()


def test_a_book_of_one_shard_may_have_its_desk_apart(tmp_path):
    apart = DeskApart(Redis().start(), tmp_path, 1)
    try:
        market = apart.market()
        apart.all_bet(market)
        assert apart.say(f'markets/{market}/suspend')['shards'] == {'have_it': 1, 'away': []}
        apart.all_bet(market, 'MARKET_SUSPENDED')
        apart.verify()
    finally:
        apart.close()


def test_a_desk_with_a_lease_is_followed_where_it_moves(tmp_path, database):
    options = ['--ledger', database.url, '--lease', 'on', '--lease-ms', '1000']
    apart = DeskApart(Redis().start(), tmp_path, desk=options)
    copy_keys(tmp_path / 'desk', tmp_path / 'spare')
    spare = Server(tmp_path / 'spare', *apart.desk.server.options)
    try:
        spare.spawn()
        market, held = apart.market(), apart.market()
        bets = apart.bets(market)
        assert apart.say(f'markets/{held}/suspend')['shards'] == ALL
        apart.desk.server.kill()
        spare.public = spare.wait_address('ready ')
        spare.admin = spare.wait_address('admin ')
        apart.desk.server = apart.feed.server = spare
        apart.way.target = spare.admin
        apart.feed.again()
        until(apart.granted, 30)
        apart.all_bet(market)
        apart.all_bet(held, 'MARKET_SUSPENDED')
        apart.feed.settle(market, {11})
        for customer, bet in zip(apart.customers, bets):
            assert customer.wait_bet(bet['bet_id'], status='WON')
        for service in apart.services:
            assert service.terminate() == 0
            assert 'all invariants hold' in service.verify()
        assert spare.terminate() == 0
        of_desk = ['--ledger', database.url, '--shard', '2']
        assert 'all invariants hold' in run('ledger', 'verify', *of_desk).stdout
        assert 'RESULT' in types(run('ledger', 'dump', *of_desk).stdout)
    finally:
        spare.kill()
        apart.close()


@pytest.mark.parametrize('options, said', [
    (['--roles', ROLES], 'needs --odds-store'),
    (['--roles', ROLES, '--odds-store', 'redis://127.0.0.1:1', '--shard', '0'], 'no --shard but'),
    (['--roles', ROLES, '--odds-store', 'redis://127.0.0.1:1', '--shards', '1024'],
     'at most 1023'),
    (['--roles', 'odds-worker'], 'a process runs all of them'),
    (['--shard', 'desk', '--desk', '127.0.0.1:1'], 'this is the desk itself'),
    (['--desk-apart', 'on'], 'needs --desk'),
    (['--shard', '0', '--shards', '2', '--desk', '127.0.0.1:1'], 'but for a --desk-apart')])
def test_what_cannot_be_is_refused(tmp_path, options, said):
    done = run('serve', '--data', str(tmp_path), *options, check=False)
    assert done.returncode == 2 and said in done.stderr, done.stderr
