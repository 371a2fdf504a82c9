"""Prices pushed: snapshot, deltas by number, resume, SSE. A client that counts misses nothing."""
import json
import threading
from decimal import Decimal

import pytest
from lib.http import Http
from lib.until import until


class Mirror:
    """What a client knows: applies frames, and fails on a gap or on an older price."""

    def __init__(self):
        self.seq, self.markets = {}, {}

    def apply(self, message):
        if message['op'] == 'snapshot':
            self.seq[message['channel']] = message['seq']
            for market in message['markets']:
                self.put(market)
        elif message['op'] in ('delta', 'skipped', 'removed', 'image'):
            if 'seq' in message and message['op'] == 'delta':
                assert message['seq'] == self.seq[message['channel']] + 1, 'a number is missing'
            if 'seq' in message:
                self.seq[message['channel']] = message['seq']
            if message['op'] == 'delta':
                self.put(message)
            elif message['op'] == 'image':
                self.put(message['market'])

    def put(self, news):
        known = self.markets.setdefault(news['market_id'], {'odds_version': 0, 'selections': {}})
        assert news['odds_version'] >= known['odds_version'], 'an older price after a newer one'
        known['odds_version'] = news['odds_version']
        known['status'] = news.get('status', known.get('status'))
        for selection in news['selections']:
            known['selections'].setdefault(selection['id'], {}).update(selection)

    def agrees_with(self, shown):
        known = self.markets[shown['market_id']]
        assert known['odds_version'] == shown['odds_version']
        assert known['status'] == shown['status']
        for selection in shown['selections']:
            mine = known['selections'][selection['id']]
            assert mine.get('odds') == selection.get('odds'), (mine, selection)


def test_the_odds_are_shown_with_all_of_it(book):
    market = book.market(event='777')
    shown = book.server.get(f'/v1/odds/{market}').json
    assert shown['market_id'] == market and shown['event_id'] == '777'
    assert shown['status'] == 'active' and 0 < shown['odds_version'] < 2 ** 53
    assert [s['id'] for s in shown['selections']] == ['11', '12', '13']
    assert all(isinstance(s['odds'], (Decimal, int)) and s['odds'] > 1
               for s in shown['selections'])
    # A margin is taken: the sum of the inverse prices is above one.
    assert sum(1 / Decimal(s['odds']) for s in shown['selections']) > 1
    assert shown['updated_at'].endswith('Z')


def test_an_etag_saves_the_body(book):
    market = book.market()
    first = book.server.get(f'/v1/odds/{market}')
    tag = first.headers['etag']
    again = book.server.get(f'/v1/odds/{market}', headers={'If-None-Match': tag})
    assert again.status == 304 and again.body == b''
    book.feed.price(market, 11, 2.6)
    changed = book.server.get(f'/v1/odds/{market}', headers={'If-None-Match': tag})
    assert changed.status == 200 and changed.headers['etag'] != tag


def test_versions_rise_and_a_repeat_changes_nothing(book):
    market = book.market()
    versions = [book.server.get(f'/v1/odds/{market}').json]
    book.feed.send(book.feed.image(market))
    assert book.server.get(f'/v1/odds/{market}').json == versions[0]
    for price in (2.1, 2.2, 2.3):
        book.feed.price(market, 11, price)
        versions.append(book.server.get(f'/v1/odds/{market}').json)
    numbers = [v['odds_version'] for v in versions]
    assert numbers == sorted(set(numbers))


def test_the_catalogue_lists_the_event(book):
    market = book.market(event='888', eventName='Home v Away')
    text = book.server.get('/v1/events').body.decode()
    assert '"888"' in text
    assert market in text or market in book.server.get('/v1/events?sport=football').body.decode()


def test_a_subscriber_gets_a_snapshot_and_then_every_change(book):
    market = book.market()
    mirror = Mirror()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        snapshot = socket.wait_for(op='snapshot')
        assert snapshot['sid'] and snapshot['channel'] == f'market:{market}'
        mirror.apply(snapshot)
        for step in range(1, 31):
            book.feed.price(market, 11 + step % 3, 1.5 + step / 10)
        book.feed.define(market, status='SUSPENDED')
        shown = book.server.get(f'/v1/odds/{market}').json
        while mirror.markets[market]['odds_version'] < shown['odds_version']:
            mirror.apply(socket.receive())
        mirror.agrees_with(shown)


def test_a_delta_holds_only_what_changed(book):
    market = book.market()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        book.feed.price(market, 12, 5.0)
        delta = socket.wait_for(op='delta')
        assert [s['id'] for s in delta['selections']] == ['12']
        assert delta['market_id'] == market and delta['feed_ts']


