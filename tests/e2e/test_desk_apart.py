"""A desk in a process without users (docs/decisions/0021): feeds, prices, holds and results there,
customers and bets in two shards that follow it."""
import json
import shutil

import pytest
from conftest import make
from lib.bettor import Bettor
from lib.desk import results
from lib.desk_apart import ROLES, DeskApart
from lib.http import Http
from lib.ports import free_port
from lib.redis import Redis
from lib.server import Server, run
from lib.shards import copy_keys
from lib.standby import Standby
from lib.until import until


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
    apart.tell(f'markets/{market}/suspend')
    apart.all_bet(market, 'MARKET_SUSPENDED')
    apart.tell(f'markets/{market}/resume')
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
    apart.tell(f'events/{event}/results',
               {**results(other, 1, s11='LOST', s12='WON', s13='LOST'), 'reason': 'x'})
    apart.all_bet(other, 'MARKET_CLOSED')
    desk = apart.desk.server
    until(lambda: desk.metric('overround_desk_shards_attached') == 2)
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
    apart.tell(f'markets/{held}/suspend')
    apart.desk.server.kill()
    for shard, service in enumerate(apart.services):
        until(lambda shard=shard: apart.bet(shard, market) == 'DESK_AWAY')
        assert service.get('/readyz').status == 503
        assert apart.customers[shard].deposit('1.00').status == 201
        assert apart.customers[shard].read(bets[shard]['bet_id'])['status'] == 'PLACED'
    apart.again()
    until(apart.granted)
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
    apart.tell(f'markets/{market}/suspend', away=[0])
    apart.services[0].start()
    apart.customers[0].reconnect()
    codes = set()
    until(lambda: codes.add(apart.bet(0, market)) or apart.granted())
    assert 'placed' not in codes
    apart.tell(f'markets/{market}/resume')
    apart.all_bet(market)
    apart.verify()


def test_a_book_of_one_shard_may_have_its_desk_apart(tmp_path):
    apart = DeskApart(Redis().start(), tmp_path, 1)
    try:
        market = apart.market()
        apart.all_bet(market)
        apart.tell(f'markets/{market}/suspend')
        apart.all_bet(market, 'MARKET_SUSPENDED')
        apart.verify()
    finally:
        apart.close()


def test_a_desk_with_a_lease_is_followed_where_it_moves(tmp_path, database):
    options = ['--ledger', database.url, '--lease', 'on', '--lease-ms', '4000']
    apart = DeskApart(Redis().start(), tmp_path, desk=options)
    copy_keys(tmp_path / 'desk', tmp_path / 'spare')
    spare = Server(tmp_path / 'spare', *apart.desk.server.options)
    try:
        spare.spawn()
        market, held = apart.market(), apart.market()
        bets = apart.bets(market)
        apart.tell(f'markets/{held}/suspend')
        apart.desk.server.kill()
        spare.public = spare.wait_address('ready ')
        spare.admin = spare.wait_address('admin ')
        apart.desk.server = apart.feed.server = spare
        apart.way.target = spare.admin
        apart.feed.again()
        until(apart.granted)
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


def test_a_standby_of_a_desk_takes_over_and_the_shards_follow_it(tmp_path):
    apart = DeskApart(Redis().start(), tmp_path, desk=['--ship', 'sync'], wait=False)
    desk = apart.desk.server
    shutil.copytree(tmp_path / 'desk' / 'keys', tmp_path / 'standby' / 'keys')
    (tmp_path / 'standby.token').write_text(desk.token('standby-1', 'standby') + '\n')
    standby = Standby(tmp_path / 'standby', desk.admin, str(tmp_path / 'standby.token'), '--roles',
                      ROLES, '--shards', '2', '--odds-store', apart.redis.url)
    try:
        standby.start()
        apart.begin()
        market, held = apart.market(), apart.market()
        bets = apart.bets(market)
        apart.tell(f'markets/{held}/suspend')
        desk.kill()
        standby.promote()
        apart.desk.server = apart.feed.server = standby
        apart.way.target = standby.admin
        apart.feed.again()
        until(apart.granted)
        apart.all_bet(market)
        apart.all_bet(held, 'MARKET_SUSPENDED')
        apart.feed.settle(market, {11})
        for customer, bet in zip(apart.customers, bets):
            assert customer.wait_bet(bet['bet_id'], status='WON')
        until(lambda: ready(standby) == 'ready')
        for server in (*apart.services, standby):
            assert server.terminate() == 0
            assert 'all invariants hold' in server.verify()
        assert {'FENCE', 'RESULT'} <= types(apart.dump(standby))
    finally:
        standby.kill()
        desk.kill()
        apart.close()


