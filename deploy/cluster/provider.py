#!/usr/bin/python3
"""provider.py API-PORT SINCE FOLDER - a producer of the Unified Odds Feed: matches of its own, told
through the broker at $OVERROUND_UOF, and the API at which recoveries are asked for, on 127.0.0.1.
The API answers once the broker does; what it has taken stands in FOLDER until it is told.

What is played is a function of the time and of SINCE (seconds since 1970), so whoever starts it
again goes on with the same matches: one begins and one ends each half minute; before its start its
prices move slowly, then quickly and with a score, it is stopped at its end, and settled. Exit 77:
python3-pika is not installed."""
import http.server
import math
import os
import random
import sys
import threading
import time
from urllib.parse import parse_qsl, urlsplit

try:
    import pika
except ImportError:
    sys.exit(77)

EXCHANGE, PRODUCT = 'unifiedfeed', 1
STEP_SECONDS, OPEN = 10, 6        # matches at a time
LIFE_SECONDS = STEP_SECONDS * OPEN
PLAY_SECONDS = LIFE_SECONDS / 2   # behind its start
STOP_SECONDS = 5                  # before its end
ALIVE_SECONDS = 5
AWAY_SECONDS_MAX = 300           # between two that told these matches
NOT_STARTED, LIVE = 0, 1          # status
SUSPENDED = -1                    # of a market
FIRST_HALF = 6                    # match_status


class Match:
    """Number `n`, from 1; its prices, score and result at any time."""

    def __init__(self, n, since):
        self.event, self.dice = f'sr:match:{9000000 + n}', random.Random(n)
        self.ends = since + n * STEP_SECONDS
        self.begins = self.ends - PLAY_SECONDS
        home = self.dice.uniform(0.25, 0.55)
        draw = self.dice.uniform(0.2, 0.3)
        over = self.dice.uniform(0.35, 0.65)
        self.chances = {('1', None): {'1': home, '2': draw, '3': 1 - home - draw},
                        ('18', 'total=2.5'): {'12': over, '13': 1 - over}}
        self.goals = sorted((self.begins + self.dice.uniform(0, PLAY_SECONDS), side)
                            for side in (0, 1) for _ in range(self.dice.randrange(4)))

    def score(self, at):
        return [sum(1 for when, of in self.goals if of == side and when <= at) for side in (0, 1)]

    def result(self):
        """The ids of the outcomes that have won."""
        home, away = self.score(self.ends)
        return {'1' if home > away else '2' if home == away else '3',
                '12' if home + away > 2 else '13'}

    def markets(self, at):
        """As XML, with what is offered at that time."""
        quick = 4 if at >= self.begins else 1
        status = SUSPENDED if at >= self.ends - STOP_SECONDS else 1
        for (ident, specifiers), chances in self.chances.items():
            sway = 1 + 0.15 * math.sin(quick * at / 9 + self.ends)
            rows = ''.join(f'<outcome id="{i}" odds="{max(1.05, sway / chance):.2f}" active="1"/>'
                           for i, chance in chances.items())
            yield f'<market id="{ident}"{specified(specifiers)} status="{status}">{rows}</market>'

    def odds_change(self, at):
        state = f'status="{NOT_STARTED}" match_status="0"'
        if at >= self.begins:
            home, away = self.score(at)
            state = (f'status="{LIVE}" match_status="{FIRST_HALF}" home_score="{home}" '
                     f'away_score="{away}"')
        return (f'<sport_event_status {state}/><odds>{"".join(self.markets(at))}</odds>')

    def settlement(self):
        won = self.result()
        markets = ''.join(
            f'<market id="{ident}"{specified(specifiers)}>' +
            ''.join(f'<outcome id="{i}" result="{int(i in won)}"/>' for i in chances) +
            '</market>' for (ident, specifiers), chances in self.chances.items())
        return f'<outcomes>{markets}</outcomes>'


def specified(specifiers):
    return f' specifiers="{specifiers}"' if specifiers else ''


