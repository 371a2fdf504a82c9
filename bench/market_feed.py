"""market_feed.py ADMIN TOKEN MARKETS RATE - a provider: Betfair stream messages to a server's feed
intake, over one connection.

MARKETS three-way football markets (1.7000 on; four to an event), of which one price moves RATE
times a second in turn (0: never), with a heartbeat each second. Prints "ready" when all images
are sent. Open loop: what is due goes out together, whatever the server does."""
import itertools
import json
import socket
import sys
import time

PRICES = {11: 2.0, 12: 3.5, 13: 4.2}
MOVES = (2.0, 2.2, 2.4, 2.6)


def offers(price):
    return {'atb': [[price, 500.0]], 'atl': [[round(price + 0.02, 2), 500.0]], 'ltp': price}


def image(ident, event):
    runners = [{'id': r, 'sortPriority': n + 1, 'status': 'ACTIVE', 'name': f'Runner {r}'}
               for n, r in enumerate(PRICES)]
    definition = {'status': 'OPEN', 'inPlay': False, 'betDelay': 0, 'version': 1000,
                  'bettingType': 'ODDS', 'marketType': 'MATCH_ODDS', 'eventId': event,
                  'eventTypeId': '1', 'numberOfWinners': 1, 'complete': True,
                  'numberOfActiveRunners': len(runners), 'bspMarket': False,
                  'turnInPlayEnabled': True, 'runnersVoidable': False, 'crossMatching': True,
                  'persistenceEnabled': True, 'discountAllowed': True, 'marketBaseRate': 5.0,
                  'regulators': ['MR_INT'], 'timezone': 'GMT', 'countryCode': 'GB',
                  'marketTime': '2030-01-01T15:00:00.000Z',
                  'openDate': '2030-01-01T15:00:00.000Z', 'name': 'Match Odds',
                  'eventName': 'Home v Away', 'runners': runners}
    return {'id': ident, 'img': True, 'marketDefinition': definition,
            'rc': [{'id': r, **offers(p)} for r, p in PRICES.items()]}


def move(ident, old, new):
    """The changed ladder, as text that is ready to be sent."""
    row = {'id': 11, 'atb': [[old, 0], [new, 500.0]],
           'atl': [[round(old + 0.02, 2), 0], [round(new + 0.02, 2), 500.0]], 'ltp': new}
    return json.dumps([{'id': ident, 'rc': [row]}], separators=(',', ':'))


class Intake:
    """One chunked request that lasts as long as the feed does."""

    def __init__(self, admin, token):
        host, port = admin.rsplit(':', 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(f'POST /v1/feed/betfair HTTP/1.1\r\nHost: {admin}\r\n'
                            f'Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n'
                            'Content-Type: application/x-ndjson\r\n\r\n'.encode())
        self.clock = 0

    def line(self, rest):
        self.clock += 1
        return f'{{"op":"mcm","clk":"C{self.clock}","pt":{int(time.time() * 1000)},{rest}}}\r\n'

    def send(self, lines):
        body = ''.join(lines).encode()
        self.socket.sendall(f'{len(body):x}\r\n'.encode() + body + b'\r\n')


def main(admin, token, markets, rate):
    intake = Intake(admin, token)
    idents = [f'1.{7000 + n}' for n in range(markets)]
    for n, ident in enumerate(idents):
        intake.send([intake.line('"mc":' + json.dumps([image(ident, str(9000 + n // 4))]))])
    print('ready', flush=True)
    # One after the other: market 1 from 2.0 to 2.2, market 2 from 2.0 to 2.2, ..., market 1 on.
    moves = itertools.cycle([move(ident, MOVES[k], MOVES[(k + 1) % len(MOVES)])
                             for k in range(len(MOVES)) for ident in idents])
    begin, sent, heart = time.monotonic(), 0, 0.0
    while True:
        now = time.monotonic()
        due = int((now - begin) * rate) - sent
        if due > 0:
            intake.send([intake.line('"mc":' + next(moves)) for _ in range(min(due, 1000))])
            sent += min(due, 1000)
        if now - heart > 1:
            heart = now
            intake.send([intake.line('"ct":"HEARTBEAT"')])
        time.sleep(0.0005 if rate > 500 else 0.001 if rate else 0.1)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