def test_a_suspension_is_pushed_and_lifted(book):
    market = book.market()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
        for status, wire in (('SUSPENDED', 'suspended'), ('OPEN', 'active')):
            book.feed.define(market, status=status)
            assert socket.wait_for(op='delta', status=wire)['market_id'] == market


def test_events_and_sports_are_channels_too(book):
    event = '4242'
    first = book.market(event=event)
    with book.server.websocket() as socket:
        socket.subscribe(f'event:{event}', 'sport:football')
        seen = {}
        while len(seen) < 2:
            message = socket.wait_for(op='snapshot')
            seen[message['channel']] = [m['market_id'] for m in message['markets']]
        assert seen[f'event:{event}'] == [first]
        assert first in seen['sport:football']
        second = book.market(event=event)
        found = set()
        while len(found) < 2:
            message = socket.receive()
            if second in json.dumps(message, default=str):
                found.add(message['channel'])


def test_who_unsubscribes_hears_no_more(book):
    market, other = book.market(), book.market()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}', f'market:{other}')
        for _ in range(2):
            socket.wait_for(op='snapshot')
        socket.send({'op': 'unsubscribe', 'channels': [f'market:{market}']})
        socket.send({'op': 'ping'})
        socket.wait_for(op='pong')
        book.feed.price(market, 11, 3.0)
        book.feed.price(other, 11, 3.0)
        assert socket.wait_for(op='delta')['market_id'] == other


def test_resume_brings_only_what_was_missed(book):
    moved, still = book.market(), book.market()
    mirror = Mirror()
    channels = [f'market:{moved}', f'market:{still}']
    with book.server.websocket() as socket:
        socket.subscribe(*channels)
        for _ in range(2):
            mirror.apply(socket.wait_for(op='snapshot'))
    book.feed.price(moved, 11, 3.3)
    with book.server.websocket() as socket:
        have = {m: v['odds_version'] for m, v in mirror.markets.items()}
        socket.send({'op': 'resume', 'channels': channels, 'have': have})
        answers = [socket.wait_for(op='snapshot') for _ in range(2)]
        assert [m['market_id'] for a in answers for m in a['markets']] == [moved]
        for answer in answers:
            mirror.apply(answer)
        book.feed.price(moved, 11, 3.4)
        mirror.apply(socket.wait_for(op='delta'))
        mirror.agrees_with(book.server.get(f'/v1/odds/{moved}').json)


@pytest.mark.parametrize('have', [[], {'x': 'y'}, {'1.1': -1}, {'1.1': 1.5}, 7])
def test_a_resume_that_means_nothing_is_an_error(book, have):
    with book.server.websocket() as socket:
        socket.send({'op': 'resume', 'channels': ['market:1.1'], 'have': have})
        assert socket.receive()['op'] == 'error'


def test_who_has_a_newer_version_gets_no_older_one(book):
    """It may come from a node that is ahead (P1)."""
    market = book.market()
    with book.server.websocket() as socket:
        socket.send({'op': 'resume', 'channels': [f'market:{market}'],
                     'have': {market: 2 ** 53 - 1}})
        assert socket.wait_for(op='snapshot')['markets'] == []


def test_a_conflated_client_ends_with_the_newest_price(book):
    market = book.market()
    mirror = Mirror()
    with book.server.websocket() as socket:
        socket.subscribe(f'market:{market}', conflate_ms=300)
        mirror.apply(socket.wait_for(op='snapshot'))
        for step in range(50):
            book.feed.price(market, 11, round(2 + step / 50, 2))
        shown = book.server.get(f'/v1/odds/{market}').json
        frames = 0
        while mirror.markets[market]['odds_version'] < shown['odds_version']:
            mirror.apply(socket.receive())
            frames += 1
        assert frames < 50
        mirror.agrees_with(shown)


@pytest.mark.one_loop
def test_many_subscribers_get_the_same_frames(book):
    market = book.market()
    sockets = [book.server.websocket() for _ in range(50)]
    for socket in sockets:
        socket.subscribe(f'market:{market}')
        socket.wait_for(op='snapshot')
    book.feed.price(market, 11, 2.9)
    frames = {socket.http.socket and json.dumps(socket.wait_for(op='delta'), default=str)
              for socket in sockets}
    assert len(frames) == 1
    for socket in sockets:
        socket.http.close()


