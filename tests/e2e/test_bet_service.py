"""Bets at prices that are read from Redis (L6, P1, P2): one writer with a feed, two bet-services
with ledgers of their own, one in files and one in PostgreSQL."""
import json
import re
import shutil
import signal

import pytest
from lib.bet_service import LAG_MS, BetService, Books
from lib.bettor import Bettor
from lib.desk import results
from lib.redis import Cluster, Redis
from lib.server import run
from lib.until import until


@pytest.fixture(scope='module', name='books')
def made_books(tmp_path_factory, postgres):
    made = Books(Redis().start(), tmp_path_factory.mktemp('books'),
                 ((), ('--ledger', postgres.url)))
    yield made
    made.close()


@pytest.fixture(name='own')
def made_own(tmp_path):
    """For tests that stop or kill something. The provider's lease is much longer than the lag, so
    that what stops bets first is the lag, also on a machine that is busy for seconds."""
    made = Books(Redis().start(), tmp_path, silence_ms=8 * LAG_MS)
    yield made
    made.close()


def reason(answer):
    return answer.json.get('reason') or answer.json.get('code')


def takes(bettor, market, **named):
    answer = bettor.bet(market, 11, '1.00', **named)
    return answer.json if answer.status == 201 else None


def refuses(bettor, market, why='MARKET_SUSPENDED'):
    answer = bettor.bet(market, 11, '1.00', odds=2.0, price_policy='any')
    return answer.status == 409 and reason(answer) == why


def answered(bettor, slip):
    """What a bet comes to at a price that is known to be new enough."""
    def look():
        answer = bettor.place(slip)
        late = answer.status == 202 or reason(answer) == 'MARKET_SUSPENDED'
        return None if late else answer
    return until(look)


def stakes(bettor):
    """Of all bets but those that were not taken in the end: one may have been late at first."""
    return sum(bet['stake'] for bet in bettor.bets() if bet['status'] != 'NOT_ACCEPTED')


def test_both_take_bets_at_the_price_of_the_writer(books):
    market = books.market()
    version = books.shown(market)['odds_version']
    for service in books.services:
        bettor = Bettor(service)
        bet = until(lambda bettor=bettor: takes(bettor, market))
        leg = bet['legs'][0] if 'legs' in bet else bet
        assert leg['odds_version'] == version, bet
        until(lambda bettor=bettor: bettor.balance() == 1000 - stakes(bettor))
        assert service.get('/v1/odds/' + market).json['odds_version'] == version, 'P1'


def test_a_price_that_moves_follows_the_rules_of_any_book(books):
    market = books.market()
    bettors = [Bettor(service) for service in books.services]
    old = [bettor.slip(market, 11, '1.00') for bettor in bettors]
    books.feed.price(market, 11, 1.5)
    books.level(market)
    for bettor, slip in zip(bettors, old):
        answer = answered(bettor, slip)
        assert answer.status == 409 and reason(answer) == 'ODDS_CHANGED', answer.body
        until(lambda bettor=bettor: takes(bettor, market))
        answer = answered(bettor, {**bettor.slip(market, 11, '1.00'),
                                   'odds_version': books.shown(market)['odds_version'] + 1})
        assert reason(answer) == 'ODDS_CHANGED', 'nobody has seen that version'


def test_a_suspension_at_the_writer_stops_bets_everywhere(books):
    market = books.market()
    bettors = [Bettor(service) for service in books.services]
    for bettor in bettors:
        until(lambda bettor=bettor: takes(bettor, market))
    answer = books.writer.server.desk(f'/v1/admin/markets/{market}/suspend', {'reason': 'a word'})
    assert answer.status == 200, answer.body
    books.level(market, 'suspended')
    assert all(refuses(bettor, market) for bettor in bettors)
    books.writer.server.desk(f'/v1/admin/markets/{market}/resume', {'reason': 'a word'})
    books.level(market)
    for bettor in bettors:
        until(lambda bettor=bettor: takes(bettor, market))


