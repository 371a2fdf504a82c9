"""A small exchange: markets with prices, sent to the feed intake in the Betfair stream format."""
import json
import threading
import time

from .http import Closed, Http

HEARTBEAT_SECONDS = 1


class Feed:
    """Sends messages, and a heartbeat each second unless it is told to be silent."""

    def __init__(self, server, path='/v1/feed/betfair'):
        self.server, self.path, self.clock = server, path, 0
        self.lock, self.markets = threading.RLock(), {}
        self.ended, self.silent = threading.Event(), False
        self.heart = threading.Thread(target=self.beat, daemon=True)
        self.heart.start()

    def close(self):
        self.ended.set()
        self.heart.join()

    def beat(self):
        while not self.ended.wait(HEARTBEAT_SECONDS):
            if not self.silent:
                try:
                    self.send({'ct': 'HEARTBEAT'})
                except (OSError, Closed, AssertionError):
                    pass  # the server is down just now: some tests want that

    def post(self, text):
        """Newline-delimited messages as they are."""
        with Http(self.server.admin) as http:
            response = http.request('POST', self.path, text, self.server.token('feed-1', 'feed'))
        assert response.status in (200, 202, 204), (response.status, response.body)
        return response

    def send(self, *changes):
        lines = ''
        with self.lock:
            for change in changes:
                self.clock += 1
                message = {'op': 'mcm', 'clk': f'C{self.clock}',
                           'pt': int(time.time() * 1000), **change}
                lines += json.dumps(message) + '\r\n'
            return self.post(lines)

    def market(self, ident, prices, event='9000', **definition):
        """A market with its prices: {runner: back price}."""
        runners = [{'id': r, 'sortPriority': n + 1, 'status': 'ACTIVE', 'name': f'Runner {r}'}
                   for n, r in enumerate(prices)]
        self.markets[ident] = {
            'definition': {
                'status': 'OPEN', 'inPlay': False, 'betDelay': 0, 'version': 1000,
                'bettingType': 'ODDS', 'marketType': 'MATCH_ODDS', 'eventId': event,
                'eventTypeId': '1', 'numberOfWinners': 1, 'complete': True,
                'numberOfActiveRunners': len(runners), 'bspMarket': False,
                'turnInPlayEnabled': True, 'runnersVoidable': False, 'crossMatching': True,
                'persistenceEnabled': True, 'discountAllowed': True, 'marketBaseRate': 5.0,
                'regulators': ['MR_INT'], 'timezone': 'GMT', 'countryCode': 'GB',
                'marketTime': '2030-01-01T15:00:00.000Z', 'openDate': '2030-01-01T15:00:00.000Z',
                'name': f'Market {ident}', 'eventName': 'Home v Away', 'runners': runners,
                **definition},
            'prices': dict(prices)}
        self.send(self.image(ident))

    def image(self, ident):
        market = self.markets[ident]
        rows = [{'id': r, 'atb': [[p, 500.0]], 'atl': [[round(p + 0.02, 2), 500.0]], 'ltp': p}
                for r, p in market['prices'].items()]
        return {'mc': [{'id': ident, 'img': True, 'marketDefinition': market['definition'],
                        'rc': rows}]}

    def again(self):
        """All markets once more, as after a reconnect."""
        for ident in self.markets:
            self.send(self.image(ident))

    def price(self, ident, runner, price):
        """Moves one runner: the old offers go, the new ones come."""
        self.prices(ident, {runner: price})

    def prices(self, ident, prices):
        """Moves several runners in one change."""
        rows = []
        for runner, price in prices.items():
            old = self.markets[ident]['prices'][runner]
            self.markets[ident]['prices'][runner] = price
            rows.append({'id': runner, 'ltp': price, 'atb': [[old, 0], [price, 500.0]],
                         'atl': [[round(old + 0.02, 2), 0], [round(price + 0.02, 2), 500.0]]})
        self.send({'mc': [{'id': ident, 'rc': rows}]})

    def define(self, ident, runners=None, **fields):
        """A new definition; runners: {runner: status}."""
        definition = self.markets[ident]['definition']
        definition.update(fields)
        definition['version'] += 1
        for row in definition['runners']:
            row['status'] = (runners or {}).get(row['id'], row['status'])
        self.send({'mc': [{'id': ident, 'marketDefinition': definition}]})

    def settle(self, ident, winners, removed=(), placed=(), at='2030-01-01T17:00:00.000Z'):
        """CLOSED with these winners."""
        runners = {r['id']: 'WINNER' if r['id'] in winners else
                   'REMOVED' if r['id'] in removed else
                   'PLACED' if r['id'] in placed else 'LOSER'
                   for r in self.markets[ident]['definition']['runners']}
        self.define(ident, runners, status='CLOSED', settledTime=at, numberOfActiveRunners=0)
