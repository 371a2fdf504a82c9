"""Bets at prices from a Redis that begins with an older dump, or of which one master refuses what
it is told (P1, L6)."""
import pytest
from lib.bet_service import BetService, Books
from lib.bettor import Bettor
from lib.redis import Cluster, Redis
from lib.until import until

MARKETS = 24


@pytest.fixture(name='own')
def made_own(tmp_path):
    made = Books(Redis().start(), tmp_path)
    yield made
    made.close()


def bets(bettor, market):
    return bettor.bet(market, 11, '1.00', odds=2.0, price_policy='any')


def takes(bettor, market):
    return bets(bettor, market).status == 201


def take_out(books, market):
    """It ends in a way that no feed's word settles, and leaves the writer's book."""
    books.feed.define(market, bettingType='LINE', status='CLOSED')
    until(lambda: (books.redis.value(f'odds:{market}') or {}).get('removed'))
    for service in books.services:
        until(lambda service=service: service.get(f'/v1/odds/{market}').status == 404 or
              service.shown(market)['status'] != 'active', 30)


def test_a_market_that_was_taken_out_does_not_come_back_with_an_older_dump(own, tmp_path):
    gone, stays = own.market(), own.market()
    bettor = Bettor(own.services[0])
    for market in (gone, stays):
        until(lambda market=market: takes(bettor, market), 30)
    own.redis.cli('save')
    take_out(own, gone)
    until(lambda: own.writer.server.metric('overround_odds_store_tombstones') == 1)
    own.redis.end()
    own.redis.start()

    def goes_on(bettor):
        """The other one can be bet on again; this one could not at any time."""
        answer = bets(bettor, gone)
        assert answer.status in (404, 409), answer.body
        return takes(bettor, stays)

    until(lambda: goes_on(bettor), 30)
    # Who has never seen it knows it from the writer alone.
    own.services.append(BetService(tmp_path / 'late', own.redis.url).start())
    late = Bettor(own.services[1])
    until(lambda: goes_on(late), 60)
    for _ in range(10):
        until(lambda: goes_on(bettor), 30)
        until(lambda: goes_on(late), 30)
    assert own.redis.value(f'odds:{gone}')['removed']


def test_a_master_that_refuses_holds_up_its_own_markets_only(tmp_path):
    books = Books(Cluster(), tmp_path)
    try:
        markets = [books.writer.market() for _ in range(MARKETS)]
        for market in markets:
            books.level(market)
        bettor = Bettor(books.services[0])
        for market in markets:
            until(lambda market=market: takes(bettor, market), 30)
        at = {market: books.redis.node_of(f'odds:{market}') for market in markets}
        refusing = at[markets[0]]
        refusing.cli('config', 'set', 'min-replicas-to-write', '3')
        held = [market for market in markets if at[market] is refusing]
        others = [market for market in markets if at[market] is not refusing]
        for market in held:  # a version that it does not take: nobody knows its price any more
            books.feed.price(market, 11, 2.5)
        until(lambda: not takes(bettor, held[0]), 30)
        for number in range(3):
            for market in others:
                books.feed.price(market, 11, 2.5 if number % 2 else 3.0)
                books.level(market)
                until(lambda market=market: takes(bettor, market), 30)
            answer = bets(bettor, held[-1])
            assert (answer.status, answer.code) == (409, 'MARKET_SUSPENDED'), answer.body
        assert books.writer.server.metric('overround_odds_store_writes_total', outcome='refused')
        refusing.cli('config', 'set', 'min-replicas-to-write', '0')
        for market in held:
            books.level(market)
            until(lambda market=market: takes(bettor, market), 30)
    finally:
        books.close()