def test_the_desk_of_a_service_has_its_word_on_what_it_follows(books):
    market = books.market()
    version = books.shown(market)['odds_version']
    for service in books.services:
        bettor = Bettor(service)
        bet = until(lambda bettor=bettor: takes(bettor, market))
        path = f'/v1/admin/markets/{market}/'
        assert service.desk(path + 'suspend', {'reason': 'a word'}).status == 200
        shown = service.shown(market)
        assert (shown['status'], shown['odds_version']) == ('suspended', version), 'P1'
        assert refuses(bettor, market)
        assert service.desk(path + 'resume', {'reason': 'a word'}).status == 200
        until(lambda bettor=bettor: takes(bettor, market))
        event = service.shown(market)['event_id']
        answer = service.desk(f'/v1/admin/events/{event}/results',
                              results(market, 1, s11='WON', s12='LOST', s13='LOST'))
        assert answer.status in (200, 201, 202), answer.body
        bettor.wait_bet(bet['bet_id'], status='WON')
        assert refuses(bettor, market, 'MARKET_CLOSED')
    assert books.shown(market)['status'] == 'active', 'the others go on'


def test_no_feed_is_taken_and_each_ledger_is_sound(books):
    for service in books.services:
        answer = service.desk('/v1/feed/betfair', '{"op":"mcm"}\r\n', role='feed')
        assert answer.status == 404, answer.body
        assert service.terminate() == 0
        assert 'all invariants hold' in service.verify()
        service.start()
        until(service.is_ready)


def test_the_record_names_the_place_in_the_log_of_the_writer(books, tmp_path):
    market = books.market()
    service = books.services[0]
    bettor = Bettor(service)
    bet = until(lambda: takes(bettor, market))
    position = until(lambda: books.redis.value(f'odds:{market}'))['odds_position']
    version = books.shown(market)['odds_version']
    service.terminate()
    dump = run('ledger', 'dump', '--data', service.data).stdout.splitlines()
    record = [r for r in map(json.loads, dump) if r.get('bet_id') == bet['bet_id']][0]
    leg = record['legs'][0]
    assert leg['odds_version'] == version
    assert leg['odds_position'] == position > 0
    shutil.copytree(books.writer.server.data + '/odds', tmp_path / 'odds')  # as far as it is now
    audit = run('ledger', 'verify', '--data', service.data, '--odds-of', str(tmp_path))
    assert re.search(r'legs_checked [1-9]', audit.stdout), audit.stdout
    service.start()
    until(service.is_ready)


def test_a_writer_that_dies_stops_bets_and_a_new_one_starts_them(own):
    market = own.market()
    bettor = Bettor(own.services[0])
    until(lambda: takes(bettor, market))
    own.writer.server.kill()
    until(lambda: refuses(bettor, market))
    assert own.services[0].lagged() > 0
    until(lambda: own.services[0].shown(market)['status'] == 'suspended')
    own.writer.server.start()  # a heartbeat is there before the market is: its price is an old one
    until(lambda: own.services[0].metric('overround_odds_rounds_total', outcome='whole') > 2)
    assert refuses(bettor, market)
    own.feed.again()
    own.level(market)
    until(lambda: takes(bettor, market))


def test_a_feed_that_is_silent_stops_bets(own):
    market = own.market()
    bettor = Bettor(own.services[0])
    until(lambda: takes(bettor, market))
    own.feed.silent = True

    def refuses_for_the_provider():  # the price is known: it is the provider that is not
        lagged = own.services[0].lagged()
        return refuses(bettor, market) and own.services[0].lagged() == lagged
    until(refuses_for_the_provider)
    own.feed.silent = False
    until(lambda: takes(bettor, market))