def ready(server):
    """What GET /readyz of the admin listener says."""
    with Http(server.admin) as http:
        answer = http.request('GET', '/readyz')
    return 'ready' if answer.status == 200 else (answer.status, answer.json['code'])


@pytest.mark.parametrize('frozen', [False, True])
def test_a_desk_whose_prices_are_not_taken_says_so_and_its_words_go_on(apart, frozen):
    desk, market = apart.desk.server, apart.market()
    until(lambda: ready(desk) == 'ready')
    apart.all_bet(market)
    if frozen:
        apart.redis.pause(True)
    else:
        apart.redis.end()
    until(lambda: ready(desk) == (503, 'ODDS_STORE_AWAY'))
    with Http(desk.admin) as http:
        assert http.request('GET', '/healthz').status == 200
    apart.tell(f'markets/{market}/suspend')
    apart.tell(f'markets/{market}/resume')
    if frozen:
        apart.redis.pause(False)
    else:
        apart.redis.start()
    until(lambda: ready(desk) == 'ready')
    apart.all_bet(market)


def test_a_desk_without_any_feed_says_so(tmp_path):
    redis = Redis().start()
    nobody = f'amqp://provider:x@127.0.0.1:{free_port()}/%2F'
    made = make(tmp_path / 'desk', ['--roles', ROLES, '--odds-store', redis.url, '--uof', nobody])
    try:
        until(lambda: ready(made.server) == (503, 'FEEDS_AWAY'))
        made.market()
        until(lambda: ready(made.server) == 'ready')
    finally:
        made.close()
        redis.close()


def shards(server, role='auditor'):
    return server.desk('/v1/admin/shards', None, role, 'GET')


def test_the_desk_says_how_each_shard_is(apart):
    desk, market = apart.desk.server, apart.market()
    apart.all_bet(market)
    here = [{'shard': n, 'attached': True, 'granted': True, 'lag_records': 0, 'bets_left': 0}
            for n in range(2)]
    until(lambda: shards(desk).json['shards'] == here)
    apart.services[1].kill()
    until(lambda: [(s['attached'], s['granted']) for s in shards(desk).json['shards']] ==
          [(True, True), (False, False)])
    assert shards(apart.services[0]).json == {'shards': []}
    assert shards(desk, 'bettor').status == 403
    assert desk.desk('/v1/admin/shards', {}).status == 405


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


def test_a_redis_that_follows_another_books_sells_nothing_at_its_prices(apart, tmp_path):
    """Somebody's REPLICAOF: what another book wrote takes the place of everything, in versions that
    are newer, and its writer claims that they are. A new epoch of the right one ends it."""
    market = apart.market()
    apart.all_bet(market)
    apart.say(f'markets/{apart.market()}/suspend')  # a word of the desk, in each log
    wrong = Redis().start()
    other = make(tmp_path / 'other', ['--odds-store', wrong.url])
    try:
        other.feed.market(market, {11: 9.0, 12: 1.1})
        for price in (8.8, 8.6, 8.4, 8.2, 9.0) * 4:
            other.feed.price(market, 11, price)
        newest = until(lambda: (found := other.server.get(f'/v1/odds/{market}').json)
                       ['odds_version'] > apart.shown(market)['odds_version'] and found)
        apart.redis.cli('replicaof', '127.0.0.1', str(wrong.port))
        until(lambda: (apart.redis.value(f'odds:{market}') or {}).get('odds_version') ==
              newest['odds_version'])
        for shard, service in enumerate(apart.services):
            until(lambda shard=shard: apart.bet(shard, market) == 'MARKET_SUSPENDED', 60)
            until(lambda service=service: service.metric('overround_odds_foreign_total') > 100, 60)
            assert service.shown(market)['odds_version'] != newest['odds_version']
            codes = {apart.bet(shard, market) for _ in range(20)}
            assert codes <= {'MARKET_SUSPENDED', 'DESK_AWAY'}, codes
    finally:
        apart.redis.cli('replicaof', 'no', 'one')
        other.close()
        wrong.close()
    apart.desk.server.kill()
    apart.again()
    apart.feed.price(market, 11, 2.5)
    apart.level(market)
    apart.all_bet(market)
    apart.verify()
    taken = [json.loads(line) for service in apart.services
             for line in apart.dump(service).splitlines() if '"BET"' in line]
    prices = [leg['odds'] for bet in taken if bet['outcome'] == 'PLACED' for leg in bet['legs']]
    assert len(prices) >= 4 and max(prices) < 5
