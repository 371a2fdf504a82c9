"""One poisoned market slows nobody else (P3): bets elsewhere at a steady rate, open loop, before,
during and after; and, in turns with that, on a server of the same bets to which nothing happens.

poisoned_market: markets of more selections than may be, which are refused in part and move all the
same, and of as many as may be, which are published, move, are bet on and settled.
poisoned_settlement: the result of a market with a million open bets."""
import http.client
import json
import socket
import statistics
import threading
import time

import bench_settle as settle
from bench_server import open_accounts
from harness import Feed, Server

EVENT, ALLOWED_ID, BEYOND_ID = '8999', '1.6999', '1.6998'
ALLOWED, BEYOND = 512, 50000
MOVES, BEYOND_MOVES = 20, 1  # messages a second, each of which moves every selection
MARKET_ROUNDS, SETTLEMENT_ROUNDS = 3, 1
MARKET_SECONDS, SETTLEMENT_SECONDS = 4, 3
MARKET_BETS_RATE, OPEN_BETS = 500, 1000000
WORDS = ('before', 'meanwhile', 'after')


class Market:
    """A market of the Betfair stream as lines: its image, and prices of all selections in turn."""

    def __init__(self, market, count):
        self.market, self.count, self.clock = market, count, 0

    def line(self, change):
        self.clock += 1
        return json.dumps({'op': 'mcm', 'clk': f'{self.market}-{self.clock}',
                           'pt': int(time.time() * 1000),
                           'mc': [{'id': self.market, **change}]},
                          separators=(',', ':')).encode() + b'\r\n'

    def prices(self, old, new):
        return [{'id': 100 + n, 'atb': [[old, 0], [new, 500]]} for n in range(self.count)]

    def image(self):
        runners = [{'id': 100 + n, 'sortPriority': n, 'status': 'ACTIVE'}
                   for n in range(self.count)]
        definition = {'status': 'OPEN', 'inPlay': False, 'betDelay': 0, 'version': 1000,
                      'bettingType': 'ODDS', 'marketType': 'WIN', 'eventId': EVENT,
                      'eventTypeId': '7', 'numberOfWinners': 1, 'complete': True, 'name': 'Win',
                      'marketTime': '2030-01-01T15:00:00.000Z', 'eventName': 'Derby',
                      'runners': runners}
        return self.line({'img': True, 'marketDefinition': definition})

    def moves(self):
        """Two messages that change the price of each: of 50,000, 2.4 MB."""
        return (self.line({'rc': self.prices(2.0, 2.2)}), self.line({'rc': self.prices(2.2, 2.0)}))


class Poison(threading.Thread):
    """Both markets, with all their moves, over a connection of its own."""

    def __init__(self, server):
        super().__init__()
        self.over, self.sent = threading.Event(), {ALLOWED: 0, BEYOND: 0}
        self.error = None
        markets = {count: Market(market, count)
                   for market, count in ((ALLOWED_ID, ALLOWED), (BEYOND_ID, BEYOND))}
        self.images = [market.image() for market in markets.values()]
        self.lines = {count: market.moves() for count, market in markets.items()}
        host, port = server.admin.split(':')
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(
            (f'POST /v1/feed/betfair HTTP/1.1\r\nHost: {server.admin}\r\nTransfer-Encoding: '
             f'chunked\r\nAuthorization: Bearer {server.token("feed")}\r\n\r\n').encode())

    def send(self, line):
        self.socket.sendall(b'%x\r\n%s\r\n' % (len(line), line))

    def move(self, count):
        self.send(self.lines[count][self.sent[count] % 2])
        self.sent[count] += 1

    def run(self):
        try:
            self.send_all()
        except OSError as error:
            self.error = error

    def send_all(self):
        for image in self.images:
            self.send(image)
        begun = time.monotonic()
        while not self.over.is_set():
            now = time.monotonic() - begun
            if self.sent[BEYOND] < now * BEYOND_MOVES:
                self.move(BEYOND)
            if self.sent[ALLOWED] < now * MOVES:
                self.move(ALLOWED)
            time.sleep(0.5 / MOVES)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.socket.close()
        if self.error is not None:
            raise RuntimeError(f'the feed was refused: {self.error}')


def wait_published(server, market):
    end = time.monotonic() + settle.FILL_SECONDS
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(server.url.split('//')[1], timeout=10)
        connection.request('GET', f'/v1/odds/{market}')
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return
        time.sleep(0.05)
    raise RuntimeError(f'{market} does not appear')


def grown(before, after, words):
    """Of the counters with one of these words in their names, what was added to them."""
    return {name: round(value - before.get(name, 0)) for name, value in after.items()
            if value != before.get(name, 0) and any(word in name for word in words)}