class Api(http.server.BaseHTTPRequestHandler):
    """Takes what is asked for; the broker's thread sends it."""
    protocol_version = 'HTTP/1.1'
    folder = None

    def do_POST(self):  # pylint: disable=invalid-name
        self.rfile.read(int(self.headers.get('content-length') or 0))
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        known = url.path.endswith('/recovery/initiate_request') and \
            query.get('request_id', '').isdecimal() and query.get('after', '0').isdecimal()
        if known:
            self.keep(query['request_id'], query.get('after', '0'))
        body = b'<response response_code="ACCEPTED"/>' if known else b''
        self.send_response(202 if known else 404)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keep(self, request, after):
        path = os.path.join(self.folder, request)
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write(after)
        os.replace(path + '.new', path)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def asked(folder):
    """(file, request, after in seconds) of each request that is not told yet."""
    for request in filter(str.isdecimal, os.listdir(folder)):
        path = os.path.join(folder, request)
        with open(path, encoding='ascii') as file:
            yield path, request, int(file.read()) / 1000


class Producer:
    """One connection to the broker; ends with it."""

    def __init__(self, since, folder):
        self.since, self.folder, self.spoken, self.last = since, folder, 0, 0
        self.link = pika.BlockingConnection(pika.URLParameters(os.environ['OVERROUND_UOF']))
        self.channel = self.link.channel()
        self.channel.exchange_declare(EXCHANGE, 'topic', durable=True)

    def send(self, kind, body='', event=None, named=''):
        """As the provider does: what it is and of which event are in the routing key, too."""
        self.last = max(self.last + 1, int(time.time() * 1000))
        urn, number = event.rsplit(':', 1) if event else ('-', '-')
        level = '-' if event is None else 'lo' if kind == 'bet_settlement' else 'hi'
        root = f'product="{PRODUCT}" timestamp="{self.last}" {named}'
        root += f' event_id="{event}"' if event else ''
        self.channel.basic_publish(EXCHANGE, f'{level}.-.live.{kind}.1.{urn}.{number}.-',
                                   f'<{kind} {root}>{body}</{kind}>')

    def matches(self, after, before):
        """Those that end in that time."""
        first = max(1, math.floor((after - self.since) / STEP_SECONDS) + 1)
        last = math.floor((before - self.since) / STEP_SECONDS)
        return [Match(n, self.since) for n in range(first, last + 1)]

    def tell(self, at):
        """What there is to say each second."""
        if at - self.spoken >= ALIVE_SECONDS:
            self.spoken = at
            self.send('alive', named='subscribed="1"')
        for match in self.matches(at, at + LIFE_SECONDS):
            self.send('odds_change', match.odds_change(at), match.event)

    def settle(self, after, before):
        for match in self.matches(after, before):
            self.send('bet_settlement', match.settlement(), match.event, 'certainty="2"')

    def recover(self, request, after, now):
        self.settle(after, now)
        for match in self.matches(now, now + LIFE_SECONDS):
            self.send('odds_change', match.odds_change(now), match.event,
                      f'request_id="{request}"')
        self.send('snapshot_complete', named=f'request_id="{request}"')

    def produce(self, told):
        """Until the broker is lost; `told`: up to when matches were settled, in told[0]."""
        while True:
            now = time.time()
            self.settle(told[0], now)
            told[0] = now
            self.tell(now)
            for path, request, after in asked(self.folder):
                self.recover(request, after, now)
                self.link.process_data_events(0)  # it is on its way
                os.unlink(path)
            self.link.process_data_events(1)


def serve_api(port):
    api = http.server.ThreadingHTTPServer(('127.0.0.1', port), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()


def main():
    port, since, Api.folder = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    # What ended while nobody was here to tell it, and has heard of no recovery, is told now; who
    # knows it already takes it as said again.
    told, serves = [max(since, time.time() - AWAY_SECONDS_MAX)], False
    while True:
        try:
            producer = Producer(since, Api.folder)
            if not serves:
                serve_api(port)
                serves = True
            producer.produce(told)
        except (pika.exceptions.AMQPError, OSError) as error:
            print(f'the broker does not answer: {error!r}', file=sys.stderr, flush=True)
            time.sleep(1)


if __name__ == '__main__':
    main()
