"""Prices from processes of their own: `serve --roles odds-service` before one book, with Redis
between, as one server, with sentinels, and as a cluster."""
import threading

import pytest
from conftest import make
from lib.http import Closed
from lib.odds_service import OddsService
from lib.redis import Cluster, Redis, Watched
from lib.server import run
from lib.until import until


class Set:
    """A Redis of some kind, a book that writes there, and two odds services."""

    def __init__(self, redis, folder, count=2):
        self.redis = redis
        self.book = make(folder / 'data', ['--odds-store', redis.url])
        self.services = [OddsService(folder / f'odds-{n}', redis.url).start()
                         for n in range(count)]
        for service in self.services:
            until(service.is_ready)

    def level(self, market):
        """Everybody shows the book's newest version."""
        for service in self.services:
            until(lambda service=service: read(service, market).get('odds_version') ==
                  read(self.book.server, market)['odds_version'])

    def close(self):
        for service in self.services:
            service.kill()
        self.book.close()
        self.redis.close()


@pytest.fixture
def single(tmp_path):
    made = Set(Redis().start(), tmp_path)
    yield made
    made.close()


def read(server, market):
    return server.get(f'/v1/odds/{market}').json


def version_of(redis, market):
    """As it stands there; None: it does not just now."""
    return (redis.value(f'odds:{market}') or {}).get('odds_version')


def prices(server, market):
    return [(s['id'], s['odds'], s['status']) for s in read(server, market)['selections']]


class Follower:
    """A client of one service, in a thread: the versions of a market that it was shown."""

    def __init__(self, service, market):
        self.versions, self.messages, self.skipped = [], [], 0
        self.socket = service.websocket()
        self.socket.subscribe(f'market:{market}')
        self.note(self.socket.wait_for(op='snapshot')['markets'][0])
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def note(self, market):
        self.versions.append(market['odds_version'])

    def run(self):
        while True:
            try:
                message = self.socket.receive()
            except (OSError, AssertionError, EOFError, Closed):
                return
            if message is None:
                return
            self.messages.append(message)
            if message['op'] == 'delta':
                self.note(message)
            elif message['op'] == 'image':
                self.note(message['market'])
            elif message['op'] == 'skipped':
                self.skipped += message['changes']


def test_both_show_what_the_book_shows(single):
    market = single.book.market()
    single.level(market)
    single.book.feed.price(market, 11, 2.5)
    single.level(market)
    for service in single.services:
        assert prices(service, market) == prices(single.book.server, market)
        until(lambda service=service: 'stale' not in read(service, market))
        assert market in str(service.get('/v1/events').json)


def test_a_client_of_each_is_shown_every_version_or_it_is_counted(single):
    market = single.book.market()
    single.level(market)
    followers = [Follower(service, market) for service in single.services]
    for number in range(200):
        single.book.feed.price(market, 11, 2.5 if number % 2 else 3.0)
    last = read(single.book.server, market)['odds_version']
    for follower in followers:
        until(lambda follower=follower: follower.versions[-1] == last)
        versions = follower.versions
        conflated = single.book.server.metric('overround_odds_store_conflated_total')
        assert versions == sorted(versions), 'P1'
        missed = last - versions[0] + 1 - len(set(versions))
        assert missed <= conflated + follower.skipped, (missed, conflated, follower.skipped)


def test_a_service_that_comes_later_begins_with_what_is_there(single, tmp_path):
    markets = [single.book.market() for _ in range(30)]
    late = OddsService(tmp_path / 'late', single.redis.url).start()
    single.services.append(late)
    until(late.is_ready)
    for market in markets:
        single.level(market)


def test_without_redis_reads_go_on_and_say_that_they_are_stale(single):
    market = single.book.market()
    single.level(market)
    before = read(single.services[0], market)
    single.redis.end()
    for service in single.services:
        until(lambda service=service: not service.is_ready())
        now = until(lambda service=service: read(service, market).get('stale') and
                    read(service, market))
        assert now['odds_version'] == before['odds_version'] and now['age_ms'] >= 0
        until(lambda service=service: read(service, market)['status'] == 'suspended')
    single.book.feed.price(market, 11, 3.0)
    single.redis.start()  # empty: the book writes all of it again
    single.level(market)
    for service in single.services:
        until(service.is_ready)
        until(lambda service=service: read(service, market)['status'] == 'active')
        until(lambda service=service: 'stale' not in read(service, market))