def test_what_moves_ones_own_money_is_pushed_to_its_owner_only(book):
    market = book.market()
    owner, other = book.bettor(), book.bettor()
    with book.server.websocket(token=owner.token) as mine, \
            book.server.websocket(token=other.token) as theirs:
        owner.bet(market, 11, '10.00')
        update = mine.wait_for(op='bet_update')
        assert update['status'] == 'PLACED' and Decimal(update['balance']) == 990
        owner.deposit('5.00')
        assert Decimal(mine.wait_for(op='balance')['balance']) == 995
        theirs.send({'op': 'ping'})
        assert theirs.receive()['op'] == 'pong'


class Events:
    """A text/event-stream."""

    def __init__(self, server, channels, last=None):
        self.http = Http(server.public)
        headers = {'Accept': 'text/event-stream', **({'Last-Event-ID': last} if last else {})}
        self.http.begin('GET', f'/v1/stream?channels={channels}', headers=headers)
        self.head = self.http.head()
        self.text, self.id = '', None

    def receive(self):
        """The next event's data."""
        while True:
            while '\n\n' not in self.text:
                size = int(self.http.take_line(), 16)
                assert size, 'the stream ended'
                self.text += self.http.take(size).decode()
                self.http.take_line()
            event, self.text = self.text.split('\n\n', 1)
            lines = event.split('\n')
            self.id = next((x[3:].strip() for x in lines if x.startswith('id:')), self.id)
            data = '\n'.join(x[5:].strip() for x in lines if x.startswith('data:'))
            if data:
                return json.loads(data, parse_float=Decimal)


def test_server_sent_events_carry_the_same(book):
    market = book.market()
    events = Events(book.server, f'market:{market}')
    assert events.head.status == 200
    assert events.head.headers['content-type'].startswith('text/event-stream')
    assert events.receive()['op'] == 'snapshot'
    book.feed.price(market, 11, 2.7)
    delta = events.receive()
    assert delta['op'] == 'delta' and delta['market_id'] == market
    last = events.id
    assert last
    events.http.close()
    book.feed.price(market, 11, 2.8)
    resumed = Events(book.server, f'market:{market}', last)
    newest = book.server.get(f'/v1/odds/{market}').json['odds_version']
    message = resumed.receive()
    versions = [m['odds_version'] for m in message.get('markets', [message])]
    assert versions == [newest]
    resumed.http.close()


@pytest.mark.parametrize('query', ['', '?channels=', '?channels=nothing:1', '?channels=%ff'])
def test_server_sent_events_of_nothing_are_refused(book, query):
    response = book.server.get(f'/v1/stream{query}', headers={'Accept': 'text/event-stream'})
    assert response.status == 400 and response.code


def test_a_storm_of_prices_from_several_sides_arrives_whole(book):
    """Four markets moved by four threads; one client on all of them ends with the truth."""
    markets = [book.market() for _ in range(4)]
    mirror = Mirror()
    with book.server.websocket() as socket:
        socket.subscribe(*[f'market:{m}' for m in markets])
        for _ in markets:
            mirror.apply(socket.wait_for(op='snapshot'))

        def move(market):
            for step in range(100):
                book.feed.price(market, 11, round(2 + step / 100, 2))

        threads = [threading.Thread(target=move, args=(m,)) for m in markets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        shown = {m: book.server.get(f'/v1/odds/{m}').json for m in markets}
        until(lambda: mirror.apply(socket.receive()) or all(
            mirror.markets[m]['odds_version'] == shown[m]['odds_version'] for m in markets), 30, 0)
        for market in markets:
            mirror.agrees_with(shown[market])


def test_the_feed_may_fill_the_book(own_book):
    """As many markets as --markets-max says (65,536), not as many as some table below it."""
    count = 4500
    own_book.feed.market('1.500000', {11: 2.0, 12: 3.5, 13: 4.2})
    image = own_book.feed.image('1.500000')['mc'][0]
    images = [{**image, 'id': f'1.{500000 + n}'} for n in range(count)]
    own_book.feed.send(*({'mc': images[n:n + 50]} for n in range(0, count, 50)))
    for n in (0, count // 2, count - 1):
        assert own_book.server.get(f'/v1/odds/1.{500000 + n}').status == 200, n


def test_after_a_restart_versions_are_higher_still(own_book):
    market = own_book.market()
    before = own_book.server.get(f'/v1/odds/{market}').json['odds_version']
    own_book.server.restart()
    own_book.feed.again()
    after = own_book.server.get(f'/v1/odds/{market}').json['odds_version']
    assert after > before and after >> 32 == (before >> 32) + 1