@pytest.mark.parametrize('who', ['redis', 'writer'])
def test_who_stands_still_stops_bets_within_the_lag_and_they_go_on_with_it(own, who):
    market = own.market()
    service, bettor = own.services[0], Bettor(own.services[0])
    until(lambda: takes(bettor, market))
    process = own.redis.process if who == 'redis' else own.writer.server.process
    own.feed.silent = who == 'writer'
    pause(process, True)
    until(lambda: refuses(bettor, market))
    assert service.shown(market)['status'] == 'active', 'the lease held: it was the lag'
    assert service.lagged() > 0
    pause(process, False)
    own.feed.silent = False
    until(lambda: takes(bettor, market))


def pause(process, stopped):
    process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)


def test_a_cluster_node_that_dies_stops_its_markets_only(tmp_path):
    own = Books(Cluster(), tmp_path)
    try:
        markets = [own.market() for _ in range(12)]
        bettor = Bettor(own.services[0])
        for market in markets:
            until(lambda market=market: takes(bettor, market))
        at = {market: until(lambda m=market: own.redis.node_of(f'odds:{m}')) for market in markets}
        assert len(set(at.values())) == 3
        dead = at[markets[-1]]
        its = [market for market in markets if at[market] is dead]
        others = [market for market in markets if at[market] is not dead]
        dead.end()
        until(lambda: all(refuses(bettor, market) for market in its))
        for market in others:
            until(lambda market=market: takes(bettor, market))
        assert own.services[0].metric('overround_odds_deaf_total') == 0, 'heard at another node too'
        own.feed.price(its[0], 11, 3.0)
        for market in its:  # its replica has taken over, and the writer has said all of it again
            until(lambda market=market: takes(bettor, market), 60)
        assert bettor.odds(its[0], 11)[0] == own.shown(its[0])['selections'][0]['odds']
        assert own.services[0].terminate() == 0
        assert 'all invariants hold' in own.services[0].verify()
    finally:
        own.close()


def test_a_slot_that_moves_to_another_node_takes_its_prices_along(tmp_path):
    """Whoever writes there and whoever reads follow it, also while it is in both places."""
    own = Books(Cluster(), tmp_path)
    try:
        market, bettor = own.market(), Bettor(own.services[0])
        key = f'odds:{market}'
        until(lambda: takes(bettor, market))
        target = next(m for m in own.redis.masters() if m is not own.redis.node_of(key))
        source, slot = own.redis.begin_move(key, target)
        for price, then in ((2.4, None), (2.8, lambda: source.cli(
                'migrate', target.host, str(target.port), key, '0', '5000')), (3.2, None)):
            own.feed.price(market, 11, price)
            own.level(market)
            until(lambda: takes(bettor, market))
            if then:
                assert then() == 'OK'
        own.redis.end_move(slot, target)
        own.feed.price(market, 11, 3.6)
        version = own.level(market)
        until(lambda: own.redis.node_of(key) is target)
        assert until(lambda: takes(bettor, market))['legs'][0]['odds_version'] == version
        until(lambda: (own.redis.value(key) or {}).get('odds_version') == version)
    finally:
        own.close()


@pytest.mark.parametrize('options, word', [
    (['--roles', 'bet-service'], '--odds-store'),
    (['--roles', 'bet-service,odds-worker'], 'a process runs'),
    (['--roles', 'bet-service', '--odds-store', 'redis://127.0.0.1:6379', '--loops', '2'],
     '--loops'),
    (['--roles', 'bet-service', '--odds-store', 'redis://127.0.0.1:6379', '--price-lag-ms', '10'],
     '--price-lag-ms'),
])
def test_options_that_cannot_be_are_refused(tmp_path, options, word):
    done = run('serve', '--data', str(tmp_path / 'data'), *options, check=False)
    assert done.returncode == 2 and word in done.stderr, done.stderr


def test_without_redis_it_is_there_and_not_ready(tmp_path):
    service = BetService(tmp_path / 'data', 'redis://127.0.0.1:9').start()
    try:
        assert service.get('/readyz').status == 503
        assert Bettor(service).bet('1.1', 11, '1.00', odds=2.0).status == 409
    finally:
        service.kill()