def test_a_book_that_dies_leaves_suspended_prices_and_a_new_one_higher_versions(single):
    market = single.book.market()
    single.level(market)
    follower = Follower(single.services[0], market)
    single.book.server.kill()
    for service in single.services:
        # The book itself may have suspended it before, where its feed was late; that is not stale.
        until(lambda service=service: (shown := read(service, market)).get('stale') is True and
              shown['status'] == 'suspended')
        until(service.is_ready)  # Redis is there: it is the provider that is not heard of
    single.book.server.start()
    single.book.feed.again()
    single.level(market)
    until(lambda: follower.versions[-1] == read(single.book.server, market)['odds_version'])
    assert follower.versions == sorted(follower.versions), 'P1'
    until(lambda: read(single.services[1], market)['status'] == 'active')


def test_a_provider_that_is_silent_is_suspended_everywhere(single):
    market = single.book.market()
    single.level(market)
    single.book.feed.silent = True
    for service in single.services:
        until(lambda service=service: read(service, market)['status'] == 'suspended')
        until(lambda service=service: read(service, market).get('stale'))
    single.book.feed.silent = False
    for service in single.services:
        until(lambda service=service: read(service, market)['status'] == 'active')


def test_a_connection_that_is_cut_is_followed_again_without_a_hole(single):
    market = single.book.market()
    single.level(market)
    for number in range(5):
        single.redis.cli('client', 'kill', 'type', 'pubsub')
        single.book.feed.price(market, 11, 2.5 if number % 2 else 3.0)
        single.level(market)


def test_it_takes_no_bets_and_says_so(single):
    market = single.book.market()
    single.level(market)
    token = single.book.bettor(money='10.00').token
    body = {'market_id': market, 'selection_id': '11', 'odds': 2.0, 'stake': 1.0,
            'currency': 'GBP'}
    for service in single.services:
        assert service.post('/v1/bets', body, headers={'Idempotency-Key': 'k'}).status == 401
        assert service.get('/v1/account', token=token).status in (401, 503)


def test_values_that_are_none_do_no_harm(single):
    market = single.book.market()
    single.level(market)
    single.redis.cli('set', 'odds:9.9', '{"market_id":"9.9"}')
    single.redis.cli('lpush', 'odds:9.8', 'x')
    single.redis.cli('publish', 'odds-changes', 'nonsense')
    single.redis.cli('publish', 'odds-changes', '- 0 0 {}')
    single.book.feed.price(market, 11, 3.0)
    single.level(market)
    until(lambda: single.services[0].metric('overround_odds_bad_values_total') >= 2)
    assert single.services[0].get('/v1/odds/9.9').status == 404


def test_a_master_that_is_killed_is_replaced_and_no_version_falls(tmp_path):
    made = Set(Watched(), tmp_path)
    try:
        market = made.book.market()
        made.level(market)
        followers = [Follower(service, market) for service in made.services]
        made.redis.master.end()
        for number in range(10):
            made.book.feed.price(market, 11, 2.5 if number % 2 else 3.0)
        until(lambda: made.redis.replica.cli('role', check=False).startswith('master'), 60)
        made.book.feed.price(market, 11, 3.5)
        last = read(made.book.server, market)['odds_version']
        until(lambda: version_of(made.redis.replica, market) == last)
        made.level(market)
        for service, follower in zip(made.services, followers):
            until(service.is_ready)
            until(lambda follower=follower: follower.versions[-1] == last)
            assert follower.versions == sorted(follower.versions), 'P1'
    finally:
        made.close()


def test_a_cluster_node_that_dies_concerns_its_markets_only(tmp_path):
    made = Set(Cluster(), tmp_path)
    try:
        markets = [made.book.market() for _ in range(12)]
        for market in markets:
            made.level(market)
        at = {market: until(lambda m=market: made.redis.node_of(f'odds:{m}'))
              for market in markets}
        dead = at[markets[0]]
        others = [market for market in markets if at[market] is not dead]
        assert others and len(set(at.values())) == 3
        dead.end()
        for market in others:  # at once, whatever becomes of the others
            made.book.feed.price(market, 11, 3.0)
            made.level(market)
        for market in markets:
            made.book.feed.price(market, 12, 3.0)
        for market in markets:  # its replica has taken over, and has been written again
            made.level(market)
            until(lambda market=market: version_of(made.redis, market) ==
                  read(made.book.server, market)['odds_version'])
    finally:
        made.close()


def test_it_needs_an_odds_store(tmp_path):
    done = run('serve', '--data', str(tmp_path / 'data'), '--roles', 'odds-service', check=False)
    assert done.returncode == 2 and '--odds-store' in done.stderr, done.stderr