def publish_bet_settle(server, poison):
    """The whole life of the market that is allowed, beside the one that is not."""
    before = server.metrics()
    with poison:
        wait_published(server, ALLOWED_ID)
        server.load('bets', rate=MARKET_BETS_RATE, seconds=2, warmup=0, transport='ws',
                    connections=8, pipeline=4, users=2000, channels='market:' + ALLOWED_ID,
                    deposit=0)
        begun = time.monotonic()
        settle.post_results(server, [ALLOWED_ID], EVENT, [str(100 + n) for n in range(ALLOWED)])
        while server.metrics()['overround_settle_backlog'] > 0:
            time.sleep(0.05)
        took = time.monotonic() - begun
    after = server.metrics()
    return {'moves_sent': poison.sent[ALLOWED], 'moves_beyond_sent': poison.sent[BEYOND],
            'limits_reached': grown(before, after, ('limit_reached', 'dropped', 'malformed')),
            'settle_s': round(took, 3),
            **{word: grown(before, after, (f'overround_{word}_total',)).get(
                f'overround_{word}_total', 0) for word in ('selections_changed', 'settled_bets')}}


def settle_open_bets(server, placed):
    settled, begun = server.metrics()['overround_settled_bets_total'], time.monotonic()
    settle.post_results(server, ['1.7000'])
    return {'settle_s': round(settle.wait_settled(server, settled + placed, begun), 3)}


# ---- in three windows, by turns ----

def measured(report):
    """p50, p99 and what was answered otherwise than with a bet; 503s are among `failed`."""
    latency = report['latency_us']
    return {'p50_us': latency['p50'], 'p99_us': latency['p99'], 'p999_us': latency['p99.9'],
            **{key: report[key] for key in ('achieved_per_s', 'failed', 'lost')},
            **({'saturated': True} if report.get('saturated') else {})}


def windows(server, seconds, happens):
    """Bets elsewhere before, while and after it happens."""
    row = {'before': measured(settle.quiet_elsewhere(server))}
    bets = settle.Elsewhere(server, seconds)
    placed = server.metrics()['overround_bets_total{verdict="PLACED"}']
    bets.start()
    bets.wait_warm(placed)
    row['told'] = happens()
    row['meanwhile'] = measured(bets.finish())
    row['after'] = measured(settle.quiet_elsewhere(server))
    return row


def one_round(bench, poisoned, open_bets):
    """On a fresh server. Without open bets: the market; else the settlement."""
    with Server(bench) as server, Feed(server, settle.FEED_MARKETS, 10):
        open_accounts(server)
        placed = settle.fill(server, open_bets, 'market:1.7000') if open_bets else 0
        settle.wait_calm(server)
        seconds = SETTLEMENT_SECONDS if open_bets else MARKET_SECONDS
        if not poisoned:
            return windows(server, seconds, lambda: None)
        if open_bets:
            row = windows(server, seconds, lambda: settle_open_bets(server, placed))
            return {'open_bets': int(placed), **row}
        poison = Poison(server)  # its messages are made before anything is measured
        return windows(server, seconds, lambda: publish_bet_settle(server, poison))


def medians(rows):
    return {word: {key: statistics.median(row[word][key] for row in rows)
                   for key in ('p50_us', 'p99_us', 'failed', 'lost')} for word in WORDS}


def by_turns(bench, name, rounds, open_bets=0, **values):
    poisoned, control = [], []
    for _ in range(rounds):
        control.append(one_round(bench, False, open_bets))
        poisoned.append(one_round(bench, True, open_bets))
    with_it, without = medians(poisoned), medians(control)
    bench.emit(name, rate=settle.RATE, rounds=rounds, **values, poisoned=with_it, control=without,
               p50_ratio=round(with_it['meanwhile']['p50_us'] / with_it['before']['p50_us'], 2),
               p99_ratio=round(with_it['meanwhile']['p99_us'] / with_it['before']['p99_us'], 2),
               p99_of_control=round(with_it['meanwhile']['p99_us'] /
                                    without['meanwhile']['p99_us'], 2),
               runs={'poisoned': poisoned, 'control': control})


def bench_poisoned_market(bench, rounds=MARKET_ROUNDS):
    by_turns(bench, 'poisoned_market', rounds, selections=ALLOWED, selections_beyond=BEYOND,
             bets_on_it_per_s=MARKET_BETS_RATE, moves_per_s=MOVES, moves_beyond_per_s=BEYOND_MOVES)


def bench_poisoned_settlement(bench, rounds=SETTLEMENT_ROUNDS, open_bets=OPEN_BETS):
    by_turns(bench, 'poisoned_settlement', rounds, open_bets)
